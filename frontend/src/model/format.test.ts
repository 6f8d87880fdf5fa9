import { describe, expect, it } from "vitest";
import { duration, energyText, inKilowatts, powerText, roughly, roundLines, roundParts } from "./format";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

describe("power", () => {
  it.each([
    [865.4, {}, "en", "865 W"],
    [1240, {}, "en", "1.24 kW"],
    [1240, {}, "de", "1,24 kW"],
    [3.62, { fine: true }, "en", "3.6 W"],
    [3.62, {}, "en", "4 W"],
    [0.02, { fine: true }, "en", "0 W"],
    [-0.2, {}, "en", "0 W"],
    [-54, {}, "en", "−54 W"],
  ] as const)("%d %o in %s reads %s", (watts, options, language, text) => {
    expect(plain(powerText(watts, language, options))).toBe(text);
  });

  it("keeps its unit between 950 and 1,000 W", () => {
    expect(inKilowatts(999.4, false)).toBe(false);
    expect(inKilowatts(1000, false)).toBe(true);
    expect(inKilowatts(960, true)).toBe(true);
    expect(inKilowatts(949, true)).toBe(false);
    expect(plain(powerText(960, "en", { kilo: true }))).toBe("0.96 kW");
  });
});

it("gives energy two decimals under 1 kWh, else one, from 100 on none", () => {
  expect([0.644, 8.44, 312.4].map((kwh) => plain(energyText(kwh, "en")))).toEqual(["0.64 kWh", "8.4 kWh", "312 kWh"]);
  expect(plain(energyText(0.644, "de"))).toBe("0,64 kWh");
});

it("says durations with at most two units and without a zero", () => {
  const minute = 60_000;
  expect([30_000, 40 * minute, 66 * minute, 120 * minute].map((ms) => plain(duration(ms, "en")))).toEqual([
    "30 s",
    "40 min",
    "1 h 06 min",
    "2 h",
  ]);
  expect(plain(duration(66 * minute, "de"))).toBe("1 Std. 6 Min.");
  expect(plain(duration(26 * 60 * minute, "en"))).toBe("26 h");
  expect(plain(duration(73 * 60 * minute, "de"))).toBe("3 Tage");
  expect(plain(roughly(132 * minute, "en"))).toBe("2 h");
});

it("rounds parts so that they add up to the whole", () => {
  const parts = [207.4, 203.4, 153.6, 92.5, 29.6];
  const rounded = roundParts(parts);
  expect(rounded.reduce((sum, part) => sum + part, 0)).toBe(Math.round(parts.reduce((sum, part) => sum + part, 0)));
  rounded.forEach((part, index) => expect(Math.abs(part - (parts[index] ?? 0))).toBeLessThan(1));
});

it.each([0.05, 0.9, 1, 2.2, 7, 10, 99, 156, 230, 340, 950, 2300, 3680])("draws 2 or 3 round lines up to %d", (max) => {
  const { lines, top } = roundLines(max, 0.05);
  expect([2, 3, 4]).toContain(lines.length);
  expect(lines.at(-1)).toBeLessThanOrEqual(top);
  expect(top).toBeGreaterThan(max);
});
