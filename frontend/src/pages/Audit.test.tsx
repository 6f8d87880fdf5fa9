import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { AuditLine } from "../api/people.types";
import { device } from "../test/make";
import { showPage, user } from "../test/page";
import Audit from "./Audit";

const line: AuditLine = {
  id: 1,
  at: Date.UTC(2024, 10, 21, 12),
  actor: "u1",
  name: "Ada",
  origin: "192.168.1.20",
  via: "session 1",
  action: "device.change",
  object: "d1",
  before: { name: "Lamp" },
  after: { name: "Washer" },
  refused: null,
  count: 1,
};
const LINES = { items: [line], next: null };
const AT_ALL = "GET /audit?limit=50&";
const ABOUT = `${AT_ALL}object=d1`;
const BETWEEN = `${ABOUT}&from=${Date.UTC(2024, 10, 19, 23)}&to=${Date.UTC(2024, 10, 21, 23)}`;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("finds what was done to a thing between two days", async () => {
  const { hub } = showPage(<Audit />, {
    "GET /users": { items: [user(), user({ id: "u2", name: "Ben" })], next: null },
    "GET /devices": { items: [device({ id: "d1", name: "Washer" })], next: null },
    [AT_ALL]: LINES,
    [ABOUT]: LINES,
    [BETWEEN]: LINES,
  });
  const get = vi.spyOn(hub.client, "get");
  const asked = () => get.mock.calls.map(([path]) => `GET ${path}`);
  expect(await screen.findByRole("heading", { name: "21 November 2024" })).toBeInTheDocument();
  const about = screen.getByLabelText("About");
  expect(
    within(about)
      .getAllByRole("group")
      .map((group) => group.getAttribute("label")),
  ).toEqual(["Plugs", "People"]);
  await userEvent.selectOptions(about, "Washer");
  await waitFor(() => expect(asked()).toContain(ABOUT));
  fireEvent.change(screen.getByLabelText("From"), { target: { value: "2024-11-20" } });
  fireEvent.change(screen.getByLabelText("Until"), { target: { value: "2024-11-21" } });
  await waitFor(() => expect(asked()).toContain(BETWEEN));
  expect(await screen.findByText("Changed Washer")).toBeInTheDocument();
});

it("shows all again from where nothing fits", async () => {
  showPage(<Audit />, { [AT_ALL]: LINES });
  await screen.findByRole("heading", { name: "21 November 2024" });
  fireEvent.change(screen.getByLabelText("Until"), { target: { value: "2020-01-01" } });
  await userEvent.click(await screen.findByRole("button", { name: "Show all" }));
  expect(await screen.findByRole("heading", { name: "21 November 2024" })).toBeInTheDocument();
  expect(screen.getByLabelText("Until")).toHaveValue("");
});
