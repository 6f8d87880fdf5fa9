// On the settings page: the way to "Secure this phone", and for admins which certificates the hub uses.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { CERTIFICATES, type Certificates, type ServerCertificates, useCertificates } from "../api/https";
import { useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { fullDate } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { problemWords } from "../ui/problem";
import { Failed } from "../ui/States";

export function SecureSheet() {
  const { t } = useI18n();
  const { user } = useSession();
  return (
    <section className="sheet" aria-labelledby="secure">
      <h2 id="secure">{t("secure.sheet")}</h2>
      <p className="meta" style={{ margin: "8px 0 16px" }}>
        {t("secure.sheet.text")}
      </p>
      <Link href="/secure" className="btn outline">
        {t("secure.sheet.show")}
      </Link>
      {user.operator && <InUse />}
    </section>
  );
}

function InUse() {
  const { t } = useI18n();
  const { client } = useHub();
  const { toast } = useAnnouncer();
  const queries = useQueryClient();
  const { data, error, refetch } = useCertificates(true);
  const [busy, setBusy] = useState(false);

  const renew = async (): Promise<void> => {
    setBusy(true);
    try {
      queries.setQueryData(CERTIFICATES, await client.request<Certificates>("POST", "/certificates/renew"));
      toast(t("secure.renewed"));
    } catch (failure) {
      toast(problemWords(t, failure, "login.away"));
    } finally {
      setBusy(false);
    }
  };

  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return null;
  return (
    <>
      <dl className="facts sheet-part">
        <Server name="HTTPS" server={data.web} />
        <Server name={t("secure.mqtt")} server={data.mqtt} />
      </dl>
      {data.web?.authority && (
        <p className="meta">
          {t("secure.fingerprint")} <span className="mono">{data.web.authority.fingerprint}</span>
        </p>
      )}
      {(data.web ?? data.mqtt) && (
        <Button className="text-btn meta" isDisabled={busy} onPress={() => void renew()}>
          {t("secure.renew")}
        </Button>
      )}
    </>
  );
}

function Server({ name, server }: { name: string; server: ServerCertificates | null }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const ends = server?.certificate?.ends;
  let text = t(server ? "secure.unreadable" : "secure.isOff");
  if (server && ends !== undefined)
    text = t(server.own ? "secure.ownUntil" : "secure.until", { date: fullDate(ends, home.time_zone, language) });
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}
