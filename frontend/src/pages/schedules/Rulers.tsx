// Days below one another on one dial: what is on when, by the clocks of the home.
import { Link } from "wouter";
import { type DayPlan, DAY, timeOf } from "../../model/schedule";
import { Dial, DIAL_HEIGHT, Needle } from "../../ui/Dial";
import { useDesktop, useWidth } from "../../ui/hooks";

/** The dial shows a day of 24 hours, as the clocks do on all days but two. */
const SPAN = { start: 0, end: 24 * 3_600_000 };
const LABEL_PX = 86;

export interface RulerRow {
  key: string;
  name: string;
  href?: string;
  strong?: boolean;
  plan: DayPlan;
  /** What the row shows, in words. */
  words: string;
}

interface RulersProps {
  rows: RulerRow[];
  /** The width of the names on a desktop and on a phone; 0: they stand above their rows. */
  names: readonly [number, number];
  /** In minutes of the day; what is over before it is pale. */
  now?: number;
  /** Times stand in the blocks that have room for them. */
  labels?: boolean;
  /** The schedule that is being changed. */
  chosen?: string | undefined;
  hrefOf: (schedule: string) => string;
}

export function Rulers({ rows, names, now, labels = false, chosen, hrefOf }: RulersProps) {
  const desktop = useDesktop();
  const [ref, width] = useWidth<HTMLDivElement>();
  const left = names[desktop ? 0 : 1];
  const above = left === 0;
  const bar = above ? 18 : desktop ? 28 : 22;
  const step = above ? 48 : bar + (desktop ? 10 : 8);
  const height = rows.length * step;
  const track = Math.max(0, width - left);
  const percent = (minutes: number): string => `${(minutes / DAY) * 100}%`;
  const isPast = (end: number): boolean => now !== undefined && end <= now;
  return (
    <div ref={ref} className={above ? "rulers above" : "rulers"} style={{ height: height + DIAL_HEIGHT }}>
      <ul>
        {rows.map(({ key, name, href, strong = false, plan, words }) => (
          <li key={key} style={{ height: step }}>
            <span
              className={strong ? "ruler-name strong" : "ruler-name"}
              style={above ? {} : { width: left, height: bar }}
            >
              {href === undefined ? (
                name
              ) : (
                <Link href={href} title={name}>
                  {name}
                </Link>
              )}
            </span>
            <span className="hidden-visually">{words}</span>
            {/* The same as the words before it; who sees it may also press on it. */}
            <span className="ruler-track" style={{ height: bar }} aria-hidden="true">
              {plan.segments.map(({ start, end, before, after, on, off }) => (
                <Link
                  key={`${on}${start}`}
                  href={hrefOf(on)}
                  tabIndex={-1}
                  className={[
                    "ruler-block",
                    before && "before",
                    after && "after",
                    isPast(end) && "past",
                    (chosen === on || chosen === off) && "chosen",
                  ]
                    .filter(Boolean)
                    .join(" ")}
                  style={{ left: percent(start), width: percent(end - start) }}
                >
                  {labels && ((end - start) / DAY) * track > LABEL_PX && (
                    <span className="ruler-times">{`${before ? "" : timeOf(start)}–${after ? "" : timeOf(end)}`}</span>
                  )}
                </Link>
              ))}
              {plan.marks.map(({ at, on, id }) => (
                <Link
                  key={`${id}${at}`}
                  href={hrefOf(id)}
                  tabIndex={-1}
                  className={`ruler-mark ${on ? "on" : "off"} ${isPast(at) ? "past" : ""} ${chosen === id ? "chosen" : ""}`}
                  style={{ left: percent(at) }}
                />
              ))}
            </span>
          </li>
        ))}
      </ul>
      {width > 0 && (
        <svg width={width} height={height + DIAL_HEIGHT} aria-hidden="true">
          <Dial span={SPAN} zone="UTC" x0={left} x1={width} y={height} />
          {now !== undefined && <Needle x={left + (now / DAY) * track} top={0} bottom={height} />}
        </svg>
      )}
    </div>
  );
}
