import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { Session } from "../api/auth.types";
import type { Device, FoundDevice } from "../api/devices.types";
import type { PairingList } from "../api/pairing.types";
import type { Role } from "../api/people.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import { device } from "../test/make";
import AddPlug from "./AddPlug";

const busy = { code: "pairing-busy", detail: "Somebody else is pairing it.", field: "hardware_id" };
const QR = "PLUGHUB:1:plug-7c2f11:K7QM2XPA9D4THV3N";
let sent: unknown[];

function show(address: string, { role = "user", offered = true }: { role?: Role; offered?: boolean } = {}): void {
  sent = [];
  const list: PairingList = { items: [], offered, next: null };
  vi.stubGlobal("matchMedia", () => ({ matches: true, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string, { method, body }: RequestInit) => {
      if (method === "GET") return Promise.resolve(new Response(JSON.stringify(list)));
      sent.push([path, JSON.parse(body as string)]);
      return Promise.resolve(new Response(JSON.stringify(busy), { status: 409 }));
    }),
  );
  history.replaceState(null, "", address);
  const hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  hub.queries.setQueryData<Device[]>(["devices"], [device()]);
  hub.queries.setQueryData<FoundDevice[]>(["found"], []);
  hub.queries.setQueryData<PairingList>(["pairings"], list);
  render(
    <HubProvider hub={hub}>
      <SignedIn session={{ user: { id: "u", role }, home: { id: "h", time_zone: "UTC" } } as Session}>
        <AddPlug />
      </SignedIn>
    </HubProvider>,
  );
}

const paste = async (label: string, text: string): Promise<void> => {
  await userEvent.click(screen.getByLabelText(label));
  await userEvent.paste(text);
};
const connect = async (): Promise<void> => userEvent.click(screen.getByRole("button", { name: "Connect" }));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("takes the whole text of a QR code in either field, and says who else pairs the plug", async () => {
  show("/plugs/add");
  await paste("Code", QR);
  expect(screen.getByLabelText("Hardware id")).toHaveValue("plug-7c2f11");
  expect(screen.getByLabelText("Code")).toHaveValue("K7QM-2XPA-9D4T-HV3N");
  await connect();
  const body = { hardware_id: "plug-7c2f11", name: "plug-7c2f11", pairing_code: "K7QM2XPA9D4THV3N" };
  expect(await screen.findByText("Somebody else is pairing it.")).toBeInTheDocument();
  expect(sent).toEqual([["/api/v1/devices", body]]);
});

it("says at its field what no label has, and asks the hub for nothing", async () => {
  show("/plugs/add?hardware=plug-1");
  await paste("Code", "1234");
  await connect();
  expect(screen.getByLabelText("Code")).toHaveAccessibleDescription(/16 letters and digits. Compare/);
  expect(sent).toEqual([]);
});

it("puts the new plug in the place of the one that it is asked for", async () => {
  show("/plugs/add?replace=lamp");
  expect(screen.getByRole("heading")).toHaveTextContent("Which plug takes the place of Lamp?");
  await paste("Hardware id", QR);
  await connect();
  const body = { hardware_id: "plug-7c2f11", pairing_code: "K7QM2XPA9D4THV3N" };
  await waitFor(() => expect(sent).toEqual([["/api/v1/devices/d1/replace", body]]));
});

it("says where the home's own broker keeps the logins, and goes by hand", async () => {
  show("/plugs/add", { offered: false });
  expect(screen.getByRole("heading")).toHaveTextContent("Your own MQTT broker keeps the logins");
  expect(screen.queryByLabelText("Code")).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("link", { name: "Set it up by hand" }));
  expect(screen.getByLabelText("Name")).toBeInTheDocument();
});

it("is not for guests", () => {
  show("/plugs/add", { role: "guest" });
  expect(screen.getByText("Guests cannot add a plug. Ask someone at home.")).toBeInTheDocument();
  expect(screen.queryByLabelText("Code")).not.toBeInTheDocument();
});
