// What pages read from the hub, each under one key.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useSyncExternalStore } from "react";
import { useHub } from "../app/hub";
import { type OutletKey, type Reading, outletKey } from "./live";
import type { Device, DeviceList, FoundList, ProblemList, Series, Telemetry } from "./types";

export function useDevices() {
  const { client, live } = useHub();
  return useQuery({
    queryKey: ["devices"],
    refetchInterval: 60_000,
    queryFn: async ({ signal }) => {
      const devices: Device[] = [];
      let next: string | null = null;
      do {
        const path: string = next === null ? "/devices" : `/devices?cursor=${encodeURIComponent(next)}`;
        const page: DeviceList = await client.get<DeviceList>(path, signal);
        devices.push(...page.items);
        next = page.next;
      } while (next !== null);
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
    queryFn: async ({ signal }) => (await client.get<FoundList>("/devices/found", signal)).items,
  });
}

/** What is wrong with the hub itself; admins only. */
export function useProblems(enabled: boolean) {
  const { client } = useHub();
  return useQuery({
    queryKey: ["problems"],
    enabled,
    queryFn: async ({ signal }) => (await client.get<ProblemList>("/system/problems", signal)).items,
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

export function useTelemetry({ outlets, from, to, points, bucket, refresh = 60_000, enabled = true }: TelemetryAsk) {
  const { client } = useHub();
  const query = new URLSearchParams(outlets.map((outlet) => ["device", outlet]));
  query.set("from", String(from));
  query.set("to", String(to));
  if (points) query.set("points", String(points));
  if (bucket) query.set("bucket", bucket);
  return useQuery({
    queryKey: ["telemetry", query.toString()],
    enabled: enabled && outlets.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: refresh,
    queryFn: ({ signal }) => client.get<Telemetry>(`/telemetry?${query}`, signal),
  });
}

/** The last ten minutes of one outlet, for the first paint of a live chart. */
export function useRecent(outlet: OutletKey) {
  const { client } = useHub();
  return useQuery({
    queryKey: ["recent", outlet],
    staleTime: 0,
    gcTime: 0,
    queryFn: ({ signal }) => client.get<Series>(`/telemetry/live?device=${encodeURIComponent(outlet)}`, signal),
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
