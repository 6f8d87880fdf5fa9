// What somebody may do with each room and plug. The hub takes the lesser of role and share; the choices keep to that.
import { IconChevronDown } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { type Shares, useShares } from "../api/people";
import type { DeviceShare, Right, User } from "../api/people.types";
import { useDevices } from "../api/queries";
import type { Device } from "../api/devices.types";
import { useConnection, useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { choices, common, shareFor, unshared } from "../model/people";
import { useAnnouncer } from "../ui/Announcer";
import { problemWords } from "../ui/problem";
import { Segmented } from "../ui/Segmented";
import { Failed, Skeleton } from "../ui/States";

interface Group {
  /** null: plugs without a room. */
  room: string | null;
  devices: Device[];
}

/** The rooms by name, then each plug that is in none. */
export function groupsOf(devices: Device[]): Group[] {
  const rooms = [...new Set(devices.map(({ room }) => room).filter((room) => room !== null))].sort();
  return [
    ...rooms.map((room) => ({ room, devices: devices.filter((device) => device.room === room) })),
    ...devices.filter(({ room }) => room === null).map((device) => ({ room: null, devices: [device] })),
  ];
}

export const rightOf = (shares: Shares, user: User, device: Device): Right =>
  shares[device.id]?.find((share) => share.user === user.id)?.right ?? unshared(user.role, device);

export function PeopleShares({ user }: { user: User }) {
  const { t } = useI18n();
  const devices = useDevices();
  const managed = devices.data?.filter(({ right }) => right === "manage");
  const shares = useShares(devices.data, true);
  const { name, role } = user;
  const error = devices.error ?? shares.error;

  let body;
  if (managed && shares.data) {
    const known = shares.data;
    if (managed.length === 0)
      body = (
        <p className="meta people-shares-none">
          {t("people.shares.none")}{" "}
          <Link href="/plugs" className="text-btn">
            {t("people.shares.toPlugs")}
          </Link>
        </p>
      );
    else if (role === "admin") body = <p className="meta people-shares-none">{t("people.shares.admin")}</p>;
    else
      body = (
        <ul className="people-shares">
          {groupsOf(managed).map((group) => (
            <GroupRow key={group.room ?? group.devices[0]?.id} group={group} user={user} shares={known} />
          ))}
        </ul>
      );
  } else if (error)
    body = (
      <Failed
        error={error}
        onRetry={() => {
          void devices.refetch();
          void shares.refetch();
        }}
      />
    );
  else body = <Skeleton height={150} style={{ marginTop: 12 }} />;
  return (
    <section className="sheet" aria-labelledby="shares">
      <h2 id="shares">{t("people.shares.title", { name })}</h2>
      {role !== "admin" && <p className="meta">{t(`people.shares.text.${role}`, { name })}</p>}
      {body}
    </section>
  );
}

function useGive(user: User) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const { announce, toast } = useAnnouncer();
  return async (what: string, devices: Device[], right: Right): Promise<void> => {
    queries.setQueriesData<Shares>({ queryKey: ["shares"] }, (shares) => shares && given(shares, user, devices, right));
    try {
      for (const device of devices) {
        const path = `/devices/${device.id}/shares/${user.id}`;
        const share = shareFor(user.role, device, right);
        if (share === null) await client.request("DELETE", path);
        else await client.request<DeviceShare>("PUT", path, { right: share });
      }
      announce(t("people.shares.done", { name: user.name, what, right: t(`people.right.${right}`) }));
    } catch (error) {
      toast(problemWords(t, error));
    }
    await queries.invalidateQueries({ queryKey: ["shares"] });
  };
}

/** As the hub will say it, so that the choice does not wait for it. */
export function given(shares: Shares, user: User, devices: Device[], right: Right): Shares {
  const next = { ...shares };
  for (const device of devices)
    next[device.id] = (shares[device.id] ?? []).map((share) => (share.user === user.id ? { ...share, right } : share));
  return next;
}

function GroupRow({ group: { room, devices }, user, shares }: { group: Group; user: User; shares: Shares }) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const single = devices.length === 1 ? devices[0] : undefined;
  const name = room ?? single?.name ?? "";
  const rights = devices.map((device) => rightOf(shares, user, device));
  const right = common(rights);
  return (
    <li>
      <div className="people-share">
        {single ? (
          <span className="people-share-name">
            {name}
            {room !== null && <span className="meta block">{single.name}</span>}
          </span>
        ) : (
          <Button className="people-share-name" aria-expanded={open} onPress={() => setOpen(!open)}>
            <span>
              {name}
              <span className="meta block">
                {right === null ? t("people.shares.mixed") : t("people.plugs", { count: devices.length })}
              </span>
            </span>
            <IconChevronDown className={`icon xs ${open ? "turned" : ""}`} aria-hidden="true" />
          </Button>
        )}
        <RightChoice what={name} user={user} devices={devices} right={right} />
      </div>
      {open && (
        <ul className="people-shares inner">
          {devices.map((device) => (
            <li key={device.id} className="people-share">
              <span className="people-share-name">
                {device.name}
                {device.private && <span className="meta block">{t("people.shares.private")}</span>}
              </span>
              <RightChoice what={device.name} user={user} devices={[device]} right={rightOf(shares, user, device)} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

interface RightChoiceProps {
  what: string;
  user: User;
  devices: Device[];
  right: Right | null;
}

function RightChoice({ what, user, devices, right }: RightChoiceProps) {
  const { t } = useI18n();
  const give = useGive(user);
  const away = useConnection().state === "away";
  return (
    <Segmented<Right | "mixed">
      label={t("people.shares.choice", { name: user.name, what })}
      value={right ?? "mixed"}
      disabled={away}
      options={choices(user.role, devices).map((value) => ({ value, label: t(`people.right.${value}`) }))}
      onChange={(value) => value !== "mixed" && void give(what, devices, value)}
    />
  );
}
