// Plugs: rooms with their watts, a row for each outlet, and plugs on the network that are not added yet.
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { type OutletKey, outletKey } from "../api/live";
import { useDevices, useReadings, useTelemetry } from "../api/queries";
import type { Device } from "../api/devices.types";
import { useNow, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { useI18n } from "../i18n/i18n";
import { localeOf } from "../model/format";
import { byRoom, outletName, outletsOf, type OutletView } from "../model/outlet";
import { HOUR } from "../model/time";
import { useMedia, useTitle } from "../ui/hooks";
import { PlugRow } from "../ui/PlugRow";
import { Power } from "../ui/Quantity";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { FoundPlugs } from "./FoundPlugs";
import "./plugs.css";

const SEARCH_FROM = 8;
const SPARK_BUCKET = HOUR / 4;

export function Plugs() {
  const { t } = useI18n();
  const { user } = useSession();
  const devices = useDevices();
  useTitle(t("plugs.title"));
  const [query, setQuery] = useState("");
  const many = (devices.data?.length ?? 0) >= SEARCH_FROM;

  return (
    <>
      <header className="page-head">
        <h1>{t("plugs.title")}</h1>
        <div className="row">
          {many && (
            <label className="search">
              <IconSearch className="icon s quiet" aria-hidden="true" />
              <input
                type="search"
                value={query}
                placeholder={t("plugs.search")}
                aria-label={t("plugs.search")}
                onChange={(event) => setQuery(event.target.value)}
              />
            </label>
          )}
          {user.role !== "guest" && (devices.data?.length ?? 0) > 0 && (
            <Link href="/plugs/add" className="btn small add-plug">
              <IconPlus className="icon s" aria-hidden="true" />
              <span>{t("plugs.add")}</span>
            </Link>
          )}
        </div>
      </header>
      <OfflineStrip />
      {devices.data ? (
        <Rooms devices={devices.data} query={query} onClear={() => setQuery("")} />
      ) : devices.error ? (
        <section className="sheet">
          <Failed error={devices.error} onRetry={() => void devices.refetch()} />
        </section>
      ) : (
        <SkeletonRows rows={5} />
      )}
    </>
  );
}

function Rooms({ devices, query, onClear }: { devices: Device[]; query: string; onClear: () => void }) {
  const { t, language } = useI18n();
  const { user } = useSession();
  const wide = useMedia("(min-width: 1080px)");
  const desktop = useMedia("(min-width: 700px)");
  const sparks = useSparks(devices, desktop);
  const wanted = query.trim().toLocaleLowerCase(language);
  const shown = wanted
    ? devices.filter(({ name, room }) => `${name} ${room ?? ""}`.toLocaleLowerCase(language).includes(wanted))
    : devices;
  const rooms = byRoom(shown, localeOf(language));
  const found = <FoundPlugs />;
  const room = ({ room: name, outlets }: { room: string | null; outlets: OutletView[] }) => (
    <Room key={name ?? ""} name={name} outlets={outlets} sparks={desktop ? sparks : null} />
  );

  if (devices.length === 0)
    return (
      <>
        {found}
        <section className="sheet">
          <Empty title={t("plugs.emptyTitle")} text={t("plugs.emptyText")}>
            {user.role !== "guest" && (
              <Link href="/plugs/add" className="btn small">
                {t("plugs.add")}
              </Link>
            )}
          </Empty>
        </section>
      </>
    );
  if (rooms.length === 0)
    return (
      <section className="sheet">
        <Empty title={t("plugs.noMatch", { query: query.trim() })} text="">
          <button className="btn small soft" onClick={onClear}>
            {t("plugs.clear")}
          </button>
        </Empty>
      </section>
    );
  if (!wide)
    return (
      <>
        {found}
        {rooms.map(room)}
      </>
    );
  const [left, right] = balance(rooms);
  return (
    <div className="room-columns">
      <div>{left.map(room)}</div>
      <div>
        {found}
        {right.map(room)}
      </div>
    </div>
  );
}

/** Two columns of about the same height, rooms in reading order. */
function balance<R extends { outlets: unknown[] }>(rooms: R[]): [R[], R[]] {
  const heights = rooms.map((room) => room.outlets.length + 1);
  const total = heights.reduce((sum, height) => sum + height, 0);
  let best = rooms.length;
  let difference = Infinity;
  let sum = 0;
  heights.forEach((height, index) => {
    sum += height;
    if (Math.abs(total - 2 * sum) < difference) {
      difference = Math.abs(total - 2 * sum);
      best = index + 1;
    }
  });
  return [rooms.slice(0, best), rooms.slice(best)];
}

type Sparks = Map<OutletKey, (number | null)[]> | null;

interface RoomProps {
  name: string | null;
  outlets: OutletView[];
  sparks: Sparks;
}

function Room({ name, outlets, sparks }: RoomProps) {
  const { t } = useI18n();
  const reading = useReadings();
  const known = outlets.filter(({ device }) => device.online);
  const watts = known.reduce(
    (sum, { device, outlet }) => sum + (reading(outletKey(device.id, outlet.channel)).power ?? 0),
    0,
  );
  return (
    <section className="room" aria-label={name ?? t("plugs.noRoom")}>
      <div className="row apart base">
        <h2>{name ?? t("plugs.noRoom")}</h2>
        <span className="meta">
          <Power watts={known.length > 0 ? watts : null} />
        </span>
      </div>
      <ul className="sheet flush list icons">
        {outlets.map((view) => {
          const key = outletKey(view.device.id, view.outlet.channel);
          return sparks ? (
            <PlugRow key={key} view={view} spark={sparks.get(key) ?? null} />
          ) : (
            <PlugRow key={outletName(view) + key} view={view} />
          );
        })}
      </ul>
    </section>
  );
}

function useSparks(devices: Device[], enabled: boolean): NonNullable<Sparks> {
  const now = useNow(60_000);
  const end = Math.ceil(now / SPARK_BUCKET) * SPARK_BUCKET;
  const start = end - 24 * HOUR;
  const outlets = outletsOf(devices).map(({ device, outlet }) => outletKey(device.id, outlet.channel));
  const { data } = useTelemetry({ outlets, from: start, to: end, bucket: "15m", refresh: 5 * 60_000, enabled });
  const sparks = new Map<OutletKey, (number | null)[]>();
  for (const series of data?.series ?? []) {
    const values: (number | null)[] = Array.from({ length: (24 * HOUR) / SPARK_BUCKET }, () => null);
    series.at.forEach((at, index) => {
      const slot = Math.floor((at - (data?.start ?? start)) / SPARK_BUCKET);
      if (slot >= 0 && slot < values.length) values[slot] = series.mean[index] ?? null;
    });
    sparks.set(outletKey(series.device, series.channel), values);
  }
  return sparks;
}
