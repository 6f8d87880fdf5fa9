// Every schedule as a sentence: when next, how it went last, whose it is, and the switch that puts it to use.
import { IconAlertTriangle } from "@tabler/icons-react";
import { Link } from "wouter";
import { useMembers } from "../../api/people";
import { useScheduleCalls } from "../../api/schedules";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { outletName } from "../../model/outlet";
import { InUse } from "../../ui/InUse";
import { authorText, lastText, nextText, sentence, type Shown, unbroken } from "./words";

interface ScheduleListProps {
  shown: Shown[];
  chosen: string | undefined;
  hrefOf: (schedule: string) => string;
}

export function ScheduleList({ shown, chosen, hrefOf }: ScheduleListProps) {
  const { t } = useI18n();
  const { user } = useSession();
  const members = useMembers(user.role === "admin").data;
  const now = useNow(10_000);
  return (
    <section className="sheet flush" aria-labelledby="all">
      <h2 id="all" className="sched-list-title">
        {t("schedules.all", { count: shown.length })}
      </h2>
      <ul className="list">
        {shown.map((one) => (
          <Row
            key={one.schedule.id}
            shown={one}
            chosen={one.schedule.id === chosen}
            href={hrefOf(one.schedule.id)}
            author={authorText(t, one.schedule, user, members)}
            now={now}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  shown: Shown;
  chosen: boolean;
  href: string;
  author: string;
  now: number;
}

function Row({ shown, chosen, href, author, now }: RowProps) {
  const { schedule, view } = shown;
  const { t, language } = useI18n();
  const { home, user } = useSession();
  const calls = useScheduleCalls();
  const said = sentence(t, language, outletName(view), schedule, home.week_start);
  const last = lastText(t, language, schedule, now, home.time_zone);
  const named = schedule.name !== outletName(view) && schedule.name;
  // A guest reads once, above, what holds for all of them.
  const notes = user.role === "guest" ? [named] : [named, author, !schedule.may_change && t("schedules.viewOnly")];
  return (
    <li className={chosen ? "sched-row chosen" : "sched-row"}>
      <Link href={href} className="list-row" aria-current={chosen ? "true" : undefined} data-testid="schedule">
        <span className="grow">
          <span className={schedule.enabled ? "h3 block" : "h3 block quiet"}>{unbroken(said)}</span>
          <span className="meta block">{nextText(t, language, schedule, now, home.time_zone)}</span>
          {last && (
            <span className={last.good ? "meta block" : "meta sched-bad warn"}>
              {!last.good && <IconAlertTriangle className="icon xs" aria-hidden="true" />}
              <span>{last.text}</span>
            </span>
          )}
          <span className="meta block quiet">{notes.filter(Boolean).join(" · ")}</span>
        </span>
      </Link>
      <InUse label={said} rule={schedule} change={(enabled) => calls.change(schedule.id, { enabled })} />
    </li>
  );
}
