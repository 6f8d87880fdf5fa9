import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { problem, session, showPage, user } from "../test/page";
import Account from "./Account";

const OFF = { "GET /account/second-factor": { enabled: false, recovery_codes_left: 0 } };
const part = (name: string) => within(screen.getByRole("region", { name }));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("asks for the password only where the e-mail changes", async () => {
  const { hub, sent } = showPage(<Account />, { ...OFF, "PATCH /account": user({ email: "new@home.example" }) });
  const profile = part("Profile");
  expect(profile.queryByLabelText("Your password")).not.toBeInTheDocument();
  const email = profile.getByLabelText("E-mail");
  await userEvent.clear(email);
  await userEvent.type(email, "new@home.example");
  await userEvent.click(profile.getByRole("button", { name: "Save" }));
  expect(profile.getByText("Enter your password.")).toBeInTheDocument();
  expect(sent).toEqual([]);
  const told = vi.fn();
  hub.client.onSession(told);
  await userEvent.type(profile.getByLabelText("Your password"), "secret phrase");
  await userEvent.click(profile.getByRole("button", { name: "Save" }));
  const body = { name: "Ada", language: "en", email: "new@home.example", password: "secret phrase" };
  await waitFor(() => expect(sent).toEqual([{ asked: "PATCH /account", body }]));
  await waitFor(() =>
    expect(told).toHaveBeenCalledWith(expect.objectContaining({ user: user({ email: "new@home.example" }) })),
  );
});

it("says at the field what is wrong with a password, and keeps what was typed", async () => {
  const wrong = problem(403, "password-wrong", "This is not your password.", "current");
  showPage(<Account />, { ...OFF, "POST /account/password": wrong });
  const form = part("Password");
  await userEvent.type(form.getByLabelText("Current password"), "guess");
  await userEvent.type(form.getByLabelText("New password"), "short");
  await userEvent.click(form.getByRole("button", { name: "Change password" }));
  expect(form.getByText("Use at least 10 characters.")).toBeInTheDocument();
  await userEvent.type(form.getByLabelText("New password"), " but longer");
  await userEvent.click(form.getByRole("button", { name: "Change password" }));
  expect(await form.findByText("This is not your password.")).toBeInTheDocument();
  expect(form.getByLabelText("Current password")).toHaveAccessibleDescription("This is not your password.");
  expect(form.getByLabelText("New password")).toHaveValue("short but longer");
});

it("shows recovery codes until they are said to be kept, and then never again", async () => {
  const { sent } = showPage(<Account />, {
    ...OFF,
    "POST /account/second-factor": { secret: "JBSWY3DPEHPK3PXP", link: "otpauth://totp/x", qr: "<svg onload='x'/>" },
    "POST /account/second-factor/confirm": { codes: ["k7m2p-q9x4w", "b3h8r-t6y2v"] },
  });
  const factor = part("Second step");
  await userEvent.click(await factor.findByRole("button", { name: "Switch on" }));
  await userEvent.type(factor.getByLabelText("Your password"), "secret phrase");
  await userEvent.click(factor.getByRole("button", { name: "Next" }));
  // The code is drawn as an image, in which nothing runs.
  expect(await factor.findByRole("img")).toHaveAttribute("src", expect.stringMatching(/^data:image\/svg\+xml,%3Csvg/));
  expect(screen.getByRole("heading", { name: "Second step" })).toHaveFocus();
  await userEvent.type(factor.getByLabelText("Code of the app"), "123 456");
  await userEvent.click(factor.getByRole("button", { name: "Switch on" }));
  expect(await screen.findByText("k7m2p-q9x4w")).toBeInTheDocument();
  expect(sent.at(-1)?.body).toEqual({ code: "123456" });
  const heading = screen.getByRole("heading", { name: "Recovery codes" });
  await waitFor(() => expect(heading).toHaveFocus());
  const done = screen.getByRole("button", { name: "Done" });
  expect(done).toBeDisabled();
  const leaving = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(leaving);
  expect(leaving.defaultPrevented).toBe(true);
  await userEvent.click(screen.getByLabelText("I have kept the codes"));
  await userEvent.click(done);
  await waitFor(() => expect(screen.queryByText("k7m2p-q9x4w")).not.toBeInTheDocument());
  const later = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(later);
  expect(later.defaultPrevented).toBe(false);
});

it("makes a key with every scope up to the chosen one, and shows it once", async () => {
  const key = { id: "k1", name: "Node-RED", hint: "plughub_k3f9", scopes: [], created: 0, expires: null, used: null };
  const { sent } = showPage(<Account />, { ...OFF, "POST /account/keys": { key, text: "plughub_k3f9secret" } });
  const keys = part("API keys");
  await userEvent.click(keys.getByRole("button", { name: "Make a key" }));
  await userEvent.type(keys.getByLabelText("Name"), "Node-RED");
  const may = keys.getByLabelText("What it may do");
  expect(may).toHaveAccessibleDescription(/sees .* and changes nothing\.$/);
  await userEvent.selectOptions(may, "admin");
  expect(may).toHaveAccessibleDescription(/makes nobody an admin/);
  await userEvent.selectOptions(may, "control");
  expect(may).toHaveAccessibleDescription("It also switches the plugs that you may switch.");
  await userEvent.selectOptions(keys.getByLabelText("Holds for"), "never");
  await userEvent.click(keys.getByRole("button", { name: "Make a key" }));
  expect(keys.getByText("Enter your password.")).toBeInTheDocument();
  expect(sent).toEqual([]);
  await userEvent.type(keys.getByLabelText("Your password"), "secret phrase");
  await userEvent.click(keys.getByRole("button", { name: "Make a key" }));
  expect(await screen.findByText("plughub_k3f9secret")).toBeInTheDocument();
  expect(sent).toEqual([
    {
      asked: "POST /account/keys",
      body: { name: "Node-RED", scopes: ["read", "control"], expires: null, password: "secret phrase" },
    },
  ]);
  await userEvent.click(screen.getByRole("button", { name: "I have copied it" }));
  expect(screen.queryByText("plughub_k3f9secret")).not.toBeInTheDocument();
});

it("offers a guest only keys that read", async () => {
  showPage(<Account />, OFF, session({ role: "guest" }));
  const keys = part("API keys");
  await userEvent.click(keys.getByRole("button", { name: "Make a key" }));
  const may = keys.getByLabelText("What it may do");
  expect(within(may).getAllByRole("option")).toHaveLength(1);
  expect(may).toHaveAccessibleDescription(/A guest’s key can do no more\.$/);
});

it("tells a user that only an admin's key looks after the home", async () => {
  showPage(<Account />, OFF, session({ role: "user" }));
  const keys = part("API keys");
  await userEvent.click(keys.getByRole("button", { name: "Make a key" }));
  const may = keys.getByLabelText("What it may do");
  expect(within(may).queryByRole("option", { name: /home/ })).not.toBeInTheDocument();
  await userEvent.selectOptions(may, "manage");
  expect(may).toHaveAccessibleDescription(/Only an admin’s key looks after the home\.$/);
});

it("does not let the last admin go, and says why in the dialog", async () => {
  const refused = problem(409, "last-admin", "A home needs an admin, and this is the only one.");
  const { hub } = showPage(<Account />, { ...OFF, "POST /account/delete": refused });
  const told = vi.fn();
  hub.client.onSession(told);
  await userEvent.click(screen.getByRole("button", { name: "Delete account" }));
  const dialog = within(await screen.findByRole("alertdialog"));
  await userEvent.click(dialog.getByRole("button", { name: "Delete account" }));
  expect(dialog.getByText("Enter your password.")).toBeInTheDocument();
  await userEvent.type(dialog.getByLabelText("Your password"), "secret phrase");
  await userEvent.click(dialog.getByRole("button", { name: "Delete account" }));
  expect(await dialog.findByText("A home needs an admin, and this is the only one.")).toBeInTheDocument();
  expect(told).not.toHaveBeenCalled();
});

const KEY = {
  id: "1",
  name: "Node-RED",
  hint: "plughub_k3f9",
  scopes: ["read"],
  created: 1764000000000,
  expires: 10 ** 18,
  used: null,
};

it("ends the API keys with the old password where one says so", async () => {
  const { sent } = showPage(<Account />, {
    ...OFF,
    "GET /account/keys": { items: [KEY], next: null },
    "POST /account/password": {},
  });
  const form = part("Password");
  await userEvent.type(form.getByLabelText("Current password"), "secret phrase");
  await userEvent.type(form.getByLabelText("New password"), "a new long phrase");
  await userEvent.click(await form.findByLabelText("End my API keys, too"));
  await userEvent.click(form.getByRole("button", { name: "Change password" }));
  const body = { current: "secret phrase", password: "a new long phrase", end_keys: true };
  await waitFor(() => expect(sent).toEqual([{ asked: "POST /account/password", body }]));
});

it("lists a key whose end no calendar has", async () => {
  showPage(<Account />, { ...OFF, "GET /account/keys": { items: [KEY], next: null } });
  expect(await part("API keys").findByText(/until a day that cannot be shown/)).toBeInTheDocument();
});
