// People: who belongs to the home and what each may do, inviting someone, and where you are signed in.
import { IconLock, IconPlus, IconShieldLock } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { type Shares, useMembers, useShares } from "../api/people";
import { useDevices } from "../api/queries";
import type { User } from "../api/people.types";
import { useNow, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { type Translate, useI18n } from "../i18n/i18n";
import { duration } from "../model/format";
import { initial, mayWords, ownWords } from "../model/people";
import { dayAndClock, MINUTE, startOfDay } from "../model/time";
import { useDesktop, useTitle } from "../ui/hooks";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { Invite } from "./PeopleInvite";
import { PeopleShares, rightOf } from "./PeopleShares";
import { SignedInSection } from "./PeopleSignedIn";
import { PersonHead, PersonPart } from "./Person";
import "./people.css";
import "./settings.css";

export default function People({ chosen }: { chosen?: string }) {
  const { t } = useI18n();
  const { user } = useSession();
  const desktop = useDesktop();
  const admin = user.role === "admin";
  const members = useMembers(admin);
  const person = members.data?.find(({ id }) => id === chosen);
  /** Whom the page began with: only who is chosen on it takes the focus. */
  const [first, setFirst] = useState(chosen);
  if (first !== undefined && first !== chosen) setFirst(undefined);
  useTitle(person ? person.name : t("people.title"));

  if (!admin) return <Own />;
  if (chosen !== undefined && !desktop)
    return <PersonPage person={person} loading={members.isPending} error={members.error} retry={members.refetch} />;
  const others = (members.data ?? []).filter(({ id, disabled }) => id !== user.id && !disabled);
  return (
    <>
      <header className="page-head">
        <h1>{t("people.title")}</h1>
        {desktop && <InviteLink />}
      </header>
      <OfflineStrip />
      <div className="people-grid">
        <div>
          {members.data ? (
            <Members members={members.data} chosen={chosen} />
          ) : members.error ? (
            <div className="sheet">
              <Failed error={members.error} onRetry={() => void members.refetch()} />
            </div>
          ) : (
            <SkeletonRows rows={3} />
          )}
          {!desktop && members.data && (
            <div className="people-gap">
              <Invite members={members.data} />
            </div>
          )}
          <SignedInSection />
        </div>
        {desktop && members.data && (
          <aside className="col people-aside">
            {chosen === undefined ? (
              <>
                <Invite members={members.data} />
                {others[0] && <PeopleShares user={others[0]} />}
              </>
            ) : person ? (
              <Chosen person={person} key={person.id} opened={person.id !== first} />
            ) : (
              <Missing />
            )}
          </aside>
        )}
      </div>
    </>
  );
}

/** Goes to the invitation, which is on this page already or takes the aside's place. */
function InviteLink() {
  const { t } = useI18n();
  const [location] = useLocation();
  const asked = useRef(false);
  const focus = (): void => document.getElementById("invite")?.focus();
  useEffect(() => {
    if (asked.current && location === "/people") focus();
    asked.current = false;
  }, [location]);
  return (
    <Link
      href="/people"
      className="btn small"
      onClick={() => {
        if (location === "/people") focus();
        else asked.current = true;
      }}
    >
      <IconPlus className="icon s" aria-hidden="true" />
      {t("people.invite")}
    </Link>
  );
}

function Chosen({ person, opened }: { person: User; opened: boolean }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (opened) ref.current?.focus();
  }, [opened]);
  return (
    <>
      <section className="sheet" aria-labelledby="person">
        <PersonHead person={person} level="h2" headRef={ref} />
      </section>
      <PersonPart person={person} />
    </>
  );
}

function Missing() {
  const { t } = useI18n();
  return (
    <section className="sheet">
      <Empty title={t("people.missing")} text={t("people.missingText")}>
        <Link href="/people" className="btn small">
          {t("people.back")}
        </Link>
      </Empty>
    </section>
  );
}

interface PersonPageProps {
  person: User | undefined;
  loading: boolean;
  error: Error | null;
  retry: () => unknown;
}

function PersonPage({ person, loading, error, retry }: PersonPageProps) {
  if (person)
    return (
      <div className="col person-page">
        <PersonHead person={person} level="h1" back />
        <OfflineStrip />
        <PersonPart person={person} />
      </div>
    );
  if (error) return <Failed error={error} onRetry={() => void retry()} />;
  return loading ? <SkeletonRows rows={4} /> : <Missing />;
}

/** For who is no admin: only what is their own. */
function Own() {
  const { t, language } = useI18n();
  const { user } = useSession();
  const devices = useDevices();
  const words = devices.data ? ownWords(t, language, user.role, devices.data) : "\u00a0";
  return (
    <div className="people-own">
      <header className="page-head">
        <h1>{t("people.title")}</h1>
      </header>
      <OfflineStrip />
      <ul className="sheet flush list people-list">
        <li>
          <Link href="/settings/account" className="list-row">
            <Avatar user={user} own />
            <span className="grow">
              <span className="h3 block">{t("people.you", { name: user.name })}</span>
              <span className="meta block">{words}</span>
            </span>
            <span className="chip people-role">{t(`settings.role.${user.role}`)}</span>
          </Link>
        </li>
      </ul>
      <p className="meta people-own-text">{t("people.ownText")}</p>
      <SignedInSection />
    </div>
  );
}

function Members({ members, chosen }: { members: User[]; chosen: string | undefined }) {
  const { t, language } = useI18n();
  const { user, home } = useSession();
  const desktop = useDesktop();
  const now = useNow(30_000);
  const devices = useDevices().data?.filter(({ right }) => right === "manage");
  const shares = useShares(devices, members.length > 1).data;
  const mine = members.filter(({ id }) => id === user.id);
  return (
    <section aria-label={t("people.members")}>
      <ul className="sheet flush list people-list">
        {[...mine, ...members.filter(({ id }) => id !== user.id)].map((member) => {
          const own = member.id === user.id;
          return (
            <li key={member.id}>
              <Link
                href={own ? "/settings/account" : `/people/${member.id}`}
                className={`list-row ${member.id === chosen ? "chosen" : ""}`}
                aria-current={member.id === chosen ? "true" : undefined}
              >
                <Avatar user={member} own={own} />
                <span className="grow">
                  <span className="h3 block ellipsis">
                    {own ? t("people.you", { name: member.name }) : member.name}
                  </span>
                  <span className="meta block">{wordsOf(member, shares)}</span>
                </span>
                {desktop && (
                  <>
                    <span className="meta nowrap">{own ? t("people.hereNow") : seen(member.seen)}</span>
                    <Steps user={member} />
                  </>
                )}
                <span className="chip people-role">{t(`settings.role.${member.role}`)}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </section>
  );

  function wordsOf(member: User, known: Shares | undefined): string {
    if (member.disabled) return t("people.locked");
    if (!devices || (!known && member.role !== "admin")) return "\u00a0";
    return mayWords(t, language, member.role, devices, (device) => rightOf(known ?? {}, member, device));
  }

  function seen(at: number | null): string {
    return seenWords(t, at, now, home.time_zone, language);
  }
}

/** When somebody was here last: 12 min ago, 09:30, yesterday, Thu 18:40. */
export function seenWords(t: Translate, at: number | null, now: number, zone: string, language: "en" | "de"): string {
  if (at === null) return t("people.notHere");
  if (now - at < 2 * MINUTE) return t("people.hereNow");
  if (now - at < 60 * MINUTE) return t("people.ago", { time: duration(now - at, language) });
  if (startOfDay(at, zone) === startOfDay(now, zone, -1)) return t("people.yesterday");
  return dayAndClock(at, now, zone, language);
}

function Steps({ user }: { user: User }) {
  const { t } = useI18n();
  if (user.disabled)
    return (
      <span className="chip people-steps">
        <IconLock className="icon xs" aria-hidden="true" />
        {t("people.lockedShort")}
      </span>
    );
  return user.second_factor ? (
    <span className="chip ok people-steps">
      <IconShieldLock className="icon xs" aria-hidden="true" />
      {t("people.twoSteps")}
    </span>
  ) : (
    <span className="chip people-steps">{t("people.password")}</span>
  );
}

export function Avatar({ user, own = false }: { user: User; own?: boolean }) {
  const { language } = useI18n();
  return (
    <span className={`avatar ${own ? "own" : ""}`} aria-hidden="true">
      {initial(user.name, language)}
    </span>
  );
}
