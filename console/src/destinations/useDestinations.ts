import { useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Destination } from "../api/destinations";
import { done, failed } from "../app/activity";
import { useWorkspace } from "../app/session";

export function useDestinations() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["destinations", ws], queryFn: () => api.destinations(ws), refetchInterval: 15_000 });
}

export function useDestinationKinds() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["destination-kinds", ws], queryFn: () => api.destinationKinds(ws), staleTime: 10 * 60_000 });
}

export function useSetDestinationEnabled() {
  const { id: ws } = useWorkspace();
  const client = useQueryClient();
  const set = async (destination: Destination, enabled: boolean): Promise<void> => {
    await api.patchDestination(ws, destination.id, { enabled });
    await client.invalidateQueries({ queryKey: ["destinations", ws] });
  };
  return async (destination: Destination, enabled: boolean) => {
    try {
      await set(destination, enabled);
      done(`${enabled ? "Enabled" : "Disabled"} ${destination.name}`, () => set(destination, !enabled));
    } catch (error) {
      failed(`Could not ${enabled ? "enable" : "disable"} ${destination.name}`, error);
    }
  };
}
