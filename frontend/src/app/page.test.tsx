import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Suspense } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { I18nProvider } from "../i18n/i18n";
import { Hub, HubProvider } from "./hub";
import { page, usePreload } from "./page";

const gone = (): Promise<never> => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));
const there = () => Promise.resolve({ default: () => <h1>The page</h1> });

function show(Page: ReturnType<typeof page>, answers: () => Promise<Response>) {
  vi.spyOn(globalThis, "fetch").mockImplementation(answers);
  return render(
    <I18nProvider language="en">
      <HubProvider hub={new Hub()}>
        <Suspense>
          <Page />
        </Suspense>
      </HubProvider>
    </I18nProvider>,
  );
}

const well = () => Promise.resolve(new Response("{}"));
const away = () => Promise.reject(new TypeError("Failed to fetch"));

beforeEach(() => sessionStorage.clear());

it("shows the page, and loads its file once", async () => {
  const load = vi.fn(there);
  const Page = page(load);
  await Page.preload();
  show(Page, well);
  expect(await screen.findByRole("heading", { name: "The page" })).toBeVisible();
  expect(load).toHaveBeenCalledTimes(1);
});

it("waits for the hub, then loads itself again", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const reload = vi.fn();
  const answers = vi.fn<() => Promise<Response>>(away);
  show(page(gone, reload), answers);
  expect(await screen.findByRole("heading", { name: "This page is not loaded yet" })).toBeVisible();
  await waitFor(() => expect(answers).toHaveBeenCalled());
  await vi.advanceTimersByTimeAsync(10_000);
  expect(answers.mock.calls.length).toBeGreaterThan(3);
  expect(reload).not.toHaveBeenCalled();
  answers.mockImplementation(well);
  vi.mocked(fetch).mockImplementation(answers);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(reload).toHaveBeenCalledTimes(1);
  vi.useRealTimers();
});

it("does not reload again by itself where that did not help; the button does", async () => {
  const first = vi.fn();
  const view = show(page(gone, first), well);
  await waitFor(() => expect(first).toHaveBeenCalledTimes(1));
  view.unmount();
  const second = vi.fn();
  show(page(gone, second), well);
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  await waitFor(() => expect(second).toHaveBeenCalledTimes(1));
});

it("stays where it is and says so when the button is pressed while the hub is away", async () => {
  const reload = vi.fn();
  show(page(gone, reload), away);
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByText("The hub did not answer. Try again in a moment.")).toBeVisible();
  expect(reload).not.toHaveBeenCalled();
});

it("loads every page in idle time, one after the other, also after one that did not come", async () => {
  const order: string[] = [];
  const pages = ["first", "second", "third"].map((name) =>
    page(() => {
      order.push(name);
      return name === "second" ? gone() : there();
    }),
  );
  function Idle({ wanted }: { wanted: boolean }) {
    usePreload(pages, wanted);
    return null;
  }
  const { rerender } = render(<Idle wanted={false} />);
  expect(order).toEqual([]);
  rerender(<Idle wanted />);
  await waitFor(() => expect(order).toEqual(["first", "second", "third"]));
});
