import { Button, Field, Input, Select, Switch, Textarea } from "@fluentui/react-components";
import { useState } from "react";

import type { ManifestField, SecretState } from "../api/destinations";
import { Ago } from "../time/Time";

interface Props {
  field: ManifestField;
  value: string | boolean;
  problem: string | undefined;
  disabled: boolean;
  /** For secrets: what is stored. */
  secret: SecretState | undefined;
  onChange: (value: string | boolean) => void;
}

/** A secret is shown as stored or not; replacing it is a decision of its own. */
function SecretInput({ field, value, disabled, secret, onChange }: Props) {
  const [replacing, setReplacing] = useState(false);
  if (secret?.set && !replacing) {
    return (
      <div className="vd-row">
        <span>
          Stored{secret.changedTimeUtc && <>, set <Ago value={secret.changedTimeUtc} /></>}
        </span>
        <Button size="small" disabled={disabled} onClick={() => setReplacing(true)}>
          Replace
        </Button>
      </div>
    );
  }
  return (
    <div className="vd-row">
      <Input
        type="password"
        autoComplete="new-password"
        autoFocus={replacing}
        className="vd-grow"
        placeholder={field.placeholder ?? ""}
        value={String(value)}
        disabled={disabled}
        aria-label={field.label}
        onChange={(_, data) => onChange(data.value)}
      />
      {replacing && (
        <Button
          size="small"
          onClick={() => {
            setReplacing(false);
            onChange("");
          }}
        >
          Keep the stored one
        </Button>
      )}
    </div>
  );
}

export function ManifestInput(props: Props) {
  const { field, value, problem, disabled, onChange } = props;
  if (field.type === "boolean") {
    return (
      <Field hint={field.help ?? ""} validationMessage={problem ?? null}>
        <Switch label={field.label} checked={value === true} disabled={disabled} onChange={(_, data) => onChange(data.checked)} />
      </Field>
    );
  }
  const text = String(value);
  const common = { value: text, disabled, onChange: (_: unknown, data: { value: string }) => onChange(data.value) };
  return (
    <Field label={field.label} required={field.required} hint={field.help ?? ""} validationMessage={problem ?? null}>
      {field.type === "secret" ? (
        <SecretInput {...props} />
      ) : field.type === "enum" ? (
        <Select {...common}>
          {!text && <option value="">Choose…</option>}
          {field.options?.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </Select>
      ) : field.type === "text" ? (
        <Textarea {...common} placeholder={field.placeholder ?? ""} rows={4} />
      ) : (
        <Input
          {...common}
          placeholder={field.placeholder ?? ""}
          inputMode={field.type === "integer" ? "numeric" : field.type === "url" ? "url" : "text"}
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </Field>
  );
}
