import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiClient, ApiError, NetworkError } from "./client";
import type { Session } from "./auth.types";

const session = (token: string): Session => ({
  access_token: token,
  expires_in: 1800,
  user: {
    id: "u",
    name: "Ada",
    email: "a@b.c",
    language: "en",
    role: "admin",
    operator: true,
    disabled: false,
    second_factor: false,
    seen: null,
  },
  home: {
    id: "h",
    name: "Home",
    time_zone: "Europe/Berlin",
    currency: "EUR",
    price: null,
    week_start: 0,
    declared: [],
  },
});
const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });
const unauthorized = (): Response => json(401, { title: "", status: 401, code: "token-missing", detail: "Sign in." });

let answers: (() => Response | Promise<Response>)[];
let asked: { path: string; authorization: string | undefined }[];

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  asked = [];
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string, init: RequestInit) => {
      asked.push({ path, authorization: (init.headers as Record<string, string>).Authorization });
      const answer = answers.shift();
      return answer ? Promise.resolve().then(answer) : Promise.reject(new TypeError("Failed to fetch"));
    }),
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the client", () => {
  it("keeps the token in memory only", () => {
    const client = new ApiClient();
    client.setSession(session("secret-token"));
    expect(client.token).toBe("secret-token");
    expect(JSON.stringify([localStorage, sessionStorage, document.cookie])).not.toContain("secret-token");
  });

  it("renews an expired token once and repeats the request", async () => {
    const client = new ApiClient();
    client.setSession(session("old"));
    answers = [unauthorized, () => json(200, session("new")), () => json(200, { items: [] })];
    await expect(client.get("/devices")).resolves.toEqual({ items: [] });
    expect(asked.map(({ path, authorization }) => [path, authorization])).toEqual([
      ["/api/v1/devices", "Bearer old"],
      ["/api/v1/auth/refresh", "Bearer old"],
      ["/api/v1/devices", "Bearer new"],
    ]);
  });

  it("refreshes once for many", async () => {
    const client = new ApiClient();
    answers = [() => json(200, session("one"))];
    const both = await Promise.all([client.refresh(), client.refresh()]);
    expect(both.map((found) => found?.access_token)).toEqual(["one", "one"]);
    expect(asked).toHaveLength(1);
  });

  it("tries again where another tab may have changed the cookie, then is signed out", async () => {
    const client = new ApiClient();
    client.setSession(session("old"));
    const heard = vi.fn();
    client.onSession(heard);
    answers = [unauthorized, unauthorized];
    const refreshed = client.refresh();
    await vi.advanceTimersByTimeAsync(500);
    await expect(refreshed).resolves.toBeNull();
    expect(asked).toHaveLength(2);
    expect(heard).toHaveBeenLastCalledWith(null);
  });

  it("keeps the session while the hub is away", async () => {
    const client = new ApiClient();
    client.setSession(session("kept"));
    await expect(client.refresh()).rejects.toBeInstanceOf(NetworkError);
    expect(client.token).toBe("kept");
  });

  it("renews by itself before the token ends", async () => {
    const client = new ApiClient();
    client.setSession(session("first"));
    answers = [() => json(200, session("second"))];
    await vi.advanceTimersByTimeAsync((1800 - 61) * 1000);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(client.token).toBe("second");
  });

  it("hands on what the hub refused, and survives an answer that is no JSON", async () => {
    const client = new ApiClient();
    answers = [
      () => json(400, { title: "", status: 400, code: "field-missing", detail: "Name is missing.", field: "name" }),
      () => new Response("<html>Bad gateway</html>", { status: 502 }),
    ];
    await expect(client.get("/x")).rejects.toMatchObject({ status: 400, problem: { field: "name" } });
    await expect(client.get("/x")).rejects.toBeInstanceOf(ApiError);
  });

  it("follows the hub's clock where the phone's is wrong", async () => {
    const client = new ApiClient();
    const hub = Date.now() + 90_000;
    answers = [() => new Response("{}", { headers: { Date: new Date(hub).toUTCString() } })];
    await client.get("/x");
    expect(Math.abs(client.now() - hub)).toBeLessThan(1500);
  });
});
