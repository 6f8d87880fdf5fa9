import { expect, it } from "vitest";
import type { Gap, Series, Telemetry } from "../api/telemetry.types";
import { HOUR, MINUTE } from "../model/time";
import { beginningOf } from "./beginning";

const span = { start: 0, end: 24 * HOUR };
const series = (at: number[], bucket_ms = HOUR) => ({ at, bucket_ms }) as Series;
const asked = (rows: Series[], gaps: number[] = []): Telemetry => ({
  ...span,
  series: rows,
  gaps: gaps.map((start) => ({ start }) as Gap),
});

it("finds where the first of several plugs began", () => {
  const data = asked([series([18 * HOUR, 19 * HOUR]), series([17 * HOUR]), series([])]);
  expect(beginningOf(data, span)).toEqual({ at: 17 * HOUR, bucket: HOUR });
});

it("knows no beginning where nothing was measured, or where it lies before the period", () => {
  expect(beginningOf(asked([series([])]), span)).toBeNull();
  expect(beginningOf(asked([series([0, MINUTE], MINUTE)]), span)).toBeNull();
});

it("takes the end of a gap for no beginning", () => {
  expect(beginningOf(asked([series([9 * HOUR])], [2 * HOUR]), span)).toBeNull();
  expect(beginningOf(asked([series([9 * HOUR])], [10 * HOUR]), span)?.at).toBe(9 * HOUR);
});
