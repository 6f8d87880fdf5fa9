import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { HttpsAccess } from "../api/https";
import { Hub, HubProvider } from "../app/hub";
import { Secure } from "./SecurePhone";
import { systemOf } from "./SecureSteps";

const access: HttpsAccess = {
  secure: false,
  port: 8443,
  only: false,
  own: false,
  address: "https://pi.lan:8443",
  install: "http://pi.lan:8080/secure",
  authority: "Smart Plug AI 1f00c3d9",
};
let trusts = false;
let asked: number;
const later = vi.fn();
const done = vi.fn();

function show(changes: Partial<HttpsAccess> = {}): void {
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string) => {
      if (!path.endsWith("/trusted")) return Promise.resolve(new Response(JSON.stringify({ ...access, ...changes })));
      expect(path).toBe("https://pi.lan:8443/api/v1/certificates/trusted");
      asked += 1;
      return trusts ? Promise.resolve(new Response(null, { status: 204 })) : Promise.reject(new TypeError("TLS"));
    }),
  );
  render(
    <HubProvider hub={new Hub()}>
      <Secure onLater={later} onDone={done} />
    </HubProvider>,
  );
}

function worker(register: () => Promise<{ unregister: () => void }>): void {
  Object.defineProperty(navigator, "serviceWorker", { configurable: true, value: { register } });
}

beforeEach(() => {
  trusts = false;
  asked = 0;
  later.mockClear();
  done.mockClear();
  vi.useFakeTimers({ shouldAdvanceTime: true });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  Reflect.deleteProperty(navigator, "serviceWorker");
});

it("goes on by itself when the certificate has been installed", async () => {
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  show();
  expect(await screen.findByRole("button", { name: "First get the certificate" })).toBeDisabled();
  await act(() => vi.advanceTimersByTimeAsync(20_000));
  expect(asked).toBe(1);
  await user.click(screen.getByRole("link", { name: "Download" }));
  expect(await screen.findByRole("button", { name: "Waiting for steps 2 and 3" })).toBeDisabled();
  expect(screen.getByRole("listitem", { current: "step" })).toHaveTextContent("Install it");
  await act(() => vi.advanceTimersByTimeAsync(4_000));
  trusts = true;
  await act(() => vi.advanceTimersByTimeAsync(4_000));
  expect(await screen.findByRole("link", { name: "Go on over HTTPS" })).toHaveAttribute("href", "https://pi.lan:8443/");
  expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("This device trusts your hub");
  const before = asked;
  await act(() => vi.advanceTimersByTimeAsync(20_000));
  expect(asked).toBe(before);
});

it("tells the steps of the chosen system", async () => {
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
  show();
  const system = await screen.findByRole("combobox", { name: "This device" });
  for (const name of ["iPhone or iPad", "Android", "Windows", "Mac", "Firefox on any computer"]) {
    await user.selectOptions(system, name);
    const ios = name === "iPhone or iPad";
    const file = ios ? "/api/v1/certificates/ca.mobileconfig" : "/api/v1/certificates/ca";
    expect(screen.getByRole("link", { name: "Download" })).toHaveAttribute("href", file);
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent(
      ios || name === "Android" ? "Secure this phone" : "Secure this computer",
    );
  }
  await user.click(screen.getByRole("button", { name: "Later" }));
  expect(later).toHaveBeenCalledOnce();
});

it("says that it is secure over HTTPS with a certificate that is trusted", async () => {
  const unregister = vi.fn();
  worker(() => Promise.resolve({ unregister }));
  show({ secure: true });
  expect(await screen.findByRole("heading", { level: 1 })).toHaveTextContent("This device is secure");
  expect(unregister).toHaveBeenCalledOnce();
  screen.getByRole("button", { name: "Next" }).click();
  expect(done).toHaveBeenCalledOnce();
});

it("sees that somebody clicked the browser's warning away", async () => {
  worker(() => Promise.reject(new DOMException("certificate", "SecurityError")));
  show({ secure: true });
  expect(await screen.findByText(/does not know your hub yet/)).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Download" })).toBeInTheDocument();
});

it.each([
  [{ own: true }, /that its owner chose/],
  [{ port: null, address: null }, /over HTTP only/],
])("has nothing to install with %o", async (changes, text) => {
  show(changes);
  expect(await screen.findByText(text)).toBeInTheDocument();
  expect(screen.queryByRole("link", { name: "Download" })).not.toBeInTheDocument();
});

it("does not lead back to HTTP where only HTTPS is wanted", async () => {
  show({ only: true });
  expect(await screen.findByRole("link", { name: /past the browser’s warning/ })).toHaveAttribute(
    "href",
    "https://pi.lan:8443/",
  );
  expect(screen.queryByRole("button", { name: "Later" })).not.toBeInTheDocument();
});

it.each([
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", 5, "ios"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", 5, "ios"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", 0, "macos"],
  ["Mozilla/5.0 (Linux; Android 15; K) Chrome/140", 5, "android"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140", 0, "windows"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 0, "firefox"],
  ["Mozilla/5.0 (X11; Linux x86_64) Chrome/140", 0, "linux"],
])("knows %s", (userAgent, maxTouchPoints, system) => {
  expect(systemOf({ userAgent, maxTouchPoints })).toBe(system);
});
