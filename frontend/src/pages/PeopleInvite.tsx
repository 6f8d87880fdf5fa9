// Invite someone: a link and its QR code, good once for 24 hours, and the links that are open.
import { IconQrcode, IconShare, IconX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";
import { useInvitations } from "../api/people";
import type { AddedInvitation, Invitation, User } from "../api/people.types";
import { useConnection, useHub, useNow, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { clock, longDate, startOfDay } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { FormError } from "../ui/FormError";
import { problemWords } from "../ui/problem";
import { CopyButton, clipboard, QrCode, SecretText } from "../ui/Secret";
import { Segmented } from "../ui/Segmented";
import { Failed } from "../ui/States";

type Invited = "user" | "guest";

export function Invite({ members }: { members: User[] }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const { announce } = useAnnouncer();
  const away = useConnection().state === "away";
  const [role, setRole] = useState<Invited>("user");
  const [made, setMade] = useState<AddedInvitation | null>(null);
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(0);
  const open = useInvitations(true);
  // Withdrawn elsewhere, or used: what is shown opens nothing any more.
  const gone = made !== null && open.data?.every(({ id }) => id !== made.invitation.id) && !open.isFetching;

  const doing = async (work: () => Promise<void>): Promise<void> => {
    const number = ++latest.current;
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problemWords(t, problem));
    }
    await queries.invalidateQueries({ queryKey: ["invitations"] });
    if (number === latest.current) setBusy(false);
  };
  const withdraw = async ({ invitation }: AddedInvitation): Promise<void> => {
    await client.request("DELETE", `/invitations/${invitation.id}`).catch((problem: unknown) => {
      if (!(problem instanceof ApiError && problem.status === 404)) throw problem;
    });
    setMade(null);
  };
  const make = (as: Invited): Promise<void> =>
    doing(async () => {
      // One that nobody has been given is of no use beside the new one.
      if (made && !sent) await withdraw(made);
      setMade(await client.request<AddedInvitation>("POST", "/invitations", { role: as }));
      setSent(false);
      announce(t("people.invite.made"));
    });
  const choose = (as: Invited): void => {
    setRole(as);
    if (made && !gone) void make(as);
  };
  const send = async ({ link }: AddedInvitation): Promise<void> => {
    try {
      await navigator.share({ url: link, title: t("people.invite.share") });
      setSent(true);
    } catch {
      // closed without sending
    }
  };

  const shown = gone ? null : made;
  return (
    <section className="sheet" aria-labelledby="invite" id="invite-someone">
      <h2 id="invite" tabIndex={-1}>
        {t("people.invite.title")}
      </h2>
      <p className="meta">{t("people.invite.text")}</p>
      <div className="row top people-invite">
        {shown ? (
          <QrCode svg={shown.qr} label={t("people.invite.code")} />
        ) : (
          <span className="people-no-code" aria-hidden="true">
            <IconQrcode className="icon" />
          </span>
        )}
        <div className="grow col people-invite-acts">
          <Segmented<Invited>
            full
            label={t("people.invite.role")}
            value={role}
            options={[
              { value: "user", label: t("settings.role.user") },
              { value: "guest", label: t("settings.role.guest") },
            ]}
            onChange={choose}
          />
          {shown ? (
            <>
              {"share" in navigator ? (
                <Button className="btn small" isDisabled={busy} onPress={() => void send(shown)}>
                  <IconShare className="icon s" aria-hidden="true" />
                  {t("people.invite.send")}
                </Button>
              ) : (
                <CopyButton text={shown.link} className="btn small" />
              )}
              <Button className="btn small soft" isDisabled={busy} onPress={() => void doing(() => withdraw(shown))}>
                {t("people.invite.withdraw")}
              </Button>
            </>
          ) : (
            <Button className="btn small" isDisabled={away} isPending={busy} onPress={() => void make(role)}>
              {t("people.invite.make")}
            </Button>
          )}
        </div>
      </div>
      <p className="meta people-invite-role">{t(`people.invite.as.${role}`)}</p>
      {gone && (
        <p className="meta" role="status">
          {t("people.invite.gone")}
        </p>
      )}
      {/* Where it can be neither shared nor copied by a button, it is read from here. */}
      {shown && !clipboard() && <SecretText label={t("people.invite.link")} value={shown.link} copy={false} />}
      <FormError text={error} />
      {open.error && !open.data ? (
        <Failed error={open.error} onRetry={() => void open.refetch()} />
      ) : (
        <OpenLinks links={(open.data ?? []).filter(({ id }) => id !== shown?.invitation.id)} members={members} />
      )}
    </section>
  );
}

function OpenLinks({ links, members }: { links: Invitation[]; members: User[] }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const away = useConnection().state === "away";
  const now = useNow(60_000);
  if (links.length === 0) return null;

  const until = (at: number): string => {
    const time = clock(at, home.time_zone, language);
    if (startOfDay(at, home.time_zone) === startOfDay(now, home.time_zone)) return t("people.invite.today", { time });
    return t("people.invite.until", { day: longDate(at, home.time_zone, language), time });
  };
  const withdraw = async ({ id }: Invitation): Promise<void> => {
    try {
      await client.request("DELETE", `/invitations/${id}`);
      toast(t("people.invite.withdrawn"));
    } catch (error) {
      toast(problemWords(t, error));
    }
    await queries.invalidateQueries({ queryKey: ["invitations"] });
  };
  return (
    <>
      <h3 className="people-open">{t("people.invite.open")}</h3>
      <ul className="people-links">
        {links.map((link) => {
          const title = link.role
            ? t("people.invite.for", { role: t(`settings.role.${link.role}`) })
            : t("people.invite.password", {
                name: members.find(({ id }) => id === link.user)?.name ?? t("people.gone"),
              });
          return (
            <li key={link.id} className="row">
              <span className="grow">
                <span className="block strong">{title}</span>
                <span className="meta block">{until(link.expires)}</span>
              </span>
              <Button
                className="icon-btn"
                isDisabled={away}
                aria-label={t("people.invite.withdrawOne", { title })}
                onPress={() => void withdraw(link)}
              >
                <IconX className="icon s" aria-hidden="true" />
              </Button>
            </li>
          );
        })}
      </ul>
    </>
  );
}
