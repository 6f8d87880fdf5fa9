// Where you are signed in: your browsers and programs, and your API keys, each with an end.
import {
  IconDeviceDesktop,
  IconDeviceMobile,
  IconDeviceTablet,
  IconKey,
  IconTerminal2,
  IconX,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { ApiError } from "../api/client";
import { useMyKeys, useMySessions } from "../api/people";
import type { ApiKey, Role, SignedIn } from "../api/people.types";
import { useConnection, useHub, useNow, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { agentWords, readAgent, scopeWords } from "../model/people";
import { dayAndClock, fullDate, isMoment } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { Ask } from "../ui/Ask";
import { problemWords } from "../ui/problem";
import { Failed, SkeletonRows } from "../ui/States";

const KINDS = {
  phone: IconDeviceMobile,
  tablet: IconDeviceTablet,
  computer: IconDeviceDesktop,
  program: IconTerminal2,
};

export function SignedInSection() {
  const { t } = useI18n();
  const sessions = useMySessions();
  const keys = useMyKeys();
  const { user } = useSession();
  const error = sessions.error ?? keys.error;
  const others = sessions.data?.filter(({ current }) => !current) ?? [];
  return (
    <section aria-labelledby="signed-in" className="people-part">
      <div className="row apart people-title">
        <h2 id="signed-in">{t("people.signedIn")}</h2>
        {others.length > 1 && <EndOthers count={others.length} />}
      </div>
      {sessions.data && keys.data ? (
        <ul className="sheet flush list icons">
          {[...sessions.data.filter(({ current }) => current), ...others].map((session) => (
            <SessionRow key={session.id} session={session} />
          ))}
          {keys.data.map((key) => (
            <KeyRow key={key.id} apiKey={key} role={user.role} path={`/account/keys/${key.id}`} queryKey={["keys"]} />
          ))}
        </ul>
      ) : error ? (
        <div className="sheet">
          <Failed
            error={error}
            onRetry={() => {
              void sessions.refetch();
              void keys.refetch();
            }}
          />
        </div>
      ) : (
        <SkeletonRows rows={2} />
      )}
      <Link href="/settings/account" className="meta people-more">
        {t("people.toAccount")}
      </Link>
    </section>
  );
}

function EndOthers({ count }: { count: number }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const [asks, setAsks] = useState(false);
  const away = useConnection().state === "away";
  return (
    <>
      <Button className="btn small soft" isDisabled={away} onPress={() => setAsks(true)}>
        {t("people.endOthers")}
      </Button>
      <Ask
        open={asks}
        title={t("people.endOthersTitle")}
        text={t("people.endOthersText", { count })}
        act={t("people.endOthersAct")}
        onClose={() => setAsks(false)}
        onAct={async () => {
          await client.request("POST", "/account/sessions/end-others", {});
          await queries.invalidateQueries({ queryKey: ["sessions"] });
          toast(t("people.othersEnded", { count }));
        }}
      />
    </>
  );
}

interface RowProps {
  icon: ReactNode;
  title: string;
  text: string;
  when: string;
  end: string;
  disabled?: boolean;
  onEnd: () => void;
}

function Row({ icon, title, text, when, end, disabled = false, onEnd }: RowProps) {
  return (
    <div className="list-row people-signed">
      {icon}
      <span className="grow">
        <span className="h3 block">{title}</span>
        <span className="meta block">{text}</span>
      </span>
      <span className="meta nowrap">{when}</span>
      <Button className="icon-btn" aria-label={end} isDisabled={disabled} onPress={onEnd}>
        <IconX className="icon s" aria-hidden="true" />
      </Button>
    </div>
  );
}

/** When, as a row says it: now, 04:00, Thu 18:40. */
function useWhen(): (at: number) => string {
  const { t, language } = useI18n();
  const { home } = useSession();
  const now = useNow(30_000);
  return (at) => (now - at < 120_000 ? t("people.now") : dayAndClock(at, now, home.time_zone, language));
}

function SessionRow({ session }: { session: SignedIn }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const when = useWhen();
  const [busy, setBusy] = useState(false);
  const away = useConnection().state === "away";
  const { current, address, began } = session;
  const device = agentWords(t, session.agent);
  const Icon = KINDS[readAgent(session.agent).kind];

  const end = async (): Promise<void> => {
    setBusy(true);
    try {
      if (current) {
        await client.request("POST", "/auth/logout", {});
        client.setSession(null);
        return;
      }
      await client.request("DELETE", `/account/sessions/${session.id}`);
      toast(t("people.ended", { device }));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) toast(problemWords(t, error));
    }
    setBusy(false);
    await queries.invalidateQueries({ queryKey: ["sessions"] });
  };

  return (
    <li>
      <Row
        icon={<Icon className="icon" aria-hidden="true" />}
        title={current ? t("people.thisBrowser") : device}
        text={
          current
            ? t("people.from", { device, address })
            : t("people.since", { date: fullDate(began, home.time_zone, language), address })
        }
        when={current ? t("people.now") : when(session.seen)}
        end={current ? t("people.endThis") : t("people.end", { device })}
        disabled={busy || away}
        onEnd={() => void end()}
      />
    </li>
  );
}

interface KeyRowProps {
  apiKey: ApiKey;
  /** Its owner's, as it is now. */
  role: Role;
  path: string;
  queryKey: string[];
}

/** A key: programs that use it stop when it ends, so that is asked. */
export function KeyRow({ apiKey, role, path, queryKey }: KeyRowProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const when = useWhen();
  const [asks, setAsks] = useState(false);
  const away = useConnection().state === "away";
  const { name, used, expires, hint } = apiKey;
  const scopes = scopeWords(t, language, apiKey.scopes, role);
  const over = expires !== null && expires <= client.now();
  const shown = (at: number): string => (isMoment(at) ? fullDate(at, home.time_zone, language) : t("people.noDate"));
  const until = expires === null ? null : shown(expires);
  return (
    <li>
      <Row
        icon={<IconKey className="icon" aria-hidden="true" />}
        title={t("people.key", { name })}
        text={
          until === null
            ? t("people.keyText", { scopes, hint })
            : t(over ? "people.keyOver" : "people.keyUntil", { scopes, hint, date: until })
        }
        when={used === null ? t("people.keyUnused") : when(used)}
        end={t("people.endKey", { name })}
        disabled={away}
        onEnd={() => setAsks(true)}
      />
      <Ask
        open={asks}
        bad
        title={t("people.endKeyTitle", { name })}
        text={t("people.endKeyText")}
        act={t("people.endKey", { name })}
        onClose={() => setAsks(false)}
        onAct={async () => {
          await client.request("DELETE", path);
          await queries.invalidateQueries({ queryKey });
          toast(t("people.keyEnded", { name }));
        }}
      />
    </li>
  );
}
