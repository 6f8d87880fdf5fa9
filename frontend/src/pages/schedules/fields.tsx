// Fields of a schedule: a time of day and the days of the week.
import { IconAlertCircle } from "@tabler/icons-react";
import { type KeyboardEvent, useId } from "react";
import { useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { minutesOf, readTime, timeOf, weekFrom } from "../../model/schedule";
import { TextField } from "../../ui/Field";
import { dayName } from "./words";

const STEP = 15;

interface TimeFieldProps {
  label: string;
  name: string;
  value: string;
  error: string | null;
  onChange: (text: string) => void;
}

/** Takes a time as it comes (6:30, 06.30, 630) and writes it as clocks do; the arrow keys move it by 15 minutes. */
export function TimeField({ value, onChange, ...rest }: TimeFieldProps) {
  const move = (event: KeyboardEvent): void => {
    const time = readTime(value);
    const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (by === 0 || time === null) return;
    event.preventDefault();
    const quarter = minutesOf(time) / STEP;
    onChange(timeOf((by > 0 ? Math.floor(quarter) + 1 : Math.ceil(quarter) - 1) * STEP));
  };
  return (
    <div onKeyDown={move} onBlur={() => onChange(readTime(value) ?? value)}>
      <TextField {...rest} value={value} inputMode="numeric" autoComplete="off" onChange={onChange} />
    </div>
  );
}

interface DaysFieldProps {
  days: number[];
  error: string | null;
  onChange: (days: number[]) => void;
}

export function DaysField({ days, error, onChange }: DaysFieldProps) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const id = useId();
  const toggle = (day: number): void =>
    onChange(days.includes(day) ? days.filter((each) => each !== day) : [...days, day].sort((a, b) => a - b));
  return (
    <fieldset className="sched-days" aria-describedby={error ? `${id}-error` : undefined}>
      <legend className="field-label">{t("schedules.days")}</legend>
      <div>
        {weekFrom(home.week_start).map((day) => (
          <label key={day} className="sched-day">
            <input
              type="checkbox"
              className="hidden-visually"
              checked={days.includes(day)}
              aria-label={dayName(day, language, true)}
              onChange={() => toggle(day)}
            />
            <span aria-hidden="true">{dayName(day, language).slice(0, 2)}</span>
          </label>
        ))}
      </div>
      {error && (
        <p className="field-error" id={`${id}-error`}>
          <IconAlertCircle className="icon xs" aria-hidden="true" />
          {error}
        </p>
      )}
    </fieldset>
  );
}
