import { describe, expect, it } from "vitest";
import { FlowOrder, flowShape } from "./flow";

const loads = (watts: Record<string, number>) => Object.entries(watts).map(([id, value]) => ({ id, watts: value }));

describe("the order of consumers", () => {
  it("is by size at first and names only what draws 80 W or more", () => {
    expect(new FlowOrder(5).next(loads({ a: 90, b: 300, c: 79, d: 120 }), 0)).toEqual(["b", "d", "a"]);
  });

  it("changes at most every ten seconds", () => {
    const order = new FlowOrder(5);
    order.next(loads({ a: 300, b: 200 }), 0);
    expect(order.next(loads({ a: 150, b: 200 }), 9_999)).toEqual(["a", "b"]);
    expect(order.next(loads({ a: 150, b: 200 }), 10_000)).toEqual(["b", "a"]);
    expect(order.next(loads({ a: 250, b: 200 }), 19_999)).toEqual(["b", "a"]);
  });

  it("lets a new consumer join at the end at once: two kilowatts are not standby", () => {
    const order = new FlowOrder(5);
    order.next(loads({ a: 300, b: 200, c: 0 }), 0);
    expect(order.next(loads({ a: 300, b: 200, c: 2000 }), 1_000)).toEqual(["a", "b", "c"]);
    expect(order.next(loads({ a: 300, b: 200, c: 2000 }), 11_000)).toEqual(["c", "a", "b"]);
  });

  it("drops what stopped without moving the others", () => {
    const order = new FlowOrder(5);
    order.next(loads({ a: 300, b: 200, c: 100 }), 0);
    expect(order.next(loads({ a: 0, b: 200, c: 300 }), 1_000)).toEqual(["b", "c"]);
  });

  it("never shows more than its most", () => {
    const order = new FlowOrder(2);
    order.next(loads({ a: 300, b: 200 }), 0);
    expect(order.next(loads({ a: 300, b: 200, c: 500 }), 1_000)).toEqual(["a", "b"]);
  });
});

describe("the shape", () => {
  const widths = { a: 207, b: 203, c: 154, d: 92, e: 30, f: 4 };
  const shape = flowShape(loads(widths), 350, 9, 38);

  it("fills the bar above", () => {
    expect(shape[0]?.from).toBe(0);
    expect(shape.at(-1)?.to).toBeCloseTo(350);
  });

  it("has one scale below: a watt is as wide everywhere", () => {
    const scales = shape.map(({ id, left, right }) => (right - left) / widths[id as keyof typeof widths]);
    for (const scale of scales) expect(scale).toBeCloseTo(scales[0] ?? 0);
  });

  it("stays inside, in order, with room for every label", () => {
    shape.forEach((block, index) => {
      expect(block.left).toBeGreaterThanOrEqual(-0.01);
      expect(block.right).toBeLessThanOrEqual(350.01);
      const next = shape[index + 1];
      if (next) {
        expect(next.left).toBeGreaterThan(block.right);
        expect(next.middle - block.middle).toBeGreaterThanOrEqual(38);
      }
    });
  });

  it("is empty where nothing flows", () => {
    expect(flowShape(loads({ a: 0 }), 350, 9, 38)).toEqual([]);
    expect(flowShape([], 350, 9, 38)).toEqual([]);
  });
});
