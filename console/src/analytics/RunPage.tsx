import "../app/configuration.css";

import { Spinner } from "@fluentui/react-components";
import { ArrowClockwiseRegular, DocumentSearchRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "react-router";

import { api } from "../api/client";
import type { FoundRows, RunDetail, RunReplay } from "../api/runs";
import type { ResultColumn } from "../api/types";
import { Breadcrumb } from "../app/Breadcrumb";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { ResultGrid } from "../grid/ResultGrid";
import { logsLink } from "../logs/link";
import { Time } from "../time/Time";
import { columnName, condition } from "../values/kql";
import { Outcome } from "./outcome";

const MARK: ResultColumn = { name: "Difference", type: "string" };

function rowCount(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}

/** The rows, with a column in front that says which of them the other side does not have. */
function marked(found: FoundRows, places: readonly number[], word: string): FoundRows {
  if (!places.length) return found;
  const set = new Set(places);
  return { ...found, columns: [MARK, ...found.columns], rows: found.rows.map((row, place) => [set.has(place) ? word : "", ...row]) };
}

function summary(detail: RunDetail, replay: RunReplay): string {
  if (replay.same) return "Nothing is different: the query gives the same rows now.";
  const parts = [];
  if (replay.gone.length) parts.push(`${rowCount(replay.gone.length)} found then ${replay.gone.length === 1 ? "is" : "are"} not found now`);
  if (replay.new.length) parts.push(`${rowCount(replay.new.length)} found now ${replay.new.length === 1 ? "was" : "were"} not found then`);
  if (!parts.length && replay.now.count !== detail.asFound.count) parts.push(`${rowCount(detail.asFound.count)} then, ${rowCount(replay.now.count)} now`);
  if (!parts.length) return replay.same === null ? "Too few rows were kept to tell whether anything is different." : "The rows that were not kept are different now.";
  return `${parts.join("; ")}.`;
}

function Rows({ title, found, query, detail }: { title: string; found: FoundRows; query: string; detail: RunDetail }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const range = { kind: "absolute", start: detail.run.windowStartUtc, end: detail.run.windowEndUtc } as const;
  const inLogs = (stage: string) => void navigate(logsLink(workspace, { query: `${query}\n| ${stage}`, range, run: true }));
  return (
    <>
      <p className="vd-muted">
        {rowCount(found.count)}
        {!found.complete && `, of which the first ${found.rows.length} are shown`}
      </p>
      {found.rows.length > 0 && (
        <ResultGrid
          label={title}
          columns={found.columns}
          rows={found.rows}
          maxHeight={420}
          actions={(column, value) =>
            column === MARK
              ? {}
              : {
                  filterIn: () => inLogs(`where ${condition(column.name, value, column.type, true)}`),
                  filterOut: () => inLogs(`where ${condition(column.name, value, column.type, false)}`),
                  topValues: () => inLogs(`summarize Count = count() by ${columnName(column.name)}\n| top 10 by Count`),
                }
          }
        />
      )}
    </>
  );
}

function Loaded({ detail }: { detail: RunDetail }) {
  const workspace = useWorkspace();
  const { run } = detail;
  const replay = useQuery({
    queryKey: ["replay", workspace.id, run.id],
    queryFn: () => api.replayRun(workspace.id, run.id),
    enabled: detail.ruleExists,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  const range = { kind: "absolute", start: run.windowStartUtc, end: run.windowEndUtc } as const;
  const done = replay.data && !replay.data.error ? replay.data : null;
  return (
    <>
      <div className="vd-row vd-wrap">
        <Outcome outcome={run.outcome} />
        <span>
          <Time value={run.windowStartUtc} /> – <Time value={run.windowEndUtc} />
        </span>
        <span className="vd-muted">{run.trigger === "manual" ? "by hand" : "on schedule"}</span>
        {run.incidents.map((number) => (
          <Link key={number} to={workspacePath(workspace, "incidents", number)}>
            Incident #{number}
          </Link>
        ))}
        {detail.ruleExists && <Link to={workspacePath(workspace, "analytics", run.ruleId)}>Rule</Link>}
        <span className="vd-spacer" />
        <Link className="vd-button-link" to={logsLink(workspace, { query: detail.query, range, run: true })}>
          <DocumentSearchRegular aria-hidden /> Open in Logs
        </Link>
      </div>
      <section>
        <h2>Query</h2>
        {detail.changed && <p className="vd-caution">The rule has another query today; this is the one that ran.</p>}
        <pre className="vd-code" tabIndex={0} aria-label="Query">
          {detail.query}
        </pre>
      </section>
      <p role="status">
        {!detail.ruleExists
          ? "The rule was deleted; its query can be opened in Logs."
          : replay.isPending
            ? "Asking the query again"
            : done
              ? summary(detail, done)
              : ""}
      </p>
      <div className="vd-beside">
        <section aria-label="As found">
          <h2>As found</h2>
          <Rows title="As found" found={marked(detail.asFound, done?.gone ?? [], "gone")} query={detail.query} detail={detail} />
        </section>
        <section aria-label="Now">
          <div className="vd-row">
            <h2>Now</h2>
            <span className="vd-spacer" />
            {replay.data && (
              <button type="button" className="vd-button-link" disabled={replay.isFetching} onClick={() => void replay.refetch()}>
                <ArrowClockwiseRegular aria-hidden /> Ask again
              </button>
            )}
          </div>
          {replay.isPending && detail.ruleExists && <Spinner size="small" label="Asking" />}
          {replay.error && <ErrorView what="The query could not be asked again" error={replay.error} onRetry={() => void replay.refetch()} />}
          {replay.data?.error && <p className="vd-warn">{replay.data.error.message}</p>}
          {done && <Rows title="Now" found={marked(done.now, done.new, "new")} query={detail.query} detail={detail} />}
          {done && !done.meetsThreshold && <p className="vd-muted">The rule would raise no alert for them.</p>}
        </section>
      </div>
    </>
  );
}

export default function RunPage() {
  const { id = "" } = useParams();
  const workspace = useWorkspace();
  const detail = useQuery({ queryKey: ["run", workspace.id, id], queryFn: () => api.run(workspace.id, id) });
  return (
    <div className="vd-page">
      <Breadcrumb to={workspacePath(workspace, "analytics")} list="Analytics">
        Run of {detail.data?.ruleName ?? "a rule"}
      </Breadcrumb>
      <div className="vd-page-head">
        <h1>{detail.data?.ruleName ?? "Run"}</h1>
      </div>
      {detail.isPending ? (
        <Spinner label="Loading" className="vd-center" />
      ) : detail.data ? (
        <Loaded detail={detail.data} />
      ) : (
        <ErrorView what="The run could not be loaded" error={detail.error} onRetry={() => void detail.refetch()} />
      )}
    </div>
  );
}
