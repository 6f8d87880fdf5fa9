// Plugs that the hub waits for: each step comes over the socket; what was missed is asked for.
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../app/hub";
import type { Pairing, PairingList } from "./pairing.types";

const ASK_EVERY_MS = 5_000;
const RUNNING: Pairing["state"][] = ["waiting", "heard", "proved", "sealed"];

export const isRunning = ({ state }: Pairing): boolean => RUNNING.includes(state);

export function usePairing(id: string) {
  const { client } = useHub();
  return useQuery<Pairing>({
    queryKey: ["pairing", id],
    retry: 0,
    refetchInterval: ({ state: { data, error } }) =>
      error === null && data && !isRunning(data) ? false : ASK_EVERY_MS,
    queryFn: ({ signal }) => client.get<Pairing>(`/pairings/${encodeURIComponent(id)}`, signal),
  });
}

/** The windows that one may see, and whether plugs are paired by their code here at all. */
export function usePairings(enabled: boolean) {
  const { client } = useHub();
  return useQuery<PairingList>({
    queryKey: ["pairings"],
    enabled,
    staleTime: 0,
    queryFn: ({ signal }) => client.get<PairingList>("/pairings", signal),
  });
}
