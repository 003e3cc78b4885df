/** The saved queries of the workspace: opened in Logs, and asked how many rows each gives over a time. */

import { Button, SearchBox, Spinner } from "@fluentui/react-components";
import { DocumentSearchRegular, PlayRegular } from "@fluentui/react-icons";
import { useRef, useState } from "react";
import { Link, useNavigate } from "react-router";

import { api } from "../api/client";
import { functions, type SavedFunction } from "../api/functions";
import { explain, isAbort } from "../api/http";
import { failed } from "../app/activity";
import { useCommands } from "../app/commands";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Table } from "../app/Table";
import { DeleteSaved } from "../logs/DeleteSaved";
import { logsLink } from "../logs/link";
import { found, titleOf } from "../logs/saved";
import { useSaved } from "../logs/useSaved";
import { DEFAULT_RANGE, formatRange, parseRange, timespanOf, type TimeRange } from "../time/range";
import { Ago } from "../time/Time";
import { TimeRangePicker } from "../time/TimeRangePicker";

type Answer = { rows: number } | { error: string } | "asking";

/** Asks each query how many rows it gives, one after the other, so that others are not kept waiting. */
function useCounts(range: TimeRange) {
  const { id: ws } = useWorkspace();
  const over = formatRange(range);
  const [state, setState] = useState<{ over: string; answers: ReadonlyMap<string, Answer> }>({ over, answers: new Map() });
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  const note = (id: string, answer: Answer | null) =>
    setState((before) => {
      const answers = new Map(before.over === over ? before.answers : []);
      if (answer) answers.set(id, answer);
      else answers.delete(id);
      return { over, answers };
    });
  const run = async (queries: readonly SavedFunction[]) => {
    const mine = new AbortController();
    running.current = mine;
    setBusy(true);
    for (const one of queries) {
      if (mine.signal.aborted) break;
      note(one.id, "asking");
      try {
        const timespan = timespanOf(range);
        const result = await api.query(ws, { query: `${one.name}()\n| count`, ...(timespan ? { timespan } : {}) }, { signal: mine.signal });
        note(one.id, { rows: Number(result.rows[0]?.[0] ?? 0) });
      } catch (error) {
        note(one.id, isAbort(error) ? null : { error: explain(error).message });
      }
    }
    setBusy(false);
  };
  return { answers: state.over === over ? state.answers : new Map<string, Answer>(), busy, run, stop: () => running.current?.abort() };
}

function errorOf(answer: Answer | undefined): string | null {
  return typeof answer === "object" && "error" in answer ? answer.error : null;
}

function Told({ answer }: { answer: Answer | undefined }) {
  if (answer === undefined) return <span className="vd-none">—</span>;
  if (answer === "asking") return <Spinner size="extra-tiny" label="Asking" />;
  if ("error" in answer) return <span className="vd-warn">Failed</span>;
  return <strong>{answer.rows.toLocaleString("en-GB")}</strong>;
}

export function Queries() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { configure } = useRights();
  const [parameters, setParameters] = useParameters();
  const search = useRef<HTMLInputElement>(null);
  const saved = useSaved();
  const [deleting, setDeleting] = useState<SavedFunction | null>(null);
  const range = parameters.has("t") ? parseRange(parameters.get("t")) : DEFAULT_RANGE;
  const q = parameters.get("q") ?? "";
  const all = found(saved.data?.value ?? [], true, "");
  const shown = found(all, true, q);
  const { answers, busy, run, stop } = useCounts(range);
  const set = (name: string, value: string, replace = false) =>
    setParameters((next) => {
      setOrDelete(next, name, value);
      return next;
    }, replace);
  const open = async (one: SavedFunction, runs: boolean) => {
    try {
      const { body } = await functions.get(workspace.id, one.name);
      await navigate(logsLink(workspace, { query: body, range, run: runs }));
    } catch (error) {
      failed(`${titleOf(one)} could not be opened`, error);
    }
  };
  useCommands([{ id: "h-find-query", title: "Find a query", group: "Hunting", keys: ["/"], run: () => search.current?.focus() }]);
  return (
    <>
      <div className="vd-filters" role="search" aria-label="Filter queries">
        <SearchBox ref={search} size="small" className="vd-search" placeholder="Find a query" aria-label="Find queries" value={q} onChange={(_, data) => set("q", data.value, true)} />
        <span className="vd-spacer" />
        <TimeRangePicker key={formatRange(range)} range={range} onChange={(next) => set("t", formatRange(next))} />
        {busy ? (
          <Button size="small" onClick={stop}>
            Stop
          </Button>
        ) : (
          <Button size="small" appearance="primary" icon={<PlayRegular />} disabled={!shown.length} onClick={() => void run(shown)}>
            {q ? `Run these ${shown.length}` : "Run all queries"}
          </Button>
        )}
      </div>
      {saved.error && <ErrorView what="The queries could not be loaded" error={saved.error} onRetry={() => void saved.refetch()} />}
      {saved.isPending && <Spinner label="Loading the queries" className="vd-center" />}
      {saved.data && all.length === 0 && (
        <EmptyState icon={<DocumentSearchRegular />} title="No saved queries yet" actions={<Link to={workspacePath(workspace, "logs")}>Open Logs</Link>}>
          {configure ? "Write a query in Logs and choose Save, Save as query: it is here for everybody in the workspace." : "A contributor of the workspace can save queries in Logs."}
        </EmptyState>
      )}
      {all.length > 0 && !shown.length && <EmptyState title="No query matches" actions={<Button onClick={() => set("q", "")}>Reset filters</Button>} />}
      {shown.length > 0 && (
        <Table label="Saved queries" headings={["Query", { title: "Results", number: true }, "Alias", "Changed"]} actions>
          {shown.map((one) => (
            <tr key={one.id}>
              <td className="vd-wrap-text vd-named">
                <button type="button" className="vd-link" onClick={() => void open(one, false)}>
                  {titleOf(one)}
                </button>
                {errorOf(answers.get(one.id)) && <div className="vd-warn">{errorOf(answers.get(one.id))}</div>}
              </td>
              <td className="vd-number">
                <Told answer={answers.get(one.id)} />
              </td>
              <td className="vd-break">
                <code>{one.name}</code>
              </td>
              <td>
                <Ago value={one.updatedAt} /> <span className="vd-muted">by {one.updatedBy}</span>
              </td>
              <td className="vd-nowrap">
                <Button size="small" appearance="subtle" aria-label={`View results of ${titleOf(one)}`} onClick={() => void open(one, true)}>
                  View results
                </Button>
                {configure && (
                  <Button size="small" appearance="subtle" aria-label={`Delete ${titleOf(one)}`} onClick={() => setDeleting(one)}>
                    Delete
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {deleting && <DeleteSaved one={deleting} onClose={() => setDeleting(null)} />}
    </>
  );
}
