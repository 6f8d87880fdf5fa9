// The strength of a plug's Wi-Fi in one word.
import type { Translate } from "../i18n/i18n";

export function signalWord(t: Translate, rssi: number): string {
  if (rssi >= -67) return t("plug.signal.good");
  return t(rssi >= -76 ? "plug.signal.fair" : "plug.signal.weak");
}
