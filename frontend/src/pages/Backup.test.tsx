import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { Session } from "../api/auth.types";
import type { Backup as Archive, BackupState } from "../api/backups.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import Backup from "./Backup";

const AT = Date.UTC(2026, 10, 24, 2, 0);
const state: BackupState = {
  running: null,
  last: null,
  next: AT + 86_400_000,
  folder: "/data/backups",
  own_folder: false,
  free: 1e9,
  same_disk: true,
  problem: null,
  keep: 7,
  history: false,
  time: "03:00",
  encrypted: false,
  declared: [],
};
const archive: Archive = {
  name: "plughub-20261124T020000Z-3fa9.plughub",
  size: 2_100_000,
  created: AT,
  encrypted: true,
  history: true,
  verified: true,
  detail: null,
};

function show(items: Archive[], change: Partial<BackupState> = {}, operator = true) {
  const asked: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string, init: RequestInit) => {
      asked.push({ method: init.method ?? "", path, body: init.body ? JSON.parse(init.body as string) : null });
      const answer = init.method === "GET" ? { items, state: { ...state, ...change }, next: null } : state;
      return Promise.resolve(new Response(JSON.stringify(answer)));
    }),
  );
  const hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  const session = { user: { id: "u", role: "admin", operator }, home: { id: "h", time_zone: "UTC" } } as Session;
  render(
    <HubProvider hub={hub}>
      <SignedIn session={session}>
        <Backup />
      </SignedIn>
    </HubProvider>,
  );
  return asked;
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("says that nothing was backed up yet, and what is unsafe", async () => {
  show([]);
  expect(await screen.findByRole("heading", { name: "Not backed up yet" })).toBeInTheDocument();
  expect(screen.getByText(/on the same card or disk/)).toBeInTheDocument();
  expect(screen.getByText(/not encrypted/)).toBeInTheDocument();
  expect(screen.getByText("plughub restore /data/backups")).toBeInTheDocument();
  expect(screen.queryByRole("list")).not.toBeInTheDocument();
});

it("tells a command that can be typed as it stands", async () => {
  show([], { folder: "/media/usb/Ann's disk" });
  expect(await screen.findByText("plughub restore '/media/usb/Ann'\\''s disk'")).toBeInTheDocument();
});

it("lists what there is, and what of it cannot be restored", async () => {
  const broken = {
    ...archive,
    name: "b.plughub",
    created: AT - 86_400_000,
    verified: false,
    detail: "One is missing.",
  };
  show([archive, broken], { encrypted: true, same_disk: false });
  const [good, bad] = await screen.findAllByRole("listitem");
  expect(good).toHaveTextContent("24 November 2026, 02:00Home and history, encrypted2.1 MB");
  expect(bad).toHaveTextContent("One is missing.");
  expect(screen.queryByText(/on the same card or disk/)).not.toBeInTheDocument();
});

it("says why the last one failed, and that the good one is kept", async () => {
  const last = { at: AT, automatic: true, name: null, detail: "/media/usb is not there. Is the disk plugged in?" };
  show([archive], { last });
  expect(await screen.findByRole("heading", { name: "The last backup failed" })).toBeInTheDocument();
  expect(screen.getByText(/Is the disk plugged in/)).toBeInTheDocument();
  expect(screen.getByText(/The last good backup is of/)).toBeInTheDocument();
});

it("shows how far it is", async () => {
  show([archive], { running: { step: "checking", done: 30, total: 120 } });
  expect(await screen.findByRole("progressbar")).toHaveAttribute("value", "30");
  expect(screen.getByRole("heading", { name: "Checking what was written…" })).toBeInTheDocument();
});

it("starts one, and changes only what was changed", async () => {
  const asked = show([archive]);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Back up now" }));
  await waitFor(() => expect(asked).toContainEqual({ method: "POST", path: "/api/v1/backups", body: {} }));
  await user.type(screen.getByLabelText("Folder"), "/media/usb/plughub");
  await user.type(screen.getByLabelText("Passphrase"), "a quiet blue kettle");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(asked).toContainEqual({
      method: "PATCH",
      path: "/api/v1/backups/settings",
      body: { folder: "/media/usb/plughub", passphrase: "a quiet blue kettle" },
    }),
  );
});

it("does not offer what the configuration sets", async () => {
  show([archive], { declared: ["folder", "passphrase"], own_folder: true });
  expect(
    await screen.findByText("Set in configuration.yaml, and changed only there: folder, passphrase"),
  ).toBeVisible();
  expect(screen.queryByLabelText("Folder")).not.toBeInTheDocument();
  expect(screen.queryByLabelText("Passphrase")).not.toBeInTheDocument();
});

it("is for admins of the first home, and says so to others without asking the hub", () => {
  expect(show([archive], {}, false)).toEqual([]);
  expect(screen.getByText(/Only admins of its first home see them/)).toBeInTheDocument();
});
