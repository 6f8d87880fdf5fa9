// A report for tests: four plugs in two rooms, three days of November.
import type { EnergyReport, ReportDevice, ReportRoom, ReportTotal } from "../api/reports.types";

const DAY = 86_400_000;
const START = Date.UTC(2026, 9, 31, 23);
const before = { kwh: 10, cost: 2.5 };

function plug(
  name: string,
  room: string | null,
  color: number,
  days: (number | null)[],
  price: number | null,
): ReportDevice {
  const kwh = days.reduce<number>((sum, day) => sum + (day ?? 0), 0);
  return {
    device: name.toLowerCase(),
    channel: 0,
    key: name.toLowerCase(),
    name,
    room,
    color,
    kwh,
    cost: price === null ? null : kwh * price,
    estimated_kwh: 0,
    before,
    change_percent: -12.4,
    by_bucket_kwh: days,
  };
}

function room(name: string | null, devices: ReportDevice[]): ReportRoom {
  const inside = devices.filter((device) => device.room === name);
  const kwh = inside.reduce((sum, device) => sum + (device.kwh ?? 0), 0);
  const priced = inside.every(({ cost }) => cost !== null);
  return {
    room: name,
    kwh,
    cost: priced ? inside.reduce((sum, device) => sum + (device.cost ?? 0), 0) : null,
    estimated_kwh: 0,
    before,
    change_percent: 3.2,
    by_bucket_kwh: [0, 1, 2].map((day) => inside.reduce((sum, device) => sum + (device.by_bucket_kwh[day] ?? 0), 0)),
  };
}

export function report(change: Partial<ReportTotal> = {}, more: Partial<EnergyReport> = {}): EnergyReport {
  const price = change.price === undefined ? 0.25 : change.price;
  const devices = [
    plug("Fridge", "Kitchen", 3, [3.333, 3.333, 3.334], price),
    plug("Desk", "Office", 1, [4, 2.31, null], price),
    plug("Kettle", "Kitchen", 2, [1.1, 1.2, 1.02], price),
    plug("Lamp", null, 0, [0.5, 0.6, 0.583], price),
  ];
  const kwh = devices.reduce((sum, device) => sum + (device.kwh ?? 0), 0);
  return {
    home: "Home",
    period: {
      kind: "month",
      label: "November 2026",
      start: START,
      end: START + 30 * DAY,
      until: START + 2.5 * DAY,
      running: true,
      zone: "Europe/Berlin",
      bucket: "1d",
      before_label: "October 2026",
      before_start: START - 31 * DAY,
      before_until: START - 28 * DAY,
    },
    total: {
      kwh,
      cost: price === null ? null : kwh * price,
      currency: "EUR",
      price,
      estimated_kwh: 0,
      estimated_share: 0,
      before: { kwh: 22, cost: 5.5 },
      change_percent: -6.2,
      ...change,
    },
    gaps: { count: 0, hours: 0, open: 0 },
    since: null,
    not_compared: 0,
    by_bucket: [0, 1, 2].map((day) => {
      const sum = devices.reduce((whole, device) => whole + (device.by_bucket_kwh[day] ?? 0), 0);
      return {
        start: START + day * DAY,
        end: START + (day + 1) * DAY,
        kwh: sum,
        cost: price === null ? null : sum * price,
        estimated_kwh: 0,
        before_kwh: 7,
      };
    }),
    by_device: devices,
    by_room: ["Kitchen", "Office", null].map((name) => room(name, devices)),
    hours: null,
    ...more,
  };
}
