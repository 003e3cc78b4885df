import { Button, Field, Input, Spinner } from "@fluentui/react-components";
import { DocumentSearchRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";

import { settings, type TableWhole } from "../api/settings";
import type { ResultColumn } from "../api/types";
import { Breadcrumb } from "../app/Breadcrumb";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Title } from "../app/Title";
import { useChange } from "../app/useChange";
import { logsLink } from "../logs/link";
import { DEFAULT_RANGE, spanning } from "../time/range";
import { Time } from "../time/Time";
import { columnName } from "../values/kql";
import { bytesText, retentionText } from "./text";

const asDays = (text: string) => (text.trim() === "" ? null : Number(text));
const isDays = (text: string) => text.trim() === "" || /^[1-9]\d{0,4}$/.test(text.trim());

function RetentionForm({ table }: { table: TableWhole }) {
  const { id: ws } = useWorkspace();
  const { configure } = useRights();
  const { retention } = table;
  const { busy, change } = useChange(["table", ws, table.name], ["retention", ws]);
  const [interactive, setInteractive] = useState(String(retention.interactiveDays ?? ""));
  const [total, setTotal] = useState(String(retention.totalDays ?? ""));
  const back = () => (retention.inherited ? settings.resetRetention(ws, table.name) : settings.setRetention(ws, table.name, retention.interactiveDays, retention.totalDays));
  const save = () => change(`Changed how long ${table.name} keeps its rows`, () => settings.setRetention(ws, table.name, asDays(interactive), asDays(total)), back);
  const reset = () => change(`${table.name} keeps its rows as the other tables do`, () => settings.resetRetention(ws, table.name), back);
  return (
    <section aria-labelledby="table-retention">
      <h2 id="table-retention">Retention</h2>
      <p>
        Rows are kept {retentionText(retention)}
        {retention.inherited ? ", as those of every table without a setting of its own." : "."}
      </p>
      {configure && (
        <form
          className="vd-row vd-wrap vd-bottom"
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <Field label="Days at hand" hint="Empty: for ever." validationState={isDays(interactive) ? "none" : "error"}>
            <Input inputMode="numeric" value={interactive} onChange={(_, data) => setInteractive(data.value)} />
          </Field>
          <Field label="Days in all" hint="After the first ones they are in the lake." validationState={isDays(total) ? "none" : "error"}>
            <Input inputMode="numeric" value={total} onChange={(_, data) => setTotal(data.value)} />
          </Field>
          <Button type="submit" className="vd-beside-hint" disabled={busy || !isDays(interactive) || !isDays(total)}>
            Save
          </Button>
          {!retention.inherited && (
            <Button className="vd-beside-hint" disabled={busy} onClick={() => void reset()}>
              As the other tables
            </Button>
          )}
        </form>
      )}
    </section>
  );
}

function Columns({ title, columns, drifted, hint }: { title: string; columns: readonly ResultColumn[]; drifted: Record<string, number>; hint?: string }) {
  const [q, setQ] = useState("");
  const shown = columns.filter((one) => one.name.toLowerCase().includes(q.toLowerCase()));
  return (
    <section aria-label={title}>
      <div className="vd-row">
        <h2>
          {title} <span className="vd-muted">({columns.length})</span>
        </h2>
        {columns.length > 15 && <Input size="small" aria-label={`Filter ${title.toLowerCase()}`} placeholder="Filter" value={q} onChange={(_, data) => setQ(data.value)} />}
      </div>
      {hint && <p className="vd-muted">{hint}</p>}
      <Table headings={["Name", "Type", "Values of other types"]}>
        {shown.map((one) => (
          <tr key={one.name}>
            <td>
              <code>{one.name}</code>
            </td>
            <td>{one.type}</td>
            <td>{drifted[one.name] ? <strong>{drifted[one.name]}</strong> : <span className="vd-muted">none</span>}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Facts({ table }: { table: TableWhole }) {
  const facts: [string, React.ReactNode][] = [
    ["Rows", table.rows.toLocaleString("en-GB")],
    ["Size as they came", bytesText(table.bytes)],
    ["First event", <Time key="first" value={table.first} />],
    ["Last event", <Time key="last" value={table.last} ago />],
    ["In the lake", table.lake.rows ? `${table.lake.rows.toLocaleString("en-GB")} rows, ${bytesText(table.lake.bytes)}` : "nothing"],
  ];
  return (
    <dl className="vd-fields">
      {facts.map(([name, value]) => (
        <div key={name} className="vd-field">
          <dt className="vd-label">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export default function TablePage() {
  const workspace = useWorkspace();
  const { table: name = "" } = useParams();
  const found = useQuery({ queryKey: ["table", workspace.id, name], queryFn: () => settings.table(workspace.id, name) });
  const table = found.data;
  const range = table?.first && table.last ? spanning(table.first, table.last) : DEFAULT_RANGE;
  return (
    <div className="vd-page">
      <Title>{`Table ${name}`}</Title>
      <Breadcrumb to={workspacePath(workspace, "tables")} list="Tables">
        {name}
      </Breadcrumb>
      <div className="vd-page-head">
        <h1>{name}</h1>
        {table && <span className="vd-muted">{table.known ? "A known table" : "A custom table"}</span>}
        <span className="vd-spacer" />
        <Link className="vd-button-link" to={logsLink(workspace, { query: `${columnName(name)}\n| take 100`, range, run: true })}>
          <DocumentSearchRegular aria-hidden /> Query it
        </Link>
      </div>
      {found.error && <ErrorView what="The table could not be loaded" error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Spinner label="Loading the table" className="vd-center" />}
      {table && (
        <div className="vd-stack vd-wide">
          <Facts table={table} />
          <RetentionForm key={`${table.retention.interactiveDays ?? ""} ${table.retention.totalDays ?? ""}`} table={table} />
          <Columns title="Columns" columns={table.columns} drifted={table.drifted} />
          {table.extra.length > 0 && <Columns title="Fields beyond the schema" columns={table.extra} drifted={{}} hint="They came with rows and are kept with them; a column can be made of each." />}
        </div>
      )}
    </div>
  );
}
