// What fires now: its sentence, since when, and the power around it.
import { Link } from "wouter";
import { useConnection, useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { beganAt, pictureSpan, ruleText, type Shown } from "../../model/alert";
import { outletName, outletPath } from "../../model/outlet";
import { dayAndClock } from "../../model/time";
import { ApplianceIcon } from "../../ui/icons";
import { AlertPicture } from "./AlertPicture";

export function Firing({ shown: { alert, view }, first }: { shown: Shown; first: boolean }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const now = useNow(30_000);
  const away = useConnection().state === "away";
  const began = beganAt(alert) ?? now;
  const title = `firing-${alert.id}`;
  return (
    <section className="sheet alert-firing" aria-labelledby={title} data-testid="firing">
      <div className="row top">
        <ApplianceIcon name={view.device.icon} className="icon warn" />
        <div className="grow">
          <h2 id={title}>{alert.name}</h2>
          <p className="meta">{alert.detail}</p>
          <p className="meta">
            {[
              t(away ? "alerts.firedSince" : "alerts.firesSince", {
                time: dayAndClock(alert.since ?? now, now, home.time_zone, language),
              }),
              view.device.room,
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </div>
      </div>
      <AlertPicture
        view={view}
        span={pictureSpan(began, now)}
        threshold={alert.threshold}
        wrong={{ what: ruleText(t, language, { ...alert, hold_s: 0 }), began }}
      />
      <div className="row wrap alert-acts">
        <Link href={outletPath(view)} className={first ? "btn" : "btn soft"}>
          {t("alerts.look", { name: outletName(view) })}
        </Link>
        {alert.may_change && (
          <Link href={`/alerts/${alert.id}`} className="btn soft">
            {t("alerts.change")}
          </Link>
        )}
      </div>
    </section>
  );
}
