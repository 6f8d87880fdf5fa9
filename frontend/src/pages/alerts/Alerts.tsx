// Alerts: what fires now, what is over, the rules, and where they are told. On a phone rules and channels are a page of
// their own.
import { IconAdjustments, IconCircleCheck, IconPlus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { fires, useAlerts } from "../../api/alerts";
import { useDevices } from "../../api/queries";
import { useConnection, useSession } from "../../app/hub";
import { OfflineStrip } from "../../app/Shell";
import { useI18n } from "../../i18n/i18n";
import { type Shown, shownOf } from "../../model/alert";
import { outletPath, outletsOf, type OutletView } from "../../model/outlet";
import { useDesktop, useTitle } from "../../ui/hooks";
import { Empty, Failed, Skeleton, SkeletonRows } from "../../ui/States";
import { EditHead } from "../EditHead";
import { ChangeAlert, NewAlert } from "./AlertForm";
import { Channels } from "./Channels";
import { Earlier } from "./Earlier";
import { Firing } from "./Firing";
import { Rules } from "./Rules";
import "../edit.css";
import "./alerts.css";

const NEW = "new";
const RULES = "rules";

export default function Alerts({ chosen }: { chosen?: string }) {
  const { t } = useI18n();
  const desktop = useDesktop();
  const devices = useDevices();
  const alerts = useAlerts();
  const [location, navigate] = useLocation();
  const form = chosen !== undefined && chosen !== RULES;
  const title = t(
    form ? (chosen === NEW ? "alerts.new" : "alerts.change") : chosen === RULES ? "alerts.rules" : "alerts.title",
  );
  useTitle(title);

  const error = alerts.error ?? devices.error;
  const retry = (): void => {
    void alerts.refetch();
    void devices.refetch();
  };
  const ready = alerts.data && devices.data ? { alerts: alerts.data, views: outletsOf(devices.data) } : null;
  const shown = ready ? shownOf(ready.alerts, ready.views) : [];
  const back = desktop || chosen === RULES ? "/alerts" : "/alerts/rules";

  if (form || (chosen === RULES && !desktop))
    return (
      <div className="narrow">
        <EditHead href={back} back={t("plug.back")} title={title} />
        {!ready ? (
          <Waiting error={error} onRetry={retry} />
        ) : form ? (
          <section className="sheet">
            <Form key={location} chosen={chosen} shown={shown} views={ready.views} onDone={() => navigate(back)} />
          </section>
        ) : (
          <div className="col alert-aside">
            <Rules shown={shown} />
            <AddButton views={ready.views} />
            <Channels />
          </div>
        )}
      </div>
    );
  return (
    <>
      <Head views={ready?.views ?? []} none={shown.length === 0} />
      <OfflineStrip />
      {!ready ? (
        <Waiting error={error} onRetry={retry} />
      ) : shown.length === 0 ? (
        <NoAlerts views={ready.views} />
      ) : (
        <div className="alert-columns">
          <div className="col alert-main">
            <Now shown={shown} />
            <Earlier />
          </div>
          {desktop && (
            <aside className="col alert-aside">
              <Rules shown={shown} />
              <Channels />
            </aside>
          )}
        </div>
      )}
    </>
  );
}

/** Outlets that the asker may make alerts for. */
function useWatchable(views: OutletView[]): OutletView[] {
  const { user } = useSession();
  return user.role === "guest" ? [] : views.filter(({ device }) => device.right !== "view");
}

function Head({ views, none }: { views: OutletView[]; none: boolean }) {
  const { t } = useI18n();
  const desktop = useDesktop();
  const mayAdd = useWatchable(views).length > 0;
  return (
    <header className="page-head">
      <h1>{t("alerts.title")}</h1>
      {!none &&
        (desktop
          ? mayAdd && (
              <Link href="/alerts/new" className="btn outline small">
                <IconPlus className="icon s" aria-hidden="true" />
                {t("alerts.new")}
              </Link>
            )
          : views.length > 0 && (
              <Link href="/alerts/rules" className="icon-btn" aria-label={t("alerts.rules")}>
                <IconAdjustments className="icon" aria-hidden="true" />
              </Link>
            ))}
    </header>
  );
}

function AddButton({ views }: { views: OutletView[] }) {
  const { t } = useI18n();
  if (useWatchable(views).length === 0) return null;
  return (
    <Link href="/alerts/new" className="btn">
      <IconPlus className="icon s" aria-hidden="true" />
      {t("alerts.new")}
    </Link>
  );
}

function Now({ shown }: { shown: Shown[] }) {
  const { t } = useI18n();
  const away = useConnection().state === "away";
  const firing = shown.filter(({ alert }) => fires(alert));
  if (firing.length > 0)
    return firing.map((one, index) => <Firing key={one.alert.id} shown={one} first={index === 0} />);
  const count = shown.filter(({ alert }) => alert.enabled).length;
  return (
    <section className="sheet row top" data-testid="quiet">
      <IconCircleCheck className={away ? "icon quiet" : "icon ok"} aria-hidden="true" />
      <div className="grow">
        <h2>{t("alerts.quiet")}</h2>
        <p className="meta">{t("alerts.quietText", { count })}</p>
      </div>
    </section>
  );
}

interface FormProps {
  chosen: string;
  shown: Shown[];
  views: OutletView[];
  onDone: () => void;
}

function Form({ chosen, shown, views, onDone }: FormProps) {
  const { t } = useI18n();
  const { user } = useSession();
  const [search] = useSearchParams();
  const watchable = useWatchable(views);
  const asked = `/plugs/${search.get("plug") ?? ""}`;
  const first = watchable.find((view) => outletPath(view) === asked) ?? watchable[0];
  if (chosen === NEW)
    return first ? (
      <NewAlert views={watchable} first={first} onDone={onDone} />
    ) : (
      <p className="note">{t(user.role === "guest" ? "alerts.guest" : "alerts.noneToWatch")}</p>
    );
  const one = shown.find(({ alert }) => alert.id === chosen);
  if (one) return <ChangeAlert shown={one} onDone={onDone} />;
  return (
    <Empty title={t("alerts.missing")} text={t("alerts.missingText")}>
      <Link href="/alerts" className="btn small">
        {t("alerts.toAll")}
      </Link>
    </Empty>
  );
}

function NoAlerts({ views }: { views: OutletView[] }) {
  const { t } = useI18n();
  const { user } = useSession();
  const mayAdd = useWatchable(views).length > 0;
  const guest = user.role === "guest";
  return (
    <div className="col alert-main">
      <section className="sheet">
        <Empty title={t("alerts.emptyTitle")} text={t(guest ? "alerts.emptyGuest" : "alerts.emptyText")}>
          {!guest && (
            <Link href={mayAdd ? "/alerts/new" : "/plugs/add"} className="btn">
              {t(mayAdd ? "alerts.new" : "plugs.add")}
            </Link>
          )}
        </Empty>
      </section>
      <Earlier />
      <Channels />
    </div>
  );
}

function Waiting({ error, onRetry }: { error: Error | null; onRetry: () => void }): ReactNode {
  const { t } = useI18n();
  if (error)
    return (
      <section className="sheet">
        <Failed error={error} onRetry={onRetry} />
      </section>
    );
  return (
    <div className="col" role="status" aria-label={t("loading")}>
      <Skeleton height={250} style={{ borderRadius: 20 }} />
      <SkeletonRows rows={2} />
    </div>
  );
}
