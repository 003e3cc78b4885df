/** Who is signed in, and which workspace is looked at. */

import { useQuery } from "@tanstack/react-query";
import { createContext, use, type ReactNode } from "react";

import { api } from "../api/client";
import type { Role, Session, Workspace } from "../api/types";

interface SessionContext {
  session: Session;
  workspaces: Workspace[];
}

const SessionValue = createContext<SessionContext | null>(null);
const WorkspaceValue = createContext<Workspace | null>(null);

export function SessionProvider({ value, children }: { value: SessionContext; children: ReactNode }) {
  return <SessionValue value={value}>{children}</SessionValue>;
}

export function WorkspaceProvider({ value, children }: { value: Workspace; children: ReactNode }) {
  return <WorkspaceValue value={value}>{children}</WorkspaceValue>;
}

export function useSession(): SessionContext {
  const value = use(SessionValue);
  if (!value) throw new Error("useSession() outside of the signed-in part of the console");
  return value;
}

export function useWorkspace(): Workspace {
  const value = use(WorkspaceValue);
  if (!value) throw new Error("useWorkspace() outside of a workspace");
  return value;
}

const RESPONDS: readonly Role[] = ["Responder", "Contributor", "Administrator"];
const CONFIGURES: readonly Role[] = ["Contributor", "Administrator"];

/** What to offer. The server decides what happens. */
export function useRights(): { editIncidents: boolean; configure: boolean } {
  const { roles } = useWorkspace();
  return {
    editIncidents: roles.some((role) => RESPONDS.includes(role)),
    configure: roles.some((role) => CONFIGURES.includes(role)),
  };
}

/** The address of a page of the workspace: path("incidents", 17). */
export function workspacePath(workspace: Workspace | string, ...parts: (string | number)[]): string {
  const name = typeof workspace === "string" ? workspace : workspace.name;
  return ["", "w", name, ...parts].map((part) => encodeURIComponent(part)).join("/");
}

/** Those an incident can be assigned to. */
export function usePeople() {
  const workspace = useWorkspace();
  return useQuery({
    queryKey: ["users", workspace.id],
    queryFn: () => api.users(workspace.id),
    staleTime: 5 * 60_000,
    select: (page) => page.value,
  });
}
