import { Button, SearchBox, Spinner } from "@fluentui/react-components";
import { TableRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { api } from "../api/client";
import { settings } from "../api/settings";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { setOrDelete, useParameters } from "../app/parameters";
import { useWorkspace, workspacePath } from "../app/session";
import { Ago } from "../time/Time";
import { bytesText, retentionText } from "./text";

const MOST = 300;

export default function TablesPage() {
  const workspace = useWorkspace();
  const { id: ws } = workspace;
  const [parameters, setParameters] = useParameters();
  const tables = useQuery({ queryKey: ["tables", ws], queryFn: () => api.tables(ws), staleTime: 10_000 });
  const retention = useQuery({ queryKey: ["retention", ws], queryFn: () => settings.retention(ws) });
  const q = parameters.get("q") ?? "";
  const empty = parameters.get("empty") === "1";
  const set = (name: string, value: string) =>
    setParameters((next) => {
      setOrDelete(next, name, value);
      return next;
    }, true);
  const periods = new Map(retention.data?.value.map((one) => [one.table, one]));
  const all = tables.data?.value ?? [];
  const held = all.filter((one) => one.rows > 0);
  const matching = (empty ? all : held).filter((one) => one.name.toLowerCase().includes(q.toLowerCase()));
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Tables</h1>
        {tables.data && (
          <span className="vd-muted">
            {held.length} with rows, {(all.length - held.length).toLocaleString("en-GB")} known and empty
          </span>
        )}
      </div>
      <div className="vd-filters">
        <SearchBox size="small" className="vd-search" placeholder="Name" aria-label="Filter by name" value={q} onChange={(_, data) => set("q", data.value)} />
        <div className="vd-facets" role="group" aria-label="Which tables">
          <button type="button" className="vd-facet" aria-pressed={!empty} onClick={() => set("empty", "")}>
            With rows <span className="vd-facet-count">{held.length}</span>
          </button>
          <button type="button" className="vd-facet" aria-pressed={empty} onClick={() => set("empty", "1")}>
            All <span className="vd-facet-count">{all.length}</span>
          </button>
        </div>
      </div>
      {tables.error && <ErrorView what="The tables could not be loaded" error={tables.error} onRetry={() => void tables.refetch()} />}
      {tables.isPending && <Spinner label="Loading the tables" className="vd-center" />}
      {tables.data && matching.length === 0 && (
        <EmptyState icon={<TableRegular />} title={q ? "No table matches" : "No table has rows yet"} actions={q ? <Button onClick={() => set("q", "")}>Reset the filter</Button> : undefined}>
          {q ? "Look among all tables, also those without rows." : "Add an integration, load files with vedette load, or send logs to one of the front doors."}
        </EmptyState>
      )}
      {matching.length > 0 && (
        <Table headings={["Table", { title: "Rows", number: true }, { title: "Size", number: true }, { title: "Columns", number: true }, "Last event", "Kept for"]}>
          {matching.slice(0, MOST).map((one) => (
            <tr key={one.name}>
              <td>
                <Link to={workspacePath(workspace, "tables", one.name)}>{one.name}</Link>
              </td>
              <td className="vd-number">{one.rows.toLocaleString("en-GB")}</td>
              <td className="vd-number">{one.rows ? bytesText(one.bytes) : ""}</td>
              <td className="vd-number">{one.columns.length}</td>
              <td>
                <Ago value={one.last} />
              </td>
              <td>{retentionText(periods.get(one.name) ?? periods.get("*"))}</td>
            </tr>
          ))}
        </Table>
      )}
      {matching.length > MOST && <p className="vd-muted">{matching.length - MOST} more; write a part of the name to find them.</p>}
    </div>
  );
}
