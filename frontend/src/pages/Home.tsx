// Home: one number at arm's length, where it goes, whether something is wrong, and today by the hour.
import { IconChevronRight, IconClock, IconPlug } from "@tabler/icons-react";
import { useMemo, useRef } from "react";
import { Link } from "wouter";
import { outletKey, type Reading } from "../api/live";
import { useDevices, useReadings, useTelemetry } from "../api/queries";
import type { Device } from "../api/devices.types";
import type { Telemetry } from "../api/telemetry.types";
import { useFavourites } from "../app/favourites";
import { useConnection, useNow, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { useBeginning } from "../charts/beginning";
import { useI18n } from "../i18n/i18n";
import { type Consumer, CONSUMER_FROM, FlowOrder } from "../model/flow";
import { duration, energyText, powerText, roundParts } from "../model/format";
import { isOld, outletName, outletPath, outletsOf, type OutletView, plugsOf } from "../model/outlet";
import { clock, HOUR, longDate, spanOf } from "../model/time";
import { Flow } from "../ui/Flow";
import { type HourBar, HourBars } from "../ui/HourBars";
import { useDesktop, useMedia, useTitle } from "../ui/hooks";
import { PlugTile } from "../ui/PlugRow";
import { Energy, Power } from "../ui/Quantity";
import { Empty, Failed, Skeleton } from "../ui/States";
import { Attention } from "./Attention";
import { FoundPlugs } from "./FoundPlugs";
import "./home.css";

export function Home() {
  const { t, language } = useI18n();
  const { home } = useSession();
  const desktop = useDesktop();
  const now = useNow(10_000);
  const devices = useDevices();
  useTitle(home.name);

  return (
    <>
      <header className="page-head">
        {desktop ? <h1>{home.name}</h1> : <h1 className="home-name">{home.name}</h1>}
        {desktop && (
          <span className="meta">
            {longDate(now, home.time_zone, language)}, {clock(now, home.time_zone, language)}
          </span>
        )}
      </header>
      <OfflineStrip />
      {devices.data ? (
        devices.data.length > 0 ? (
          <Filled devices={devices.data} now={now} />
        ) : (
          <>
            <FoundPlugs />
            <section className="sheet">
              <Empty title={t("home.emptyTitle")} text={t("home.emptyText")}>
                <Link href="/plugs" className="btn small">
                  {t("home.plugs")}
                </Link>
              </Empty>
            </section>
          </>
        )
      ) : devices.error ? (
        <section className="sheet">
          <Failed error={devices.error} onRetry={() => void devices.refetch()} />
        </section>
      ) : (
        <div className="col" role="status" aria-label={t("loading")}>
          <Skeleton width={260} height={92} />
          <Skeleton height={190} style={{ marginTop: 12 }} />
          <Skeleton height={260} style={{ borderRadius: 20 }} />
        </div>
      )}
    </>
  );
}

function Filled({ devices, now }: { devices: Device[]; now: number }) {
  const { t } = useI18n();
  const { home } = useSession();
  const wide = useMedia("(min-width: 1080px)");
  const views = useMemo(() => outletsOf(devices), [devices]);
  const { ids } = useFavourites(home.id);
  const starred = views.filter((view) => ids.includes(outletKey(view.device.id, view.outlet.channel)));
  const tiles = starred.length > 0 ? starred : views.slice(0, 6);
  // The tiles stand in pairs: where one would stand alone, the way to all plugs stands beside it.
  const odd = tiles.length % 2 === 1;
  const attention = <Attention views={views} now={now} />;
  const tileSection = (
    <section className="home-tiles" aria-labelledby="tiles">
      <div className="row apart base section-head">
        <h2 id="tiles">{t(starred.length > 0 ? "home.favourites" : "home.plugs")}</h2>
        {!odd && (
          <Link href="/plugs" className="meta strong">
            {t("home.all")}
          </Link>
        )}
      </div>
      <ul className="tiles">
        {tiles.map((view) => (
          <PlugTile key={outletKey(view.device.id, view.outlet.channel)} view={view} />
        ))}
        {odd && (
          <li className="tile rest">
            <IconPlug className="icon" aria-hidden="true" />
            <Link href="/plugs" className="tile-link row apart">
              <span className="h3">{t("home.all")}</span>
              <IconChevronRight className="icon s quiet" aria-hidden="true" />
            </Link>
          </li>
        )}
      </ul>
    </section>
  );

  return (
    <div className="columns home-columns">
      <div className="col home-main">
        <NowFigure views={views} now={now} />
        {!wide && attention}
        {!wide && <FoundPlugs />}
        <Today views={views} now={now} />
      </div>
      <aside className="col home-aside">
        {wide && attention}
        {wide && <FoundPlugs />}
        {tileSection}
        <ByPlug views={views} />
      </aside>
    </div>
  );
}

function NowFigure({ views, now }: { views: OutletView[]; now: number }) {
  const { t, language } = useI18n();
  const desktop = useDesktop();
  const { state, lastAt } = useConnection();
  const away = state === "away";
  const reading = useReadings();
  const most = desktop ? 5 : 4;
  const order = useRef<{ most: number; flow: FlowOrder } | null>(null);
  // eslint-disable-next-line react-hooks/refs -- the order of the last ten seconds decides the next one
  if (order.current?.most !== most) order.current = { most, flow: new FlowOrder(most) };

  const known = views
    .map((view) => ({ view, reading: reading(outletKey(view.device.id, view.outlet.channel)) }))
    .filter(({ view, reading: { power } }) => power !== null && view.device.online);
  const total = known.reduce((sum, { reading: { power } }) => sum + (power ?? 0), 0);
  const about = !away && known.some(({ view, reading: value }) => isOld(value, view.device, now));
  // eslint-disable-next-line react-hooks/refs
  const ids = order.current.flow.next(loadsOf(known), now);
  const consumers = consumersOf(known, ids, { standby: t("home.standby"), others: t("home.others") });
  const parts = roundParts(consumers.map((consumer) => consumer.watts));
  const summary = t("home.summary", {
    power: powerText(total, language),
    parts: consumers
      .map(({ name }, index) => t("home.part", { name, power: powerText(parts[index] ?? 0, language) }))
      .join(", "),
  });
  const count = plugsOf(views);
  const live = plugsOf(known.map(({ view }) => view));
  const counted = live === count ? t("home.measured", { count }) : t("home.measuredSome", { live, count });
  const onlyStandby = consumers.length === 1 && consumers[0]?.id === "standby";

  return (
    <section className="now-figure" data-testid="now">
      <div className="row apart now-row">
        <Power watts={known.length > 0 ? total : null} size="now" state={away ? "stale" : "live"} about={about} />
        <div className="meta now-caption">
          <span className="row">
            {away ? <IconClock className="icon xs" aria-hidden="true" /> : <span className="alive" />}
            <span className="strong">
              {away && lastAt !== null ? <Age since={lastAt} /> : t(about ? "home.about" : "home.now")}
            </span>
          </span>
          {counted}
        </div>
      </div>
      {consumers.length > 0 ? (
        <>
          {onlyStandby && <p className="meta">{t("home.onlyStandby", { power: powerText(total, language) })}</p>}
          <Flow consumers={consumers} desktop={desktop} summary={summary} />
        </>
      ) : (
        <p className="meta">{known.length > 0 ? t("home.nothing") : null}</p>
      )}
    </section>
  );
}

function Age({ since }: { since: number }) {
  const { t, language } = useI18n();
  const now = useNow(1000);
  return t("home.old", { age: duration(now - since, language) });
}

type Known = { view: OutletView; reading: Reading }[];

const keyOf = ({ device, outlet }: OutletView): string => outletKey(device.id, outlet.channel);

const loadsOf = (known: Known) => known.map(({ view, reading }) => ({ id: keyOf(view), watts: reading.power ?? 0 }));

/** The named ones in their order, then the big ones that found no place, then everything small. */
function consumersOf(known: Known, ids: string[], names: { standby: string; others: string }): Consumer[] {
  const byId = new Map(known.map((entry) => [keyOf(entry.view), entry]));
  const named = ids.flatMap((id): Consumer[] => {
    const entry = byId.get(id);
    if (!entry) return [];
    const { view, reading } = entry;
    return [
      {
        id,
        name: outletName(view),
        icon: view.device.icon,
        color: `var(--d${view.device.color})`,
        watts: Math.max(reading.power ?? 0, 0),
        path: outletPath(view),
      },
    ];
  });
  const rest = known.filter(({ view }) => !ids.includes(keyOf(view)));
  const sum = (big: boolean): number =>
    rest
      .map(({ reading }) => Math.max(reading.power ?? 0, 0))
      .filter((watts) => watts >= CONSUMER_FROM === big)
      .reduce((total, watts) => total + watts, 0);
  const others = sum(true);
  const standby = sum(false);
  if (others > 0)
    named.push({ id: "others", name: names.others, icon: "others", color: "var(--d0)", watts: others, path: "/plugs" });
  if (standby >= 0.5)
    named.push({
      id: "standby",
      name: names.standby,
      icon: "power",
      color: "var(--standby)",
      watts: standby,
      path: "/plugs",
    });
  return named;
}

function Today({ views, now }: { views: OutletView[]; now: number }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const desktop = useDesktop();
  const span = spanOf("day", now, home.time_zone);
  const outlets = views.map((view) => outletKey(view.device.id, view.outlet.channel));
  const telemetry = useTelemetry({ outlets, from: span.start, to: span.end, bucket: "1h" });
  const height = desktop ? 200 : 160;
  const { data, error } = telemetry;
  const current = data && data.start >= span.start - HOUR ? data : null;
  const { bars, total, estimated, unknown } = hourBars(current, span.start, span.end, now);
  const began = useBeginning(outlets, span, current);
  const reading = useReadings();
  const flows = outlets.some((outlet) => Math.abs(reading(outlet).power ?? 0) >= 0.5);
  const remarks = [
    began !== null && t("home.todaySince", { time: clock(began, home.time_zone, language) }),
    estimated > 0.005 && t("home.todayEstimated", { energy: energyText(estimated, language) }),
    unknown > 0 && t("home.todayUnknown", { count: unknown }),
    total !== null && total < 0.005 && t(flows ? "home.todayFirst" : "home.todayEmpty"),
  ].filter((remark) => remark !== false);

  return (
    <section className="sheet today" aria-labelledby="today">
      <h2 id="today">{t("home.today")}</h2>
      {error && !current ? (
        <Failed error={error} onRetry={() => void telemetry.refetch()} />
      ) : current ? (
        <>
          <div className="today-figure">
            <Energy kwh={total} size="big" />
            <span className="meta">
              {remarks.map((remark) => (
                <span className="block" key={remark}>
                  {remark}
                </span>
              ))}
            </span>
          </div>
          <HourBars bars={bars} span={span} zone={home.time_zone} now={now} minHeight={height} />
        </>
      ) : (
        <Skeleton height={height + 52} style={{ marginTop: 12 }} />
      )}
    </section>
  );
}

const LONG_GAP = 5 * 60_000;

export function hourBars(data: Telemetry | null, start: number, end: number, now: number) {
  const bars: HourBar[] = [];
  for (let at = start; at < end; at += HOUR) bars.push({ at, measured: 0, estimated: 0, missing: false });
  let first = Infinity;
  const seen = new Set<number>();
  for (const series of data?.series ?? []) {
    series.at.forEach((at, index) => {
      const bar = bars[Math.floor((at - start) / HOUR)];
      const energy = series.energy_kwh[index] ?? null;
      if (!bar) return;
      first = Math.min(first, bar.at);
      seen.add(bar.at);
      if (energy === null) return;
      const estimated = series.estimated_part_kwh[index] ?? 0;
      bar.estimated += estimated;
      bar.measured += Math.max(energy - estimated, 0);
    });
  }
  for (const bar of bars) bar.missing = bar.at >= first && bar.at + HOUR <= now && !seen.has(bar.at);
  const totals = (data?.series ?? []).map((series) => series.total_kwh).filter((total) => total !== null);
  return {
    bars,
    total: totals.length > 0 ? totals.reduce((sum, total) => sum + total, 0) : null,
    estimated: (data?.series ?? []).reduce((sum, series) => sum + series.estimated_kwh, 0),
    unknown: (data?.gaps ?? []).filter((gap) => gap.energy_kwh === null && (gap.end ?? now) - gap.start > LONG_GAP)
      .length,
  };
}

/** Which plug used how much today; the parts add up to the whole. */
function ByPlug({ views }: { views: OutletView[] }) {
  const { t, language } = useI18n();
  const rows = views
    .map((view) => ({ view, kwh: view.outlet.live.energy_today_kwh }))
    .filter((row): row is { view: OutletView; kwh: number } => row.kwh !== null)
    .sort((a, b) => b.kwh - a.kwh)
    .slice(0, 5);
  const most = rows[0]?.kwh ?? 0;
  if (most === 0) return null;
  return (
    <section className="sheet" aria-labelledby="by-plug">
      <h2 id="by-plug">{t("home.todayByPlug")}</h2>
      <ul className="by-plug">
        {rows.map(({ view, kwh }) => (
          <li key={keyOf(view)}>
            <Link href={`${outletPath(view)}?range=day`}>
              <span className="ellipsis">{outletName(view)}</span>
              <span className="strong nowrap">{energyText(kwh, language)}</span>
              <span className="by-plug-bar">
                {kwh > 0 && (
                  <span style={{ width: `${(kwh / most) * 100}%`, background: `var(--d${view.device.color})` }} />
                )}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
