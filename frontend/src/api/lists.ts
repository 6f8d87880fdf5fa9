// Lists of the hub come in pages; this reads on until there is no next one.
import type { ApiClient } from "./client";

interface Page<T> {
  items: T[];
  next: string | null;
}

/** All pages of a list. */
export async function all<T>(client: ApiClient, path: string, signal?: AbortSignal): Promise<T[]> {
  const found: T[] = [];
  let next: string | null = null;
  do {
    const cursor: string = next === null ? "" : `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(next)}`;
    const page: Page<T> = await client.get<Page<T>>(path + cursor, signal);
    found.push(...page.items);
    next = page.next;
  } while (next !== null);
  return found;
}
