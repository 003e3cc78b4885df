import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { api } from "../api/client";
import type { Incident } from "../api/types";
import { useWorkspace } from "../app/session";
import { useStore } from "../app/store";
import { IncidentStore } from "./store";

const POLL_MS = 15_000;

const stores = new WeakMap<QueryClient, Map<string, IncidentStore>>();

function incidentKey(ws: string, number: number) {
  return ["incident", ws, number] as const;
}

/** The incidents of the workspace: one store for as long as the person is signed in. */
export function useIncidentStore(): IncidentStore {
  const client = useQueryClient();
  const workspace = useWorkspace();
  return useMemo(() => {
    const mine = stores.get(client) ?? new Map<string, IncidentStore>();
    stores.set(client, mine);
    let store = mine.get(workspace.id);
    if (!store) {
      store = new IncidentStore(workspace.id, api, (incident) => {
        if (typeof incident === "number") {
          // Its timeline has another entry now.
          void client.invalidateQueries({ queryKey: incidentKey(workspace.id, incident) });
        } else {
          client.setQueryData(incidentKey(workspace.id, incident.number), incident);
        }
      });
      mine.set(workspace.id, store);
    }
    return store;
  }, [client, workspace.id]);
}

/** Forgets all incidents: another person signs in. */
export function forgetIncidents(client: QueryClient): void {
  stores.delete(client);
}

/** Loads the incidents when first needed and keeps them up to date while the page is looked at. */
export function useIncidents() {
  const store = useIncidentStore();
  useEffect(() => {
    if (store.state.get().phase === "ready") void store.poll();
    else void store.load();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void store.poll();
    }, POLL_MS);
    const onVisible = () => {
      if (document.visibilityState === "visible") void store.poll();
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [store]);
  return { store, state: useStore(store.state) };
}

/** One incident whole, as it looks with the edits under way. It is fetched only while `enabled`. */
export function useIncident(number: number, enabled = true) {
  const store = useIncidentStore();
  const workspace = useWorkspace();
  // Follows the store for the overlay of pending edits.
  useStore(store.state);
  const query = useQuery({
    queryKey: incidentKey(workspace.id, number),
    queryFn: ({ signal }) => api.incident(workspace.id, number, { signal }),
    refetchInterval: POLL_MS,
    enabled,
    // Opening an incident shows it as it is now.
    staleTime: 0,
  });
  const { data } = query;
  useEffect(() => {
    if (data) store.upsert(data);
  }, [data, store]);
  const incident: Incident | undefined = data && store.overlaid(data);
  return { ...query, incident };
}
