// Reads alerts, what has ended and who tells of it; adds, changes and removes alerts.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useHub } from "../app/hub";
import type { AddAlertRequest, Alert, ChangeAlertRequest, EndedAlert, NotifierView } from "./alerts.types";
import { all } from "./lists";

const KEY = ["alerts"];

/** What an alert says while it fires holds the watts of that moment. */
const FIRING_MS = 15_000;

export const fires = ({ state, enabled }: Alert): boolean => enabled && state === "firing";

export function useAlerts() {
  const { client } = useHub();
  return useQuery<Alert[]>({
    queryKey: [...KEY, "all"],
    refetchInterval: ({ state: { data } }) => (data?.some(fires) ? FIRING_MS : 60_000),
    queryFn: ({ signal }) => all<Alert>(client, "/alerts", signal),
  });
}

/** What has fired and is over, the newest first. */
export function useEndedAlerts() {
  const { client } = useHub();
  return useQuery({
    queryKey: [...KEY, "ended"],
    queryFn: ({ signal }) => all<EndedAlert>(client, "/alerts/ended", signal),
  });
}

/** Admins of the hub's first home only. */
export function useNotifiers(enabled: boolean) {
  const { client } = useHub();
  return useQuery({
    queryKey: [...KEY, "notifiers"],
    enabled,
    queryFn: ({ signal }) => all<NotifierView>(client, "/notifiers", signal),
  });
}

/** What the hub answers stands in the list at once. */
export function useAlertCalls() {
  const { client, queries } = useHub();
  return useMemo(() => {
    const again = (): void => void queries.invalidateQueries({ queryKey: KEY });
    const put = (alerts: (before: Alert[]) => Alert[]): void => {
      queries.setQueryData<Alert[]>([...KEY, "all"], (before) => before && alerts(before));
      again();
    };
    return {
      add: async (request: AddAlertRequest): Promise<Alert> => {
        const added = await client.request<Alert>("POST", "/alerts", request);
        put((before) => [...before.filter(({ id }) => id !== added.id), added]);
        return added;
      },
      change: async (id: string, request: ChangeAlertRequest): Promise<Alert> => {
        const changed = await client.request<Alert>("PATCH", `/alerts/${id}`, request);
        put((before) => before.map((one) => (one.id === id ? changed : one)));
        return changed;
      },
      remove: async (id: string): Promise<void> => {
        await client.request("DELETE", `/alerts/${id}`);
        put((before) => before.filter((one) => one.id !== id));
      },
      test: async (notifier: string): Promise<void> => {
        try {
          await client.request<NotifierView>("POST", `/notifiers/${encodeURIComponent(notifier)}/test`);
        } finally {
          again();
        }
      },
    };
  }, [client, queries]);
}
