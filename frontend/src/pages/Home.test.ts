import { expect, it } from "vitest";
import type { Series } from "../api/telemetry.types";
import { HOUR } from "../model/time";
import { hourBars } from "./Home";

const series = (energy: (number | null)[], estimated: number[]): Series => ({
  device: "d1",
  channel: 0,
  source: "1h",
  bucket_ms: HOUR,
  at: energy.map((_, index) => index * HOUR),
  mean: energy.map(() => 100),
  min: energy.map(() => 100),
  max: energy.map(() => 100),
  energy_kwh: energy,
  estimated_part_kwh: estimated,
  estimated: estimated.map((part) => part > 0),
  total_kwh: energy.reduce<number>((sum, each) => sum + (each ?? 0), 0),
  estimated_kwh: estimated.reduce((sum, each) => sum + each, 0),
});

it("draws as estimated only the part of an hour that is, and the parts add up to the total", () => {
  const one = series([1, 0.5, null], [0, 0.125, 0]);
  const other = series([0.25, 0.25, 0.25], [0.25, 0, 0]);
  const { bars, total, estimated } = hourBars(
    { start: 0, end: 3 * HOUR, series: [one, other], gaps: [] },
    0,
    3 * HOUR,
    0,
  );
  expect(bars).toMatchObject([
    { measured: 1, estimated: 0.25 },
    { measured: 0.625, estimated: 0.125 },
    { measured: 0.25, estimated: 0 },
  ]);
  expect(estimated).toBe(0.375);
  expect(bars.reduce((sum, bar) => sum + bar.measured + bar.estimated, 0)).toBe(total);
});
