// The chart's figures as a table.
import type { EnergyReport } from "../api/reports.types";
import { useI18n } from "../i18n/i18n";
import { DASH, decimal } from "../model/format";
import { energyDigits, money } from "../model/report";
import { bucketName } from "./EnergyBars";

export function EnergyTable({ report }: { report: EnergyReport }) {
  const { t, language } = useI18n();
  const { total, by_bucket: buckets, period } = report;
  const digits = Math.min(2, energyDigits(total.kwh ?? 0) + 1);
  const kwh = (value: number | null): string => (value === null ? DASH : decimal(value, digits, language));
  const caption = t("energy.tableCaption", { name: period.label });
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table className="data-table">
        <caption className="hidden-visually">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{t("plug.col.time")}</th>
            <th scope="col" className="right">
              {t("energy.colEnergy")}
            </th>
            {total.price !== null && (
              <th scope="col" className="right">
                {t("energy.colCost")}
              </th>
            )}
            <th scope="col" className="right">
              {t("energy.colEstimated")}
            </th>
            <th scope="col" className="right">
              {period.before_label}
            </th>
          </tr>
        </thead>
        <tbody>
          {buckets.map((bucket, index) => (
            <tr key={bucket.start}>
              <th scope="row">{bucketName(report, index, language)}</th>
              <td className="right">{kwh(bucket.kwh)}</td>
              {total.price !== null && (
                <td className="right">{bucket.cost === null ? DASH : money(bucket.cost, total.currency, language)}</td>
              )}
              <td className="right">{bucket.estimated_kwh > 0 ? kwh(bucket.estimated_kwh) : ""}</td>
              <td className="right">{kwh(bucket.before_kwh)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
