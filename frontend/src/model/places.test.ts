import { describe, expect, it } from "vitest";
import { zones } from "./places";

describe("the time zones that a home may choose from", () => {
  it("are places and UTC, each once", () => {
    const values = zones("Europe/Berlin", "en").map(({ value }) => value);
    expect(values).toContain("Asia/Tokyo");
    expect(values.filter((value) => !value.includes("/"))).toEqual(["UTC"]);
    expect(values.filter((value) => /^(posix|right)\//.test(value))).toEqual([]);
    expect(new Set(values).size).toBe(values.length);
  });

  it("hold the home's own, also one that browsers do not list", () => {
    expect(zones("CET", "en")[0]?.value).toBe("CET");
    expect(zones("UTC", "en").filter(({ value }) => value === "UTC")).toHaveLength(1);
  });

  it("are named by the place and its clock", () => {
    const berlin = zones("Europe/Berlin", "de").find(({ value }) => value === "Europe/Berlin");
    expect(berlin?.label).toMatch(/^Berlin, \d\d:\d\d$/);
    expect(zones("UTC", "de")[0]?.label).toMatch(/^UTC, \d\d:\d\d$/);
  });
});
