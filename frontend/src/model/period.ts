// The period in a page's address and in words.
import type { Language } from "../api/types";
import type { Translate } from "../i18n/i18n";
import { clock, HOUR, localParts, midnight, type RangeKind, shortDate, type Span, startOfDay, weekday } from "./time";

export type PlugRange = "live" | RangeKind;

/** 2026-11-21, or 2026-11-21T13 for an hour. */
export function writeMoment(kind: RangeKind, at: number, zone: string): string {
  const { year, month, day, hour } = localParts(at, zone);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}` + (kind === "hour" ? `T${two(hour)}` : "");
}

export function parseMoment(text: string | null, zone: string): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d))?$/.exec(text ?? "");
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 12] = match.slice(1).map((part) => (part ? Number(part) : undefined));
  const start = midnight(year, month, day, zone);
  if (Number.isNaN(start)) return null;
  // The hour by the clock on the wall, also on the days when the clock changes.
  for (let at = start; at < start + 26 * HOUR; at += HOUR / 2) if (localParts(at, zone).hour === hour) return at;
  return start + hour * HOUR;
}

export function periodName(
  kind: RangeKind,
  span: Span,
  now: number,
  zone: string,
  language: Language,
  t: Translate,
): string {
  const today = startOfDay(now, zone);
  const dayName = (at: number): string => {
    if (at >= today && at < startOfDay(now, zone, 1)) return t("plug.todayLabel");
    if (at >= startOfDay(now, zone, -1) && at < today) return t("plug.yesterday");
    return `${weekday(at, zone, language)} ${shortDate(at, zone, language)}`;
  };
  if (kind === "day") return dayName(span.start);
  if (kind === "hour") {
    const hours = `${clock(span.start, zone, language)}–${clock(span.end, zone, language)}`;
    return span.start >= today ? hours : `${dayName(span.start)} ${hours}`;
  }
  if (now >= span.start && now < span.end) return t("plug.thisWeek");
  return `${shortDate(span.start, zone, language)} – ${shortDate(span.end - HOUR, zone, language)}`;
}
