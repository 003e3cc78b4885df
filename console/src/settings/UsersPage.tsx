import { Button, Field, Input, Select, Spinner } from "@fluentui/react-components";
import { AddRegular, PeopleRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";

import { settings, type Granted, type User } from "../api/settings";
import { EmptyState } from "../app/EmptyState";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { useWorkspace, workspacePath } from "../app/session";
import { useChange } from "../app/useChange";
import { Time } from "../time/Time";
import { RolePicker, rolesText } from "./roles";

function NewUser({ onDone }: { onDone: () => void }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { busy, change } = useChange(["accounts"]);
  const [name, setName] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [kind, setKind] = useState<"user" | "client">("user");
  const [granted, setGranted] = useState<Granted>({ role: "Reader", workspace: workspace.name });
  const submit = async () => {
    const made = await change(`Made ${name}`, () => settings.createUser({ name: name.trim(), displayName: displayName.trim() || null, kind, roles: [granted] }));
    if (!made) return;
    onDone();
    await navigate(workspacePath(workspace, "settings", "users", made.name));
  };
  return (
    <EntryForm title="New account" action="Make the account" ready={name.trim() !== ""} busy={busy} onSubmit={submit} onCancel={onDone}>
      <Field label="Name" required hint="What somebody signs in with, for example an e-mail address.">
        <Input value={name} autoFocus onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Shown as">
        <Input value={displayName} onChange={(_, data) => setDisplayName(data.value)} />
      </Field>
      <Field label="Kind">
        <Select value={kind} onChange={(_, data) => setKind(data.value as "user" | "client")}>
          <option value="user">User, who signs in</option>
          <option value="client">API client, which has tokens alone</option>
        </Select>
      </Field>
      <RolePicker granted={granted} onChange={setGranted} />
    </EntryForm>
  );
}

function Row({ user }: { user: User }) {
  const workspace = useWorkspace();
  return (
    <tr>
      <td>
        <Link to={workspacePath(workspace, "settings", "users", user.name)}>{user.displayName}</Link>
        {user.displayName !== user.name && <div className="vd-muted">{user.name}</div>}
      </td>
      <td>{user.kind === "client" ? "API client" : "User"}</td>
      <td>{user.enabled ? "In use" : <strong>Disabled</strong>}</td>
      <td>{rolesText(user.roles) || <span className="vd-muted">None</span>}</td>
      <td>
        <Time value={user.createdTimeUtc} precision="minute" />
      </td>
    </tr>
  );
}

export default function UsersPage() {
  const users = useQuery({ queryKey: ["accounts"], queryFn: () => settings.users() });
  const [adding, setAdding] = useState(false);
  const workspace = useWorkspace();
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Users</h1>
        <span className="vd-muted">Who may do what, in which workspace</span>
        <span className="vd-spacer" />
        {users.isSuccess && !adding && (
          <Button size="small" appearance="primary" icon={<AddRegular />} onClick={() => setAdding(true)}>
            Add an account
          </Button>
        )}
      </div>
      {users.error && <ErrorView what="The accounts could not be loaded" error={users.error} onRetry={() => void users.refetch()} />}
      {users.error && (
        <p>
          <Link to={workspacePath(workspace, "settings", "users", "me")}>Your own account</Link>
        </p>
      )}
      {users.isPending && <Spinner label="Loading the accounts" className="vd-center" />}
      {adding && <NewUser onDone={() => setAdding(false)} />}
      {users.data?.value.length === 0 && !adding && (
        <EmptyState icon={<PeopleRegular />} title="There is no account yet">
          You are signed in as the owner of the data directory. Add an account for everybody else, and give it the least role that will do.
        </EmptyState>
      )}
      {users.data && users.data.value.length > 0 && (
        <Table headings={["Name", "Kind", "State", "Roles", "Made"]}>
          {users.data.value.map((user) => (
            <Row key={user.id} user={user} />
          ))}
        </Table>
      )}
    </div>
  );
}
