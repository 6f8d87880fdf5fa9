// What one plug used over ten minutes, an hour, a day or a week: the choice of the period, its chart and its table.
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Button } from "react-aria-components/Button";
import { outletKey } from "../api/live";
import { useTelemetry } from "../api/queries";
import { useNow, useSession } from "../app/hub";
import { useBeginning } from "../charts/beginning";
import { ChartKey } from "../charts/ChartKey";
import { LiveChart } from "../charts/LiveChart";
import { extremes, PowerChart } from "../charts/PowerChart";
import { SeriesTable } from "../charts/SeriesTable";
import { type Translate, useI18n } from "../i18n/i18n";
import { chartData, rawBucket } from "../model/chart";
import { energyText } from "../model/format";
import { outletName, type OutletView } from "../model/outlet";
import { parseMoment, periodName, type PlugRange, writeMoment } from "../model/period";
import { clock, type RangeKind, shiftSpan, spanOf, weekday } from "../model/time";
import { Download } from "../ui/Download";
import { useDesktop } from "../ui/hooks";
import { Segmented } from "../ui/Segmented";
import { Empty, Failed, Skeleton } from "../ui/States";

export const RANGES: PlugRange[] = ["live", "hour", "day", "week"];
export const POINTS = { desktop: 1000, phone: 400 };

export interface ChartProps {
  view: OutletView;
  range: PlugRange;
  at: string | null;
  show: (range: PlugRange, at: string | null) => void;
}

export function Ranges({ range, show, full = false }: Pick<ChartProps, "range" | "show"> & { full?: boolean }) {
  const { t } = useI18n();
  const options = RANGES.map((value) => ({ value, label: t(`plug.${value}`) }));
  return (
    <Segmented
      label={t("plug.range")}
      value={range}
      options={options}
      full={full}
      onChange={(next) => show(next, null)}
    />
  );
}

/** The history of one outlet over the period asked for. */
export function useHistory({ view, range, at }: ChartProps) {
  const { home } = useSession();
  const desktop = useDesktop();
  const now = useNow(range === "hour" ? 5_000 : 15_000);
  const kind: RangeKind = range === "live" ? "hour" : range;
  const zone = home.time_zone;
  const span = spanOf(kind, parseMoment(at, zone) ?? now, zone);
  const { device, outlet } = view;
  const current = now >= span.start && now < span.end;
  const points = desktop ? POINTS.desktop : POINTS.phone;
  const query = useTelemetry({
    outlets: [outletKey(device.id, outlet.channel)],
    from: span.start,
    to: span.end,
    points,
    ...(kind === "week" && { bucket: "1h" }),
    enabled: range !== "live",
    refresh: current ? (range === "hour" ? 10_000 : 60_000) : false,
  });
  const answer = query.data && query.data.start === span.start ? query.data : null;
  const series = answer?.series[0];
  const offlineSince = device.online ? null : (device.online_since ?? 0);
  // The minute is enough for what is drawn; every second would draw anew for nothing.
  const drawnAt = Math.floor(now / 5_000) * 5_000;
  const data = useMemo(
    () =>
      series && chartData(series, answer.gaps, { start: span.start, end: span.end }, { offlineSince, now: drawnAt }),
    [series, answer, span.start, span.end, offlineSince, drawnAt],
  );
  return { query, answer, points, span, kind, current, now, zone, series, data, gaps: answer?.gaps ?? [] };
}

export function Chart(props: ChartProps & { height: number; head?: React.ReactNode }) {
  const { view, range, show, height, head = null } = props;
  const { t, language } = useI18n();
  const { query, answer, points, span, kind, current, now, zone, series, data } = useHistory(props);
  const [asTable, setAsTable] = useState(false);
  const name = outletName(view);
  const period = periodName(kind, span, now, zone, language, t);
  const began = useBeginning([outletKey(view.device.id, view.outlet.channel)], span, answer);

  if (range === "live")
    return (
      <>
        {head && <div className="row apart wrap chart-head">{head}</div>}
        <LiveChart view={view} height={height} table />
      </>
    );

  const move = (by: number): void => {
    const next = shiftSpan(kind, span, by, zone);
    show(range, next.end > now ? null : writeMoment(kind, next.start, zone));
  };
  const zoom = (by: 1 | -1, at: number): void => {
    const next = RANGES[RANGES.indexOf(range) - by];
    if (next && next !== "live") show(next, writeMoment(next, at, zone));
    else if (next === "live" && current) show("live", null);
  };
  const total = series?.total_kwh ?? null;
  const empty = data !== undefined && data.points.length + data.estimates.length + data.holes.length === 0;
  return (
    <>
      <div className="row apart wrap chart-head">
        {head}
        <div className="period">
          <Button className="icon-btn" aria-label={t("plug.earlier")} onPress={() => move(-1)}>
            <IconChevronLeft className="icon s" aria-hidden="true" />
          </Button>
          <span className="strong nowrap" aria-live="polite">
            {period}
          </span>
          <Button className="icon-btn" aria-label={t("plug.later")} isDisabled={current} onPress={() => move(1)}>
            <IconChevronRight className="icon s" aria-hidden="true" />
          </Button>
        </div>
        {!head && total !== null && <span className="meta">{energyText(total, language)}</span>}
      </div>
      {query.error && !data ? (
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      ) : !data || !series ? (
        <Skeleton height={height} />
      ) : empty ? (
        <div className="chart-empty" style={{ minHeight: height }}>
          <Empty title={t("plug.emptyTitle")} text={t("plug.emptyText")} />
        </div>
      ) : asTable ? (
        <SeriesTable data={data} name={name} period={period} zone={zone} wide={kind === "week"} />
      ) : (
        <PowerChart
          data={data}
          span={span}
          zone={zone}
          bucket={series.bucket_ms || rawBucket(span, points, view.device.interval_ms)}
          now={now}
          height={height}
          label={sentence(t, language, data, name, period, total)}
          onZoom={zoom}
          onNow={() => show(range, null)}
          onTable={() => setAsTable(true)}
        />
      )}
      <div className="chart-foot">
        {data && !empty && !asTable && (
          <ChartKey
            data={data}
            since={
              began === null ? null : kind === "week" ? weekday(began, zone, language) : clock(began, zone, language)
            }
          />
        )}
        {data && !empty && (
          <Button className="text-btn meta" onPress={() => setAsTable(!asTable)}>
            {t(asTable ? "plug.chart" : "plug.table")}
          </Button>
        )}
        {data && !empty && (
          <Download
            outlet={outletKey(view.device.id, view.outlet.channel)}
            kind={kind}
            from={span.start}
            to={Math.min(span.end, now)}
          />
        )}
      </div>
    </>
  );
}

type Data = NonNullable<ReturnType<typeof useHistory>["data"]>;

function sentence(t: Translate, language: "en" | "de", data: Data, name: string, period: string, total: number | null) {
  const range = extremes(data, language);
  if (!range) return t("plug.chartEmpty", { name, period });
  const energy = total === null ? t("plug.energyUnknown") : energyText(total, language);
  return t("plug.chartSentence", { name, period, ...range, energy, gaps: data.holes.length + data.estimates.length });
}
