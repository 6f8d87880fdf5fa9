// The currencies, time zones and week days that a home may choose from, and what the browser lets one guess.
import type { Language } from "../api/types";
import { localeOf } from "./format";
import { clock } from "./time";

const CURRENCIES = [
  "EUR",
  "CHF",
  "GBP",
  "USD",
  "AUD",
  "BRL",
  "CAD",
  "CZK",
  "DKK",
  "HUF",
  "INR",
  "JPY",
  "NOK",
  "NZD",
  "PLN",
  "RON",
  "SEK",
  "TRY",
  "ZAR",
];

/** `own` is among them, whichever it is. */
export function currencies(language: Language, own = "EUR"): { value: string; label: string }[] {
  const names = new Intl.DisplayNames(localeOf(language), { type: "currency" });
  return [...new Set([own, ...CURRENCIES])].map((value) => ({ value, label: names.of(value) ?? value }));
}

/** Places, and UTC, which browsers leave out; `own` is among them, whichever it is. */
export function zones(own: string, language: Language): { value: string; label: string }[] {
  const now = Date.now();
  const all = new Set([own, ...Intl.supportedValuesOf("timeZone"), "UTC"]);
  return [...all].map((value) => ({
    value,
    label: `${value.replaceAll("_", " ").split("/").slice(1).reverse().join(", ") || value}, ${clock(now, value, language)}`,
  }));
}

// prettier-ignore
const BY_REGION: Record<string, string> = {
  CH: "CHF", LI: "CHF", GB: "GBP", US: "USD", AU: "AUD", BR: "BRL", CA: "CAD", CZ: "CZK", DK: "DKK", HU: "HUF",
  IN: "INR", JP: "JPY", NO: "NOK", NZ: "NZD", PL: "PLN", RO: "RON", SE: "SEK", TR: "TRY", ZA: "ZAR",
};
// prettier-ignore
const BY_ZONE: Record<string, string> = {
  "Europe/London": "GBP", "Europe/Zurich": "CHF", "Europe/Vaduz": "CHF", "Europe/Prague": "CZK", "Europe/Oslo": "NOK",
  "Europe/Copenhagen": "DKK", "Europe/Budapest": "HUF", "Europe/Warsaw": "PLN", "Europe/Bucharest": "RON",
  "Europe/Stockholm": "SEK", "Europe/Istanbul": "TRY",
};

/** Where the clock stands says more than the language in which somebody reads. */
export function guessCurrency(zone: string, language: string): string {
  const known = BY_ZONE[zone];
  if (known) return known;
  if (zone.startsWith("Europe/")) return "EUR";
  return BY_REGION[new Intl.Locale(language).region ?? ""] ?? "EUR";
}

/** 0 = Monday ... 6 = Sunday. */
export function guessWeekStart(zone: string, language: string): number {
  if (zone.startsWith("Europe/")) return 0;
  const locale: WithWeek = new Intl.Locale(language);
  return (locale.getWeekInfo?.().firstDay ?? 1) - 1;
}

/** Not every browser knows weeks. */
type WithWeek = Intl.Locale & { getWeekInfo?: () => { firstDay: number } };

/** The days of a week, named, Monday first. */
export function weekDays(language: Language): { value: string; label: string }[] {
  const format = new Intl.DateTimeFormat(localeOf(language), { weekday: "long", timeZone: "UTC" });
  // 5 January 1970 was a Monday.
  return [0, 1, 2, 3, 4, 5, 6].map((day) => ({
    value: String(day),
    label: format.format(new Date(Date.UTC(1970, 0, 5 + day))),
  }));
}
