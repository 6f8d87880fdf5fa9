import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { device } from "../test/make";
import { LiveStore } from "./live";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("keeps the newest reading, whatever order they come in", () => {
  const store = new LiveStore();
  store.apply([["d1", 0, 2000, 20, 230, 0.1, true, null]]);
  store.apply([["d1", 0, 1000, 10, 230, 0.1, true, null]]);
  store.seed([
    device(
      {},
      {
        live: {
          at: 1500,
          power: 15,
          voltage: 230,
          current: 0,
          power_factor: null,
          apparent: false,
          energy_today_kwh: 1,
        },
      },
    ),
  ]);
  expect(store.get("d1:0")).toMatchObject({ at: 2000, power: 20 });
  expect(store.get("d1:1")).toMatchObject({ at: null, power: null });
});

it("tells its listeners once for many readings, and followers of one outlet every one", () => {
  const store = new LiveStore();
  const listener = vi.fn();
  const follower = vi.fn();
  store.subscribe(listener);
  const stop = store.follow("d1:0", follower);
  for (let at = 1; at <= 50; at += 1)
    store.apply([
      ["d1", 0, at, at, 230, 0.1, true, null],
      ["d2", 0, at, 1, 230, 0.1, true, null],
    ]);
  vi.advanceTimersByTime(250);
  expect(listener).toHaveBeenCalledTimes(1);
  expect(follower).toHaveBeenCalledTimes(50);
  stop();
  store.apply([["d1", 0, 60, 1, 230, 0.1, true, null]]);
  expect(follower).toHaveBeenCalledTimes(50);
});
