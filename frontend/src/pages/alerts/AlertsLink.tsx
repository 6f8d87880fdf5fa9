// On the page of a plug: how many alerts it has and what fires.
import { IconBell, IconChevronRight } from "@tabler/icons-react";
import { Link } from "wouter";
import { fires, useAlerts } from "../../api/alerts";
import { useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { type OutletView, outletPath } from "../../model/outlet";

export function AlertsLink({ view: { device, outlet } }: { view: OutletView }) {
  const { t } = useI18n();
  const { user } = useSession();
  const alerts = useAlerts().data;
  const own = alerts?.filter((one) => one.device === device.id && one.channel === outlet.channel);
  const firing = own?.filter(fires) ?? [];
  const mayAdd = user.role !== "guest" && device.right !== "view";
  const plug = outletPath({ device, outlet }).slice("/plugs/".length);
  const more = firing.length > 1 ? t("alerts.moreFire", { count: firing.length - 1 }) : "";
  return (
    <li>
      <Link href={own?.length === 0 && mayAdd ? `/alerts/new?plug=${plug}` : "/alerts"} className="list-row">
        <IconBell className={firing.length > 0 ? "icon warn" : "icon"} aria-hidden="true" />
        <span className="grow">
          <span className="h3 block">{t("alerts.title")}</span>
          <span className={firing.length > 0 ? "meta block warn" : "meta block ellipsis"}>
            {firing[0]
              ? [firing[0].detail ?? firing[0].name, more].filter(Boolean).join(" ")
              : own
                ? t("alerts.count", { count: own.length })
                : "\u00a0"}
          </span>
        </span>
        <IconChevronRight className="icon s quiet" aria-hidden="true" />
      </Link>
    </li>
  );
}
