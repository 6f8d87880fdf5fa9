// The switch that never claims what the plug has not confirmed: the thumb leaves at once and arrives with the answer.
import { IconLock } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Outcome } from "../api/commands";
import { outletKey } from "../api/live";
import { useReading } from "../api/queries";
import { useConnection, useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { outletName, type OutletView, type SwitchState, switchState } from "../model/outlet";
import { useAnnouncer } from "./Announcer";
import { refusedWords } from "./words";
import "./switch.css";

const Why = lazy(() => import("./Why"));
const HOLD_MS = 2_000;

export function useSwitchState(view: OutletView): SwitchState {
  const { commands } = useHub();
  const key = outletKey(view.device.id, view.outlet.channel);
  const sending = useSyncExternalStore(commands.subscribe, () => commands.target(key));
  const reading = useReading(view.device.id, view.outlet.channel);
  const reachable = useConnection().state !== "away";
  return switchState({ ...view, reading, reachable, sending });
}

interface HonestSwitchProps {
  view: OutletView;
  large?: boolean;
}

export function HonestSwitch({ view, large = false }: HonestSwitchProps) {
  const { t, language } = useI18n();
  const { commands } = useHub();
  const { announce, toast } = useAnnouncer();
  const state = useSwitchState(view);
  const [why, setWhy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const name = outletName(view);

  const tell = (outcome: Outcome | null): void => {
    if (!outcome) return;
    if (outcome.kind === "confirmed") announce(t(outcome.on ? "switch.doneOn" : "switch.doneOff", { name }));
    if (outcome.kind === "unconfirmed") announce(t("switch.unconfirmed", { name }));
    if (outcome.kind === "refused")
      announce(
        t("switch.refused", { name, reason: refusedWords(t, language, outcome.error, view.outlet.max_power_w) }),
      );
    if (outcome.kind === "failed") toast(t("switch.failed", { reason: outcome.detail }));
  };
  const send = (on: boolean): void => {
    setWhy(false);
    void commands.switch(view.device.id, view.outlet.channel, on).then(tell);
  };
  const touch = (): void => {
    if (state.kind === "off" || state.kind === "unknown") send(true);
    else if (state.kind === "on" || state.kind === "idle") send(false);
    else if (state.kind === "unconfirmed") send(state.target ?? !state.on);
    else if (state.kind !== "switching") setWhy(true);
  };

  const hold = useHold(() => send(false));
  const held = state.kind === "protected" ? hold.props : {};
  const look = `switch ${state.kind} ${large ? "large" : ""} ${hold.holding ? "holding" : ""}`;

  if (state.viewOnly)
    return <span className={`${look} view-only`} aria-hidden="true" children={<Track state={state} />} />;
  return (
    <>
      <button
        ref={button}
        type="button"
        role="switch"
        className={look}
        aria-checked={state.on === true}
        aria-busy={state.kind === "switching"}
        aria-label={name}
        {...(state.kind === "protected" && { "aria-description": t("switch.hold") })}
        onClick={() => {
          if (!hold.ended()) touch();
        }}
        {...held}
      >
        <Track state={state} />
      </button>
      {why && (
        <Suspense>
          <Why view={view} state={state} trigger={button} onClose={() => setWhy(false)} onSwitch={send} />
        </Suspense>
      )}
    </>
  );
}

/** Where the thumb stands: moving thumbs are half way, a refused one is back where it was. */
function Track({ state }: { state: SwitchState }) {
  const right = state.kind === "unconfirmed" ? state.target !== false : state.on === true;
  return (
    <span className="track" data-right={right}>
      <span className="thumb">{state.kind === "protected" && <IconLock className="icon" aria-hidden="true" />}</span>
    </span>
  );
}

/** A press of two seconds, by finger, mouse or key. `ended` tells a click from the end of a finished hold. */
function useHold(onHeld: () => void) {
  const [holding, setHolding] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const done = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);

  const begin = (): void => {
    clearTimeout(timer.current);
    done.current = false;
    setHolding(true);
    timer.current = setTimeout(() => {
      done.current = true;
      setHolding(false);
      onHeld();
    }, HOLD_MS);
  };
  const stop = (): void => {
    clearTimeout(timer.current);
    setHolding(false);
  };
  return {
    holding,
    ended: (): boolean => {
      const was = done.current;
      done.current = false;
      return was;
    },
    props: {
      onPointerDown: begin,
      onPointerUp: stop,
      onPointerLeave: stop,
      onPointerCancel: stop,
      onContextMenu: (event: React.MouseEvent) => event.preventDefault(),
      onKeyDown: (event: React.KeyboardEvent) => {
        if ((event.key === " " || event.key === "Enter") && !event.repeat) begin();
      },
      onKeyUp: stop,
      onBlur: stop,
    },
  };
}
