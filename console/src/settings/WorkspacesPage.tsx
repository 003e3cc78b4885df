import { Button, Field, Input, Spinner } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { settings } from "../api/settings";
import type { Workspace } from "../api/types";
import { Confirm } from "../app/Confirm";
import { ErrorView } from "../app/ErrorView";
import { workspacePath } from "../app/session";
import { useChange } from "../app/useChange";
import { Time } from "../time/Time";

function Actions({ one }: { one: Workspace }) {
  const { busy, change } = useChange(["workspaces"], ["all-workspaces"]);
  const archive = () => settings.archiveWorkspace(one.name);
  const restore = () => settings.restoreWorkspace(one.name);
  if (!one.roles.includes("Administrator") || one.name === "default") return null;
  if (!one.archivedTimeUtc) {
    return (
      <Button size="small" appearance="subtle" disabled={busy} aria-label={`Archive ${one.name}`} onClick={() => void change(`Archived ${one.name}`, archive, restore)}>
        Archive
      </Button>
    );
  }
  return (
    <span className="vd-row">
      <Button size="small" appearance="subtle" disabled={busy} aria-label={`Restore ${one.name}`} onClick={() => void change(`Restored ${one.name}`, restore, archive)}>
        Restore
      </Button>
      <Confirm
        trigger={
          <Button size="small" appearance="subtle" disabled={busy} aria-label={`Delete ${one.name}`}>
            Delete
          </Button>
        }
        title={`Delete the workspace ${one.name}?`}
        action="Delete"
        onConfirm={() => void change(`Deleted ${one.name}`, () => settings.deleteWorkspace(one.name))}
      >
        Its logs, rules, incidents, integrations, secrets and roles are gone for good.
      </Confirm>
    </span>
  );
}

function NewWorkspace() {
  const { busy, change } = useChange(["workspaces"], ["all-workspaces"]);
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const make = async () => {
    const made = await change(`Made the workspace ${name}`, () => settings.createWorkspace(name.trim(), shown.trim() || null));
    if (!made) return;
    setName("");
    setShown("");
  };
  return (
    <form
      className="vd-row vd-wrap vd-bottom"
      aria-label="New workspace"
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <Field label="Name" hint="Letters, digits and hyphens; it stays.">
        <Input value={name} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Shown as" hint="Optional.">
        <Input value={shown} onChange={(_, data) => setShown(data.value)} />
      </Field>
      <Button type="submit" appearance="primary" disabled={busy || !name.trim()} className="vd-beside-hint">
        Make a workspace
      </Button>
    </form>
  );
}

export default function WorkspacesPage() {
  const workspaces = useQuery({ queryKey: ["all-workspaces"], queryFn: () => settings.allWorkspaces() });
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Workspaces</h1>
        <span className="vd-muted">Each keeps its logs, rules, incidents and roles apart</span>
      </div>
      {workspaces.error && <ErrorView what="The workspaces could not be loaded" error={workspaces.error} onRetry={() => void workspaces.refetch()} />}
      {workspaces.isPending && <Spinner label="Loading the workspaces" className="vd-center" />}
      {workspaces.data && (
        <div className="vd-scroll">
          <table className="vd-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Shown as</th>
                <th scope="col">Made</th>
                <th scope="col">State</th>
                <th scope="col">Your roles</th>
                <th scope="col">
                  <span className="vd-visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {workspaces.data.value.map((one) => (
                <tr key={one.id}>
                  <td>{one.archivedTimeUtc ? one.name : <Link to={workspacePath(one, "incidents")}>{one.name}</Link>}</td>
                  <td>{one.displayName}</td>
                  <td>
                    <Time value={one.createdTimeUtc} precision="minute" />
                  </td>
                  <td>{one.archivedTimeUtc ? <strong>Archived</strong> : "In use"}</td>
                  <td>{one.roles.join(", ")}</td>
                  <td>
                    <Actions one={one} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <NewWorkspace />
    </div>
  );
}
