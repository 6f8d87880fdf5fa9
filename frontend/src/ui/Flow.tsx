// Where the power goes now: one bar above, what takes it below, every width in proportion to watts.
import { type CSSProperties, useEffect, useId, useRef, useState } from "react";
import { Link } from "wouter";
import { useI18n } from "../i18n/i18n";
import { type Block, type Consumer, flowShape } from "../model/flow";
import { power, powerText, roundParts } from "../model/format";
import { useSettled, useWidth } from "./hooks";
import { ApplianceIcon } from "./icons";
import "./flow.css";

interface FlowProps {
  consumers: Consumer[];
  desktop: boolean;
  summary: string;
}

/** Where less room is left for a label, the picture turns into its list (large text, 200 % zoom). */
const LEAST_LABEL = 44;

/** The picture; its blocks lead to their plugs. */
export function Flow({ consumers, desktop, summary }: FlowProps) {
  const { language } = useI18n();
  const [ref, width] = useWidth<HTMLDivElement>();
  const id = useId();
  const visible = useVisible(ref);
  const bar = desktop ? 14 : 12;
  const height = desktop ? 182 : 150;
  const shape = flowShape(consumers, width, desktop ? 22 : 9, desktop ? 78 : 44);
  const settled = useSettled(flatten(shape));
  const rounded = roundParts(consumers.map((consumer) => consumer.watts));

  if (width > 0 && width < consumers.length * LEAST_LABEL)
    return (
      <div ref={ref}>
        <ul className="flow-list" aria-label={summary}>
          {consumers.map((consumer, index) => (
            <li key={consumer.id}>
              <span className="dot" style={{ background: consumer.color }} />
              <span className="grow ellipsis">{consumer.name}</span>
              <span className="strong nowrap">{powerText(rounded[index] ?? 0, language)}</span>
            </li>
          ))}
        </ul>
      </div>
    );
  return (
    <div ref={ref} className="flow" style={{ "--flow-height": `${height}px` } as CSSProperties}>
      {width > 0 && (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={summary}>
          <defs>
            <pattern id={`${id}x`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <rect width="6" height="6" fill="var(--sunk)" />
              <rect width="1.4" height="6" fill="var(--edge)" />
            </pattern>
            {consumers.map((consumer, index) => (
              <linearGradient key={consumer.id} id={`${id}g${index}`} x1="0" y1="0" x2="0" y2="1">
                <stop offset="0" stopColor={consumer.color} style={{ stopOpacity: "var(--flow-top)" }} />
                <stop offset="1" stopColor={consumer.color} style={{ stopOpacity: "var(--flow-bottom)" }} />
              </linearGradient>
            ))}
            <linearGradient id={`${id}s`} x1="0" y1="0" x2="0" y2="1">
              <stop offset="0" stopColor="var(--ground)" stopOpacity="0" />
              <stop offset="0.5" stopColor="var(--ground)" stopOpacity="0.35" />
              <stop offset="1" stopColor="var(--ground)" stopOpacity="0" />
            </linearGradient>
            <clipPath id={`${id}c`}>
              {shape.map((block) => (
                <path key={block.id} d={ribbon(settled, block, bar + 2, height - bar)} />
              ))}
            </clipPath>
          </defs>
          {shape.map((block, index) => (
            <g key={block.id}>
              <path d={ribbon(settled, block, bar + 2, height - bar)} fill={`url(#${id}g${index})`} />
              <rect
                x={value(settled, block, "left")}
                y={height - bar}
                width={Math.max(value(settled, block, "right") - value(settled, block, "left"), 4)}
                height={bar}
                rx="3"
                fill={consumers[index]?.color}
              />
            </g>
          ))}
          <g clipPath={`url(#${id}c)`}>
            <rect className="sheen" data-running={visible} width={width} height="90" fill={`url(#${id}s)`} />
          </g>
          <rect width={width} height={bar} rx="3" fill="var(--grid)" />
        </svg>
      )}
      <ul className="flow-labels">
        {shape.map((block, index) => {
          const consumer = consumers[index];
          if (!consumer) return null;
          const watts = rounded[index] ?? 0;
          const text = desktop ? powerText(watts, language) : shortPower(watts, power(watts, language));
          const inner = (
            <>
              {desktop ? (
                <span className="strong ellipsis">{consumer.name}</span>
              ) : (
                <ApplianceIcon name={consumer.icon} />
              )}
              <span className={desktop ? "meta" : "strong"}>
                {!desktop && <span className="hidden-visually">{consumer.name} </span>}
                {text}
              </span>
            </>
          );
          const style = { transform: `translateX(calc(${value(settled, block, "middle")}px - 50%))` };
          const room = (shape[index + 1]?.middle ?? width + 60) - (shape[index - 1]?.middle ?? -60);
          return (
            <li key={block.id} style={{ ...style, maxWidth: Math.max(44, room / 2 - 6) }}>
              {consumer.path ? <Link href={consumer.path}>{inner}</Link> : <span className="static">{inner}</span>}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** On the phone the unit stands above; kilowatts keep theirs. */
const shortPower = (watts: number, figure: { number: string; unit: string }): string =>
  figure.unit === "W" ? String(watts) : `${figure.number}\u00a0${figure.unit}`;

const EDGES = ["from", "to", "left", "right", "middle"] as const;

const flatten = (shape: Block[]): Record<string, number> =>
  Object.fromEntries(
    shape.flatMap((block) => EDGES.map((edge) => [`${block.id}/${edge}`, Math.round(block[edge] * 10) / 10])),
  );

const value = (settled: Record<string, number>, block: Block, edge: (typeof EDGES)[number]): number =>
  settled[`${block.id}/${edge}`] ?? block[edge];

function ribbon(settled: Record<string, number>, block: Block, top: number, bottom: number): string {
  const from = value(settled, block, "from") + 0.7;
  const to = Math.max(value(settled, block, "to") - 0.7, from + 0.5);
  const left = value(settled, block, "left");
  const right = Math.max(value(settled, block, "right"), left + 4);
  const middle = (top + bottom) / 2;
  return `M${from} ${top}C${from} ${middle} ${left} ${middle} ${left} ${bottom}H${right}C${right} ${middle} ${to} ${middle} ${to} ${top}Z`;
}

/** Whether the element is on the screen: what cannot be seen does not move. */
function useVisible(ref: React.RefObject<Element | null>): boolean {
  const [visible, setVisible] = useState(true);
  const last = useRef(true);
  useEffect(() => {
    const element = ref.current;
    if (!element || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry || entry.isIntersecting === last.current) return;
      last.current = entry.isIntersecting;
      setVisible(entry.isIntersecting);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return visible;
}
