// What the schedules of an outlet make of a week, in minutes by the clocks of the home; Monday 00:00 is 0.
import type { Schedule } from "../api/schedules.types";

export const DAY = 24 * 60;
export const WEEK = 7 * DAY;

/** The outlet is on from `start` to `end`; `end` may lie in the week after. */
export interface Block {
  start: number;
  end: number;
  /** The schedules that begin and end it. */
  on: string;
  off: string;
}

/** A command that begins or ends no block: nobody knows what it will find. */
export interface Mark {
  at: number;
  on: boolean;
  id: string;
}

export interface Plan {
  blocks: Block[];
  marks: Mark[];
}

/** "06:30" is 390. */
export function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

export function timeOf(minutes: number): string {
  const inDay = ((minutes % DAY) + DAY) % DAY;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(inDay / 60))}:${two(inDay % 60)}`;
}

/** What somebody types as a time: 6:30, 06.30, 630, 6. `null`: it is none. */
export function readTime(text: string): string | null {
  const match = /^(\d{1,2})(?:\s*[:.h]\s*(\d{2}))?$|^(\d{1,2})(\d{2})$/.exec(text.trim());
  if (!match) return null;
  const hours = Number(match[1] ?? match[3]);
  const minutes = Number(match[2] ?? match[4] ?? 0);
  return hours < 24 && minutes < 60 ? timeOf(hours * 60 + minutes) : null;
}

/** The plan of one outlet by those of its schedules that are in use. */
export function planOf(schedules: Schedule[]): Plan {
  const events = schedules
    .filter(({ enabled }) => enabled)
    .flatMap(({ id, days, time, command }) =>
      days.map((day) => ({ id, at: day * DAY + minutesOf(time), on: command === "relay_on" })),
    )
    .sort((a, b) => a.at - b.at);
  const blocks: Block[] = [];
  const marks: Mark[] = [];
  const both = events.some(({ on }) => on) && events.some(({ on }) => !on);
  if (!both) return { blocks, marks: events };
  // The week goes round: begin behind an "off", where nothing is open.
  const first = events.findIndex(({ on }) => !on) + 1;
  const round = [...events.slice(first), ...events.slice(0, first).map((event) => ({ ...event, at: event.at + WEEK }))];
  let open: (typeof events)[number] | null = null;
  for (const event of round) {
    if (event.on) open ??= event;
    else if (open === null) marks.push({ ...event, at: event.at % WEEK });
    else {
      const past = open.at >= WEEK ? WEEK : 0;
      blocks.push({ start: open.at - past, end: event.at - past, on: open.id, off: event.id });
      open = null;
    }
  }
  return { blocks, marks };
}

/** Each "on" with the "off" that comes next behind it, by time; also of those that are paused. */
export function inPairs(schedules: Schedule[]): Schedule[] {
  const byTime = (a: Schedule, b: Schedule): number => minutesOf(a.time) - minutesOf(b.time);
  const moments = ({ days, time }: Schedule): number[] => days.map((day) => day * DAY + minutesOf(time));
  const ons = schedules.filter(({ command }) => command === "relay_on");
  /** How long before this moment it was switched on; the week goes round. */
  const ago = (on: Schedule, at: number): number =>
    Math.min(...moments(on).map((moment) => (at - moment - 1 + 2 * WEEK) % WEEK));
  const beginOf = (one: Schedule): Schedule => {
    if (one.command === "relay_on") return one;
    const begins = moments(one).flatMap((at) => ons.toSorted((a, b) => ago(a, at) - ago(b, at)).slice(0, 1));
    return begins.sort(byTime)[0] ?? one;
  };
  return schedules
    .map((one) => ({ one, begin: beginOf(one) }))
    .sort(
      (a, b) =>
        byTime(a.begin, b.begin) ||
        a.begin.id.localeCompare(b.begin.id) ||
        Number(a.one !== a.begin) - Number(b.one !== b.begin) ||
        byTime(a.one, b.one),
    )
    .map(({ one }) => one);
}

/** A block's part in one day, in minutes of that day. */
export interface Segment extends Block {
  /** It goes on from the day before, or into the day after. */
  before: boolean;
  after: boolean;
}

export interface DayPlan {
  segments: Segment[];
  marks: Mark[];
}

/** One day (0 = Monday) of it. */
export function dayOf({ blocks, marks }: Plan, day: number): DayPlan {
  const begin = day * DAY;
  const segments = blocks
    .flatMap((block) => [block, { ...block, start: block.start - WEEK, end: block.end - WEEK }])
    .filter(({ start, end }) => start < begin + DAY && end > begin)
    .map(({ start, end, on, off }) => ({
      start: Math.max(0, start - begin),
      end: Math.min(DAY, end - begin),
      before: start < begin,
      after: end > begin + DAY,
      on,
      off,
    }))
    .sort((a, b) => a.start - b.start);
  const here = marks.filter(({ at }) => at >= begin && at < begin + DAY);
  return { segments, marks: here.map((mark) => ({ ...mark, at: mark.at - begin })) };
}

export const isEmpty = ({ segments, marks }: DayPlan): boolean => segments.length + marks.length === 0;

/** The days on which an "off" follows an "on" of `days`: the next morning's where it is not later in the day. */
export function offDays(days: number[], on: string, off: string): number[] {
  if (minutesOf(off) > minutesOf(on)) return days;
  return days.map((day) => (day + 1) % 7).sort((a, b) => a - b);
}

export type Part = Pick<Schedule, "time" | "command" | "days">;

/** The schedules of one form. "Off" comes first: should the hub take only one of the two, nothing stays on. */
export function partsOf(on: string | null, off: string | null, days: number[]): Part[] {
  const parts: Part[] = [];
  if (off !== null) parts.push({ time: off, command: "relay_off", days: on === null ? days : offDays(days, on, off) });
  if (on !== null) parts.push({ time: on, command: "relay_on", days });
  return parts;
}

/** For how many minutes it is on then. */
export const lengthOf = (on: string, off: string): number => ((minutesOf(off) - minutesOf(on) + DAY - 1) % DAY) + 1;

/** The seven days in the order of the home's week. */
export const weekFrom = (start: number): number[] => Array.from({ length: 7 }, (_, index) => (start + index) % 7);

/** Runs of days that follow one another, in the order of the week; Monday to Sunday is one. */
export function runsOf(days: number[], weekStart: number): number[][] {
  const runs: number[][] = [];
  for (const [place, day] of weekFrom(weekStart).entries()) {
    if (!days.includes(day)) continue;
    const last = runs.at(-1);
    const before = weekFrom(weekStart)[place - 1];
    if (last && before !== undefined && last.at(-1) === before) last.push(day);
    else runs.push([day]);
  }
  return runs;
}
