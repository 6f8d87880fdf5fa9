import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import type { SystemInfo } from "../api/system.types";
import { Hub, HubProvider } from "../app/hub";
import { guessWeekStart } from "../model/places";
import { problem, session } from "../test/page";
import FirstRun from "./FirstRun";

const info: SystemInfo = { name: "Hub", version: "0.1.0", setup: "open", setup_closes: null, demo: false };

/** As far as the home's own page; what is sent to the hub. */
async function atHome(answer: () => Response): Promise<Record<string, unknown>[]> {
  const sent: Record<string, unknown>[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn((path: string, { body }: RequestInit) => {
      if (!path.endsWith("/setup")) return Promise.resolve(new Response("{}"));
      sent.push(JSON.parse(body as string) as Record<string, unknown>);
      return Promise.resolve(answer());
    }),
  );
  render(
    <HubProvider hub={new Hub()}>
      <FirstRun info={info} session={null} onDone={vi.fn()} />
    </HubProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Set up this home" }));
  await userEvent.type(screen.getByLabelText("Your name"), "Ada");
  await userEvent.type(screen.getByLabelText("E-mail"), "ada@home.example");
  await userEvent.type(screen.getByLabelText("Password"), "a quiet blue kettle");
  await userEvent.click(screen.getByRole("button", { name: "Next" }));
  return sent;
}

const made = (): Response => new Response(JSON.stringify(session()), { status: 201 });
const finish = (): Promise<void> => userEvent.click(screen.getByRole("button", { name: "Finish set-up" }));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("asks for price, currency and the first day of the week", async () => {
  const sent = await atHome(made);
  await userEvent.selectOptions(screen.getByLabelText("Currency"), "CHF");
  await userEvent.selectOptions(screen.getByLabelText("Week starts"), "Sunday");
  const price = screen.getByLabelText("What does a kilowatt hour cost?");
  expect(price).toHaveAccessibleDescription(/^CHF a kWh/);
  await userEvent.type(price, "cheap");
  await finish();
  expect(price).toBeInvalid();
  // A bill counts in cents.
  await userEvent.clear(price);
  await userEvent.type(price, "32.5");
  await finish();
  expect(price).toHaveAccessibleDescription(/enter 0\.325/);
  expect(sent).toEqual([]);
  await userEvent.clear(price);
  await userEvent.type(price, "0,325");
  await finish();
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ currency: "CHF", week_start: 6, price: 0.325, home_name: "Our home" });
});

it("leaves the price for later", async () => {
  const sent = await atHome(made);
  await finish();
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ price: null });
});

it("says at its field what the hub has against the price", async () => {
  await atHome(() => problem(422, "price-invalid", "A kilowatt-hour costs between 0 and 1000.", "price"));
  await finish();
  expect(await screen.findByLabelText("What does a kilowatt hour cost?")).toHaveAccessibleDescription(/between 0 and/);
});

it("guesses when a week begins", () => {
  expect(guessWeekStart("Europe/Berlin", "en-US")).toBe(0);
  expect([0, 6]).toContain(guessWeekStart("America/New_York", "en-US"));
});
