/** The bookmarks of the workspace: found, opened, put into incidents. */

import { Button, SearchBox, Spinner, Switch } from "@fluentui/react-components";
import { BookmarkMultipleRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import type { Bookmark } from "../api/work";
import { useCommands } from "../app/commands";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { neighbour } from "../app/neighbour";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useSession, useWorkspace, workspacePath } from "../app/session";
import { Table } from "../app/Table";
import { Time } from "../time/Time";
import { AddToIncident, BookmarkPane, EntityLinks } from "./BookmarkPane";
import { MOST, shownOf, WHERES, type Where } from "./bookmarks";

const NONE: readonly Bookmark[] = [];

export function useBookmarks() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["bookmarks", ws], queryFn: () => api.bookmarks(ws, MOST), refetchInterval: 60_000 });
}

function List({ shown, open, onOpen }: { shown: readonly Bookmark[]; open: string | null; onOpen: (id: string) => void }) {
  const workspace = useWorkspace();
  const { editIncidents } = useRights();
  // Beside an open one there is room for what tells them apart.
  const whole = open === null;
  return (
    <Table label="Bookmarks" headings={whole ? ["Name", "Event time", "Entities", "Incident", "Kept by"] : ["Name", "Event time", "Incident"]} actions={whole}>
      {shown.map((one) => (
        <tr key={one.id} className={one.id === open ? "vd-row-open" : undefined} aria-current={one.id === open || undefined}>
          <td className="vd-wrap-text vd-named">
            <button type="button" className="vd-link" aria-expanded={one.id === open} onClick={() => onOpen(one.id)}>
              {one.displayName}
            </button>
            {one.labels.length > 0 && <div className="vd-muted">{one.labels.join(", ")}</div>}
          </td>
          <td>
            <Time value={one.eventTimeUtc} precision="minute" />
          </td>
          {whole && (
            <td>
              <EntityLinks bookmark={one} />
            </td>
          )}
          <td>{one.incidentNumber === null ? <span className="vd-none">—</span> : <Link to={workspacePath(workspace, "incidents", one.incidentNumber)}>#{one.incidentNumber}</Link>}</td>
          {whole && (
            <>
              <td>{one.createdBy.name}</td>
              <td className="vd-nowrap">{editIncidents && one.incidentNumber === null && <AddToIncident bookmark={one} />}</td>
            </>
          )}
        </tr>
      ))}
    </Table>
  );
}

export function Bookmarks() {
  const workspace = useWorkspace();
  const { session } = useSession();
  const [parameters, setParameters] = useParameters();
  const search = useRef<HTMLInputElement>(null);
  const { data, error, isPending, refetch } = useBookmarks();
  const all = data?.value ?? NONE;
  const q = parameters.get("q") ?? "";
  const where: Where = WHERES.find((one) => one.value === parameters.get("in"))?.value ?? "all";
  const mine = parameters.get("mine") === "1";
  const by = mine ? session.principal.id : null;
  const shown = useMemo(() => shownOf(all, { q, where, by }), [all, q, where, by]);
  const opened = all.find((one) => one.id === parameters.get("bookmark")) ?? null;
  const set = (name: string, value: string, replace = false) =>
    setParameters((next) => {
      setOrDelete(next, name, value);
      return next;
    }, replace);
  const step = (by: 1 | -1) => {
    const next = neighbour(shown, opened?.id ?? null, by);
    if (next) set("bookmark", next.id, true);
  };
  useCommands([
    { id: "h-find", title: "Find a bookmark", group: "Hunting", keys: ["/"], run: () => search.current?.focus() },
    { id: "h-next", title: "Open the next bookmark", group: "Hunting", keys: ["j"], enabled: shown.length > 0, run: () => step(1) },
    { id: "h-previous", title: "Open the bookmark before", group: "Hunting", keys: ["k"], enabled: shown.length > 0, run: () => step(-1) },
    { id: "h-close", title: "Close the bookmark", group: "Hunting", keys: ["Escape"], enabled: opened !== null, run: () => set("bookmark", "") },
  ]);
  const reset = () => setParameters(() => new URLSearchParams());
  return (
    <>
      <div className="vd-filters" role="search" aria-label="Filter bookmarks">
        <SearchBox ref={search} size="small" className="vd-search" placeholder="Name, notes, entity, tag" aria-label="Find bookmarks" value={q} onChange={(_, data) => set("q", data.value, true)} />
        <div className="vd-facets" role="group" aria-label="Show">
          {WHERES.map((one) => (
            <button key={one.value} type="button" className="vd-facet" aria-pressed={where === one.value} onClick={() => set("in", one.value === "all" ? "" : one.value)}>
              {one.label}
              <span className="vd-facet-count">{data ? all.filter(one.keep).length : "…"}</span>
            </button>
          ))}
        </div>
        <Switch label="Only mine" checked={mine} onChange={(_, data) => set("mine", data.checked ? "1" : "")} />
        {all.length >= MOST && <span className="vd-caution">The {MOST.toLocaleString("en-GB")} with the latest events; the table HuntingBookmark has all.</span>}
      </div>
      {error && <ErrorView what="The bookmarks could not be loaded" error={error} onRetry={() => void refetch()} />}
      {isPending && <Spinner label="Loading the bookmarks" className="vd-center" />}
      {data && all.length === 0 && (
        <EmptyState icon={<BookmarkMultipleRegular />} title="No bookmarks yet" actions={<Link to={workspacePath(workspace, "logs")}>Open Logs</Link>}>
          Open a row of a result in Logs and choose Keep as a bookmark: it is kept here with its query, with an incident or without one.
        </EmptyState>
      )}
      {all.length > 0 && (
        <div className={opened ? "vd-listed vd-with-pane" : "vd-listed"}>
          {shown.length > 0 ? (
            <List shown={shown} open={opened?.id ?? null} onOpen={(id) => set("bookmark", id === opened?.id ? "" : id)} />
          ) : (
            <EmptyState title="No bookmark matches" actions={<Button onClick={reset}>Reset filters</Button>} />
          )}
          {opened && <BookmarkPane key={opened.id} bookmark={opened} onDismiss={() => set("bookmark", "")} />}
        </div>
      )}
    </>
  );
}
