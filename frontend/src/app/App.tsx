// Which page: set-up, sign-in, or the home's pages behind the shell.
import { type ReactNode, Suspense, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { I18nProvider as AriaI18n } from "react-aria-components/I18nProvider";
import { Route, Switch, useLocation } from "wouter";
import type { Session } from "../api/auth.types";
import type { SystemInfo } from "../api/system.types";
import { I18nProvider, useI18n } from "../i18n/i18n";
import { localeOf } from "../model/format";
import { Home } from "../pages/Home";
import { NotFound } from "../pages/NotFound";
import { Plugs } from "../pages/Plugs";
import { AnnouncerProvider } from "../ui/Announcer";
import { Brand } from "../ui/icons";
import { Empty } from "../ui/States";
import { ErrorBoundary } from "./ErrorBoundary";
import { type Hub, HubProvider, SignedIn } from "./hub";
import { page as inOwnFile, usePreload } from "./page";
import { useLanguage } from "./preferences";
import { Shell } from "./Shell";
import "./entry.css";

const FirstRun = inOwnFile(() => import("../pages/FirstRun"));
const Login = inOwnFile(() => import("../pages/Login"));
const Join = inOwnFile(() => import("../pages/Join"));
const Plug = inOwnFile(() => import("../pages/Plug"));
const EditPlug = inOwnFile(() => import("../pages/EditPlug"));
const AddPlug = inOwnFile(() => import("../pages/AddPlug"));
const Energy = inOwnFile(() => import("../pages/Energy"));
const Settings = inOwnFile(() => import("../pages/Settings"));
const SecurePhone = inOwnFile(() => import("../pages/SecurePhone"));
const Backup = inOwnFile(() => import("../pages/Backup"));
const Schedules = inOwnFile(() => import("../pages/schedules/Schedules"));
const Alerts = inOwnFile(() => import("../pages/alerts/Alerts"));
const People = inOwnFile(() => import("../pages/People"));
const Account = inOwnFile(() => import("../pages/Account"));
const Audit = inOwnFile(() => import("../pages/Audit"));
const LATER = [Plug, Energy, Settings, Schedules, Alerts, People, EditPlug, AddPlug, Login];

const RETRY_MS = 3_000;

export function App({ hub }: { hub: Hub }) {
  const [info, setInfo] = useState<SystemInfo | null>(null);
  const [session, setSession] = useState<Session | null>(null);
  const [started, setStarted] = useState(false);
  const [unreachable, setUnreachable] = useState(false);
  const [welcoming, setWelcoming] = useState(false);
  const [attempt, setAttempt] = useState(0);
  /** Of which home the queries are: another one's must not be shown for it. */
  const home = useRef<string | null>(null);
  const language = useLanguage(session?.user.language ?? null);

  // Before the pages ask for anything.
  useLayoutEffect(() => hub.speak(language), [hub, language]);
  useEffect(
    () =>
      hub.client.onSession((next) => {
        setSession(next);
        if (!next) hub.queries.clear();
        else if (home.current !== null && home.current !== next.home.id) void hub.queries.resetQueries();
        home.current = next?.home.id ?? null;
      }),
    [hub],
  );
  useEffect(() => {
    let retry: ReturnType<typeof setTimeout> | undefined;
    const left = new AbortController();
    void (async () => {
      try {
        const found = await hub.client.get<SystemInfo>("/system/info");
        if (found.setup === "done") await hub.client.refresh();
        if (left.signal.aborted) return;
        setInfo(found);
        setWelcoming(found.setup !== "done");
        setUnreachable(false);
        setStarted(true);
      } catch {
        if (left.signal.aborted) return;
        setUnreachable(true);
        retry = setTimeout(() => setAttempt((count) => count + 1), RETRY_MS);
      }
    })();
    return () => {
      left.abort();
      clearTimeout(retry);
    };
  }, [hub, attempt]);

  const [location] = useLocation();
  usePreload(LATER, started && !welcoming);

  const page = (): ReactNode => {
    if (!started || !info) return unreachable ? <Unreachable onRetry={() => setAttempt((count) => count + 1)} /> : null;
    if (welcoming) return <FirstRun info={info} session={session} onDone={() => setWelcoming(false)} />;
    if (location === "/secure") return <SecurePhone />;
    if (location === "/join" || location === "/new-password") return <Join />;
    if (!session) return <Login info={info} />;
    return (
      <SignedIn session={session}>
        <Shell>
          <Pages info={info} />
        </Shell>
      </SignedIn>
    );
  };

  return (
    <AriaI18n locale={localeOf(language)}>
      <I18nProvider language={language}>
        <HubProvider hub={hub}>
          <AnnouncerProvider>
            <ErrorBoundary>
              <Suspense>{page()}</Suspense>
            </ErrorBoundary>
          </AnnouncerProvider>
        </HubProvider>
      </I18nProvider>
    </AriaI18n>
  );
}

/** On these, another address is another part of the same page. */
const KEPT = ["/people", "/schedules", "/alerts"];

function Pages({ info }: { info: SystemInfo }) {
  const [location] = useLocation();
  return (
    <ErrorBoundary key={KEPT.find((path) => location.startsWith(path)) ?? location}>
      <Suspense>
        <Switch>
          <Route path="/" component={Home} />
          <Route path="/plugs" component={Plugs} />
          <Route path="/plugs/add" component={AddPlug} />
          <Route path="/plugs/:key/edit">{({ key }) => <EditPlug plug={key} />}</Route>
          <Route path="/plugs/:key/:channel?">
            {({ key, channel }) => <Plug plug={key} channel={Number(channel ?? 0)} />}
          </Route>
          <Route path="/energy" component={Energy} />
          <Route path="/settings/backup" component={Backup} />
          <Route path="/settings/account" component={Account} />
          <Route path="/schedules/:id?">{({ id }) => <Schedules {...(id !== undefined && { chosen: id })} />}</Route>
          <Route path="/alerts/:id?">{({ id }) => <Alerts {...(id !== undefined && { chosen: id })} />}</Route>
          <Route path="/people/:id?">{({ id }) => <People {...(id !== undefined && { chosen: id })} />}</Route>
          <Route path="/admin/audit" component={Audit} />
          <Route path="/settings">
            <Settings info={info} />
          </Route>
          <Route component={NotFound} />
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}

function Unreachable({ onRetry }: { onRetry: () => void }) {
  const { t } = useI18n();
  return (
    <main className="entry">
      <Brand />
      <div role="alert">
        <Empty whole title={t("offline.titleNever")} text={t("login.away")}>
          <Button className="btn" onPress={onRetry}>
            {t("error.retry")}
          </Button>
        </Empty>
      </div>
    </main>
  );
}
