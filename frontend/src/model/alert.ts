// Alerts as they are shown: the rule in words, the span of its picture, and what a form may hold.
import type { Alert, EndedAlert } from "../api/alerts.types";
import type { Language } from "../api/types";
import type { Translate } from "../i18n/i18n";
import { decimal, duration, localeOf, NBSP } from "./format";
import type { OutletView } from "./outlet";
import { HOUR, MINUTE, type Span, startOfDay } from "./time";

type Rule = Pick<Alert, "kind" | "threshold" | "hold_s">;

/** Set-points stay as entered: 2,500 W, never 2.50 kW. */
export const setPoint = (watts: number, language: Language): string => decimal(watts, 1, language, 0) + NBSP + "W";

/** "above 1,500 W for 10 min", "offline" */
export function ruleText(t: Translate, language: Language, { kind, threshold, hold_s }: Rule): string {
  const values = {
    power: threshold === null ? "" : setPoint(threshold, language),
    duration: duration(hold_s * 1000, language),
  };
  const what = kind === "power_above" ? "above" : kind === "power_below" ? "below" : "offline";
  return t(hold_s > 0 ? `alerts.${what}For` : `alerts.${what}`, values);
}

/** Since when it was so, which is before it fired. */
export const beganAt = ({ since, hold_s }: Pick<Alert, "since" | "hold_s">): number | null =>
  since === null ? null : since - hold_s * 1000;

const LONGEST = 24 * HOUR;

/** From some time before it began until now, in whole quarters of an hour or hours; the last day where it is older. */
export function pictureSpan(began: number, now: number): Span {
  const lasts = Math.max(0, now - began);
  const before = Math.min(Math.max(lasts, 20 * MINUTE), 6 * HOUR);
  const length = Math.min(lasts + before, LONGEST);
  const whole = length > 1.75 * HOUR ? HOUR : 15 * MINUTE;
  return { start: Math.floor((now - length) / whole) * whole, end: Math.ceil(now / MINUTE) * MINUTE };
}

/** As people type it: 1500, 1.500 in German, 0,5. Null where it is no number. */
export function readWatts(text: string, language: Language): number | null {
  const number = language === "de" ? /^-?(\d+|\d{1,3}([.\s]\d{3})+)(,\d+)?$/ : /^-?(\d+|\d{1,3}([,\s]\d{3})+)(\.\d+)?$/;
  const [group, point] = language === "de" ? [/[.\s]/g, ","] : [/[,\s]/g, "."];
  const plain = text.trim();
  return number.test(plain) ? Number(plain.replace(group, "").replace(point, ".")) : null;
}

export const writeWatts = (watts: number, language: Language): string =>
  new Intl.NumberFormat(localeOf(language), { useGrouping: false, maximumFractionDigits: 3 }).format(watts);

const HOLDS = [0, 1, 5, 10, 30, 60, 120, 360, 720, 1440].map((minutes) => minutes * 60);

/** The choices of how long, and the present one where it is none of them. */
export const holds = (present: number): number[] => [...new Set([...HOLDS, present])].sort((a, b) => a - b);

/** Today's apart from what is older; both in the order given. */
export function byDay(ended: EndedAlert[], now: number, zone: string): { today: EndedAlert[]; before: EndedAlert[] } {
  const today = startOfDay(now, zone);
  return {
    today: ended.filter((one) => one.ended >= today),
    before: ended.filter((one) => one.ended < today),
  };
}

export interface Shown {
  alert: Alert;
  view: OutletView;
}

/** Those of the outlets that are known here; what fires comes first, the newest before the older. */
export function shownOf(alerts: Alert[], views: OutletView[]): Shown[] {
  const order = ({ alert: { state, enabled, since } }: Shown): number =>
    enabled && state === "firing" ? -(since ?? 0) : 1;
  return alerts
    .flatMap((alert) => {
      const view = views.find(({ device, outlet }) => device.id === alert.device && outlet.channel === alert.channel);
      return view ? [{ alert, view }] : [];
    })
    .sort((a, b) => order(a) - order(b));
}
