// A report as it is shown: parts rounded so that they add up, who gets which colour, and the address of a period.
import type { ReportKind } from "../api/reports";
import type { EnergyReport, ReportDevice, ReportPeriod, ReportRoom } from "../api/reports.types";
import type { Language } from "../api/types";
import { localeOf, NBSP, decimal } from "./format";
import { HOUR, localParts } from "./time";

export type By = "rooms" | "plugs";

/** One part of the whole: a room with its plugs, or a plug. */
export interface Part {
  id: string;
  /** null: in no room. */
  name: string | null;
  /** 0 = grey. */
  color: number;
  kwh: number | null;
  share: number | null;
  cost: number | null;
  change: number | null;
  buckets: (number | null)[];
  plugs: Part[];
  key: string | null;
}

const COLORS = 6;

/** Decimals of a column of energies whose sum is this. */
export const energyDigits = (kwh: number): number => (Math.abs(kwh) < 10 ? 2 : Math.abs(kwh) < 1000 ? 1 : 0);

/** Each part rounded so that the known ones add up to the rounded whole (largest remainder). */
export function roundKnown(parts: (number | null)[], digits: number, whole?: number | null): (number | null)[] {
  const scale = 10 ** digits;
  const scaled = parts.map((part) => (part === null ? null : part * scale));
  const sum = scaled.reduce<number>((total, part) => total + (part ?? 0), 0);
  const target = Math.round(whole === undefined || whole === null ? sum : whole * scale);
  const rounded = scaled.map((part) => (part === null ? null : Math.floor(part + 1e-9)));
  let missing = target - rounded.reduce<number>((total, part) => total + (part ?? 0), 0);
  const rest = (index: number): number => (scaled[index] ?? 0) - (rounded[index] ?? 0);
  const order = scaled.flatMap((part, index) => (part === null ? [] : [index])).sort((a, b) => rest(b) - rest(a));
  const step = missing < 0 ? -1 : 1;
  for (const index of missing < 0 ? [...order].reverse() : order) {
    if (missing === 0) break;
    if (step < 0 && !rounded[index]) continue;
    rounded[index] = (rounded[index] ?? 0) + step;
    missing -= step;
  }
  return rounded.map((part) => (part === null ? null : part / scale));
}

export function moneyDigits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

export function money(amount: number, currency: string, language: Language, digits?: number): string {
  const fixed = digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(localeOf(language), { style: "currency", currency, ...fixed }).format(amount);
}

/** Of a kWh: euros under 1 in cents. */
export function priceText(price: number, currency: string, language: Language): string {
  if (currency === "EUR" && price > 0 && price < 1) return `${decimal(price * 100, 2, language, 1)}${NBSP}ct`;
  const least = moneyDigits(currency);
  const digits = [least, 3, 4].find((n) => n >= least && Math.abs(Number(price.toFixed(n)) - price) < 1e-9) ?? 4;
  return money(price, currency, language, digits);
}

/** Rooms with their plugs, or plugs, the largest first; whatever is shown adds up to the whole. */
export function partsOf(report: EnergyReport, by: By): Part[] {
  const { total, by_device: devices, by_room: rooms } = report;
  const digits = energyDigits(total.kwh ?? 0);
  const cents = moneyDigits(total.currency);
  const split = (
    lines: (ReportDevice | ReportRoom)[],
    whole: { kwh: number | null; cost: number | null; share: number | null },
    make: (index: number) => Pick<Part, "id" | "name" | "color" | "key">,
  ): Part[] => {
    const energies = roundKnown(
      lines.map(({ kwh }) => kwh),
      digits,
      whole.kwh,
    );
    const costs = roundKnown(
      lines.map(({ cost }) => cost),
      cents,
      whole.cost,
    );
    const known = lines.reduce((sum, { kwh }) => sum + (kwh ?? 0), 0);
    const shares = roundKnown(
      lines.map(({ kwh }) => (kwh === null || known === 0 ? null : (kwh / known) * (whole.share ?? 0))),
      0,
      whole.share,
    );
    return lines.map((line, index) => ({
      ...make(index),
      kwh: energies[index] ?? null,
      cost: costs[index] ?? null,
      share: shares[index] ?? null,
      change: line.change_percent,
      buckets: line.by_bucket_kwh,
      plugs: [],
    }));
  };
  const plugs = (lines: ReportDevice[], whole: Parameters<typeof split>[1]): Part[] =>
    split(lines, whole, (index) => {
      const { device, channel, name, color, key } = lines[index] as ReportDevice;
      return { id: `${device}:${channel}`, name, color, key: channel > 0 ? `${key}/${channel}` : key };
    });
  const whole = { kwh: total.kwh, cost: total.cost, share: total.kwh ? 100 : null };
  if (by === "plugs") return plugs(devices, whole);
  const colors = roomColors(rooms.map(({ room }) => room));
  return split(rooms, whole, (index) => {
    const name = rooms[index]?.room ?? null;
    return { id: `room:${name ?? ""}`, name, color: colors.get(name) ?? 0, key: null };
  }).map((part) => ({
    ...part,
    plugs: plugs(
      devices.filter(({ room }) => room === part.name),
      part,
    ),
  }));
}

/**
 * Six rooms have a colour of their own: by name, so that they keep it from month to month, unless there are more; then
 * the largest (rooms come in the order of size). What is in no room is grey.
 */
export function roomColors(rooms: (string | null)[]): Map<string | null, number> {
  const named = rooms.filter((room): room is string => room !== null);
  const chosen = named.length > COLORS ? named.slice(0, COLORS) : [...named].sort((a, b) => (a < b ? -1 : 1));
  return new Map(chosen.map((room, index) => [room, index + 1]));
}

const two = (value: number): string => String(value).padStart(2, "0");

/** How the address names the period that holds this moment. */
export function writeOf(kind: ReportKind, at: number, zone: string): string {
  const { year, month, day } = localParts(at, zone);
  return [String(year), two(month), two(day)].slice(0, kind === "year" ? 1 : kind === "month" ? 2 : 3).join("-");
}

/** Whether the period that begins there is the one that runs. */
export const runs = (kind: ReportKind, start: number, now: number, zone: string): boolean =>
  kind === "week" ? now < start + 7 * 24 * HOUR : writeOf(kind, start, zone) === writeOf(kind, now, zone);

/** What a bucket leads to: a month of the year, a day of the week or month. */
export function within(period: ReportPeriod, at: number): { kind: ReportKind; of: string } | null {
  if (period.kind === "day") return null;
  const kind = period.kind === "year" ? "month" : "day";
  return { kind, of: writeOf(kind, at, period.zone) };
}
