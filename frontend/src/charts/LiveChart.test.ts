import { expect, it, vi } from "vitest";
import type { Gap } from "../api/telemetry.types";
import { MINUTE } from "../model/time";
import { liveData } from "./LiveChart";

vi.mock("./canvas", () => ({ SeriesCanvas: vi.fn(), BELOW: 2 })); // jsdom has no canvas

const point = (at: number) => ({ start: at, end: at, mean: 5, min: 5, max: 5 });
const gap = (start: number, end: number | null, energy_kwh: number | null = null) =>
  ({ start, end, energy_kwh }) as Gap;
const now = 60 * MINUTE;

it("hatches a gap within the last ten minutes, cut at their start", () => {
  const points = [point(now - 2000), point(now - 1000), point(now)];
  expect(liveData(points, [gap(now - 30 * MINUTE, now - 2000)], now, true).holes).toMatchObject([
    { start: now - 10 * MINUTE, end: now - 2000 },
  ]);
  expect(liveData(points, [gap(now - 30 * MINUTE, now - 20 * MINUTE)], now, true).holes).toEqual([]);
});

it("ends an open gap at the first reading after it", () => {
  const points = [point(now - 60_000), point(now - 10_000), point(now)];
  expect(liveData(points, [gap(now - 60_000, null)], now, true).holes).toMatchObject([
    { start: now - 60_000, end: now - 10_000 },
  ]);
});

it("hatches once what an offline plug does not send", () => {
  const points = [point(now - 90_000)];
  expect(liveData(points, [], now, false).holes).toHaveLength(1);
  expect(liveData(points, [gap(now - 90_000, null)], now, false).holes).toHaveLength(1);
});

it("draws a gap as the longer ranges do: its mean where the counter knows it, hatched where it does not", () => {
  const points = [point(now - 4 * MINUTE), point(now)];
  const known = gap(now - 3 * MINUTE, now - 2 * MINUTE, 0.002);
  const data = liveData(points, [known, gap(now - 2 * MINUTE, now - MINUTE, 0)], now, true);
  expect(data.estimates).toMatchObject([{ start: now - 3 * MINUTE, end: now - 2 * MINUTE, watts: 120 }]);
  expect(data.holes).toMatchObject([{ start: now - 2 * MINUTE, end: now - MINUTE }]);
  expect(data.max).toBe(120);
});
