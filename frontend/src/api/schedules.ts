// Reads the schedules of the home, and adds, changes and removes them.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useHub } from "../app/hub";
import { all } from "./lists";
import type { AddScheduleRequest, ChangeScheduleRequest, Schedule } from "./schedules.types";

const KEY = ["schedules"];

export function useSchedules() {
  const { client } = useHub();
  return useQuery({
    queryKey: KEY,
    refetchInterval: 60_000,
    queryFn: ({ signal }) => all<Schedule>(client, "/schedules", signal),
  });
}

/** What the hub answers stands in the list at once. */
export function useScheduleCalls() {
  const { client, queries } = useHub();
  return useMemo(() => {
    const put = (schedules: (before: Schedule[]) => Schedule[]): void => {
      queries.setQueryData<Schedule[]>(KEY, (before) => before && schedules(before));
      void queries.invalidateQueries({ queryKey: KEY });
    };
    return {
      add: async (request: AddScheduleRequest): Promise<Schedule> => {
        const added = await client.request<Schedule>("POST", "/schedules", request);
        put((before) => [...before.filter(({ id }) => id !== added.id), added]);
        return added;
      },
      change: async (id: string, request: ChangeScheduleRequest): Promise<Schedule> => {
        const changed = await client.request<Schedule>("PATCH", `/schedules/${id}`, request);
        put((before) => before.map((one) => (one.id === id ? changed : one)));
        return changed;
      },
      remove: async (id: string): Promise<void> => {
        await client.request("DELETE", `/schedules/${id}`);
        put((before) => before.filter((one) => one.id !== id));
      },
    };
  }, [client, queries]);
}
