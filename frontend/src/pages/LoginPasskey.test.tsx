import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { SystemInfo } from "../api/system.types";
import { Hub, HubProvider } from "../app/hub";
import { problem, session } from "../test/page";
import { shown, stubPasskeys } from "../test/passkeys";
import Login from "./Login";

const info = { name: "Home", version: "1", setup: "done", setup_closes: null, demo: false } as SystemInfo;
const OPTIONS = { challenge: "Y2hhbGxlbmdl", rp_id: "plughub.local", timeout: 300000 };
const HERE = location.href;
declare const jsdom: { reconfigure: (changed: { url: string }) => void }; // the page that Vitest made
let answers: Record<string, unknown>;
let asked: { path: string; body: unknown }[];

/** Waits, as the browser does, until it is told to stop. */
const waits = ({ signal }: CredentialRequestOptions): Promise<never> =>
  new Promise((_, refuse) => {
    signal?.addEventListener("abort", () => refuse(new DOMException("", "AbortError")));
  });

function show(): ReturnType<typeof vi.fn> {
  const hub = new Hub();
  const told = vi.fn();
  hub.client.onSession(told);
  render(
    <HubProvider hub={hub}>
      <Login info={info} />
    </HubProvider>,
  );
  return told;
}

beforeEach(() => {
  asked = [];
  answers = { "/auth/passkey/options": OPTIONS, "/auth/passkey": session() };
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string, { body }: RequestInit) => {
      const short = path.replace("/api/v1", "");
      asked.push({ path: short, body: typeof body === "string" ? JSON.parse(body) : undefined });
      const answer = answers[short];
      return Promise.resolve(answer instanceof Response ? answer.clone() : new Response(JSON.stringify(answer)));
    }),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  jsdom.reconfigure({ url: HERE });
});

it("offers none where the browser can use none, and asks the hub for nothing", async () => {
  show();
  await Promise.resolve();
  expect(screen.queryByRole("button", { name: "Use a passkey" })).not.toBeInTheDocument();
  expect(asked).toEqual([]);
});

it("offers none where the hub says that there can be none, and says nothing", async () => {
  stubPasskeys();
  answers["/auth/passkey/options"] = problem(403, "passkey-needs-name", "A passkey belongs to a name.");
  show();
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(screen.queryByRole("button", { name: "Use a passkey" })).not.toBeInTheDocument();
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();
});

it.each([
  ["http://127.0.0.1:8080", false],
  ["http://[::1]:8080", false],
  ["https://192.168.1.5", false],
  ["https://[fd00::5]", false],
  ["https://hub", false],
  ["http://plughub.local", false],
  ["http://localhost:8080", true],
  ["https://plughub.local", true],
])("asks the hub at %s: %s", async (address, asks) => {
  stubPasskeys();
  jsdom.reconfigure({ url: address });
  answers["/certificates/trusted"] = new Response(null, { status: 204 });
  show();
  if (asks) await screen.findByRole("button", { name: "Use a passkey" });
  else await new Promise((done) => setTimeout(done));
  expect(asked.some(({ path }) => path === "/auth/passkey/options")).toBe(asks);
});

it("signs in by the button", async () => {
  const { get } = stubPasskeys();
  get.mockResolvedValue(shown);
  const told = show();
  await userEvent.click(await screen.findByRole("button", { name: "Use a passkey" }));
  await waitFor(() => expect(told).toHaveBeenCalledWith(session()));
  const [{ publicKey, mediation }] = get.mock.calls[0] as [CredentialRequestOptions];
  expect(publicKey).toMatchObject({ rpId: "plughub.local", userVerification: "required" });
  expect(mediation).toBeUndefined();
  expect(asked.at(-1)).toEqual({
    path: "/auth/passkey",
    body: {
      id: "Y3JlZGVudGlhbA",
      client_data_json: "e30",
      authenticator_data: "ZGF0YQ",
      signature: "c2lnbmF0dXJl",
      user_handle: "dTE",
    },
  });
});

it("signs in by the list under the e-mail field", async () => {
  const { get } = stubPasskeys(true);
  get.mockResolvedValue(shown);
  const told = show();
  await waitFor(() => expect(told).toHaveBeenCalledWith(session()));
  expect(get).toHaveBeenCalledWith(expect.objectContaining({ mediation: "conditional" }));
  expect(screen.getByLabelText("E-mail")).toHaveAttribute("autocomplete", "username webauthn");
});

it("ends the list before the button's own question, and has it back after a refusal", async () => {
  const { get } = stubPasskeys(true);
  get.mockImplementationOnce(waits).mockRejectedValueOnce(new DOMException("", "NotAllowedError"));
  get.mockImplementation(waits);
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Use a passkey" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("It was cancelled, or took too long.");
  await waitFor(() => expect(get).toHaveBeenCalledTimes(3));
  const [first, second, third] = get.mock.calls.map(([options]) => options as CredentialRequestOptions);
  expect(first?.signal?.aborted).toBe(true);
  expect([first, second, third].map((options) => options?.mediation)).toEqual([
    ...["conditional", undefined, "conditional"],
  ]);
  expect(third?.signal?.aborted).toBe(false);
});

it("says what the hub says of a passkey that it does not know", async () => {
  const { get } = stubPasskeys();
  get.mockResolvedValue(shown);
  answers["/auth/passkey"] = problem(401, "passkey-refused", "This passkey does not open the hub.");
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Use a passkey" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("This passkey does not open the hub.");
});
