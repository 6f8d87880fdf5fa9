// The frame of every page: rail on a desktop, tabs on a phone, the strip that says when the hub is away.
import {
  IconBell,
  IconCalendarTime,
  IconChartBar,
  IconChevronRight,
  IconCloudOff,
  IconDots,
  IconHome,
  IconPlug,
  IconSettings,
  IconUsers,
  type TablerIcon,
} from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";
import { useDevices } from "../api/queries";
import { type MessageId, useI18n } from "../i18n/i18n";
import { clock } from "../model/time";
import { useDesktop } from "../ui/hooks";
import { Brand } from "../ui/icons";
import { useConnection, useSession } from "./hub";
import "./shell.css";

interface Destination {
  path: string;
  icon: TablerIcon;
  phoneIcon?: TablerIcon;
  label: MessageId;
  phoneLabel?: MessageId;
  /** A phone has no room for a tab of its own; what its tab "More" opens leads there. */
  under?: string;
}

const DESTINATIONS: Destination[] = [
  { path: "/", icon: IconHome, label: "nav.home" },
  { path: "/plugs", icon: IconPlug, label: "nav.plugs" },
  { path: "/energy", icon: IconChartBar, label: "nav.energy" },
  { path: "/schedules", icon: IconCalendarTime, label: "nav.schedules", under: "/settings" },
  { path: "/alerts", icon: IconBell, label: "nav.alerts", under: "/settings" },
  { path: "/people", icon: IconUsers, label: "nav.people", under: "/settings" },
  { path: "/settings", icon: IconSettings, phoneIcon: IconDots, label: "nav.settings", phoneLabel: "nav.more" },
];

/** One thing is done here from beginning to end: on a phone nothing else is offered meanwhile. */
const ADDING = "/plugs/add";

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useI18n();
  const desktop = useDesktop();
  const [location] = useLocation();
  const { state } = useConnection();

  useEffect(() => {
    document.documentElement.toggleAttribute("data-stale", state === "away");
    return () => document.documentElement.removeAttribute("data-stale");
  }, [state]);
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [location]);

  const shown = desktop ? DESTINATIONS : DESTINATIONS.filter(({ under }) => under === undefined);
  const within = (path: string): boolean => (path === "/" ? location === "/" : location.startsWith(path));
  const here = (path: string): boolean =>
    within(path) ||
    (path === "/settings" && within("/admin")) ||
    (!desktop && DESTINATIONS.some((each) => each.under === path && within(each.path)));
  const links = shown.map(({ path, icon, phoneIcon, label, phoneLabel }) => {
    const Icon = desktop ? icon : (phoneIcon ?? icon);
    return (
      <Link key={path} href={path} className={here(path) ? "on" : ""} aria-current={here(path) ? "page" : undefined}>
        <Icon className="icon" aria-hidden="true" />
        <span>{t(desktop ? label : (phoneLabel ?? label))}</span>
      </Link>
    );
  });

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      {desktop && (
        <nav className="rail" aria-label={t("nav.label")}>
          <div className="brand">
            <Brand />
            {t("app.name")}
          </div>
          {links}
          <div className="grow" />
          <Health />
        </nav>
      )}
      <main className="page" id="content" tabIndex={-1}>
        {children}
      </main>
      {!desktop && location !== ADDING && (
        <nav className="tabs" aria-label={t("nav.label")}>
          {links}
        </nav>
      )}
    </div>
  );
}

/** What a phone has no tab for. */
export function More() {
  const { t } = useI18n();
  return (
    <nav className="sheet flush" aria-label={t("nav.more")}>
      <ul className="list icons">
        {DESTINATIONS.filter(({ under }) => under !== undefined).map(({ path, icon: Icon, label }) => (
          <li key={path}>
            <Link href={path} className="list-row">
              <Icon className="icon" aria-hidden="true" />
              <span className="grow h3">{t(label)}</span>
              <IconChevronRight className="icon s quiet" aria-hidden="true" />
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Health() {
  const { t } = useI18n();
  const { state } = useConnection();
  const { data: devices = [], isSuccess } = useDevices();
  const live = devices.filter((device) => device.online).length;
  const word = state === "live" ? "hub.well" : state === "away" ? "hub.away" : "hub.connecting";
  return (
    <div className="meta health">
      <span className={`alive ${state === "live" ? "" : "off"}`} />
      <span>
        {t(word)}
        <br />
        {/* How many are live is not known while the hub is away. */}
        {state === "live" && isSuccess && (
          <span className="quiet">
            {devices.length > 0 ? t("hub.live", { live, count: devices.length }) : t("hub.none")}
          </span>
        )}
      </span>
    </div>
  );
}

/** Stands once, under a page's header, while the hub does not answer. */
export function OfflineStrip() {
  const { t, language } = useI18n();
  const { home } = useSession();
  const { state, lastAt } = useConnection();
  if (state !== "away") return null;
  return (
    <div className="note offline-strip" role="status">
      <IconCloudOff className="icon" aria-hidden="true" />
      <div className="grow">
        <div className="h3">
          {lastAt === null
            ? t("offline.titleNever")
            : t("offline.title", { time: clock(lastAt, home.time_zone, language) })}
        </div>
        <div className="meta">{t("offline.text")}</div>
      </div>
    </div>
  );
}
