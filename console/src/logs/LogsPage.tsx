import "./logs.css";

import { Button, Tab, TabList } from "@fluentui/react-components";
import { DismissRegular, PanelLeftContractRegular, PanelLeftExpandRegular, PlayRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { useLocation, useNavigate } from "react-router";

import { api } from "../api/client";
import type { SavedFunctionWhole } from "../api/functions";
import { ApiError } from "../api/http";
import type { FunctionInfo, TableInfo } from "../api/types";
import { useCommands } from "../app/commands";
import { readStored, writeStored } from "../app/preferences";
import { useRights, useWorkspace } from "../app/session";
import { DEFAULT_RANGE, formatRange, parseRange, spanning, type TimeRange } from "../time/range";
import { TimeRangePicker } from "../time/TimeRangePicker";
import { columnName } from "../values/kql";
import { HistoryMenu } from "./HistoryMenu";
import { KqlEditor, type EditorHandle } from "./KqlEditor";
import { logsHash, logsLink, readLogsHash } from "./link";
import { Problems } from "./Problems";
import { Results } from "./Results";
import { SaveDialog } from "./SaveDialog";
import { SavedPane } from "./SavedPane";
import { SaveMenu } from "./SaveMenu";
import { titleOf } from "./saved";
import { SchemaPane } from "./SchemaPane";
import { useCheck, useColumnsOf } from "./useCheck";
import { diagnosticsOf, useRun } from "./useRun";

const MIN_EDITOR = 80;
const SIDES = { tables: "Tables", queries: "Queries", functions: "Functions" } as const;
type Side = keyof typeof SIDES;

/** What the form saves, and what it was loaded from. */
interface Saving {
  kind: "query" | "function";
  body: string;
  from: SavedFunctionWhole | null;
}

const NO_TABLES: readonly TableInfo[] = [];
const NO_FUNCTIONS: readonly FunctionInfo[] = [];

const draftKey = (ws: string) => `vedette.draft.${ws}`;

function readDraft(ws: string): string {
  const stored = readStored(draftKey(ws));
  return typeof stored === "string" ? stored : "";
}

function useSchema(ws: string) {
  const tables = useQuery({ queryKey: ["tables", ws], queryFn: () => api.tables(ws), staleTime: 60_000 });
  const functions = useQuery({
    queryKey: ["functions", ws],
    // A server without the list is no fault: the built-in one is used.
    queryFn: () =>
      api.functions(ws).catch((error: unknown) => {
        if (error instanceof ApiError && error.status === 404) return { value: [], count: 0 };
        throw error;
      }),
    staleTime: 10 * 60_000,
  });
  const tableList = tables.data?.value ?? NO_TABLES;
  const functionList = functions.data?.value ?? NO_FUNCTIONS;
  const schema = useMemo(() => ({ tables: tableList, functions: functionList }), [tableList, functionList]);
  return { schema, loading: tables.isPending, error: tables.error };
}

/** The bar between editor and results: dragged, or moved with the arrow keys. */
function Splitter({ height, onHeight }: { height: number; onHeight: (height: number) => void }) {
  const start = useRef<{ y: number; height: number } | null>(null);
  return (
    <div
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the editor"
      aria-valuenow={height}
      aria-valuemin={MIN_EDITOR}
      aria-valuemax={800}
      tabIndex={0}
      className="vd-splitter"
      onPointerDown={(event: PointerEvent<HTMLDivElement>) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { y: event.clientY, height };
      }}
      onPointerMove={(event) => {
        if (start.current) onHeight(Math.max(MIN_EDITOR, start.current.height + event.clientY - start.current.y));
      }}
      onPointerUp={() => (start.current = null)}
      onKeyDown={(event: KeyboardEvent) => {
        const by = { ArrowUp: -20, ArrowDown: 20 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        onHeight(Math.max(MIN_EDITOR, height + by));
      }}
    />
  );
}

export default function LogsPage() {
  const workspace = useWorkspace();
  const ws = workspace.id;
  const location = useLocation();
  const navigate = useNavigate();
  const fromAddress = useMemo(() => readLogsHash(location.hash), [location.hash]);
  const [text, setText] = useState(() => fromAddress?.query ?? readDraft(ws));
  const [range, setRange] = useState<TimeRange>(fromAddress?.range ?? DEFAULT_RANGE);
  const [editorHeight, setEditorHeight] = useState(180);
  const [showSchema, setShowSchema] = useState(true);
  const [side, setSide] = useState<Side>("tables");
  const [loaded, setLoaded] = useState<SavedFunctionWhole | null>(null);
  const [saving, setSaving] = useState<Saving | null>(null);
  const { configure } = useRights();
  const editor = useRef<EditorHandle>(null);
  const { schema, loading, error: schemaError } = useSchema(ws);
  const { state, run, cancel } = useRun(ws);
  const { diagnostics: checked } = useCheck(ws, text);
  const columnsOf = useColumnsOf(ws);

  // A query that came back with diagnostics shows them where they are, if it is still what the editor holds.
  const diagnostics = useMemo(() => {
    if (checked.length) return checked;
    return state.errorOf === text ? diagnosticsOf(state.error) : [];
  }, [checked, state.error, state.errorOf, text]);

  useEffect(() => {
    const timer = setTimeout(() => writeStored(draftKey(ws), text), 500);
    return () => clearTimeout(timer);
  }, [ws, text]);

  // The address says what to show: a link, back, forward, or the Run button, which writes it first.
  const address = `${location.key} ${location.hash}`;
  const [shownAddress, setShownAddress] = useState(address);
  if (shownAddress !== address) {
    setShownAddress(address);
    if (fromAddress) {
      setText(fromAddress.query);
      setRange(fromAddress.range);
    }
  }
  const follow = useEffectEvent(() => {
    if (fromAddress?.run && fromAddress.query.trim()) void run(fromAddress.query, fromAddress.range);
  });
  useEffect(() => follow(), [address]);

  const show = (query: string, over: TimeRange) => {
    const hash = logsHash({ query, range: over, run: true });
    void navigate({ hash }, { replace: hash === location.hash });
  };
  const runNow = () => {
    const selected = editor.current?.selected() ?? text;
    if (!selected.trim()) return;
    // A part is run without becoming the address: the link is to the whole.
    if (selected !== text) void run(selected, range);
    else show(text, range);
  };
  const changeRange = (next: TimeRange) => {
    setRange(next);
    if (state.of?.query === text) show(text, next);
  };
  const look = (table: TableInfo) => {
    const time = table.columns.some((column) => column.name === "TimeGenerated");
    const query = time ? `${columnName(table.name)}\n| sort by TimeGenerated desc\n| take 100` : `${columnName(table.name)}\n| take 100`;
    show(query, table.first && table.last ? spanning(table.first, table.last) : range);
  };
  const load = (whole: SavedFunctionWhole) => {
    setText(whole.body);
    setLoaded(whole);
    editor.current?.focus();
  };
  const lookAt = (one: Side) => {
    setSide(one);
    setShowSchema(true);
  };

  useCommands([
    { id: "l-run", title: "Run the query (Shift+Enter in the editor)", group: "Logs", keys: ["Shift+Enter"], run: runNow },
    { id: "l-cancel", title: "Cancel the running query", group: "Logs", run: cancel, enabled: state.started !== null },
    { id: "l-editor", title: "Go to the editor", group: "Logs", keys: ["/", "e"], run: () => editor.current?.focus() },
    { id: "l-queries", title: "Show the saved queries", group: "Logs", keys: ["q"], run: () => lookAt("queries") },
    { id: "l-functions", title: "Show the saved functions", group: "Logs", run: () => lookAt("functions") },
    { id: "l-save", title: "Save as query", group: "Logs", enabled: configure && text.trim() !== "", run: () => setSaving({ kind: "query", body: text, from: loaded }) },
    { id: "l-schema", title: showSchema ? "Hide the panel" : "Show the panel", group: "Logs", keys: ["t"], run: () => setShowSchema(!showSchema) },
  ]);

  const running = state.started !== null;
  return (
    <div className="vd-page vd-page-fill vd-logs">
      <div className="vd-page-head">
        <h1>Logs</h1>
        <Button
          size="small"
          appearance="subtle"
          icon={showSchema ? <PanelLeftContractRegular /> : <PanelLeftExpandRegular />}
          aria-expanded={showSchema}
          onClick={() => setShowSchema(!showSchema)}
        >
          Panel
        </Button>
        {loaded && <span className="vd-muted vd-ellipsis">{loaded.body === text ? titleOf(loaded) : `${titleOf(loaded)}, changed`}</span>}
        <span className="vd-spacer" />
        <TimeRangePicker key={formatRange(range)} range={range} onChange={changeRange} />
        {configure && <SaveMenu disabled={!text.trim()} onSave={(kind) => setSaving({ kind, body: text, from: loaded })} />}
        <HistoryMenu ws={ws} onChoose={(past) => show(past.query, parseRange(past.range))} />
        {running ? (
          <Button size="small" icon={<DismissRegular />} onClick={cancel}>
            Cancel
          </Button>
        ) : (
          <Button size="small" appearance="primary" icon={<PlayRegular />} onClick={runNow} disabled={!text.trim()} title="Shift+Enter">
            Run
          </Button>
        )}
      </div>
      <div className="vd-logs-body">
        {showSchema && (
          <div className="vd-logs-side">
            <TabList size="small" selectedValue={side} onTabSelect={(_, data) => setSide(data.value as Side)}>
              {Object.entries(SIDES).map(([value, label]) => (
                <Tab key={value} value={value}>
                  {label}
                </Tab>
              ))}
            </TabList>
            {side !== "tables" ? (
              <SavedPane
                key={side}
                queries={side === "queries"}
                onLoad={load}
                onInsert={(call) => editor.current?.insert(call)}
                onRun={(query) => show(query, range)}
                onEdit={(whole) => setSaving({ kind: side === "queries" ? "query" : "function", body: whole.body, from: whole })}
              />
            ) : schemaError ? (
              <p className="vd-warn">The tables could not be loaded: {schemaError.message}</p>
            ) : (
              <SchemaPane tables={schema.tables} loading={loading} onInsert={(name) => editor.current?.insert(name)} onLook={look} />
            )}
          </div>
        )}
        <div className="vd-logs-main">
          <div style={{ height: editorHeight }} className="vd-editor-frame">
            <KqlEditor
              ref={editor}
              value={text}
              diagnostics={diagnostics}
              schema={schema}
              columnsOf={columnsOf}
              onChange={setText}
              onRun={runNow}
            />
          </div>
          <Problems
            text={text}
            diagnostics={diagnostics}
            onSelect={(one) => editor.current?.select(one.start, one.length)}
            onFix={(one, fix) => editor.current?.replace(one.start, one.length, fix)}
          />
          <Splitter height={editorHeight} onHeight={setEditorHeight} />
          <Results
            state={state}
            tables={schema.tables}
            link={() => new URL(logsLink(workspace, { query: text, range, run: true }), window.location.href).href}
            onQuery={show}
            onCancel={cancel}
          />
        </div>
      </div>
      {saving && (
        <SaveDialog
          {...saving}
          onClose={() => setSaving(null)}
          onSaved={(whole) => {
            setLoaded(whole);
            setSaving(null);
          }}
        />
      )}
    </div>
  );
}
