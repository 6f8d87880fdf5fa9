// The two pictures of the page: today by plug, and the week of one plug.
import { useId } from "react";
import { Link } from "wouter";
import { useNow, useSession } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { outletName, type OutletView } from "../../model/outlet";
import { dayOf, isEmpty, type Plan, planOf, weekFrom } from "../../model/schedule";
import { localParts } from "../../model/time";
import { IconChevronDown } from "@tabler/icons-react";
import { Rulers, type RulerRow } from "./Rulers";
import { dayName, dayText, plugKey, type Shown } from "./words";

/** Day of the week (0 = Monday) and minute of the day in the home. */
function useClock(): { day: number; minute: number } {
  const { home } = useSession();
  const { year, month, day, hour, minute } = localParts(useNow(10_000), home.time_zone);
  return { day: (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7, minute: hour * 60 + minute };
}

/** Each outlet that has schedules, with its plan of the week. */
export function plansOf(shown: Shown[]): { view: OutletView; plan: Plan }[] {
  const views = [...new Map(shown.map(({ view }) => [plugKey(view), view])).entries()];
  return views.map(([key, view]) => ({
    view,
    plan: planOf(shown.filter((one) => plugKey(one.view) === key).map(({ schedule }) => schedule)),
  }));
}

interface PictureProps {
  shown: Shown[];
  chosen: string | undefined;
  hrefOf: (schedule: string) => string;
}

export function Today({ shown, chosen, hrefOf }: PictureProps) {
  const { t, language } = useI18n();
  const { day, minute } = useClock();
  const rows: RulerRow[] = plansOf(shown).flatMap(({ view, plan }) => {
    const today = dayOf(plan, day);
    if (isEmpty(today)) return [];
    return {
      key: plugKey(view),
      name: outletName(view),
      href: `/schedules?plug=${plugKey(view)}`,
      strong: true,
      plan: today,
      words: dayText(t, language, today),
    };
  });
  return (
    <section className="sheet" aria-labelledby="today">
      <div className="row apart base sched-title">
        <h2 id="today">{t("schedules.todayTitle")}</h2>
        {rows.length > 0 && <span className="meta">{t("schedules.plugs", { count: rows.length })}</span>}
      </div>
      {rows.length === 0 ? (
        <p className="meta">{t("schedules.nothingToday")}</p>
      ) : (
        <>
          <Rulers rows={rows} names={[150, 0]} now={minute} chosen={chosen} hrefOf={hrefOf} />
          <Key rows={rows} />
        </>
      )}
    </section>
  );
}

interface WeekProps extends PictureProps {
  view: OutletView;
  /** The outlets to choose from. */
  views: OutletView[];
  onView: (key: string) => void;
  mayAdd: boolean;
}

export function Week({ shown, chosen, hrefOf, view, views, onView, mayAdd }: WeekProps) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const today = useClock().day;
  const own = shown.filter((one) => plugKey(one.view) === plugKey(view));
  const plan = planOf(own.map(({ schedule }) => schedule));
  const rows: RulerRow[] = weekFrom(home.week_start).map((day) => {
    const part = dayOf(plan, day);
    return {
      key: String(day),
      name: dayName(day, language),
      strong: day === today,
      plan: part,
      words: dayText(t, language, part),
    };
  });
  return (
    <section className="sheet" aria-labelledby="week">
      <div className="row apart base sched-title">
        <h2 id="week">{outletName(view)}</h2>
        {views.length > 1 && <PlugChoice view={view} views={views} onView={onView} />}
      </div>
      {own.length === 0 ? (
        <>
          <p className="meta">{t("schedules.noneOf", { name: outletName(view) })}</p>
          {mayAdd && (
            <Link href={`/schedules/new?plug=${plugKey(view)}`} className="btn small sched-first">
              {t("schedules.new")}
            </Link>
          )}
        </>
      ) : (
        <>
          {own.every(({ schedule }) => !schedule.enabled) && <p className="meta">{t("schedules.allPaused")}</p>}
          <Rulers rows={rows} names={[52, 38]} labels chosen={chosen} hrefOf={hrefOf} />
          <Key rows={rows} />
        </>
      )}
    </section>
  );
}

function PlugChoice({ view, views, onView }: Pick<WeekProps, "view" | "views" | "onView">) {
  const { t } = useI18n();
  const id = useId();
  return (
    <span className="sched-choice">
      <label htmlFor={id} className="hidden-visually">
        {t("schedules.otherPlug")}
      </label>
      <span className="meta" aria-hidden="true">
        {t("schedules.otherPlug")}
      </span>
      <IconChevronDown className="icon xs" aria-hidden="true" />
      <select id={id} value={plugKey(view)} onChange={(event) => onView(event.target.value)}>
        {views.map((each) => (
          <option key={plugKey(each)} value={plugKey(each)}>
            {outletName(each)}
          </option>
        ))}
      </select>
    </span>
  );
}

/** What the marks mean; only where there are some. */
function Key({ rows }: { rows: RulerRow[] }) {
  const { t } = useI18n();
  const marks = rows.flatMap(({ plan }) => plan.marks);
  const kinds = [true, false].filter((on) => marks.some((mark) => mark.on === on));
  if (kinds.length === 0) return null;
  return (
    <p className="meta sched-key">
      {kinds.map((on) => (
        <span key={String(on)}>
          <span className={`ruler-mark ${on ? "on" : "off"}`} aria-hidden="true" />
          {t(on ? "schedules.keyOn" : "schedules.keyOff")}
        </span>
      ))}
    </p>
  );
}
