// Which hours: a cell for each hour of each day of the week, darker where more was used.
import type { ReportHours } from "../api/reports.types";
import { useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { energyText } from "../model/format";
import { useWidth } from "../ui/hooks";

const STEPS = 5;
const DAYS = 34;
const ROW = { phone: 22, desktop: 30 };
const MONDAY = Date.UTC(2024, 0, 1);

export function EnergyHours({ hours, mean }: { hours: ReportHours; mean: boolean }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const [ref, width] = useWidth<HTMLDivElement>();
  const first = home.week_start;
  const order = Array.from({ length: 7 }, (_, index) => (first + index) % 7);
  const name = (day: number, long = false): string =>
    new Intl.DateTimeFormat(language, { weekday: long ? "long" : "short", timeZone: "UTC" })
      .format(MONDAY + day * 86_400_000)
      .replace(".", "");
  const values = hours.by_weekday_kwh;
  const known = values.flat().filter((kwh): kwh is number => kwh !== null);
  const steps = levels(known);
  let most = { day: 0, hour: 0, kwh: 0 };
  values.forEach((row, day) =>
    row.forEach((kwh, hour) => {
      if (kwh !== null && kwh > most.kwh) most = { day, hour, kwh };
    }),
  );
  const row = width > 500 ? ROW.desktop : ROW.phone;
  const cell = (width - DAYS) / 24;
  const gap = width > 500 ? 2 : 1.5;
  const height = row * 7 + 30;
  const two = (hour: number): string => String(hour).padStart(2, "0");
  const sentence = t(mean ? "energy.hoursMean" : "energy.hoursWeek", {
    day: name(most.day, true),
    from: `${two(most.hour)}:00`,
    to: `${two((most.hour + 1) % 24)}:00`,
    energy: energyText(most.kwh, language),
  });
  return (
    <>
      <div className="row apart wrap">
        <h2 id="energy-hours">{t("energy.hours")}</h2>
        <span className="row meta heat-key" aria-hidden="true">
          {t("energy.lessUsed")}
          {Array.from({ length: STEPS }, (_, step) => (
            <span key={step} className={`heat-step heat${step + 1}`} />
          ))}
          {t("energy.moreUsed")}
        </span>
      </div>
      <div ref={ref} className="energy-heat" style={{ height }}>
        {width > 0 && (
          <svg width={width} height={height} role="img" aria-label={sentence}>
            {order.map((day, line) => (
              <g key={day}>
                <text x={0} y={line * row + row / 2 + 4}>
                  {name(day)}
                </text>
                {(values[day] ?? []).map((kwh, hour) => (
                  <rect
                    key={hour}
                    x={DAYS + hour * cell + gap / 2}
                    y={line * row + gap / 2}
                    width={Math.max(1, cell - gap)}
                    height={row - gap}
                    rx={3}
                    className={kwh === null ? "heat0" : `heat${levelOf(kwh, steps)}`}
                  >
                    <title>{kwh === null ? "–" : `${name(day)} ${two(hour)}:00 · ${energyText(kwh, language)}`}</title>
                  </rect>
                ))}
              </g>
            ))}
            {Array.from({ length: 25 }, (_, hour) => {
              const x = DAYS + hour * cell;
              const long = hour % 6 === 0;
              return (
                <g key={hour}>
                  <path d={`M${x} ${row * 7 + 3}v${long ? 8 : 4}`} stroke="var(--ink3)" strokeWidth={long ? 1.4 : 1} />
                  {long && (
                    <text x={x} y={height - 4} textAnchor={hour === 24 ? "end" : hour === 0 ? "start" : "middle"}>
                      {two(hour % 24)}
                    </text>
                  )}
                </g>
              );
            })}
          </svg>
        )}
      </div>
      <p className="meta">{sentence}</p>
    </>
  );
}

/** Bounds of the five steps: of equal width between what is nearly the least and nearly the most. */
function levels(known: number[]): number[] {
  const sorted = [...known].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)] ?? 0;
  const low = at(0.05);
  const high = at(0.97);
  return Array.from({ length: STEPS - 1 }, (_, index) => low + ((high - low) * (index + 1)) / STEPS);
}

const levelOf = (kwh: number, steps: number[]): number => 1 + steps.filter((bound) => kwh > bound).length;
