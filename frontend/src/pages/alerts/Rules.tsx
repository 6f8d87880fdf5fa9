// Every alert as a line: what it watches for, how it stands, and the switch that puts it to use.
import { useState } from "react";
import { SwitchButton, SwitchField } from "react-aria-components/Switch";
import { Link } from "wouter";
import { fires, useAlertCalls } from "../../api/alerts";
import { useConnection, useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { ruleText, type Shown } from "../../model/alert";
import { outletName } from "../../model/outlet";
import { dayAndClock } from "../../model/time";
import { useAnnouncer } from "../../ui/Announcer";
import { ApplianceIcon } from "../../ui/icons";
import { problemWords } from "../../ui/problem";
import "../../ui/switch.css";

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
      <InUse shown={{ alert, view }} label={alert.name} />
    </li>
  );
}

function InUse({ shown: { alert }, label }: { shown: Shown; label: string }) {
  const { t } = useI18n();
  const calls = useAlertCalls();
  const { toast } = useAnnouncer();
  const away = useConnection().state === "away";
  const [busy, setBusy] = useState(false);
  if (!alert.may_change)
    return (
      <span className="ink-switch alert-still" data-selected={alert.enabled || undefined} aria-hidden="true">
        <span className="track" />
      </span>
    );
  const change = async (enabled: boolean): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await calls.change(alert.id, { enabled });
    } catch (error) {
      toast(problemWords(t, error));
    }
    setBusy(false);
  };
  return (
    <SwitchField
      aria-label={label}
      isSelected={alert.enabled}
      isDisabled={away}
      onChange={(enabled) => void change(enabled)}
    >
      <SwitchButton className="ink-switch">
        <span className="track" />
      </SwitchButton>
    </SwitchField>
  );
}
