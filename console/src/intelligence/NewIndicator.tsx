import { Field, Input, Select, Textarea } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";

import { intelligence, type IntelDetail } from "../api/intelligence";
import { done, failed } from "../app/activity";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace } from "../app/session";
import { confidenceProblem, daysProblem, EMPTY, KINDS, LEVELS, THREATS, toIndicator, type Choice, type Draft } from "./model";

function Options({ choices }: { choices: readonly Choice[] }) {
  return choices.map((one) => (
    <option key={one.value} value={one.value}>
      {one.label}
    </option>
  ));
}

const wrong = (problem: string | null) => (problem ? { validationMessage: problem } : {});

/** The form for an indicator that is not there yet. */
export function NewIndicator({ onAdded, onCancel }: { onAdded: (made: IntelDetail) => void; onCancel: () => void }) {
  const { id: ws } = useWorkspace();
  const client = useQueryClient();
  const threats = useId();
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const made = toIndicator(draft);
  const again = () => client.invalidateQueries({ queryKey: ["intelligence", ws] });
  const add = useMutation({
    mutationFn: async (body: NonNullable<typeof made>) => {
      // Tags in the indicator itself would be labels of its source, which nobody can remove here.
      const kept = await intelligence.add(ws, { ...body, tags: [] });
      if (!body.tags.length) return kept;
      return intelligence.tag(ws, kept.id, { add: body.tags }).catch((error: unknown) => {
        failed(`${kept.name} was added without its tags`, error);
        return kept;
      });
    },
    onSuccess: async (kept) => {
      if (kept.tags.length || !made?.tags.length) done(`Added ${kept.name}`, () => intelligence.delete(ws, kept.id).finally(again));
      onAdded(kept);
      await again();
    },
  });
  return (
    <EntryForm wide title="New indicator" action="Add the indicator" ready={made !== null} busy={add.isPending} onSubmit={() => (made ? add.mutateAsync(made).catch(() => undefined) : Promise.resolve())} onCancel={onCancel}>
      {add.isError && <ErrorView what="It was not added" error={add.error} />}
      <div className="vd-comparison">
        <Field label="Type" required>
          <Select value={draft.type} onChange={(_, data) => set({ type: data.value })}>
            <Options choices={KINDS} />
          </Select>
        </Field>
        <Field label="Value" required hint={KINDS.find((one) => one.value === draft.type)?.hint}>
          <Input autoFocus value={draft.value} maxLength={8000} onChange={(_, data) => set({ value: data.value })} />
        </Field>
        <Field label="Name" hint="The value, if it has none">
          <Input value={draft.name} maxLength={1000} onChange={(_, data) => set({ name: data.value })} />
        </Field>
      </div>
      <div className="vd-comparison">
        <Field label="Confidence" hint="0 to 100" {...wrong(confidenceProblem(draft.confidence))}>
          <Input value={draft.confidence} inputMode="numeric" onChange={(_, data) => set({ confidence: data.value })} />
        </Field>
        <Field label="In force for days" required hint="0: without an end" {...wrong(daysProblem(draft.days))}>
          <Input value={draft.days} inputMode="numeric" onChange={(_, data) => set({ days: data.value })} />
        </Field>
        <Field label="Threat types" hint="With commas between them">
          <Input list={threats} value={draft.threats} onChange={(_, data) => set({ threats: data.value })} />
        </Field>
        <Field label="Tags" hint="With commas between them">
          <Input value={draft.tags} onChange={(_, data) => set({ tags: data.value })} />
        </Field>
        <Field label="Traffic light protocol">
          <Select value={draft.tlp} onChange={(_, data) => set({ tlp: data.value })}>
            <Options choices={LEVELS} />
          </Select>
        </Field>
      </div>
      <datalist id={threats}>
        {THREATS.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <Field label="Description">
        <Textarea rows={2} value={draft.description} maxLength={10_000} onChange={(_, data) => set({ description: data.value })} />
      </Field>
    </EntryForm>
  );
}
