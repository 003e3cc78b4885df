/** A bookmark whole: what was kept, by which query, and what can be done with it. */

import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, DialogTrigger, Field, Input, Textarea } from "@fluentui/react-components";
import { DismissRegular, DocumentSearchRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import type { Bookmark, BookmarkChange } from "../api/work";
import { EntryForm } from "../app/EntryForm";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { useChange } from "../app/useChange";
import { DeleteButton } from "../configured/DeleteButton";
import { cellText } from "../grid/rows";
import { usePreferences } from "../app/preferences";
import { entityLink, refOf } from "../incidents/entity";
import { logsLink } from "../logs/link";
import { isTime } from "../time/format";
import { around } from "../time/range";
import { Time } from "../time/Time";
import { ValueChip } from "../values/ValueMenu";
import { valueText } from "../values/kql";
import { numberOf, rangeOf, tagsOf } from "./bookmarks";

const ENTITY_HOURS = 24 * 7;

export function useBookmarkChange() {
  const { id: ws } = useWorkspace();
  return useChange(["bookmarks", ws], ["incident", ws], ["investigation", ws]);
}

export function EntityLinks({ bookmark }: { bookmark: Bookmark }) {
  const workspace = useWorkspace();
  if (!bookmark.entities.length) return <span className="vd-none">—</span>;
  return (
    <div className="vd-chips">
      {bookmark.entities.map((entity) => (
        <Link
          key={`${entity.type} ${entity.name}`}
          className="vd-chip"
          title={`Open the ${entity.type}: ${entity.name}`}
          to={entityLink(workspace, refOf(entity.type, entity.properties), around(bookmark.eventTimeUtc, ENTITY_HOURS))}
        >
          <span className="vd-chip-text">{entity.name}</span>
        </Link>
      ))}
    </div>
  );
}

/** Puts a bookmark into an incident, by its number or out of the newest that are open. */
export function AddToIncident({ bookmark }: { bookmark: Bookmark }) {
  const { id: ws } = useWorkspace();
  const { busy, change } = useBookmarkChange();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const list = useId();
  const newest = useQuery({ queryKey: ["open-incidents", ws], queryFn: () => api.incidents(ws, { status: "New,Active", sort: "-createdTimeUtc", top: 50 }), enabled: open, staleTime: 15_000 });
  const number = numberOf(text);
  const before = bookmark.incidentNumber;
  const title = before === null ? "Add to an incident" : "Move to another incident";
  const add = async () => {
    if (number === null) return;
    const done = await change(
      `Added ${bookmark.displayName} to #${number}`,
      () => api.changeBookmark(ws, bookmark.id, { incidentNumber: number }),
      () => api.changeBookmark(ws, bookmark.id, { incidentNumber: before }),
    );
    if (done) setOpen(false);
  };
  return (
    <Dialog open={open} onOpenChange={(_, data) => setOpen(data.open)}>
      <DialogTrigger disableButtonEnhancement>
        <Button size="small" aria-label={`${title}: ${bookmark.displayName}`}>
          {title}
        </Button>
      </DialogTrigger>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent>
              <Field label="Incident number" required {...(text && number === null ? { validationMessage: "It is a number, like 7." } : {})}>
                <Input autoFocus list={list} value={text} inputMode="numeric" onChange={(_, data) => setText(data.value)} />
              </Field>
              <datalist id={list}>
                {newest.data?.value.map((one) => (
                  <option key={one.number} value={String(one.number)} label={`#${one.number} ${one.title}`} />
                ))}
              </datalist>
            </DialogContent>
            <DialogActions>
              <DialogTrigger disableButtonEnhancement>
                <Button>Cancel</Button>
              </DialogTrigger>
              <Button type="submit" appearance="primary" disabled={busy || number === null || number === before}>
                Add
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}

function EditBookmark({ bookmark, onDone }: { bookmark: Bookmark; onDone: () => void }) {
  const { id: ws } = useWorkspace();
  const { busy, change } = useBookmarkChange();
  const [name, setName] = useState(bookmark.displayName);
  const [notes, setNotes] = useState(bookmark.notes);
  const [tags, setTags] = useState(bookmark.labels.join(", "));
  const submit = async () => {
    const set: BookmarkChange = { displayName: name.trim(), notes, labels: tagsOf(tags) };
    const { displayName, notes: old, labels } = bookmark;
    const done = await change(`Changed ${name.trim()}`, () => api.changeBookmark(ws, bookmark.id, set), () => api.changeBookmark(ws, bookmark.id, { displayName, notes: old, labels }));
    if (done) onDone();
  };
  return (
    <EntryForm wide title="Edit the bookmark" action="Save" ready={name.trim() !== ""} busy={busy} onSubmit={submit} onCancel={onDone}>
      <Field label="Name" required>
        <Input autoFocus value={name} maxLength={256} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Notes">
        <Textarea rows={4} resize="vertical" value={notes} maxLength={30_000} onChange={(_, data) => setNotes(data.value)} />
      </Field>
      <Field label="Tags" hint="With commas between them">
        <Input value={tags} onChange={(_, data) => setTags(data.value)} />
      </Field>
    </EntryForm>
  );
}

function KeptRow({ bookmark }: { bookmark: Bookmark }) {
  const { zone } = usePreferences();
  const values = Object.entries(bookmark.queryResult).filter(([, value]) => value !== null && value !== "");
  if (!values.length) return <p className="vd-muted">No values were kept with it.</p>;
  return (
    <dl className="vd-facts">
      {values.map(([name, value]) => (
        <div key={name} className="vd-contents">
          <dt className="vd-break">{name}</dt>
          <dd>
            {typeof value === "object" ? (
              <pre className="vd-kept" tabIndex={0} aria-label={`${name} as JSON`}>
                {JSON.stringify(value, null, 2)}
              </pre>
            ) : (
              <ValueChip target={{ value, type: isTime(value) ? "datetime" : "string", label: name, time: bookmark.eventTimeUtc }} className="vd-chip-wide">
                {isTime(value) ? cellText(value, "datetime", zone) : valueText(value)}
              </ValueChip>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function BookmarkPane({ bookmark, onDismiss }: { bookmark: Bookmark; onDismiss: () => void }) {
  const workspace = useWorkspace();
  const { editIncidents } = useRights();
  const { busy, change } = useBookmarkChange();
  const [editing, setEditing] = useState(false);
  const { incidentNumber: number } = bookmark;
  const takeOut = () =>
    change(
      `Took ${bookmark.displayName} out of #${number ?? ""}`,
      () => api.changeBookmark(workspace.id, bookmark.id, { incidentNumber: null }),
      () => api.changeBookmark(workspace.id, bookmark.id, { incidentNumber: number }),
    );
  const remove = async () => {
    await api.deleteBookmark(workspace.id, bookmark.id);
    onDismiss();
    await change(`Deleted ${bookmark.displayName}`, () => Promise.resolve());
  };
  return (
    <aside className="vd-preview" aria-label={`Bookmark ${bookmark.displayName}`}>
      <div className="vd-preview-head">
        <span className="vd-muted">Bookmark</span>
        <span className="vd-spacer" />
        <Button size="small" appearance="subtle" icon={<DismissRegular />} aria-label="Close the bookmark" onClick={onDismiss} />
      </div>
      {editing ? (
        <EditBookmark bookmark={bookmark} onDone={() => setEditing(false)} />
      ) : (
        <>
          <h2 className="vd-preview-title vd-break">{bookmark.displayName}</h2>
          {bookmark.notes && <p className="vd-pre">{bookmark.notes}</p>}
        </>
      )}
      <dl className="vd-facts">
        <dt>Event time</dt>
        <dd>
          <Time value={bookmark.eventTimeUtc} />
        </dd>
        <dt>Kept by</dt>
        <dd>
          {bookmark.createdBy.name}, <Time value={bookmark.createdTimeUtc} ago />
        </dd>
        <dt>Incident</dt>
        <dd>{number === null ? "—" : <Link to={workspacePath(workspace, "incidents", number)}>#{number}</Link>}</dd>
        <dt>Tags</dt>
        <dd>{bookmark.labels.join(", ") || "—"}</dd>
        <dt>Entities</dt>
        <dd>
          <EntityLinks bookmark={bookmark} />
        </dd>
      </dl>
      {editIncidents && (
        <div className="vd-row vd-wrap">
          <AddToIncident bookmark={bookmark} />
          {number !== null && (
            <Button size="small" disabled={busy} onClick={() => void takeOut()}>
              Take out of #{number}
            </Button>
          )}
          {!editing && (
            <Button size="small" onClick={() => setEditing(true)}>
              Edit
            </Button>
          )}
          <DeleteButton small name={bookmark.displayName} remove={remove}>
            The row in the logs stays where it is; the bookmark goes{number === null ? "" : `, from #${number} as well`}.
          </DeleteButton>
        </div>
      )}
      <section>
        <h3 className="vd-label">The row</h3>
        <KeptRow bookmark={bookmark} />
      </section>
      {bookmark.query && (
        <section>
          <div className="vd-row">
            <h3 className="vd-label">Query</h3>
            <span className="vd-spacer" />
            <Link className="vd-button-link" to={logsLink(workspace, { query: bookmark.query, range: rangeOf(bookmark), run: true })}>
              <DocumentSearchRegular aria-hidden /> Open in Logs
            </Link>
          </div>
          <pre className="vd-code" tabIndex={0} aria-label="Query">
            {bookmark.query}
          </pre>
        </section>
      )}
    </aside>
  );
}
