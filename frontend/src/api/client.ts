// HTTP to the hub: the access token lives in memory only, the refresh token in a cookie that scripts cannot read.
import type { Problem, Session } from "./types";

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
    remember(session !== null);
    if (session) {
      const early = Math.min(60, session.expires_in / 2);
      this.renewal = setTimeout(() => void this.refresh().catch(() => undefined), (session.expires_in - early) * 1000);
    }
    for (const listener of this.listeners) listener(session);
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
    this.setSession(null);
    return null;
  }

  async request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    try {
      return await this.send<T>(method, path, body, signal);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401 && this.session)) throw error;
      if (!(await this.refresh())) throw error;
      return this.send<T>(method, path, body, signal);
    }
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.request<T>("GET", path, undefined, signal);
  }

  private async send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": this.language };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const init: RequestInit = { method, headers, credentials: "same-origin" };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    let response: Response;
    try {
      response = await fetch(this.base + path, init);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new NetworkError(String(error));
    }
    this.readClock(response.headers.get("Date"));
    if (response.status === 204) return undefined as T;
    const text = await response.text();
    if (!response.ok) throw new ApiError(response.status, problemOf(response.status, text));
    return JSON.parse(text) as T;
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
