// From the API's columns to what a chart draws: where the line breaks, what is estimated, what is missing.
import type { Gap, Series } from "../api/telemetry.types";
import { HOUR } from "./time";

export interface Point {
  /** Start and end of what this point stands for. */
  start: number;
  end: number;
  mean: number;
  min: number;
  max: number;
  /** A bucket where single readings are missing. */
  filled?: true;
}

/** Known only by the counter at both ends: a flat mean. */
export interface Estimate {
  start: number;
  end: number;
  watts: number;
  gap: Gap | null;
  energy: number;
}

/** Nothing is known. */
export interface Hole {
  start: number;
  end: number;
  gap: Gap | null;
}

export interface Marks {
  estimates: Estimate[];
  holes: Hole[];
}

/**
 * What stands in place of the line, the same over every range: where the counter knows the energy its flat mean, else
 * a hatch. A counter that did not move is a hatch too: a mean at zero could not be told from a measured zero.
 */
export function marksOf(gaps: Gap[], span: { start: number; end: number }, now: number): Marks {
  const marks: Marks = { estimates: [], holes: [] };
  for (const gap of gaps) {
    const start = Math.max(gap.start, span.start);
    const end = Math.min(gap.end ?? now, span.end);
    if (end <= start) continue;
    const energy = gap.energy_kwh ?? 0;
    if (energy > 0)
      marks.estimates.push({ start, end, watts: (energy * 1000 * HOUR) / ((gap.end ?? now) - gap.start), gap, energy });
    else marks.holes.push({ start, end, gap });
  }
  return marks;
}

export interface ChartData extends Marks {
  points: Point[];
  max: number;
}

export interface Missing {
  /** Set while the plug is offline: from then on nothing came. */
  offlineSince: number | null;
  now: number;
}

export function chartData(
  series: Series,
  gaps: Gap[],
  span: { start: number; end: number },
  missing: Missing,
): ChartData {
  const bucket = Math.max(series.bucket_ms, 0);
  const points: Point[] = [];
  const own = gaps.filter((gap) => gap.device === series.device && gap.channel === series.channel);
  const { estimates, holes } = marksOf(own, span, missing.now);

  series.at.forEach((at, index) => {
    const filled = series.filled?.find((stretch) => stretch.start <= at && at < stretch.end);
    const end = Math.min(at + (filled?.bucket_ms ?? bucket), Math.max(missing.now, at));
    const mean = series.mean[index] ?? null;
    if (mean !== null) {
      const min = series.min[index] ?? mean;
      points.push({ start: at, end, mean, min, max: series.max[index] ?? mean, ...(filled && { filled: true }) });
      return;
    }
    const energy = series.energy_kwh[index] ?? null;
    const inGap = own.some((gap) => gap.start <= at + bucket / 2 && (gap.end ?? Infinity) >= at + bucket / 2);
    if (series.estimated[index] && energy !== null && !inGap && bucket > 0)
      estimates.push({ start: at, end, watts: (energy * 1000 * HOUR) / bucket, gap: null, energy });
  });

  const last = points.at(-1);
  if (missing.offlineSince !== null && !own.some((gap) => gap.end === null)) {
    const start = Math.max(last?.end ?? span.start, span.start, missing.offlineSince - 60_000);
    const end = Math.min(missing.now, span.end);
    if (end - start > 2 * Math.max(bucket, 1000)) holes.push({ start, end, gap: null });
  }

  const max = Math.max(0, ...points.map((point) => point.max), ...estimates.map((estimate) => estimate.watts));
  return { points, estimates, holes, max };
}

/**
 * The bucket of raw samples: the hub answers with the lowest and the highest of every `2 / points` of the range, so that
 * two of them stand further apart than the plug measured.
 */
export function rawBucket(span: { start: number; end: number }, points: number, interval: number): number {
  return Math.max(interval, (2 * (span.end - span.start)) / points);
}

/** Whether the line joins two neighbours: not over a gap, not over more than two empty buckets. */
export function joins(a: Point, b: Point, bucket: number, data: Pick<ChartData, "holes" | "estimates">): boolean {
  const near = a.filled || b.filled ? b.start - a.end < Math.max(a.end - a.start, b.end - b.start) : false;
  if (!near && b.start - a.start > Math.max(3 * bucket, 3500)) return false;
  const inside = (mark: { start: number; end: number }): boolean => mark.start < b.start && mark.end > a.end;
  return !data.holes.some(inside) && !data.estimates.some(inside);
}

export interface Columns {
  x: number[];
  mean: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
}

/** Columns with a null wherever the line breaks; a point that stands alone is drawn as wide as its bucket. */
export function columns(data: ChartData, bucket: number): Columns {
  const result: Columns = { x: [], mean: [], min: [], max: [] };
  const put = (x: number, point: Point | null): void => {
    result.x.push(x);
    result.mean.push(point && point.mean);
    result.min.push(point && point.min);
    result.max.push(point && point.max);
  };
  const { points } = data;
  const joined = (index: number): boolean => {
    const [left, right] = [points[index - 1], points[index]];
    return left !== undefined && right !== undefined && joins(left, right, bucket, data);
  };
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && !joined(index)) put((before.end + point.start) / 2, null);
    if (joined(index) || joined(index + 1)) put((point.start + point.end) / 2, point);
    else {
      put(point.start, point);
      if (point.end > point.start) put(point.end, point);
    }
  });
  return result;
}

/** Stretches without a null, as pairs of first and last index: between two of them nothing is drawn. */
export function stretches(values: (number | null)[]): [first: number, last: number][] {
  const found: [number, number][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const open = found.at(-1);
    if (open && open[1] === index - 1) open[1] = index;
    else found.push([index, index]);
  });
  return found;
}

export type Found =
  | { kind: "point"; at: number; point: Point }
  | { kind: "estimate"; at: number; estimate: Estimate }
  | { kind: "hole"; at: number; hole: Hole }
  | null;

/** What stands at a moment of the chart. */
export function findAt(data: ChartData, at: number, reach: number): Found {
  const hole = data.holes.find((mark) => mark.start <= at && at < mark.end);
  if (hole) return { kind: "hole", at, hole };
  const estimate = data.estimates.find((mark) => mark.start <= at && at < mark.end);
  if (estimate) return { kind: "estimate", at, estimate };
  let best: Point | null = null;
  let distance = reach;
  for (const point of data.points) {
    const away = at < point.start ? point.start - at : at > point.end ? at - point.end : 0;
    if (away < distance || (away === 0 && best === null)) {
      best = point;
      distance = away;
    }
  }
  return best && { kind: "point", at: (best.start + best.end) / 2, point: best };
}
