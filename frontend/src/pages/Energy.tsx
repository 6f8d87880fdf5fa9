// Energy: a period in money first, then kWh, beside the one before; by day, by room and plug, by hour of the week.
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link, useSearchParams } from "wouter";
import { KINDS, type ReportAsk, type ReportKind, useReport } from "../api/reports";
import type { EnergyReport } from "../api/reports.types";
import type { Language } from "../api/types";
import { useHub, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { useI18n } from "../i18n/i18n";
import { decimal } from "../model/format";
import { type By, energyDigits, money, partsOf, runs, writeOf } from "../model/report";
import { fullDate, longDate, shortDate, weekday } from "../model/time";
import { useDesktop, useMedia, useTitle } from "../ui/hooks";
import { Quantity } from "../ui/Quantity";
import { Segmented } from "../ui/Segmented";
import { Empty, Failed, Skeleton } from "../ui/States";
import { EnergyBars } from "./EnergyBars";
import { EnergyFiles } from "./EnergyFiles";
import { EnergyHours } from "./EnergyHours";
import { AlwaysOn, Certainty } from "./EnergyNotes";
import { EnergyParts } from "./EnergyParts";
import { PriceForm } from "./EnergyPrice";
import "./energy.css";

export default function Energy() {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { user } = useSession();
  const desktop = useDesktop();
  useTitle(t("energy.title"));
  const [search, setSearch] = useSearchParams();
  const kind = KINDS.find((each) => each === search.get("period")) ?? "month";
  const ask: ReportAsk = { kind, of: search.get("of") };
  const by: By = search.get("by") === "plugs" ? "plugs" : "rooms";
  const compare = search.get("compare") !== "off";
  const query = useReport(ask, language);
  const report = query.data;

  const set = (changes: Record<string, string | null>, replace = true): void =>
    setSearch(
      (before) => {
        for (const [name, value] of Object.entries(changes))
          if (value === null) before.delete(name);
          else before.set(name, value);
        return before;
      },
      { replace },
    );
  const show = (next: ReportKind, of: string | null, replace = true): void => set({ period: next, of }, replace);
  /** Another kind of period holds the same days; the running one stays the running one. */
  const change = (next: ReportKind): void =>
    show(next, !report || report.period.running ? null : writeOf(next, report.period.until - 1, report.period.zone));
  const period = report?.period;
  const turn = (by: 1 | -1): void => {
    if (!period) return;
    const at = by < 0 ? period.before_start : period.end;
    show(kind, by > 0 && runs(kind, at, client.now(), period.zone) ? null : writeOf(kind, at, period.zone));
  };
  const kinds = (
    <Segmented
      label={t("energy.period")}
      value={kind}
      options={KINDS.map((value) => ({ value, label: t(`energy.${value}`) }))}
      full={!desktop}
      onChange={change}
    />
  );
  const picker = (
    <div className="energy-period">
      <Button className="icon-btn" aria-label={t("energy.earlier")} isDisabled={!period} onPress={() => turn(-1)}>
        <IconChevronLeft className="icon s" aria-hidden="true" />
      </Button>
      <span className="strong nowrap" aria-live="polite">
        {period ? (desktop ? period.label : brief(period, language)) : "\u00a0"}
      </span>
      <Button
        className="icon-btn"
        aria-label={t("energy.later")}
        isDisabled={!period || period.running}
        onPress={() => turn(1)}
      >
        <IconChevronRight className="icon s" aria-hidden="true" />
      </Button>
    </div>
  );
  const parts = (
    <Segmented
      label={t("energy.by")}
      value={by}
      options={[
        { value: "rooms", label: t("energy.rooms") },
        { value: "plugs", label: t("energy.plugs") },
      ]}
      onChange={(next) => set({ by: next === "rooms" ? null : next })}
    />
  );

  return (
    <div className={`energy ${query.isPlaceholderData ? "waiting" : ""}`}>
      <header className="page-head energy-head">
        <h1>{t(desktop ? "energy.title" : "energy.short")}</h1>
        {desktop && kinds}
        {desktop && picker}
        <EnergyFiles ask={ask} empty={!report || report.total.kwh === null} />
      </header>
      <OfflineStrip />
      {!desktop && kinds}
      {!desktop && (
        <div className="row apart energy-line">
          {picker}
          {parts}
        </div>
      )}
      {report ? (
        <>
          <div className="energy-sums">
            <div>
              <Sums report={report} />
              {!desktop && user.role === "admin" && report.total.price === null && report.total.kwh !== null && (
                <a href="#energy-price" className="meta energy-ask">
                  {t("energy.setPrice")}
                </a>
              )}
            </div>
            {desktop && report.total.kwh !== null && parts}
          </div>
          <Filled
            report={report}
            by={by}
            compare={compare}
            onCompare={() => set({ compare: compare ? "off" : null })}
            onOpen={(next) => show(next.kind, next.of, false)}
            onNow={() => show(kind, null)}
          />
        </>
      ) : query.error ? (
        <section className="sheet">
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        </section>
      ) : (
        <div className="col" role="status" aria-label={t("loading")}>
          <Skeleton width={280} height={58} />
          <Skeleton height={320} style={{ borderRadius: 20 }} />
          <Skeleton height={220} style={{ borderRadius: 20 }} />
        </div>
      )}
    </div>
  );
}

/** The period's name where there is little room. */
function brief({ kind, label, start, end, zone }: EnergyReport["period"], language: Language): string {
  if (kind === "day") return `${weekday(start, zone, language)} ${shortDate(start, zone, language)}`;
  if (kind !== "week") return label;
  return `${shortDate(start, zone, language)} – ${shortDate(end - 1, zone, language)}`;
}

function Sums({ report }: { report: EnergyReport }) {
  const { language } = useI18n();
  const { total, period } = report;
  if (total.kwh === null) return null;
  const number = decimal(total.kwh, energyDigits(total.kwh), language);
  const zone = period.zone;
  const covered =
    period.kind === "day"
      ? longDate(period.start, zone, language)
      : period.kind === "year"
        ? `${shortDate(period.start, zone, language)} – ${fullDate(period.until - 1, zone, language)}`
        : `${shortDate(period.start, zone, language)} – ${shortDate(period.until - 1, zone, language)}`;
  return (
    <dl className="energy-figures">
      {total.cost !== null && (
        <div>
          <dt className="meta">{covered}</dt>
          <dd className="quantity big">{money(total.cost, total.currency, language)}</dd>
        </div>
      )}
      <div>
        <dt className="meta">
          <Compared report={report} />
        </dt>
        <dd>
          <Quantity figure={{ number, unit: "kWh" }} size="big" />
        </dd>
      </div>
    </dl>
  );
}

/** 6 % less than October. */
function Compared({ report: { total, period } }: { report: EnergyReport }) {
  const { t, language } = useI18n();
  const change = total.change_percent;
  if (change === null) return t("energy.notCompared", { name: period.before_label });
  const month = new Intl.DateTimeFormat(language === "de" ? "de-DE" : "en-GB", {
    timeZone: period.zone,
    month: "long",
  });
  const name = period.kind === "month" ? month.format(period.before_start) : period.before_label;
  const than = t("energy.than", { kind: period.kind, name, running: period.running ? "yes" : "no" });
  const percent = decimal(Math.abs(change), 0, language);
  if (Math.abs(change) < 0.5) return t("energy.same", { than });
  if (change > 0) return t("energy.more", { percent, than });
  return <span className="energy-less">{t("energy.less", { percent, than })}</span>;
}

interface FilledProps {
  report: EnergyReport;
  by: By;
  compare: boolean;
  onCompare: () => void;
  onOpen: (ask: { kind: ReportKind; of: string }) => void;
  /** Back to the period that runs. */
  onNow: () => void;
}

function Filled({ report, by, compare, onCompare, onOpen, onNow }: FilledProps) {
  const { t } = useI18n();
  const { user } = useSession();
  const wide = useMedia("(min-width: 1080px)");
  const [pricing, setPricing] = useState(false);
  const { total, period, hours } = report;
  if (total.kwh === null)
    return (
      <section className="sheet">
        {report.by_device.length === 0 ? (
          <Empty title={t("energy.noPlugsTitle")} text={t("energy.noPlugsText")}>
            <Link href="/plugs" className="btn small">
              {t("energy.toPlugs")}
            </Link>
          </Empty>
        ) : (
          <Empty
            title={t("energy.emptyTitle", { name: period.label })}
            text={t(period.running ? "energy.emptyText" : "energy.emptyPast")}
          >
            {!period.running && (
              <Button className="btn small" onPress={onNow}>
                {t("energy.toNow")}
              </Button>
            )}
          </Empty>
        )}
      </section>
    );
  const parts = partsOf(report, by);
  const admin = user.role === "admin";
  const unpriced = total.price === null;
  const price = (unpriced || pricing) && (
    <PriceForm total={total} admin={admin} onDone={pricing ? () => setPricing(false) : null} />
  );
  const table = (
    <section className="sheet energy-parts" aria-labelledby="energy-parts">
      <EnergyParts
        report={report}
        parts={parts}
        by={by}
        onPrice={admin && !unpriced && !pricing ? () => setPricing(true) : null}
      />
    </section>
  );
  const week = hours && period.kind !== "day" && (
    <section className="sheet" aria-labelledby="energy-hours">
      <EnergyHours hours={hours} mean={period.kind === "month"} />
    </section>
  );
  const chart = (
    <section className={`sheet energy-chart ${week ? "" : "tall"}`} aria-labelledby="energy-bars">
      <EnergyBars report={report} parts={parts} compare={compare} onCompare={onCompare} onOpen={onOpen} />
    </section>
  );
  const rest = (
    <>
      {hours && <AlwaysOn report={report} hours={hours} />}
      <Certainty report={report} />
    </>
  );
  if (!wide)
    return (
      <div className="col energy-columns">
        {chart}
        {table}
        {price}
        {week}
        {rest}
      </div>
    );
  return (
    <div className="columns energy-columns">
      <div className="col">
        {chart}
        {week}
      </div>
      <div className="col">
        {price}
        {table}
        {rest}
      </div>
    </div>
  );
}
