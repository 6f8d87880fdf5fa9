import { expect, it, vi } from "vitest";
import type { ApiClient } from "./client";
import { all } from "./lists";

it("reads on until there is no next page", async () => {
  const pages: Record<string, { items: number[]; next: string | null }> = {
    "/a": { items: [1, 2], next: "x=y" },
    "/a?cursor=x%3Dy": { items: [3], next: "z" },
    "/a?cursor=z": { items: [], next: null },
    "/b?of=1": { items: [4], next: "n" },
    "/b?of=1&cursor=n": { items: [5], next: null },
  };
  const get = vi.fn((path: string) => Promise.resolve(pages[path]));
  const client = { get } as unknown as ApiClient;
  expect(await all(client, "/a")).toEqual([1, 2, 3]);
  expect(await all(client, "/b?of=1")).toEqual([4, 5]);
  expect(get).toHaveBeenCalledTimes(5);
});
