import { Checkbox } from "@fluentui/react-components";
import { ArrowSortDownRegular, ArrowSortUpRegular } from "@fluentui/react-icons";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useEffectEvent, useImperativeHandle, useRef, type KeyboardEvent, type MouseEvent, type ReactNode, type Ref } from "react";
import { Link } from "react-router";

import type { IncidentSummary } from "../api/types";
import { usePreferences } from "../app/preferences";
import { useWorkspace, workspacePath } from "../app/session";
import { Time } from "../time/Time";
import { anchorOf, useValueMenu, type ValueTarget } from "../values/ValueMenu";
import { SeverityBadge, StatusBadge, Tactics } from "./badges";
import type { Selection } from "./useQueue";
import type { QueueView, SortField } from "./view";

export interface TableHandle {
  reveal: (number: number) => void;
  /** Takes the focus, so that Enter means the row and not what was clicked before. */
  focus: () => void;
  /** The row on the screen, for menus that open at it. */
  row: (number: number) => HTMLElement | null;
}

interface Column {
  id: string;
  title: string;
  sort?: SortField;
  cell: (incident: IncidentSummary) => ReactNode;
  /** What a click with the menu button acts on. */
  value?: (incident: IncidentSummary) => string;
}

interface Props {
  order: readonly number[];
  incidents: ReadonlyMap<number, IncidentSummary>;
  view: QueueView;
  cursor: number | null;
  selection: Selection;
  ref: Ref<TableHandle>;
  onSort: (field: SortField) => void;
  onCursor: (number: number) => void;
  onOpen: (number: number) => void;
  onMove: (by: number) => void;
  /** What filtering by a cell's value does. */
  filters: (column: string, value: string) => Pick<ValueTarget, "filterIn" | "filterOut">;
}

const none = <span className="vd-none">—</span>;

const COLUMNS: readonly Column[] = [
  { id: "severity", title: "Severity", sort: "severity", cell: (one) => <SeverityBadge severity={one.severity} />, value: (one) => one.severity },
  { id: "priority", title: "Priority", sort: "priority", cell: (one) => Math.round(one.priority) },
  { id: "number", title: "No.", sort: "number", cell: (one) => one.number, value: (one) => `#${one.number}` },
  { id: "title", title: "Title", sort: "title", cell: (one) => one.title, value: (one) => one.title },
  { id: "status", title: "Status", sort: "status", cell: (one) => <StatusBadge status={one.status} />, value: (one) => one.status },
  { id: "owner", title: "Owner", sort: "owner", cell: (one) => one.owner?.name ?? none, value: (one) => one.owner?.name ?? "" },
  { id: "entities", title: "Entities", cell: (one) => one.entityNames.join(", ") || none, value: (one) => one.entityNames[0] ?? "" },
  { id: "tactics", title: "Tactics", cell: (one) => <Tactics tactics={one.tactics} />, value: (one) => one.tactics[0] ?? "" },
  { id: "alerts", title: "Alerts", sort: "alertCount", cell: (one) => one.alertCount },
  { id: "activity", title: "Last activity", sort: "lastActivityTimeUtc", cell: (one) => <Time value={one.lastActivityTimeUtc} precision="minute" />, value: (one) => one.lastActivityTimeUtc ?? "" },
  { id: "created", title: "Created", sort: "createdTimeUtc", cell: (one) => <Time value={one.createdTimeUtc} precision="minute" />, value: (one) => one.createdTimeUtc },
];

function Header({ view, onSort, all, onAll }: {
  view: QueueView;
  onSort: (field: SortField) => void;
  all: boolean | "mixed";
  onAll: () => void;
}) {
  return (
    <div role="row" className="vd-qrow vd-qhead" aria-rowindex={1}>
      <div role="columnheader" className="vd-q-check">
        <Checkbox checked={all} onChange={onAll} aria-label="Select all on the list" />
      </div>
      {COLUMNS.map(({ id, title, sort }) => {
        const active = sort === view.sort;
        const direction = active ? (view.descending ? "descending" : "ascending") : sort ? "none" : undefined;
        return (
          <div key={id} role="columnheader" aria-sort={direction} className={`vd-q-${id}`}>
            {sort ? (
              <button type="button" className="vd-sort" onClick={() => onSort(sort)}>
                {title}
                {active && (view.descending ? <ArrowSortDownRegular aria-hidden /> : <ArrowSortUpRegular aria-hidden />)}
              </button>
            ) : (
              title
            )}
          </div>
        );
      })}
    </div>
  );
}

export function QueueTable(props: Props) {
  const { order, incidents, view, cursor, selection, ref, onSort, onCursor, onOpen, onMove, filters } = props;
  const workspace = useWorkspace();
  const { density } = usePreferences();
  const openValueMenu = useValueMenu();
  const scroller = useRef<HTMLDivElement>(null);
  const height = density === "compact" ? 30 : 40;
  const virtualizer = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    paddingStart: 32,
    scrollPaddingStart: 32,
    getItemKey: (index) => order[index] ?? index,
  });
  useEffect(() => virtualizer.measure(), [height, virtualizer]);

  // Another order or filter is another list: it is read from its top, or from the row that the preview shows.
  const listKey = JSON.stringify([view.status, view.severity, view.owner, view.q, view.sort, view.descending]);
  const shownKey = useRef(listKey);
  const showTop = useEffectEvent(() => {
    const index = view.preview === null || cursor === null ? -1 : order.indexOf(cursor);
    virtualizer.scrollToIndex(Math.max(0, index), { align: index > 0 ? "auto" : "start" });
  });
  useEffect(() => {
    if (shownKey.current === listKey) return;
    shownKey.current = listKey;
    showTop();
  }, [listKey]);

  useImperativeHandle(ref, () => ({
    reveal: (number) => {
      const index = order.indexOf(number);
      if (index >= 0) virtualizer.scrollToIndex(index, { align: "auto" });
    },
    focus: () => scroller.current?.focus({ preventScroll: true }),
    row: (number) => document.getElementById(`incident-${number}`),
  }));

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / height) - 2);
    const moves: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -order.length,
      End: order.length,
    };
    const by = moves[event.key];
    if (by === undefined) return;
    event.preventDefault();
    onMove(by);
  };

  const onContextMenu = (event: MouseEvent<HTMLElement>, incident: IncidentSummary) => {
    const cell = (event.target as Element).closest("[data-column]")?.getAttribute("data-column");
    const column = COLUMNS.find((one) => one.id === cell);
    const value = column?.value?.(incident);
    if (!column || value === undefined) return;
    event.preventDefault();
    openValueMenu(anchorOf(event), {
      value,
      type: "string",
      label: column.title,
      time: incident.lastActivityTimeUtc ?? incident.createdTimeUtc,
      open: { label: `Open incident #${incident.number}`, run: () => onOpen(incident.number) },
      ...filters(column.id, value),
    });
  };

  const selectedCount = selection.selected.size;
  const all = selectedCount === 0 ? false : selectedCount === order.length ? true : "mixed";
  return (
    <div
      ref={scroller}
      className="vd-queue"
      role="grid"
      aria-label="Incidents"
      aria-rowcount={order.length + 1}
      aria-multiselectable
      aria-activedescendant={cursor === null ? undefined : `incident-${cursor}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div className="vd-qbody" role="rowgroup" style={{ height: virtualizer.getTotalSize() }}>
        <Header
          view={view}
          onSort={onSort}
          all={all}
          onAll={() => (all === true ? selection.clear() : selection.set(order))}
        />
        {virtualizer.getVirtualItems().map((item) => {
          const number = order[item.index];
          const incident = number === undefined ? undefined : incidents.get(number);
          if (!incident) return null;
          const isSelected = selection.selected.has(incident.number);
          const isCursor = incident.number === cursor;
          const href = workspacePath(workspace, "incidents", incident.number);
          return (
            <div
              key={item.key}
              id={`incident-${incident.number}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={isSelected}
              aria-current={isCursor || undefined}
              className={`vd-qrow${isCursor ? " vd-cursor" : ""}${isSelected ? " vd-selected" : ""}${incident.status === "Closed" ? " vd-closed" : ""}`}
              style={{ height, transform: `translateY(${item.start}px)` }}
              onClick={(event) => {
                if (event.shiftKey) selection.extend(incident.number);
                else if (event.ctrlKey || event.metaKey) selection.toggle(incident.number);
                else onCursor(incident.number);
              }}
              onDoubleClick={() => onOpen(incident.number)}
              onContextMenu={(event) => onContextMenu(event, incident)}
            >
              <div role="gridcell" className="vd-q-check" onClick={(event) => event.stopPropagation()}>
                <Checkbox
                  checked={isSelected}
                  onChange={() => selection.toggle(incident.number)}
                  aria-label={`Select incident ${incident.number}`}
                  tabIndex={-1}
                />
              </div>
              {COLUMNS.map(({ id, cell }) => (
                <div key={id} role="gridcell" className={`vd-q-${id}`} data-column={id}>
                  {id === "title" ? (
                    <Link
                      to={href}
                      title={incident.title}
                      tabIndex={-1}
                      onClick={(event) => {
                        event.stopPropagation();
                        if (event.shiftKey) {
                          event.preventDefault();
                          selection.extend(incident.number);
                        }
                      }}
                    >
                      {incident.title}
                    </Link>
                  ) : (
                    cell(incident)
                  )}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
