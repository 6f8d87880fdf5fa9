import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Route } from "wouter";
import type { Schedule } from "../../api/schedules.types";
import type { Device } from "../../api/devices.types";
import { device } from "../../test/make";
import { problem, session, showPage } from "../../test/page";
import { schedule } from "../../test/schedules";
import { changesOf } from "./ChangeSchedule";
import Schedules from "./Schedules";

const HOUR = 3_600_000;
/** A Monday, 12:00 in Berlin. */
const NOON = Date.UTC(2026, 10, 30, 11);
const at = (hours: number): number => NOON + hours * HOUR;
const list = <T,>(items: T[]) => ({ items, next: null });

function show(
  schedules: Schedule[],
  { path = "/schedules", devices = [device()], by = session(), ...answers }: Options & Record<string, unknown> = {},
) {
  history.replaceState(null, "", path);
  return showPage(
    <Route path="/schedules/:id?">{({ id }) => <Schedules {...(id !== undefined && { chosen: id })} />}</Route>,
    { "GET /devices": list(devices), "GET /schedules": list(schedules), ...answers },
    by,
  );
}

interface Options {
  path?: string;
  devices?: Device[];
  by?: ReturnType<typeof session>;
}

beforeEach(() => {
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

it("makes on and off in one form, the off first", async () => {
  const { sent } = show([], { path: "/schedules/new", "POST /schedules": schedule() });
  const form = within(await screen.findByText("Lamp on at 06:30, off at 08:00 (1 h 30 min), every day").then(up));
  for (const day of ["Saturday", "Sunday"]) await user.click(form.getByRole("checkbox", { name: day }));
  await user.clear(form.getByLabelText("On at"));
  await user.type(form.getByLabelText("On at"), "2200");
  await user.tab();
  expect(form.getByLabelText("On at")).toHaveValue("22:00");
  expect(form.getByText(/^Lamp on at 22:00, off at 08:00 the next day \(10 h\), Mon.–.Fri$/)).toBeInTheDocument();
  await user.type(form.getByLabelText("Name"), "Nights");
  await user.click(form.getByRole("button", { name: "Add" }));
  await waitFor(() => expect(location.pathname + location.search).toBe("/schedules?plug=lamp"));
  const common = { device: "d1", channel: 0, name: "Nights" };
  expect(sent).toEqual([
    { asked: "POST /schedules", body: { ...common, time: "08:00", command: "relay_off", days: [1, 2, 3, 4, 5] } },
    { asked: "POST /schedules", body: { ...common, time: "22:00", command: "relay_on", days: [0, 1, 2, 3, 4] } },
  ]);
});

/** The form in which this stands. */
const up = (element: HTMLElement): HTMLElement => element.closest("form") ?? element;

it("says which of the two was made, and makes only the other one then", async () => {
  const { sent } = show([], { path: "/schedules/new" });
  const answers = [
    new Response(JSON.stringify(schedule({ command: "relay_off" })), { status: 201 }),
    problem(409, "schedules-too-many", "A home has at most 200 schedules."),
    new Response(JSON.stringify(schedule()), { status: 201 }),
  ];
  const usual = vi.mocked(fetch).getMockImplementation() as typeof fetch;
  vi.mocked(fetch).mockImplementation((path, init) => {
    const answer = usual(path, init);
    return init?.method === "POST" ? answer.then(() => answers.shift() ?? new Response()) : answer;
  });
  await user.click(await screen.findByRole("button", { name: "Add" }));
  expect(await screen.findByRole("alert")).toHaveTextContent(
    "Made: Lamp off at 08:00, every day. The other one is not: A home has at most 200 schedules.",
  );
  expect(screen.getByRole("radio", { name: "On" })).toBeChecked();
  expect(screen.queryByLabelText("Off at")).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Add" }));
  await waitFor(() => expect(location.pathname).toBe("/schedules"));
  expect(sent.map(({ body }) => (body as Schedule).command)).toEqual(["relay_off", "relay_on", "relay_on"]);
});

it("asks for what is missing before it asks the hub", async () => {
  const { sent } = show([], { path: "/schedules/new" });
  const onAt = await screen.findByLabelText("On at");
  await user.clear(onAt);
  await user.type(onAt, "late");
  await user.click(screen.getByRole("button", { name: "Add" }));
  expect(onAt).toHaveAccessibleDescription("Enter a time such as 06:30.");
  await user.clear(onAt);
  await user.type(onAt, "8");
  await user.click(screen.getByRole("button", { name: "Add" }));
  expect(screen.getByLabelText("Off at")).toHaveAccessibleDescription("Choose another time than for on.");
  await user.click(onAt);
  await user.keyboard("{ArrowDown}");
  expect(onAt).toHaveValue("07:45");
  for (const box of screen.getAllByRole("checkbox")) await user.click(box);
  await user.click(screen.getByRole("button", { name: "Add" }));
  expect(screen.getByText("Choose at least one day.")).toBeInTheDocument();
  expect(sent).toEqual([]);
});

it("offers no off for a plug that is always on", async () => {
  const { sent } = show([], {
    path: "/schedules/new",
    devices: [device({ always_on: true })],
    "POST /schedules": schedule(),
  });
  expect(await screen.findByText("Lamp is always on: no schedule switches it off.")).toBeInTheDocument();
  expect(screen.queryByRole("radio", { name: "Off" })).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Add" }));
  await waitFor(() => expect(sent.map(({ body }) => (body as Schedule).command)).toEqual(["relay_on"]));
});

it("says of each what it does, when next, how it went and whose it is", async () => {
  const failed = { at: at(-2), outcome: "failed", detail: "Lamp is offline." } as const;
  show([
    schedule({ id: "a", name: "Morning", next: at(18.5), last: { at: at(-5.5), outcome: "confirmed", detail: null } }),
    schedule({ id: "b", time: "10:00", command: "relay_off", days: [0], author: "u2", next: at(166), last: failed }),
    schedule({ id: "c", time: "18:00", enabled: false, author: null }),
    schedule({ id: "d", time: "19:00", days: [5, 6] }),
  ]);
  const rows = await screen.findAllByTestId("schedule");
  expect(
    rows.map((row) =>
      [...row.querySelectorAll(".h3, .meta")].map(({ textContent }) => textContent.replaceAll("\u2060", "")),
    ),
  ).toEqual([
    ["Lamp on at 06:30, Mon–Fri", "Next: tomorrow 06:30", "Switched 06:30", "Morning · made by you"],
    [
      "Lamp off at 10:00, Mon",
      "Next: Mon 7 Dec 10:00",
      "Not switched 10:00: Lamp is offline.",
      "made by somebody else",
    ],
    ["Lamp on at 18:00, Mon–Fri", "Paused", "made on the hub"],
    ["Lamp on at 19:00, Sat, Sun", "Waits until the hub knows the time", "made by you"],
  ]);
});

it("shows today by plug, in words too", async () => {
  const tv = device({ id: "d2", key: "tv", name: "TV" });
  show(
    [
      schedule(),
      schedule({ id: "s2", time: "08:00", command: "relay_off" }),
      schedule({ id: "s3", device: "d2", time: "20:00" }),
      schedule({ id: "s4", device: "d2", days: [6] }),
    ],
    { devices: [device(), tv] },
  );
  const today = within(await screen.findByRole("region", { name: "Today" }));
  expect(today.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual([
    "Lampon 06:30–08:00",
    "TVswitched on at 20:00",
  ]);
  await user.click(today.getByRole("link", { name: "TV" }));
  const week = within(await screen.findByRole("region", { name: "TV" }));
  expect(week.getAllByRole("listitem")[6]).toHaveTextContent("Sunswitched on at 06:30");
});

it("pauses one, and says why it cannot", async () => {
  const { sent } = show([schedule()], {
    "PATCH /schedules/s1": problem(409, "always-on", "Lamp is always on."),
  });
  const inUse = await screen.findByRole("switch", { name: "Lamp on at 06:30, Mon–Fri" });
  await user.click(inUse);
  expect(await screen.findByText("Lamp is always on.")).toBeInTheDocument();
  expect(inUse).toBeChecked();
  expect(sent).toEqual([{ asked: "PATCH /schedules/s1", body: { enabled: false } }]);
});

it("changes only what was changed", async () => {
  const { sent } = show([schedule()], { path: "/schedules/s1", "PATCH /schedules/s1": schedule({ time: "07:00" }) });
  const time = await screen.findByLabelText("Time");
  await user.clear(time);
  await user.type(time, "7");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(location.pathname).toBe("/schedules"));
  expect(sent).toEqual([{ asked: "PATCH /schedules/s1", body: { time: "07:00" } }]);
});

it("removes one, and takes that back", async () => {
  const gone = schedule({ name: "Morning", enabled: false });
  const { sent } = show([gone], { path: "/schedules/s1", "POST /schedules": gone });
  await user.click(await screen.findByRole("button", { name: "Remove" }));
  expect(await screen.findByText("Removed: Lamp on at 06:30, Mon–Fri")).toBeInTheDocument();
  expect(location.pathname).toBe("/schedules");
  await user.click(screen.getByRole("button", { name: "Undo" }));
  expect(await screen.findByText("Back again: Lamp on at 06:30, Mon–Fri")).toBeInTheDocument();
  const { device, channel, name, days, time, command, enabled } = gone;
  expect(sent).toEqual([
    { asked: "DELETE /schedules/s1", body: undefined },
    { asked: "POST /schedules", body: { device, channel, name, days, time, command, enabled } },
  ]);
});

it("lets a guest look only, and says so", async () => {
  show([schedule({ may_change: false, author: "u2" })], {
    by: session({ role: "guest" }),
    devices: [device({ right: "view" })],
  });
  expect(await screen.findByText(/^You can look, but not change schedules/)).toBeInTheDocument();
  expect(screen.queryByRole("switch")).not.toBeInTheDocument();
  expect(screen.queryByRole("link", { name: "New schedule" })).not.toBeInTheDocument();
  expect(screen.getByTestId("schedule")).toHaveTextContent("Waits until the hub knows the time");
  await user.click(screen.getByTestId("schedule"));
  expect(await screen.findByRole("heading", { name: "Schedule" })).toBeInTheDocument();
  expect(screen.queryByRole("button")).not.toBeInTheDocument();
});

it("says why somebody else's stays as it is", async () => {
  show([schedule({ may_change: false, author: "u2" })], {
    path: "/schedules/s1",
    by: session({ role: "user" }),
    devices: [device({ right: "control" })],
  });
  expect(await screen.findByText("Only who made it, or who manages Lamp, can change it.")).toBeInTheDocument();
  expect(screen.queryByRole("button")).not.toBeInTheDocument();
});

it("offers the first one, where there is a plug for it", async () => {
  show([]);
  expect(await screen.findByRole("heading", { name: "No schedules yet" })).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "New schedule" })).toHaveAttribute("href", "/schedules/new");
});

it("leads to a plug where there is none yet", async () => {
  show([], { devices: [] });
  expect(await screen.findByRole("link", { name: "Add a plug" })).toHaveAttribute("href", "/plugs/add");
});

it("says that the hub did not answer, and keeps what it had", async () => {
  const { hub } = show([schedule()], { "GET /schedules": problem(503, "busy", "") });
  expect(await screen.findByText("Something went wrong on the hub")).toBeInTheDocument();
  hub.queries.setQueryData(["schedules"], [schedule()]);
  expect(await screen.findByRole("switch", { name: "Lamp on at 06:30, Mon–Fri" })).toBeInTheDocument();
});

it("knows what differs", () => {
  const one = schedule();
  expect(changesOf(one, one)).toEqual({});
  expect(changesOf(one, { ...one, days: [1], command: "relay_off" })).toEqual({ days: [1], command: "relay_off" });
});
