import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Hub, HubProvider } from "../app/hub";
import { AnnouncerProvider } from "./Announcer";
import { Download } from "./Download";

let asked: string[];
let saved: { name: string; blob: Blob }[];

function show(answer: () => Response | Promise<Response>): void {
  vi.stubGlobal(
    "fetch",
    vi.fn(async (path: string) => {
      asked.push(path);
      return answer();
    }),
  );
  render(
    <HubProvider hub={new Hub()}>
      <AnnouncerProvider>
        <Download outlet="abc:1" kind="day" from={1000} to={2000} />
      </AnnouncerProvider>
    </HubProvider>,
  );
}

beforeEach(() => {
  asked = [];
  saved = [];
  let last: Blob;
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  URL.createObjectURL = (blob) => {
    last = blob as Blob;
    return "blob:x";
  };
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    saved.push({ name: this.download, blob: last });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("saves the time shown under the name that the hub gives", async () => {
  const headers = { "Content-Disposition": 'attachment; filename="lamp-2026-11-01-2026-11-01-15m.csv"' };
  show(() => new Response("time_utc\r\n", { headers }));
  await userEvent.click(screen.getByRole("button", { name: "Download data (CSV)" }));
  await waitFor(() => expect(saved.map(({ name }) => name)).toEqual(["lamp-2026-11-01-2026-11-01-15m.csv"]));
  expect(asked).toEqual(["/api/v1/telemetry/export?device=abc%3A1&from=1000&to=2000&bucket=15m"]);
  expect(await saved[0]?.blob.text()).toBe("time_utc\r\n");
});

it("says why there is no file, and lets one try again", async () => {
  const problem = { title: "", status: 503, code: "history-unreadable", detail: "The history cannot be read." };
  show(() => new Response(JSON.stringify(problem), { status: 503 }));
  await userEvent.click(screen.getByRole("button", { name: "Download data (CSV)" }));
  expect(await screen.findByText("The history cannot be read.")).toBeInTheDocument();
  expect(saved).toEqual([]);
  expect(screen.getByRole("button", { name: "Download data (CSV)" })).toBeEnabled();
});

it("says that the hub is away", async () => {
  show(() => Promise.reject(new TypeError("Failed to fetch")));
  await userEvent.click(screen.getByRole("button", { name: "Download data (CSV)" }));
  expect(await screen.findByText("Not downloaded: the hub did not answer.")).toBeInTheDocument();
});
