// On the settings page: when the home was last backed up, and the way to the page about it.
import { Link } from "wouter";
import { useBackups } from "../api/backups";
import { useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { dayAndClock } from "../model/time";
import { Failed } from "../ui/States";

export function BackupSheet() {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const { data, error, refetch } = useBackups(true);
  const newest = data?.items.find((item) => item.created !== null)?.created ?? null;
  const failed = data?.state.last?.name === null;
  let text = "";
  if (data && failed) text = t("backup.failed");
  else if (data && newest === null) text = t("backup.never");
  else if (newest !== null)
    text = t("backup.last", { time: dayAndClock(newest, client.now(), home.time_zone, language) });
  return (
    <section className="sheet" aria-labelledby="backup">
      <h2 id="backup">{t("backup.title")}</h2>
      {!data && error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : (
        <p className={failed ? "meta danger" : "meta"} style={{ margin: "8px 0 16px" }}>
          {text}
        </p>
      )}
      <Link href="/settings/backup" className="btn outline">
        {t("backup.show")}
      </Link>
    </section>
  );
}
