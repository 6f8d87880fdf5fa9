// Numbers, durations and clocks as people read them, in English and German.
import type { Language } from "../api/types";

export const NBSP = "\u00a0";
export const DASH = "–";

export interface Figure {
  number: string;
  unit: string;
}

export const localeOf = (language: Language): string => (language === "de" ? "de-DE" : "en-GB");

const numberFormats = new Map<string, Intl.NumberFormat>();

export function decimal(value: number, digits: number, language: Language, atLeast = digits): string {
  const key = `${language}:${digits}:${atLeast}`;
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(localeOf(language), {
      minimumFractionDigits: atLeast,
      maximumFractionDigits: digits,
    });
    numberFormats.set(key, format);
  }
  const rounded = format.format(value);
  return rounded.replace("-", "−").replace(/^−(0[.,]?0*)$/, "$1");
}

/** kW from 1,000 W up, and back to W only under 950 W, so that the unit does not flicker. */
export function inKilowatts(watts: number, before: boolean): boolean {
  return Math.abs(Math.round(watts)) >= (before ? 950 : 1000);
}

/** `fine`: one decimal under 10 W (the Plug page). */
export function power(watts: number, language: Language, { kilo = false, fine = false } = {}): Figure {
  if (inKilowatts(watts, kilo)) return { number: decimal(watts / 1000, 2, language), unit: "kW" };
  const digits = fine && Math.abs(watts) < 9.95 && Math.abs(watts) >= 0.05 ? 1 : 0;
  return { number: decimal(watts, digits, language), unit: "W" };
}

export function powerText(watts: number, language: Language, options = {}): string {
  const { number, unit } = power(watts, language, options);
  return number + NBSP + unit;
}

/** Two decimals under 1 kWh, one above, none from 100 on. */
export function energy(kwh: number, language: Language): Figure {
  const digits = Math.abs(kwh) < 0.995 ? 2 : Math.abs(kwh) < 99.95 ? 1 : 0;
  // Something is not nothing: what rounds to zero is said to be less than the smallest step.
  if (kwh > 0 && kwh < 0.005) return { number: `<${decimal(0.01, 2, language)}`, unit: "kWh" };
  return { number: decimal(kwh, digits, language), unit: "kWh" };
}

export function energyText(kwh: number, language: Language): string {
  const { number, unit } = energy(kwh, language);
  return number + NBSP + unit;
}

const UNITS = {
  en: { s: "s", min: "min", h: "h", d: ["day", "days"] },
  de: { s: "s", min: "Min.", h: "Std.", d: ["Tag", "Tage"] },
} as const;

/** At most two units, none of them zero: 40 min, 1 h 06 min, 2 days. */
export function duration(ms: number, language: Language): string {
  const unit = UNITS[language];
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}${NBSP}${unit.s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}${NBSP}${unit.min}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    const rest = minutes % 60;
    const restText = language === "en" ? String(rest).padStart(2, "0") : String(rest);
    return `${hours}${NBSP}${unit.h}` + (rest ? ` ${restText}${NBSP}${unit.min}` : "");
  }
  const days = Math.round(hours / 24);
  return `${days}${NBSP}${unit.d[days === 1 ? 0 : 1]}`;
}

/** So short ago that a count of seconds would only be noise. */
export const isNow = (ms: number): boolean => ms < 5_000;

/** A duration for "offline for …": minutes do not matter after two hours. */
export function roughly(ms: number, language: Language): string {
  const hours = ms / 3_600_000;
  return duration(hours >= 2 && hours < 48 ? Math.floor(hours) * 3_600_000 : ms, language);
}

/** Rounds parts so that they add up to the rounded whole (largest remainder). */
export function roundParts(parts: number[], digits = 0): number[] {
  const scale = 10 ** digits;
  const whole = Math.round(parts.reduce((sum, part) => sum + part, 0) * scale);
  const floors = parts.map((part) => Math.floor(part * scale));
  let missing = whole - floors.reduce((sum, part) => sum + part, 0);
  const order = parts
    .map((part, index) => ({ index, rest: part * scale - Math.floor(part * scale) }))
    .sort((a, b) => b.rest - a.rest);
  for (const { index } of order) {
    if (missing <= 0) break;
    floors[index] = (floors[index] ?? 0) + 1;
    missing -= 1;
  }
  return floors.map((part) => part / scale);
}

/** 2 or 3 round lines for a chart whose highest value is `max`; `top` is where the chart ends. */
export function roundLines(max: number, least: number): { lines: number[]; top: number } {
  const highest = Math.max(max, least);
  const magnitude = 10 ** Math.floor(Math.log10(highest));
  const fits = (step: number): boolean => (highest * 1.02) / step >= 2;
  const step = [5, 2.5, 2, 1, 0.5, 0.25].map((factor) => factor * magnitude).find(fits) ?? magnitude / 4;
  const count = Math.floor((highest * 1.02) / step);
  const lines = Array.from({ length: count }, (_, index) => (index + 1) * step);
  return { lines, top: highest * 1.08 };
}
