// What the marks of a chart mean; only those that are in the picture.
import { useI18n } from "../i18n/i18n";
import type { ChartData } from "../model/chart";

interface ChartKeyProps {
  data: ChartData;
  /** When measuring began, where that lies within the picture. */
  since?: string | null;
  /** Reading by reading: there is no mean and no band to explain. */
  live?: boolean;
}

export function ChartKey({ data, since = null, live = false }: ChartKeyProps) {
  const { t } = useI18n();
  return (
    <div className="chart-key meta">
      {!live && (
        <span>
          <svg width="22" height="12" aria-hidden="true">
            <rect y="1" width="22" height="10" fill="var(--use)" opacity="0.22" />
            <path d="M0 6H22" stroke="var(--use)" strokeWidth="1.8" />
          </svg>
          {t("plug.keyMean")}
        </span>
      )}
      {data.points.some((point) => point.filled) && <span>{t("plug.keyFilled")}</span>}
      {since !== null && <span>{t("plug.since", { time: since })}</span>}
      {data.estimates.length > 0 && (
        <span>
          <svg width="22" height="12" aria-hidden="true">
            <rect y="6" width="22" height="6" fill="var(--use)" opacity="0.08" />
            <path d="M0 6H22" stroke="var(--use)" strokeWidth="1.8" strokeDasharray="4 3.5" />
          </svg>
          {t("plug.keyEstimated")}
        </span>
      )}
      {data.holes.length > 0 && (
        <span>
          <i className="hatch" />
          {t("plug.keyGap")}
        </span>
      )}
    </div>
  );
}
