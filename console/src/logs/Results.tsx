import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, MessageBar, MessageBarBody, ProgressBar, Tab, TabList } from "@fluentui/react-components";
import { ArrowDownloadRegular, DataTrendingRegular, DocumentSearchRegular, LinkRegular, TableRegular } from "@fluentui/react-icons";
import { useEffect, useState } from "react";

import type { ResultColumn, TableInfo } from "../api/types";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { usePreferences } from "../app/preferences";
import { ChartView } from "../charts/ChartView";
import { chartOf } from "../charts/model";
import { ResultGrid } from "../grid/ResultGrid";
import { KeepRow } from "../incidents/KeepRow";
import { download, toCsv, toJson } from "../grid/rows";
import { formatElapsed, formatTime } from "../time/format";
import { rangeLabel, spanning, type TimeRange } from "../time/range";
import { columnName, condition, withStage } from "../values/kql";
import { copyText } from "../values/ValueMenu";
import { diagnosticsOf, type RunState } from "./useRun";

const count = new Intl.NumberFormat("en-GB");

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return <>{formatElapsed(Math.max(0, now - since))}</>;
}

/** The tables that a query names, with when their rows are from: an empty result is often the wrong time. */
function whereRowsAre(query: string, tables: readonly TableInfo[]): { names: string; first: string; last: string } | null {
  const words = new Set(query.match(/[A-Za-z_]\w*/g) ?? []);
  const named = tables.filter((table) => words.has(table.name) && table.first && table.last);
  const firsts = named.map((table) => table.first ?? "").sort();
  const lasts = named.map((table) => table.last ?? "").sort();
  const first = firsts[0];
  const last = lasts.at(-1);
  return first && last ? { names: named.map((table) => table.name).join(", "), first, last } : null;
}

function NoRows({ of, tables, onRange }: { of: NonNullable<RunState["of"]>; tables: readonly TableInfo[]; onRange: (range: TimeRange) => void }) {
  const { zone } = usePreferences();
  const rows = whereRowsAre(of.query, tables);
  return (
    <EmptyState
      icon={<DocumentSearchRegular />}
      title={`No rows: ${rangeLabel(of.range, zone)}`}
      actions={rows && <Button onClick={() => onRange(spanning(rows.first, rows.last))}>Use the range of its rows</Button>}
    >
      {rows
        ? `${rows.names} has rows from ${formatTime(rows.first, zone)} to ${formatTime(rows.last, zone)}.`
        : "Widen the time range, or take a condition out of the query."}
    </EmptyState>
  );
}

interface Props {
  state: RunState;
  tables: readonly TableInfo[];
  link: () => string;
  onQuery: (query: string, range: TimeRange) => void;
  onCancel: () => void;
}

export function Results({ state, tables, link, onQuery, onCancel }: Props) {
  const { result: first, of, error, started } = state;
  const [chosen, setChosen] = useState<{ of: typeof first; index: number }>({ of: null, index: 0 });
  const all = first ? [first, ...(first.more ?? [])] : [];
  const index = chosen.of === first ? chosen.index : 0;
  const result = all[index] ?? first;
  const drawable = result ? chartOf(result) : null;
  const [asRows, setAsRows] = useState(false);
  const chart = drawable && "chart" in drawable ? drawable.chart : null;
  const name = () => `vedette-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}`;
  const extend = (stage: string) => of && onQuery(withStage(of.query, stage), of.range);
  const actions = (column: ResultColumn, value: unknown) => ({
    filterIn: () => extend(`where ${condition(column.name, value, column.type, true)}`),
    filterOut: () => extend(`where ${condition(column.name, value, column.type, false)}`),
    topValues: () => {
      const key = column.type === "dynamic" ? `${columnName(column.name)} = tostring(${columnName(column.name)})` : columnName(column.name);
      extend(`summarize Count = count() by ${key}\n| top 10 by Count`);
    },
  });
  // Diagnostics stand at the editor; repeating them here would say the same thing twice.
  const shownError = error !== null && diagnosticsOf(error).length === 0;
  return (
    <section className="vd-results" aria-label="Results">
      <div className="vd-results-bar">
        <div role="status" aria-live="polite" className="vd-row">
          {started !== null ? (
            <>
              <span>
                Running, <Elapsed since={started} />
              </span>
              <Button size="small" onClick={onCancel}>
                Cancel
              </Button>
            </>
          ) : state.cancelled ? (
            <span>Cancelled after {formatElapsed(state.elapsedMs ?? 0)}{result ? "; the former result is shown" : ""}</span>
          ) : error !== null ? (
            <span>Failed after {formatElapsed(state.elapsedMs ?? 0)}{result ? "; the former result is shown" : ""}</span>
          ) : result ? (
            <span>
              <strong>
                {count.format(result.rows.length)} {result.rows.length === 1 ? "row" : "rows"}
              </strong>{" "}
              · {formatElapsed(state.elapsedMs ?? result.stats.elapsedMs)}
              <span className="vd-muted">
                {" "}
                ({formatElapsed(result.stats.elapsedMs)} in the engine
                {result.stats.rowsScanned !== undefined && `, ${count.format(result.stats.rowsScanned)} rows read`})
              </span>
            </span>
          ) : (
            <span className="vd-muted">Shift+Enter runs the query, or what is selected of it.</span>
          )}
        </div>
        <span className="vd-spacer" />
        {chart && (
          <span className="vd-facets" role="group" aria-label="Show the result as">
            <button type="button" className="vd-facet" aria-pressed={!asRows} onClick={() => setAsRows(false)}>
              <DataTrendingRegular aria-hidden /> Chart
            </button>
            <button type="button" className="vd-facet" aria-pressed={asRows} onClick={() => setAsRows(true)}>
              <TableRegular aria-hidden /> Rows
            </button>
          </span>
        )}
        {result && (
          <Menu>
            <MenuTrigger disableButtonEnhancement>
              <Button size="small" appearance="subtle" icon={<ArrowDownloadRegular />}>
                Export
              </Button>
            </MenuTrigger>
            <MenuPopover>
              <MenuList>
                <MenuItem onClick={() => download(`${name()}.csv`, "text/csv", toCsv(result.columns, result.rows, true))}>
                  CSV for a spreadsheet
                </MenuItem>
                <MenuItem onClick={() => download(`${name()}.csv`, "text/csv", toCsv(result.columns, result.rows))}>CSV</MenuItem>
                <MenuItem onClick={() => download(`${name()}.json`, "application/json", toJson(result.columns, result.rows))}>JSON</MenuItem>
              </MenuList>
            </MenuPopover>
          </Menu>
        )}
        <Button size="small" appearance="subtle" icon={<LinkRegular />} onClick={() => void copyText(link(), "the link to this query")}>
          Copy link
        </Button>
      </div>
      {started !== null && <ProgressBar aria-label="The query is running" className="vd-progress" />}
      {shownError && (
        <ErrorView what="The query did not run" error={error} />
      )}
      {result?.partialError && (
        <MessageBar intent="warning">
          <MessageBarBody>
            {result.partialError.message} {result.partialError.hint}
          </MessageBarBody>
        </MessageBar>
      )}
      {all.length > 1 && (
        <TabList
          size="small"
          aria-label="Tables of the result"
          selectedValue={index}
          onTabSelect={(_, data) => setChosen({ of: first, index: Number(data.value) })}
        >
          {all.map((table, at) => (
            <Tab key={at} value={at}>
              {table.name ?? `Table ${at + 1}`} ({count.format(table.rows.length)})
            </Tab>
          ))}
        </TabList>
      )}
      {drawable && "refused" in drawable && (
        <MessageBar intent="info">
          <MessageBarBody>{drawable.refused}</MessageBarBody>
        </MessageBar>
      )}
      {result && of && (
        <div className={`vd-results-body${started !== null ? " vd-busy" : ""}`}>
          {chart && !asRows ? (
            <ChartView key={`${index} ${of.query}`} chart={chart} />
          ) : result.rows.length ? (
            <ResultGrid key={index} label="Result rows" columns={result.columns} rows={result.rows} actions={actions} rowActions={(row) => <KeepRow row={row} query={of.query} />} />
          ) : (
            <NoRows of={of} tables={tables} onRange={(range) => onQuery(of.query, range)} />
          )}
        </div>
      )}
      {!result && error === null && started === null && (
        <EmptyState icon={<DocumentSearchRegular />} title="Ask the logs">
          Write a query above, or choose a table on the left to see some of its rows.
        </EmptyState>
      )}
    </section>
  );
}
