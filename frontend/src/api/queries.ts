// What pages read from the hub, each under one key.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useSyncExternalStore } from "react";
import { useHub } from "../app/hub";
import { all } from "./lists";
import { type OutletKey, type Reading, outletKey } from "./live";
import { MINUTE } from "../model/time";
import type { Device, FoundDevice } from "./devices.types";
import type { PluginView, ProblemView, RejectList } from "./system.types";
import type { Gap, Series, Telemetry } from "./telemetry.types";

export function useDevices() {
  const { client, live } = useHub();
  return useQuery({
    queryKey: ["devices"],
    refetchInterval: 60_000,
    queryFn: async ({ signal }) => {
      const devices = await all<Device>(client, "/devices", signal);
      live.seed(devices);
      return devices;
    },
  });
}

export function useFound(enabled: boolean) {
  const { client } = useHub();
  return useQuery({
    queryKey: ["found"],
    enabled,
    queryFn: ({ signal }) => all<FoundDevice>(client, "/devices/found", signal),
  });
}

/** What is wrong with the hub itself; for who looks after it. */
export function useProblems(enabled: boolean) {
  const { client } = useHub();
  return useQuery({
    queryKey: ["problems"],
    enabled,
    queryFn: ({ signal }) => all<ProblemView>(client, "/system/problems", signal),
  });
}

export function usePlugins() {
  const { client } = useHub();
  return useQuery({
    queryKey: ["plugins"],
    refetchInterval: 60_000,
    queryFn: ({ signal }) => all<PluginView>(client, "/plugins", signal),
  });
}

/** What devices sent that could not be used, since the hub's start. */
export function useRejects() {
  const { client } = useHub();
  return useQuery({
    queryKey: ["rejects"],
    refetchInterval: 60_000,
    queryFn: ({ signal }) => client.get<RejectList>("/system/rejects", signal),
  });
}

export interface TelemetryAsk {
  outlets: OutletKey[];
  from: number;
  to: number;
  points?: number;
  bucket?: string;
  refresh?: number | false;
  enabled?: boolean;
}

const SETTLING_MS = 5 * MINUTE;
const ASK_AGAIN_MS = 5_000;

/** Whether a gap is so fresh that the plug may still send what it kept. */
export function settling(gaps: Gap[], now: number): boolean {
  return gaps.some((gap) => now - (gap.end ?? gap.start) < SETTLING_MS);
}

export function useTelemetry({ outlets, from, to, points, bucket, refresh = 60_000, enabled = true }: TelemetryAsk) {
  const { client } = useHub();
  const query = new URLSearchParams(outlets.map((outlet) => ["device", outlet]));
  query.set("from", String(from));
  query.set("to", String(to));
  if (points) query.set("points", String(points));
  if (bucket) query.set("bucket", bucket);
  return useQuery<Telemetry>({
    queryKey: ["telemetry", query.toString()],
    enabled: enabled && outlets.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) =>
      data && settling(data.gaps, client.now()) ? Math.min(ASK_AGAIN_MS, refresh || ASK_AGAIN_MS) : refresh,
    queryFn: ({ signal }) => client.get<Telemetry>(`/telemetry?${query}`, signal),
  });
}

export interface Recent {
  at: number[];
  mean: (number | null)[];
  gaps: Gap[];
}

const RECENT_MS = 10 * MINUTE;
const GAP_MS = 5_000;

/**
 * The last ten minutes of one outlet, for the first paint of a live chart. What the hub does not hold in memory (it has
 * just started, or the plug sent it later) comes from its history.
 */
export function useRecent(outlet: OutletKey) {
  const { client } = useHub();
  return useQuery<Recent>({
    queryKey: ["recent", outlet],
    staleTime: 0,
    gcTime: 0,
    refetchInterval: ({ state: { data } }) => data !== undefined && settling(data.gaps, client.now()) && ASK_AGAIN_MS,
    queryFn: async ({ signal }) => {
      const device = encodeURIComponent(outlet);
      const { at, mean } = await client.get<Series>(`/telemetry/live?device=${device}`, signal);
      const now = client.now();
      const from = Math.round(now - RECENT_MS);
      const incomplete = at.some((moment, index) => moment - (at[index - 1] ?? from) > GAP_MS) || at.length === 0;
      if (!incomplete) return { at, mean, gaps: [] };
      const range = `from=${from}&to=${Math.round(now)}&bucket=raw`;
      const { series, gaps } = await client.get<Telemetry>(`/telemetry?device=${device}&${range}`, signal);
      const older = series[0];
      return { at: [...(older?.at ?? []), ...at], mean: [...(older?.mean ?? []), ...mean], gaps };
    },
  });
}

/** The newest reading of one outlet. */
export function useReading(device: string, channel: number): Reading {
  const { live } = useHub();
  const key = outletKey(device, channel);
  return useSyncExternalStore(live.subscribe, () => live.get(key));
}

/** The newest readings of all outlets; renders with every gathered change. */
export function useReadings(): (key: OutletKey) => Reading {
  const { live } = useHub();
  const version = useSyncExternalStore(live.subscribe, live.getVersion);
  // A new function with every version, so that what depends on it is computed again.
  return useMemo(() => Object.assign((key: OutletKey) => live.get(key), { version }), [live, version]);
}
