import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../api/auth.types";
import type { Device } from "../api/devices.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import { device } from "../test/make";
import { AnnouncerProvider } from "../ui/Announcer";
import { RemovePlug } from "./RemovePlug";

const session = { user: { id: "u" }, home: { id: "h", time_zone: "Europe/Berlin" } } as Session;
const since = { at: [Date.UTC(2025, 2, 3, 11)], device: "d1", channel: 0 };
let sent: string[];
let hub: Hub;

function show(answer: () => Response): void {
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string, { method }: RequestInit) => {
      const history = { start: 0, end: 1, series: [since], gaps: [] };
      if (method !== "DELETE") return Promise.resolve(new Response(JSON.stringify(history)));
      sent.push(path);
      return Promise.resolve(answer());
    }),
  );
  hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  hub.queries.setQueryData<Device[]>(["devices"], [device(), device({ id: "d2" })]);
  render(
    <HubProvider hub={hub}>
      <SignedIn session={session}>
        <AnnouncerProvider>
          <RemovePlug device={device()} onRemoving={vi.fn()} />
        </AnnouncerProvider>
      </SignedIn>
    </HubProvider>,
  );
}

const open = async (): Promise<void> => userEvent.click(screen.getByRole("button", { name: "Remove plug" }));

beforeEach(() => {
  sent = [];
  history.replaceState(null, "", "/plugs/lamp/edit");
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("says what goes with the plug, and does nothing before that is answered", async () => {
  show(() => new Response(null, { status: 204 }));
  await open();
  expect(screen.getByRole("alertdialog")).toHaveAccessibleName("Remove “Lamp”?");
  expect(await screen.findByText(/Everything it measured since 3 March 2025 goes with it/)).toBeInTheDocument();
  const keep = screen.getByRole("button", { name: "Keep" });
  await waitFor(() => expect(keep).toHaveFocus());
  await userEvent.click(keep);
  await waitFor(() => expect(screen.queryByRole("alertdialog")).not.toBeInTheDocument());
  await waitFor(() => expect(screen.getByRole("button", { name: "Remove plug" })).toHaveFocus());
  expect(sent).toEqual([]);
});

it("removes it, goes back to the plugs and says so", async () => {
  show(() => new Response(null, { status: 204 }));
  await open();
  await userEvent.click(screen.getByRole("button", { name: "Remove “Lamp”" }));
  expect(await screen.findByText("Lamp is removed.")).toBeInTheDocument();
  expect(sent).toEqual(["/api/v1/devices/d1"]);
  expect(location.pathname).toBe("/plugs");
  expect(hub.queries.getQueryData<Device[]>(["devices"])?.map(({ id }) => id)).toEqual(["d2"]);
});

it("says in the dialog why it was not removed, and keeps the plug", async () => {
  const problem = { title: "", status: 403, code: "forbidden", detail: "You may not do this." };
  show(() => new Response(JSON.stringify(problem), { status: 403 }));
  await open();
  await userEvent.click(screen.getByRole("button", { name: "Remove “Lamp”" }));
  expect(await screen.findByText("You may not do this.")).toBeInTheDocument();
  expect(location.pathname).toBe("/plugs/lamp/edit");
  expect(hub.queries.getQueryData<Device[]>(["devices"])).toHaveLength(2);
});

it("is content where somebody else removed it meanwhile", async () => {
  const problem = { title: "", status: 404, code: "device-unknown", detail: "There is no such device." };
  show(() => new Response(JSON.stringify(problem), { status: 404 }));
  await open();
  await userEvent.click(screen.getByRole("button", { name: "Remove “Lamp”" }));
  expect(await screen.findByText("Lamp is removed.")).toBeInTheDocument();
});
