// Connects React with the hub: who is signed in, whether the hub answers, and what it sends by itself.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { ApiClient } from "../api/client";
import { CommandStore } from "../api/commands";
import { LiveStore } from "../api/live";
import { type SocketState, LiveSocket } from "../api/socket";
import type { Session } from "../api/auth.types";
import type { Device } from "../api/devices.types";
import type { ServerFrame } from "../api/socket.types";
import type { ProblemView } from "../api/system.types";
import type { Language } from "../api/types";

const GATHER_MS = 100;

/** Everything that lives as long as the page. */
export class Hub {
  readonly client = new ApiClient();
  readonly live = new LiveStore();
  readonly queries = new QueryClient({
    defaultOptions: {
      queries: { retry: 1, retryDelay: 600, staleTime: 30_000, networkMode: "always", refetchOnWindowFocus: true },
      mutations: { networkMode: "always" },
    },
  });
  readonly commands = new CommandStore(this.client, this.queries);
  readonly connection = new Connection();
  private socket: LiveSocket | null = null;
  /** First parts of the keys of what has to be asked for again. */
  private readonly old = new Set<string>();
  private soon: ReturnType<typeof setTimeout> | undefined;

  /** The hub's sentences come in this language from now on, those that are shown already, too. */
  speak(language: Language): void {
    this.client.speak(language);
    void this.queries.invalidateQueries();
  }

  /** Follows the home of the session until the returned function is called. */
  follow(session: Session): () => void {
    const url = new URL("/api/v1/ws", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new LiveSocket({
      url: url.href,
      rooms: [`home:${session.home.id}`, `user:${session.user.id}`],
      token: () => this.client.token,
      renew: async () => (await this.client.refresh())?.access_token ?? null,
      onFrame: (frame) => this.receive(frame),
      onState: (state) => this.connection.set(state, this.client.now()),
      onMissed: () => void this.queries.invalidateQueries(),
      onResumed: () => this.refetchMeasured(),
    });
    this.socket = socket;
    const stopListening = this.client.onSession((next) => next && socket.authenticate(next.access_token));
    socket.start();
    return () => {
      stopListening();
      socket.stop();
      this.socket = null;
    };
  }

  get following(): boolean {
    return this.socket !== null;
  }

  private receive(frame: ServerFrame): void {
    this.connection.heard(this.client.now());
    switch (frame.type) {
      case "samples":
        this.live.apply(frame.items);
        break;
      case "device":
        this.live.seed([frame.device]);
        if (this.known(frame.device.id)?.online !== frame.device.online) this.refetchMeasured();
        if (this.known(frame.device.id)?.right !== frame.device.right) this.refetch("schedules", "alerts");
        this.changeDevices((devices) =>
          devices.some((device) => device.id === frame.device.id)
            ? devices.map((device) => (device.id === frame.device.id ? frame.device : device))
            : [...devices, frame.device],
        );
        break;
      case "device_removed":
        this.changeDevices((devices) => devices.filter((device) => device.id !== frame.device));
        this.refetch("schedules", "alerts");
        break;
      case "found":
        this.queries.setQueryData(["found"], frame.items);
        break;
      case "pairing":
        this.queries.setQueryData(["pairing", frame.pairing.id], frame.pairing);
        void this.queries.invalidateQueries({ queryKey: ["pairings"] });
        break;
      case "gaps":
        // What a plug kept while nobody listened has come: charts, the last minutes and today's energy know more now.
        this.refetchMeasured();
        this.refetch("devices");
        break;
      case "schedules":
      case "alerts":
      case "rooms":
        this.refetch(frame.type);
        break;
      case "problem": {
        const { problem } = frame;
        this.queries.setQueryData<ProblemView[]>(["problems"], (problems = []) => [
          ...problems.filter(({ id }) => id !== problem.id),
          ...(problem.ended ? [] : [problem]),
        ]);
        break;
      }
      default:
        break;
    }
  }

  private known(id: string): Device | undefined {
    return this.queries.getQueryData<Device[]>(["devices"])?.find((device) => device.id === id);
  }

  private refetchMeasured(): void {
    this.refetch("telemetry", "recent");
  }

  /** A hundred plugs that come back tell so in a hundred frames: what is shown is asked for once. */
  private refetch(...keys: string[]): void {
    for (const key of keys) this.old.add(key);
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      for (const key of this.old) void this.queries.invalidateQueries({ queryKey: [key] });
      this.old.clear();
    }, GATHER_MS);
  }

  private changeDevices(change: (devices: Device[]) => Device[]): void {
    this.queries.setQueryData<Device[]>(["devices"], (devices) => devices && change(devices));
  }
}

export interface ConnectionView {
  state: SocketState;
  /** When the hub was last heard, in its own time. */
  lastAt: number | null;
}

const PATIENCE_MS = 4_000;

/** Whether the hub answers. A short break (a reload, a hub that restarts fast) is not shown. */
export class Connection {
  private view: ConnectionView = { state: "connecting", lastAt: null };
  private lastAt: number | null = null;
  private readonly listeners = new Set<() => void>();
  private patience: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.wait();
  }

  get = (): ConnectionView => this.view;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  heard(at: number): void {
    this.lastAt = at;
  }

  set(state: SocketState, at: number): void {
    if (state === "live") {
      clearTimeout(this.patience);
      this.patience = undefined;
      this.lastAt = at;
      this.show("live");
    } else this.wait();
  }

  private wait(): void {
    this.patience ??= setTimeout(() => this.show("away"), PATIENCE_MS);
  }

  private show(state: SocketState): void {
    this.view = { state, lastAt: this.lastAt };
    for (const listener of this.listeners) listener();
  }
}

const HubContext = createContext<Hub | null>(null);
const SessionContext = createContext<Session | null>(null);

export function HubProvider({ hub, children }: { hub: Hub; children: ReactNode }) {
  return (
    <HubContext value={hub}>
      <QueryClientProvider client={hub.queries}>{children}</QueryClientProvider>
    </HubContext>
  );
}

export function useHub(): Hub {
  const hub = useContext(HubContext);
  if (!hub) throw new Error("useHub outside of HubProvider");
  return hub;
}

/** Keeps the live connection while somebody is signed in. */
export function SignedIn({ session, children }: { session: Session; children: ReactNode }) {
  const hub = useHub();
  const { home, user } = session;
  useEffect(() => hub.follow(session), [hub, home.id, user.id]); // eslint-disable-line react-hooks/exhaustive-deps -- a renewed token must not reconnect
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside of SignedIn");
  return session;
}

export function useConnection(): ConnectionView {
  const { connection } = useHub();
  return useSyncExternalStore(connection.subscribe, connection.get);
}

/** The hub's time, read again every `every` milliseconds. */
export function useNow(every = 1000): number {
  const { client } = useHub();
  const [now, setNow] = useState(() => client.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(client.now()), every);
    return () => clearInterval(timer);
  }, [client, every]);
  return now;
}
