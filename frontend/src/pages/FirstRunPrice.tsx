// What a kWh costs, asked for in the first run.
import { IconAlertCircle } from "@tabler/icons-react";
import { useId } from "react";
import { useI18n } from "../i18n/i18n";
import { decimal } from "../model/format";
import "./first-run.css";

const COUNTED_IN_CENTS = new Set(["EUR", "CHF", "GBP", "USD", "AUD", "CAD", "NZD"]);
const DEAREST = 5;

/** On a bill it stands in cents: who types those is asked. */
export const tooDear = (price: number, currency: string): boolean => price > DEAREST && COUNTED_IN_CENTS.has(currency);

interface PriceProps {
  value: string;
  currency: string;
  error: string | null;
  onChange: (value: string) => void;
}

/** It stands as large as what comes of it, and may be left empty. */
export function Price({ value, currency, error, onChange }: PriceProps) {
  const { t, language } = useI18n();
  const id = useId();
  return (
    <div className={`field ${error ? "invalid" : ""}`}>
      <label htmlFor={id}>{t("setup.price")}</label>
      <div className="first-run-price">
        <div className="first-run-number">
          <input
            id={id}
            name="price"
            inputMode="decimal"
            autoComplete="off"
            placeholder={decimal(0.3, 2, language)}
            value={value}
            aria-invalid={error !== null}
            aria-describedby={`${id}-note`}
            onChange={(event) => onChange(event.target.value)}
          />
        </div>
        <span className="meta" id={error ? undefined : `${id}-note`}>
          {t("setup.priceHint", { currency })}
        </span>
      </div>
      {error && (
        <p className="field-error" id={`${id}-note`}>
          <IconAlertCircle className="icon xs" aria-hidden="true" />
          {error}
        </p>
      )}
    </div>
  );
}
