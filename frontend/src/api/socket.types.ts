// What the hub sends over the WebSocket.
import type { Device, FoundDevice } from "./devices.types";
import type { Pairing } from "./pairing.types";
import type { ProblemView } from "./system.types";

/** One reading as the socket sends it: device, channel, at, W, V, A, relay, counter in mWh. */
export type SampleItem = [
  device: string,
  channel: number,
  at: number,
  power: number | null,
  voltage: number | null,
  current: number | null,
  on: boolean | null,
  energy_mwh: number | null,
];

export type ServerFrame =
  | { type: "ready"; session: string; by: "auth" | "cookie"; resume: string; resumed: boolean; seq: number }
  | { type: "subscribed"; rooms: string[]; seq: number }
  | { type: "error"; code: string; detail: string }
  | { type: "pong" }
  | { type: "samples"; seq: number; items: SampleItem[]; lossy?: boolean }
  | { type: "device"; seq: number; device: Device }
  | { type: "device_removed"; seq: number; device: string }
  | { type: "found"; seq: number; items: FoundDevice[] }
  | { type: "pairing"; seq: number; pairing: Pairing }
  | { type: "gaps"; seq: number; device: string }
  | { type: "schedules"; seq: number; device: string }
  | { type: "alerts"; seq: number; device: string; alert: string; state: "firing" | "resolved" | null }
  | { type: "rooms"; seq: number; home: string }
  | { type: "problem"; seq: number; problem: ProblemView };
