// Switching: what is under way shows within the same frame, what came of it is kept with the device.
import type { QueryClient } from "@tanstack/react-query";
import { ApiError, type ApiClient } from "./client";
import { type OutletKey, outletKey } from "./live";
import type { CommandResult, Device, Outlet, PendingCommand } from "./devices.types";

export type Outcome =
  | { kind: "confirmed"; on: boolean | null }
  | { kind: "refused"; error: string | null }
  | { kind: "unconfirmed" }
  | { kind: "failed"; detail: string };

export class CommandStore {
  private sending: ReadonlyMap<OutletKey, boolean> = new Map();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly client: ApiClient,
    private readonly queries: QueryClient,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Where a command under way goes; null: none is. */
  target = (key: OutletKey): boolean | null => this.sending.get(key) ?? null;

  /** Sends one command; a second one for the same outlet is ignored meanwhile. */
  async switch(device: string, channel: number, on: boolean): Promise<Outcome | null> {
    const key = outletKey(device, channel);
    if (this.sending.has(key)) return null;
    this.mark(key, on);
    const command = on ? "relay_on" : "relay_off";
    try {
      const result = await this.client.request<CommandResult>("POST", `/devices/${device}/command`, {
        command,
        channel,
      });
      if (result.state === "confirmed") {
        this.keep(device, channel, { on: result.on, command: null });
        return { kind: "confirmed", on: result.on };
      }
      this.keep(device, channel, {
        on: result.on,
        command: { id: result.id, command, state: "refused", at: this.client.now(), error: result.error },
      });
      return { kind: "refused", error: result.error };
    } catch (error) {
      if (error instanceof ApiError && error.status !== 504) return { kind: "failed", detail: error.problem.detail };
      // 504, or the hub went away meanwhile: the plug may have done it.
      const pending: PendingCommand = { id: "", command, state: "unconfirmed", at: this.client.now(), error: null };
      this.keep(device, channel, { command: pending });
      return { kind: "unconfirmed" };
    } finally {
      this.mark(key, null);
    }
  }

  private mark(key: OutletKey, on: boolean | null): void {
    const sending = new Map(this.sending);
    if (on === null) sending.delete(key);
    else sending.set(key, on);
    this.sending = sending;
    for (const listener of this.listeners) listener();
  }

  private keep(device: string, channel: number, change: Partial<Outlet>): void {
    this.queries.setQueryData<Device[]>(["devices"], (devices) =>
      devices?.map((known) =>
        known.id === device
          ? {
              ...known,
              channels: known.channels.map((outlet) =>
                outlet.channel === channel ? { ...outlet, ...change } : outlet,
              ),
            }
          : known,
      ),
    );
  }
}
