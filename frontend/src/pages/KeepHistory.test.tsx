import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Session } from "../api/auth.types";
import type { Device } from "../api/devices.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import { device } from "../test/make";
import { AnnouncerProvider } from "../ui/Announcer";
import EditPlug from "./EditPlug";
import { keptOf, retentionOf } from "./KeepHistory";

const session = { user: { id: "u" }, home: { id: "h", time_zone: "Europe/Berlin" } } as Session;
let sent: unknown[];

function show(plug: Device): void {
  vi.stubGlobal(
    "fetch",
    vi.fn((_: string, { method, body }: RequestInit) => {
      if (method === "PATCH") sent.push(JSON.parse(body as string));
      return Promise.resolve(new Response(JSON.stringify(plug)));
    }),
  );
  const hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  hub.queries.setQueryData<Device[]>(["devices"], [plug]);
  render(
    <HubProvider hub={hub}>
      <SignedIn session={session}>
        <AnnouncerProvider>
          <EditPlug plug={plug.key} />
        </AnnouncerProvider>
      </SignedIn>
    </HubProvider>,
  );
}

const save = async (): Promise<void> => userEvent.click(screen.getByRole("button", { name: "Save" }));
const field = (name: string): HTMLInputElement => screen.getByLabelText(name);

beforeEach(() => {
  sent = [];
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("reads whole days, and nothing as what the home has", () => {
  const kept = { raw: "3", minutes: "", hours: " 730 ", days: "" };
  expect(retentionOf(kept)).toEqual({ raw: 3, minutes: null, hours: 730, days: null });
  expect(keptOf({ raw: 3, minutes: null, hours: 730, days: null })).toEqual({ ...kept, hours: "730" });
  expect(retentionOf(keptOf(null))).toBeNull();
  for (const raw of ["0", "1.5", "-3", "soon", "40000"]) expect(retentionOf({ ...kept, raw })).toBeUndefined();
});

it("sends what was set, and leaves alone what was not", async () => {
  show(device({ retention: { raw: 3, minutes: null, hours: null, days: null } }));
  await save();
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).not.toHaveProperty("retention");
});

it("says what is wrong with it, and sends nothing", async () => {
  show(device());
  await userEvent.click(screen.getByText("Advanced"));
  await userEvent.type(field("Keep every measurement"), "soon");
  await save();
  expect((await screen.findByRole("alert")).textContent).toContain("whole days");
  expect(sent).toEqual([]);
  await userEvent.clear(field("Keep every measurement"));
  await userEvent.type(field("Keep every measurement"), "3");
  await save();
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ retention: { raw: 3, minutes: null, hours: null, days: null } });
});
