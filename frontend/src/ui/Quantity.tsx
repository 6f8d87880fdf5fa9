// A number with its unit: one piece, digits equally wide, read aloud in words.
import { useRef } from "react";
import { useI18n } from "../i18n/i18n";
import { DASH, energy, type Figure, inKilowatts, NBSP, power } from "../model/format";
import "./quantity.css";

export type QuantitySize = "now" | "plug" | "big" | "mid" | "text";
export type QuantityState = "live" | "stale";

interface QuantityProps {
  figure: Figure | null;
  size?: QuantitySize;
  state?: QuantityState;
  about?: boolean;
}

export function Quantity({ figure, size = "text", state = "live", about = false }: QuantityProps) {
  const { t } = useI18n();
  if (!figure) {
    return (
      <span className={`quantity ${size} unknown`}>
        <span aria-hidden="true">{DASH}</span>
        <span className="hidden-visually">{t("quantity.unknown")}</span>
      </span>
    );
  }
  const spoken = SPOKEN[figure.unit];
  return (
    <span className={`quantity ${size} ${state === "stale" ? "stale" : ""}`}>
      <span aria-hidden="true">
        <span className="number">{figure.number}</span>
        <span className="space">{NBSP}</span>
        <span className="unit">{figure.unit}</span>
      </span>
      <span className="hidden-visually">
        {about ? `${t("home.about")} ` : ""}
        {spoken ? t(spoken, { value: figure.number }) : `${figure.number} ${figure.unit}`}
      </span>
    </span>
  );
}

const SPOKEN = {
  W: "quantity.W",
  kW: "quantity.kW",
  kWh: "quantity.kWh",
  V: "quantity.V",
  A: "quantity.A",
} as Record<string, "quantity.W" | "quantity.kW" | "quantity.kWh" | "quantity.V" | "quantity.A" | undefined>;

interface PowerProps extends Omit<QuantityProps, "figure"> {
  watts: number | null;
  fine?: boolean;
}

/** Watts; remembers its unit, so that it changes to kW at 1,000 W and back only under 950 W. */
export function Power({ watts, fine = false, ...rest }: PowerProps) {
  const { language } = useI18n();
  const kilo = useRef(false);
  // eslint-disable-next-line react-hooks/refs -- what was shown last decides about the unit; no other render reads it
  if (watts !== null) kilo.current = inKilowatts(watts, kilo.current);
  // eslint-disable-next-line react-hooks/refs
  const figure = watts === null ? null : power(watts, language, { kilo: kilo.current, fine });
  return <Quantity figure={figure} {...rest} />;
}

export function Energy({ kwh, ...rest }: Omit<QuantityProps, "figure"> & { kwh: number | null }) {
  const { language } = useI18n();
  return <Quantity figure={kwh === null ? null : energy(kwh, language)} {...rest} />;
}
