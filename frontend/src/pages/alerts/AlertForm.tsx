// Makes an alert, or changes one; who may only look sees what it is and why it stays as it is.
import { type SyntheticEvent, useState } from "react";
import { useAlertCalls } from "../../api/alerts";
import type { AddAlertRequest, Alert, AlertKind, ChangeAlertRequest } from "../../api/alerts.types";
import { outletKey } from "../../api/live";
import type { User } from "../../api/people.types";
import { LONGEST_NAME } from "../../api/types";
import { useNow, useSession } from "../../app/hub";
import { type Translate, useI18n } from "../../i18n/i18n";
import { holds, readWatts, ruleText, type Shown, writeWatts } from "../../model/alert";
import { duration } from "../../model/format";
import { outletName, type OutletView } from "../../model/outlet";
import { HOUR } from "../../model/time";
import { useAnnouncer } from "../../ui/Announcer";
import { Choice, Submit, TextField } from "../../ui/Field";
import { RemoveButton } from "../../ui/RemoveButton";
import { Segmented } from "../../ui/Segmented";
import { isTooLong, useFormError } from "../plug-form";
import { AlertPicture } from "./AlertPicture";

const KINDS: AlertKind[] = ["power_above", "power_below", "offline"];
const MOST_W = 25_000;
const FIELDS = ["threshold", "name"];

interface Draft {
  kind: AlertKind;
  watts: string;
  hold: number;
  name: string;
}

/** Null where what was typed is no threshold. */
function thresholdOf({ kind, watts }: Draft, language: "en" | "de"): number | null | undefined {
  if (kind === "offline") return undefined;
  const read = readWatts(watts, language);
  return read === null || Math.abs(read) > MOST_W ? null : read;
}

export function NewAlert({ views, first, onDone }: { views: OutletView[]; first: OutletView; onDone: () => void }) {
  const { t, language } = useI18n();
  const calls = useAlertCalls();
  const { toast } = useAnnouncer();
  const keyOf = ({ device, outlet }: OutletView): string => outletKey(device.id, outlet.channel);
  const [plug, setPlug] = useState(keyOf(first));
  const [draft, setDraft] = useState<Draft>({ kind: "power_above", watts: "", hold: 600, name: "" });
  const [busy, setBusy] = useState(false);
  const error = useFormError(FIELDS);
  const view = views.find((each) => keyOf(each) === plug) ?? first;

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    error.clear();
    const threshold = thresholdOf(draft, language);
    if (threshold === null) {
      error.set("threshold", t("alerts.thresholdWrong"));
      return;
    }
    if (busy || isTooLong(draft.name)) return; // its field says so
    const rule = { kind: draft.kind, threshold: threshold ?? null, hold_s: draft.hold };
    const said = t("alerts.ofPlug", { name: outletName(view), rule: ruleText(t, language, rule) });
    const request: AddAlertRequest = {
      device: view.device.id,
      channel: view.outlet.channel,
      name: draft.name.trim() || outletName(view),
      kind: draft.kind,
      hold_s: draft.hold,
      ...(threshold !== undefined && { threshold }),
    };
    setBusy(true);
    try {
      await calls.add(request);
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
      return;
    }
    onDone();
    toast(t("alerts.added", { said }));
  };

  return (
    <form className="col alert-form" noValidate onSubmit={(event) => void submit(event)}>
      <Choice
        label={t("alerts.plug")}
        value={plug}
        options={views.map((each) => ({ value: keyOf(each), label: outletName(each) }))}
        onChange={setPlug}
      />
      <Segmented<AlertKind>
        full
        label={t("alerts.kind")}
        value={draft.kind}
        options={KINDS.map((value) => ({ value, label: t(`alerts.kind.${value}`) }))}
        onChange={(kind) => setDraft({ ...draft, kind })}
      />
      <Fields view={view} draft={draft} error={error.at} onChange={setDraft} nameHint={t("alerts.nameHint")} />
      {error.below}
      <div className="row alert-acts">
        <Submit busy={busy}>{t(busy ? "edit.saving" : "alerts.add")}</Submit>
      </div>
    </form>
  );
}

interface FieldsProps {
  view: OutletView;
  draft: Draft;
  error: (field: string) => string | null;
  onChange: (draft: Draft) => void;
  nameHint?: string;
}

function Fields({ view, draft, error, onChange, nameHint }: FieldsProps) {
  const { t, language } = useI18n();
  const now = useNow(60_000);
  const threshold = thresholdOf(draft, language);
  const end = Math.ceil(now / HOUR) * HOUR;
  return (
    <>
      {draft.kind !== "offline" && (
        <>
          <TextField
            label={t("alerts.threshold")}
            name="threshold"
            value={draft.watts}
            inputMode="decimal"
            autoComplete="off"
            unit="W"
            error={error("threshold")}
            onChange={(watts) => onChange({ ...draft, watts })}
          />
          <figure className="alert-last-day">
            <figcaption className="meta">{t("alerts.lastDay", { name: outletName(view) })}</figcaption>
            <AlertPicture view={view} span={{ start: end - 24 * HOUR, end }} threshold={threshold ?? null} />
          </figure>
        </>
      )}
      <Choice
        label={t("alerts.hold")}
        value={String(draft.hold)}
        options={holds(draft.hold).map((seconds) => ({
          value: String(seconds),
          label: seconds === 0 ? t("alerts.atOnce") : duration(seconds * 1000, language),
        }))}
        hint={t(draft.hold === 0 ? "alerts.atOnceHint" : "alerts.holdHint")}
        onChange={(hold) => onChange({ ...draft, hold: Number(hold) })}
      />
      <TextField
        label={t("alerts.name")}
        name="name"
        value={draft.name}
        limit={LONGEST_NAME}
        error={error("name")}
        {...(nameHint !== undefined && { hint: nameHint })}
        onChange={(name) => onChange({ ...draft, name })}
      />
    </>
  );
}

interface ChangeAlertProps {
  shown: Shown;
  onDone: () => void;
}

/** Why somebody may only look; null where they may change it. */
function whyNot(t: Translate, { alert, view }: Shown, user: User): string | null {
  if (alert.may_change) return null;
  if (user.role === "guest") return t("alerts.guest");
  const name = view.device.name;
  return t(view.device.right === "view" ? "alerts.onlyView" : "alerts.notYours", { name });
}

export function ChangeAlert(props: ChangeAlertProps) {
  const { t, language } = useI18n();
  const { user } = useSession();
  const { shown } = props;
  const { alert, view } = shown;
  const said = t("alerts.ofPlug", { name: outletName(view), rule: ruleText(t, language, alert) });
  const reason = whyNot(t, shown, user);
  if (reason === null) return <ChangeForm {...props} said={said} />;
  return (
    <div className="col alert-form">
      <p className="h3">{alert.name}</p>
      <p>{said}</p>
      <p className="note meta">{reason}</p>
      {alert.author === user.id && user.role !== "guest" && <Remove {...props} />}
    </div>
  );
}

function ChangeForm({ shown, onDone, said }: ChangeAlertProps & { said: string }) {
  const { alert, view } = shown;
  const { t, language } = useI18n();
  const calls = useAlertCalls();
  const [draft, setDraft] = useState<Draft>({
    kind: alert.kind,
    watts: alert.threshold === null ? "" : writeWatts(alert.threshold, language),
    hold: alert.hold_s,
    name: alert.name,
  });
  const [busy, setBusy] = useState(false);
  const error = useFormError(FIELDS);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    error.clear();
    const threshold = thresholdOf(draft, language);
    if (threshold === null) {
      error.set("threshold", t("alerts.thresholdWrong"));
      return;
    }
    if (!draft.name.trim()) {
      error.set("name", t("edit.nameMissing"));
      return;
    }
    if (busy || isTooLong(draft.name)) return; // its field says so
    const change = changesOf(alert, { threshold, hold_s: draft.hold, name: draft.name.trim() });
    setBusy(true);
    try {
      if (Object.keys(change).length > 0) await calls.change(alert.id, change);
      onDone();
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col alert-form" noValidate onSubmit={(event) => void submit(event)}>
      <p className="meta">{said}</p>
      <Fields view={view} draft={draft} error={error.at} onChange={setDraft} />
      {error.below}
      <div className="row alert-acts">
        <Submit busy={busy}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
        <Remove shown={shown} onDone={onDone} />
      </div>
    </form>
  );
}

/** What differs: what watches for the same goes on as it stands. */
export function changesOf(
  alert: Alert,
  draft: { threshold: number | undefined; hold_s: number; name: string },
): ChangeAlertRequest {
  const change: ChangeAlertRequest = {};
  if (draft.threshold !== undefined && draft.threshold !== alert.threshold) change.threshold = draft.threshold;
  if (draft.hold_s !== alert.hold_s) change.hold_s = draft.hold_s;
  if (draft.name !== alert.name) change.name = draft.name;
  return change;
}

function Remove({ shown: { alert }, onDone }: ChangeAlertProps) {
  const { t } = useI18n();
  const { user } = useSession();
  const calls = useAlertCalls();
  const { device, channel, name, kind, threshold, hold_s, enabled } = alert;
  return (
    <RemoveButton
      label={t("alerts.remove")}
      remove={() => calls.remove(alert.id)}
      again={() =>
        calls.add({ device, channel, name, kind, hold_s, enabled, ...(threshold !== null && { threshold }) })
      }
      words={{
        removed: t("alerts.removed", { name }),
        back: t(alert.author === user.id ? "alerts.back" : "alerts.backYours", { name }),
      }}
      onDone={onDone}
    />
  );
}
