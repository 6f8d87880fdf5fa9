// Days, weeks and hours in the home's zone, where a day may have 23 or 25 hours, and the ruler that shows them.
import type { Language } from "../api/types";
import { localeOf } from "./format";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + zone + JSON.stringify(options);
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    formats.set(key, known);
  }
  return known;
}

interface Local {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const PARTS: Intl.DateTimeFormatOptions = {
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
};

export function localParts(at: number, zone: string): Local {
  const local: Local = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of format("en-US", zone, PARTS).formatToParts(at))
    if (type in local) local[type as keyof Local] = Number(value);
  return local;
}

function offset(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = localParts(at, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

/** The moment at which it is midnight there on that day; days and months may overflow. */
export function midnight(year: number, month: number, day: number, zone: string): number {
  const wall = Date.UTC(year, month - 1, day);
  const guess = wall - offset(wall, zone);
  return wall - offset(guess, zone);
}

export function startOfDay(at: number, zone: string, days = 0): number {
  const { year, month, day } = localParts(at, zone);
  return midnight(year, month, day + days, zone);
}

/** Weeks start on Monday. */
export function startOfWeek(at: number, zone: string, weeks = 0): number {
  const { year, month, day } = localParts(at, zone);
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  return midnight(year, month, day - weekday + 7 * weeks, zone);
}

export function startOfHour(at: number, zone: string, hours = 0): number {
  const shift = offset(at, zone) % HOUR;
  return Math.floor((at + shift) / HOUR) * HOUR - shift + hours * HOUR;
}

export type RangeKind = "hour" | "day" | "week";

export interface Span {
  start: number;
  end: number;
}

export function spanOf(kind: RangeKind, at: number, zone: string): Span {
  if (kind === "hour") return { start: startOfHour(at, zone), end: startOfHour(at, zone, 1) };
  if (kind === "day") return { start: startOfDay(at, zone), end: startOfDay(at, zone, 1) };
  return { start: startOfWeek(at, zone), end: startOfWeek(at, zone, 1) };
}

export function shiftSpan(kind: RangeKind, span: Span, by: number, zone: string): Span {
  const middle = (span.start + span.end) / 2;
  if (kind === "hour") return spanOf(kind, middle + by * HOUR, zone);
  if (kind === "day") return spanOf(kind, startOfDay(middle, zone, by) + 12 * HOUR, zone);
  return spanOf(kind, startOfWeek(middle, zone, by) + 84 * HOUR, zone);
}

export const clock = (at: number, zone: string, language: Language, seconds = false): string =>
  format(localeOf(language), zone, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(seconds && { second: "2-digit" }),
  }).format(at);

export const weekday = (at: number, zone: string, language: Language, long = false): string =>
  format(localeOf(language), zone, { weekday: long ? "long" : "short" }).format(at);

/** Saturday 21 November / Samstag, 21. November */
export const longDate = (at: number, zone: string, language: Language): string =>
  format(localeOf(language), zone, { weekday: "long", day: "numeric", month: "long" }).format(at);

/** 21 Nov / 21. Nov. */
export const shortDate = (at: number, zone: string, language: Language): string =>
  format(localeOf(language), zone, { day: "numeric", month: "short" }).format(at);

/** Can a calendar show this moment? Not everything that a program stored is one: formatting it would throw. */
export const isMoment = (at: number): boolean => Number.isFinite(new Date(at).getTime());

/** 21 November 2025 / 21. November 2025 */
export const fullDate = (at: number, zone: string, language: Language): string =>
  format(localeOf(language), zone, { day: "numeric", month: "long", year: "numeric" }).format(at);

/** Thu 18:40; only the clock when it was today. */
export function dayAndClock(at: number, now: number, zone: string, language: Language): string {
  const time = clock(at, zone, language);
  if (startOfDay(at, zone) === startOfDay(now, zone)) return time;
  const day = now - at < 6 * 24 * HOUR ? weekday(at, zone, language) : shortDate(at, zone, language);
  return `${day} ${time}`;
}
