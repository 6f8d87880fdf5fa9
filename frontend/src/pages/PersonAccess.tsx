// How a member gets in, for admins: sessions, second factor, keys, a new password; locking and removing.
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useLocation } from "wouter";
import { ApiError } from "../api/client";
import { useChangeMember, useKeysOf, useSessionsOf } from "../api/people";
import type { AddedInvitation, User } from "../api/people.types";
import { useConnection, useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { agentWords } from "../model/people";
import { useAnnouncer } from "../ui/Announcer";
import { Ask } from "../ui/Ask";
import { useConfirmation } from "../ui/Confirm";
import { FormError } from "../ui/FormError";
import { problemWords } from "../ui/problem";
import { QrCode, SecretText } from "../ui/Secret";
import { Failed, Skeleton } from "../ui/States";
import { KeyRow } from "./PeopleSignedIn";

interface LineProps {
  title: string;
  text: string;
  act?: string;
  bad?: boolean;
  busy?: boolean;
  onAct?: () => void;
  children?: ReactNode;
}

function Line({ title, text, act, bad = false, busy = false, onAct, children }: LineProps) {
  const away = useConnection().state === "away";
  return (
    <li>
      <div className="row person-line">
        <span className="grow">
          <span className="h3 block">{title}</span>
          <span className="meta block">{text}</span>
        </span>
        {act && (
          <Button
            className={bad ? "btn small outline danger" : "btn small outline"}
            isDisabled={away}
            isPending={busy}
            onPress={() => onAct?.()}
          >
            {act}
          </Button>
        )}
      </div>
      {children}
    </li>
  );
}

type Question = "signOut" | "factor" | "lock" | "remove" | null;

export function PersonAccess({ person }: { person: User }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const [asks, setAsks] = useState<Question>(null);
  const sessions = useSessionsOf(person.id);
  const keys = useKeysOf(person.id);
  const { confirmed, dialog } = useConfirmation();
  const { name } = person;
  const error = sessions.error ?? keys.error;
  // Who is a member of another home, too, is looked after by the hub's own admins.
  const elsewhere = sessions.error instanceof ApiError && sessions.error.problem.code === "user-elsewhere";
  const count = sessions.data?.length ?? 0;
  const places = new Intl.ListFormat(language).format([
    ...new Set(sessions.data?.map(({ agent }) => agentWords(t, agent))),
  ]);

  if (elsewhere)
    return (
      <section className="sheet" aria-labelledby="access">
        <h2 id="access">{t("people.access")}</h2>
        <p className="meta">{sessions.error?.message}</p>
      </section>
    );
  return (
    <section className="sheet" aria-labelledby="access">
      <h2 id="access">{t("people.access")}</h2>
      {sessions.data && keys.data ? (
        <ul className="person-lines">
          <Line
            title={t("people.sessions", { count })}
            text={count === 0 ? t("people.sessionsNone") : places}
            {...(count > 0 && { act: t("people.signOut"), onAct: () => setAsks("signOut") })}
          />
          <Line
            title={t(person.second_factor ? "people.factorOn" : "people.factorOff")}
            text={t(person.second_factor ? "people.factorOnText" : "people.factorOffText")}
            {...(person.second_factor && { act: t("people.factorRemove"), onAct: () => setAsks("factor") })}
          />
          <PasswordLink person={person} />
        </ul>
      ) : error ? (
        <Failed
          error={error}
          onRetry={() => {
            void sessions.refetch();
            void keys.refetch();
          }}
        />
      ) : (
        <Skeleton height={150} style={{ marginTop: 12 }} />
      )}
      {keys.data && keys.data.length > 0 && (
        <>
          <h3 className="people-open">{t("people.keys")}</h3>
          <ul className="list person-keys">
            {keys.data.map((key) => (
              <KeyRow
                key={key.id}
                apiKey={key}
                role={person.role}
                path={`/users/${person.id}/keys/${key.id}`}
                queryKey={["keys", person.id]}
              />
            ))}
          </ul>
        </>
      )}
      <Ask
        open={asks === "signOut"}
        title={t("people.signOutTitle", { name })}
        text={t("people.signOutText", { count })}
        act={t("people.signOutAct", { name })}
        onClose={() => setAsks(null)}
        onAct={async () => {
          await client.request("DELETE", `/users/${person.id}/sessions`);
          await queries.invalidateQueries({ queryKey: ["sessions", person.id] });
          void queries.invalidateQueries({ queryKey: ["members"] });
          toast(t("people.signedOut", { name }));
        }}
      />
      <Ask
        open={asks === "factor"}
        bad
        title={t("people.factorTitle", { name })}
        text={t("people.factorText", { name })}
        act={t("people.factorRemove")}
        onClose={() => setAsks(null)}
        onAct={async () => {
          const work = () => client.request<undefined>("DELETE", `/users/${person.id}/second-factor`);
          if (!(await confirmed(work))) return;
          await queries.invalidateQueries({ queryKey: ["members"] });
          toast(t("people.factorRemoved", { name }));
        }}
      />
      {dialog}
    </section>
  );
}

/** Shown once, on this page; the hub keeps only its hash. */
function PasswordLink({ person }: { person: User }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const [made, setMade] = useState<AddedInvitation | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const { confirmed, dialog } = useConfirmation();
  const shown = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (made) shown.current?.focus();
  }, [made]);

  const make = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await confirmed(async () =>
        setMade(await client.request<AddedInvitation>("POST", `/users/${person.id}/password-link`, undefined)),
      );
      void queries.invalidateQueries({ queryKey: ["invitations"] });
    } catch (problem) {
      setError(problemWords(t, problem));
    }
    setBusy(false);
  };
  return (
    <Line
      title={t("people.newPassword")}
      text={t("people.newPasswordText")}
      act={t(made ? "people.newPasswordAgain" : "people.newPasswordAct")}
      busy={busy}
      onAct={() => void make()}
    >
      <FormError text={error} />
      {dialog}
      {made && (
        <div className="col person-link" ref={shown} tabIndex={-1} role="group" aria-label={t("people.invite.link")}>
          <QrCode svg={made.qr} label={t("people.passwordCode", { name: person.name })} />
          <SecretText label={t("people.invite.link")} value={made.link} />
          <p className="meta">{t("people.newPasswordHint")}</p>
        </div>
      )}
    </Line>
  );
}

/** Locking, which can be undone, and removing, which cannot. */
export function PersonEnd({ person }: { person: User }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const { toast } = useAnnouncer();
  const change = useChangeMember(person);
  const { confirmed, dialog } = useConfirmation();
  const [asks, setAsks] = useState<Question>(null);
  const [busy, setBusy] = useState(false);
  const { name, disabled } = person;

  const unlock = async (): Promise<void> => {
    setBusy(true);
    try {
      if (await confirmed(() => change({ disabled: false }))) toast(t("people.unlocked", { name }));
    } catch (problem) {
      toast(problemWords(t, problem));
    }
    setBusy(false);
  };
  return (
    <section className="sheet" aria-label={t("people.end.label")}>
      {dialog}
      <ul className="person-lines">
        <Line
          title={t(disabled ? "people.lockedTitle" : "people.lock")}
          text={t(disabled ? "people.lockedText" : "people.lockText")}
          act={t(disabled ? "people.unlockAct" : "people.lockAct")}
          busy={busy}
          onAct={() => (disabled ? void unlock() : setAsks("lock"))}
        />
        <Line
          bad
          title={t("people.remove")}
          text={t("people.removeText")}
          act={t("people.removeAct")}
          onAct={() => setAsks("remove")}
        />
      </ul>
      <Ask
        open={asks === "lock"}
        title={t("people.lockTitle", { name })}
        text={t("people.lockText")}
        act={t("people.lockConfirm", { name })}
        onClose={() => setAsks(null)}
        onAct={async () => {
          if (await confirmed(() => change({ disabled: true }))) toast(t("people.lockDone", { name }));
        }}
      />
      <Ask
        open={asks === "remove"}
        bad
        title={t("people.removeTitle", { name })}
        text={t("people.removeLost")}
        act={t("people.removeConfirm", { name })}
        onClose={() => setAsks(null)}
        onAct={async () => {
          const work = async (): Promise<void> => {
            await client.request("DELETE", `/users/${person.id}`).catch((problem: unknown) => {
              // Somebody else was faster: what was asked for is done.
              if (!(problem instanceof ApiError && problem.problem.code === "user-unknown")) throw problem;
            });
          };
          if (!(await confirmed(work))) return;
          navigate("/people");
          await queries.invalidateQueries({ queryKey: ["members"] });
          toast(t("people.removed", { name }));
        }}
      />
    </section>
  );
}
