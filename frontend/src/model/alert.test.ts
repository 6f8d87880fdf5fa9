import { expect, it } from "vitest";
import type { EndedAlert } from "../api/alerts.types";
import { type MessageId, translate, type Values } from "../i18n/i18n";
import { alert } from "../test/alerts";
import { device } from "../test/make";
import { beganAt, byDay, holds, pictureSpan, readWatts, ruleText, shownOf, writeWatts } from "./alert";
import { outletsOf } from "./outlet";
import { HOUR, MINUTE } from "./time";

const NOW = Date.UTC(2026, 10, 21, 12, 24);

it("says a rule in words", () => {
  const en = (id: MessageId, values?: Values): string => translate("en", id, values);
  const de = (id: MessageId, values?: Values): string => translate("de", id, values);
  expect(ruleText(en, "en", alert())).toBe("above 1,500\u00a0W for 10\u00a0min");
  expect(ruleText(de, "de", alert())).toBe("10\u00a0Min. lang über 1.500\u00a0W");
  expect(ruleText(en, "en", alert({ kind: "power_below", threshold: 0.5, hold_s: 0 }))).toBe("below 0.5\u00a0W");
  expect(ruleText(en, "en", alert({ kind: "offline", threshold: null, hold_s: 0 }))).toBe("offline");
  expect(ruleText(de, "de", alert({ kind: "offline", threshold: null, hold_s: 7200 }))).toBe(
    "2\u00a0Std. lang offline",
  );
});

it("knows that it was so before it fired", () => {
  expect(beganAt(alert({ since: NOW }))).toBe(NOW - 10 * MINUTE);
  expect(beganAt(alert())).toBeNull();
});

it("shows as much before as since, from a whole quarter or hour on", () => {
  expect(pictureSpan(NOW - 30_000, NOW)).toEqual({ start: NOW - 24 * MINUTE, end: NOW });
  const two = pictureSpan(NOW - 2 * HOUR, NOW);
  expect(two).toEqual({ start: Date.UTC(2026, 10, 21, 8), end: NOW });
  expect(pictureSpan(NOW - 90 * HOUR, NOW).start).toBe(Date.UTC(2026, 10, 20, 12));
});

it("reads watts as people type them", () => {
  expect([readWatts("1500", "en"), readWatts("1,500", "en"), readWatts(" 0.5 ", "en")]).toEqual([1500, 1500, 0.5]);
  expect([readWatts("1.500", "de"), readWatts("0,5", "de"), readWatts("-20", "de")]).toEqual([1500, 0.5, -20]);
  expect([readWatts("", "en"), readWatts("hot", "en"), readWatts("1.5.2", "en")]).toEqual([null, null, null]);
  // A point that groups nothing is a slip: 1.5 in German must not become 15.
  expect([readWatts("1.5", "de"), readWatts("1,5", "en"), readWatts("15.00", "de")]).toEqual([null, null, null]);
  expect([readWatts("1 500", "en"), readWatts("1.500,5", "de"), readWatts("12,345,678", "en")]).toEqual([
    1500, 1500.5, 12345678,
  ]);
  for (const language of ["en", "de"] as const)
    for (const watts of [0, 0.5, 12.25, 2500]) expect(readWatts(writeWatts(watts, language), language)).toBe(watts);
});

it("offers the present time beside the usual ones", () => {
  expect(holds(600)).toEqual(holds(0));
  expect(holds(900).filter((seconds) => seconds >= 600 && seconds <= 1800)).toEqual([600, 900, 1800]);
});

it("sets today apart by the clock of the home", () => {
  const at = (ended: number): EndedAlert => ({ ...alert(), alert: "a1", began: 0, ended, detail: "" });
  const midnight = Date.UTC(2026, 10, 20, 23);
  const { today, before } = byDay([at(NOW), at(midnight), at(midnight - 1)], NOW, "Europe/Berlin");
  expect([today.length, before.length]).toEqual([2, 1]);
});

it("puts what fires first and leaves out what is not seen", () => {
  const alerts = [
    alert({ id: "calm" }),
    alert({ id: "old", state: "firing", since: 1 }),
    alert({ id: "off", state: "firing", since: 3, enabled: false }),
    alert({ id: "new", state: "firing", since: 2 }),
    alert({ id: "gone", device: "d9" }),
  ];
  expect(shownOf(alerts, outletsOf([device()])).map(({ alert: { id } }) => id)).toEqual(["new", "old", "calm", "off"]);
});
