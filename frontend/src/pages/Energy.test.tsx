import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import type { Session } from "../api/auth.types";
import type { EnergyReport } from "../api/reports.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import { report } from "../test/report";
import Energy from "./Energy";
import { readPrice } from "./EnergyPrice";

interface Asked {
  method: string;
  path: string;
  body: unknown;
}

function show(answer: EnergyReport | { status: number }, { role = "admin", path = "/energy" } = {}) {
  const asked: Asked[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn((url: string, init: RequestInit) => {
      asked.push({ method: init.method ?? "", path: url, body: init.body ? JSON.parse(init.body as string) : null });
      if ("status" in answer) return Promise.resolve(new Response("{}", { status: answer.status }));
      return Promise.resolve(new Response(JSON.stringify(answer)));
    }),
  );
  const hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  vi.spyOn(hub.client, "now").mockReturnValue(report().period.until);
  const home = { id: "h", time_zone: "Europe/Berlin", currency: "EUR", week_start: 0 };
  const session = { user: { id: "u", role }, home } as Session;
  const { hook, searchHook, history } = memoryLocation({ path, record: true });
  render(
    <Router hook={hook} searchHook={searchHook}>
      <HubProvider hub={hub}>
        <SignedIn session={session}>
          <Energy />
        </SignedIn>
      </HubProvider>
    </Router>,
  );
  return { asked, history };
}

beforeEach(() => {
  const desktop = { matches: true, addEventListener: () => undefined, removeEventListener: () => undefined };
  vi.stubGlobal("matchMedia", () => desktop);
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe = () => undefined;
      disconnect = () => undefined;
    },
  );
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("says the money first, then the energy, then how that is beside the month before", async () => {
  show(report());
  const figures = await screen.findAllByRole("definition");
  expect(figures[0]).toHaveTextContent("€5.33");
  expect(figures[1]).toHaveTextContent("21.3 kWh");
  expect(screen.getByText("6 % less than October by then")).toBeVisible();
});

it("opens a room to its plugs; what is shown adds up", async () => {
  show(report());
  const user = userEvent.setup();
  const kitchen = await screen.findByRole("button", { name: "Kitchen" });
  expect(screen.queryByText("Fridge")).not.toBeInTheDocument();
  await user.click(kitchen);
  expect(kitchen).toHaveAttribute("aria-expanded", "true");
  const rows = within(screen.getByRole("table")).getAllByRole("row").slice(1);
  const kwh = rows.map((row) => parseFloat(within(row).getAllByRole("cell")[0]?.textContent ?? ""));
  const [room = 0, fridge = 0, kettle = 0, office = 0, none = 0, all = 0] = kwh;
  expect(fridge + kettle).toBeCloseTo(room, 9);
  expect(room + office + none).toBeCloseTo(all, 9);
  expect(screen.getAllByText("12 % less")).toHaveLength(2);
});

it("holds period, parts and comparison in its address", async () => {
  const { asked, history } = show(report(), { path: "/energy?period=month&of=2026-11" });
  const user = userEvent.setup();
  await screen.findByText("November 2026");
  expect(asked[0]?.path).toBe("/api/v1/reports/energy?period=month&of=2026-11");
  await user.click(screen.getByRole("radio", { name: "Plugs" }));
  await user.click(screen.getByRole("button", { name: "October 2026" }));
  expect(history.at(-1)).toMatch(/by=plugs/);
  expect(history.at(-1)).toMatch(/compare=off/);
  expect(screen.getByRole("link", { name: "Fridge" })).toHaveAttribute("href", "/plugs/fridge");
  await user.click(screen.getByRole("button", { name: "Earlier" }));
  await waitFor(() => expect(asked.at(-1)?.path).toBe("/api/v1/reports/energy?period=month&of=2026-10"));
  expect(screen.getByRole("button", { name: "Later" })).toBeDisabled();
});

it("goes by keys to a day, and shows the days as a table", async () => {
  const { history } = show(report());
  const user = userEvent.setup();
  const chart = await screen.findByRole("group", { name: /Energy, November 2026: 21\.3/ });
  chart.focus();
  await user.keyboard("{ArrowRight}{ArrowRight}{Enter}");
  expect(history.at(-1)).toBe("/energy?period=day&of=2026-11-02");
  await user.click(screen.getByRole("button", { name: "Show as table" }));
  const table = screen.getByRole("table", { name: "Energy and cost, November 2026" });
  expect(within(table).getAllByRole("row")).toHaveLength(4);
  expect(within(table).getByRole("row", { name: /Sunday 1 November/ })).toHaveTextContent("8.93€2.237.00");
});

it("asks an admin for the price where there is none", async () => {
  const { asked } = show(report({ price: null, cost: null }));
  const user = userEvent.setup();
  const price = await screen.findByLabelText("Price");
  expect(screen.queryByText(/€/)).not.toBeInTheDocument();
  await user.type(price, "0,257 €");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(screen.getByText("Enter a number, for example 0.30")).toBeVisible();
  await user.clear(price);
  await user.type(price, "0,257");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(asked.filter(({ path }) => path.includes("/reports/"))).toHaveLength(2));
  expect(asked).toContainEqual({ method: "PATCH", path: "/api/v1/homes/current", body: { price: 0.257 } });
});

it("tells others who can set it", async () => {
  show(report({ price: null, cost: null }), { role: "user" });
  expect(await screen.findByText(/An admin can enter the price/)).toBeVisible();
  expect(screen.queryByLabelText("Price")).not.toBeInTheDocument();
});

it("says what can be wrong", async () => {
  show(
    report(
      { estimated_kwh: 1.2, estimated_share: 0.056 },
      { gaps: { count: 2, hours: 3.5, open: 1 }, not_compared: 1 },
    ),
  );
  expect(await screen.findByRole("heading", { name: "How sure this is" })).toBeVisible();
  expect(screen.getByText(/1\.2\s?kWh \(5\.6 %\) is estimated/)).toBeVisible();
  expect(screen.getByText(/the energy of 2 gaps, 3\.5 h in all/)).toBeVisible();
  expect(screen.getByText(/One plug is offline now/)).toBeVisible();
  expect(screen.getByText(/Left out of the comparison: one plug/)).toBeVisible();
});

it("says what is always on, and at which hours most is used", async () => {
  const by_weekday_kwh = Array.from({ length: 7 }, (_, day) =>
    Array.from({ length: 24 }, (_, hour) => (day === 6 && hour === 19 ? 1.4 : day === 2 ? null : 0.1)),
  );
  const hours = {
    highest: report().period.start,
    highest_kwh: 1.6,
    base_w: 38.4,
    base_kwh: 9.2,
    base_cost: 2.3,
    by_weekday_kwh,
  };
  show(report({}, { hours }));
  const always = await screen.findByRole("region", { name: "Always on" });
  expect(always).toHaveTextContent("38 W");
  expect(always).toHaveTextContent("9.2 kWh, €2.30, 43 % of all");
  expect(always).toHaveTextContent("Sun 00:00–01:00");
  expect(screen.getByText("On average most is used on Sunday from 19:00 to 20:00: 1.4 kWh.")).toBeVisible();
});

it("says that nothing was measured, and offers no file of it", async () => {
  const nothing = report({ kwh: null, cost: null, change_percent: null });
  show({ ...nothing, period: { ...nothing.period, running: false } });
  expect(await screen.findByRole("heading", { name: "Nothing measured in November 2026" })).toBeVisible();
  expect(screen.getByRole("button", { name: /CSV/ })).toBeDisabled();
  expect(screen.getByRole("button", { name: "Show today" })).toBeVisible();
});

it("says what went wrong, with one way on", async () => {
  show({ status: 503 });
  expect(await screen.findByRole("button", { name: "Try again" })).toBeVisible();
});

it.each([
  ["0.257", 0.257],
  ["0,3", 0.3],
  [" 12 ", 12],
  ["1.234,5", null],
  ["-1", null],
  ["", null],
  ["a lot", null],
])("reads the price %s", (text, price) => {
  expect(readPrice(text)).toBe(price);
});
