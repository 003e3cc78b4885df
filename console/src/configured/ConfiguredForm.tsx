import { Button, Field, Input, Switch } from "@fluentui/react-components";
import { useMutation } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useNavigate } from "react-router";

import { ApiError } from "../api/http";
import type { DestinationWrite, ManifestField, SecretState, SettingValue } from "../api/destinations";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights } from "../app/session";
import { asked, initialValues, problems, serverProblems, toWrite, type Entered } from "./form";
import { ManifestInput } from "./ManifestInput";

interface Stored {
  readonly name: string;
  readonly enabled: boolean;
  readonly settings: Readonly<Record<string, SettingValue>>;
  readonly secrets: Readonly<Record<string, SecretState>>;
}

interface Props<T extends Stored> {
  kind: { readonly kind: string; readonly fields: readonly ManifestField[] };
  stored: T | null;
  /** What it is called in sentences, such as "destinations". */
  things: string;
  nameHint: string;
  /** Where all of them are listed. */
  list: string;
  save: (body: DestinationWrite) => Promise<T>;
  onSaved: (saved: T) => Promise<void>;
  /** Fields after those of the kind. */
  more?: (disabled: boolean) => ReactNode;
  remove: ReactNode;
}

/** The form of a destination or an integration: its name, its kind's fields, and whether it is enabled. */
export function ConfiguredForm<T extends Stored>({ kind, stored, things, nameHint, list, save: send, onSaved, more, remove }: Props<T>) {
  const navigate = useNavigate();
  const { configure } = useRights();
  const [name, setName] = useState(stored?.name ?? "");
  const [enabled, setEnabled] = useState(stored?.enabled ?? true);
  const [entered, setEntered] = useState<Entered>(() => initialValues(kind, stored));
  const [tried, setTried] = useState(false);
  const save = useMutation({
    mutationFn: () => send(toWrite(kind, name, enabled, entered, stored === null)),
    onSuccess: async (saved) => {
      done(`Saved ${saved.name}`);
      await onSaved(saved);
    },
  });
  const local = problems(kind, entered, stored);
  const remote = save.error instanceof ApiError ? serverProblems(save.error.details) : {};
  const shown: Record<string, string> = tried ? { ...remote, ...local } : remote;
  const nameProblem = tried && !name.trim() ? "A name is needed." : shown.name;
  const submit = () => {
    setTried(true);
    if (!name.trim() || Object.keys(local).length) return;
    save.mutate();
  };
  const disabled = !configure || save.isPending;
  return (
    <form
      className="vd-stack vd-form"
      noValidate
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Field label="Name" required hint={nameHint} validationMessage={nameProblem ?? null}>
        <Input value={name} disabled={disabled} maxLength={200} onChange={(_, data) => setName(data.value)} />
      </Field>
      {kind.fields
        .filter((field) => asked(field, entered))
        .map((field) => (
          <ManifestInput
            // A saved secret starts as stored again.
            key={`${field.name}-${stored?.secrets[field.name]?.changedTimeUtc ?? ""}`}
            field={field}
            value={entered[field.name] ?? ""}
            problem={shown[field.name]}
            disabled={disabled}
            secret={stored?.secrets[field.name]}
            onChange={(value) => setEntered((current) => ({ ...current, [field.name]: value }))}
          />
        ))}
      {more?.(disabled)}
      <Switch label="Enabled" checked={enabled} disabled={disabled} onChange={(_, data) => setEnabled(data.checked)} />
      {save.isError && <ErrorView what="It was not saved" error={save.error} />}
      {configure ? (
        <div className="vd-row">
          <Button type="submit" appearance="primary" disabled={save.isPending}>
            {save.isPending ? "Saving" : "Save"}
          </Button>
          <Button onClick={() => void navigate(list)}>Cancel</Button>
          <span className="vd-spacer" />
          {remove}
        </div>
      ) : (
        <p className="vd-muted">Your role in this workspace can read {things} and not change them.</p>
      )}
    </form>
  );
}
