// What the pages about people, the account and the audit log read from the hub, each under one key.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useHub } from "../app/hub";
import { all } from "./lists";
import type {
  ApiKey,
  AuditList,
  DeviceShare,
  HomeShare,
  Invitation,
  Membership,
  Role,
  SecondFactor,
  SignedIn,
  User,
} from "./people.types";
import type { Device } from "./devices.types";

/** Somebody joins while the page is open: then they appear on it. */
const WATCHED_MS = 20_000;

function useList<T>(key: string[], path: string, enabled = true, refetchInterval: number | false = false) {
  const { client } = useHub();
  return useQuery({ queryKey: key, enabled, refetchInterval, queryFn: ({ signal }) => all<T>(client, path, signal) });
}

/** The members of the home; admins only. */
export const useMembers = (enabled: boolean) => useList<User>(["members"], "/users", enabled, WATCHED_MS);

/** Changes a member, and puts what the hub answers in the list. */
export function useChangeMember(person: User) {
  const { client } = useHub();
  const queries = useQueryClient();
  return async (change: { role?: Role; disabled?: boolean }): Promise<void> => {
    const changed = await client.request<User>("PATCH", `/users/${person.id}`, change);
    queries.setQueryData<User[]>(["members"], (members) =>
      members?.map((member) => (member.id === changed.id ? { ...member, ...changed } : member)),
    );
    for (const key of ["shares", "sessions"]) void queries.invalidateQueries({ queryKey: [key] });
  };
}

/** Links that hold; admins only. */
export const useInvitations = (enabled: boolean) =>
  useList<Invitation>(["invitations"], "/invitations", enabled, WATCHED_MS);

export const useMySessions = () => useList<SignedIn>(["sessions"], "/account/sessions");
export const useMyKeys = () => useList<ApiKey>(["keys"], "/account/keys");
export const useSessionsOf = (user: string) => useList<SignedIn>(["sessions", user], `/users/${user}/sessions`);
export const useKeysOf = (user: string) => useList<ApiKey>(["keys", user], `/users/${user}/keys`);
export const useHomes = () => useList<Membership>(["homes"], "/homes");

export function useSecondFactor() {
  const { client } = useHub();
  return useQuery({
    queryKey: ["second-factor"],
    queryFn: ({ signal }) => client.get<SecondFactor>("/account/second-factor", signal),
  });
}

/** Device -> what each member was given and has. */
export type Shares = Record<string, DeviceShare[]>;

/** Who may what with each of these devices, which the asker manages. */
export function useShares(devices: Device[] | undefined, enabled: boolean) {
  const { client } = useHub();
  const ids = (devices ?? []).filter(({ right }) => right === "manage").map(({ id }) => id);
  return useQuery({
    queryKey: ["shares", ids.toSorted().join()],
    enabled: enabled && devices !== undefined,
    queryFn: async ({ signal }) => {
      const shares: Shares = {};
      const items = ids.length === 0 ? [] : await all<HomeShare>(client, "/shares", signal);
      for (const { device, ...share } of items) (shares[device] ??= []).push(share);
      return shares;
    },
  });
}

/** The audit log, page by page; `query` are its filters. */
export function useAudit(query: string) {
  const { client } = useHub();
  return useInfiniteQuery({
    queryKey: ["audit", query],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam && `&cursor=${encodeURIComponent(pageParam)}`;
      return client.get<AuditList>(`/audit?limit=50&${query}${cursor}`, signal);
    },
    getNextPageParam: ({ next }) => next,
  });
}
