// HTTP to the hub: the access token lives in memory only, the refresh token in a cookie that scripts cannot read.
import type { Session } from "./auth.types";
import type { Problem } from "./types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail);
  }
}

/** The hub did not answer at all. */
export class NetworkError extends Error {}

type SessionListener = (session: Session | null) => void;

export class ApiClient {
  private language = "en";
  private session: Session | null = null;
  private refreshing: Promise<Session | null> | null = null;
  private renewal: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<SessionListener>();
  private clockOffset = 0;
  /** The hub ended the session that this browser had; until the next sign-in, or until somebody signs out. */
  ended = false;

  constructor(private readonly base = "/api/v1") {}

  get token(): string | null {
    return this.session?.access_token ?? null;
  }

  /** Errors come in this language. */
  speak(language: string): void {
    this.language = language;
  }

  /** The hub's time: ages are right even where the clock of this phone is not. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  onSession(listener: SessionListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  setSession(session: Session | null): void {
    clearTimeout(this.renewal);
    this.session = session;
    this.ended = false;
    remember(session !== null);
    if (session) {
      const early = Math.min(60, session.expires_in / 2);
      this.renewal = setTimeout(() => void this.refresh().catch(() => undefined), (session.expires_in - early) * 1000);
    }
    this.tell();
  }

  /** The same session, of which more is known now: another name, another price. */
  know(part: Partial<Pick<Session, "user" | "home">>): void {
    if (!this.session) return;
    this.session = { ...this.session, ...part };
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener(this.session);
  }

  /** A new access token by the cookie; null: signed out. Throws NetworkError when the hub is away (the session stays). */
  refresh(): Promise<Session | null> {
    this.refreshing ??= this.refreshOnce().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  private async refreshOnce(): Promise<Session | null> {
    const attempts = this.session || remembers() ? [0, 1] : [1];
    for (const attempt of attempts) {
      try {
        const session = await this.send<Session>("POST", "/auth/refresh", {});
        this.setSession(session);
        return session;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status >= 500) throw new NetworkError(error.message);
        // Another tab may just have exchanged the cookie: its new one is there a moment later.
        if (attempt === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      }
    }
    const had = this.session !== null || remembers();
    this.setSession(null);
    this.ended = had;
    return null;
  }

  request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return this.renewing(() => this.send<T>(method, path, body, signal));
  }

  /** A file and the name that the hub gives it. */
  file(path: string, signal?: AbortSignal): Promise<{ blob: Blob; name: string }> {
    return this.renewing(async () => {
      const response = await this.fetch("GET", path, undefined, signal);
      const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
      return { blob: await this.read(() => response.blob(), signal), name: named?.[1] ?? "data" };
    });
  }

  /** Does it; once more with a new token where the old one has run out. */
  private async renewing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401 && this.session)) throw error;
      if (!(await this.refresh())) throw error;
      return work();
    }
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.request<T>("GET", path, undefined, signal);
  }

  private async send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const response = await this.fetch(method, path, body, signal);
    if (response.status === 204) return undefined as T;
    return JSON.parse(await response.text()) as T;
  }

  private async fetch(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": this.language };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const init: RequestInit = { method, headers, credentials: "same-origin" };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    const response = await this.read(() => fetch(this.base + path, init), signal);
    this.readClock(response.headers.get("Date"));
    if (!response.ok) throw new ApiError(response.status, problemOf(response.status, await response.text()));
    return response;
  }

  private async read<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new NetworkError(String(error));
    }
  }

  private readClock(date: string | null): void {
    const offset = date ? Date.parse(date) + 500 - Date.now() : NaN;
    // The header counts whole seconds and the way here takes its time: a small difference says nothing.
    if (Number.isFinite(offset)) this.clockOffset = Math.abs(offset) > 3000 ? offset : 0;
  }
}

const SIGNED_IN = "signed-in";

/** Whether somebody was signed in here before: no secret, only whether a second try at the cookie makes sense. */
function remembers(): boolean {
  try {
    return localStorage.getItem(SIGNED_IN) !== null;
  } catch {
    return false; // storage is switched off in this browser
  }
}

function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(SIGNED_IN, "yes");
    else localStorage.removeItem(SIGNED_IN);
  } catch {
    // storage is switched off in this browser
  }
}

function problemOf(status: number, text: string): Problem {
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    if (typeof problem.code === "string" && typeof problem.detail === "string")
      return { title: "", ...problem, status, code: problem.code, detail: problem.detail };
  } catch {
    // not JSON: a proxy's page, or nothing
  }
  return { title: "", status, code: "unreadable", detail: "" };
}
