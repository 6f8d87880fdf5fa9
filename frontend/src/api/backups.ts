// The hub's backups: which there are, how the last went; asked again and again while one runs.
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../app/hub";
import type { BackupList } from "./backups.types";

const RUNNING_MS = 700;
const REST_MS = 60_000;

export function useBackups(enabled: boolean) {
  const { client } = useHub();
  return useQuery<BackupList>({
    queryKey: ["backups"],
    enabled,
    refetchInterval: ({ state: { data } }) => (data?.state.running ? RUNNING_MS : REST_MS),
    queryFn: ({ signal }) => client.get<BackupList>("/backups", signal),
  });
}
