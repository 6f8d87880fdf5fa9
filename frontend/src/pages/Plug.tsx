// One plug: its number now, its switch, what it used, and what leads on from it.
import {
  IconAlertTriangle,
  IconChevronLeft,
  IconChevronRight,
  IconSettings,
  IconStar,
  IconStarFilled,
} from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link, useSearchParams } from "wouter";
import { outletKey } from "../api/live";
import { useDevices, useReading, useTelemetry } from "../api/queries";
import { useFavourites } from "../app/favourites";
import { useConnection, useNow, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { beginningOf } from "../charts/beginning";
import { GapList } from "../charts/GapList";
import { LiveChart } from "../charts/LiveChart";
import { useI18n } from "../i18n/i18n";
import { decimal } from "../model/format";
import { outletName, outletPath, type OutletView } from "../model/outlet";
import type { PlugRange } from "../model/period";
import { HOUR, spanOf } from "../model/time";
import { useDesktop, useTitle } from "../ui/hooks";
import { HonestSwitch } from "../ui/HonestSwitch";
import { useOutletLine } from "../ui/PlugRow";
import { Energy, Power, Quantity } from "../ui/Quantity";
import { Failed, Skeleton } from "../ui/States";
import { AlertsLink } from "./alerts/AlertsLink";
import { Chart, type ChartProps, POINTS, Ranges, RANGES, useHistory } from "./PlugHistory";
import { MissingPlug } from "./plug-form";
import { SchedulesLink } from "./schedules/SchedulesLink";
import { signalWord } from "../ui/signal";
import "./plug.css";

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
