// The words of the read-out: time and mean, lowest to highest; for a gap its cause and its energy.
import type { Gap } from "../api/telemetry.types";
import type { Language } from "../api/types";
import { en } from "../i18n/en";
import type { MessageId, Translate } from "../i18n/i18n";
import type { Found } from "../model/chart";
import { energyText, powerText } from "../model/format";
import { clock, dayAndClock } from "../model/time";

export interface ReadOut {
  title: string;
  value: string;
  detail: string | null;
}

interface Reader {
  t: Translate;
  language: Language;
  zone: string;
  now: number;
  seconds: boolean;
}

export function causeId(cause: string): MessageId {
  const id = `cause.${cause}`;
  return id in en ? (id as MessageId) : "cause.unknown";
}

/** 03:10–03:52, or since 03:10 while it is still open. */
export function gapTimes(gap: Gap, { t, language, zone, now }: Omit<Reader, "seconds">): string {
  const from = dayAndClock(gap.start, now, zone, language);
  if (gap.end === null) return t("plug.gapSince", { from });
  return t("plug.gapFromTo", { from, to: clock(gap.end, zone, language) });
}

export function gapEnergy(gap: Gap, { t, language }: Pick<Reader, "t" | "language">): string {
  return gap.energy_kwh === null
    ? t("plug.gapNoEnergy")
    : t("plug.gapEnergy", { energy: energyText(gap.energy_kwh, language) });
}

export function readOut(found: NonNullable<Found>, reader: Reader): ReadOut {
  const { t, language, zone, seconds } = reader;
  if (found.kind === "point") {
    const { mean, min, max, start, end, filled } = found.point;
    const spread = max - min >= 1;
    return {
      title: filled
        ? `${clock(start, zone, language)}–${clock(end, zone, language)}`
        : clock(seconds ? (start + end) / 2 : start, zone, language, seconds),
      value: powerText(mean, language, { fine: true }),
      detail: spread ? t("plug.range.minmax", { min: powerText(min, language), max: powerText(max, language) }) : null,
    };
  }
  const mark = found.kind === "estimate" ? found.estimate : found.hole;
  const title = `${clock(mark.start, zone, language)}–${clock(mark.end, zone, language)}`;
  const cause = mark.gap ? t(causeId(mark.gap.cause)) : found.kind === "hole" ? t("cause.offline") : null;
  if (found.kind === "estimate") {
    const energy = t("plug.estimatedNote", { energy: energyText(found.estimate.energy, language) });
    return {
      title,
      value: powerText(found.estimate.watts, language),
      detail: cause ? `${cause}. ${energy}` : energy,
    };
  }
  const known = mark.gap?.energy_kwh;
  const energy = known == null ? t("plug.energyUnknown") : energyText(known, language);
  return { title, value: "–", detail: `${cause ?? t("cause.unknown")}, ${energy}` };
}
