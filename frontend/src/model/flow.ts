// Who takes the power now, in an order that does not jump under the eye, and the shape of the picture.

export interface Consumer {
  id: string;
  name: string;
  icon: string;
  color: string;
  watts: number;
  path: string | null;
}

export interface Load {
  id: string;
  watts: number;
}

export const CONSUMER_FROM = 80;
const HOLD_MS = 10_000;

/** Chooses and orders the consumers; the order changes at most every ten seconds. */
export class FlowOrder {
  private ids: string[] = [];
  private changed = -Infinity;

  constructor(private readonly most: number) {}

  next(loads: Load[], now: number): string[] {
    const big = loads.filter((load) => load.watts >= CONSUMER_FROM).sort((a, b) => b.watts - a.watts);
    const wanted = big.slice(0, this.most).map((load) => load.id);
    if (same(wanted, this.ids)) return this.ids;
    if (now - this.changed >= HOLD_MS) {
      this.ids = wanted;
      this.changed = now;
      return this.ids;
    }
    // In between a new consumer only joins at the end, and one that stopped leaves: neither moves the others' order.
    const watts = new Map(loads.map((load) => [load.id, load.watts]));
    const kept = this.ids.filter((id) => (watts.get(id) ?? 0) >= CONSUMER_FROM / 2);
    const joined = wanted.filter((id) => !kept.includes(id)).slice(0, this.most - kept.length);
    this.ids = [...kept, ...joined];
    return this.ids;
  }
}

const same = (a: string[], b: string[]): boolean => a.length === b.length && a.every((id, index) => id === b[index]);

export interface Block {
  id: string;
  /** On the bar above: from where to where. */
  from: number;
  to: number;
  /** The block below: its edges, and the middle of its label. */
  left: number;
  right: number;
  middle: number;
}

/** One scale for all blocks below: a watt is as wide everywhere. Labels need `least` pixels each. */
export function flowShape(loads: Load[], width: number, gap: number, least: number): Block[] {
  const total = loads.reduce((sum, load) => sum + Math.max(load.watts, 0), 0);
  if (total <= 0 || loads.length === 0) return [];
  const above = width / total;
  const free = width - gap * (loads.length - 1);
  const floor = Math.min(least, free / loads.length);
  const columns = fitColumns(
    loads.map((load) => load.watts),
    free,
    floor,
  );
  const scale = Math.min(above, ...loads.map((load, index) => (columns[index] ?? 0) / Math.max(load.watts, 1e-9)));
  let x = 0;
  let y = 0;
  return loads.map((load, index) => {
    const column = columns[index] ?? 0;
    const wide = load.watts * scale;
    const left = y + (column - wide) / 2;
    const block = {
      id: load.id,
      from: x,
      to: x + load.watts * above,
      left,
      right: left + wide,
      middle: y + column / 2,
    };
    x += load.watts * above;
    y += column + gap;
    return block;
  });
}

/** Columns in proportion, none narrower than `floor`: the wide ones give what the narrow ones need. */
function fitColumns(watts: number[], free: number, floor: number): number[] {
  let flexible = watts.map((_, index) => index);
  let room = free;
  const columns = watts.map(() => floor);
  for (;;) {
    const sum = flexible.reduce((total, index) => total + (watts[index] ?? 0), 0);
    const narrow = flexible.filter((index) => ((watts[index] ?? 0) / sum) * room < floor);
    if (narrow.length === 0) {
      for (const index of flexible) columns[index] = ((watts[index] ?? 0) / sum) * room;
      return columns;
    }
    flexible = flexible.filter((index) => !narrow.includes(index));
    room -= narrow.length * floor;
    if (flexible.length === 0) return columns;
  }
}
