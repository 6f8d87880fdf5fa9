// On the page of a plug: how many schedules it has and when the next is due.
import { IconCalendarTime, IconChevronRight } from "@tabler/icons-react";
import { Link } from "wouter";
import { useSchedules } from "../../api/schedules";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import type { OutletView } from "../../model/outlet";
import { countText, plugKey } from "./words";

export function SchedulesLink({ view }: { view: OutletView }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const now = useNow(30_000);
  const schedules = useSchedules().data;
  const own = schedules?.filter(({ device, channel }) => device === view.device.id && channel === view.outlet.channel);
  return (
    <li>
      <Link href={`/schedules?plug=${plugKey(view)}`} className="list-row">
        <IconCalendarTime className="icon" aria-hidden="true" />
        <span className="grow">
          <span className="h3 block">{t("schedules.title")}</span>
          <span className="meta block ellipsis">
            {own ? countText(t, language, own, now, home.time_zone) : "\u00a0"}
          </span>
        </span>
        <IconChevronRight className="icon s quiet" aria-hidden="true" />
      </Link>
    </li>
  );
}
