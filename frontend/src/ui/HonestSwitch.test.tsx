import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Hub, HubProvider } from "../app/hub";
import type { Device } from "../api/devices.types";
import { useDevices } from "../api/queries";
import { device } from "../test/make";
import { AnnouncerProvider } from "./Announcer";
import { PlugRow } from "./PlugRow";

type Answer = { status: number; body: unknown };

/** The list as the app holds it, with one row; `answer` ends the command that is under way. */
function show(plug: Device) {
  const hub = new Hub();
  let answer: (reply: Answer) => void = () => undefined;
  const commands: unknown[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn(async (path: string, init: RequestInit) => {
      if (!path.endsWith("/command")) return new Response(JSON.stringify({ items: [plug], next: null }));
      commands.push(JSON.parse(init.body as string));
      const reply = await new Promise<Answer>((resolve) => (answer = resolve));
      return new Response(JSON.stringify(reply.body), { status: reply.status });
    }),
  );
  hub.queries.setQueryData(["devices"], [plug]);
  hub.connection.set("live", Date.now());
  hub.live.apply([[plug.id, 0, Date.now(), 203, 230, 0.9, true, null]]);
  function Row() {
    const current = useDevices().data?.[0] ?? plug;
    const outlet = current.channels[0];
    return outlet ? <PlugRow view={{ device: current, outlet }} /> : null;
  }
  render(
    <HubProvider hub={hub}>
      <AnnouncerProvider>
        <Row />
      </AnnouncerProvider>
    </HubProvider>,
  );
  return {
    commands,
    reply: async (status: number, body: unknown) => {
      await act(async () => {
        answer({ status, body });
        await Promise.resolve();
      });
    },
  };
}

const theSwitch = (): HTMLElement => screen.getByRole("switch", { name: "Lamp" });

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("touching the switch", () => {
  it("is under way at once and changes only when the plug has confirmed", async () => {
    const { commands, reply } = show(device({}, { on: false }));
    fireEvent.click(theSwitch());
    expect(theSwitch()).toHaveAttribute("aria-busy", "true");
    expect(theSwitch()).toHaveAttribute("aria-checked", "false");
    expect(screen.getByText("Switching on…")).toBeVisible();
    fireEvent.click(theSwitch());
    await waitFor(() => expect(commands).toEqual([{ command: "relay_on", channel: 0 }]));
    await reply(200, { id: "c", state: "confirmed", on: true, error: null });
    await waitFor(() => expect(theSwitch()).toHaveAttribute("aria-checked", "true"));
    expect(theSwitch()).toHaveAttribute("aria-busy", "false");
    expect(screen.getByText("Lamp is on.")).toBeInTheDocument();
  });

  it("says so when no answer came, and sends the same again", async () => {
    const { commands, reply } = show(device({}, { on: false }));
    fireEvent.click(theSwitch());
    await waitFor(() => expect(commands).toHaveLength(1));
    await reply(504, { title: "", status: 504, code: "unconfirmed", detail: "No answer." });
    expect(await screen.findByText("No answer. It may be on.")).toBeVisible();
    expect(theSwitch()).toHaveAttribute("aria-checked", "false");
    fireEvent.click(theSwitch());
    await waitFor(() => expect(commands).toEqual(Array(2).fill({ command: "relay_on", channel: 0 })));
    await reply(200, { id: "c", state: "confirmed", on: true, error: null });
  });

  it("explains a refusal and offers the way on", async () => {
    const { commands, reply } = show(device({}, { on: true }));
    fireEvent.click(theSwitch());
    await waitFor(() => expect(commands).toHaveLength(1));
    await reply(200, { id: "c", state: "refused", on: false, error: "overload" });
    expect(await screen.findByText(/^Cut off: above 2,500/)).toBeVisible();
    await userEvent.click(theSwitch());
    await userEvent.click(await screen.findByRole("button", { name: "Switch on" }));
    await waitFor(() => expect(commands.at(-1)).toEqual({ command: "relay_on", channel: 0 }));
    await reply(200, { id: "c", state: "confirmed", on: true, error: null });
  });

  it("sends nothing to a plug that is offline", async () => {
    const { commands } = show(device({ online: false, online_since: Date.now() - 7_200_000 }));
    await userEvent.click(theSwitch());
    expect(await screen.findByText("Lamp is offline")).toBeVisible();
    expect(commands).toEqual([]);
  });

  it("shows what the hub says when it does not take the command", async () => {
    const { commands, reply } = show(device());
    fireEvent.click(theSwitch());
    await waitFor(() => expect(commands).toHaveLength(1));
    await reply(409, { title: "", status: 409, code: "device-offline", detail: "Lamp is offline." });
    expect(await screen.findByText("Not switched. Lamp is offline.")).toBeVisible();
  });
});

describe("a protected plug", () => {
  it("switches off only when the switch is held for two seconds", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { commands, reply } = show(device({ always_on: true }));
    fireEvent.pointerDown(theSwitch());
    act(() => void vi.advanceTimersByTime(1900));
    fireEvent.pointerUp(theSwitch());
    expect(commands).toEqual([]);
    fireEvent.pointerDown(theSwitch());
    act(() => void vi.advanceTimersByTime(2000));
    await waitFor(() => expect(commands).toEqual([{ command: "relay_off", channel: 0 }]));
    await reply(200, { id: "c", state: "confirmed", on: false, error: null });
  });

  it("can be held by key", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { commands, reply } = show(device({ always_on: true }));
    fireEvent.keyDown(theSwitch(), { key: " " });
    for (let time = 0; time < 2000; time += 500) {
      fireEvent.keyDown(theSwitch(), { key: " ", repeat: true });
      act(() => void vi.advanceTimersByTime(500));
    }
    await waitFor(() => expect(commands).toHaveLength(1));
    await reply(200, { id: "c", state: "confirmed", on: false, error: null });
  });

  it("explains itself when it is only touched", async () => {
    const { commands } = show(device({ always_on: true }));
    await userEvent.click(theSwitch());
    expect(await screen.findByText("Lamp is always on")).toBeVisible();
    expect(commands).toEqual([]);
  });
});

it("is no switch for who may only look", () => {
  show(device({ right: "view" }));
  expect(screen.queryByRole("switch")).not.toBeInTheDocument();
  expect(screen.getByText("On · view only")).toBeVisible();
});
