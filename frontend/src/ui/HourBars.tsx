// Energy by the hour on the day's dial: measured filled, estimated dashed, the running hour pale, the needle is now.
import { useId } from "react";
import { useI18n } from "../i18n/i18n";
import { decimal, energyText, NBSP, roundLines } from "../model/format";
import { clock, HOUR, type Span } from "../model/time";
import { Dial, DIAL_HEIGHT, HatchPattern, LineLabels, Needle, RoundLines } from "./Dial";
import { useSize } from "./hooks";
import "./hour-bars.css";

export interface HourBar {
  at: number;
  measured: number;
  estimated: number;
  /** Nothing at all is known of this hour. */
  missing: boolean;
}

interface HourBarsProps {
  bars: HourBar[];
  span: Span;
  zone: string;
  now: number;
  /** It grows with the room that it is given. */
  minHeight: number;
}

const TOP = 22;

export function HourBars({ bars, span, zone, now, minHeight }: HourBarsProps) {
  const { t, language } = useI18n();
  const [ref, { width, height }] = useSize<HTMLDivElement>();
  const id = useId();
  const base = height - DIAL_HEIGHT;
  const most = bars.reduce(
    (best, bar) => (bar.measured + bar.estimated > best.measured + best.estimated ? bar : best),
    {
      at: span.start,
      measured: 0,
      estimated: 0,
      missing: false,
    },
  );
  const highest = most.measured + most.estimated;
  const { lines, top } = roundLines(highest, 0.04);
  const y = (kwh: number): number => base - ((base - TOP) * Math.min(kwh, top)) / top;
  const x = (at: number): number => ((at - span.start) / (span.end - span.start)) * width;
  const digits = (lines[0] ?? 1) < 0.1 ? 3 : 2;
  const total = bars.reduce((sum, bar) => sum + bar.measured + bar.estimated, 0);
  const label =
    total > 0
      ? t("home.todayChart", {
          energy: energyText(total, language),
          most: energyText(highest, language),
          from: clock(most.at, zone, language),
          to: clock(most.at + HOUR, zone, language),
        })
      : t("home.todayChartEmpty");
  const early = sumOf(bars.slice(0, bars.length / 5));
  const late = sumOf(bars.slice(-bars.length / 5));

  return (
    <div ref={ref} className="hour-bars" style={{ minHeight }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          <defs>
            <HatchPattern id={id} />
          </defs>
          <RoundLines lines={lines} place={y} x1={width} />
          {bars.map((bar) => {
            const left = x(bar.at);
            const slot = x(Math.min(bar.at + HOUR, span.end)) - left;
            const running = bar.at <= now && now < bar.at + HOUR;
            const rect = { x: left + slot * 0.16, width: slot * 0.68, rx: Math.min(2.5, slot / 4) };
            const middle = y(bar.measured);
            const upper = y(bar.measured + bar.estimated);
            return (
              <g key={bar.at}>
                {bar.missing && (
                  <rect x={left} width={slot} y={TOP} height={base - TOP} fill={`url(#${id})`} opacity="0.7" />
                )}
                {bar.measured > 0 && (
                  <rect
                    {...rect}
                    y={Math.min(middle, base - 1.5)}
                    height={Math.max(base - middle, 1.5)}
                    fill="var(--use)"
                    opacity={running ? 0.55 : 1}
                  />
                )}
                {bar.estimated > 0 && (
                  <rect
                    {...rect}
                    y={Math.min(upper, middle - 2)}
                    height={Math.max(middle - upper, 2)}
                    fill="var(--use)"
                    fillOpacity="0.08"
                    stroke="var(--use)"
                    strokeDasharray="4 3.5"
                  />
                )}
              </g>
            );
          })}
          <LineLabels
            lines={lines}
            place={y}
            x1={width}
            side={early <= late ? "left" : "right"}
            label={(kwh) => decimal(kwh, digits, language, 0) + NBSP + "kWh"}
          />
          <Dial span={span} zone={zone} x1={width} y={base} />
          {now < span.end && <Needle x={x(now)} top={TOP - 12} bottom={base} />}
        </svg>
      )}
    </div>
  );
}

const sumOf = (bars: HourBar[]): number => bars.reduce((sum, bar) => sum + bar.measured + bar.estimated, 0);
