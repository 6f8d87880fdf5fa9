// Every alert as a line: what it watches for, how it stands, and the switch that puts it to use.
import { Link } from "wouter";
import { fires, useAlertCalls } from "../../api/alerts";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { ruleText, type Shown } from "../../model/alert";
import { outletName } from "../../model/outlet";
import { dayAndClock } from "../../model/time";
import { ApplianceIcon } from "../../ui/icons";
import { InUse } from "../../ui/InUse";

export function Rules({ shown }: { shown: Shown[] }) {
  const { t } = useI18n();
  return (
    <section className="sheet flush" aria-labelledby="rules">
      <h2 id="rules" className="alert-title">
        {t("alerts.all", { count: shown.length })}
      </h2>
      <ul className="list icons">
        {shown.map((one) => (
          <Rule key={one.alert.id} shown={one} />
        ))}
      </ul>
    </section>
  );
}

function Rule({ shown: { alert, view } }: { shown: Shown }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const calls = useAlertCalls();
  const now = useNow(30_000);
  const name = outletName(view);
  const rule = t("alerts.ofPlug", { name, rule: ruleText(t, language, alert) });
  const time = alert.since === null ? "" : dayAndClock(alert.since, now, home.time_zone, language);
  const state = !alert.enabled
    ? t("alerts.off")
    : alert.state === "firing"
      ? t("alerts.firesSince", { time })
      : alert.state === "pending"
        ? t("alerts.pending", { time })
        : null;
  const notes = [state, !alert.may_change && t("alerts.viewOnly")].filter(Boolean).join(" · ");
  return (
    <li className="alert-rule">
      <Link href={`/alerts/${alert.id}`} className="list-row" data-testid="rule">
        <ApplianceIcon name={view.device.icon} className={fires(alert) ? "icon warn" : "icon"} />
        <span className="grow">
          <span className={alert.enabled ? "h3 block" : "h3 block quiet"}>{alert.name}</span>
          <span className="meta block">{rule}</span>
          {notes && <span className={fires(alert) ? "meta block warn" : "meta block quiet"}>{notes}</span>}
        </span>
      </Link>
      <InUse label={alert.name} rule={alert} change={(enabled) => calls.change(alert.id, { enabled })} />
    </li>
  );
}
