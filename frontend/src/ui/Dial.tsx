// The dial: the one ruler under every time axis, and its needle.
import { useMemo } from "react";
import { useI18n } from "../i18n/i18n";
import { ruler, type RulerOptions } from "../model/ruler";
import type { Span } from "../model/time";

export const DIAL_HEIGHT = 28;

interface DialProps {
  span: Span;
  zone: string;
  /** The axis: from x0 to x1 at y. */
  x0?: number;
  x1: number;
  y: number;
  live?: RulerOptions["live"];
}

const LENGTH = [3.5, 6, 9] as const;

export function Dial({ span, zone, x0 = 0, x1, y, live }: DialProps) {
  const { language } = useI18n();
  const width = x1 - x0;
  const ticks = useMemo(
    () => ruler(span, { zone, language, width, ...(live && { live }) }),
    [span, zone, language, width, live],
  );
  const place = (at: number): number => x0 + ((at - span.start) / (span.end - span.start)) * width;
  return (
    <g className="dial">
      {ticks.map((tick, index) => {
        const x = Math.round(place(tick.at) * 10) / 10;
        const next = ticks.slice(index + 1).find((other) => other.size === 2);
        const middle = tick.between && next ? (x + place(next.at)) / 2 : x;
        const edge = tick.between ? "middle" : x - x0 < 6 ? "start" : x1 - x < 6 ? "end" : "middle";
        return (
          <g key={tick.at}>
            <path d={`M${x} ${y}v${LENGTH[tick.size]}`} stroke="var(--ink3)" strokeWidth={tick.size === 2 ? 1.4 : 1} />
            {tick.label && (
              <text x={middle} y={y + 22} textAnchor={edge}>
                {tick.label}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

export function Needle({ x, top, bottom }: { x: number; top: number; bottom: number }) {
  return (
    <g className="needle">
      <path d={`M${x} ${top}V${bottom}`} stroke="var(--ink)" strokeWidth="1.5" />
      <path d={`M${x - 4.5} ${bottom + 9}l4.5 -8l4.5 8z`} fill="var(--ink)" />
    </g>
  );
}

interface LinesProps {
  lines: number[];
  /** Value to pixel. */
  place: (value: number) => number;
  x1: number;
}

/** The two or three round lines of a chart, and its baseline. */
export function RoundLines({ lines, place, x1 }: LinesProps) {
  return (
    <g>
      {lines.map((value) => (
        <path key={value} d={`M0 ${place(value)}H${x1}`} stroke="var(--line)" />
      ))}
      <path d={`M0 ${place(0)}H${x1}`} stroke="var(--edge)" />
    </g>
  );
}

interface LabelsProps extends LinesProps {
  label: (value: number) => string;
  side: "left" | "right";
}

/** Their labels: on the line, at the side where the data is lower. */
export function LineLabels({ lines, place, x1, label, side }: LabelsProps) {
  return (
    <g>
      {lines.map((value) => (
        <text
          key={value}
          className="halo"
          x={side === "left" ? 0 : x1}
          y={place(value) - 6}
          textAnchor={side === "left" ? "start" : "end"}
        >
          {label(value)}
        </text>
      ))}
    </g>
  );
}

/** A hatch pattern for what is missing; `id` is unique on the page. */
export function HatchPattern({ id }: { id: string }) {
  return (
    <pattern id={id} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect width="7" height="7" fill="var(--halo, var(--sheet))" />
      <rect width="1.2" height="7" fill="var(--hatch)" />
    </pattern>
  );
}
