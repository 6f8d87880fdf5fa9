import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { SystemInfo } from "../api/system.types";
import { Hub, HubProvider } from "../app/hub";
import { problem, session } from "../test/page";
import Login from "./Login";

const info = { name: "Home", version: "1", setup: "done", setup_closes: null, demo: false } as SystemInfo;
let answers: Response[];
let sent: unknown[];

function show(hub = new Hub()): Hub {
  render(
    <HubProvider hub={hub}>
      <Login info={info} />
    </HubProvider>,
  );
  return hub;
}

beforeEach(() => {
  localStorage.clear();
  answers = [];
  sent = [];
  vi.stubGlobal(
    "fetch",
    vi.fn((_path: string, { body }: RequestInit) => {
      sent.push(JSON.parse(body as string));
      return Promise.resolve(answers.shift());
    }),
  );
});
afterEach(() => vi.unstubAllGlobals());

it("asks for a code where the account has a second step, with the field ready for it", async () => {
  answers = [problem(401, "code-needed", "Enter a code."), new Response(JSON.stringify(session()))];
  const hub = show();
  const told = vi.fn();
  hub.client.onSession(told);
  await userEvent.type(screen.getByLabelText("E-mail"), "ada@home.example");
  await userEvent.type(screen.getByLabelText("Password"), "secret phrase");
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByRole("heading", { name: "Second step" })).toBeInTheDocument();
  await waitFor(() => expect(screen.getByLabelText("Code")).toHaveFocus());
  await userEvent.keyboard("123456{Enter}");
  await waitFor(() => expect(told).toHaveBeenCalledWith(session()));
  expect(sent.at(-1)).toEqual({ email: "ada@home.example", password: "secret phrase", code: "123456" });
});

it("says that the session has ended, and says nothing to who signed out", async () => {
  const hub = new Hub();
  hub.client.setSession(session());
  answers = [problem(401, "session-ended", "Your session has ended."), problem(401, "session-ended", "")];
  expect(await hub.client.refresh()).toBeNull();
  expect(hub.client.ended).toBe(true);
  const { unmount } = render(
    <HubProvider hub={hub}>
      <Login info={info} />
    </HubProvider>,
  );
  expect(screen.getByRole("status")).toHaveTextContent("Your session has ended. Sign in again.");
  unmount();
  hub.client.setSession(session());
  hub.client.setSession(null);
  show(hub);
  expect(screen.queryByRole("status")).not.toBeInTheDocument();
});
