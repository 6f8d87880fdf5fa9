import { render } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { EnergyReport } from "../api/reports.types";
import { AnnouncerProvider } from "../ui/Announcer";
import { report } from "../test/report";
import { EnergyBars } from "./EnergyBars";

const DAY = 86_400_000;

/** A month of which so many days are over. */
function month(days: number): EnergyReport {
  const given = report();
  const [first] = given.by_bucket;
  if (!first) throw new Error("the report has no day");
  const by_bucket = Array.from({ length: 30 }, (_, day) => ({
    ...first,
    start: given.period.start + day * DAY,
    end: given.period.start + (day + 1) * DAY,
    kwh: day < days ? 4 : null,
  }));
  return { ...given, by_bucket };
}

/** From left to right: where the bars are, and what is said of the lines. */
function drawn(width: number, days: number) {
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue({ width, height: 300 } as DOMRect);
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe = () => undefined;
      disconnect = () => undefined;
    },
  );
  const shown = month(days);
  const part = { color: 1, buckets: shown.by_bucket.map(({ kwh }) => kwh) };
  const { container } = render(
    <AnnouncerProvider>
      <EnergyBars report={shown} parts={[part] as never} compare={false} onCompare={vi.fn()} onOpen={vi.fn()} />
    </AnnouncerProvider>,
  );
  const bars = [...container.querySelectorAll('rect[fill="var(--d1)"]')].map((bar) => ({
    from: Number(bar.getAttribute("x")),
    to: Number(bar.getAttribute("x")) + Number(bar.getAttribute("width")),
  }));
  const labels = [...container.querySelectorAll("text.halo")].map((label) => {
    const at = Number(label.getAttribute("x"));
    const long = label.textContent.length * 6;
    return label.getAttribute("text-anchor") === "start" ? { from: at, to: at + long } : { from: at - long, to: at };
  });
  return { bars, labels };
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it.each([
  ["a phone, a whole month", 350, 30],
  ["a phone, the first days", 350, 3],
  ["a phone, three weeks", 350, 21],
  ["a phone, but for a week", 350, 25],
  ["a desktop, a whole month", 760, 30],
  ["a desktop, three weeks", 760, 21],
])("says beside the bars what the lines say: %s", (_, width, days) => {
  const { bars, labels } = drawn(width, days);
  expect(bars).toHaveLength(days);
  expect(labels.length).toBeGreaterThan(0);
  for (const label of labels) for (const bar of bars) expect(bar.to <= label.from || bar.from >= label.to).toBe(true);
  for (const { from, to } of [...bars, ...labels]) {
    expect(from).toBeGreaterThanOrEqual(0);
    expect(to).toBeLessThanOrEqual(width);
  }
});
