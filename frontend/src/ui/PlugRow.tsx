// One outlet in a list (row) or on Home (tile): icon, name, words, watts, and the switch as a target of its own.
import { Link } from "wouter";
import { outletKey } from "../api/live";
import { useReading } from "../api/queries";
import { useConnection, useNow } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { duration } from "../model/format";
import { isOld, outletName, outletPath, type OutletView } from "../model/outlet";
import { HonestSwitch, useSwitchState } from "./HonestSwitch";
import { ApplianceIcon } from "./icons";
import { Power } from "./Quantity";
import { Spark } from "./Spark";
import { stateWords } from "./words";
import "./plug-row.css";

/** Words, watts and whether they are old: the same for row and tile. */
export function useOutletLine(view: OutletView, withWatts: boolean) {
  const { t, language } = useI18n();
  const now = useNow(5_000);
  const state = useSwitchState(view);
  const reading = useReading(view.device.id, view.outlet.channel);
  const reachable = useConnection().state !== "away";
  const known = view.device.online;
  const old = known && isOld(reading, view.device, now);
  const watts = known ? reading.power : null;
  const words = stateWords({ t, language, view, state, reachable, now, watts: withWatts ? watts : null });
  const age =
    old && reachable && reading.at !== null ? t("state.old", { age: duration(now - reading.at, language) }) : null;
  const alarming = (state.kind === "offline" && reachable) || state.kind === "unconfirmed";
  const tone: "warn" | "danger" | "" = alarming ? "warn" : state.kind === "refused" ? "danger" : "";
  return { state, watts, old, words: age ? `${words}, ${age}` : words, tone };
}

export function PlugRow({ view, spark }: { view: OutletView; spark?: (number | null)[] | null }) {
  const { state, watts, old, words, tone } = useOutletLine(view, false);
  return (
    <li className="plug-row" data-testid={`plug-${view.device.key}`}>
      <Link href={outletPath(view)} className="plug-row-link list-row">
        <ApplianceIcon name={view.device.icon} />
        <span className="grow">
          <span className="h3 two-lines">{outletName(view)}</span>
          <span className={`meta block ${tone || "ellipsis"}`}>{words}</span>
        </span>
        {spark !== undefined && (
          <span className="plug-row-spark">{spark && <Spark values={spark} offline={state.kind === "offline"} />}</span>
        )}
        <span className={`plug-row-watts ${watts !== null && watts >= 0.5 && !old ? "strong" : "quiet"}`}>
          <Power watts={watts} />
        </span>
      </Link>
      <HonestSwitch view={view} />
    </li>
  );
}

export function PlugTile({ view }: { view: OutletView }) {
  const { words, tone } = useOutletLine(view, true);
  return (
    <li className="tile" key={outletKey(view.device.id, view.outlet.channel)}>
      <div className="row apart">
        <ApplianceIcon name={view.device.icon} />
        <HonestSwitch view={view} />
      </div>
      <Link href={outletPath(view)} className="tile-link">
        <span className="h3 ellipsis block">{outletName(view)}</span>
        <span className={`meta block ${tone || "ellipsis"}`}>{words}</span>
      </Link>
    </li>
  );
}
