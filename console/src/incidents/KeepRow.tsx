/** Keeping a row of a result as a bookmark, in an incident or without one. */

import "../app/configuration.css";

import { Button, Checkbox, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, DialogTrigger, Field, Input, Textarea } from "@fluentui/react-components";
import { BookmarkAddRegular } from "@fluentui/react-icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace } from "../app/session";
import { isTime } from "../time/format";
import { entitiesOfRow } from "./rowEntities";

interface Props {
  row: Readonly<Record<string, unknown>>;
  query: string;
  /** The incident whose result it is; otherwise it may be entered. */
  incident?: number;
}

function Form({ row, query, incident, onClose }: Props & { onClose: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [notes, setNotes] = useState("");
  const [number, setNumber] = useState(incident === undefined ? "" : String(incident));
  const named = entitiesOfRow(row);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const entered = number.trim().replace(/^#/, "");
  const wanted = entered === "" ? null : Number(entered);
  const valid = wanted === null || (Number.isSafeInteger(wanted) && wanted > 0);
  const keep = useMutation({
    mutationFn: () => {
      const time = row.TimeGenerated;
      return api.addBookmark(workspace.id, {
        displayName: name.trim(), notes, query, queryResult: row, incidentNumber: wanted,
        entities: named.filter((one) => !left.has(one.key)).map((one) => one.entity), ...(isTime(time) ? { eventTimeUtc: time } : {}),
      });
    },
    onSuccess: async () => {
      done(wanted === null ? `Kept ${name.trim()}` : `Kept ${name.trim()} with #${wanted}`);
      onClose();
      for (const key of ["incident", "investigation", "bookmarks"]) await client.invalidateQueries({ queryKey: [key, workspace.id] });
    },
  });
  const ready = name.trim() !== "" && valid && !keep.isPending;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) keep.mutate();
      }}
    >
      <DialogBody>
        <DialogTitle>Keep this row</DialogTitle>
        <DialogContent>
          <div className="vd-stack">
            {keep.isError && <ErrorView what="It was not kept" error={keep.error} />}
            <Field label="Name" required>
              <Input autoFocus value={name} maxLength={256} onChange={(_, data) => setName(data.value)} />
            </Field>
            <Field label="Notes">
              <Textarea rows={3} value={notes} maxLength={30_000} onChange={(_, data) => setNotes(data.value)} />
            </Field>
            {named.length > 0 && (
              <fieldset className="vd-fieldset vd-entities">
                <legend>Entities</legend>
                <div className="vd-muted">What the row names; the bookmark is shown on their pages.</div>
                  {named.map(({ key, name, entity }) => (
                    <Checkbox
                      key={key}
                      label={`${entity.type}: ${name}`}
                      checked={!left.has(key)}
                      onChange={(_, data) => {
                        const next = new Set(left);
                        if (data.checked) next.delete(key);
                        else next.add(key);
                        setLeft(next);
                      }}
                    />
                  ))}
              </fieldset>
            )}
            <Field label="Incident number" hint="Empty: it belongs to none, and is under Hunting." {...(valid ? {} : { validationMessage: "It is a number, like 7." })}>
              <Input value={number} inputMode="numeric" onChange={(_, data) => setNumber(data.value)} />
            </Field>
          </div>
        </DialogContent>
        <DialogActions>
          <DialogTrigger disableButtonEnhancement>
            <Button>Cancel</Button>
          </DialogTrigger>
          <Button type="submit" appearance="primary" disabled={!ready}>
            Keep
          </Button>
        </DialogActions>
      </DialogBody>
    </form>
  );
}

export function KeepRow(props: Props) {
  const { editIncidents } = useRights();
  const [open, setOpen] = useState(false);
  if (!editIncidents) return null;
  return (
    <Dialog open={open} onOpenChange={(_, data) => setOpen(data.open)}>
      <DialogTrigger disableButtonEnhancement>
        <Button size="small" icon={<BookmarkAddRegular />}>
          Keep as a bookmark
        </Button>
      </DialogTrigger>
      <DialogSurface>{open && <Form {...props} onClose={() => setOpen(false)} />}</DialogSurface>
    </Dialog>
  );
}
