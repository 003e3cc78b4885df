import { Navigate, useParams } from "react-router";

import { EmptyState } from "./EmptyState";
import { usePreferences } from "./preferences";
import { useSession, workspacePath } from "./session";

/** "/" and "/w/name" lead to a page of the workspace used last, or of the first one: its incidents, unless another is asked for. */
export function Start({ page = "incidents" }: { page?: string }) {
  const { workspaces } = useSession();
  const { workspace: last } = usePreferences();
  const { workspace: named } = useParams();
  const workspace =
    workspaces.find((one) => one.name === named) ?? workspaces.find((one) => one.name === last) ?? workspaces[0];
  if (!workspace) {
    return (
      <EmptyState page title="You have no role in any workspace">
        Ask an administrator to give you a role in one, then load this page again.
      </EmptyState>
    );
  }
  return <Navigate replace to={workspacePath(workspace, page)} />;
}

export default function Incidents() {
  return <Start />;
}
