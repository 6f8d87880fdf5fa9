// The same data as a table, for who cannot or does not want to see the curve.
import { useI18n } from "../i18n/i18n";
import type { ChartData } from "../model/chart";
import { energyText, powerText } from "../model/format";
import { clock, weekday } from "../model/time";
import { causeId } from "./readout";

interface SeriesTableProps {
  data: ChartData;
  name: string;
  period: string;
  zone: string;
  seconds?: boolean;
  /** More than a day: the day stands with the time. */
  wide?: boolean;
}

export function SeriesTable({ data, name, period, zone, seconds = false, wide = false }: SeriesTableProps) {
  const { t, language } = useI18n();
  const time = (at: number): string =>
    (wide ? `${weekday(at, zone, language)} ` : "") + clock(at, zone, language, seconds);
  const watts = (value: number): string => powerText(value, language, { fine: true });
  const rows = [
    ...data.points.map((point) => ({
      start: point.start,
      cells: [
        point.filled ? `${time(point.start)}–${time(point.end)}` : time(point.start),
        watts(point.mean),
        watts(point.min),
        watts(point.max),
        point.filled ? t("plug.filledNote") : "",
      ],
    })),
    ...data.estimates.map(({ start, end, watts: mean, gap, energy }) => ({
      start,
      cells: [
        `${time(start)}–${time(end)}`,
        watts(mean),
        "–",
        "–",
        [gap && t(causeId(gap.cause)), t("plug.estimatedNote", { energy: energyText(energy, language) })]
          .filter(Boolean)
          .join(", "),
      ],
    })),
    ...data.holes.map(({ start, end, gap }) => ({
      start,
      cells: [`${time(start)}–${time(end)}`, "–", "–", "–", t(gap ? causeId(gap.cause) : "cause.offline")],
    })),
  ].sort((a, b) => b.start - a.start);
  const heads = ["plug.col.time", "plug.col.mean", "plug.col.lowest", "plug.col.highest", "plug.col.note"] as const;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t("plug.tableCaption", { name, period })}>
      <table className="data-table">
        <caption className="hidden-visually">{t("plug.tableCaption", { name, period })}</caption>
        <thead>
          <tr>
            {heads.map((head, index) => (
              <th key={head} scope="col" className={index > 0 && index < 4 ? "right" : ""}>
                {t(head)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ start, cells }) => (
            <tr key={`${start}${cells[4]}`}>
              {cells.map((cell, index) => (
                <td key={heads[index]} className={index > 0 && index < 4 ? "right" : ""}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
