import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { LinkView } from "../api/people.types";
import { problem, showPage } from "../test/page";
import Join from "./Join";

const joining = (home: string): LinkView => ({ purpose: "join", home, role: "user", name: null, expires: 0 });
const ended = problem(410, "invitation-over", "This link was used, withdrawn or has expired.");

/** As a click on a link of the page that is open does: the browser loads nothing. */
const open = (path: string): Promise<unknown> => {
  const changed = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  return act(async () => {
    location.hash = path;
    await changed;
  });
};

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("opens another link in the same tab, after one that is over", async () => {
  history.replaceState(null, "", "/join#over");
  let answer: unknown = ended;
  const { sent } = showPage(<Join />, { "POST /auth/link": () => answer });
  expect(await screen.findByText("This link does not open anything")).toBeInTheDocument();
  answer = joining("Nest");
  await open("good");
  expect(await screen.findByRole("heading", { name: "Join Nest" })).toBeInTheDocument();
  expect(screen.queryByText("This link does not open anything")).not.toBeInTheDocument();
  expect(sent.map(({ body }) => body)).toEqual([{ token: "over" }, { token: "good" }]);
});

it("uses the link that is open, and keeps nothing that was typed for the one before", async () => {
  history.replaceState(null, "", "/join#first");
  const links = [joining("Nest"), joining("Hut")];
  const { sent } = showPage(<Join />, { "POST /auth/link": () => links.shift(), "POST /auth/join": ended });
  await userEvent.type(await screen.findByLabelText("Password"), "typed for Nest");
  await open("second");
  expect(await screen.findByRole("heading", { name: "Join Hut" })).toBeInTheDocument();
  expect(screen.getByLabelText("Password")).toHaveValue("");
  await userEvent.type(screen.getByLabelText("Your name"), "Zoe");
  await userEvent.type(screen.getByLabelText("E-mail"), "zoe@home.example");
  await userEvent.type(screen.getByLabelText("Password"), "a quiet blue kettle");
  await userEvent.click(screen.getByRole("button", { name: "Join" }));
  await waitFor(() => expect(sent.at(-1)).toMatchObject({ asked: "POST /auth/join", body: { token: "second" } }));
});

it("opens a link for a password after another one", async () => {
  history.replaceState(null, "", "/new-password#first");
  const links: unknown[] = [ended, { purpose: "password", home: "", role: null, name: "Ben", expires: 0 }];
  const { sent } = showPage(<Join />, { "POST /auth/link": () => links.shift(), "POST /auth/password": null });
  expect(await screen.findByText("This link does not open anything")).toBeInTheDocument();
  await open("second");
  await userEvent.type(await screen.findByLabelText("New password"), "a quiet blue kettle");
  await userEvent.click(screen.getByRole("button", { name: "Set the password" }));
  await waitFor(() => expect(sent.at(-1)).toMatchObject({ asked: "POST /auth/password", body: { token: "second" } }));
});
