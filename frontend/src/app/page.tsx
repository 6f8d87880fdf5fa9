// Pages whose code is loaded when it is needed, or before, while the browser has nothing else to do.
import { type ComponentType, lazy, useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import type { SystemInfo } from "../api/system.types";
import { useI18n } from "../i18n/i18n";
import { Empty } from "../ui/States";
import { useHub } from "./hub";

type Loaded<P> = { default: ComponentType<P> };

/**
 * A page in a file of its own. Where the file does not come (the hub is away, or has a newer web app), the page says
 * so and loads itself again when the hub answers: browsers remember that an import failed, only a reload forgets it.
 */
export function page<P extends object>(load: () => Promise<Loaded<P>>, reload = (): void => location.reload()) {
  let loading: Promise<Loaded<P>> | undefined;
  const once = (): Promise<Loaded<P>> =>
    (loading ??= load().catch(() => ({ default: () => <Unloaded reload={reload} /> })));
  return Object.assign(lazy(once), { preload: once });
}

function whenIdle(task: () => void): () => void {
  // Safari has no idle callback.
  if (!("requestIdleCallback" in globalThis)) {
    const timer = setTimeout(task, 1_000);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(task, { timeout: 5_000 });
  return () => cancelIdleCallback(handle);
}

/** Loads the pages one after the other as soon as the browser is idle. */
export function usePreload(pages: { preload: () => Promise<unknown> }[], wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return;
    let left = false;
    const start = async (): Promise<void> => {
      for (const next of pages) if (!left) await next.preload();
    };
    const cancel = whenIdle(() => void start());
    return () => {
      left = true;
      cancel();
    };
  }, [pages, wanted]);
}

const ASK_EVERY_MS = 2_000;
const RELOADED = "reloaded-at";
const NOT_AGAIN_MS = 60_000;

/** A reload that did not help is not repeated by itself. */
function mayReload(): boolean {
  try {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
    sessionStorage.setItem(RELOADED, String(Date.now()));
    return Date.now() - last > NOT_AGAIN_MS;
  } catch {
    return false; // storage is switched off in this browser: the button remains
  }
}

function Unloaded({ reload }: { reload: () => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  useEffect(() => {
    const left = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        await client.get<SystemInfo>("/system/info", left.signal);
      } catch {
        if (!left.signal.aborted) timer = setTimeout(() => void ask(), ASK_EVERY_MS);
        return;
      }
      if (!left.signal.aborted && mayReload()) reload();
    };
    void ask();
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [client, reload]);
  return (
    <div className="sheet" role="alert">
      <Empty whole title={t("unloaded.title")} text={t("unloaded.text")}>
        <Reload reload={reload}>{t("error.retry")}</Reload>
      </Empty>
    </div>
  );
}

/** Loads the page again, but never away from a hub that does not answer: the browser's own error page would stay. */
export function Reload({ children, reload }: { children: string; reload: () => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const [away, setAway] = useState(0);
  const press = (): void =>
    void client.get<SystemInfo>("/system/info").then(reload, () => setAway((count) => count + 1));
  return (
    <>
      <Button className="btn small" onPress={press}>
        {children}
      </Button>
      {away > 0 && (
        <p className="meta" role="status" key={away}>
          {t("login.away")}
        </p>
      )}
    </>
  );
}
