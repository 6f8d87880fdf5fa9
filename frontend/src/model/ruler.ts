// The ticks of every time axis, from ten minutes to a week: short, middle and long ones, few labels.
import type { Language } from "../api/types";
import { clock, HOUR, localParts, MINUTE, type Span, startOfDay, weekday } from "./time";

export interface Tick {
  at: number;
  size: 0 | 1 | 2;
  label?: string;
  /** The label stands in the middle between this tick and the next one (names of days). */
  between?: boolean;
}

export interface RulerOptions {
  zone: string;
  language: Language;
  width: number;
  /** The last minutes before now, labelled backwards; `nowLabel` stands at the right end. */
  live?: { nowLabel: string; minutesAgo: (minutes: number) => string };
}

export function ruler(span: Span, options: RulerOptions): Tick[] {
  if (options.live) return liveTicks(span, options.live, options.width);
  const length = span.end - span.start;
  if (length <= 2 * HOUR) return hourTicks(span, options);
  if (length < 20 * HOUR) return hoursTicks(span, options);
  if (length <= 26 * HOUR) return dayTicks(span, options);
  return weekTicks(span, options);
}

function liveTicks({ end }: Span, live: NonNullable<RulerOptions["live"]>, width: number): Tick[] {
  const every = width < 330 ? 5 : 2;
  return Array.from({ length: 21 }, (_, index) => {
    const minutes = 10 - index / 2;
    const tick: Tick = { at: end - minutes * MINUTE, size: index % 4 === 0 ? 2 : 0 };
    if (minutes % every === 0) tick.label = minutes === 0 ? live.nowLabel : live.minutesAgo(minutes);
    return tick;
  });
}

function hourTicks({ start, end }: Span, { zone, language }: RulerOptions): Tick[] {
  const ticks: Tick[] = [];
  for (let at = start; at <= end; at += MINUTE) {
    const minute = Math.round((at - start) / MINUTE);
    const size = minute % 15 === 0 ? 2 : minute % 5 === 0 ? 1 : 0;
    ticks.push(size === 2 ? { at, size, label: clock(at, zone, language) } : { at, size });
  }
  return ticks;
}

const LABEL_PX = 48;

/** Some hours that begin at a whole one. */
function hoursTicks({ start, end }: Span, { zone, width }: RulerOptions): Tick[] {
  const hourWidth = (width * HOUR) / (end - start);
  const labelEvery = [1, 2, 3, 6].find((hours) => hours * hourWidth >= LABEL_PX) ?? 6;
  const step = hourWidth >= 40 ? HOUR / 4 : HOUR / 2;
  const ticks: Tick[] = [];
  for (let at = start; at <= end; at += step) {
    const { hour, minute } = localParts(at, zone);
    const size = minute !== 0 ? 0 : hour % labelEvery === 0 ? 2 : 1;
    ticks.push(size === 2 ? { at, size, label: String(hour).padStart(2, "0") } : { at, size });
  }
  return ticks;
}

function dayTicks({ start, end }: Span, { zone, width }: RulerOptions): Tick[] {
  const step = width > 560 ? HOUR / 2 : HOUR;
  const labelEvery = width > 560 ? 3 : 6;
  const ticks: Tick[] = [];
  for (let at = start; at <= end; at += step) {
    const { hour, minute } = localParts(at, zone);
    const whole = minute === 0;
    const size = whole && hour % labelEvery === 0 ? 2 : whole && hour % 3 === 0 ? 1 : 0;
    const tick: Tick = { at, size };
    if (size === 2) tick.label = String(hour).padStart(2, "0");
    ticks.push(tick);
  }
  return ticks;
}

function weekTicks({ start, end }: Span, { zone, language, width }: RulerOptions): Tick[] {
  const ticks: Tick[] = [];
  const step = width > 560 ? 3 : 6;
  for (let day = start; day < end; day = startOfDay(day, zone, 1)) {
    const number = localParts(day, zone).day;
    const name = weekday(day, zone, language).replace(".", "");
    ticks.push({ at: day, size: 2, label: width > 560 ? `${name} ${number}` : name, between: true });
    const next = startOfDay(day, zone, 1);
    for (let at = day + step * HOUR; at < next - HOUR; at += step * HOUR)
      ticks.push({ at, size: localParts(at, zone).hour === 12 ? 1 : 0 });
  }
  ticks.push({ at: end, size: 2 });
  return ticks;
}
