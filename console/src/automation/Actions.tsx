import { Button, Field, Input, Select, Textarea } from "@fluentui/react-components";
import { AddRegular, ArrowDownRegular, ArrowUpRegular, DeleteRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Vocabulary } from "../api/automation";
import type { PersonRef } from "../api/types";
import { useWorkspace } from "../app/session";
import { keyed, NO_CHANGE, type EnteredAction, type EnteredChange, type Keyed } from "./model";

const LEAVE = ":leave";
const NOBODY = ":nobody";

function Owner({ value, disabled, onChange }: { value: EnteredChange["owner"]; disabled: boolean; onChange: (owner: EnteredChange["owner"]) => void }) {
  const { id: ws } = useWorkspace();
  const people = useQuery({ queryKey: ["users", ws], queryFn: () => api.users(ws) });
  const known: readonly PersonRef[] = people.data?.value ?? [];
  // An owner that came with an import may be named in another way than by an account's id.
  const all = value && !known.some((one) => one.id === value.id) ? [...known, value] : known;
  return (
    <Field label="Assign to">
      <Select
        value={value === "" ? LEAVE : value === null ? NOBODY : value.id}
        disabled={disabled}
        onChange={(_, data) => onChange(data.value === LEAVE ? "" : data.value === NOBODY ? null : (all.find((one) => one.id === data.value) ?? ""))}
      >
        <option value={LEAVE}>Leave as it is</option>
        <option value={NOBODY}>Nobody</option>
        {all.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function Choice({ label, value, options, disabled, onChange }: { label: string; value: string; options: readonly string[]; disabled: boolean; onChange: (value: string) => void }) {
  return (
    <Field label={label}>
      <Select value={value} disabled={disabled} onChange={(_, data) => onChange(data.value)}>
        <option value="">Leave as it is</option>
        {options.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </Select>
    </Field>
  );
}

interface OneProps {
  value: EnteredAction;
  vocabulary: Vocabulary;
  disabled: boolean;
  onChange: (value: EnteredAction) => void;
}

function One({ value, vocabulary, disabled, onChange }: OneProps) {
  if (value.type === "kept") {
    return (
      <div>
        <p className="vd-warn">There are no playbooks here: this action came with the rule, is kept, and is not done.</p>
        <pre className="vd-kept">{JSON.stringify(value.value.actionConfiguration, null, 2)}</pre>
      </div>
    );
  }
  if (value.type === "task") {
    return (
      <div className="vd-stack">
        <Field label="Task" required>
          <Input value={value.title} maxLength={vocabulary.limits.taskTitle ?? 150} disabled={disabled} onChange={(_, data) => onChange({ ...value, title: data.value })} />
        </Field>
        <Field label="Description">
          <Textarea value={value.description} disabled={disabled} onChange={(_, data) => onChange({ ...value, description: data.value })} />
        </Field>
      </div>
    );
  }
  if (value.type === "source") {
    return (
      <Field label="Alerts in Microsoft Defender for Cloud" hint="Where they come from. In Microsoft Sentinel a playbook does this.">
        <Select value={value.action} disabled={disabled} onChange={(_, data) => onChange({ ...value, action: data.value })}>
          <option value="Dismiss">Dismiss</option>
          <option value="Resolve">Resolve</option>
          <option value="InProgress">Set in progress</option>
          <option value="Activate">Make active</option>
        </Select>
      </Field>
    );
  }
  const set = (change: Partial<EnteredChange>) => onChange({ ...value, ...change });
  const reasons = vocabulary.classifications[value.classification] ?? [];
  return (
    <div className="vd-comparison">
      <Owner value={value.owner} disabled={disabled} onChange={(owner) => set({ owner })} />
      <Choice label="Status" value={value.status} options={vocabulary.statuses} disabled={disabled} onChange={(status) => set({ status })} />
      <Choice label="Severity" value={value.severity} options={vocabulary.severities} disabled={disabled} onChange={(severity) => set({ severity })} />
      <Field label="Add tags" hint="One a line.">
        <Textarea rows={2} value={value.labels} disabled={disabled} onChange={(_, data) => set({ labels: data.value })} />
      </Field>
      {value.status === "Closed" && (
        <>
          <Choice
            label="Classification"
            value={value.classification}
            options={Object.keys(vocabulary.classifications)}
            disabled={disabled}
            onChange={(classification) => set({ classification, reason: vocabulary.classifications[classification]?.[0] ?? "" })}
          />
          {reasons.length > 0 && <Choice label="Reason" value={value.reason} options={reasons} disabled={disabled} onChange={(reason) => set({ reason })} />}
          <Field label="Comment">
            <Textarea rows={2} value={value.comment} disabled={disabled} onChange={(_, data) => set({ comment: data.value })} />
          </Field>
        </>
      )}
    </div>
  );
}

interface Props {
  actions: readonly Keyed<EnteredAction>[];
  vocabulary: Vocabulary;
  disabled: boolean;
  onChange: (actions: Keyed<EnteredAction>[]) => void;
}

/** The actions of a rule, in the order in which they are done. */
export function Actions({ actions, vocabulary, disabled, onChange }: Props) {
  const swap = (index: number, other: number) => {
    const next = [...actions];
    const [a, b] = [next[index], next[other]];
    if (!a || !b) return;
    next[index] = b;
    next[other] = a;
    onChange(next);
  };
  return (
    <fieldset className="vd-fieldset">
      <legend>Actions</legend>
      {actions.map((one, index) => (
        <div key={one.key} className="vd-part" role="group" aria-label={`Action ${index + 1}`}>
          <One value={one} {...{ vocabulary, disabled }} onChange={(next) => onChange(actions.map((each) => (each.key === one.key ? { ...next, key: one.key } : each)))} />
          {!disabled && (
            <div className="vd-row">
              <Button size="small" appearance="subtle" icon={<ArrowUpRegular />} aria-label={`Do action ${index + 1} earlier`} disabled={index === 0} onClick={() => swap(index, index - 1)} />
              <Button size="small" appearance="subtle" icon={<ArrowDownRegular />} aria-label={`Do action ${index + 1} later`} disabled={index === actions.length - 1} onClick={() => swap(index, index + 1)} />
              <Button size="small" appearance="subtle" icon={<DeleteRegular />} aria-label={`Remove action ${index + 1}`} onClick={() => onChange(actions.filter((each) => each.key !== one.key))} />
            </div>
          )}
        </div>
      ))}
      {!disabled && (
        <div className="vd-row vd-wrap">
          <Button size="small" icon={<AddRegular />} onClick={() => onChange([...actions, keyed({ ...NO_CHANGE })])}>
            Add a change
          </Button>
          <Button size="small" icon={<AddRegular />} onClick={() => onChange([...actions, keyed({ type: "task" as const, title: "", description: "" })])}>
            Add a task
          </Button>
          <Button size="small" icon={<AddRegular />} onClick={() => onChange([...actions, keyed({ type: "source" as const, action: "Dismiss" })])}>
            Change alerts at their source
          </Button>
        </div>
      )}
    </fieldset>
  );
}
