// Where alerts are told: the plugins that deliver messages, how that went, and a message on trial.
import { IconAlertTriangle, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useAlertCalls, useNotifiers } from "../../api/alerts";
import type { NotifierView } from "../../api/alerts.types";
import { useConnection, useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { dayAndClock } from "../../model/time";
import { useAnnouncer } from "../../ui/Announcer";
import { problemWords } from "../../ui/problem";
import { Failed, Skeleton } from "../../ui/States";

export function Channels() {
  const { t } = useI18n();
  const { user } = useSession();
  const notifiers = useNotifiers(user.operator);
  if (!user.operator) return null;
  return (
    <section className="sheet flush" aria-labelledby="channels">
      <h2 id="channels" className="alert-title">
        {t("alerts.told")}
      </h2>
      {notifiers.data ? (
        <ul className="list icons">
          {notifiers.data.map((one) => (
            <Channel key={one.name} notifier={one} />
          ))}
          {notifiers.data.length === 0 && (
            <li className="list-row">
              <IconSend className="icon quiet" aria-hidden="true" />
              <span className="grow">
                <span className="h3 block">{t("alerts.toldNobody")}</span>
                <span className="meta block">{t("alerts.toldHow")}</span>
              </span>
            </li>
          )}
        </ul>
      ) : notifiers.error ? (
        <Failed error={notifiers.error} onRetry={() => void notifiers.refetch()} />
      ) : (
        <div className="list-row">
          <Skeleton height={36} />
        </div>
      )}
    </section>
  );
}

function Channel({ notifier: { name, delivered, failed, detail } }: { notifier: NotifierView }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const now = useNow(30_000);
  const calls = useAlertCalls();
  const { announce, toast } = useAnnouncer();
  const away = useConnection().state === "away";
  const [busy, setBusy] = useState(false);
  const time = (at: number): string => dayAndClock(at, now, home.time_zone, language);
  const bad = failed !== null && failed > (delivered ?? 0);

  const test = async (): Promise<void> => {
    setBusy(true);
    try {
      await calls.test(name);
      announce(t("alerts.tested", { name }));
    } catch (error) {
      toast(problemWords(t, error));
    }
    setBusy(false);
  };
  return (
    <li className="list-row" data-testid="channel">
      <IconSend className="icon" aria-hidden="true" />
      <span className="grow">
        <span className="h3 block">{name}</span>
        {bad ? (
          <span className="meta alert-bad warn">
            <IconAlertTriangle className="icon xs" aria-hidden="true" />
            <span>{t("alerts.undelivered", { time: time(failed), detail: detail ?? "" })}</span>
          </span>
        ) : (
          <span className="meta block">
            {delivered === null ? t("alerts.unused") : t("alerts.delivered", { time: time(delivered) })}
          </span>
        )}
      </span>
      <Button
        className="btn soft small"
        isDisabled={away}
        isPending={busy}
        aria-label={t("alerts.testBy", { name })}
        onPress={() => void test()}
      >
        {t("alerts.test")}
      </Button>
    </li>
  );
}
