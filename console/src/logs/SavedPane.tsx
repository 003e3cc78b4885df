/** The saved queries, or the saved functions, beside the editor. */

import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, SearchBox } from "@fluentui/react-components";
import { MoreHorizontalRegular } from "@fluentui/react-icons";
import { useState } from "react";

import { functions, type SavedFunction, type SavedFunctionWhole } from "../api/functions";
import { failed } from "../app/activity";
import { useRights, useWorkspace } from "../app/session";
import { DeleteSaved } from "./DeleteSaved";
import { callable, callOf, found, titleOf } from "./saved";
import { useSaved } from "./useSaved";

interface Props {
  queries: boolean;
  /** Puts its text into the editor. */
  onLoad: (whole: SavedFunctionWhole) => void;
  onInsert: (text: string) => void;
  onRun: (query: string) => void;
  /** Opens the form in which it is saved. */
  onEdit: (whole: SavedFunctionWhole) => void;
}

interface ItemProps extends Props {
  one: SavedFunction;
  onDelete: (one: SavedFunction) => void;
}

function Item({ one, queries, onLoad, onInsert, onRun, onEdit, onDelete }: ItemProps) {
  const { id: ws } = useWorkspace();
  const { configure } = useRights();
  const title = titleOf(one);
  const whole = (then: (whole: SavedFunctionWhole) => void) => {
    functions.get(ws, one.name).then(then, (error: unknown) => failed(`${title} could not be loaded`, error));
  };
  return (
    <li>
      <button
        type="button"
        className="vd-saved-name"
        title={queries ? `Load ${title} into the editor` : `Write ${callOf(one)}`}
        onClick={() => (queries ? whole(onLoad) : onInsert(callOf(one)))}
      >
        <span className="vd-ellipsis">{queries ? title : one.name}</span>
        {!queries && <span className="vd-muted vd-ellipsis">({one.parameters})</span>}
      </button>
      <Menu>
        <MenuTrigger disableButtonEnhancement>
          <Button size="small" appearance="transparent" icon={<MoreHorizontalRegular />} aria-label={`What to do with ${title}`} />
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            <MenuItem onClick={() => whole(onLoad)}>Load into the editor</MenuItem>
            {queries && <MenuItem onClick={() => whole((read) => onRun(read.body))}>Run</MenuItem>}
            {!queries && callable(one) && <MenuItem onClick={() => onRun(callOf(one))}>Run</MenuItem>}
            <MenuItem onClick={() => onInsert(callOf(one))}>Write a call of it</MenuItem>
            {configure && <MenuItem onClick={() => whole(onEdit)}>Edit its name and details</MenuItem>}
            {configure && <MenuItem onClick={() => onDelete(one)}>Delete</MenuItem>}
          </MenuList>
        </MenuPopover>
      </Menu>
    </li>
  );
}

export function SavedPane(props: Props) {
  const { queries } = props;
  const { configure } = useRights();
  const saved = useSaved();
  const [filter, setFilter] = useState("");
  const [deleting, setDeleting] = useState<SavedFunction | null>(null);
  const what = queries ? "queries" : "functions";
  const all = saved.data?.value ?? [];
  const any = found(all, queries, "").length > 0;
  const shown = found(all, queries, filter);
  const groupOf = (one: SavedFunction) => (queries ? "" : one.category || "Without a category");
  const groups = [...new Set(shown.map(groupOf))].sort().map((group) => ({ group, items: shown.filter((one) => groupOf(one) === group) }));
  return (
    <aside className="vd-schema" aria-label={`Saved ${what}`}>
      <SearchBox size="small" placeholder={`Find saved ${what}`} aria-label={`Find saved ${what}`} value={filter} onChange={(_, data) => setFilter(data.value)} />
      <div className="vd-schema-list vd-saved">
        {saved.isPending && <p className="vd-muted">Loading…</p>}
        {saved.error && (
          <p className="vd-warn">
            They could not be loaded: {saved.error.message} <button type="button" className="vd-link" onClick={() => void saved.refetch()}>Try again</button>
          </p>
        )}
        {saved.data && !any && (
          <p className="vd-muted">
            {queries ? "No query is saved yet." : "No function is saved yet."} {configure && `Write one, and choose Save, Save as ${queries ? "query" : "function"}.`}
          </p>
        )}
        {any && !shown.length && <p className="vd-muted">None of them has these words.</p>}
        {groups.map(({ group, items }) => (
          <section key={group} aria-label={group || undefined}>
            {group && <h2 className="vd-label">{group}</h2>}
            <ul>
              {items.map((one) => (
                <Item key={one.id} {...props} one={one} onDelete={setDeleting} />
              ))}
            </ul>
          </section>
        ))}
      </div>
      {deleting && <DeleteSaved one={deleting} onClose={() => setDeleting(null)} />}
    </aside>
  );
}
