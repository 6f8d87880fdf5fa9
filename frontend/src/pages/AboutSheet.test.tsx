import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { SystemInfo } from "../api/system.types";
import type { UpdateState } from "../api/updates.types";
import { device } from "../test/make";
import { problem, session, showPage } from "../test/page";
import { AboutSheet } from "./AboutSheet";

const info = { name: "Smart Plug AI", version: "1.2.0", demo: false } as SystemInfo;
const state = (more: Partial<UpdateState> = {}): UpdateState => ({
  version: "1.2.0",
  firmware: "1.2.0",
  check: false,
  declared: false,
  source: "releases.example",
  asking: false,
  asked: null,
  detail: null,
  newest: null,
  ...more,
});
const out = {
  version: "1.4.0",
  security: true,
  notes: "https://releases.example/1.4.0",
  issued: 0,
  detail: "Version 1.4.0 mends a security fault of this hub (1.2.0).",
};

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("asks plainly before anybody is asked, and tells what came of it", async () => {
  let now = state();
  const allow = (): UpdateState => (now = state({ check: true, asked: 1, newest: out }));
  const { sent } = showPage(<AboutSheet info={info} />, {
    "GET /system/updates": () => now,
    "PATCH /system/updates": allow,
  });
  const look = await screen.findByRole("switch", { name: /Look for new versions/ });
  expect(look).not.toBeChecked();
  expect(screen.getByText(/releases\.example.*the same from every hub/)).toBeInTheDocument();
  await userEvent.click(look);
  const told = await screen.findByText(/mends a security fault/);
  expect(sent).toEqual([{ asked: "PATCH /system/updates", body: { check: true } }]);
  expect(told.closest(".note")).toHaveClass("danger-soft");
  const notes = screen.getByRole("link", { name: "What is new, and how to update" });
  expect(notes).toHaveAttribute("href", out.notes);
  expect(notes).toHaveAttribute("rel", "noreferrer");
  expect(look).toBeChecked();
});

it("says why looking brought nothing", async () => {
  showPage(<AboutSheet info={info} />, {
    "GET /system/updates": state(),
    "POST /system/updates/check": problem(502, "updates-signature-wrong", "It is not believed."),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Look now" }));
  expect(await screen.findByText("It is not believed.", { selector: "p" })).toBeInTheDocument();
});

it("offers nothing that the configuration has decided or does not know", async () => {
  showPage(<AboutSheet info={info} />, { "GET /system/updates": state({ declared: true, check: true }) });
  expect(await screen.findByText(/releases\.example once a day/)).toBeInTheDocument();
  expect(screen.queryByRole("switch")).toBeNull();
});

it("says that there is nobody to ask", async () => {
  showPage(<AboutSheet info={info} />, { "GET /system/updates": state({ source: null }) });
  expect(await screen.findByText(/names nobody/)).toBeInTheDocument();
  expect(screen.queryByRole("button")).toBeNull();
});

it("names plugs with older firmware to those who may update them, and asks nothing of others", async () => {
  const items = [
    device({ firmware: "smartplug 1.1.0", newer_firmware: "1.2.0" }),
    device({ id: "d2", key: "fridge", name: "Fridge", right: "view", newer_firmware: "1.2.0" }),
    device({ id: "d3", key: "tv", name: "TV" }),
  ];
  showPage(<AboutSheet info={info} />, { "GET /devices": { items, next: null } }, session({ operator: false }));
  await waitFor(() => expect(screen.getByRole("link", { name: "Lamp" })).toHaveAttribute("href", "/plugs/lamp/edit"));
  expect(screen.getByText(/1 plug .*1\.2\.0/)).toBeInTheDocument();
  expect(screen.getAllByRole("link")).toHaveLength(1);
});
