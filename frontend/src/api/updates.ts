// Which version of the hub is the newest, as far as it has been told.
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../app/hub";
import type { Language } from "./types";
import type { UpdateState } from "./updates.types";

export const UPDATES = ["updates"];
const ASKING_MS = 500;
const REST_MS = 60_000;

/** `language`: of the sentences. */
export function useUpdates(language: Language) {
  const { client } = useHub();
  return useQuery<UpdateState>({
    queryKey: [...UPDATES, language],
    refetchInterval: ({ state: { data } }) => (data?.asking ? ASKING_MS : REST_MS),
    queryFn: ({ signal }) => client.get<UpdateState>("/system/updates", signal),
  });
}
