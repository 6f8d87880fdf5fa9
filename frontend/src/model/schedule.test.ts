import { describe, expect, it } from "vitest";
import type { Schedule } from "../api/schedules.types";
import { schedule } from "../test/schedules";
import { DAY, dayOf, inPairs, lengthOf, offDays, partsOf, planOf, readTime, runsOf, WEEK } from "./schedule";

const WORKDAYS = [0, 1, 2, 3, 4];
const DAILY = [0, 1, 2, 3, 4, 5, 6];
const on = (time: string, days: number[], more: Partial<Schedule> = {}) =>
  schedule({ id: `on ${time}`, time, days, command: "relay_on", ...more });
const off = (time: string, days: number[], more: Partial<Schedule> = {}) =>
  schedule({ id: `off ${time}`, time, days, command: "relay_off", ...more });
/** A day as "06:30-08:00" and marks as "!18:00". */
const day = (schedules: Schedule[], which: number): number[][] =>
  dayOf(planOf(schedules), which).segments.map(({ start, end }) => [start / 60, end / 60]);

describe("the plan of a week", () => {
  it("joins each on with the off that follows it", () => {
    const boiler = [on("06:30", WORKDAYS), off("08:00", WORKDAYS), on("18:00", DAILY), off("22:00", DAILY)];
    expect(day(boiler, 0)).toEqual([
      [6.5, 8],
      [18, 22],
    ]);
    expect(day(boiler, 5)).toEqual([[18, 22]]);
    expect(planOf(boiler).marks).toEqual([]);
  });

  it("goes on over midnight, also from Sunday to Monday", () => {
    const lamp = [on("22:00", [6]), off("06:00", [0])];
    expect(planOf(lamp).blocks).toEqual([{ start: 6 * DAY + 1320, end: WEEK + 360, on: "on 22:00", off: "off 06:00" }]);
    expect(dayOf(planOf(lamp), 6).segments).toMatchObject([{ start: 1320, end: DAY, before: false, after: true }]);
    expect(dayOf(planOf(lamp), 0).segments).toMatchObject([{ start: 0, end: 360, before: true, after: false }]);
    expect(day(lamp, 1)).toEqual([]);
  });

  it("is on for days where the off comes days later", () => {
    const heater = [on("18:00", [4]), off("20:00", [6])];
    expect(day(heater, 5)).toEqual([[0, 24]]);
    expect(dayOf(planOf(heater), 5).segments).toMatchObject([{ before: true, after: true }]);
  });

  it("an on while it is on changes nothing, an off while it is off stays a mark", () => {
    const lamp = [on("18:00", DAILY), on("20:00", DAILY), off("22:00", DAILY), off("23:30", DAILY)];
    expect(day(lamp, 3)).toEqual([[18, 22]]);
    expect(dayOf(planOf(lamp), 3).marks).toEqual([{ at: 1410, on: false, id: "off 23:30" }]);
    expect(planOf(lamp).marks).toHaveLength(7);
  });

  it("only ons, or only offs, are marks", () => {
    expect(planOf([on("18:00", [2])])).toEqual({
      blocks: [],
      marks: [{ at: 2 * DAY + 1080, on: true, id: "on 18:00" }],
    });
    expect(planOf([off("18:00", [2])]).marks).toHaveLength(1);
    expect(planOf([])).toEqual({ blocks: [], marks: [] });
  });

  it("leaves out what is paused", () => {
    expect(planOf([on("06:30", DAILY), off("08:00", DAILY, { enabled: false })]).blocks).toEqual([]);
  });
});

it("puts each off behind the on that it ends", () => {
  const all = [
    off("08:00", WORKDAYS),
    off("10:00", [5, 6]),
    off("06:00", DAILY, { enabled: false }),
    on("07:00", WORKDAYS),
    on("22:00", DAILY),
    on("08:30", [5, 6]),
  ];
  expect(inPairs(all).map(({ id }) => id)).toEqual([
    ...["on 07:00", "off 08:00", "on 08:30", "off 10:00", "on 22:00", "off 06:00"],
  ]);
});

it.each([
  ["6:30", "06:30"],
  ["06.30", "06:30"],
  ["630", "06:30"],
  ["0630", "06:30"],
  ["18h15", "18:15"],
  [" 7 ", "07:00"],
  ["0:00", "00:00"],
])("reads %s as %s", (text, time) => expect(readTime(text)).toBe(time));

it.each(["", "24:00", "6:60", "6:3", "06:30:00", "noon", "-1:00"])("%s is no time", (text) =>
  expect(readTime(text)).toBeNull(),
);

it("an off that is not later in the day is on the next one", () => {
  expect(offDays([4, 6], "06:00", "22:00")).toEqual([4, 6]);
  expect(offDays([4, 6], "22:00", "06:00")).toEqual([0, 5]);
  expect(partsOf("22:00", "06:00", [4])).toEqual([
    { time: "06:00", command: "relay_off", days: [5] },
    { time: "22:00", command: "relay_on", days: [4] },
  ]);
  expect(partsOf(null, "06:00", [4])).toEqual([{ time: "06:00", command: "relay_off", days: [4] }]);
  expect(lengthOf("22:00", "06:00")).toBe(480);
  expect(lengthOf("06:00", "06:01")).toBe(1);
});

it("finds the runs of days in the home's week", () => {
  expect(runsOf([0, 1, 2, 3, 4], 0)).toEqual([[0, 1, 2, 3, 4]]);
  expect(runsOf([0, 2, 3, 6], 0)).toEqual([[0], [2, 3], [6]]);
  expect(runsOf([0, 6], 6)).toEqual([[6, 0]]);
});
