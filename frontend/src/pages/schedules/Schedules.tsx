// Schedules: today by plug, the week of one plug, and every schedule as a sentence; a form beside them makes and
// changes them, on a phone a page of its own.
import { IconPlus, IconX } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { useDevices } from "../../api/queries";
import { useSchedules } from "../../api/schedules";
import { useSession } from "../../app/hub";
import { OfflineStrip } from "../../app/Shell";
import { type MessageId, useI18n } from "../../i18n/i18n";
import { outletsOf, type OutletView } from "../../model/outlet";
import { useDesktop, useMedia, useTitle } from "../../ui/hooks";
import { Empty, Failed, Skeleton, SkeletonRows } from "../../ui/States";
import { EditHead } from "../EditHead";
import { ChangeSchedule } from "./ChangeSchedule";
import { NewSchedule } from "./NewSchedule";
import { plansOf, Today, Week } from "./Pictures";
import { ScheduleList } from "./ScheduleList";
import { plugKey, shownOf, type Shown } from "./words";
import "../edit.css";
import "./schedules.css";

const NEW = "new";

export default function Schedules({ chosen }: { chosen?: string }) {
  const { t, language } = useI18n();
  const { user } = useSession();
  const wide = useMedia("(min-width: 1080px)");
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  const devices = useDevices();
  const schedules = useSchedules();
  const mayChange = schedules.data?.find(({ id }) => id === chosen)?.may_change ?? true;
  const title = t(titleOf(chosen, mayChange));
  useTitle(title);

  const error = schedules.error ?? devices.error;
  if (!schedules.data || !devices.data)
    return (
      <>
        <Head mayAdd={false} />
        <OfflineStrip />
        {error ? (
          <section className="sheet">
            <Failed
              error={error}
              onRetry={() => {
                void schedules.refetch();
                void devices.refetch();
              }}
            />
          </section>
        ) : (
          <Loading />
        )}
      </>
    );

  const shown = shownOf(schedules.data, devices.data, language);
  const views = outletsOf(devices.data);
  const switchable = user.role === "guest" ? [] : views.filter(({ device }) => device.right !== "view");
  const asked = search.get("plug");
  const one = shown.find(({ schedule }) => schedule.id === chosen);
  const week = one?.view ?? views.find((view) => plugKey(view) === asked) ?? shown[0]?.view ?? switchable[0];
  const hrefOf = (id: string): string => `/schedules/${id}`;
  const close = (plug: string | null = asked): void =>
    navigate(plug === null ? "/schedules" : `/schedules?plug=${plug}`);

  const form = chosen !== undefined && (
    <FormPart key={chosen} title={title} page={!wide} back={asked === null ? "/schedules" : `/schedules?plug=${asked}`}>
      {chosen === NEW ? (
        switchable.length > 0 ? (
          <NewSchedule
            views={switchable}
            first={switchable.find((view) => week && plugKey(view) === plugKey(week)) ?? (switchable[0] as OutletView)}
            onDone={close}
          />
        ) : (
          <p className="note">{t(user.role === "guest" ? "schedules.guest" : "schedules.noneToSwitch")}</p>
        )
      ) : one ? (
        <ChangeSchedule shown={one} onDone={() => close(plugKey(one.view))} />
      ) : (
        <Empty title={t("schedules.missing")} text={t("schedules.missingText")}>
          <Link href="/schedules" className="btn small">
            {t("schedules.toAll")}
          </Link>
        </Empty>
      )}
    </FormPart>
  );
  if (form && !wide) return <div className="narrow">{form}</div>;

  const mayAdd = switchable.length > 0;
  if (shown.length === 0 && !form)
    return (
      <>
        <Head mayAdd={false} />
        <OfflineStrip />
        <section className="sheet">
          <Empty
            title={t("schedules.emptyTitle")}
            text={t(
              user.role === "guest" ? "schedules.emptyGuest" : mayAdd ? "schedules.emptyText" : "schedules.emptyNoPlug",
            )}
          >
            {user.role !== "guest" && (
              <Link href={mayAdd ? `/schedules/new${asked ? `?plug=${asked}` : ""}` : "/plugs/add"} className="btn">
                {t(mayAdd ? "schedules.new" : "plugs.add")}
              </Link>
            )}
          </Empty>
        </section>
      </>
    );
  return (
    <>
      <Head mayAdd={mayAdd} plug={week && plugKey(week)} />
      <OfflineStrip />
      {user.role === "guest" && <p className="note meta sched-guest">{t("schedules.guest")}</p>}
      <div className="columns sched">
        <div className="col sched-gaps">
          <Today shown={shown} chosen={chosen} hrefOf={hrefOf} />
          {week && (
            <Week
              shown={shown}
              chosen={chosen}
              hrefOf={hrefOf}
              view={week}
              views={withWeek(shown, week)}
              onView={(key) => navigate(`/schedules?plug=${key}`)}
              mayAdd={switchable.some((view) => plugKey(view) === plugKey(week)) && !form}
            />
          )}
        </div>
        <aside className="col sched-gaps">
          {form}
          {shown.length > 0 && <ScheduleList shown={shown} chosen={chosen} hrefOf={hrefOf} />}
        </aside>
      </div>
    </>
  );
}

function titleOf(chosen: string | undefined, mayChange: boolean): MessageId {
  if (chosen === undefined) return "schedules.title";
  if (chosen === NEW) return "schedules.new";
  return mayChange ? "schedules.change" : "schedules.one";
}

/** The outlets with schedules, and the one that is shown. */
function withWeek(shown: Shown[], week: OutletView): OutletView[] {
  const views = plansOf(shown).map(({ view }) => view);
  return views.some((view) => plugKey(view) === plugKey(week)) ? views : [...views, week];
}

function Head({ mayAdd, plug }: { mayAdd: boolean; plug?: string | undefined }) {
  const { t } = useI18n();
  const desktop = useDesktop();
  return (
    <header className="page-head">
      <h1>{t("schedules.title")}</h1>
      {mayAdd && (
        <Link
          href={plug === undefined ? "/schedules/new" : `/schedules/new?plug=${plug}`}
          className={desktop ? "btn small" : "icon-btn sched-new"}
          aria-label={t("schedules.new")}
        >
          <IconPlus className={desktop ? "icon s" : "icon"} aria-hidden="true" />
          {desktop && t("schedules.new")}
        </Link>
      )}
    </header>
  );
}

interface FormPartProps {
  title: string;
  /** It is the page; else it stands beside the rest. */
  page: boolean;
  back: string;
  children: React.ReactNode;
}

function FormPart({ title, page, back, children }: FormPartProps) {
  const { t } = useI18n();
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!page) head.current?.focus();
  }, [page]);
  if (page)
    return (
      <>
        <EditHead href={back} back={t("plug.back")} title={title} />
        <section className="sheet">{children}</section>
      </>
    );
  return (
    <section className="sheet" aria-labelledby="form">
      <div className="row apart sched-form-head">
        <h2 id="form" ref={head} tabIndex={-1}>
          {title}
        </h2>
        <Link href={back} className="icon-btn" aria-label={t("close")}>
          <IconX className="icon s" aria-hidden="true" />
        </Link>
      </div>
      {children}
    </section>
  );
}

function Loading() {
  const { t } = useI18n();
  return (
    <div className="columns" role="status" aria-label={t("loading")}>
      <div className="col sched-gaps">
        <Skeleton height={220} style={{ borderRadius: 20 }} />
        <Skeleton height={340} style={{ borderRadius: 20 }} />
      </div>
      <SkeletonRows rows={4} />
    </div>
  );
}
