// The live connection: signs in, subscribes to the home, counts frames, comes back by itself.
import type { ServerFrame } from "./socket.types";

export type SocketState = "connecting" | "live" | "away";

export interface SocketOptions {
  url: string;
  rooms: string[];
  token: () => string | null;
  /** Called when the hub no longer takes the token; resolves to a fresh one or null. */
  renew: () => Promise<string | null>;
  onFrame: (frame: ServerFrame) => void;
  onState: (state: SocketState) => void;
  /** Frames may have been missed: whatever was fetched before is to be fetched again. */
  onMissed: () => void;
  /** The hub went on where the line broke: of the samples in between only the newest came. */
  onResumed: () => void;
  open?: (url: string) => WebSocket;
  random?: () => number;
}

const FIRST_DELAY = 500;
const LONGEST_DELAY = 5_000;
const PING_EVERY = 15_000;
const SILENT_AFTER = 25_000;

export class LiveSocket {
  private socket: WebSocket | null = null;
  private stopped = false;
  private failures = 0;
  private seq: number | null = null;
  private ready: { resume: string; resumed: boolean } | null = null;
  /** The last connection that was subscribed, as the hub calls it, and the last frame that came over it. */
  private last: { resume: string; seq: number } | null = null;
  private wasLive = false;
  private heard = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pings: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly options: SocketOptions) {}

  start(): void {
    this.stopped = false;
    this.connect();
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.hurry);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    clearInterval(this.pings);
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.hurry);
    this.drop();
  }

  /** Gives the hub a fresh token without a break. */
  authenticate(token: string): void {
    this.say({ type: "auth", token });
  }

  private readonly hurry = (): void => {
    if (this.stopped || document.hidden) return;
    if (this.socket === null) {
      clearTimeout(this.retry);
      this.connect();
    } else if (Date.now() - this.heard > PING_EVERY) {
      this.say({ type: "ping" });
    }
  };

  private connect(): void {
    const token = this.options.token();
    if (this.stopped || !token) return;
    const socket = (this.options.open ?? ((url) => new WebSocket(url)))(this.options.url);
    this.socket = socket;
    this.seq = null;
    this.ready = null;
    this.heard = Date.now();
    socket.onopen = () => this.say({ type: "auth", token, ...this.last });
    socket.onmessage = (event: MessageEvent<string>) => this.receive(JSON.parse(event.data) as ServerFrame);
    socket.onclose = (event) => {
      if (this.socket === socket) this.closed(event.code);
    };
    clearInterval(this.pings);
    this.pings = setInterval(() => {
      if (Date.now() - this.heard > SILENT_AFTER) this.closed(0);
      else this.say({ type: "ping" });
    }, PING_EVERY / 3);
  }

  private receive(frame: ServerFrame): void {
    this.heard = Date.now();
    if (frame.type === "ready") {
      this.seq = frame.seq;
      if (frame.by === "cookie") return; // the token that was sent counts
      if (this.ready) {
        if (this.last) this.last.seq = frame.seq; // only renewed
        return;
      }
      this.ready = frame;
      this.last = null; // what it named is used up
      this.say({ type: "subscribe", rooms: this.options.rooms });
      return;
    }
    if (frame.type === "subscribed") {
      this.seq = frame.seq;
      this.failures = 0;
      if (this.ready) this.last = { resume: this.ready.resume, seq: frame.seq };
      if (this.wasLive) {
        if (this.ready?.resumed) this.options.onResumed();
        else this.options.onMissed();
      }
      this.wasLive = true;
      this.options.onState("live");
      return;
    }
    if ("seq" in frame) {
      const missed = this.seq !== null && frame.seq !== this.seq + 1;
      this.seq = frame.seq;
      if (this.last) this.last.seq = frame.seq;
      if (missed) this.options.onMissed();
    }
    this.options.onFrame(frame);
  }

  private closed(code: number): void {
    this.drop();
    clearInterval(this.pings);
    if (this.stopped) return;
    this.options.onState("away");
    if (code === 4401) {
      void this.options.renew().then(
        (token) => token && this.later(),
        () => this.later(),
      );
    } else this.later();
  }

  private later(): void {
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    this.failures += 1;
    const jitter = 0.5 + (this.options.random ?? Math.random)() / 2;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), delay * jitter);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private say(message: object): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }
}
