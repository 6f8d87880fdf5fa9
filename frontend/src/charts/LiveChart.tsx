// The last ten minutes, reading by reading. While it is scrubbed it holds still and offers the way back to now.
import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { outletKey } from "../api/live";
import { useRecent } from "../api/queries";
import { useHub, useNow, useSession } from "../app/hub";
import type { Gap } from "../api/telemetry.types";
import { useI18n } from "../i18n/i18n";
import { type ChartData, marksOf, type Point } from "../model/chart";
import { powerText } from "../model/format";
import { outletName, type OutletView } from "../model/outlet";
import { MINUTE } from "../model/time";
import { Empty, Failed, Skeleton } from "../ui/States";
import { ChartKey } from "./ChartKey";
import { extremes, PowerChart } from "./PowerChart";
import { SeriesTable } from "./SeriesTable";

const WINDOW = 10 * MINUTE;

interface LiveChartProps {
  view: OutletView;
  height: number;
  /** Offers the table below. */
  table?: boolean;
}

export function LiveChart({ view, height, table = false }: LiveChartProps) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const { device, outlet } = view;
  const recent = useRecent(outletKey(device.id, outlet.channel));
  const points = usePoints(view, recent.data);
  const now = useNow(1000);
  const [held, setHeld] = useState<{ data: ChartData; end: number } | null>(null);
  const [asTable, setAsTable] = useState(false);

  const last = points.at(-1);
  // The newest reading stands at the right edge; a plug that fell silent moves to the left.
  const end = last && now - last.start < 3 * device.interval_ms ? last.start : now;
  const data = liveData(points, recent.data?.gaps ?? [], end, device.online);
  const shown = held ?? { data, end };
  const name = outletName(view);
  const period = t("plug.lastMinutes");
  const range = extremes(shown.data, language);
  const label =
    range && last
      ? t("plug.liveSentence", { name, ...range, now: powerText(last.mean, language) })
      : t("plug.chartEmpty", { name, period });

  if (recent.error && points.length === 0) return <Failed error={recent.error} onRetry={() => void recent.refetch()} />;
  if (!recent.data && points.length === 0) return <Skeleton height={height} />;
  if (points.length === 0)
    return (
      <div className="chart-empty" style={{ minHeight: height }}>
        <Empty title={t("plug.emptyTitle")} text={t("plug.emptyLive")} />
      </div>
    );
  return (
    <div className="live-frame">
      {asTable ? (
        <SeriesTable data={shown.data} name={name} period={period} zone={home.time_zone} seconds />
      ) : (
        <PowerChart
          live
          data={shown.data}
          span={{ start: shown.end - WINDOW, end: shown.end }}
          zone={home.time_zone}
          bucket={device.interval_ms}
          now={shown.end}
          height={height}
          label={label}
          onScrub={(active) => setHeld(active ? { data, end } : null)}
          onNow={() => setHeld(null)}
          onTable={() => table && setAsTable(true)}
        />
      )}
      {held && !asTable && (
        <Button className="btn small live-hold" excludeFromTabOrder onPress={() => setHeld(null)}>
          {t("plug.backToNow")}
        </Button>
      )}
      {table && (
        <div className="chart-foot">
          {asTable ? <span /> : <ChartKey data={shown.data} live />}
          <Button className="text-btn meta" onPress={() => setAsTable(!asTable)}>
            {t(asTable ? "plug.chart" : "plug.table")}
          </Button>
        </div>
      )}
    </div>
  );
}

export function liveData(points: Point[], gaps: Gap[], end: number, online: boolean): ChartData {
  const start = end - WINDOW;
  const shown = points.filter((point) => point.start >= start - 2000);
  const last = shown.at(-1);
  const { estimates, holes: open } = marksOf(gaps, { start, end }, end);
  // A gap that is still open ends with the first reading after it.
  const holes = open.map((hole) => {
    const next = shown.find((point) => point.start > hole.start + 1000)?.start ?? hole.end;
    return { ...hole, end: Math.min(hole.end, next) };
  });
  if (!online && last && end - last.end > 3000 && !holes.some((hole) => hole.end >= end))
    holes.push({ start: last.end, end, gap: null });
  const max = Math.max(0, ...shown.map((point) => point.max), ...estimates.map((estimate) => estimate.watts));
  return { points: shown, estimates, holes, max };
}

const pointOf = (at: number, watts: number): Point => ({ start: at, end: at, mean: watts, min: watts, max: watts });

/** What the hub remembered, and from then on every reading as it comes. */
function usePoints(view: OutletView, recent: ReturnType<typeof useRecent>["data"]): Point[] {
  const { live } = useHub();
  const key = outletKey(view.device.id, view.outlet.channel);
  const [came, setCame] = useState<{ key: string; points: Point[] }>({ key, points: [] });
  const queue = useRef<Point[]>([]);

  useEffect(() => {
    queue.current = [];
    let frame: ReturnType<typeof setTimeout> | undefined;
    const flush = (): void => {
      frame = undefined;
      if (document.hidden) return; // behind a hidden tab it stops; what came is kept
      const fresh = queue.current;
      queue.current = [];
      setCame((before) => ({ key, points: append(before.key === key ? before.points : [], fresh) }));
    };
    const stop = live.follow(key, ([, , at, power]) => {
      if (power !== null) queue.current.push(pointOf(at, power));
      frame ??= setTimeout(flush, 200);
    });
    document.addEventListener("visibilitychange", flush);
    return () => {
      stop();
      clearTimeout(frame);
      document.removeEventListener("visibilitychange", flush);
    };
  }, [live, key]);

  return useMemo(() => {
    const remembered = (recent?.at ?? []).flatMap((at, index) => {
      const mean = recent?.mean[index] ?? null;
      return mean === null ? [] : [pointOf(at, mean)];
    });
    return append(remembered, came.key === key ? came.points : []);
  }, [recent, came, key]);
}

/** Keeps the order of time and forgets what left the window. */
export function append(points: Point[], fresh: Point[]): Point[] {
  const all = new Map<number, Point>();
  for (const point of [...points, ...fresh]) all.set(point.start, point);
  const sorted = [...all.values()].sort((a, b) => a.start - b.start);
  const newest = sorted.at(-1)?.start ?? 0;
  return sorted.filter((point) => point.start > newest - WINDOW - MINUTE);
}
