// When measuring began, where that lies within the period shown: before it there is no gap, there was no plug.
import { type OutletKey } from "../api/live";
import { useTelemetry } from "../api/queries";
import type { Telemetry } from "../api/telemetry.types";
import { MINUTE, type Span } from "../model/time";

export interface Beginning {
  /** Start of the bucket in which the first reading lies. */
  at: number;
  bucket: number;
}

export function beginningOf(data: Telemetry, span: Span): Beginning | null {
  let first: Beginning | null = null;
  for (const { at, bucket_ms: bucket } of data.series)
    if (at[0] !== undefined && (first === null || at[0] < first.at)) first = { at: at[0], bucket };
  if (first === null || first.at - span.start < 2 * MINUTE) return null;
  const { at } = first;
  return data.gaps.some((gap) => gap.start <= at) ? null : first;
}

/** To the minute; a wide bucket is looked into once. */
export function useBeginning(outlets: OutletKey[], span: Span, data: Telemetry | null): number | null {
  const first = data && beginningOf(data, span);
  const coarse = first !== null && first.bucket > MINUTE;
  const from = first?.at ?? span.start;
  const inside = useTelemetry({
    outlets,
    from,
    to: from + (first?.bucket ?? 0),
    points: 60,
    refresh: false,
    enabled: coarse,
  });
  if (!coarse) return first?.at ?? null;
  const found = (inside.data?.series ?? []).flatMap(({ at }) => at.slice(0, 1)).filter((at) => at >= from);
  return found.length > 0 ? Math.min(...found) : null;
}
