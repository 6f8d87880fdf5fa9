// A page for tests: signed in, with a hub whose answers the test gives, and what was sent to it.
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import type { Session } from "../api/auth.types";
import type { User } from "../api/people.types";
import { Hub, HubProvider, SignedIn } from "../app/hub";
import { AnnouncerProvider } from "../ui/Announcer";

export const user = (more: Partial<User> = {}): User => ({
  id: "u1",
  name: "Ada",
  email: "ada@home.example",
  language: "en",
  role: "admin",
  operator: (more.role ?? "admin") === "admin",
  disabled: false,
  second_factor: false,
  seen: null,
  ...more,
});

export const session = (more: Partial<User> = {}): Session => ({
  access_token: "a",
  expires_in: 1800,
  user: user(more),
  home: {
    id: "h1",
    name: "Home",
    time_zone: "Europe/Berlin",
    currency: "EUR",
    price: 0.31,
    week_start: 0,
    declared: [],
  },
});

export interface Sent {
  asked: string;
  body: unknown;
}

export const problem = (status: number, code: string, detail: string, field?: string): Response =>
  new Response(JSON.stringify({ title: "", status, code, detail, field }), { status });

/**
 * Shows it. `answers`: by "METHOD /path", the body, a whole response, or a function that gives one of both; what is not
 * among them is an empty list.
 * Take `vi.unstubAllGlobals` into `afterEach`.
 */
export function showPage(page: ReactNode, answers: Record<string, unknown>, by = session()) {
  const sent: Sent[] = [];
  const stub = vi.fn((path: string, { method = "GET", body }: RequestInit) => {
    const asked = `${method} ${path.replace("/api/v1", "")}`;
    if (method !== "GET") sent.push({ asked, body: typeof body === "string" ? JSON.parse(body) : undefined });
    const given = asked in answers ? answers[asked] : method === "GET" ? { items: [], next: null } : null;
    const answer: unknown = typeof given === "function" ? (given as () => unknown)() : given;
    if (answer instanceof Response) return Promise.resolve(answer.clone());
    return Promise.resolve(
      answer === null ? new Response(null, { status: 204 }) : new Response(JSON.stringify(answer)),
    );
  });
  vi.stubGlobal("fetch", stub);
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  const hub = new Hub();
  vi.spyOn(hub, "follow").mockReturnValue(() => undefined);
  hub.client.setSession(by);
  render(
    <HubProvider hub={hub}>
      <SignedIn session={by}>
        <AnnouncerProvider>{page}</AnnouncerProvider>
      </SignedIn>
    </HubProvider>,
  );
  return { hub, sent };
}
