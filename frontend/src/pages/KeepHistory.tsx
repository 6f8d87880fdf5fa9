// How long one plug's history is kept, where that differs from the rest of the home.
import type { DeviceRetention } from "../api/devices.types";
import { type MessageId, useI18n } from "../i18n/i18n";
import { TextField } from "../ui/Field";
import { FormError } from "../ui/FormError";

export const TIERS = ["raw", "minutes", "hours", "days"] as const;
export type Kept = Record<(typeof TIERS)[number], string>;

const LONGEST = 36_500;

export function keptOf(retention: DeviceRetention | null): Kept {
  const text = (days: number | null | undefined): string => (days ? String(days) : "");
  return {
    raw: text(retention?.raw),
    minutes: text(retention?.minutes),
    hours: text(retention?.hours),
    days: text(retention?.days),
  };
}

/** What the hub is told: null = all as the home's; undefined = not whole days. */
export function retentionOf(kept: Kept): DeviceRetention | null | undefined {
  const days = TIERS.map((tier) => (kept[tier].trim() === "" ? null : Number(kept[tier])));
  if (days.some((count) => count !== null && !(Number.isInteger(count) && count >= 1 && count <= LONGEST))) return;
  if (days.every((count) => count === null)) return null;
  const [raw = null, minutes = null, hours = null, whole = null] = days;
  return { raw, minutes, hours, days: whole };
}

interface KeepHistoryProps {
  kept: Kept;
  error: string | null;
  onChange: (kept: Kept) => void;
}

export function KeepHistory({ kept, error, onChange }: KeepHistoryProps) {
  const { t } = useI18n();
  return (
    <details className="sheet advanced" open={Boolean(error) || undefined}>
      <summary className="h3">{t("edit.advanced")}</summary>
      <div className="col" style={{ gap: 18 }}>
        <p className="meta">{t("edit.keepHint")}</p>
        {TIERS.map((tier) => (
          <TextField
            key={tier}
            label={t(`edit.keep.${tier}` as MessageId)}
            name={`keep-${tier}`}
            value={kept[tier]}
            inputMode="numeric"
            unit={t("edit.keepUnit")}
            onChange={(value) => onChange({ ...kept, [tier]: value })}
          />
        ))}
        <FormError text={error} />
      </div>
    </details>
  );
}
