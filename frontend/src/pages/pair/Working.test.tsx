import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../../api/auth.types";
import type { Device } from "../../api/devices.types";
import type { Pairing } from "../../api/pairing.types";
import { Hub, HubProvider, SignedIn } from "../../app/hub";
import { device } from "../../test/make";
import { Working } from "./Working";

const session = { user: { id: "u" }, home: { id: "h", time_zone: "Europe/Berlin" } } as Session;
const NOW = Date.UTC(2026, 10, 30, 13, 24);
const waiting: Pairing = {
  id: "w1",
  hardware_id: "plug-7c2f11",
  name: "plug-7c2f11",
  state: "waiting",
  opened: NOW,
  expires: NOW + 600_000,
  tries_left: 5,
  error: null,
  device: null,
  replaces: null,
};
const wrong = { code: "pairing-code-wrong", detail: "The code does not belong to this plug." };

let hub: Hub;
const ways = { again: vi.fn(), code: vi.fn(), begin: vi.fn() };

const hears = (change: Partial<Pairing>): unknown =>
  hub.queries.setQueryData<Pairing>(["pairing", "w1"], { ...waiting, ...change });

function show(pairing: Partial<Pairing>, answer: () => Response = () => new Response("{}", { status: 503 })): void {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(answer())),
  );
  hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  vi.spyOn(hub.client, "now").mockReturnValue(NOW + 3_000);
  hub.queries.setQueryData<Device[]>(["devices"], [device({ id: "d1", online: true })]);
  hub.queries.setQueryData<Pairing>(["pairing", "w1"], { ...waiting, ...pairing });
  render(
    <HubProvider hub={hub}>
      <SignedIn session={session}>
        <Working id="w1" ways={ways} />
      </SignedIn>
    </HubProvider>,
  );
}

const done = (): number => document.querySelectorAll(".pair-steps [data-state=done]").length;

beforeEach(() => {
  for (const way of Object.values(ways)) way.mockReset();
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("shows each step long enough to be read, however fast the hub is", async () => {
  vi.useFakeTimers();
  show({});
  expect(done()).toBe(1);
  for (const state of ["heard", "proved", "sealed"] as const) {
    hears({ state });
    await act(() => vi.advanceTimersByTimeAsync(1));
  }
  expect(done()).toBe(1);
  for (const steps of [2, 3, 4]) {
    await act(() => vi.advanceTimersByTimeAsync(600));
    expect(done()).toBe(steps);
  }
  expect(screen.getByRole("heading")).toHaveTextContent("The plug signs in with its key");
});

it("says a wrong code at once, and when the hub stops waiting", async () => {
  show({ state: "heard", error: wrong, tries_left: 4 });
  expect(screen.getByRole("heading")).toHaveTextContent("The code is not that of this plug");
  expect(screen.getByText("4 more tries, then the hub stops waiting")).toBeInTheDocument();
  hears({ state: "failed", error: wrong, tries_left: 0 });
  expect(await screen.findByText("too many tries, the hub no longer waits")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Type the code again" }));
  expect(ways.code).toHaveBeenCalledWith("plug-7c2f11");
});

it("says where a plug got stuck that did not come in time, and tries again", async () => {
  show({ state: "expired", error: { code: "pairing-expired", detail: "It did not finish." } });
  expect(screen.getByRole("heading")).toHaveTextContent("The plug did not come in time");
  expect(document.querySelector("[data-state=wrong]")).toHaveTextContent("In your network");
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(ways.again).toHaveBeenCalledWith("plug-7c2f11");
});

it("begins again where the hub has forgotten the window, but not once the plug is added", async () => {
  const gone = () => new Response(JSON.stringify({ code: "pairing-unknown", detail: "No." }), { status: 404 });
  show({}, gone);
  await act(() => hub.queries.refetchQueries({ queryKey: ["pairing", "w1"] }));
  await userEvent.click(await screen.findByRole("button", { name: "Begin again" }));
  expect(ways.begin).toHaveBeenCalledOnce();
});

it("asks what is plugged in once the plug has measured, and not before", async () => {
  const gone = () => new Response(JSON.stringify({ code: "pairing-unknown", detail: "No." }), { status: 404 });
  show({ state: "done", device: "d1" }, gone);
  expect(screen.queryByText("What is plugged in?")).not.toBeInTheDocument();
  act(() => hub.live.apply([["d1", 0, NOW + 1_000, 1910, 230, 8.3, true, 1]]));
  expect(await screen.findByRole("heading", { name: "What is plugged in?" })).toBeInTheDocument();
  await act(() => hub.queries.refetchQueries({ queryKey: ["pairing", "w1"] }));
  expect(screen.getByRole("heading", { name: "What is plugged in?" })).toBeInTheDocument();
});
