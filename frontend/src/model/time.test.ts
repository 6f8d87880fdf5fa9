import { describe, expect, it } from "vitest";
import { parseMoment, writeMoment } from "./period";
import { ruler } from "./ruler";
import { HOUR, shiftSpan, spanOf, startOfDay, startOfHour, startOfWeek } from "./time";

const BERLIN = "Europe/Berlin";
const at = (text: string): number => Date.parse(text);

describe("days in the home's zone", () => {
  it("has 23 hours in spring and 25 in autumn", () => {
    const spring = spanOf("day", at("2026-03-29T10:00:00Z"), BERLIN);
    const autumn = spanOf("day", at("2026-10-25T10:00:00Z"), BERLIN);
    expect((spring.end - spring.start) / HOUR).toBe(23);
    expect((autumn.end - autumn.start) / HOUR).toBe(25);
    expect(new Date(spring.start).toISOString()).toBe("2026-03-28T23:00:00.000Z");
  });

  it("walks over the change of the clock without losing a day", () => {
    let span = spanOf("day", at("2026-10-24T10:00:00Z"), BERLIN);
    for (const day of ["2026-10-25", "2026-10-26", "2026-10-27"]) {
      const next = shiftSpan("day", span, 1, BERLIN);
      expect(next.start).toBe(span.end);
      expect(writeMoment("day", next.start, BERLIN)).toBe(day);
      span = next;
    }
    expect(shiftSpan("day", span, -3, BERLIN).start).toBe(startOfDay(at("2026-10-24T10:00:00Z"), BERLIN));
  });

  it("starts weeks on Monday", () => {
    expect(new Date(startOfWeek(at("2026-11-22T22:00:00Z"), BERLIN)).toISOString()).toBe("2026-11-15T23:00:00.000Z");
    const span = spanOf("week", at("2026-10-25T10:00:00Z"), BERLIN);
    expect((span.end - span.start) / HOUR).toBe(7 * 24 + 1);
    expect(shiftSpan("week", span, 1, BERLIN).start).toBe(span.end);
  });

  it("knows zones whose hours start at half past", () => {
    expect(new Date(startOfHour(at("2026-11-21T10:10:00Z"), "Asia/Kolkata")).toISOString()).toBe(
      "2026-11-21T09:30:00.000Z",
    );
  });
});

it("writes a period into the address and reads it back", () => {
  const moment = at("2026-11-21T12:30:00Z");
  expect(writeMoment("day", moment, BERLIN)).toBe("2026-11-21");
  expect(writeMoment("hour", moment, BERLIN)).toBe("2026-11-21T13");
  expect(spanOf("hour", parseMoment("2026-11-21T13", BERLIN) ?? 0, BERLIN).start).toBe(at("2026-11-21T12:00:00Z"));
  expect(spanOf("day", parseMoment("2026-11-21", BERLIN) ?? 0, BERLIN).start).toBe(at("2026-11-20T23:00:00Z"));
  expect(parseMoment("yesterday", BERLIN)).toBeNull();
  expect(parseMoment(null, BERLIN)).toBeNull();
});

describe("the ruler", () => {
  const options = { zone: BERLIN, language: "en" as const, width: 350 };
  const labels = (span: { start: number; end: number }, more = {}): string[] =>
    ruler(span, { ...options, ...more }).flatMap((tick) => tick.label ?? []);

  it("labels a day every six hours, on a wide screen every three", () => {
    const day = spanOf("day", at("2026-11-21T12:00:00Z"), BERLIN);
    expect(labels(day)).toEqual(["00", "06", "12", "18", "00"]);
    expect(labels(day, { width: 800 })).toEqual(["00", "03", "06", "09", "12", "15", "18", "21", "00"]);
  });

  it("labels hours of the wall also where one is missing", () => {
    expect(labels(spanOf("day", at("2026-03-29T10:00:00Z"), BERLIN))).toEqual(["00", "06", "12", "18", "00"]);
  });

  it("labels some hours by the hour where there is room", () => {
    const hours = { start: at("2026-11-21T08:00:00Z"), end: at("2026-11-21T12:24:00Z") };
    expect(labels(hours)).toEqual(["09", "10", "11", "12", "13"]);
    expect(labels({ ...hours, end: hours.start + 18 * HOUR })).toEqual(["09", "12", "15", "18", "21", "00", "03"]);
  });

  it("labels an hour by quarters and a week by its days", () => {
    expect(labels(spanOf("hour", at("2026-11-21T12:10:00Z"), BERLIN))).toEqual([
      "13:00",
      "13:15",
      "13:30",
      "13:45",
      "14:00",
    ]);
    const week = spanOf("week", at("2026-11-21T12:10:00Z"), BERLIN);
    expect(labels(week)).toEqual(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    expect(labels(week, { language: "de" })).toEqual(["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]);
  });

  it("counts ten minutes backwards to now", () => {
    const live = { nowLabel: "now", minutesAgo: (minutes: number) => `−${minutes} min` };
    const end = at("2026-11-21T12:10:00Z");
    expect(labels({ start: end - 600_000, end }, { live })).toEqual([
      "−10 min",
      "−8 min",
      "−6 min",
      "−4 min",
      "−2 min",
      "now",
    ]);
  });
});
