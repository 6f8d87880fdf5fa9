import { describe, expect, it } from "vitest";
import { report } from "../test/report";
import { energyDigits, money, partsOf, priceText, roomColors, roundKnown, runs, within, writeOf } from "./report";

const sum = (values: (number | null)[]): number => values.reduce<number>((total, value) => total + (value ?? 0), 0);

describe("rounding", () => {
  it("makes the parts add up, and leaves the unknown unknown", () => {
    expect(roundKnown([1.4, 1.4, 1.4, null], 0)).toEqual([2, 1, 1, null]);
    expect(sum(roundKnown([0.333, 0.333, 0.333], 2))).toBeCloseTo(1, 10);
    expect(roundKnown([1.6, 1.6], 0, 2)).toEqual([1, 1]);
    expect(roundKnown([null, null], 1)).toEqual([null, null]);
  });

  it("knows how many decimals a sum deserves", () => {
    expect([0.4, 9.9, 10, 999, 1000].map(energyDigits)).toEqual([2, 2, 1, 1, 0]);
  });
});

describe("parts", () => {
  it("of rooms hold their plugs, and all of it is the whole", () => {
    const rooms = partsOf(report(), "rooms");
    expect(rooms.map(({ name }) => name)).toEqual(["Kitchen", "Office", null]);
    expect(sum(rooms.map(({ kwh }) => kwh))).toBeCloseTo(21.3, 9);
    expect(sum(rooms.map(({ cost }) => cost))).toBeCloseTo(5.33, 9);
    expect(sum(rooms.map(({ share }) => share))).toBe(100);
    for (const room of rooms) {
      expect(sum(room.plugs.map(({ kwh }) => kwh))).toBeCloseTo(room.kwh ?? 0, 9);
      expect(sum(room.plugs.map(({ cost }) => cost))).toBeCloseTo(room.cost ?? 0, 9);
      expect(sum(room.plugs.map(({ share }) => share))).toBe(room.share);
    }
  });

  it("of plugs keep the colour of each", () => {
    expect(partsOf(report(), "plugs").map(({ name, color }) => [name, color])).toEqual([
      ["Fridge", 3],
      ["Desk", 1],
      ["Kettle", 2],
      ["Lamp", 0],
    ]);
  });

  it("without a price have no cost", () => {
    const parts = partsOf(report({ price: null }), "rooms");
    expect(parts.map(({ cost }) => cost)).toEqual([null, null, null]);
  });

  it("give rooms a colour that stays, and only six", () => {
    expect(roomColors(["Office", null, "Kitchen"])).toEqual(roomColors(["Kitchen", "Office", null]));
    expect(roomColors(["Kitchen", null]).get(null)).toBeUndefined();
    const many = Array.from({ length: 8 }, (_, index) => `Room ${8 - index}`);
    expect([...roomColors(many).keys()]).toEqual(many.slice(0, 6));
  });
});

describe("money", () => {
  it("is written as people write it", () => {
    expect(money(70.98, "EUR", "en")).toBe("€70.98");
    expect(money(70.98, "EUR", "de")).toBe("70,98\u00a0€");
    expect(priceText(0.257, "EUR", "de")).toBe("25,7\u00a0ct");
    expect(priceText(0.3, "USD", "en")).toBe("US$0.30");
    expect(priceText(0.2575, "CHF", "en")).toBe("CHF\u00a00.2575");
  });
});

describe("a period", () => {
  const berlin = "Europe/Berlin";
  const at = Date.UTC(2026, 9, 31, 23, 30); // 1 November in Berlin

  it("is named by its date in the home's zone", () => {
    expect(writeOf("year", at, berlin)).toBe("2026");
    expect(writeOf("month", at, berlin)).toBe("2026-11");
    expect(writeOf("week", at, berlin)).toBe("2026-11-01");
    expect(runs("month", at, Date.UTC(2026, 10, 21), berlin)).toBe(true);
    expect(runs("month", at, Date.UTC(2026, 11, 1), berlin)).toBe(false);
    expect(runs("week", at, at + 3 * 86_400_000, berlin)).toBe(true);
  });

  it("leads to what is in it", () => {
    const { period } = report();
    expect(within(period, at)).toEqual({ kind: "day", of: "2026-11-01" });
    expect(within({ ...period, kind: "year" }, at)).toEqual({ kind: "month", of: "2026-11" });
    expect(within({ ...period, kind: "day" }, at)).toBeNull();
  });
});
