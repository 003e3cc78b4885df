import { useQuery } from "@tanstack/react-query";

import { automation } from "../api/automation";
import { useWorkspace } from "../app/session";

export function useAutomationRules() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["automation-rules", ws], queryFn: () => automation.list(ws), refetchInterval: 30_000 });
}

export function useVocabulary() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["automation-vocabulary", ws], queryFn: () => automation.vocabulary(ws), staleTime: 10 * 60_000 });
}
