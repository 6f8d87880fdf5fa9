import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { made, raw, stubPasskeys } from "../test/passkeys";
import { problem, showPage } from "../test/page";
import { AccountPasskeys } from "./AccountPasskeys";

const PHONE = { id: "p1", name: "Phone", rp_id: "plughub.local", created: 1764000000000, used: null };
const list = (items = [PHONE], why: string | null = null) => ({
  "GET /account/passkeys": { items, rp_id: why === null ? "plughub.local" : null, why, next: null },
});
const OPTIONS = {
  challenge: "Y2hhbGxlbmdl",
  rp_id: "plughub.local",
  rp_name: "Smart Plug AI",
  user_id: "dTE",
  user_name: "ada@home.example",
  user_display_name: "Ada",
  algorithms: [-7, -257],
  exclude: ["Y3JlZA"],
  timeout: 300000,
};

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("says why none can be made, and where the way begins", async () => {
  showPage(<AccountPasskeys />, list());
  expect(await screen.findByText(/Passkeys need HTTPS and the hub’s name/)).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Secure this device" })).toHaveAttribute("href", "/secure");
  expect(screen.queryByRole("button", { name: "Make a passkey" })).not.toBeInTheDocument();
  expect(await screen.findByText("Phone")).toBeInTheDocument();
});

it("says what the hub says against its address", async () => {
  stubPasskeys();
  showPage(<AccountPasskeys />, list([], "A passkey belongs to a name, not to an address."));
  expect(await screen.findByText("A passkey belongs to a name, not to an address.")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Make a passkey" })).not.toBeInTheDocument();
});

async function begin(answers: Record<string, unknown>) {
  const { create } = stubPasskeys();
  const page = showPage(<AccountPasskeys />, { ...list([]), "POST /account/passkeys/options": OPTIONS, ...answers });
  await userEvent.click(await screen.findByRole("button", { name: "Make a passkey" }));
  const name = screen.getByLabelText("Name");
  await userEvent.clear(name);
  await userEvent.type(name, "Phone");
  return { create, ...page };
}
const submit = () => userEvent.click(screen.getByRole("button", { name: "Make a passkey" }));

it("makes one with the password, as the hub asks for it", async () => {
  const { create, sent } = await begin({ "POST /account/passkeys": PHONE });
  create.mockResolvedValue(made);
  await submit();
  expect(screen.getByText("Enter your password.")).toBeInTheDocument();
  expect(sent).toEqual([]);
  await userEvent.type(screen.getByLabelText("Your password"), "secret phrase");
  await submit();
  expect(await screen.findByText("The passkey “Phone” opens your account.")).toBeInTheDocument();
  const [{ publicKey }] = create.mock.calls[0] as [CredentialCreationOptions];
  expect(publicKey).toMatchObject({
    rp: { id: "plughub.local" },
    attestation: "none",
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    pubKeyCredParams: [{ alg: -7 }, { alg: -257 }],
  });
  expect(publicKey?.challenge).toEqual(new Uint8Array(raw("challenge")));
  expect(publicKey?.excludeCredentials?.[0]?.id).toEqual(new Uint8Array(raw("cred")));
  expect(sent).toEqual([
    { asked: "POST /account/passkeys/options", body: { password: "secret phrase" } },
    {
      asked: "POST /account/passkeys",
      body: { name: "Phone", attestation_object: "YXR0ZXN0YXRpb24_Pg", client_data_json: "e30" },
    },
  ]);
});

it.each([
  [new DOMException("", "NotAllowedError"), "It was cancelled, or took too long. Try again when you like."],
  [new DOMException("", "InvalidStateError"), "This device has a passkey for your account already."],
  [new DOMException("", "SecurityError"), "The browser makes no passkeys for this address."],
  [new DOMException("TLS certificate errors", "NotAllowedError"), /a browser that trusts the hub’s certificate/],
  [new DOMException("", "UnknownError"), "The device could not do it. Try another one, or your password."],
])("says in words what the browser refuses: %s", async (refusal, words) => {
  const { create } = await begin({});
  create.mockRejectedValue(refusal);
  await userEvent.type(screen.getByLabelText("Your password"), "secret phrase");
  await submit();
  expect(await screen.findByRole("alert")).toHaveTextContent(words);
  expect(screen.getByLabelText("Your password")).toHaveValue("secret phrase");
});

it("says at the field that the password is wrong", async () => {
  const wrong = problem(403, "password-wrong", "This is not your password.", "password");
  await begin({ "POST /account/passkeys/options": wrong });
  await userEvent.type(screen.getByLabelText("Your password"), "guess");
  await submit();
  await waitFor(() =>
    expect(screen.getByLabelText("Your password")).toHaveAccessibleDescription("This is not your password."),
  );
});

it("renames and removes one, which asks for the password", async () => {
  stubPasskeys();
  const { sent } = showPage(<AccountPasskeys />, list());
  expect(await screen.findByText(/^for plughub\.local, since/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Rename Phone" }));
  const name = screen.getByLabelText("Name");
  await userEvent.clear(name);
  await userEvent.type(name, "Old phone{Enter}");
  await userEvent.click(await screen.findByRole("button", { name: "Remove Phone" }));
  const dialog = within(await screen.findByRole("alertdialog"));
  await userEvent.type(dialog.getByLabelText("Your password"), "secret phrase");
  await userEvent.click(dialog.getByRole("button", { name: "Remove Phone" }));
  await waitFor(() =>
    expect(sent).toEqual([
      { asked: "PATCH /account/passkeys/p1", body: { name: "Old phone" } },
      { asked: "POST /account/passkeys/p1/remove", body: { password: "secret phrase" } },
    ]),
  );
});
