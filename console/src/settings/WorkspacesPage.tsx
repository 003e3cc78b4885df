import { Button, Field, Input, Spinner } from "@fluentui/react-components";
import { AddRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { settings } from "../api/settings";
import type { Workspace } from "../api/types";
import { Confirm } from "../app/Confirm";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
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

function NewWorkspace({ onDone }: { onDone: () => void }) {
  const { busy, change } = useChange(["workspaces"], ["all-workspaces"]);
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const make = async () => {
    const made = await change(`Made the workspace ${name}`, () => settings.createWorkspace(name.trim(), shown.trim() || null));
    if (made) onDone();
  };
  return (
    <EntryForm title="New workspace" action="Make the workspace" ready={name.trim() !== ""} busy={busy} onSubmit={make} onCancel={onDone}>
      <Field label="Name" required hint="Letters, digits and hyphens. It stands in addresses and queries, and stays.">
        <Input value={name} autoFocus onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Shown as">
        <Input value={shown} onChange={(_, data) => setShown(data.value)} />
      </Field>
    </EntryForm>
  );
}

export default function WorkspacesPage() {
  const workspaces = useQuery({ queryKey: ["all-workspaces"], queryFn: () => settings.allWorkspaces() });
  const [adding, setAdding] = useState(false);
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Workspaces</h1>
        <span className="vd-muted">Each keeps its logs, rules, incidents and roles apart</span>
        <span className="vd-spacer" />
        {workspaces.isSuccess && !adding && (
          <Button size="small" appearance="primary" icon={<AddRegular />} onClick={() => setAdding(true)}>
            Add a workspace
          </Button>
        )}
      </div>
      {workspaces.error && <ErrorView what="The workspaces could not be loaded" error={workspaces.error} onRetry={() => void workspaces.refetch()} />}
      {workspaces.isPending && <Spinner label="Loading the workspaces" className="vd-center" />}
      {adding && <NewWorkspace onDone={() => setAdding(false)} />}
      {workspaces.data && (
        <Table headings={["Name", "Shown as", "Made", "State", "Your roles"]} actions>
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
        </Table>
      )}
    </div>
  );
}
