// How far a pairing is: the step on the page for each state of the hub, drawn one after the other.
import { useEffect, useState } from "react";
import type { Pairing } from "../../api/pairing.types";
import { useMedia } from "../../ui/hooks";

export type Going = Exclude<Pairing["state"], "failed" | "expired">;

/** In the order in which they come; the place is how many of the five steps are behind. */
export const GOING: Going[] = ["waiting", "heard", "proved", "sealed", "done"];
export const STEPS = ["label", "network", "code", "keys", "measured"] as const;

/** How much of the ring is drawn while the hub is in this state. */
export const SHARE: Record<Going, number> = { waiting: 0.1, heard: 0.3, proved: 0.5, sealed: 0.72, done: 0.9 };

const LINGER_MS = 600;

/**
 * The place of the state in GOING, one step at a time: the hub needs a fraction of a second for some, too short to be
 * read. What went wrong is not held back, and with reduced motion nothing is. `state` null: over, the last one stays.
 */
export function useStep(state: Going | null): number {
  const still = useMedia("(prefers-reduced-motion: reduce)");
  const reached = state === null ? -1 : GOING.indexOf(state);
  const [shown, setShown] = useState(Math.max(0, reached));
  useEffect(() => {
    if (reached < 0 || reached === shown) return;
    const next = reached > shown && !still ? shown + 1 : reached;
    const timer = setTimeout(() => setShown(next), reached > shown && !still ? LINGER_MS : 0);
    return () => clearTimeout(timer);
  }, [reached, shown, still]);
  return shown;
}
