import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { session, showPage } from "../test/page";
import { changesOf, HomeSettings } from "./HomeSettings";

const before = { name: "Home", time_zone: "Europe/Berlin", currency: "EUR", price: "0.31", week_start: "0" };

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("sends only what differs, and no price that is none", () => {
  expect(changesOf(before, before)).toEqual({});
  expect(changesOf({ ...before, name: " Garden ", week_start: "6" }, before)).toEqual({
    name: "Garden",
    week_start: 6,
  });
  expect(changesOf({ ...before, price: "0,3456" }, before)).toEqual({ price: 0.3456 });
  expect(changesOf({ ...before, price: "cheap" }, before)).toBeUndefined();
  expect(changesOf({ ...before, price: "" }, before)).toBeUndefined();
});

it("locks what the configuration sets, and says where it is changed", () => {
  const by = session();
  by.home.declared = ["name", "currency"];
  showPage(<HomeSettings />, {}, by);
  expect(screen.queryByLabelText("Name")).not.toBeInTheDocument();
  expect(screen.queryByLabelText("Currency")).not.toBeInTheDocument();
  expect(screen.getByLabelText("Time zone")).toBeInTheDocument();
  expect(screen.getByText(/set in configuration\.yaml/)).toBeInTheDocument();
});

it("moves to another home with the session that the hub gives", async () => {
  const garden = session();
  garden.home = { ...garden.home, id: "h2", name: "Garden" };
  const { hub, sent } = showPage(<HomeSettings />, {
    "GET /homes": {
      items: [
        { home: session().home, role: "admin" },
        { home: garden.home, role: "guest" },
      ],
      next: null,
    },
    "POST /account/home": garden,
  });
  const told = vi.fn();
  hub.client.onSession(told);
  await userEvent.selectOptions(await screen.findByLabelText("Shown home"), "Garden (Guest)");
  await waitFor(() => expect(told).toHaveBeenCalledWith(garden));
  expect(sent).toEqual([{ asked: "POST /account/home", body: { home: "h2" } }]);
});
