// Beside the figures: what is always on, and how sure the numbers are.
import type { EnergyReport, ReportHours } from "../api/reports.types";
import { useI18n } from "../i18n/i18n";
import { decimal, energyText, power } from "../model/format";
import { money } from "../model/report";
import { clock, fullDate, HOUR, weekday } from "../model/time";
import { Quantity } from "../ui/Quantity";

export function AlwaysOn({ report, hours }: { report: EnergyReport; hours: ReportHours }) {
  const { t, language } = useI18n();
  const { total, period } = report;
  const { base_w: watts, base_kwh: kwh, base_cost: cost } = hours;
  const zone = period.zone;
  const from = clock(hours.highest, zone, language);
  const to = clock(hours.highest + HOUR, zone, language);
  const day = `${weekday(hours.highest, zone, language)} ${from}–${to}`;
  if (watts === null || kwh === null || watts < 0.5) return null;
  const share = total.kwh ? Math.min(1, kwh / total.kwh) : 0;
  return (
    <section className="sheet" aria-labelledby="energy-on">
      <h2 id="energy-on">{t("energy.alwaysOn")}</h2>
      <div className="energy-base">
        <Quantity figure={power(watts, language)} size="mid" about />
        <span className="meta">
          {cost === null
            ? t("energy.baseText", {
                energy: energyText(kwh, language),
                percent: decimal(share * 100, 0, language),
              })
            : t("energy.baseCost", {
                energy: energyText(kwh, language),
                cost: money(cost, total.currency, language),
                percent: decimal(share * 100, 0, language),
              })}
        </span>
      </div>
      <div className="energy-bar" aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </div>
      <p className="meta">{t("energy.highest", { energy: energyText(hours.highest_kwh, language), time: day })}</p>
    </section>
  );
}

export function Certainty({ report }: { report: EnergyReport }) {
  const { t, language } = useI18n();
  const { total, gaps, since, not_compared: left, period } = report;
  const notes: string[] = [];
  if (total.estimated_kwh > 0)
    notes.push(
      t("energy.estimated", {
        energy: energyText(total.estimated_kwh, language),
        percent:
          total.estimated_share < 0.001
            ? `<${decimal(0.1, 1, language)}`
            : decimal(total.estimated_share * 100, 1, language),
      }),
    );
  if (gaps.count > 0)
    notes.push(
      t("energy.unknown", { count: gaps.count, hours: decimal(gaps.hours, gaps.hours < 10 ? 1 : 0, language) }),
    );
  if (gaps.open > 0) notes.push(t("energy.open", { count: gaps.open }));
  if (since !== null) notes.push(t("energy.since", { date: fullDate(since, period.zone, language) }));
  const sure = notes.length === 0;
  if (period.running && total.change_percent !== null)
    notes.push(
      t("energy.soFar", {
        name: period.before_label,
        until: `${fullDate(period.before_until, period.zone, language)}, ${clock(period.before_until, period.zone, language)}`,
      }),
    );
  if (left > 0 && total.change_percent !== null) notes.push(t("energy.left", { count: left }));
  return (
    <section className="sheet" aria-labelledby="energy-sure">
      <h2 id="energy-sure">{t(sure ? "energy.sure" : "energy.unsure")}</h2>
      {notes.length > 0 && (
        <ul className="energy-notes meta">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
