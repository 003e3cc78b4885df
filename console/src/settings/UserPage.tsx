import { Button, Field, Input, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle, Spinner, Switch } from "@fluentui/react-components";
import { CopyRegular, DismissRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";

import { settings, type Granted, type User } from "../api/settings";
import { Breadcrumb } from "../app/Breadcrumb";
import { Confirm } from "../app/Confirm";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { useSession, useWorkspace, workspacePath } from "../app/session";
import { Title } from "../app/Title";
import { useChange } from "../app/useChange";
import { Time } from "../time/Time";
import { copyText } from "../values/ValueMenu";
import { placeText, RolePicker } from "./roles";
import { Tokens } from "./Tokens";

/** Something that is shown once: it stays until it is put away. */
export function ShownOnce({ what, value, onClose }: { what: string; value: string; onClose: () => void }) {
  return (
    <MessageBar intent="success" layout="multiline" className="vd-error">
      <MessageBarBody>
        <MessageBarTitle>{what}</MessageBarTitle>
        It is shown this once.
        <div>
          <code className="vd-break">{value}</code>
        </div>
      </MessageBarBody>
      <MessageBarActions>
        <Button size="small" icon={<CopyRegular />} onClick={() => void copyText(value, what)}>
          Copy
        </Button>
        <Button size="small" icon={<DismissRegular />} onClick={onClose}>
          Put away
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}

function Roles({ user, changes }: { user: User; changes: boolean }) {
  const workspace = useWorkspace();
  const { busy, change } = useChange(["account", user.name], ["accounts"]);
  const [granted, setGranted] = useState<Granted>({ role: "Reader", workspace: workspace.name });
  const take = (one: Granted) =>
    change(
      `Took ${one.role} (${placeText(one.workspace)}) from ${user.name}`,
      () => settings.revoke(user.name, one),
      () => settings.grant(user.name, one),
    );
  const give = () => change(`Gave ${user.name} ${granted.role} (${placeText(granted.workspace)})`, () => settings.grant(user.name, granted), () => settings.revoke(user.name, granted));
  return (
    <section aria-labelledby="user-roles">
      <h2 id="user-roles">Roles</h2>
      {user.roles.length === 0 && <p className="vd-muted">None: the account may do nothing yet.</p>}
      <ul className="vd-list">
        {user.roles.map((one) => (
          <li key={`${one.role} ${one.workspace ?? ""}`} className="vd-row">
            <span>
              <strong>{one.role}</strong> {one.workspace === null ? "in every workspace" : `in ${one.workspace}`}
            </span>
            {changes && (
              <Button size="small" appearance="subtle" disabled={busy} aria-label={`Take away ${one.role} (${placeText(one.workspace)})`} onClick={() => void take(one)}>
                Take away
              </Button>
            )}
          </li>
        ))}
      </ul>
      {changes && (
        <div className="vd-row vd-wrap vd-bottom">
          <RolePicker granted={granted} onChange={setGranted} />
          <Button disabled={busy} onClick={() => void give()}>
            Give the role
          </Button>
        </div>
      )}
    </section>
  );
}

function SignIn({ user, changes }: { user: User; changes: boolean }) {
  const { busy, change } = useChange(["account", user.name], ["user-sessions", user.name]);
  const [once, setOnce] = useState<{ what: string; value: string } | null>(null);
  const [password, setPassword] = useState("");
  const link = async () => {
    const made = await change(`Made a sign-in link for ${user.name}`, () => settings.signInLink(user.name, 24 * 60));
    if (made) setOnce({ what: `Sign-in link for ${user.name}, good for a day`, value: made.link });
  };
  const generate = async () => {
    const made = await change(`${user.name} has a new password`, () => settings.setPassword(user.name, null));
    if (made?.password) setOnce({ what: `Password of ${user.name}`, value: made.password });
  };
  const own = async () => {
    if (await change("Your password is changed; sign in with it", () => settings.setPassword("me", password))) setPassword("");
  };
  return (
    <section aria-labelledby="user-signin">
      <h2 id="user-signin">Signing in</h2>
      <p>{user.hasPassword ? "By name and password, or by a one-time link." : "By one-time links; there is no password."}</p>
      {once && <ShownOnce what={once.what} value={once.value} onClose={() => setOnce(null)} />}
      {changes ? (
        <div className="vd-row vd-wrap">
          <Button disabled={busy || !user.enabled} onClick={() => void link()}>
            Make a sign-in link
          </Button>
          <Confirm
            trigger={<Button disabled={busy}>Reset the password</Button>}
            title={`Give ${user.name} a new password?`}
            action="Reset it"
            onConfirm={() => void generate()}
          >
            It is generated and shown once. The former one is good no longer, and every session of {user.name} ends.
          </Confirm>
        </div>
      ) : (
        <form
          className="vd-row vd-wrap vd-bottom"
          onSubmit={(event) => {
            event.preventDefault();
            void own();
          }}
        >
          <Field label="New password" hint="12 characters or more. You are signed out, and sign in with it.">
            <Input type="password" autoComplete="new-password" value={password} onChange={(_, data) => setPassword(data.value)} />
          </Field>
          <Button type="submit" disabled={busy || password.length < 12}>
            Change it
          </Button>
        </form>
      )}
    </section>
  );
}

function Sessions({ user }: { user: User }) {
  const sessions = useQuery({ queryKey: ["user-sessions", user.name], queryFn: () => settings.sessions(user.name) });
  const { busy, change } = useChange(["user-sessions", user.name]);
  const list = sessions.data?.value ?? [];
  return (
    <section aria-labelledby="user-sessions">
      <div className="vd-row">
        <h2 id="user-sessions">Sessions</h2>
        {list.length > 1 && (
          <Button size="small" disabled={busy} onClick={() => void change(`${user.name} is signed out everywhere`, () => settings.endSession(user.name, null))}>
            End all
          </Button>
        )}
      </div>
      {sessions.error && <ErrorView what="The sessions could not be loaded" error={sessions.error} />}
      {sessions.data && list.length === 0 && <p className="vd-muted">Nobody is signed in with this account.</p>}
      {list.length > 0 && (
        <Table headings={["From", "Since", "Last seen"]} actions>
          {list.map((one) => (
            <tr key={one.id}>
              <td>
                {one.source} {one.current && <strong>· this one</strong>}
              </td>
              <td>
                <Time value={one.createdTimeUtc} precision="minute" />
              </td>
              <td>
                <Time value={one.lastSeenTimeUtc} precision="minute" ago />
              </td>
              <td>
                <Button size="small" appearance="subtle" disabled={busy} aria-label={`End the session from ${one.source}`} onClick={() => void change("Ended the session", () => settings.endSession(user.name, one.id))}>
                  End
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function Danger({ user }: { user: User }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { busy, change } = useChange(["accounts"]);
  const remove = async () => {
    const gone = await change(`Deleted ${user.name}`, () => settings.deleteUser(user.name).then(() => true));
    if (gone) await navigate(workspacePath(workspace, "settings", "users"));
  };
  return (
    <Confirm trigger={<Button size="small" disabled={busy}>Delete</Button>} title={`Delete ${user.name}?`} action="Delete" onConfirm={() => void remove()}>
      Its roles, tokens and sessions are gone for good; the audit trail keeps its name. Disabling it can be taken back.
    </Confirm>
  );
}

export default function UserPage() {
  const workspace = useWorkspace();
  const { session } = useSession();
  const { user: name = "me" } = useParams();
  const account = useQuery({ queryKey: ["account", name], queryFn: () => settings.user(name) });
  const { busy, change } = useChange(["account", name], ["accounts"], ["user-sessions", name]);
  const user = account.data;
  const own = name === "me" || user?.id === session.principal.id;
  const enable = (wanted: boolean) =>
    user &&
    change(
      `${wanted ? "Enabled" : "Disabled"} ${user.name}`,
      () => settings.patchUser(user.name, { enabled: wanted }),
      () => settings.patchUser(user.name, { enabled: !wanted }),
    );
  return (
    <div className="vd-page">
      <Title>{name === "me" ? "Your account" : (user?.displayName ?? "User")}</Title>
      <Breadcrumb to={workspacePath(workspace, "settings", "users")} list="Users">
        {user?.name ?? name}
      </Breadcrumb>
      <div className="vd-page-head">
        <h1>{user?.displayName ?? (name === "me" ? "Your account" : name)}</h1>
        {user && <span className="vd-muted">{user.kind === "client" ? "API client" : user.kind === "local" ? "Owner of the data directory" : "User"}</span>}
        <span className="vd-spacer" />
        {user && !own && (
          <>
            <Switch checked={user.enabled} disabled={busy} label={user.enabled ? "In use" : "Disabled"} onChange={(_, data) => void enable(data.checked)} />
            <Danger user={user} />
          </>
        )}
      </div>
      {account.error && <ErrorView what="The account could not be loaded" error={account.error} onRetry={() => void account.refetch()} />}
      {account.isPending && <Spinner label="Loading the account" className="vd-center" />}
      {user && (
        <div className="vd-stack vd-wide">
          {user.kind !== "local" && <Roles user={user} changes={!own} />}
          {user.kind === "user" && <SignIn user={user} changes={!own} />}
          <Tokens user={user} />
          {user.kind !== "client" && <Sessions user={user} />}
        </div>
      )}
    </div>
  );
}
