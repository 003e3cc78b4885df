/** What a person chose once and wants kept: theme, clock, density, width of the navigation, last workspace. */

import { useSyncExternalStore } from "react";

import { Store, useStore } from "./store";

export type ThemeChoice = "system" | "light" | "dark";
export type Zone = "utc" | "local";
export type Density = "compact" | "comfortable";

export interface Preferences {
  theme: ThemeChoice;
  zone: Zone;
  density: Density;
  navigationCollapsed: boolean;
  workspace: string | null;
}

const KEY = "vedette.preferences";
const DEFAULTS: Preferences = {
  theme: "system",
  zone: "utc",
  density: "compact",
  navigationCollapsed: false,
  workspace: null,
};

/** Reads JSON that this console wrote to local storage; anything unreadable counts as absent. */
export function readStored(key: string): unknown {
  try {
    const text = localStorage.getItem(key);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Keeps a value for the next visit; a full or forbidden storage is no reason to fail. */
export function writeStored(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The choice then lasts for this page only.
  }
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.find((one) => one === value) ?? otherwise;
}

export function readPreferences(stored: unknown): Preferences {
  if (typeof stored !== "object" || stored === null) return DEFAULTS;
  const given = stored as Partial<Record<keyof Preferences, unknown>>;
  return {
    theme: oneOf(given.theme, ["system", "light", "dark"], DEFAULTS.theme),
    zone: oneOf(given.zone, ["utc", "local"], DEFAULTS.zone),
    density: oneOf(given.density, ["compact", "comfortable"], DEFAULTS.density),
    navigationCollapsed: given.navigationCollapsed === true,
    workspace: typeof given.workspace === "string" ? given.workspace : null,
  };
}

const preferences = new Store<Preferences>(readPreferences(readStored(KEY)));

export function usePreferences(): Preferences {
  return useStore(preferences);
}

const small = "(max-width: 900px)";

function subscribeToWidth(listener: () => void): () => void {
  if (typeof window.matchMedia !== "function") return () => undefined;
  const media = window.matchMedia(small);
  media.addEventListener("change", listener);
  return () => media.removeEventListener("change", listener);
}

/** Whether the window has no room for a navigation with words. */
export function useSmallWindow(): boolean {
  return useSyncExternalStore(subscribeToWidth, () => typeof window.matchMedia === "function" && window.matchMedia(small).matches, () => false);
}

export function getPreferences(): Preferences {
  return preferences.get();
}

export function setPreference<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
  preferences.update((current) => ({ ...current, [name]: value }));
  writeStored(KEY, preferences.get());
}
