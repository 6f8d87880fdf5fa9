// The newest reading of every outlet, outside of React, so that a thousand readings do not render a thousand times.
import type { Device } from "./devices.types";
import type { SampleItem } from "./socket.types";

export interface Reading {
  at: number | null;
  power: number | null;
  voltage: number | null;
  current: number | null;
}

export type OutletKey = `${string}:${number}`;

export const outletKey = (device: string, channel: number): OutletKey => `${device}:${channel}`;

const NOTHING: Reading = { at: null, power: null, voltage: null, current: null };
const GATHER_MS = 200;

type SampleListener = (item: SampleItem) => void;

export class LiveStore {
  private readonly readings = new Map<OutletKey, Reading>();
  private readonly listeners = new Set<() => void>();
  private readonly tails = new Map<OutletKey, Set<SampleListener>>();
  private pending: ReturnType<typeof setTimeout> | undefined;
  private version = 0;

  get(key: OutletKey): Reading {
    return this.readings.get(key) ?? NOTHING;
  }

  /** Grows with every gathered change. */
  getVersion = (): number => this.version;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Every single reading of one outlet, at once. */
  follow(key: OutletKey, listener: SampleListener): () => void {
    const followers = this.tails.get(key) ?? new Set();
    this.tails.set(key, followers.add(listener));
    return () => followers.delete(listener);
  }

  /** Readings that came with a device; an older one never replaces a newer one. */
  seed(devices: Device[]): void {
    for (const device of devices)
      for (const { channel, live } of device.channels) {
        if (live.at === null) continue;
        this.put(outletKey(device.id, channel), live.at, live.power, live.voltage, live.current);
      }
    this.changed();
  }

  apply(items: SampleItem[]): void {
    for (const item of items) {
      const [device, channel, at, power, voltage, current] = item;
      const key = outletKey(device, channel);
      this.put(key, at, power, voltage, current);
      for (const follower of this.tails.get(key) ?? []) follower(item);
    }
    this.changed();
  }

  private put(key: OutletKey, at: number, power: number | null, voltage: number | null, current: number | null): void {
    const known = this.readings.get(key)?.at;
    if (known != null && known > at) return;
    this.readings.set(key, { at, power, voltage, current });
  }

  private changed(): void {
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      this.version += 1;
      for (const listener of this.listeners) listener();
    }, GATHER_MS);
  }
}
