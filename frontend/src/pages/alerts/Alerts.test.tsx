import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Route } from "wouter";
import type { Alert } from "../../api/alerts.types";
import { alert, ended } from "../../test/alerts";
import { device } from "../../test/make";
import { problem, session, showPage } from "../../test/page";
import { changesOf } from "./AlertForm";
import Alerts from "./Alerts";
import { AlertsLink } from "./AlertsLink";

/** The half hour before noon: nothing, then 2,000 W. */
const POWER = {
  start: 0,
  end: 0,
  gaps: [],
  series: [
    {
      device: "d1",
      channel: 0,
      bucket_ms: 900_000,
      at: [Date.UTC(2026, 10, 30, 10, 30), Date.UTC(2026, 10, 30, 10, 45)],
      mean: [0, 2000],
      min: [0, 1990],
      max: [0, 2010],
      energy_kwh: [0, 0.5],
      estimated: [false, false],
    },
  ],
};
vi.mock("../../api/queries", async (original) => ({
  ...(await original<object>()),
  useTelemetry: () => ({ data: POWER, error: null }),
}));

const NOON = Date.UTC(2026, 10, 30, 11); // in Berlin
const list = <T,>(items: T[]) => ({ items, next: null });
const DETAIL = "Lamp has drawn more than 1,500 W for 10 min, now 1,984 W.";
const firing = (more: Partial<Alert> = {}): Alert =>
  alert({ state: "firing", since: NOON - 3_600_000, detail: DETAIL, ...more });

interface Options {
  path?: string;
  devices?: ReturnType<typeof device>[];
  by?: ReturnType<typeof session>;
}

function show(
  alerts: Alert[],
  { path = "/alerts", devices = [device()], by = session(), ...answers }: Options & Record<string, unknown> = {},
) {
  history.replaceState(null, "", path);
  return showPage(
    <Route path="/alerts/:id?">{({ id }) => <Alerts {...(id !== undefined && { chosen: id })} />}</Route>,
    { "GET /devices": list(devices), "GET /alerts": list(alerts), ...answers },
    by,
  );
}

beforeEach(() => {
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 340, 132));
  vi.useFakeTimers({ shouldAdvanceTime: true, now: NOON });
  vi.stubGlobal(
    "ResizeObserver",
    vi.fn(function () {
      return { observe: vi.fn(), disconnect: vi.fn() };
    }),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});
const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });

it("shows what fires, since when, and what is over", async () => {
  show([firing(), alert({ id: "a2", name: "Calm" })], {
    "GET /alerts/ended": list([ended({ ended: NOON - 1000 }), ended({ name: "Old", ended: NOON - 40 * 3_600_000 })]),
  });
  const card = within(await screen.findByTestId("firing"));
  expect(card.getByRole("heading", { name: "Left on" })).toBeInTheDocument();
  expect(card.getByText(DETAIL)).toBeInTheDocument();
  expect(card.getByText("Fires since 11:00 · Kitchen")).toBeInTheDocument();
  expect(card.getByRole("img")).toHaveAccessibleName(
    "Power from 09:00 to 12:00, at most 2,010\u00a0W. The threshold is 1,500\u00a0W. It has been above 1,500\u00a0W since 10:50.",
  );
  expect(card.getByText("above 1,500 W since 10:50")).toBeInTheDocument();
  expect(card.getByRole("link", { name: "Look at Lamp" })).toHaveAttribute("href", "/plugs/lamp");
  expect(card.getByRole("link", { name: "Change alert" })).toHaveAttribute("href", "/alerts/a1");
  expect(within(screen.getByRole("region", { name: "Earlier today" })).getByText("Left on")).toBeInTheDocument();
  expect(within(screen.getByRole("region", { name: "Before today" })).getByText("Old")).toBeInTheDocument();
});

it("is calm while nothing fires", async () => {
  show([alert(), alert({ id: "a2", enabled: false, state: "firing" })]);
  expect(await screen.findByText("All is quiet")).toBeInTheDocument();
  expect(screen.getByText("One alert is switched on, and does not fire.")).toBeInTheDocument();
  expect(screen.queryByTestId("firing")).toBeNull();
});

it("says what an alert is where there is none, and to a guest that there is none", async () => {
  show([]);
  expect(await screen.findByRole("link", { name: "New alert" })).toHaveAttribute("href", "/alerts/new");
});

it("offers a guest nothing to press", async () => {
  show([alert({ may_change: false })], {
    path: "/alerts/rules",
    devices: [device({ right: "view" })],
    by: session({ role: "guest" }),
  });
  expect(await screen.findByText("view only")).toBeInTheDocument();
  expect(screen.queryByRole("switch")).toBeNull();
  expect(screen.queryByRole("link", { name: "New alert" })).toBeNull();
  expect(screen.queryByText("Where it is told")).toBeNull();
  await user.click(screen.getByTestId("rule"));
  expect(await screen.findByText("You can look, but not change alerts. Ask someone at home.")).toBeInTheDocument();
  expect(screen.queryByRole("button")).toBeNull();
});

it("switches a rule off, and says why it could not", async () => {
  const { sent } = show([alert()], { path: "/alerts/rules", "PATCH /alerts/a1": alert({ enabled: false }) });
  expect(await screen.findByText("Lamp above 1,500 W for 10 min")).toBeInTheDocument();
  await user.click(screen.getByRole("switch", { name: "Left on" }));
  await waitFor(() => expect(sent).toEqual([{ asked: "PATCH /alerts/a1", body: { enabled: false } }]));
});

it("makes one, and sends nothing that is no threshold", async () => {
  const { sent } = show([], { path: "/alerts/new?plug=lamp", "POST /alerts": alert() });
  await user.click(await screen.findByRole("button", { name: "Add" }));
  expect(screen.getByText("Enter watts, such as 1500.")).toBeInTheDocument();
  await user.type(screen.getByLabelText("Threshold"), "1,500");
  await user.selectOptions(screen.getByLabelText("For how long"), "At once");
  await user.click(screen.getByRole("button", { name: "Add" }));
  expect(await screen.findByText("Added: Lamp above 1,500 W")).toBeInTheDocument();
  const body = { device: "d1", channel: 0, name: "Lamp", kind: "power_above", threshold: 1500, hold_s: 0 };
  expect(sent).toEqual([{ asked: "POST /alerts", body }]);
  expect(location.pathname).toBe("/alerts/rules");
});

it("needs no threshold for a plug that is away", async () => {
  const { sent } = show([], { path: "/alerts/new", "POST /alerts": alert() });
  await user.click(await screen.findByRole("radio", { name: "Is offline" }));
  expect(screen.queryByLabelText("Threshold")).toBeNull();
  await user.type(screen.getByLabelText("Name"), "Away");
  await user.click(screen.getByRole("button", { name: "Add" }));
  await waitFor(() =>
    expect(sent.map(({ body }) => body)).toEqual([
      { device: "d1", channel: 0, name: "Away", kind: "offline", hold_s: 600 },
    ]),
  );
});

it("keeps what was typed where the hub refuses", async () => {
  show([alert()], {
    path: "/alerts/a1",
    "PATCH /alerts/a1": problem(422, "name-invalid", "That is no name.", "name"),
  });
  await user.type(await screen.findByLabelText("Name"), "!");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("That is no name.")).toBeInTheDocument();
  expect(screen.getByLabelText("Name")).toHaveValue("Left on!");
});

it("removes one, and brings it back as it was", async () => {
  const { sent } = show([alert({ enabled: false })], { path: "/alerts/a1", "POST /alerts": alert({ id: "a9" }) });
  await user.click(await screen.findByRole("button", { name: "Remove" }));
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  expect(await screen.findByText("Back again: Left on")).toBeInTheDocument();
  const { device: plug, channel, name, kind, threshold, hold_s } = alert();
  expect(sent).toEqual([
    { asked: "DELETE /alerts/a1", body: undefined },
    { asked: "POST /alerts", body: { device: plug, channel, name, kind, threshold, hold_s, enabled: false } },
  ]);
});

it("tells an admin how delivery goes, and tries it", async () => {
  const ntfy = { name: "ntfy", delivered: NOON - 7_200_000, failed: NOON - 3_600_000, detail: "No answer." };
  const { sent } = show([alert()], {
    path: "/alerts/rules",
    "GET /notifiers": list([ntfy, { name: "mail", delivered: null, failed: null, detail: null }]),
    "POST /notifiers/ntfy/test": problem(502, "notifier-failed", "The message did not arrive. No answer."),
  });
  expect(await screen.findByText("Not delivered 11:00: No answer.")).toBeInTheDocument();
  expect(screen.getByText("Nothing sent since the hub’s start")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Send a test by ntfy" }));
  expect(await screen.findByText("The message did not arrive. No answer.")).toBeInTheDocument();
  expect(sent).toEqual([{ asked: "POST /notifiers/ntfy/test", body: undefined }]);
});

it("does not speak of the hub's channels to the admin of another home", async () => {
  show([alert()], { path: "/alerts/rules", by: session({ operator: false }) });
  expect(await screen.findByText("1 alert")).toBeInTheDocument();
  expect(screen.queryByText("Where it is told")).toBeNull();
});

it("sends only what differs", () => {
  const same = { threshold: 1500, hold_s: 600, name: "Left on" };
  expect(changesOf(alert(), same)).toEqual({});
  expect(changesOf(alert(), { ...same, threshold: 1600 })).toEqual({ threshold: 1600 });
  expect(changesOf(alert({ kind: "offline", threshold: null }), { ...same, threshold: undefined })).toEqual({});
});

it("counts on the page of a plug, and says there what fires", async () => {
  const view = { device: device(), outlet: device().channels[0] as never };
  showPage(<AlertsLink view={view} />, { "GET /alerts": list([firing(), firing({ id: "a2" }), alert({ id: "a3" })]) });
  expect(await screen.findByText(`${DETAIL} One more fires.`)).toBeInTheDocument();
  expect(screen.getByRole("link")).toHaveAttribute("href", "/alerts");
});

it("leads to a new one where a plug has none", async () => {
  const view = { device: device(), outlet: device().channels[0] as never };
  showPage(<AlertsLink view={view} />, { "GET /alerts": list([alert({ device: "d2" })]) });
  expect(await screen.findByText("none yet")).toBeInTheDocument();
  expect(screen.getByRole("link")).toHaveAttribute("href", "/alerts/new?plug=lamp");
});
