// The power around an alert: as it was before in grey, since it began in the colour of the alert, and the threshold.
import { useId } from "react";
import { outletKey } from "../../api/live";
import { useTelemetry } from "../../api/queries";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { setPoint } from "../../model/alert";
import { chartData, columns, rawBucket, stretches } from "../../model/chart";
import type { OutletView } from "../../model/outlet";
import { clock, dayAndClock, type Span } from "../../model/time";
import { Dial, DIAL_HEIGHT, HatchPattern } from "../../ui/Dial";
import { useWidth } from "../../ui/hooks";
import { Skeleton } from "../../ui/States";

interface AlertPictureProps {
  view: OutletView;
  span: Span;
  threshold: number | null;
  /** What is wrong, and since when. */
  wrong?: { what: string; began: number };
}

const HEIGHT = 132;
const TOP = 22;
const POINTS = 300;
const LEAST_W = 10;

export function AlertPicture({ view, span, threshold, wrong }: AlertPictureProps) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const now = useNow(30_000);
  const [ref, width] = useWidth<HTMLDivElement>();
  const id = useId();
  const outlet = outletKey(view.device.id, view.outlet.channel);
  const { data, error } = useTelemetry({ outlets: [outlet], from: span.start, to: span.end, points: POINTS });
  const series = data?.series[0];
  if (error && !data) return <p className="meta alert-picture-none">{t("alerts.noPicture")}</p>;

  const zone = home.time_zone;
  const base = HEIGHT - DIAL_HEIGHT;
  const missing = { offlineSince: view.device.online ? null : view.device.online_since, now };
  const chart = series && chartData(series, data.gaps, span, missing);
  const top = 1.08 * Math.max(LEAST_W, chart?.max ?? 0, (threshold ?? 0) * 1.1);
  const x = (at: number): number => ((at - span.start) / (span.end - span.start)) * width;
  const y = (watts: number): number => base - ((base - TOP) * Math.max(0, watts)) / top;
  const from = wrong === undefined ? null : Math.max(0, x(wrong.began));
  const bucket = series ? series.bucket_ms || rawBucket(span, POINTS, view.device.interval_ms) : 0;
  const drawn = chart && columns(chart, bucket);
  const lines = drawn
    ? stretches(drawn.mean).map(([first, last]) =>
        drawn.x
          .slice(first, last + 1)
          .map((at, index) => `${x(at).toFixed(1)} ${y(drawn.mean[first + index] ?? 0).toFixed(1)}`),
      )
    : [];
  const bands = drawn
    ? stretches(drawn.max).map(([first, last]) => {
        const at = (index: number, values: (number | null)[]): string =>
          `${x(drawn.x[index] ?? 0).toFixed(1)} ${y(values[index] ?? 0).toFixed(1)}`;
        const indexes = drawn.x.slice(first, last + 1).map((_, index) => first + index);
        const upper = indexes.map((index) => at(index, drawn.max));
        const lower = indexes.reverse().map((index) => at(index, drawn.min));
        return `M${[...upper, ...lower].join("L")}Z`;
      })
    : [];
  const path = lines.map((points) => `M${points.join("L")}`).join("");
  const area = lines.map((points) => `M${points[0]?.split(" ")[0] ?? 0} ${base}L${points.join("L")}V${base}Z`).join("");
  const since = wrong && t("alerts.since", { what: wrong.what, time: dayAndClock(wrong.began, now, zone, language) });
  const words = {
    from: clock(span.start, zone, language),
    to: clock(Math.min(span.end, now), zone, language),
    max: setPoint(Math.round(chart?.max ?? 0), language),
    threshold: threshold === null ? "" : setPoint(threshold, language),
  };
  const label = [
    t(chart && chart.points.length > 0 ? "alerts.picture" : "alerts.pictureEmpty", words),
    threshold !== null && t("alerts.pictureThreshold", words),
    since && t("alerts.pictureSince", { since }),
  ]
    .filter(Boolean)
    .join(" ");
  // The threshold's label stands where there is room: above its line, or below where that is at the top.
  const line = threshold === null ? null : y(threshold);

  return (
    <div ref={ref} className="alert-picture" style={{ height: HEIGHT }}>
      {!data ? (
        <Skeleton height={HEIGHT} />
      ) : (
        width > 0 && (
          <svg width={width} height={HEIGHT} role="img" aria-label={label}>
            <defs>
              <HatchPattern id={`${id}h`} />
              <clipPath id={`${id}b`}>
                <rect x={0} y={0} width={from ?? width} height={HEIGHT} />
              </clipPath>
              <clipPath id={`${id}a`}>
                <rect x={from ?? width} y={0} width={width - (from ?? width)} height={HEIGHT} />
              </clipPath>
            </defs>
            {from !== null && (
              <>
                <rect x={from} y={TOP} width={width - from} height={base - TOP} fill="var(--warn-soft)" />
                <text
                  x={from < width / 2 ? from : width}
                  y={14}
                  textAnchor={from < width / 2 ? "start" : "end"}
                  className="alert-picture-since"
                >
                  {since}
                </text>
              </>
            )}
            {chart?.holes.map((hole) => (
              <rect
                key={hole.start}
                x={x(hole.start)}
                y={TOP}
                width={Math.max(1, x(hole.end) - x(hole.start))}
                height={base - TOP}
                fill={`url(#${id}h)`}
                opacity="0.7"
              />
            ))}
            {chart?.estimates.map(({ start, end, watts }) => (
              <path
                key={start}
                d={`M${x(start)} ${y(watts)}H${x(end)}`}
                fill="none"
                stroke="var(--ink3)"
                strokeDasharray="4 3.5"
              />
            ))}
            <g clipPath={`url(#${id}b)`}>
              <path d={bands.join("")} fill="var(--d0)" opacity="0.22" />
              <path d={area} fill="var(--d0)" opacity="0.2" />
              <path d={path} fill="none" stroke="var(--d0)" strokeWidth="1.6" strokeLinejoin="round" />
            </g>
            <g clipPath={`url(#${id}a)`}>
              <path d={bands.join("")} fill="var(--warn)" opacity="0.22" />
              <path d={path} fill="none" stroke="var(--warn)" strokeWidth="2.2" strokeLinejoin="round" />
            </g>
            {line !== null && threshold !== null && (
              <>
                <path d={`M0 ${line}H${width}`} stroke="var(--ink)" strokeDasharray="2 4" />
                <text className="halo key" x={0} y={line > base - 16 || line > TOP + 20 ? line - 5 : line + 14}>
                  {setPoint(threshold, language)}
                </text>
              </>
            )}
            <path d={`M0 ${base}H${width}`} stroke="var(--edge)" />
            <Dial span={span} zone={zone} x1={width} y={base} />
          </svg>
        )
      )}
    </div>
  );
}
