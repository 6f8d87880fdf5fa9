import { describe, expect, it } from "vitest";
import type { Gap, Series } from "../api/telemetry.types";
import { chartData, columns, findAt, rawBucket, stretches } from "./chart";
import { HOUR, MINUTE } from "./time";

function series(at: number[], mean: (number | null)[], more: Partial<Series> = {}): Series {
  return {
    device: "d1",
    channel: 0,
    source: "1m",
    bucket_ms: MINUTE,
    at,
    mean,
    min: mean,
    max: mean,
    energy_kwh: mean.map(() => null),
    estimated_part_kwh: mean.map(() => 0),
    estimated: mean.map(() => false),
    total_kwh: null,
    estimated_kwh: 0,
    ...more,
  };
}

const gap = (more: Partial<Gap>): Gap => ({
  id: "g",
  device: "d1",
  channel: 0,
  start: 0,
  end: MINUTE,
  cause: "power_lost",
  energy_kwh: null,
  estimated: false,
  ...more,
});

const span = { start: 0, end: HOUR };
const online = { offlineSince: null, now: HOUR };

describe("what a chart draws", () => {
  it("hatches a gap whose energy nobody knows and joins no line over it", () => {
    const data = chartData(
      series([0, MINUTE, 5 * MINUTE, 6 * MINUTE], [10, 10, 20, 20]),
      [gap({ start: 2 * MINUTE, end: 5 * MINUTE })],
      span,
      online,
    );
    expect(data.holes).toMatchObject([{ start: 2 * MINUTE, end: 5 * MINUTE, gap: { cause: "power_lost" } }]);
    expect(columns(data, MINUTE).mean).toEqual([10, 10, null, 20, 20]);
  });

  it("draws a gap whose energy the counter knows as its flat mean", () => {
    const known = gap({ start: 10 * MINUTE, end: 40 * MINUTE, energy_kwh: 0.05, estimated: true });
    const data = chartData(series([], []), [known], span, online);
    expect(data.estimates).toMatchObject([{ start: 10 * MINUTE, end: 40 * MINUTE, watts: 100, energy: 0.05 }]);
    expect(data.holes).toEqual([]);
  });

  it("keeps the mean of a gap that reaches beyond the picture", () => {
    const known = gap({ start: -HOUR, end: HOUR / 2, energy_kwh: 0.15 });
    expect(chartData(series([], []), [known], span, online).estimates).toMatchObject([
      { start: 0, end: HOUR / 2, watts: 100 },
    ]);
  });

  it("draws an estimated bucket outside of any gap, and not twice inside of one", () => {
    const bucket = series([0, MINUTE], [null, null], { energy_kwh: [0.001, 0.001], estimated: [true, true] });
    expect(chartData(bucket, [], span, online).estimates).toMatchObject([{ watts: 60 }, { watts: 60 }]);
    const inside = gap({ start: 0, end: 2 * MINUTE, energy_kwh: 0.002 });
    expect(chartData(bucket, [inside], span, online).estimates).toHaveLength(1);
  });

  it("leaves the gaps of other outlets out", () => {
    expect(chartData(series([], []), [gap({ channel: 1 }), gap({ device: "d2" })], span, online).holes).toEqual([]);
  });

  it("hatches up to now while the plug is offline", () => {
    const data = chartData(series([0, MINUTE], [10, 10]), [], span, { offlineSince: 3 * MINUTE, now: 30 * MINUTE });
    expect(data.holes).toEqual([{ start: 2 * MINUTE, end: 30 * MINUTE, gap: null }]);
    const open = gap({ start: 2 * MINUTE, end: null, cause: "offline" });
    expect(
      chartData(series([0, MINUTE], [10, 10]), [open], span, { offlineSince: 3 * MINUTE, now: 30 * MINUTE }).holes,
    ).toHaveLength(1);
  });

  it("breaks the line where buckets are missing, and shows a lone point as wide as its bucket", () => {
    const data = chartData(series([0, MINUTE, 20 * MINUTE], [10, 10, 30]), [], span, online);
    expect(columns(data, MINUTE)).toMatchObject({
      x: [MINUTE / 2, 1.5 * MINUTE, 11 * MINUTE, 20 * MINUTE, 21 * MINUTE],
      mean: [10, 10, null, 30, 30],
    });
  });
});

it("draws the band in one shape for each stretch, and nothing over a gap", () => {
  expect(stretches([1, 2, null, 3, null, null, 4, 5])).toEqual([
    [0, 1],
    [3, 3],
    [6, 7],
  ]);
  expect(stretches([null])).toEqual([]);
  const gaps = [gap({ start: 2 * MINUTE, end: 5 * MINUTE })];
  const { max } = columns(
    chartData(series([0, MINUTE, 5 * MINUTE, 6 * MINUTE], [10, 10, 20, 20]), gaps, span, online),
    MINUTE,
  );
  expect(stretches(max)).toEqual([
    [0, 1],
    [3, 4],
  ]);
});

describe("raw samples, of which the hub chose", () => {
  const at = [0, 1_000, 8_000, 20_000, 60_000, 61_000];
  const raw = series(at, [1, 2, 3, 4, 5, 6], { source: "raw", bucket_ms: 0 });
  const bucket = rawBucket(span, 1000, 1000);

  it("stay one line where they stand up to two buckets apart, and break where nothing was measured", () => {
    expect(columns(chartData(raw, [], span, online), bucket).mean).toEqual([1, 2, 3, 4, null, 5, 6]);
  });

  it("go on in minutes where readings are missing, each as wide as it is", () => {
    const at = [58_000, 59_000, MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE + 20_000, 4 * MINUTE + 21_000];
    const mixed = series(at, [1, 1, 5, 6, 7, 2, 2], {
      source: "raw",
      bucket_ms: 0,
      filled: [{ start: MINUTE, end: 4 * MINUTE, bucket_ms: MINUTE }],
    });
    const data = chartData(mixed, [], span, online);
    expect(columns(data, bucket).mean).toEqual([1, 1, 5, 6, 7, 2, 2]);
    expect(data.points.map((point) => point.filled ?? false)).toEqual([false, false, true, true, true, false, false]);
    expect(data.points[3]).toMatchObject({ start: 2 * MINUTE, end: 3 * MINUTE });
    const hole = gap({ start: 4 * MINUTE, end: 4 * MINUTE + 20_000 });
    expect(columns(chartData(mixed, [hole], span, online), bucket).mean).toContain(null);
  });

  it("break at the shortest gap that the hub knows", () => {
    const data = chartData(raw, [gap({ start: 1_000, end: 8_000 })], span, online);
    expect(columns(data, bucket).mean).toEqual([1, 2, null, 3, 4, null, 5, 6]);
  });
});

it("finds what stands at a moment", () => {
  const data = chartData(
    series([0, MINUTE, 10 * MINUTE], [10, 11, 12]),
    [
      gap({ start: 3 * MINUTE, end: 5 * MINUTE }),
      gap({ id: "h", start: 6 * MINUTE, end: 8 * MINUTE, energy_kwh: 0.01 }),
    ],
    span,
    online,
  );
  expect(findAt(data, 1.2 * MINUTE, 1000)).toMatchObject({ kind: "point", point: { mean: 11 } });
  expect(findAt(data, 4 * MINUTE, 1000)).toMatchObject({ kind: "hole", hole: { gap: { cause: "power_lost" } } });
  expect(findAt(data, 7 * MINUTE, 1000)).toMatchObject({ kind: "estimate", estimate: { energy: 0.01 } });
  expect(findAt(data, 30 * MINUTE, 1000)).toBeNull();
  expect(findAt(data, 9.9 * MINUTE, 10 * MINUTE)).toMatchObject({ kind: "point", point: { mean: 12 } });
});
