// The words beside a switch: what is, then since when.
import type { Language } from "../api/types";
import type { Translate } from "../i18n/i18n";
import { isNow, powerText, roughly } from "../model/format";
import type { OutletView, SwitchState } from "../model/outlet";

export function refusedWords(t: Translate, language: Language, error: string | null, max: number | null): string {
  if (error === "overload")
    return max === null ? t("state.overloadUnknown") : t("state.overload", { power: setPoint(max, language) });
  return error === "late" ? t("state.late") : t("state.refused");
}

/** Set-points stay as entered: 2,500 W, never 2.50 kW. */
const setPoint = (watts: number, language: Language): string =>
  `${new Intl.NumberFormat(language).format(watts)}\u00a0W`;

interface WordsInput {
  t: Translate;
  language: Language;
  view: OutletView;
  state: SwitchState;
  /** The hub answers; without it nothing is known to be so now. */
  reachable: boolean;
  now: number;
  /** Given on tiles, where no column shows the watts. */
  watts?: number | null;
}

export function stateWords(input: WordsInput): string {
  const words = plainWords(input);
  return input.state.viewOnly ? input.t("state.viewOnly", { state: words }) : words;
}

function plainWords({ t, language, view, state, reachable, now, watts = null }: WordsInput): string {
  const { device, outlet } = view;
  const power = watts === null ? null : powerText(watts, language);
  switch (state.kind) {
    case "off":
      return t("state.off");
    case "on":
      return power === null ? t("state.on") : t("state.onPower", { power });
    case "idle":
      return t("state.idle");
    case "protected":
      if (state.idle) return t("state.alwaysResting");
      return power === null ? t("state.always") : t("state.alwaysPower", { power });
    case "switching":
      return t(state.target ? "state.switchingOn" : "state.switchingOff");
    case "unconfirmed":
      return t(state.target === false ? "state.unconfirmedOff" : "state.unconfirmedOn");
    case "refused":
      return refusedWords(t, language, state.error, outlet.max_power_w);
    case "unknown":
      return t("state.unknown");
    case "offline":
      if (!reachable && device.online) return t(outlet.on ? "state.lastOn" : "state.lastOff");
      if (device.online_since === null) return t("state.offline");
      if (isNow(now - device.online_since)) return t("state.offlineNow");
      return t("state.offlineFor", { duration: roughly(now - device.online_since, language) });
  }
}
