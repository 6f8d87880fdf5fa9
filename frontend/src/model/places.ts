// The currencies and time zones that a home may choose from.
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

export function zones(own: string, language: Language): { value: string; label: string }[] {
  const now = Date.now();
  const all = new Set([own, ...Intl.supportedValuesOf("timeZone")]);
  return [...all].map((value) => ({
    value,
    label: `${value.replaceAll("_", " ").split("/").slice(1).reverse().join(", ") || value}, ${clock(now, value, language)}`,
  }));
}
