import "./incidents.css";

import { Button, Spinner } from "@fluentui/react-components";
import { ArrowSyncRegular, ShieldCheckmarkRegular } from "@fluentui/react-icons";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";

import type { FieldChanges, IncidentStatus, Severity } from "../api/types";
import { useCommands } from "../app/commands";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useSession, useWorkspace, workspacePath } from "../app/session";
import { CloseDialog } from "./CloseDialog";
import { ConflictBar } from "./ConflictBar";
import { OwnerControl, SeverityControl, StatusControl, StatusMenuAt } from "./Controls";
import { FilterBar } from "./FilterBar";
import { SEVERITIES, STATUSES } from "./model";
import { PreviewPane } from "./PreviewPane";
import { QueueTable, type TableHandle } from "./QueueTable";
import { CAPACITY } from "./store";
import { useIncidents } from "./useIncidents";
import { serverFilter, targets, useOrder, useQueueView, useSelection } from "./useQueue";
import { isFiltered, NO_FILTERS, withTerm, type QueueView, type SortField } from "./view";

const count = new Intl.NumberFormat("en-GB");

/** What filtering in or out by the value of a column means for the view. */
function columnFilter(view: QueueView, column: string, value: string, exclude: boolean): Partial<QueueView> {
  if (column === "status") {
    const status = value as IncidentStatus;
    return { status: exclude ? (view.status.length ? view.status : STATUSES).filter((one) => one !== status) : [status] };
  }
  if (column === "severity") {
    const severity = value as Severity;
    return {
      severity: exclude ? (view.severity.length ? view.severity : SEVERITIES).filter((one) => one !== severity) : [severity],
    };
  }
  if (column === "owner" && !value) return { owner: exclude ? [] : ["none"] };
  return { q: withTerm(view.q, value, exclude) };
}

function EmptyQueue({ view, total, onReset }: { view: QueueView; total: number; onReset: () => void }) {
  const workspace = useWorkspace();
  if (total === 0) {
    return (
      <EmptyState
        icon={<ShieldCheckmarkRegular />}
        title="No incidents yet"
        actions={
          <>
            <Link to={workspacePath(workspace, "analytics")}>See the analytics rules</Link>
            <Link to={workspacePath(workspace, "logs")}>See what logs are there</Link>
          </>
        }
      >
        Incidents come from analytics rules that match the logs. Load logs, then import or enable rules.
      </EmptyState>
    );
  }
  const open = !isFiltered(view);
  return (
    <EmptyState
      icon={<ShieldCheckmarkRegular />}
      title={open ? "No open incidents" : "No incident matches the filters"}
      actions={<Button onClick={onReset}>{open ? "Show closed ones too" : "Reset filters"}</Button>}
    >
      {open ? "Everything is closed." : `${count.format(total)} incidents do not match.`}
    </EmptyState>
  );
}

export default function QueuePage() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { session } = useSession();
  const { editIncidents } = useRights();
  const { store, state } = useIncidents();
  const { view, change } = useQueueView();
  const { order, added, gone, refresh } = useOrder(state, view);
  const selection = useSelection(order);
  const table = useRef<TableHandle>(null);
  const search = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState<number | null>(view.preview);
  const [closing, setClosing] = useState<readonly number[] | null>(null);
  const [statusAt, setStatusAt] = useState<HTMLElement | null>(null);

  useEffect(() => {
    void store.setFilter(serverFilter(view));
  }, [store, view, state.windowed]);

  // While the preview is open it shows the cursor's incident. The address follows when the cursor rests; a preview that
  // comes from the address (a link, back, forward) moves the cursor.
  const { preview } = view;
  const loaded = state.incidents.size;
  const loadingMore = state.phase === "ready" && loaded < Math.min(state.total, CAPACITY);
  // Rows that are still to come would push the revealed one away.
  const ready = state.phase === "ready" && !loadingMore;
  const written = useRef<number | null>(null);
  useEffect(() => {
    if (preview === null || !ready || preview === written.current) return;
    written.current = preview;
    setCursor(preview);
    table.current?.reveal(preview);
  }, [preview, ready]);
  const followCursor = useEffectEvent((number: number) => {
    written.current = number;
    change({ preview: number }, true);
  });
  const isOpen = preview !== null;
  useEffect(() => {
    if (!isOpen || cursor === null || cursor === written.current) return undefined;
    const timer = setTimeout(() => followCursor(cursor), 150);
    return () => clearTimeout(timer);
  }, [isOpen, cursor]);

  const moveTo = (number: number) => {
    setCursor(number);
    table.current?.reveal(number);
    table.current?.focus();
  };
  const move = (by: number) => {
    if (!order.length) return;
    const at = cursor === null ? -1 : order.indexOf(cursor);
    const next = order[Math.max(0, Math.min(order.length - 1, at < 0 ? (by > 0 ? 0 : order.length - 1) : at + by))];
    if (next !== undefined) moveTo(next);
  };
  const showPreview = (number: number) => {
    setCursor(number);
    if (isOpen) return;
    written.current = number;
    change({ preview: number });
  };
  const open = (number: number) => void navigate(workspacePath(workspace, "incidents", number));
  const acted = () => targets(selection, cursor, state.incidents);
  const apply = (set: FieldChanges, numbers = acted()) => void store.change(numbers, set);
  const openStatus = () => {
    if (!acted().length) return;
    setStatusAt((cursor === null ? null : table.current?.row(cursor)) ?? document.getElementById("main"));
  };
  const sortBy = (field: SortField) => {
    const text = field === "title" || field === "owner" || field === "status";
    change({ sort: field, descending: view.sort === field ? !view.descending : !text });
  };

  const can = editIncidents;
  const hasTarget = cursor !== null || selection.selected.size > 0;
  useCommands([
    { id: "q-down", title: "Next incident", group: "Incidents", keys: ["j"], run: () => move(1), keysOnly: true },
    { id: "q-up", title: "Previous incident", group: "Incidents", keys: ["k"], run: () => move(-1), keysOnly: true },
    { id: "q-open", title: "Open the incident", group: "Incidents", keys: ["Enter"], run: () => cursor !== null && open(cursor), keysOnly: true, enabled: cursor !== null },
    { id: "q-preview", title: "Show or hide the preview", group: "Incidents", keys: ["p", " "], run: () => (isOpen ? change({ preview: null }, true) : cursor !== null && showPreview(cursor)) },
    { id: "q-select", title: "Select or unselect", group: "Incidents", keys: ["x"], run: () => cursor !== null && selection.toggle(cursor), keysOnly: true },
    { id: "q-select-all", title: "Select all on the list", group: "Incidents", keys: ["*"], run: () => selection.set(order) },
    { id: "q-clear", title: "Clear the selection, or close the preview", group: "Incidents", keys: ["Escape"], keysOnly: true, run: () => (selection.selected.size ? selection.clear() : change({ preview: null }, true)) },
    { id: "q-assign", title: "Assign to me", group: "Incidents", keys: ["a"], enabled: can && hasTarget, run: () => apply({ owner: { id: session.principal.id, name: session.principal.name } }) },
    { id: "q-status", title: "Set the status", group: "Incidents", keys: ["s"], enabled: can && hasTarget, run: openStatus },
    { id: "q-close", title: "Close with a classification", group: "Incidents", keys: ["c"], enabled: can && hasTarget, run: () => setClosing(acted()) },
    { id: "q-refresh", title: "Take over new and changed incidents", group: "Incidents", keys: ["r"], run: refresh },
    { id: "q-filter", title: "Filter", group: "Incidents", keys: ["/"], run: () => search.current?.focus() },
    { id: "q-mine", title: "Show my open incidents", group: "Incidents", run: () => change({ status: ["New", "Active"], owner: ["me"], severity: [], q: "" }) },
  ]);

  const selectedCount = selection.selected.size;
  // Several may differ: then no status is the one they have.
  const onlyTarget = selectedCount > 1 ? null : (acted()[0] ?? null);
  const previewed = isOpen && cursor !== null ? state.incidents.get(cursor) : undefined;
  return (
    <div className="vd-page vd-page-fill">
      <div className="vd-page-head">
        <h1>Incidents</h1>
        <span className="vd-muted" aria-live="polite">
          {count.format(order.length)} shown
          {state.windowed && `, the newest of ${count.format(state.total)} that match`}
          {loadingMore && `, loading ${count.format(loaded)} of ${count.format(state.total)}`}
        </span>
        {isFiltered(view) && (
          <Button size="small" appearance="subtle" onClick={() => change(NO_FILTERS)}>
            Reset filters
          </Button>
        )}
        {state.stale && (
          <span className="vd-warn">
            Not up to date: the server does not answer{" "}
            <Button size="small" onClick={() => void store.poll()}>
              Try now
            </Button>
          </span>
        )}
        <span className="vd-spacer" />
        <div role="status" aria-live="polite">
          {(added > 0 || gone > 0) && (
            <Button size="small" appearance="primary" icon={<ArrowSyncRegular />} onClick={refresh}>
              {[added ? `${count.format(added)} new` : "", gone ? `${count.format(gone)} match no longer` : ""].filter(Boolean).join(", ")}
              {" – update the list"} <kbd>r</kbd>
            </Button>
          )}
        </div>
      </div>
      <FilterBar view={view} facets={state.facets} onChange={change} searchRef={search} />
      <ConflictBar store={store} />
      {selectedCount > 0 && (
        <div className="vd-bulk" role="toolbar" aria-label="Selected incidents">
          <strong>{count.format(selectedCount)} selected</strong>
          <Button size="small" disabled={!can} onClick={() => apply({ owner: { id: session.principal.id, name: session.principal.name } })}>
            Assign to me <kbd>a</kbd>
          </Button>
          <OwnerControl value={undefined} onChange={apply} />
          <SeverityControl value={null} onChange={apply} />
          <StatusControl value={null} onChange={apply} onClose={() => setClosing(acted())} />
          <Button size="small" disabled={!can} onClick={() => setClosing(acted())}>
            Close… <kbd>c</kbd>
          </Button>
          <Button size="small" appearance="subtle" onClick={selection.clear}>
            Clear <kbd>Esc</kbd>
          </Button>
        </div>
      )}
      {state.phase === "failed" ? (
        <ErrorView what="The incidents could not be loaded" error={state.error} onRetry={() => void store.load()} />
      ) : state.phase === "loading" ? (
        <Spinner label="Loading incidents" className="vd-center" />
      ) : (
        <div className={`vd-split${previewed ? " vd-split-open" : ""}`}>
          {order.length ? (
            <QueueTable
              ref={table}
              order={order}
              incidents={state.incidents}
              view={view}
              cursor={cursor}
              selection={selection}
              onSort={sortBy}
              onCursor={showPreview}
              onOpen={open}
              onMove={move}
              filters={(column, value) => ({
                filterIn: () => change(columnFilter(view, column, value, false)),
                filterOut: () => change(columnFilter(view, column, value, true)),
              })}
            />
          ) : (
            <EmptyQueue
              view={view}
              total={state.total}
              onReset={() => change(isFiltered(view) ? NO_FILTERS : { status: [] })}
            />
          )}
          {previewed && (
            <PreviewPane
              summary={previewed}
              settled={previewed.number === preview}
              onChange={(set) => apply(set, [previewed.number])}
              onCloseIncident={() => setClosing([previewed.number])}
              onDismiss={() => change({ preview: null }, true)}
            />
          )}
        </div>
      )}
      <StatusMenuAt
        target={statusAt}
        value={onlyTarget === null ? null : (state.incidents.get(onlyTarget)?.status ?? null)}
        onChange={apply}
        onClose={() => setClosing(acted())}
        onDone={() => setStatusAt(null)}
      />
      <CloseDialog numbers={closing} onClose={() => setClosing(null)} onSubmit={(numbers, set, sourceAlerts) => void store.change(numbers, set, sourceAlerts)} />
    </div>
  );
}
