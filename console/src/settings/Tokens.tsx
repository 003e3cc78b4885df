import { Button, Checkbox, Field, Input, Select } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { settings, type Token, type User } from "../api/settings";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { useSession } from "../app/session";
import { useChange } from "../app/useChange";
import { Time } from "../time/Time";
import { ShownOnce } from "./UserPage";

const DAYS: readonly [string, string][] = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "a year"],
  ["", "until it is revoked"],
];

function NewToken({ user, onMade, onCancel }: { user: User; onMade: (token: string) => void; onCancel: () => void }) {
  const { workspaces } = useSession();
  const roles = useQuery({ queryKey: ["roles"], queryFn: () => settings.roles(), staleTime: Infinity });
  const { busy, change } = useChange(["tokens", user.name]);
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [place, setPlace] = useState("");
  const [wanted, setWanted] = useState<ReadonlySet<string>>(new Set());
  const all = [...new Set(roles.data?.value.flatMap((role) => role.permissions) ?? [])].sort();
  const submit = async () => {
    const body = { name: name.trim(), permissions: wanted.size ? [...wanted] : null, workspaces: place ? [place] : null, days: days ? Number(days) : null };
    const made = await change(`Made the token ${body.name}`, () => settings.createToken(user.name, body));
    if (made) onMade(made.token);
  };
  const toggle = (permission: string, on: boolean) =>
    setWanted((current) => {
      const next = new Set(current);
      if (on) next.add(permission);
      else next.delete(permission);
      return next;
    });
  return (
    <EntryForm title="New token" action="Make the token" ready={name.trim() !== ""} busy={busy} wide onSubmit={submit} onCancel={onCancel}>
      <div className="vd-row vd-wrap">
        <Field label="What it is for" required>
          <Input autoFocus value={name} onChange={(_, data) => setName(data.value)} />
        </Field>
        <Field label="Good for">
          <Select value={days} onChange={(_, data) => setDays(data.value)}>
            {DAYS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="In">
          <Select value={place} onChange={(_, data) => setPlace(data.value)}>
            <option value="">every workspace of the account</option>
            {workspaces.map((one) => (
              <option key={one.id} value={one.name}>
                {one.name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <fieldset className="vd-permissions">
        <legend>Limited to {wanted.size ? `${wanted.size} permissions` : "what the roles allow; choose fewer"}</legend>
        {all.map((permission) => (
          <Checkbox key={permission} label={permission} checked={wanted.has(permission)} onChange={(_, data) => toggle(permission, data.checked === true)} />
        ))}
      </fieldset>
    </EntryForm>
  );
}

function stateOf(token: Token): string {
  return token.revokedTimeUtc ? "Revoked" : token.expired ? "Expired" : "Good";
}

export function Tokens({ user }: { user: User }) {
  const tokens = useQuery({ queryKey: ["tokens", user.name], queryFn: () => settings.tokens(user.name) });
  const { busy, change } = useChange(["tokens", user.name]);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const list = tokens.data?.value ?? [];
  return (
    <section aria-labelledby="user-tokens">
      <div className="vd-row">
        <h2 id="user-tokens">API tokens</h2>
        {!adding && (
          <Button size="small" onClick={() => setAdding(true)}>
            New token
          </Button>
        )}
      </div>
      {made && <ShownOnce what={`API token of ${user.name}`} value={made} onClose={() => setMade(null)} />}
      {adding && (
        <NewToken
          user={user}
          onCancel={() => setAdding(false)}
          onMade={(token) => {
            setMade(token);
            setAdding(false);
          }}
        />
      )}
      {tokens.error && <ErrorView what="The tokens could not be loaded" error={tokens.error} />}
      {tokens.data && list.length === 0 && !adding && <p className="vd-muted">None.</p>}
      {list.length > 0 && (
        <Table headings={["For", "Limited to", "State", "Expires", "Last used"]} actions>
          {list.map((token) => (
            <tr key={token.id}>
              <td>{token.name}</td>
              <td className="vd-wrap-text">
                {token.permissions?.join(", ") ?? "what the roles allow"}
                {token.workspaces && ` in ${token.workspaces.join(", ")}`}
              </td>
              <td>{stateOf(token)}</td>
              <td>{token.expiresTimeUtc ? <Time value={token.expiresTimeUtc} precision="minute" /> : "never"}</td>
              <td>{token.lastUsedTimeUtc ? <Time value={token.lastUsedTimeUtc} precision="minute" /> : <span className="vd-muted">never</span>}</td>
              <td>
                {!token.revokedTimeUtc && (
                  <Button size="small" appearance="subtle" disabled={busy} aria-label={`Revoke ${token.name}`} onClick={() => void change(`Revoked ${token.name}`, () => settings.revokeToken(user.name, token.id))}>
                    Revoke
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
