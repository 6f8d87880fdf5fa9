import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { AddedInvitation } from "../api/people.types";
import { device } from "../test/make";
import { problem, session, showPage, user } from "../test/page";
import { groupsOf } from "./PeopleShares";
import People from "./People";

const ben = user({ id: "u2", name: "Ben", email: "ben@home.example", role: "user" });
const MEMBERS = { "GET /users": { items: [user(), ben], next: null } };
const invitation = (id: string): AddedInvitation => ({
  invitation: { id, role: "user", user: null, created: 0, expires: Date.now() + 3_600_000 },
  link: `https://plughub.local/join#${id}`,
  qr: "<svg/>",
});

beforeEach(() => history.replaceState(null, "", "/people"));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("takes a link back that nobody was given when the role changes", async () => {
  const made = invitation("i1");
  const { sent } = showPage(<People />, {
    ...MEMBERS,
    "POST /invitations": made,
    "GET /invitations": { items: [made.invitation], next: null },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Make a link" }));
  expect(await screen.findByText(made.link)).toBeInTheDocument();
  expect(screen.queryByText("Open links")).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("radio", { name: "Guest" }));
  await waitFor(() =>
    expect(sent.map(({ asked, body }) => [asked, body])).toEqual([
      ["POST /invitations", { role: "user" }],
      ["DELETE /invitations/i1", undefined],
      ["POST /invitations", { role: "guest" }],
    ]),
  );
});

it("says that a link was used, and does not go on showing it", async () => {
  showPage(<People />, { ...MEMBERS, "POST /invitations": invitation("i1") });
  await userEvent.click(await screen.findByRole("button", { name: "Make a link" }));
  expect(await screen.findByText("The link was used or withdrawn.")).toBeInTheDocument();
  expect(screen.queryByRole("img", { name: "Invitation as a QR code" })).not.toBeInTheDocument();
});

it("changes a whole room, plug by plug", async () => {
  const shared = (id: string, right: string) => {
    return { device: id, user: "u2", name: "Ben", role: "user", share: null, right };
  };
  const { sent } = showPage(<People chosen="u2" />, {
    ...MEMBERS,
    "GET /devices": { items: [device(), device({ id: "d2", name: "Kettle" })], next: null },
    "GET /shares": { items: [shared("d1", "control"), shared("d2", "view")], next: null },
  });
  const room = await screen.findByRole("radiogroup", { name: "Kitchen: what Ben may do" });
  expect(within(room).queryAllByRole("radio", { checked: true })).toEqual([]);
  expect(screen.getByText("not all alike")).toBeInTheDocument();
  await userEvent.click(within(room).getByRole("radio", { name: "manage" }));
  await waitFor(() =>
    expect(sent).toEqual([
      { asked: "PUT /devices/d1/shares/u2", body: { right: "manage" } },
      { asked: "PUT /devices/d2/shares/u2", body: { right: "manage" } },
    ]),
  );
});

it("says which choice takes a share back, and takes it", async () => {
  const shared = { device: "d1", user: "u2", name: "Ben", role: "user", share: "manage", right: "manage" };
  const { sent } = showPage(<People chosen="u2" />, {
    ...MEMBERS,
    "GET /devices": { items: [device()], next: null },
    "GET /shares": { items: [shared], next: null },
  });
  const room = await screen.findByRole("radiogroup", { name: "Kitchen: what Ben may do" });
  expect(screen.getByText(/“switch” is what the role gives anyway: it takes a share back/)).toBeInTheDocument();
  await userEvent.click(within(room).getByRole("radio", { name: "switch" }));
  await waitFor(() => expect(sent).toEqual([{ asked: "DELETE /devices/d1/shares/u2", body: undefined }]));
});

it("says why the role of the last admin stays", async () => {
  const only = user({ id: "u2", name: "Ben", role: "admin" });
  showPage(<People chosen="u2" />, {
    "GET /users": { items: [user(), only], next: null },
    "PATCH /users/u2": problem(409, "last-admin", "A home needs an admin, and this is the only one."),
  });
  const roles = await screen.findByRole("radiogroup", { name: "Role" });
  await userEvent.click(within(roles).getByRole("radio", { name: "Guest" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("A home needs an admin, and this is the only one.");
  expect(within(roles).getByRole("radio", { name: "Admin" })).toBeChecked();
});

it("removes somebody once that is answered by name", async () => {
  const { sent } = showPage(<People chosen="u2" />, MEMBERS);
  await userEvent.click(await screen.findByRole("button", { name: "Remove" }));
  const dialog = within(await screen.findByRole("alertdialog", { name: "Remove Ben?" }));
  await userEvent.click(dialog.getByRole("button", { name: "Remove Ben" }));
  await waitFor(() => expect(location.pathname).toBe("/people"));
  expect(sent).toEqual([{ asked: "DELETE /users/u2", body: undefined }]);
  expect(await screen.findByText("Ben is removed.")).toBeInTheDocument();
});

it("shows who is no admin only what is theirs, and asks the hub for nothing else", async () => {
  showPage(<People />, {}, session({ role: "user" }));
  expect(await screen.findByText("Ada (you)")).toBeInTheDocument();
  expect(screen.queryByText("Invite someone")).not.toBeInTheDocument();
  const asked = vi.mocked(fetch).mock.calls.map(([path]) => path as string);
  expect(asked.filter((path) => /\/(users|invitations)\b|shares/.test(path))).toEqual([]);
});

it("gathers plugs by room, and lets each without a room stand alone", () => {
  const plugs = [device(), device({ id: "d2" }), device({ id: "d3", room: null }), device({ id: "d4", room: null })];
  expect(groupsOf(plugs).map(({ room, devices }) => [room, devices.map(({ id }) => id)])).toEqual([
    ["Kitchen", ["d1", "d2"]],
    [null, ["d3"]],
    [null, ["d4"]],
  ]);
});

it("asks for the password before it makes an admin of somebody", async () => {
  let shown = false;
  const answers = {
    ...MEMBERS,
    "PATCH /users/u2": () => (shown ? { ...ben, role: "admin" } : problem(403, "confirmation-needed", "Show it.")),
    "POST /account/confirm": () => {
      shown = true;
      return null;
    },
  };
  const { sent } = showPage(<People chosen="u2" />, answers);
  const roles = await screen.findByRole("radiogroup", { name: "Role" });
  await userEvent.click(within(roles).getByRole("radio", { name: "Admin" }));
  let dialog = within(await screen.findByRole("alertdialog", { name: "Is it you?" }));
  await userEvent.click(dialog.getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(within(roles).getByRole("radio", { name: "Member" })).toBeChecked());
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();

  await userEvent.click(within(roles).getByRole("radio", { name: "Admin" }));
  dialog = within(await screen.findByRole("alertdialog", { name: "Is it you?" }));
  await userEvent.type(dialog.getByLabelText("Your password"), "a quiet blue kettle");
  await userEvent.click(dialog.getByRole("button", { name: "Go on" }));
  await waitFor(() => expect(within(roles).getByRole("radio", { name: "Admin" })).toBeChecked());
  const change = { asked: "PATCH /users/u2", body: { role: "admin" } };
  const confirm = { asked: "POST /account/confirm", body: { password: "a quiet blue kettle" } };
  expect(sent).toEqual([change, change, confirm, change]);
});
