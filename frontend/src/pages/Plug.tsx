// One plug: its number now, its switch, and its power over ten minutes, an hour, a day or a week.
import {
  IconAlertTriangle,
  IconChevronLeft,
  IconChevronRight,
  IconSettings,
  IconStar,
  IconStarFilled,
} from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link, useSearchParams } from "wouter";
import { outletKey } from "../api/live";
import { useDevices, useReading, useTelemetry } from "../api/queries";
import { useFavourites } from "../app/favourites";
import { useConnection, useNow, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { beginningOf, useBeginning } from "../charts/beginning";
import { ChartKey } from "../charts/ChartKey";
import { GapList } from "../charts/GapList";
import { LiveChart } from "../charts/LiveChart";
import { extremes, PowerChart } from "../charts/PowerChart";
import { SeriesTable } from "../charts/SeriesTable";
import { type Translate, useI18n } from "../i18n/i18n";
import { chartData, rawBucket } from "../model/chart";
import { decimal, energyText } from "../model/format";
import { outletName, outletPath, type OutletView } from "../model/outlet";
import { parseMoment, periodName, type PlugRange, writeMoment } from "../model/period";
import { clock, HOUR, type RangeKind, shiftSpan, spanOf, weekday } from "../model/time";
import { Download } from "../ui/Download";
import { useDesktop, useTitle } from "../ui/hooks";
import { HonestSwitch } from "../ui/HonestSwitch";
import { useOutletLine } from "../ui/PlugRow";
import { Energy, Power, Quantity } from "../ui/Quantity";
import { Segmented } from "../ui/Segmented";
import { Empty, Failed, Skeleton } from "../ui/States";
import { AlertsLink } from "./alerts/AlertsLink";
import { MissingPlug } from "./plug-form";
import { SchedulesLink } from "./schedules/SchedulesLink";
import { signalWord } from "../ui/signal";
import "./plug.css";

const RANGES: PlugRange[] = ["live", "hour", "day", "week"];
const POINTS = { desktop: 1000, phone: 400 };

export default function Plug({ plug, channel }: { plug: string; channel: number }) {
  const { t } = useI18n();
  const devices = useDevices();
  const device = devices.data?.find((candidate) => candidate.key === plug);
  const outlet = device?.channels.find((candidate) => candidate.channel === channel) ?? device?.channels[0];

  if (device && outlet) return <Found key={outletKey(device.id, outlet.channel)} view={{ device, outlet }} />;
  if (devices.error && !devices.data)
    return (
      <section className="sheet">
        <Failed error={devices.error} onRetry={() => void devices.refetch()} />
      </section>
    );
  if (devices.data) return <MissingPlug />;
  return (
    <div className="col" role="status" aria-label={t("loading")}>
      <Skeleton width={220} height={30} style={{ marginTop: 40 }} />
      <Skeleton width={200} height={84} />
      <Skeleton height={320} style={{ borderRadius: 20 }} />
    </div>
  );
}

function Found({ view }: { view: OutletView }) {
  useTitle(outletName(view));
  const desktop = useDesktop();
  const [search, setSearch] = useSearchParams();
  const asked = search.get("range") as PlugRange | null;
  const young = useYoung(view, asked === null && desktop);
  const range = asked && RANGES.includes(asked) ? asked : desktop && !young ? "day" : "live";
  const show = (next: PlugRange, at: string | null): void =>
    setSearch(at === null ? { range: next } : { range: next, at }, { replace: true });
  const props: ChartProps = { view, range, at: search.get("at"), show };
  return desktop ? <Desktop {...props} /> : <Phone {...props} />;
}

/** Whether there was less than an hour to see when the page was opened: the day would be an empty picture. */
function useYoung({ device, outlet }: OutletView, wanted: boolean): boolean {
  const { home } = useSession();
  const opened = useState(useNow(HOUR))[0];
  const span = spanOf("day", opened, home.time_zone);
  const outlets = [outletKey(device.id, outlet.channel)];
  const { data } = useTelemetry({ outlets, from: span.start, to: span.end, points: POINTS.desktop, enabled: wanted });
  if (!data) return false;
  const began = beginningOf(data, span);
  if (began) return began.at + began.bucket > opened - HOUR;
  return data.gaps.length === 0 && data.series.every(({ at }) => at.length === 0);
}

interface ChartProps {
  view: OutletView;
  range: PlugRange;
  at: string | null;
  show: (range: PlugRange, at: string | null) => void;
}

function Star({ view }: { view: OutletView }) {
  const { t } = useI18n();
  const { home } = useSession();
  const { ids, toggle } = useFavourites(home.id);
  const id = outletKey(view.device.id, view.outlet.channel);
  const starred = ids.includes(id);
  const Icon = starred ? IconStarFilled : IconStar;
  return (
    <Button
      className="icon-btn"
      aria-label={t(starred ? "plug.unstar" : "plug.star")}
      aria-pressed={starred}
      onPress={() => toggle(id)}
    >
      <Icon className="icon" aria-hidden="true" />
    </Button>
  );
}

function Phone(props: ChartProps) {
  const { t } = useI18n();
  const { view, range, show } = props;
  const { state, words, watts, old, tone } = useOutletLine(view, false);
  const away = useConnection().state === "away";
  return (
    <>
      <header className="plug-head">
        <Link href="/plugs" className="icon-btn" aria-label={t("plug.back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
        <Star view={view} />
      </header>
      <OfflineStrip />
      <div className="row apart top plug-title">
        <div className="grow">
          <h1>{outletName(view)}</h1>
          <p className={`meta plug-words ${tone}`}>
            {/* A green dot beside bad news would say the opposite. */}
            {tone !== "" ? (
              <IconAlertTriangle className="icon xs" aria-hidden="true" />
            ) : (
              state.kind !== "offline" && state.kind !== "unknown" && !old && <span className="alive" />
            )}
            {[words, view.device.room].filter(Boolean).join(" · ")}
          </p>
        </div>
        <div className="plug-switch">
          <HonestSwitch view={view} large />
        </div>
      </div>
      <div className="plug-now" data-testid="now">
        <Power watts={watts} fine size="plug" state={old || away ? "stale" : "live"} />
      </div>
      <Ranges range={range} show={show} full />
      <section className="sheet edge-to-edge">
        <Chart {...props} height={range === "live" ? 236 : 250} />
      </section>
      <div className="col" style={{ gap: 10, marginTop: 10 }}>
        <section className="sheet">
          <Figures view={view} />
        </section>
        <Aside {...props} />
      </div>
    </>
  );
}

function Desktop(props: ChartProps) {
  const { t } = useI18n();
  const { view, range, show } = props;
  const { words, watts, old, tone } = useOutletLine(view, false);
  const away = useConnection().state === "away";
  return (
    <>
      <nav className="meta crumbs">
        <Link href="/plugs">{t("plugs.title")}</Link>
        <IconChevronRight className="icon xs" aria-hidden="true" />
        <span>{view.device.room ?? t("plugs.noRoom")}</span>
      </nav>
      <header className="page-head plug-desktop-head">
        <h1>{outletName(view)}</h1>
        <Star view={view} />
      </header>
      <OfflineStrip />
      <div className="columns">
        <div className="col" style={{ gap: 14 }}>
          <div className="plug-line" data-testid="now">
            <Power watts={watts} fine size="plug" state={old || away ? "stale" : "live"} />
            <div className="plug-line-figures">
              <Figures view={view} />
              <div className="plug-line-switch">
                <HonestSwitch view={view} large />
                <span className={`meta ${tone}`}>{words}</span>
              </div>
            </div>
          </div>
          <section className="sheet">
            <Chart {...props} height={range === "live" ? 380 : 320} head={<Ranges range={range} show={show} />} />
          </section>
          {range !== "live" && (
            <section className="sheet strip" aria-labelledby="strip">
              <h2 id="strip">{t("plug.lastMinutes")}</h2>
              <LiveChart view={view} height={150} />
            </section>
          )}
        </div>
        <aside className="col" style={{ gap: 14 }}>
          <Aside {...props} />
        </aside>
      </div>
    </>
  );
}

function Ranges({ range, show, full = false }: Pick<ChartProps, "range" | "show"> & { full?: boolean }) {
  const { t } = useI18n();
  const options = RANGES.map((value) => ({ value, label: t(`plug.${value}`) }));
  return (
    <Segmented
      label={t("plug.range")}
      value={range}
      options={options}
      full={full}
      onChange={(next) => show(next, null)}
    />
  );
}

function Figures({ view }: { view: OutletView }) {
  const { t, language } = useI18n();
  const { device, outlet } = view;
  const reading = useReading(device.id, outlet.channel);
  const known = device.online;
  const voltage = known ? reading.voltage : null;
  const current = known ? reading.current : null;
  const apparent = (voltage ?? 0) * (current ?? 0);
  const factor =
    known && !outlet.live.apparent && reading.power !== null && apparent > 5
      ? Math.min(1, Math.abs(reading.power) / apparent)
      : null;
  const amps = current === null ? "–" : `${decimal(current, 2, language)}\u00a0A`;
  return (
    <dl className="figures">
      <div>
        <dt className="meta">{t("plug.today")}</dt>
        <dd>
          <Energy kwh={outlet.live.energy_today_kwh} size="mid" />
        </dd>
      </div>
      <div>
        <dt className="meta">{amps}</dt>
        <dd>
          <Quantity
            figure={voltage === null ? null : { number: decimal(voltage, 1, language), unit: "V" }}
            size="mid"
          />
        </dd>
      </div>
      <div>
        <dt className="meta" title={outlet.live.apparent ? t("plug.apparent") : undefined}>
          {t("plug.cosphi")}
        </dt>
        <dd>
          <Quantity figure={factor === null ? null : { number: decimal(factor, 2, language), unit: "" }} size="mid" />
        </dd>
      </div>
    </dl>
  );
}

/** The history of one outlet over the period asked for. */
function useHistory({ view, range, at }: ChartProps) {
  const { home } = useSession();
  const desktop = useDesktop();
  const now = useNow(range === "hour" ? 5_000 : 15_000);
  const kind: RangeKind = range === "live" ? "hour" : range;
  const zone = home.time_zone;
  const span = spanOf(kind, parseMoment(at, zone) ?? now, zone);
  const { device, outlet } = view;
  const current = now >= span.start && now < span.end;
  const points = desktop ? POINTS.desktop : POINTS.phone;
  const query = useTelemetry({
    outlets: [outletKey(device.id, outlet.channel)],
    from: span.start,
    to: span.end,
    points,
    ...(kind === "week" && { bucket: "1h" }),
    enabled: range !== "live",
    refresh: current ? (range === "hour" ? 10_000 : 60_000) : false,
  });
  const answer = query.data && query.data.start === span.start ? query.data : null;
  const series = answer?.series[0];
  const offlineSince = device.online ? null : (device.online_since ?? 0);
  // The minute is enough for what is drawn; every second would draw anew for nothing.
  const drawnAt = Math.floor(now / 5_000) * 5_000;
  const data = useMemo(
    () =>
      series && chartData(series, answer.gaps, { start: span.start, end: span.end }, { offlineSince, now: drawnAt }),
    [series, answer, span.start, span.end, offlineSince, drawnAt],
  );
  return { query, answer, points, span, kind, current, now, zone, series, data, gaps: answer?.gaps ?? [] };
}

function Chart(props: ChartProps & { height: number; head?: React.ReactNode }) {
  const { view, range, show, height, head = null } = props;
  const { t, language } = useI18n();
  const { query, answer, points, span, kind, current, now, zone, series, data } = useHistory(props);
  const [asTable, setAsTable] = useState(false);
  const name = outletName(view);
  const period = periodName(kind, span, now, zone, language, t);
  const began = useBeginning([outletKey(view.device.id, view.outlet.channel)], span, answer);

  if (range === "live")
    return (
      <>
        {head && <div className="row apart wrap chart-head">{head}</div>}
        <LiveChart view={view} height={height} table />
      </>
    );

  const move = (by: number): void => {
    const next = shiftSpan(kind, span, by, zone);
    show(range, next.end > now ? null : writeMoment(kind, next.start, zone));
  };
  const zoom = (by: 1 | -1, at: number): void => {
    const next = RANGES[RANGES.indexOf(range) - by];
    if (next && next !== "live") show(next, writeMoment(next, at, zone));
    else if (next === "live" && current) show("live", null);
  };
  const total = series?.total_kwh ?? null;
  const empty = data !== undefined && data.points.length + data.estimates.length + data.holes.length === 0;
  return (
    <>
      <div className="row apart wrap chart-head">
        {head}
        <div className="period">
          <Button className="icon-btn" aria-label={t("plug.earlier")} onPress={() => move(-1)}>
            <IconChevronLeft className="icon s" aria-hidden="true" />
          </Button>
          <span className="strong nowrap" aria-live="polite">
            {period}
          </span>
          <Button className="icon-btn" aria-label={t("plug.later")} isDisabled={current} onPress={() => move(1)}>
            <IconChevronRight className="icon s" aria-hidden="true" />
          </Button>
        </div>
        {!head && total !== null && <span className="meta">{energyText(total, language)}</span>}
      </div>
      {query.error && !data ? (
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      ) : !data || !series ? (
        <Skeleton height={height} />
      ) : empty ? (
        <div className="chart-empty" style={{ minHeight: height }}>
          <Empty title={t("plug.emptyTitle")} text={t("plug.emptyText")} />
        </div>
      ) : asTable ? (
        <SeriesTable data={data} name={name} period={period} zone={zone} wide={kind === "week"} />
      ) : (
        <PowerChart
          data={data}
          span={span}
          zone={zone}
          bucket={series.bucket_ms || rawBucket(span, points, view.device.interval_ms)}
          now={now}
          height={height}
          label={sentence(t, language, data, name, period, total)}
          onZoom={zoom}
          onNow={() => show(range, null)}
          onTable={() => setAsTable(true)}
        />
      )}
      <div className="chart-foot">
        {data && !empty && !asTable && (
          <ChartKey
            data={data}
            since={
              began === null ? null : kind === "week" ? weekday(began, zone, language) : clock(began, zone, language)
            }
          />
        )}
        {data && !empty && (
          <Button className="text-btn meta" onPress={() => setAsTable(!asTable)}>
            {t(asTable ? "plug.chart" : "plug.table")}
          </Button>
        )}
        {data && !empty && (
          <Download
            outlet={outletKey(view.device.id, view.outlet.channel)}
            kind={kind}
            from={span.start}
            to={Math.min(span.end, now)}
          />
        )}
      </div>
    </>
  );
}

type Data = NonNullable<ReturnType<typeof useHistory>["data"]>;

function sentence(t: Translate, language: "en" | "de", data: Data, name: string, period: string, total: number | null) {
  const range = extremes(data, language);
  if (!range) return t("plug.chartEmpty", { name, period });
  const energy = total === null ? t("plug.energyUnknown") : energyText(total, language);
  return t("plug.chartSentence", { name, period, ...range, energy, gaps: data.holes.length + data.estimates.length });
}

function Aside(props: ChartProps) {
  const { t } = useI18n();
  const { view, range } = props;
  const { device } = view;
  const { gaps, now, zone } = useHistory(props);
  const facts = [
    device.firmware && t(device.newer_firmware ? "plug.firmwareOlder" : "plug.firmware", { version: device.firmware }),
    device.online && device.rssi !== null ? signalWord(t, device.rssi) : null,
  ].filter(Boolean);
  return (
    <>
      {range !== "live" && gaps.length > 0 && <GapList gaps={gaps} now={now} zone={zone} />}
      <section className="sheet flush">
        <ul className="list icons">
          <SchedulesLink view={view} />
          <AlertsLink view={view} />
          <li>
            <Link href={`${outletPath({ ...view, outlet: { ...view.outlet, channel: 0 } })}/edit`} className="list-row">
              <IconSettings className="icon" aria-hidden="true" />
              <span className="grow">
                <span className="h3 block">{t("plug.settings")}</span>
                <span className="meta block ellipsis">{facts.length > 0 ? facts.join(", ") : t("plug.noDetails")}</span>
              </span>
              <IconChevronRight className="icon s quiet" aria-hidden="true" />
            </Link>
          </li>
        </ul>
      </section>
    </>
  );
}
