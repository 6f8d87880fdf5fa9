// Which version of the hub is the newest, as far as it has been told.
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../app/hub";
import type { Language } from "./types";
import type { UpdateState } from "./updates.types";

export const UPDATES = ["updates"];

/** `language`: of the sentences. */
export function useUpdates(language: Language) {
  const { client } = useHub();
  return useQuery({
    queryKey: [...UPDATES, language],
    refetchInterval: 60_000,
    queryFn: ({ signal }) => client.get<UpdateState>("/system/updates", signal),
  });
}
