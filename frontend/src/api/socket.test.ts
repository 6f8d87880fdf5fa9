import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSocket, type SocketOptions } from "./socket";

class FakeSocket {
  static opened: FakeSocket[] = [];
  readyState = 1;
  sent: { type: string }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor() {
    FakeSocket.opened.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string });
  }
  close(): void {
    this.readyState = 3;
  }
  hear(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  goLive(resumed = false, resume = "r"): void {
    this.onopen?.();
    this.hear({ type: "ready", session: "s", by: "auth", resume, resumed, seq: 0 });
    this.hear({ type: "subscribed", rooms: ["home:h"], seq: 0 });
  }
}

const last = (): FakeSocket => {
  const socket = FakeSocket.opened.at(-1);
  if (!socket) throw new Error("nothing was opened");
  return socket;
};

function connect(more: Partial<SocketOptions> = {}) {
  const options = {
    url: "ws://hub/api/v1/ws",
    rooms: ["home:h", "user:u"],
    token: () => "token",
    renew: vi.fn(() => Promise.resolve<string | null>("fresh")),
    onFrame: vi.fn(),
    onState: vi.fn(),
    onMissed: vi.fn(),
    onResumed: vi.fn(),
    open: () => new FakeSocket() as unknown as WebSocket,
    random: () => 1,
    ...more,
  };
  const socket = new LiveSocket(options);
  socket.start();
  return { socket, ...options };
}

beforeEach(() => {
  FakeSocket.opened = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the live connection", () => {
  it("signs in, then follows the home", () => {
    const { onState } = connect();
    last().goLive();
    expect(last().sent).toEqual([
      { type: "auth", token: "token" },
      { type: "subscribe", rooms: ["home:h", "user:u"] },
    ]);
    expect(onState).toHaveBeenLastCalledWith("live");
  });

  it("hands on frames and notices a missing one by its number", () => {
    const { onFrame, onMissed } = connect();
    last().goLive();
    last().hear({ type: "samples", seq: 1, items: [] });
    last().hear({ type: "samples", seq: 2, items: [] });
    expect(onFrame).toHaveBeenCalledTimes(2);
    expect(onMissed).not.toHaveBeenCalled();
    last().hear({ type: "samples", seq: 4, items: [] });
    expect(onMissed).toHaveBeenCalledTimes(1);
    expect(onFrame).toHaveBeenCalledTimes(3);
  });

  it("comes back with growing pauses, and asks for everything anew", () => {
    const { onState, onMissed } = connect();
    last().goLive();
    const pauses = [500, 1000, 2000, 4000, 5000, 5000];
    for (const pause of pauses) {
      const before = FakeSocket.opened.length;
      last().onclose?.({ code: 1006 });
      expect(onState).toHaveBeenLastCalledWith("away");
      vi.advanceTimersByTime(pause - 1);
      expect(FakeSocket.opened).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.opened).toHaveLength(before + 1);
    }
    last().goLive();
    expect(onMissed).toHaveBeenCalledTimes(1);
    last().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(500);
    last().goLive();
    expect(onMissed).toHaveBeenCalledTimes(2);
  });

  it("goes on where the line broke, and fetches anew only where the hub cannot", () => {
    const { onMissed, onResumed } = connect();
    last().goLive(false, "first");
    last().hear({ type: "gaps", seq: 1, device: "d" });
    last().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(500);
    last().goLive(true, "second");
    expect(last().sent[0]).toEqual({ type: "auth", token: "token", resume: "first", seq: 1 });
    expect(onMissed).toHaveBeenCalledTimes(0);
    expect(onResumed).toHaveBeenCalledTimes(1);
    last().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(500);
    last().onopen?.();
    expect(last().sent[0]).toEqual({ type: "auth", token: "token", resume: "second", seq: 0 });
    last().hear({ type: "ready", session: "s", by: "auth", resume: "third", resumed: true, seq: 0 });
    last().onclose?.({ code: 1006 }); // before everything came
    vi.advanceTimersByTime(1000);
    last().goLive(false, "fourth");
    expect(last().sent[0]).toEqual({ type: "auth", token: "token" });
    expect(onMissed).toHaveBeenCalledTimes(1);
    expect(onResumed).toHaveBeenCalledTimes(1);
  });

  it("follows once, by its token, whatever else signs it in or renews it", () => {
    const { onMissed, onResumed } = connect();
    last().onopen?.();
    last().hear({ type: "ready", session: "s", by: "cookie", resume: "r", resumed: false, seq: 1 });
    expect(last().sent).toHaveLength(1);
    last().hear({ type: "ready", session: "s", by: "auth", resume: "r", resumed: false, seq: 2 });
    last().hear({ type: "subscribed", rooms: ["home:h"], seq: 3 });
    last().hear({ type: "ready", session: "s", by: "auth", resume: "r", resumed: false, seq: 4 });
    expect(last().sent).toHaveLength(2);
    expect(onMissed).toHaveBeenCalledTimes(0);
    expect(onResumed).toHaveBeenCalledTimes(0);
  });

  it("gets a fresh token when the hub no longer takes the old one", async () => {
    const { renew } = connect();
    last().goLive();
    last().onclose?.({ code: 4401 });
    await vi.advanceTimersByTimeAsync(600);
    expect(renew).toHaveBeenCalledTimes(1);
    expect(FakeSocket.opened).toHaveLength(2);
  });

  it("stays away when nobody is signed in any more", async () => {
    connect({ renew: () => Promise.resolve(null) });
    last().onclose?.({ code: 4401 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  it("gives up a connection that says nothing", () => {
    const { onState } = connect();
    last().goLive();
    vi.advanceTimersByTime(20_000);
    expect(onState).toHaveBeenLastCalledWith("live");
    vi.advanceTimersByTime(15_000);
    expect(onState).toHaveBeenLastCalledWith("away");
  });

  it("opens nothing after it was stopped", () => {
    const { socket } = connect();
    last().goLive();
    socket.stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });
});
