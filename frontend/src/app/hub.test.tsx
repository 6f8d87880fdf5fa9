import { useQuery } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { session } from "../test/page";
import { Hub, HubProvider, useHub } from "./hub";

afterEach(() => vi.unstubAllGlobals());

function Sentence() {
  const { client } = useHub();
  const { data } = useQuery({ queryKey: ["sentence"], queryFn: () => client.get<{ detail: string }>("/sentence") });
  return <p>{data?.detail}</p>;
}

it("says what stands there already in the language that was chosen", async () => {
  const answer = (_: string, { headers }: RequestInit): Promise<Response> => {
    const language = new Headers(headers).get("Accept-Language");
    return Promise.resolve(new Response(JSON.stringify({ detail: language === "de" ? "Es brennt." : "It burns." })));
  };
  vi.stubGlobal("fetch", vi.fn(answer));
  const hub = new Hub();
  render(
    <HubProvider hub={hub}>
      <Sentence />
    </HubProvider>,
  );
  expect(await screen.findByText("It burns.")).toBeVisible();
  act(() => hub.speak("de"));
  expect(await screen.findByText("Es brennt.")).toBeVisible();
});

class Line {
  static last: Line;
  readyState = 1;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    Line.last = this;
  }
  send(): void {
    // nobody reads it
  }
  close(): void {
    this.readyState = 3;
  }
  hear(...frames: object[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

it("asks once for what many frames have made old", async () => {
  vi.stubGlobal("WebSocket", Line);
  const ask = vi.fn(() => Promise.resolve(new Response(JSON.stringify({ detail: "of today" }))));
  vi.stubGlobal("fetch", ask);
  const hub = new Hub();
  hub.client.setSession(session());
  const stop = hub.follow(session());
  function Measured() {
    const { data } = useQuery({ queryKey: ["telemetry", 1], queryFn: () => hub.client.get<{ detail: string }>("/t") });
    return <p>{data?.detail}</p>;
  }
  render(
    <HubProvider hub={hub}>
      <Measured />
    </HubProvider>,
  );
  await screen.findByText("of today");
  Line.last.onopen?.();
  Line.last.hear(
    { type: "ready", session: "s", by: "auth", resume: "r", resumed: false, seq: 0 },
    { type: "subscribed", rooms: ["home:h1"], seq: 0 },
  );
  ask.mockClear();
  Line.last.hear(...Array.from({ length: 50 }, (_, seq) => ({ type: "gaps", seq: seq + 1, device: `d${seq}` })));
  await waitFor(() => expect(ask).toHaveBeenCalled());
  await new Promise((done) => setTimeout(done, 150));
  expect(ask).toHaveBeenCalledTimes(1);
  stop();
});
