/** Queries that were run, the latest first, kept in this browser per workspace. */

import { readStored, writeStored } from "../app/preferences";
import { Store, useStore } from "../app/store";

export interface PastQuery {
  query: string;
  range: string;
  time: string;
  rows: number | null;
  elapsedMs: number | null;
  failed: boolean;
}

const LIMIT = 100;
const key = (ws: string) => `vedette.history.${ws}`;

function isPastQuery(value: unknown): value is PastQuery {
  return (
    typeof value === "object" && value !== null && "query" in value && typeof value.query === "string" && "range" in value &&
    typeof value.range === "string" && "time" in value && typeof value.time === "string"
  );
}

const stores = new Map<string, Store<readonly PastQuery[]>>();

function storeOf(ws: string): Store<readonly PastQuery[]> {
  let store = stores.get(ws);
  if (!store) {
    const stored = readStored(key(ws));
    store = new Store<readonly PastQuery[]>(Array.isArray(stored) ? stored.filter(isPastQuery) : []);
    stores.set(ws, store);
  }
  return store;
}

export function useHistory(ws: string): readonly PastQuery[] {
  return useStore(storeOf(ws));
}

/** Remembers a run; the same query again moves to the front. */
export function remember(ws: string, past: PastQuery): void {
  const store = storeOf(ws);
  store.update((all) => [past, ...all.filter((one) => one.query !== past.query || one.range !== past.range)].slice(0, LIMIT));
  writeStored(key(ws), store.get());
}

export function forgetHistory(ws: string): void {
  storeOf(ws).set([]);
  writeStored(key(ws), []);
}
