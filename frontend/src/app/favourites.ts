// Starred plugs of this browser, kept by home.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let cached: { key: string; text: string; ids: readonly string[] } | null = null;

function read(key: string): readonly string[] {
  let text: string | null = null;
  try {
    text = localStorage.getItem(key);
  } catch {
    // storage is switched off in this browser: no favourites
  }
  text ??= "[]";
  if (cached?.key === key && cached.text === text) return cached.ids;
  let ids: readonly string[] = [];
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) ids = parsed.filter((id): id is string => typeof id === "string");
  } catch {
    // somebody else wrote there
  }
  cached = { key, text, ids };
  return ids;
}

export function useFavourites(home: string): { ids: readonly string[]; toggle: (id: string) => void } {
  const key = `favourites:${home}`;
  const ids = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      window.addEventListener("storage", listener);
      return () => {
        listeners.delete(listener);
        window.removeEventListener("storage", listener);
      };
    },
    () => read(key),
  );
  const toggle = (id: string): void => {
    const next = ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id];
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      return;
    }
    for (const listener of listeners) listener();
  };
  return { ids, toggle };
}
