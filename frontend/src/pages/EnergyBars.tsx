// The period by its hours, days or months: parts stacked, the period before as an outline, today in bold on the dial.
import { IconStack2 } from "@tabler/icons-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import type { ReportKind } from "../api/reports";
import type { EnergyReport } from "../api/reports.types";
import type { Language } from "../api/types";
import { useI18n } from "../i18n/i18n";
import { decimal, energyText, NBSP, roundLines } from "../model/format";
import { money, type Part, within } from "../model/report";
import { clock, HOUR, localParts, longDate, weekday } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { LineLabels, RoundLines } from "../ui/Dial";
import { useSize } from "../ui/hooks";
import { EnergyTable } from "./EnergyTable";

interface EnergyBarsProps {
  report: EnergyReport;
  parts: Part[];
  compare: boolean;
  onCompare: () => void;
  onOpen: (ask: { kind: ReportKind; of: string }) => void;
}

const TOP = 24;
const DIAL = 28;
const PAD = 2;
const WIDE = 560;
const HALF = 8; // px, of a number below a bar
const LETTER = 6; // px, of what is said of a line

export function EnergyBars({ report, parts, compare, onCompare, onOpen }: EnergyBarsProps) {
  const { t } = useI18n();
  const [asTable, setAsTable] = useState(false);
  const { period } = report;
  const before = report.by_bucket.some(({ before_kwh: kwh }) => kwh !== null);
  return (
    <>
      <div className="row apart wrap energy-chart-head">
        <h2 id="energy-bars">{t(`energy.by.${period.kind}`)}</h2>
        {before && !asTable && (
          <Button className="btn small outline energy-compare" aria-pressed={compare} onPress={onCompare}>
            {compare ? (
              <span className="energy-outline" aria-hidden="true" />
            ) : (
              <IconStack2 className="icon s" aria-hidden="true" />
            )}
            {t(compare ? "energy.compared" : "energy.compare", { name: period.before_label })}
          </Button>
        )}
      </div>
      {asTable ? (
        <EnergyTable report={report} />
      ) : (
        <Chart report={report} parts={parts} compare={compare && before} onOpen={onOpen} />
      )}
      <div className="energy-chart-foot">
        <Button className="energy-link meta" onPress={() => setAsTable(!asTable)}>
          {t(asTable ? "plug.chart" : "plug.table")}
        </Button>
      </div>
    </>
  );
}

function Chart({ report, parts, compare, onOpen }: Omit<EnergyBarsProps, "onCompare">) {
  const { t, language } = useI18n();
  const { announce } = useAnnouncer();
  const opens = useRef(false);
  const [ref, { width, height }] = useSize<HTMLDivElement>();
  const [chosen, setChosen] = useState<number | null>(null);
  const { period, by_bucket: buckets, total } = report;
  const stacks = stacksOf(parts, buckets.length);
  const highest = Math.max(
    ...buckets.map(({ kwh, before_kwh: before }) => Math.max(kwh ?? 0, compare ? (before ?? 0) : 0)),
  );
  const { lines, top } = roundLines(highest, 0.04);
  const base = height - DIAL;
  const y = (kwh: number): number => base - ((base - TOP) * Math.min(kwh, top)) / top;
  const digits = (lines[0] ?? 1) < 0.1 ? 3 : (lines[0] ?? 1) < 1 ? 2 : 1;
  const scale = (kwh: number): string => decimal(kwh, digits, language, 0) + NBSP + "kWh";
  // What the lines say never lies over a bar: it stands beside them, or on a phone over the days that are to come.
  const free = width <= WIDE && buckets.slice(-Math.ceil(buckets.length / 4)).every(({ kwh }) => !kwh);
  const edge = free ? 0 : Math.max(...lines.map((kwh) => scale(kwh).length)) * LETTER + 8;
  const slot = (width - edge) / buckets.length;
  const most = buckets.reduce((best, bucket) => ((bucket.kwh ?? 0) > (best.kwh ?? 0) ? bucket : best));
  const name = (index: number): string => bucketName(report, index, language);
  const words = (index: number): string => {
    const bucket = buckets[index];
    if (!bucket) return "";
    const said = [name(index), bucket.kwh === null ? t("plug.energyUnknown") : energyText(bucket.kwh, language)];
    if (bucket.cost !== null) said.push(money(bucket.cost, total.currency, language));
    if (bucket.estimated_kwh > 0) said.push(t("energy.ofIt", { energy: energyText(bucket.estimated_kwh, language) }));
    if (compare && bucket.before_kwh !== null)
      said.push(t("energy.before", { energy: energyText(bucket.before_kwh, language) }));
    return said.join(" · ");
  };
  const label = t("energy.chart", {
    name: period.label,
    energy: energyText(total.kwh ?? 0, language),
    most: energyText(most.kwh ?? 0, language),
    when: name(buckets.indexOf(most)),
  });
  const open = (index: number): void => {
    const bucket = buckets[index];
    const next = bucket && bucket.start < period.until ? within(period, bucket.start) : null;
    if (next) onOpen(next);
  };
  const place = (event: PointerEvent<HTMLDivElement>): number => {
    const { left } = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(buckets.length - 1, Math.floor((event.clientX - left - edge) / slot)));
  };
  const press = (event: KeyboardEvent<HTMLDivElement>): void => {
    const last = buckets.length - 1;
    const from = chosen ?? (event.key === "ArrowLeft" ? last + 1 : -1);
    const by = event.shiftKey ? 10 : 1;
    const next = { ArrowLeft: from - by, ArrowRight: from + by, Home: 0, End: last }[event.key];
    if (event.key === "Enter" && chosen !== null) return open(chosen);
    if (event.key === "Escape") return setChosen(null);
    if (next === undefined) return;
    event.preventDefault();
    const bounded = Math.max(0, Math.min(last, next));
    setChosen(bounded);
    announce(words(bounded));
  };

  return (
    <div
      ref={ref}
      className="energy-bars"
      role="group"
      tabIndex={0}
      aria-label={label}
      onKeyDown={press}
      onBlur={() => setChosen(null)}
      onPointerMove={(event) => setChosen(place(event))}
      onPointerDown={(event) => {
        const index = place(event);
        // A first touch reads the bar, the second opens it; a mouse has read it already.
        opens.current = event.pointerType === "mouse" || index === chosen;
        setChosen(index);
      }}
      onPointerLeave={(event) => event.pointerType === "mouse" && setChosen(null)}
      onClick={() => opens.current && chosen !== null && open(chosen)}
    >
      {width > 0 && (
        <svg width={width} height={height} aria-hidden="true">
          <RoundLines lines={lines} place={y} x1={width} />
          {buckets.map((bucket, index) => {
            const left = edge + index * slot;
            const running = period.running && bucket.start < period.until && period.until <= bucket.end;
            let from = 0;
            return (
              <g key={bucket.start}>
                {chosen === index && (
                  <rect x={left} width={slot} y={TOP} height={base - TOP} fill="var(--ink)" opacity="0.05" rx={3} />
                )}
                {compare && bucket.before_kwh !== null && bucket.before_kwh > 0 && (
                  <rect
                    x={left + slot * 0.08 + 0.5}
                    width={Math.max(1, slot * 0.84 - 1)}
                    y={y(bucket.before_kwh)}
                    height={base - y(bucket.before_kwh)}
                    fill="none"
                    stroke="var(--edge)"
                    strokeWidth="1"
                    strokeDasharray="3 2.5"
                    rx={2}
                  />
                )}
                <g opacity={running ? 0.55 : 1}>
                  {stacks.map(({ color, values }) => {
                    const kwh = values[index] ?? 0;
                    if (kwh <= 0) return null;
                    const [lower, upper] = [y(from), y(from + kwh)];
                    from += kwh;
                    const tall = lower - upper - (from > kwh ? PAD : 0);
                    return (
                      <rect
                        key={color}
                        x={left + slot * 0.18}
                        width={slot * 0.64}
                        y={upper}
                        height={Math.max(tall, 0.6)}
                        rx={Math.min(2.5, slot / 6, Math.max(tall, 0.6) / 2)}
                        fill={`var(--d${color})`}
                      />
                    );
                  })}
                </g>
                {bucket.estimated_kwh > 0 && bucket.kwh !== null && (
                  <rect
                    x={left + slot * 0.18 + 0.5}
                    width={Math.max(1, slot * 0.64 - 1)}
                    y={y(bucket.kwh)}
                    height={Math.max(2, y(bucket.kwh - bucket.estimated_kwh) - y(bucket.kwh))}
                    fill="var(--sheet)"
                    fillOpacity="0.78"
                    stroke="var(--ink3)"
                    strokeDasharray="3 2.5"
                    rx={2}
                  />
                )}
                <Tick report={report} index={index} x={left + slot / 2} y={base} width={width} running={running} />
              </g>
            );
          })}
          <LineLabels lines={lines} place={y} x1={width} side={free ? "right" : "left"} label={scale} />
        </svg>
      )}
      {chosen !== null && width > 0 && (
        <div
          className="energy-readout"
          style={edge + (chosen + 0.5) * slot < width / 2 ? { left: 0 } : { right: 0 }}
          aria-hidden="true"
        >
          {words(chosen)}
        </div>
      )}
    </div>
  );
}

interface TickProps {
  report: EnergyReport;
  index: number;
  x: number;
  y: number;
  width: number;
  running: boolean;
}

function Tick({ report: { period, by_bucket: buckets }, index, x, y, width, running }: TickProps) {
  const { language } = useI18n();
  const at = buckets[index]?.start ?? 0;
  const { day, month, hour } = localParts(at, period.zone);
  const wide = width > WIDE;
  const long = period.kind === "day" ? hour % (wide ? 3 : 6) === 0 : period.kind !== "month" || index % 7 === 0;
  const label = (): string => {
    if (period.kind === "day") return long ? String(hour).padStart(2, "0") : "";
    if (period.kind === "week") return `${weekday(at, period.zone, language).replace(".", "")}${wide ? ` ${day}` : ""}`;
    if (period.kind === "year") {
      const name = new Intl.DateTimeFormat(language, { month: wide ? "short" : "narrow", timeZone: "UTC" });
      return name.format(Date.UTC(2024, month - 1, 15)).replace(".", "");
    }
    // The number of today stands alone.
    const today = buckets.findIndex(({ start, end }) => start < period.until && period.until < end);
    return running || (long && (today < 0 || Math.abs(index - today) > 1)) ? String(day) : "";
  };
  const text = label();
  const last = width - x < HALF;
  return (
    <>
      <path d={`M${x} ${y}v${long ? 8 : 4}`} stroke="var(--ink3)" strokeWidth={long ? 1.4 : 1} />
      {text && (
        <text
          x={last ? width : x}
          y={y + 22}
          textAnchor={last ? "end" : "middle"}
          className={running ? "key" : undefined}
        >
          {text}
        </text>
      )}
    </>
  );
}

/** What is drawn on one another, from below; parts in grey are one. */
function stacksOf(parts: Part[], count: number): { color: number; values: number[] }[] {
  const stacks = new Map<number, number[]>();
  for (const { color, buckets } of parts) {
    const values = stacks.get(color) ?? Array.from({ length: count }, () => 0);
    buckets.forEach((kwh, index) => (values[index] = (values[index] ?? 0) + (kwh ?? 0)));
    stacks.set(color, values);
  }
  return [...stacks]
    .map(([color, values]) => ({ color, values }))
    .sort((a, b) => Number(a.color === 0) - Number(b.color === 0));
}

export function bucketName({ period, by_bucket: buckets }: EnergyReport, index: number, language: Language): string {
  const at = buckets[index]?.start ?? period.start;
  if (period.kind === "day") return `${clock(at, period.zone, language)}–${clock(at + HOUR, period.zone, language)}`;
  if (period.kind !== "year") return longDate(at, period.zone, language);
  const { month, year } = localParts(at, period.zone);
  return new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone: "UTC" }).format(
    Date.UTC(year, month - 1, 15),
  );
}
