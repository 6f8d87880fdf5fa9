// Schedules in words: what, on which days, when next, how it went, whose it is and why one may only look.
import type { Schedule } from "../../api/schedules.types";
import type { Device } from "../../api/devices.types";
import type { User } from "../../api/people.types";
import type { Language } from "../../api/types";
import type { MessageId, Translate } from "../../i18n/i18n";
import { localeOf } from "../../model/format";
import { outletName, outletPath, outletsOf, type OutletView } from "../../model/outlet";
import { type DayPlan, inPairs, runsOf, timeOf } from "../../model/schedule";
import { clock, dayAndClock, HOUR, shortDate, startOfDay, weekday } from "../../model/time";

/** Monday, 5 January 1970, and the days after it. */
const dateOf = (day: number): number => Date.UTC(1970, 0, 5 + day, 12);

export const dayName = (day: number, language: Language, long = false): string =>
  weekday(dateOf(day), "UTC", language, long).replace(".", "");

/** Mon–Fri; Sat, Sun; every day. */
export function daysText(t: Translate, language: Language, days: number[], weekStart: number): string {
  if (days.length === 7) return t("schedules.everyDay");
  const name = (day: number): string => dayName(day, language);
  return runsOf(days, weekStart)
    .flatMap((run) => (run.length > 2 ? [`${name(run[0] ?? 0)}–${name(run.at(-1) ?? 0)}`] : run.map(name)))
    .join(", ");
}

/** How the address names an outlet. */
export const plugKey = (view: OutletView): string => outletPath(view).slice("/plugs/".length);

type Said = Pick<Schedule, "command" | "time" | "days">;

/** "Boiler on at 06:30, Mon–Fri" */
export function sentence(t: Translate, language: Language, name: string, said: Said, weekStart: number): string {
  const days = daysText(t, language, said.days, weekStart);
  return t(said.command === "relay_on" ? "schedules.on" : "schedules.off", { name, time: said.time, days });
}

export interface Shown {
  schedule: Schedule;
  view: OutletView;
}

/** Those of the plugs that are known here, by plug, then in pairs. */
export function shownOf(schedules: Schedule[], devices: Device[], language: Language): Shown[] {
  const collator = new Intl.Collator(localeOf(language), { numeric: true });
  return outletsOf(devices)
    .toSorted((a, b) => collator.compare(outletName(a), outletName(b)))
    .flatMap((view) =>
      inPairs(
        schedules.filter(({ device, channel }) => device === view.device.id && channel === view.outlet.channel),
      ).map((schedule) => ({ schedule, view })),
    );
}

/** A line may end at a dash; at that of "Mon–Fri" it must not. */
export const unbroken = (text: string): string => text.replaceAll("–", "\u2060–\u2060");

/** Today 06:30, tomorrow 06:30, Thu 06:30, Mon 7 Dec 06:30. */
function dueText(t: Translate, language: Language, at: number, now: number, zone: string): string {
  const time = clock(at, zone, language);
  if (startOfDay(at, zone) === startOfDay(now, zone)) return t("schedules.today", { time });
  if (startOfDay(at, zone) === startOfDay(now, zone, 1)) return t("schedules.tomorrow", { time });
  const day = weekday(at, zone, language);
  return at - now < 6 * 24 * HOUR ? `${day} ${time}` : `${day} ${shortDate(at, zone, language)} ${time}`;
}

/** For the page of a plug: how many, and the next of them. */
export function countText(t: Translate, language: Language, schedules: Schedule[], now: number, zone: string): string {
  const count = schedules.length;
  const due = schedules.flatMap(({ enabled, next }) => (enabled && next !== null ? [next] : []));
  if (due.length > 0)
    return t("schedules.countNext", { count, when: dueText(t, language, Math.min(...due), now, zone) });
  return schedules.some(({ enabled }) => enabled) ? t("schedules.noTime") : t("schedules.count", { count });
}

export function nextText(t: Translate, language: Language, schedule: Schedule, now: number, zone: string): string {
  if (!schedule.enabled) return t("schedules.paused");
  if (schedule.next === null) return t("schedules.noTime");
  return t("schedules.next", { when: dueText(t, language, schedule.next, now, zone) });
}

/** How the last run went; null where there was none since the hub's start. */
export function lastText(
  t: Translate,
  language: Language,
  { last }: Schedule,
  now: number,
  zone: string,
): { text: string; good: boolean } | null {
  if (last === null) return null;
  const when = dayAndClock(last.at, now, zone, language);
  const good = last.outcome === "confirmed";
  const detail = last.detail ?? t("cause.unknown");
  return { text: t(`schedules.ran.${last.outcome}` as MessageId, good ? { when } : { when, detail }), good };
}

export function authorText(t: Translate, { author }: Schedule, user: User, members: User[] | undefined): string {
  if (author === null) return t("schedules.byHub");
  if (author === user.id) return t("schedules.byYou");
  const name = members?.find(({ id }) => id === author)?.name;
  return name === undefined ? t("schedules.byOther") : t("schedules.by", { name });
}

/** Why somebody may only look; null where they may change it. */
export function whyNot(t: Translate, { schedule, view }: Shown, user: User): string | null {
  if (schedule.may_change) return null;
  if (user.role === "guest") return t("schedules.guest");
  const name = view.device.name;
  if (view.device.right === "view") return t("schedules.onlyView", { name });
  return t("schedules.notYours", { name });
}

/** What a day holds: "on 06:30–08:00 and from 22:00". */
export function dayText(t: Translate, language: Language, { segments, marks }: DayPlan): string {
  const parts = [
    ...segments.map(({ start, end, before, after }) => {
      const times = { from: timeOf(start), to: timeOf(end) };
      if (before && after) return t("schedules.allDay");
      if (before) return t("schedules.until", times);
      return after ? t("schedules.from", times) : t("schedules.fromTo", times);
    }),
    ...marks.map(({ at, on }) => t(on ? "schedules.markOn" : "schedules.markOff", { time: timeOf(at) })),
  ];
  return parts.length === 0 ? t("schedules.nothing") : new Intl.ListFormat(localeOf(language)).format(parts);
}
