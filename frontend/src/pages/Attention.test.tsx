import { screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { outletsOf } from "../model/outlet";
import { alert } from "../test/alerts";
import { device } from "../test/make";
import { session, showPage } from "../test/page";
import { Attention } from "./Attention";

const NOW = Date.UTC(2026, 10, 30, 11);
const list = <T,>(items: T[]) => ({ items, next: null });
const away = device({ online: false, online_since: NOW - 3_600_000 });
const offline = alert({ kind: "offline", threshold: null, state: "firing", since: NOW, detail: "Lamp is offline." });

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("puts a firing alert before everything else, and counts the rest", async () => {
  const other = device({ id: "d2", key: "tv", name: "TV", online: false, online_since: NOW - 3_600_000 });
  showPage(<Attention views={outletsOf([device(), other])} now={NOW} />, {
    "GET /alerts": list([alert({ state: "firing", since: NOW - 600_000, detail: "Too much." }), alert({ id: "a2" })]),
    "GET /system/problems": list([{ id: "x", detail: "A problem.", since: NOW }]),
  });
  expect(await screen.findByText("Too much.")).toBeInTheDocument();
  expect(screen.getByTestId("attention")).toHaveAttribute("href", "/alerts");
  expect(await screen.findByText("since 11:50, and 2 more")).toBeInTheDocument();
});

it("says once that a plug is away", async () => {
  showPage(<Attention views={outletsOf([away])} now={NOW} />, { "GET /alerts": list([offline]) });
  expect(await screen.findByText("Lamp is offline.")).toBeInTheDocument();
  expect(screen.getByText("since 12:00")).toBeInTheDocument();
});

it("leads to the plugs where it is only they", async () => {
  showPage(
    <Attention views={outletsOf([away])} now={NOW} />,
    { "GET /alerts": list([{ ...offline, enabled: false }]) },
    session({ role: "user" }),
  );
  expect(await screen.findByText("Lamp is offline")).toBeInTheDocument();
  expect(screen.getByTestId("attention")).toHaveAttribute("href", "/plugs/lamp");
});
