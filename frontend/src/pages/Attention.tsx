// Home's one line of what is wrong: the first of all, and how many more there are.
import {
  IconAlertTriangle,
  IconBell,
  IconChevronRight,
  IconPlugConnectedX,
  type TablerIcon,
} from "@tabler/icons-react";
import { Link } from "wouter";
import { fires, useAlerts } from "../api/alerts";
import type { Alert } from "../api/alerts.types";
import { useProblems } from "../api/queries";
import type { ProblemView } from "../api/system.types";
import { useConnection, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { isNow, roughly } from "../model/format";
import { outletName, outletPath, type OutletView } from "../model/outlet";
import { dayAndClock } from "../model/time";

interface Trouble {
  title: string;
  text: string;
  path: string | null;
  icon: TablerIcon;
}

/** At most one line. What somebody asked to be told stands before what the hub has seen by itself. */
export function Attention({ views, now }: { views: OutletView[]; now: number }) {
  const { t } = useI18n();
  const { user } = useSession();
  const away = useConnection().state === "away";
  const problems = useProblems(user.operator).data ?? [];
  const firing = (useAlerts().data ?? []).filter(fires).sort((a, b) => (b.since ?? 0) - (a.since ?? 0));
  const alerts = useAlertTroubles(firing, now);
  const hub = useHubTroubles(problems, now);
  const told = firing.filter(({ kind }) => kind === "offline").map(({ device }) => device);
  const plugs = usePlugTroubles(
    views.filter(({ device }) => !told.includes(device.id)),
    now,
  );
  if (away) return null;

  const [first, ...others] = [...alerts, ...hub, ...plugs];
  if (!first) return null;
  const more = others.length;
  const path = more > 0 && first.path?.startsWith("/plugs") ? "/plugs" : first.path;
  const content = (
    <>
      <first.icon className="icon warn" aria-hidden="true" />
      <span className="grow">
        <span className="h3 block">{first.title}</span>
        <span className="meta block">{more > 0 ? t("home.more", { text: first.text, count: more }) : first.text}</span>
      </span>
      {path !== null && <IconChevronRight className="icon s quiet" aria-hidden="true" />}
    </>
  );
  return path === null ? (
    <div className="note warn-soft" data-testid="attention">
      {content}
    </div>
  ) : (
    <Link href={path} className="note warn-soft" data-testid="attention">
      {content}
    </Link>
  );
}

function useAlertTroubles(firing: Alert[], now: number): Trouble[] {
  const { t, language } = useI18n();
  const { home } = useSession();
  return firing.map(({ name, detail, since }) => ({
    title: detail ?? name,
    text: t("home.problemSince", { time: dayAndClock(since ?? now, now, home.time_zone, language) }),
    path: "/alerts",
    icon: IconBell,
  }));
}

function useHubTroubles(problems: ProblemView[], now: number): Trouble[] {
  const { t, language } = useI18n();
  const { home } = useSession();
  return problems.map(({ detail, since }) => ({
    title: detail ?? "",
    text: t("home.problemSince", { time: dayAndClock(since, now, home.time_zone, language) }),
    path: null,
    icon: IconAlertTriangle,
  }));
}

function usePlugTroubles(views: OutletView[], now: number): Trouble[] {
  const { t, language } = useI18n();
  return views.flatMap((view): Trouble[] => {
    const { device, outlet } = view;
    const path = outletPath(view);
    if (!device.online) {
      // It is the plug that is away: said once, however many outlets it has.
      if (outlet !== device.channels[0]) return [];
      const text =
        device.online_since === null
          ? t("home.offlineUnknown")
          : isNow(now - device.online_since)
            ? t("home.offlineNow")
            : t("home.offlineSince", { duration: roughly(now - device.online_since, language) });
      return [{ title: t("home.offlineOne", { name: device.name }), text, path, icon: IconPlugConnectedX }];
    }
    if (outlet.command?.state !== "unconfirmed") return [];
    const title = t("home.unconfirmed", { name: outletName(view) });
    return [{ title, text: t("home.unconfirmedText"), path, icon: IconAlertTriangle }];
  });
}
