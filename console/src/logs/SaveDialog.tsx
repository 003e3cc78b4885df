/** The form in which the editor's text is saved as a query or as a function. */

import "../app/configuration.css";

import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Input, Textarea } from "@fluentui/react-components";
import { AddRegular, DismissRegular } from "@fluentui/react-icons";
import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";

import { functions, type SavedFunction, type SavedFunctionWhole } from "../api/functions";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace } from "../app/session";
import { ALIAS, aliasOf, isQuery, parametersProblem, QUERIES, readParameters, titleOf, TYPES, writeParameters, type Parameter } from "./saved";
import { useSaved, useSavedChange } from "./useSaved";

interface Props {
  kind: "query" | "function";
  body: string;
  /** What the text was loaded from. */
  from: SavedFunctionWhole | null;
  onSaved: (saved: SavedFunctionWhole) => void;
  onClose: () => void;
}

const NONE: readonly SavedFunction[] = [];

function Parameters({ value, onChange }: { value: readonly Parameter[]; onChange: (value: readonly Parameter[]) => void }) {
  const types = useId();
  const lastKey = useRef(value.length);
  const set = (key: number, change: Partial<Parameter>) => onChange(value.map((one) => (one.key === key ? { ...one, ...change } : one)));
  return (
    <fieldset className="vd-fieldset">
      <legend>Parameters</legend>
      <datalist id={types}>
        {TYPES.map((type) => (
          <option key={type} value={type} />
        ))}
      </datalist>
      {value.map((one, index) => (
        <div key={one.key} className="vd-part vd-bottom" role="group" aria-label={`Parameter ${index + 1}`}>
          <div className="vd-parameter">
            <Field label="Type">
              <Input list={types} value={one.type} onChange={(_, data) => set(one.key, { type: data.value })} />
            </Field>
            <Field label="Name" required>
              <Input autoFocus={index === value.length - 1 && !one.name} value={one.name} onChange={(_, data) => set(one.key, { name: data.value })} />
            </Field>
            <Field label="Default value">
              <Input value={one.fallback} placeholder="none" onChange={(_, data) => set(one.key, { fallback: data.value })} />
            </Field>
          </div>
          <Button size="small" appearance="subtle" icon={<DismissRegular />} aria-label={`Remove the parameter ${one.name}`} onClick={() => onChange(value.filter((other) => other.key !== one.key))} />
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={<AddRegular />}
          onClick={() => {
            lastKey.current += 1;
            onChange([...value, { key: lastKey.current, name: "", type: "string", fallback: "" }]);
          }}
        >
          Add a parameter
        </Button>
      </div>
    </fieldset>
  );
}

function Form({ kind, body, from, onSaved, onClose }: Props) {
  const { id: ws } = useWorkspace();
  const saved = useSaved();
  const { change } = useSavedChange();
  const all = saved.data?.value ?? NONE;
  const query = kind === "query";
  const mine = from && isQuery(from) === query ? from : null;
  const [name, setName] = useState(mine ? (query ? titleOf(mine) : mine.name) : "");
  const [category, setCategory] = useState(mine?.category ?? (query ? QUERIES : ""));
  const [description, setDescription] = useState(mine?.description ?? "");
  const [parameters, setParameters] = useState<readonly Parameter[]>(() => (query || !mine ? [] : readParameters(mine.parameters)));
  const alias = query ? (name.trim() ? aliasOf(name, all) : "") : name.trim();
  const there = all.find((one) => one.name.toLowerCase() === alias.toLowerCase());
  const nameProblem = !query && alias && !ALIAS.test(alias) ? "Letters, digits and underscores, no digit first." : null;
  const problem = parametersProblem(parameters);
  const save = useMutation({
    mutationFn: () =>
      functions.put(ws, there?.name ?? alias, {
        body, description, category: query ? category || QUERIES : category, parameters: writeParameters(parameters), displayName: query ? name.trim() : (mine?.displayName ?? ""),
      }),
    onSuccess: async (kept) => {
      onSaved(kept);
      await change(`Saved ${titleOf(kept)}`, () => Promise.resolve(kept));
    },
  });
  const ready = alias !== "" && !nameProblem && !problem && body.trim() !== "" && !save.isPending && !saved.isPending;
  const replaces = there ? `It takes the place of ${there.name === mine?.name ? "what you have loaded" : "one that is there"}, as revision ${there.revision + 1}.` : null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate();
      }}
    >
      <DialogBody>
        <DialogTitle>{query ? "Save as query" : "Save as function"}</DialogTitle>
        <DialogContent>
          <div className="vd-stack">
            {save.isError && <ErrorView what="It was not saved" error={save.error} />}
            <Field
              label={query ? "Query name" : "Function name"}
              required
              hint={replaces ?? (query ? (alias ? `Queries can call it, too: ${alias}()` : "What you and others find it by.") : "What queries call it.")}
              {...(nameProblem ? { validationMessage: nameProblem } : {})}
            >
              <Input autoFocus value={name} maxLength={200} onChange={(_, data) => setName(data.value)} />
            </Field>
            {!query && <Parameters value={parameters} onChange={setParameters} />}
            {problem && <p className="vd-warn">{problem}</p>}
            {!query && (
              <Field label="Category">
                <Input value={category} maxLength={200} onChange={(_, data) => setCategory(data.value)} />
              </Field>
            )}
            <Field label="Description">
              <Textarea rows={2} value={description} maxLength={10_000} onChange={(_, data) => setDescription(data.value)} />
            </Field>
            <pre className="vd-code vd-saved-body" tabIndex={0} aria-label="What is saved">
              {body}
            </pre>
          </div>
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" appearance="primary" disabled={!ready}>
            Save
          </Button>
        </DialogActions>
      </DialogBody>
    </form>
  );
}

export function SaveDialog(props: Props) {
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && props.onClose()}>
      <DialogSurface>
        <Form {...props} />
      </DialogSurface>
    </Dialog>
  );
}
