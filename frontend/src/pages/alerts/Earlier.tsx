// What has fired and is over.
import { IconCircleCheck } from "@tabler/icons-react";
import { useEndedAlerts } from "../../api/alerts";
import type { EndedAlert } from "../../api/alerts.types";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { byDay } from "../../model/alert";
import { dayAndClock } from "../../model/time";
import { Failed, SkeletonRows } from "../../ui/States";

export function Earlier() {
  const { t } = useI18n();
  const { home } = useSession();
  const now = useNow(30_000);
  const ended = useEndedAlerts();
  if (!ended.data)
    return ended.error ? (
      <section className="sheet">
        <Failed error={ended.error} onRetry={() => void ended.refetch()} />
      </section>
    ) : (
      <SkeletonRows rows={2} />
    );
  const { today, before } = byDay(ended.data, now, home.time_zone);
  return (
    <>
      {today.length > 0 && <Part title={t("alerts.earlierToday")} ended={today} now={now} />}
      {before.length > 0 && <Part title={t("alerts.earlier")} ended={before} now={now} />}
    </>
  );
}

function Part({ title, ended, now }: { title: string; ended: EndedAlert[]; now: number }) {
  const { language } = useI18n();
  const { home } = useSession();
  return (
    <section className="alert-earlier" aria-label={title}>
      <h2>{title}</h2>
      <ul className="sheet flush list icons">
        {ended.map((one) => (
          <li key={`${one.alert}${one.ended}`} className="list-row alert-ended" data-testid="ended">
            <IconCircleCheck className="icon ok" aria-hidden="true" />
            <span className="grow">
              <span className="h3 block">{one.name}</span>
              <span className="meta block">{one.detail}</span>
            </span>
            <span className="meta quiet nowrap">{dayAndClock(one.ended, now, home.time_zone, language)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
