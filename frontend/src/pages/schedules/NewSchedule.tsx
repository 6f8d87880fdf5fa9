// A new schedule: an outlet goes on and off at times of chosen days, which makes two of them, or only one of both.
import { type SyntheticEvent, useState } from "react";
import { useScheduleCalls } from "../../api/schedules";
import type { ScheduleCommand } from "../../api/schedules.types";
import { LONGEST_NAME } from "../../api/types";
import { useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { outletName, type OutletView } from "../../model/outlet";
import { duration } from "../../model/format";
import { lengthOf, minutesOf, type Part, partsOf, readTime } from "../../model/schedule";
import { MINUTE } from "../../model/time";
import { useAnnouncer } from "../../ui/Announcer";
import { Choice, Submit, TextField } from "../../ui/Field";
import { problemWords } from "../../ui/problem";
import { Segmented } from "../../ui/Segmented";
import { isTooLong, useFormError } from "../plug-form";
import { DaysField, TimeField } from "./fields";
import { daysText, plugKey, sentence, unbroken } from "./words";

type What = "both" | ScheduleCommand;

interface NewScheduleProps {
  /** The outlets that may be switched; at least one. */
  views: OutletView[];
  first: OutletView;
  onDone: (plug: string) => void;
}

export function NewSchedule({ views, first, onDone }: NewScheduleProps) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const calls = useScheduleCalls();
  const { toast } = useAnnouncer();
  const [plug, setPlug] = useState(plugKey(first));
  const [wanted, setWanted] = useState<What>("both");
  const [on, setOn] = useState("06:30");
  const [off, setOff] = useState("08:00");
  const [days, setDays] = useState([0, 1, 2, 3, 4, 5, 6]);
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["on", "off", "days", "name"]);
  const view = views.find((each) => plugKey(each) === plug) ?? first;
  const what = view.device.always_on ? "relay_on" : wanted;
  const plugName = outletName(view);
  const onTime = what === "relay_off" ? null : readTime(on);
  const offTime = what === "relay_on" ? null : readTime(off);
  const wrong = wrongOf();
  const parts = wrong ? [] : partsOf(onTime, offTime, days);
  const said = wrong ? null : saidOf();

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    error.clear();
    if (wrong) {
      error.set(...wrong);
      return;
    }
    if (busy || isTooLong(name)) return; // its field says so
    setBusy(true);
    const { device, outlet } = view;
    const called = name.trim() || Array.from(plugName).slice(0, LONGEST_NAME).join("");
    const made: Part[] = [];
    try {
      for (const part of parts) {
        await calls.add({ device: device.id, channel: outlet.channel, name: called, ...part });
        made.push(part);
      }
    } catch (problem) {
      if (made[0]) {
        const reason = problemWords(t, problem);
        error.set("half", t("schedules.half", { made: wordsOf(made[0]), reason }));
        setWanted("relay_on"); // what is left to do
      } else error.refused(problem);
      setBusy(false);
      return;
    }
    toast(said ?? plugName);
    onDone(plug);
  };

  return (
    <form className="col sched-form" noValidate onSubmit={(event) => void submit(event)}>
      <p className="meta sched-said" aria-live="polite">
        {said === null ? "\u00a0" : unbroken(said)}
      </p>
      <Choice
        label={t("schedules.plug")}
        value={plug}
        options={views.map((each) => ({ value: plugKey(each), label: outletName(each) }))}
        onChange={setPlug}
        {...(view.device.always_on && { hint: t("schedules.alwaysOn", { name: view.device.name }) })}
      />
      {!view.device.always_on && (
        <Segmented<What>
          full
          label={t("schedules.what")}
          value={what}
          options={[
            { value: "both", label: t("schedules.both") },
            { value: "relay_on", label: t("schedules.onlyOn") },
            { value: "relay_off", label: t("schedules.onlyOff") },
          ]}
          onChange={setWanted}
        />
      )}
      <div className="sched-times">
        {what !== "relay_off" && (
          <TimeField label={t("schedules.onAt")} name="on" value={on} error={error.at("on")} onChange={setOn} />
        )}
        {what !== "relay_on" && (
          <TimeField label={t("schedules.offAt")} name="off" value={off} error={error.at("off")} onChange={setOff} />
        )}
      </div>
      <DaysField days={days} error={error.at("days")} onChange={setDays} />
      <TextField
        label={t("schedules.name")}
        name="name"
        value={name}
        limit={LONGEST_NAME}
        hint={t("schedules.nameHint")}
        error={error.at("name")}
        onChange={setName}
      />
      {error.below}
      <Submit busy={busy}>{t(busy ? "edit.saving" : "schedules.add")}</Submit>
    </form>
  );

  function wrongOf(): [field: string, text: string] | null {
    if (what !== "relay_off" && onTime === null) return ["on", t("schedules.timeWrong")];
    if (what !== "relay_on" && offTime === null) return ["off", t("schedules.timeWrong")];
    if (onTime === offTime) return ["off", t("schedules.timesEqual")];
    return days.length === 0 ? ["days", t("schedules.daysMissing")] : null;
  }

  function wordsOf(part: Part): string {
    return sentence(t, language, plugName, part, home.week_start);
  }

  /** The whole as one sentence. */
  function saidOf(): string | null {
    if (onTime === null || offTime === null) return parts[0] ? wordsOf(parts[0]) : null;
    return t(minutesOf(offTime) < minutesOf(onTime) ? "schedules.pairNight" : "schedules.pair", {
      name: plugName,
      on: onTime,
      off: offTime,
      days: daysText(t, language, days, home.week_start),
      length: duration(lengthOf(onTime, offTime) * MINUTE, language),
    });
  }
}
