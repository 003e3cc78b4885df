import { useQuery } from "@tanstack/react-query";

import { functions } from "../api/functions";
import { useWorkspace } from "../app/session";
import { useChange } from "../app/useChange";

/** The saved queries and functions of the workspace. */
export function useSaved() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["saved-functions", ws], queryFn: () => functions.list(ws), staleTime: 30_000 });
}

/** Changes of them, after which what the editor completes is read anew as well. */
export function useSavedChange() {
  const { id: ws } = useWorkspace();
  return useChange(["saved-functions", ws], ["functions", ws]);
}
