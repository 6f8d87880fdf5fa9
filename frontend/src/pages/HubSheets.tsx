// What an admin should know of the hub: how its plugins are, and which readings it had to refuse.
import { IconAlertTriangle, IconCircleCheck, IconPlayerPause } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useDevices, usePlugins, useRejects } from "../api/queries";
import type { PluginView, RejectCount, RejectView } from "../api/system.types";
import { useNow, useSession } from "../app/hub";
import { en } from "../i18n/en";
import { type MessageId, type Translate, useI18n } from "../i18n/i18n";
import { dayAndClock } from "../model/time";
import { Failed, Skeleton } from "../ui/States";

const NEWEST = 5;

export function PluginsSheet() {
  const { t } = useI18n();
  const plugins = usePlugins();
  return (
    <section className="sheet" aria-labelledby="plugins">
      <h2 id="plugins">{plugins.data ? t("plugin.answer", { count: ailing(plugins.data) }) : t("settings.plugins")}</h2>
      {plugins.data ? (
        <ul className="notes">
          {plugins.data.map((plugin) => (
            <PluginLine key={plugin.name + plugin.state} plugin={plugin} />
          ))}
        </ul>
      ) : plugins.error ? (
        <Failed error={plugins.error} onRetry={() => void plugins.refetch()} />
      ) : (
        <Skeleton height={120} style={{ marginTop: 12 }} />
      )}
    </section>
  );
}

const isStopped = ({ state }: PluginView): boolean => state === "failed" || state === "switched_off";
const ailing = (plugins: PluginView[]): number =>
  plugins.filter((plugin) => isStopped(plugin) || plugin.errors.count > 0).length;

function PluginLine({ plugin }: { plugin: PluginView }) {
  const { t } = useI18n();
  const { name, state, detail, errors } = plugin;
  const stopped = isStopped(plugin);
  const raised = errors.count > 0;
  const icon =
    state === "disabled" ? (
      <IconPlayerPause className="icon s quiet" aria-hidden="true" />
    ) : stopped || raised ? (
      <IconAlertTriangle className="icon s warn" aria-hidden="true" />
    ) : (
      <IconCircleCheck className="icon s ok" aria-hidden="true" />
    );
  return (
    <Line icon={icon} title={name} state={t(`plugin.${state}`)} tone={stopped ? "warn" : ""}>
      {detail !== null && <span className="meta block">{detail}</span>}
      {raised && <span className="meta block">{t("plugin.errors", { count: errors.count })}</span>}
      {errors.last !== null && <span className="meta block mono">{errors.last}</span>}
    </Line>
  );
}

interface LineProps {
  icon?: ReactNode;
  title: string;
  state: string;
  tone?: string;
  children: ReactNode;
}

function Line({ icon, title, state, tone = "", children }: LineProps) {
  return (
    <li className="row top">
      {icon}
      <span className="grow">
        <span className="row apart base">
          <span className="h3 note-title">{title}</span>
          <span className={`meta nowrap ${tone}`}>{state}</span>
        </span>
        {children}
      </span>
    </li>
  );
}

export function RefusedSheet() {
  const { t } = useI18n();
  const rejects = useRejects();
  return (
    <section className="sheet" aria-labelledby="refused">
      <h2 id="refused">
        {rejects.data ? t("refused.answer", { count: sumOf(rejects.data.counts) }) : t("settings.refused")}
      </h2>
      {rejects.data ? (
        <Refused {...rejects.data} />
      ) : rejects.error ? (
        <Failed error={rejects.error} onRetry={() => void rejects.refetch()} />
      ) : (
        <Skeleton height={60} style={{ marginTop: 12 }} />
      )}
    </section>
  );
}

const sumOf = (counts: RejectCount[]): number => counts.reduce((sum, { count }) => sum + count, 0);

function Refused({ counts, newest }: { counts: RejectCount[]; newest: RejectView[] }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const now = useNow(60_000);
  const devices = useDevices().data ?? [];
  const nameOf = (id: string): string =>
    id === "unknown" ? t("refused.stranger") : (devices.find((device) => device.id === id)?.name ?? id);
  if (sumOf(counts) === 0) return <p className="meta sheet-text">{t("refused.none")}</p>;
  return (
    <>
      <p className="meta sheet-text">{t("refused.text")}</p>
      <ul className="notes">
        {[...counts]
          .sort((a, b) => b.count - a.count)
          .map(({ device, reason, count }) => (
            <Line key={device + reason} title={nameOf(device)} state={t("refused.times", { count })}>
              <span className="meta block">{reasonWords(t, reason)}</span>
            </Line>
          ))}
      </ul>
      {newest.length > 0 && (
        <>
          <h3 className="sheet-part">{t("refused.newest")}</h3>
          <ul className="notes">
            {newest.slice(0, NEWEST).map(({ at, device, reason, detail }, index) => (
              <Line key={`${at}${index}`} title={nameOf(device)} state={dayAndClock(at, now, home.time_zone, language)}>
                <span className="meta block">{reasonWords(t, reason)}</span>
                <span className="meta block mono">{detail}</span>
              </Line>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** A driver may have reasons of its own, which have no sentence here. */
export function reasonWords(t: Translate, reason: string): string {
  const id = `refused.why.${reason}`;
  return id in en ? t(id as MessageId) : t("refused.other", { reason });
}
