import { expect, it } from "vitest";
import { MINUTE } from "../model/time";
import { settling } from "./queries";
import type { Gap } from "./telemetry.types";

const gap = (start: number, end: number | null) => ({ start, end }) as Gap;
const now = 100 * MINUTE;

it.each([
  ["no gap", [], false],
  ["a gap that just ended", [gap(now - 60 * MINUTE, now - MINUTE)], true],
  ["a gap that ended long ago", [gap(now - 60 * MINUTE, now - 6 * MINUTE)], false],
  ["a gap that just began", [gap(now - MINUTE, null)], true],
  ["a plug that is away for long", [gap(now - 60 * MINUTE, null)], false],
  ["the fresh one of several", [gap(0, MINUTE), gap(now - 2 * MINUTE, now - MINUTE)], true],
])("asks again soon after %s: %#", (_name, gaps, expected) => {
  expect(settling(gaps, now)).toBe(expected);
});
