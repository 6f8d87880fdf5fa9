// The way out of the home: who is in no other one is deleted with it.
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useHomes } from "../api/people";
import { useConnection, useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { Ask } from "../ui/Ask";

export function AccountLeave() {
  const { t } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const homes = useHomes();
  const away = useConnection().state === "away";
  const [asks, setAsks] = useState(false);
  // Until it is known, the larger loss is said.
  const only = (homes.data?.length ?? 1) < 2;
  return (
    <section className="sheet" aria-labelledby="leave">
      <h2 id="leave">{t("account.leave.title", { home: home.name })}</h2>
      <p className="meta">{t(only ? "account.leave.deleted" : "account.leave.other")}</p>
      <Button className="btn outline danger account-act" isDisabled={away} onPress={() => setAsks(true)}>
        {t(only ? "account.leave.delete" : "account.leave.act")}
      </Button>
      <Ask
        open={asks}
        bad
        password
        title={t(only ? "account.leave.deleteQuestion" : "account.leave.question", { home: home.name })}
        text={t(only ? "account.leave.deleted" : "account.leave.other")}
        act={t(only ? "account.leave.delete" : "account.leave.act")}
        onClose={() => setAsks(false)}
        onAct={async (password) => {
          await client.request("POST", "/account/delete", { password });
          client.setSession(null);
        }}
      />
    </section>
  );
}
