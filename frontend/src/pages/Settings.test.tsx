import { screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { SystemInfo } from "../api/system.types";
import { session, showPage } from "../test/page";
import Settings from "./Settings";

const info = { name: "Smart Plug AI", version: "0.1.0", demo: false } as SystemInfo;
/** What is the hub's own, and not one home's. */
const HUB = /\/(plugins|rejects|backups|certificates|problems)\b/;
const asked = (): string[] => vi.mocked(fetch).mock.calls.map(([path]) => path as string);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("shows an admin of another home nothing of the hub, and asks for none of it", async () => {
  showPage(<Settings info={info} />, {}, session({ operator: false }));
  expect(await screen.findByRole("heading", { name: "Audit log" })).toBeInTheDocument();
  expect(screen.queryByRole("heading", { name: "Backup" })).not.toBeInTheDocument();
  expect(asked().filter((path) => HUB.test(path))).toEqual([]);
});

it("shows it to who looks after the hub", async () => {
  showPage(<Settings info={info} />, {});
  expect(await screen.findByRole("heading", { name: "Backup" })).toBeInTheDocument();
  expect(asked().some((path) => path.endsWith("/plugins"))).toBe(true);
});
