import { render, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Session } from "../api/auth.types";
import type { Device } from "../api/devices.types";
import type { PluginView, RejectList } from "../api/system.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import { device } from "../test/make";
import { PluginsSheet, RefusedSheet } from "./HubSheets";

const session = { user: { id: "u" }, home: { id: "h", time_zone: "UTC" } } as Session;

function show(answer: unknown): void {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(new Response(JSON.stringify(answer)))),
  );
  const hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  hub.queries.setQueryData<Device[]>(["devices"], [device()]);
  const sheets = "counts" in (answer as object) ? <RefusedSheet /> : <PluginsSheet />;
  render(
    <HubProvider hub={hub}>
      <SignedIn session={session}>{sheets}</SignedIn>
    </HubProvider>,
  );
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const plugin = (more: Partial<PluginView>): PluginView => ({
  name: "sqlite",
  state: "loaded",
  kinds: [],
  version: null,
  detail: null,
  errors: { count: 0, last: null },
  ...more,
});

it("shows a plugin that raises while it runs, and why another one does not run", async () => {
  show({
    items: [
      plugin({ name: "loud", errors: { count: 3, last: "SampleReceived: ValueError: odd" } }),
      plugin({ name: "broken", state: "failed", detail: "It cannot be imported." }),
      plugin({}),
    ],
    next: null,
  });
  expect(await screen.findByText("2 plugins need a look")).toBeInTheDocument();
  const [loud, broken, sqlite] = await screen.findAllByRole("listitem");
  expect(loud).toHaveTextContent("Running");
  expect(loud).toHaveTextContent("3 errors since the hub started, last:SampleReceived: ValueError: odd");
  expect(broken).toHaveTextContent("FailedIt cannot be imported.");
  expect(sqlite).toHaveTextContent(/^sqliteRunning$/);
});

it("says what was refused: of which plug, why, how often, and the newest", async () => {
  const refused = { device: "d1", reason: "voltage" };
  const newest = [1, 2, 3, 4, 5, 6].map((at) => ({ ...refused, at: at * 60_000, detail: `612.0 V`, payload: "{}" }));
  show({
    counts: [
      { ...refused, count: 6 },
      { device: "unknown", reason: "device", count: 40 },
      { device: "d1", reason: "odd", count: 1 },
    ],
    newest,
  } satisfies RejectList);
  const [counts, latest] = await screen.findAllByRole("list");
  expect(
    within(counts as HTMLElement)
      .getAllByRole("listitem")
      .map(({ textContent }) => textContent),
  ).toEqual([
    "Not added here40×Sent by a plug that is not added",
    "Lamp6×A voltage that cannot be",
    "Lamp1×Refused by its driver: odd",
  ]);
  expect(within(latest as HTMLElement).getAllByRole("listitem")).toHaveLength(5);
});

it("is calm where nothing was refused", async () => {
  show({ counts: [], newest: [] });
  expect(await screen.findByText("No reading was refused")).toBeInTheDocument();
});
