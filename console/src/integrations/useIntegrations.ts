import { useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Connector } from "../api/connectors";
import { done, failed } from "../app/activity";
import { useWorkspace } from "../app/session";

export function useIntegrations() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["connectors", ws], queryFn: () => api.connectors(ws), refetchInterval: 5_000 });
}

export function useIntegrationKinds() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["connector-kinds", ws], queryFn: () => api.connectorKinds(ws), staleTime: 10 * 60_000 });
}

export function useSetIntegrationEnabled() {
  const { id: ws } = useWorkspace();
  const client = useQueryClient();
  const set = async (one: Connector, enabled: boolean): Promise<void> => {
    await api.patchConnector(ws, one.id, { enabled });
    await client.invalidateQueries({ queryKey: ["connectors", ws] });
  };
  return async (one: Connector, enabled: boolean) => {
    try {
      await set(one, enabled);
      done(`${enabled ? "Enabled" : "Disabled"} ${one.name}`, () => set(one, !enabled));
    } catch (error) {
      failed(`Could not ${enabled ? "enable" : "disable"} ${one.name}`, error);
    }
  };
}
