// What this browser prefers: language and theme.
import { useSyncExternalStore } from "react";
import type { Language } from "../api/types";

export type Theme = "auto" | "light" | "dark" | "contrast";

const listeners = new Set<() => void>();

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage is switched off in this browser
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    return;
  }
  window.dispatchEvent(new Event("themechange")); // public/theme.js listens
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

const isLanguage = (value: string | null): value is Language => value === "en" || value === "de";

/** Chosen here, else the person's own, else the browser's. */
export function useLanguage(own: Language | null): Language {
  const chosen = useSyncExternalStore(subscribe, () => read("language"));
  if (isLanguage(chosen)) return chosen;
  return own ?? (navigator.language.toLowerCase().startsWith("de") ? "de" : "en");
}

export const setLanguage = (language: Language): void => write("language", language);

export function useTheme(): Theme {
  const theme = useSyncExternalStore(subscribe, () => read("theme"));
  return theme === "light" || theme === "dark" || theme === "contrast" ? theme : "auto";
}

export const setTheme = (theme: Theme): void => write("theme", theme);
