// What a kWh costs: asked for where it is not said yet, and changed where somebody wants to.
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import type { Home } from "../api/people.types";
import type { EnergyReport } from "../api/reports.types";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "../ui/Announcer";
import { Submit, TextField } from "../ui/Field";
import { problemWords } from "../ui/problem";

interface PriceFormProps {
  total: EnergyReport["total"];
  admin: boolean;
  /** Given where there is a price already. */
  onDone: (() => void) | null;
}

export function PriceForm({ total, admin, onDone }: PriceFormProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { announce } = useAnnouncer();
  const queries = useQueryClient();
  const known =
    total.price === null ? "" : new Intl.NumberFormat(language, { maximumFractionDigits: 4 }).format(total.price);
  const [text, setText] = useState(known);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const price = readPrice(text);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (price === null) {
      setError(t("energy.priceWrong"));
      return;
    }
    setBusy(true);
    try {
      client.know({ home: await client.request<Home>("PATCH", "/homes/current", { price }) });
      await queries.invalidateQueries({ queryKey: ["report"] });
      announce(t("energy.priceSaved"));
      onDone?.();
    } catch (failed) {
      setError(problemWords(t, failed));
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className="sheet" aria-labelledby="energy-price">
      <h2 id="energy-price">{t(onDone ? "energy.priceChange" : "energy.priceTitle")}</h2>
      <p className="meta">{t(admin ? "energy.priceText" : "energy.priceAsk")}</p>
      {admin && (
        <form className="energy-price-form" onSubmit={(event) => void submit(event)}>
          <TextField
            label={t("energy.priceLabel")}
            name="price"
            value={text}
            inputMode="decimal"
            unit={t("energy.priceUnit", { currency: total.currency })}
            error={error}
            onChange={(next) => {
              setText(next);
              setError(null);
            }}
          />
          <div className="row">
            <Submit busy={busy}>{t("energy.priceSave")}</Submit>
            {onDone && (
              <Button className="btn plain" onPress={onDone}>
                {t("energy.priceKeep")}
              </Button>
            )}
          </div>
        </form>
      )}
    </section>
  );
}

/** 0.257 or 0,257; null where it is no price. */
export function readPrice(text: string): number | null {
  const match = /^\d{1,3}([.,]\d{1,6})?$/.exec(text.trim());
  return match ? Number(match[0].replace(",", ".")) : null;
}
