import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { problem, session, showPage } from "../test/page";
import { HomesSheet } from "./HomesSheet";

const own = session().home;
const garden = { ...own, id: "h2", name: "Garden house" };
const both = {
  items: [
    { home: own, role: "admin", first: true },
    { home: garden, role: "admin", first: false },
  ],
  next: null,
};

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("lists them, and takes all away but the hub's own", async () => {
  const { sent } = showPage(<HomesSheet />, { "GET /homes": both });
  const rows = await screen.findAllByRole("listitem");
  expect(rows.map((row) => row.textContent)).toEqual(["HomeAdmin · shown now · the hub’s own", "Garden houseAdmin"]);
  expect(screen.getAllByRole("button", { name: /^Take .* away$/ })).toHaveLength(1);
  await userEvent.click(screen.getByRole("button", { name: "Take Garden house away" }));
  const dialog = await screen.findByRole("alertdialog", { name: "Take Garden house away?" });
  expect(sent).toEqual([]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Take away" }));
  await waitFor(() => expect(screen.getAllByRole("listitem")).toHaveLength(1));
  expect(sent).toEqual([{ asked: "DELETE /homes/h2", body: undefined }]);
});

it("says in the dialog what the hub says against it", async () => {
  showPage(<HomesSheet />, { "GET /homes": both, "DELETE /homes/h2": problem(403, "forbidden", "Not yours.") });
  await userEvent.click(await screen.findByRole("button", { name: "Take Garden house away" }));
  const dialog = await screen.findByRole("alertdialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Take away" }));
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("Not yours.");
  expect(screen.getAllByRole("listitem", { hidden: true })).toHaveLength(2);
});

it("makes another one where the shown one is", async () => {
  const { sent } = showPage(<HomesSheet />, { "GET /homes": both, "POST /homes": garden });
  await userEvent.click(await screen.findByRole("button", { name: "Add a home" }));
  await userEvent.click(screen.getByRole("button", { name: "Make the home" }));
  expect(sent).toEqual([]);
  expect(screen.getByLabelText("Name")).toHaveAttribute("aria-invalid", "true");
  await userEvent.type(screen.getByLabelText("Name"), " Garden house ");
  await userEvent.click(screen.getByRole("button", { name: "Make the home" }));
  expect(await screen.findByRole("button", { name: "Add a home" })).toBeInTheDocument();
  expect(sent).toEqual([
    { asked: "POST /homes", body: { name: "Garden house", time_zone: "Europe/Berlin", currency: "EUR" } },
  ]);
});
