// What one outlet is, and what its switch may honestly say.
import type { Reading } from "../api/live";
import type { Device, Outlet } from "../api/devices.types";

export interface OutletView {
  device: Device;
  outlet: Outlet;
}

export const outletsOf = (devices: Device[]): OutletView[] =>
  devices.flatMap((device) => device.channels.map((outlet) => ({ device, outlet })));

/** How many plugs these are: a plug with two outlets is one plug. */
export const plugsOf = (views: OutletView[]): number => new Set(views.map(({ device }) => device.id)).size;

export function outletName({ device, outlet }: OutletView): string {
  if (device.channels.length === 1) return device.name;
  return `${device.name} · ${outlet.name ?? String(outlet.channel + 1)}`;
}

export function outletPath({ device, outlet }: OutletView): string {
  return `/plugs/${device.key}` + (outlet.channel > 0 ? `/${outlet.channel}` : "");
}

/** A reading is old after three of the plug's own intervals, at least ten seconds. */
export function isOld(reading: Reading, device: Device, now: number): boolean {
  return reading.at === null || now - reading.at > Math.max(10_000, 3 * device.interval_ms);
}

export type SwitchKind =
  "off" | "on" | "idle" | "switching" | "unconfirmed" | "refused" | "offline" | "protected" | "unknown";

export interface SwitchState {
  kind: SwitchKind;
  /** The last confirmed state. */
  on: boolean | null;
  /** Where a command under way goes, or where the last one wanted to go. */
  target: boolean | null;
  idle: boolean;
  viewOnly: boolean;
  error: string | null;
}

export interface SwitchInput extends OutletView {
  reading: Reading;
  /** The hub answers. */
  reachable: boolean;
  /** A command of this page that the hub has not answered yet. */
  sending: boolean | null;
}

export function switchState({ device, outlet, reading, reachable, sending }: SwitchInput): SwitchState {
  const command = outlet.command;
  const idle = outlet.on === true && reading.power !== null && Math.abs(reading.power) < outlet.idle_below_w;
  const state = {
    on: outlet.on,
    target: sending ?? (command ? command.command === "relay_on" : null),
    idle,
    viewOnly: device.right === "view",
    error: command?.error ?? null,
  };
  const kind = ((): SwitchKind => {
    if (!reachable || !device.online) return "offline";
    if (sending !== null || command?.state === "sent") return "switching";
    if (command?.state === "unconfirmed") return "unconfirmed";
    if (command?.state === "refused") return "refused";
    if (outlet.on === null) return "unknown";
    if (!outlet.on) return "off";
    if (device.always_on) return "protected";
    return idle ? "idle" : "on";
  })();
  return { kind, ...state };
}

/** Rooms in order of their names; plugs without a room come last. */
export function byRoom(devices: Device[], locale: string): { room: string | null; outlets: OutletView[] }[] {
  const rooms = new Map<string | null, OutletView[]>();
  for (const view of outletsOf(devices)) {
    const views = rooms.get(view.device.room) ?? [];
    rooms.set(view.device.room, [...views, view]);
  }
  const collator = new Intl.Collator(locale, { numeric: true });
  return [...rooms.entries()]
    .map(([room, outlets]) => ({
      room,
      outlets: outlets.sort((a, b) => collator.compare(outletName(a), outletName(b))),
    }))
    .sort((a, b) => {
      if (a.room === null || b.room === null) return a.room === null ? 1 : -1;
      return collator.compare(a.room, b.room);
    });
}
