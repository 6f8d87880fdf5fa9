// For who looks after the hub: the homes on it that they belong to, one more, and taking one away.
import { IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useHomes } from "../api/people";
import type { Home, Membership } from "../api/people.types";
import { LONGEST_NAME } from "../api/types";
import { useConnection, useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { currencies, zones } from "../model/places";
import { useAnnouncer } from "../ui/Announcer";
import { Ask } from "../ui/Ask";
import { Choice, Submit, TextField } from "../ui/Field";
import { Failed, SkeletonRows } from "../ui/States";
import { isTooLong, useFormError } from "./plug-form";
import "./people.css";

export function HomesSheet() {
  const { t } = useI18n();
  const homes = useHomes();
  const away = useConnection().state === "away";
  const [adding, setAdding] = useState(false);
  return (
    <section className="sheet" aria-labelledby="homes">
      <h2 id="homes">{t("homes.title")}</h2>
      <p className="meta" style={{ marginTop: 8 }}>
        {t("homes.text")}
      </p>
      {homes.data && <HomeRows homes={homes.data} />}
      {!homes.data && homes.error && <Failed error={homes.error} onRetry={() => void homes.refetch()} />}
      {!homes.data && !homes.error && <SkeletonRows rows={1} />}
      {adding ? (
        <NewHome onEnd={() => setAdding(false)} />
      ) : (
        <Button className="btn outline" isDisabled={away} onPress={() => setAdding(true)}>
          {t("homes.add")}
        </Button>
      )}
    </section>
  );
}

function HomeRows({ homes }: { homes: Membership[] }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { home: here } = useSession();
  const { toast } = useAnnouncer();
  const queries = useQueryClient();
  const away = useConnection().state === "away";
  const [going, setGoing] = useState<Home | null>(null);
  const remove = async (): Promise<void> => {
    if (!going) return;
    await client.request("DELETE", `/homes/${going.id}`);
    queries.setQueryData<Membership[]>(["homes"], (known) => known?.filter(({ home }) => home.id !== going.id));
    toast(t("homes.removed", { name: going.name }));
  };
  return (
    <>
      <ul className="people-links homes-list">
        {homes.map(({ home, role, first }) => (
          <li key={home.id} className="row">
            <span className="grow ellipsis">
              <span className="block strong ellipsis">{home.name}</span>
              <span className="meta block ellipsis">
                {[t(`settings.role.${role}`), home.id === here.id && t("homes.here"), first && t("homes.first")]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </span>
            {!first && (
              <Button
                className="icon-btn"
                isDisabled={away}
                aria-label={t("homes.remove", { name: home.name })}
                onPress={() => setGoing(home)}
              >
                <IconTrash className="icon s" aria-hidden="true" />
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Ask
        bad
        open={going !== null}
        title={t("homes.removeTitle", { name: going?.name ?? "" })}
        text={t("homes.removeText")}
        act={t("homes.removeAct")}
        onClose={() => setGoing(null)}
        onAct={remove}
      />
    </>
  );
}

/** It begins with the zone and the currency of the home that is shown. */
function NewHome({ onEnd }: { onEnd: () => void }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const { toast } = useAnnouncer();
  const queries = useQueryClient();
  const away = useConnection().state === "away";
  const [draft, setDraft] = useState({ name: "", time_zone: home.time_zone, currency: home.currency });
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "time_zone", "currency"]);
  const set = (field: keyof typeof draft) => (value: string) => setDraft((known) => ({ ...known, [field]: value }));

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy || isTooLong(draft.name)) return;
    error.clear();
    if (!draft.name.trim()) {
      error.set("name", t("setup.invalid.home"));
      return;
    }
    setBusy(true);
    try {
      const made = await client.request<Home>("POST", "/homes", { ...draft, name: draft.name.trim() });
      await queries.invalidateQueries({ queryKey: ["homes"] });
      toast(t("homes.added", { name: made.name }));
      onEnd();
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col account-form" noValidate onSubmit={(event) => void save(event)}>
      <TextField
        label={t("edit.name")}
        name="new-home"
        limit={LONGEST_NAME}
        value={draft.name}
        error={error.at("name")}
        onChange={set("name")}
      />
      <Choice
        label={t("settings.zone")}
        value={draft.time_zone}
        error={error.at("time_zone")}
        options={zones(home.time_zone, language)}
        onChange={set("time_zone")}
      />
      <Choice
        label={t("settings.currency")}
        value={draft.currency}
        error={error.at("currency")}
        options={currencies(language, home.currency)}
        onChange={set("currency")}
      />
      {error.below}
      <div className="row">
        <Submit busy={busy || away}>{t(busy ? "edit.saving" : "homes.addAct")}</Submit>
        <Button className="btn outline" isDisabled={busy} onPress={onEnd}>
          {t("edit.cancel")}
        </Button>
      </div>
    </form>
  );
}
