import { describe, expect, it } from "vitest";
import { readCode, readQr, shownCode } from "./label";

describe("a plug's label", () => {
  it.each([
    ["K7QM-2XPA-9D4T-HV3N", "K7QM2XPA9D4THV3N"],
    [" k7qm 2xpa 9d4t hv3n ", "K7QM2XPA9D4THV3N"],
    ["oooo-iiii-llll-0000", "0000111111110000"],
    ["K7QM-2XPA-9D4T-HV3", null],
    ["K7QM-2XPA-9D4T-HV3U", null],
    ["0".repeat(33), null],
    ["", null],
  ])("%s is read as %s", (typed, code) => {
    expect(readCode(typed)).toBe(code);
  });

  it.each([
    ["PLUGHUB:1:plug-7c2f11:K7QM-2XPA-9D4T-HV3N", { hardwareId: "plug-7c2f11", code: "K7QM2XPA9D4THV3N" }],
    ["PLUGHUB:2:plug-7c2f11:K7QM-2XPA-9D4T-HV3N", null],
    ["PLUGHUB:1:a b:K7QM-2XPA-9D4T-HV3N", null],
    ["PLUGHUB:1:plug-7c2f11:1234", null],
    ["https://example.org", null],
  ])("the QR code %s", (text, label) => {
    expect(readQr(text)).toEqual(label);
  });

  it("is shown in groups of four", () => {
    expect(shownCode("K7QM2XPA9D4THV3N")).toBe("K7QM-2XPA-9D4T-HV3N");
  });
});
