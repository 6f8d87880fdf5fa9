// Backups: is the home safe, which backups there are, where and when they are made, and how one is restored.
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useBackups } from "../api/backups";
import type { Backup as Archive, BackupList, BackupState, ChangeBackupsRequest } from "../api/backups.types";
import { useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { decimal, NBSP } from "../model/format";
import { clock, dayAndClock, fullDate } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { Submit, TextField } from "../ui/Field";
import { FormError } from "../ui/FormError";
import { useTitle } from "../ui/hooks";
import { Failed, SkeletonRows } from "../ui/States";
import { Switch } from "../ui/Switch";
import { EditHead } from "./EditHead";
import { useFormError } from "./plug-form";
import "./backup.css";
import "./edit.css";

const RESTORE = "plughub restore";

export default function Backup() {
  const { t } = useI18n();
  const { user } = useSession();
  const { operator } = user;
  const backups = useBackups(operator);
  useTitle(t("backup.title"));
  return (
    <div className="narrow">
      <EditHead href="/settings" back={t("backup.back")} title={t("backup.title")} />
      {!operator && <p className="note">{t("backup.notAllowed")}</p>}
      {operator && backups.data && <Page data={backups.data} />}
      {operator && !backups.data && backups.error && (
        <Failed error={backups.error} onRetry={() => void backups.refetch()} />
      )}
      {operator && !backups.data && !backups.error && <SkeletonRows rows={4} />}
    </div>
  );
}

function Page({ data: { items, state } }: { data: BackupList }) {
  return (
    <div className="col" style={{ gap: 10 }}>
      <Standing items={items} state={state} />
      <Archives items={items} />
      <Rules state={state} />
      <Restoring state={state} />
    </div>
  );
}

/** The answer as the heading, what helps below it. */
function Standing({ items, state }: { items: Archive[]; state: BackupState }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const { announce } = useAnnouncer();
  const queries = useQueryClient();
  const [refusal, setRefusal] = useState<string | null>(null);
  const newest = items.find((item) => item.created !== null);
  const { running, last } = state;
  const failed = !running && last !== null && last.name === null;
  const when = (at: number): string => dayAndClock(at, client.now(), home.time_zone, language);

  const busy = running !== null;
  const was = useRef(busy);
  useEffect(() => {
    if (was.current && !busy) announce(t(failed ? "backup.failed" : "backup.done"));
    was.current = busy;
  }, [busy, failed, announce, t]);

  const start = async (): Promise<void> => {
    setRefusal(null);
    try {
      await client.request("POST", "/backups", {});
    } catch (error) {
      setRefusal(error instanceof Error && error.message ? error.message : t("error.title"));
    }
    await queries.invalidateQueries({ queryKey: ["backups"] });
  };

  let title = t("backup.never");
  if (running) title = t(running.step === "copying" ? "backup.copying" : "backup.checking");
  else if (failed) title = t("backup.failed");
  else if (newest?.created) title = t("backup.last", { time: when(newest.created) });

  return (
    <section className="sheet" aria-labelledby="standing">
      <div className="row top standing">
        {failed || state.problem ? (
          <IconAlertTriangle className="icon danger" aria-hidden="true" />
        ) : newest && !running ? (
          <IconCircleCheck className="icon ok" aria-hidden="true" />
        ) : (
          <IconCircleDashed className="icon" aria-hidden="true" />
        )}
        <div className="grow">
          <h2 id="standing">{title}</h2>
          {running && (
            <progress
              className="progress"
              max={Math.max(running.total, 1)}
              value={running.done}
              aria-labelledby="standing"
            />
          )}
          {!running && last?.detail && <p className="meta">{last.detail}</p>}
          {!running && !failed && newest && (
            <p className="meta">{t("backup.checked", { size: sizeText(newest.size, language) })}</p>
          )}
          {!running && failed && newest?.created && (
            <p className="meta">{t("backup.lastGood", { time: when(newest.created) })}</p>
          )}
          {!running && !newest && !failed && <p className="meta">{t("backup.neverText")}</p>}
          {!running && state.next !== null && (
            <p className="meta">
              {t("backup.next", {
                day: fullDate(state.next, home.time_zone, language),
                time: clock(state.next, home.time_zone, language),
              })}
            </p>
          )}
        </div>
      </div>
      {state.problem && (running || last?.detail !== state.problem) && (
        <p className="note danger-soft">{state.problem}</p>
      )}
      {!state.problem && state.same_disk && <p className="note warn-soft">{t("backup.sameDisk")}</p>}
      {!state.encrypted && <p className="note warn-soft">{t("backup.open")}</p>}
      <div className="row edit-acts">
        <Button className="btn" isPending={busy} onPress={() => void start()}>
          {t("backup.now")}
        </Button>
      </div>
      <FormError text={refusal} />
    </section>
  );
}

function Archives({ items }: { items: Archive[] }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  if (!items.length) return null;
  return (
    <section className="sheet" aria-labelledby="archives">
      <h2 id="archives">{t("backup.list")}</h2>
      <ul className="archives">
        {items.map((item) => (
          <li key={item.name}>
            <span className="grow">
              <span className="h3 block">
                {item.created === null
                  ? item.name
                  : `${fullDate(item.created, home.time_zone, language)}, ${clock(item.created, home.time_zone, language)}`}
              </span>
              <span className={item.verified ? "meta block" : "meta block danger"}>
                {item.detail ??
                  [
                    t(item.history ? "backup.withHistory" : "backup.homeOnly"),
                    t(item.encrypted ? "backup.encrypted" : "backup.notEncrypted"),
                  ].join(", ")}
              </span>
            </span>
            <span className="nowrap">{sizeText(item.size, language)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Rules({ state }: { state: BackupState }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { toast } = useAnnouncer();
  const queries = useQueryClient();
  const [folder, setFolder] = useState(state.own_folder ? state.folder : "");
  const [time, setTime] = useState(state.time);
  const [keep, setKeep] = useState(String(state.keep));
  const [history, setHistory] = useState(state.history);
  const [passphrase, setPassphrase] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["folder", "time", "keep", "passphrase"]);
  const fixed = (name: string): boolean => state.declared.includes(name);

  const wanted = folder.trim() || null;
  // A folder that is not there may be chosen once more: whoever emptied it says so by that.
  const folderChanged =
    wanted !== (state.own_folder ? state.folder : null) || (state.problem !== null && wanted !== null);
  const changed =
    folderChanged ||
    time !== state.time ||
    keep !== String(state.keep) ||
    history !== state.history ||
    passphrase !== "";

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const change: ChangeBackupsRequest = {};
    if (folderChanged && !fixed("folder")) change.folder = wanted;
    if (time !== state.time) change.time = time;
    const count = Number(keep);
    if (!Number.isInteger(count) || count < 1 || count > 100) {
      error.set("keep", t("backup.keepWrong"));
      return;
    }
    if (count !== state.keep) change.keep = count;
    if (history !== state.history) change.history = history;
    if (passphrase) change.passphrase = passphrase;
    error.clear();
    setBusy(true);
    try {
      await client.request("PATCH", "/backups/settings", change);
      await queries.invalidateQueries({ queryKey: ["backups"] });
      setPassphrase("");
      toast(t("backup.saved"));
    } catch (problem) {
      error.refused(problem);
    }
    setBusy(false);
  };

  return (
    <form className="sheet col" style={{ gap: 18 }} noValidate onSubmit={(event) => void save(event)}>
      <h2>{t("backup.rules")}</h2>
      {state.declared.length > 0 && (
        <p className="note">{t("backup.declared", { names: state.declared.join(", ") })}</p>
      )}
      {!fixed("folder") && (
        <TextField
          label={t("backup.folder")}
          name="folder"
          value={folder}
          hint={t("backup.folderHint")}
          error={error.at("folder")}
          onChange={setFolder}
        />
      )}
      {!fixed("history") && (
        <Switch label={t("backup.history")} hint={t("backup.historyHint")} isSelected={history} onChange={setHistory} />
      )}
      {!fixed("passphrase") && (
        <TextField
          label={t(state.encrypted ? "backup.passphraseNew" : "backup.passphrase")}
          name="passphrase"
          type="password"
          autoComplete="new-password"
          value={passphrase}
          hint={t("backup.passphraseHint")}
          error={error.at("passphrase")}
          onChange={setPassphrase}
        />
      )}
      <div className="backup-pair">
        {!fixed("time") && (
          <TextField label={t("backup.time")} name="time" value={time} error={error.at("time")} onChange={setTime} />
        )}
        {!fixed("keep") && (
          <TextField
            label={t("backup.keep")}
            name="keep"
            inputMode="numeric"
            value={keep}
            error={error.at("keep")}
            onChange={setKeep}
          />
        )}
      </div>
      {error.below}
      {changed && (
        <div className="row edit-acts">
          <Submit busy={busy}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
        </div>
      )}
    </form>
  );
}

function Restoring({ state }: { state: BackupState }) {
  const { t } = useI18n();
  return (
    <section className="sheet" aria-labelledby="restoring">
      <h2 id="restoring">{t("backup.restore")}</h2>
      <p className="meta">{t("backup.restoreText")}</p>
      <p className="sunk mono command">{`${RESTORE} ${quoted(state.folder)}`}</p>
      <p className="meta">{t("backup.restoreAfter")}</p>
    </section>
  );
}

/** As a shell takes it for one word. */
const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

const sizeText = (bytes: number, language: "en" | "de"): string =>
  bytes < 1e5
    ? `${decimal(Math.max(bytes / 1e3, 1), 0, language)}${NBSP}kB`
    : `${decimal(bytes / 1e6, bytes < 1e8 ? 1 : 0, language)}${NBSP}MB`;
