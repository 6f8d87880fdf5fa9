// One schedule: its name, days, time and command; or, for who may only look, what it is and why it stays as it is.
import { type SyntheticEvent, useState } from "react";
import { useScheduleCalls } from "../../api/schedules";
import type { ChangeScheduleRequest, Schedule, ScheduleCommand } from "../../api/schedules.types";
import { LONGEST_NAME } from "../../api/types";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { outletName } from "../../model/outlet";
import { readTime } from "../../model/schedule";
import { Submit, TextField } from "../../ui/Field";
import { RemoveButton } from "../../ui/RemoveButton";
import { Segmented } from "../../ui/Segmented";
import { isTooLong, useFormError } from "../plug-form";
import { DaysField, TimeField } from "./fields";
import { lastText, nextText, sentence, type Shown, unbroken, whyNot } from "./words";

interface ChangeScheduleProps {
  shown: Shown;
  onDone: () => void;
}

export function ChangeSchedule(props: ChangeScheduleProps) {
  const { t, language } = useI18n();
  const { user, home } = useSession();
  const now = useNow(10_000);
  const { shown } = props;
  const reason = whyNot(t, shown, user);
  if (reason === null) return <ChangeForm {...props} />;
  const mayRemove = shown.schedule.author === user.id && user.role !== "guest";
  const last = lastText(t, language, shown.schedule, now, home.time_zone);
  return (
    <div className="col sched-form">
      <div>
        <p className="h3">{sentence(t, language, outletName(shown.view), shown.schedule, home.week_start)}</p>
        <p className="meta">{nextText(t, language, shown.schedule, now, home.time_zone)}</p>
        {last && <p className={last.good ? "meta" : "meta warn"}>{last.text}</p>}
      </div>
      <p className="note meta">{reason}</p>
      {mayRemove && <Remove {...props} />}
    </div>
  );
}

function ChangeForm({ shown, onDone }: ChangeScheduleProps) {
  const { schedule, view } = shown;
  const { t, language } = useI18n();
  const { home } = useSession();
  const calls = useScheduleCalls();
  const [command, setCommand] = useState<ScheduleCommand>(schedule.command);
  const [time, setTime] = useState(schedule.time);
  const [days, setDays] = useState(schedule.days);
  const [name, setName] = useState(schedule.name);
  const [busy, setBusy] = useState(false);
  const error = useFormError(["time", "days", "name"]);
  const read = readTime(time);
  const said =
    read === null || days.length === 0
      ? null
      : sentence(t, language, outletName(view), { command, time: read, days }, home.week_start);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    error.clear();
    if (read === null) error.set("time", t("schedules.timeWrong"));
    else if (days.length === 0) error.set("days", t("schedules.daysMissing"));
    else if (!name.trim()) error.set("name", t("edit.nameMissing"));
    else if (!busy && !isTooLong(name)) await save(read); // a name that is too long says so itself
  };
  const save = async (time: string): Promise<void> => {
    const changes = changesOf(schedule, { command, time, days, name: name.trim() });
    setBusy(true);
    try {
      if (Object.keys(changes).length > 0) await calls.change(schedule.id, changes);
      onDone();
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col sched-form" noValidate onSubmit={(event) => void submit(event)}>
      <p className="meta sched-said" aria-live="polite">
        {said === null ? "\u00a0" : unbroken(said)}
      </p>
      {schedule.last?.outcome === "right-lost" && !schedule.enabled && (
        <p className="note meta">{t("schedules.takeOver")}</p>
      )}
      {view.device.always_on && schedule.command === "relay_on" ? (
        <p className="note meta">{t("schedules.alwaysOn", { name: view.device.name })}</p>
      ) : (
        <Segmented<ScheduleCommand>
          full
          label={t("schedules.what")}
          value={command}
          options={[
            { value: "relay_on", label: t("schedules.onlyOn") },
            { value: "relay_off", label: t("schedules.onlyOff") },
          ]}
          onChange={setCommand}
        />
      )}
      <TimeField label={t("schedules.time")} name="time" value={time} error={error.at("time")} onChange={setTime} />
      <DaysField days={days} error={error.at("days")} onChange={setDays} />
      <TextField
        label={t("schedules.name")}
        name="name"
        value={name}
        limit={LONGEST_NAME}
        error={error.at("name")}
        onChange={setName}
      />
      {error.below}
      <div className="row sched-acts">
        <Submit busy={busy}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
        <Remove shown={shown} onDone={onDone} />
      </div>
    </form>
  );
}

/** What differs. */
export function changesOf(
  schedule: Schedule,
  draft: Pick<Schedule, "command" | "time" | "days" | "name">,
): ChangeScheduleRequest {
  const changes: ChangeScheduleRequest = {};
  if (draft.command !== schedule.command) changes.command = draft.command;
  if (draft.time !== schedule.time) changes.time = draft.time;
  if (draft.days.join() !== schedule.days.join()) changes.days = draft.days;
  if (draft.name !== schedule.name) changes.name = draft.name;
  return changes;
}

function Remove({ shown: { schedule, view }, onDone }: ChangeScheduleProps) {
  const { t, language } = useI18n();
  const { user, home } = useSession();
  const calls = useScheduleCalls();
  const said = sentence(t, language, outletName(view), schedule, home.week_start);
  const { device, channel, name, days, time, command, enabled } = schedule;
  return (
    <RemoveButton
      label={t("schedules.remove")}
      remove={() => calls.remove(schedule.id)}
      again={() => calls.add({ device, channel, name, days, time, command, enabled })}
      words={{
        removed: t("schedules.removed", { said }),
        back: t(schedule.author === user.id ? "schedules.back" : "schedules.backYours", { said }),
      }}
      onDone={onDone}
    />
  );
}
