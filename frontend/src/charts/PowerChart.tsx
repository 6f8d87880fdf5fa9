// Power over time on the dial: line and band, estimates dashed, gaps hatched, and a read-out under finger, mouse or key.
import { type KeyboardEvent, type PointerEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useI18n } from "../i18n/i18n";
import { type ChartData, columns, findAt, type Found } from "../model/chart";
import { decimal, NBSP, powerText, roundLines } from "../model/format";
import type { RulerOptions } from "../model/ruler";
import type { Span } from "../model/time";
import { Dial, DIAL_HEIGHT, HatchPattern, LineLabels, Needle, RoundLines } from "../ui/Dial";
import { useWidth } from "../ui/hooks";
import { BELOW, SeriesCanvas } from "./canvas";
import { type ReadOut, readOut } from "./readout";
import "./chart.css";

export interface PowerChartProps {
  data: ChartData;
  span: Span;
  zone: string;
  /** How far apart two neighbouring points are at most. */
  bucket: number;
  now: number;
  height: number;
  label: string;
  live?: boolean;
  /** Zooms: by +1 into the moment, by -1 out of it. */
  onZoom?: (by: 1 | -1, at: number) => void;
  onNow?: () => void;
  onTable?: () => void;
  onScrub?: (active: boolean) => void;
}

const TOP = 18;
const DOT = 6;

export function PowerChart(props: PowerChartProps) {
  const { data, span, zone, bucket, now, height, label, live = false } = props;
  const { t, language } = useI18n();
  const [ref, width] = useWidth<HTMLDivElement>();
  const id = useId();
  const [at, setAt] = useState<number | null>(null);
  const [byFinger, setByFinger] = useState(false);

  const base = height - DIAL_HEIGHT;
  const right = live ? width - DOT : width;
  const { lines, top } = roundLines(data.max, 2);
  const x = (moment: number): number => ((moment - span.start) / (span.end - span.start)) * right;
  const y = (watts: number): number => base - ((base - TOP) * Math.min(Math.max(watts, 0), top)) / top;
  const found = at === null ? null : findAt(data, at, ((span.end - span.start) / Math.max(right, 1)) * 24);
  const read =
    found && readOut(found, { t, language, zone, now, seconds: live || span.end - span.start <= 2 * 3_600_000 });
  const labelSide = sideWithLess(data, span);

  const moveTo = (event: PointerEvent<HTMLDivElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / Math.max(right, 1)));
    setByFinger(event.pointerType !== "mouse");
    pick(span.start + share * (span.end - span.start));
  };
  const pick = (moment: number | null): void => {
    if ((moment === null) !== (at === null)) props.onScrub?.(moment !== null);
    setAt(moment);
  };
  useOutside(ref, at !== null && byFinger, () => pick(null));

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = Math.max(bucket, (span.end - span.start) / Math.max(width, 1)) * (event.shiftKey ? 10 : 1);
    const last = data.points.at(-1)?.end ?? span.end;
    const here = at ?? last;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => pick(Math.max(span.start, here - step)),
      ArrowRight: () => pick(Math.min(Math.min(now, span.end) - 1, here + step)),
      Home: () => pick(data.points[0]?.start ?? span.start),
      End: () => pick(last),
      Escape: () => pick(null),
      "+": () => props.onZoom?.(1, here),
      "-": () => props.onZoom?.(-1, here),
      n: () => props.onNow?.(),
      t: () => props.onTable?.(),
    };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setByFinger(false);
    move();
  };

  const liveRuler = useMemo<RulerOptions["live"]>(
    () => (live ? { nowLabel: t("plug.now"), minutesAgo: (minutes) => t("plug.minutesAgo", { minutes }) } : undefined),
    [live, t],
  );

  return (
    <div
      ref={ref}
      className="chart"
      style={{ height }}
      role="img"
      aria-label={label}
      tabIndex={0}
      data-testid={live ? "live-chart" : "chart"}
      onPointerMove={(event) => (event.pointerType === "mouse" || event.buttons > 0) && moveTo(event)}
      onPointerDown={moveTo}
      onPointerLeave={(event) => event.pointerType === "mouse" && pick(null)}
      onDoubleClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        props.onZoom?.(1, span.start + ((event.clientX - box.left) / right) * (span.end - span.start));
      }}
      onKeyDown={onKeyDown}
      onBlur={() => pick(null)}
    >
      {width > 0 && (
        <>
          <svg className="under" width={width} height={height} aria-hidden="true">
            <RoundLines lines={lines} place={y} x1={right} />
            {data.estimates.map((estimate) => (
              <g key={estimate.start}>
                <rect
                  x={x(estimate.start)}
                  width={x(estimate.end) - x(estimate.start)}
                  y={y(estimate.watts)}
                  height={base - y(estimate.watts)}
                  fill="var(--use)"
                  opacity="0.08"
                />
                <path
                  d={`M${x(estimate.start)} ${y(estimate.watts)}H${x(estimate.end)}`}
                  stroke="var(--use)"
                  strokeWidth="1.8"
                  strokeDasharray="4 3.5"
                />
              </g>
            ))}
          </svg>
          <Series {...props} top={top} width={right} height={base - TOP + BELOW} />
          <svg className="over" width={width} height={height} aria-hidden="true">
            <defs>
              <HatchPattern id={id} />
            </defs>
            {data.holes.map((hole) => (
              <rect
                key={hole.start}
                x={x(hole.start)}
                width={Math.max(x(hole.end) - x(hole.start), 1.5)}
                y={TOP - 6}
                height={base - TOP + 6}
                fill={`url(#${id})`}
              />
            ))}
            <LineLabels
              lines={lines}
              place={y}
              x1={right}
              side={labelSide}
              label={(watts) => axisPower(watts, language)}
            />
            <Dial span={span} zone={zone} x1={right} y={base} {...(liveRuler && { live: liveRuler })} />
            {!live && now > span.start && now < span.end && <Needle x={x(now)} top={2} bottom={base} />}
            {live && !found && <LiveDot data={data} x={x} y={y} />}
            {found && <ReadNeedle found={found} x={x} y={y} base={base} />}
          </svg>
          {read && (
            <Pill read={read} x={x(found.at)} y={yOf(found, y)} width={width} onTop={byFinger} data={data} place={x} />
          )}
        </>
      )}
      <Spoken text={read ? `${read.title}, ${read.value}${read.detail ? `, ${read.detail}` : ""}` : ""} />
    </div>
  );
}

function Series({
  data,
  span,
  bucket,
  live = false,
  top,
  width,
  height,
}: PowerChartProps & { top: number; width: number }) {
  const root = useRef<HTMLDivElement>(null);
  const canvas = useRef<SeriesCanvas>(null);
  const drawn = useMemo(() => columns(data, bucket), [data, bucket]);
  const { start, end } = span;

  useEffect(() => {
    if (!root.current) return;
    canvas.current = new SeriesCanvas(root.current, live, { width: 10, height: 10, start: 0, end: 1, top: 1 });
    return () => {
      canvas.current?.destroy();
      canvas.current = null;
    };
  }, [live]);
  useEffect(() => {
    canvas.current?.draw(drawn, { width, height, start, end, top });
  }, [drawn, width, height, start, end, top, live]);

  return <div ref={root} className="series" style={{ top: TOP, width, height }} />;
}

/** Axis labels: 500 W, 1 kW, 1.5 kW. */
function axisPower(watts: number, language: "en" | "de"): string {
  if (watts < 1000) return decimal(watts, watts < 10 ? 1 : 0, language, 0) + NBSP + "W";
  return decimal(watts / 1000, 1, language, 0) + NBSP + "kW";
}

function LiveDot({ data, x, y }: { data: ChartData; x: (at: number) => number; y: (watts: number) => number }) {
  const last = data.points.at(-1);
  if (!last) return null;
  return (
    <g>
      <circle cx={x(last.end)} cy={y(last.mean)} r="9" fill="var(--use)" opacity="0.2" />
      <circle cx={x(last.end)} cy={y(last.mean)} r="5" fill="var(--use)" stroke="var(--sheet)" strokeWidth="2" />
    </g>
  );
}

const yOf = (found: NonNullable<Found>, y: (watts: number) => number): number => {
  if (found.kind === "point") return y(found.point.mean);
  return found.kind === "estimate" ? y(found.estimate.watts) : TOP;
};

interface ReadNeedleProps {
  found: NonNullable<Found>;
  x: (at: number) => number;
  y: (watts: number) => number;
  base: number;
}

function ReadNeedle({ found, x, y, base }: ReadNeedleProps) {
  const left = x(found.at);
  return (
    <g>
      <path d={`M${left} 2V${base}`} stroke="var(--ink)" strokeDasharray="2 3" />
      {found.kind !== "hole" && (
        <circle cx={left} cy={yOf(found, y)} r="4.5" fill="var(--use)" stroke="var(--sheet)" strokeWidth="2" />
      )}
    </g>
  );
}

interface PillProps {
  read: ReadOut;
  x: number;
  y: number;
  width: number;
  onTop: boolean;
  data: ChartData;
  place: (at: number) => number;
}

const PILL_WIDTH = 196;

/** Above the finger; beside the mouse, where less data is. */
function Pill({ read, x, y, width, onTop, data, place }: PillProps) {
  const size = Math.min(PILL_WIDTH, width);
  const busy = (from: number, to: number): number =>
    data.points.reduce(
      (sum, point) => (place(point.start) >= from && place(point.start) <= to ? sum + point.mean : sum),
      0,
    );
  const fitsRight = x + 14 + size <= width;
  const fitsLeft = x - 14 - size >= 0;
  const toRight = fitsRight && (!fitsLeft || busy(x, x + size) <= busy(x - size, x));
  const left =
    onTop || (!fitsRight && !fitsLeft)
      ? Math.min(Math.max(x - size / 2, 0), width - size)
      : toRight
        ? x + 14
        : x - 14 - size;
  return (
    <div
      className="pill"
      style={{ width: size, transform: `translate(${left}px, ${onTop ? -8 : Math.max(0, Math.min(y, 120) - 12)}px)` }}
    >
      <div className="row apart">
        <strong>{read.title}</strong>
        <strong className="nowrap">{read.value}</strong>
      </div>
      {read.detail && <div>{read.detail}</div>}
    </div>
  );
}

/** Says the read-out, at most once a second. */
function Spoken({ text }: { text: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSaid(text), 1000);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <span className="hidden-visually" aria-live="polite">
      {said}
    </span>
  );
}

/** Labels stand where the data is lower. */
function sideWithLess(data: ChartData, span: Span): "left" | "right" {
  const part = (span.end - span.start) * 0.15;
  const highest = (from: number, to: number): number =>
    data.points.reduce((max, point) => (point.start >= from && point.start < to ? Math.max(max, point.max) : max), 0);
  // Left unless the right is clearly lower: labels that change sides for nothing are restless.
  return highest(span.end - part, span.end) < 0.7 * highest(span.start, span.start + part) ? "right" : "left";
}

function useOutside(ref: React.RefObject<HTMLElement | null>, active: boolean, onOutside: () => void): void {
  const callback = useRef(onOutside);
  useEffect(() => {
    callback.current = onOutside;
  });
  useEffect(() => {
    if (!active) return;
    const listener = (event: Event): void => {
      if (!ref.current?.contains(event.target as Node)) callback.current();
    };
    document.addEventListener("pointerdown", listener);
    return () => document.removeEventListener("pointerdown", listener);
  }, [ref, active]);
}

/** Range of what is shown, for the sentence that stands for the picture. */
export function extremes(data: ChartData, language: "en" | "de"): { min: string; max: string } | null {
  if (data.points.length === 0) return null;
  const min = data.points.reduce((least, point) => Math.min(least, point.min), Infinity);
  return { min: powerText(min, language), max: powerText(data.max, language) };
}
