/** Result rows, however many and however wide: only what is on the screen is in the page. Every cell acts. */

import "./grid.css";

import { ArrowSortDownRegular, ArrowSortUpRegular, ChevronDownRegular, ChevronRightRegular } from "@fluentui/react-icons";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";

import type { ResultColumn } from "../api/types";
import { usePreferences } from "../app/preferences";
import { anchorOf, copyText, useValueMenu, type ValueTarget } from "../values/ValueMenu";
import { valueText } from "../values/kql";
import { RowDetail } from "./RowDetail";
import { cellText, columnWidths, filledFirst, isNumeric, rowObject, sortRows, type GridSort } from "./rows";

interface Props {
  label: string;
  columns: readonly ResultColumn[];
  rows: readonly (readonly unknown[])[];
  /** What acting on a cell does beyond copying and searching. */
  actions: (column: ResultColumn, value: unknown) => Pick<ValueTarget, "filterIn" | "filterOut" | "topValues">;
  /** What can be done with a row that is open, beyond copying it. */
  rowActions?: (row: Readonly<Record<string, unknown>>) => ReactNode;
  /** Fills its parent; otherwise it is as high as its rows, up to this many pixels. */
  maxHeight?: number;
}

const EXPANDER = 28;
const NO_WIDTHS: Readonly<Record<string, number>> = {};

function Resizer({ width, name, onResize }: { width: number; name: string; onResize: (width: number) => void }) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { x: event.clientX, width };
  };
  const onPointerMove = (event: PointerEvent) => {
    if (start.current) onResize(Math.max(48, start.current.width + event.clientX - start.current.x));
  };
  return (
    <div
      className="vd-resizer"
      title={`Drag to resize ${name}`}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => (start.current = null)}
      onClick={(event) => event.stopPropagation()}
    />
  );
}

export function ResultGrid({ columns, rows, ...others }: Props) {
  const arranged = useMemo(() => filledFirst(columns, rows), [columns, rows]);
  return <Grid {...arranged} {...others} />;
}

function Grid({ label, columns, rows, actions, rowActions, maxHeight }: Props) {
  const { zone, density } = usePreferences();
  const openValueMenu = useValueMenu();
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const [sort, setSort] = useState<GridSort | null>(null);
  const [expanded, setExpanded] = useState<ReadonlySet<number>>(new Set());
  const [resized, setResized] = useState(NO_WIDTHS);
  const [cell, setCell] = useState<{ row: number; column: number }>({ row: 0, column: 0 });
  const [shownRows, setShownRows] = useState(rows);
  if (shownRows !== rows) {
    // Another result: what was opened belongs to the former one.
    setShownRows(rows);
    setExpanded(new Set());
    setCell({ row: 0, column: 0 });
    if (sort && !columns[sort.column]) setSort(null);
  }

  const fitted = useMemo(() => columnWidths(columns, rows, zone), [columns, rows, zone]);
  const widths = columns.map((column, index) => resized[column.name] ?? fitted[index] ?? 120);
  const order = useMemo(() => sortRows(columns, rows, sort), [columns, rows, sort]);
  const height = density === "compact" ? 26 : 34;

  const rowVirtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
    paddingStart: 30,
    scrollPaddingStart: 30,
    getItemKey: (index) => order[index] ?? index,
  });
  const columnVirtualizer = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => widths[index] ?? 120,
    overscan: 3,
    paddingStart: EXPANDER,
    getItemKey: (index) => columns[index]?.name ?? index,
  });
  const widthKey = widths.join();
  useEffect(() => columnVirtualizer.measure(), [widthKey, columnVirtualizer]);
  useEffect(() => rowVirtualizer.measure(), [height, rowVirtualizer]);

  const totalWidth = columnVirtualizer.getTotalSize();
  const visible = columnVirtualizer.getVirtualItems();
  const timeColumn = columns.findIndex((column) => column.name === "TimeGenerated" && column.type === "datetime");

  const target = (row: readonly unknown[], index: number): ValueTarget => {
    const column = columns[index];
    if (!column) throw new RangeError(`no column ${index}`);
    const time = row[timeColumn];
    const value = row[index];
    return {
      value,
      type: column.type,
      label: column.name,
      time: typeof time === "string" ? time : undefined,
      ...actions(column, value),
    };
  };
  const toggle = (row: number) => {
    const next = new Set(expanded);
    if (!next.delete(row)) next.add(row);
    setExpanded(next);
  };
  const cycle = (column: number) =>
    setSort((current) =>
      current?.column !== column ? { column, descending: false } : current.descending ? null : { column, descending: true },
    );

  const cellId = (row: number, column: number) => `${id}-${row}-${column}`;
  const go = (row: number, column: number) => {
    const next = {
      row: Math.max(0, Math.min(rows.length - 1, row)),
      column: Math.max(0, Math.min(columns.length - 1, column)),
    };
    setCell(next);
    rowVirtualizer.scrollToIndex(next.row, { align: "auto" });
    columnVirtualizer.scrollToIndex(next.column, { align: "auto" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / height) - 2);
    const index = order[cell.row];
    const row = index === undefined ? undefined : rows[index];
    if ((event.ctrlKey || event.metaKey) && event.key === "c" && row) {
      void copyText(valueText(row[cell.column]), columns[cell.column]?.name ?? "");
    } else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "ArrowDown") go(cell.row + 1, cell.column);
    else if (event.key === "ArrowUp") go(cell.row - 1, cell.column);
    else if (event.key === "ArrowRight") go(cell.row, cell.column + 1);
    else if (event.key === "ArrowLeft") go(cell.row, cell.column - 1);
    else if (event.key === "PageDown") go(cell.row + page, cell.column);
    else if (event.key === "PageUp") go(cell.row - page, cell.column);
    else if (event.key === "Home") go(cell.row, 0);
    else if (event.key === "End") go(cell.row, columns.length - 1);
    else if (event.key === " " && index !== undefined) toggle(index);
    else if ((event.key === "Enter" || event.key === "ContextMenu") && row && scroller.current) {
      const element = document.getElementById(cellId(cell.row, cell.column));
      const box = element?.getBoundingClientRect();
      openValueMenu(box ? { x: box.left + 8, y: box.bottom } : scroller.current, target(row, cell.column));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const style = maxHeight === undefined ? undefined : { height: Math.min(maxHeight, rowVirtualizer.getTotalSize() + 18) };
  return (
    <div
      ref={scroller}
      className="vd-grid"
      style={style}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length + 1}
      aria-activedescendant={rows.length ? cellId(cell.row, cell.column) : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className="vd-grid-body" style={{ height: rowVirtualizer.getTotalSize(), width: totalWidth }}>
        <div role="row" aria-rowindex={1} className="vd-grid-head" style={{ width: totalWidth }}>
          <div role="columnheader" aria-colindex={1} className="vd-grid-expander">
            <span className="vd-visually-hidden">Details</span>
          </div>
          {visible.map((item) => {
            const column = columns[item.index];
            if (!column) return null;
            const active = sort?.column === item.index ? sort : null;
            return (
              <div
                key={item.key}
                role="columnheader"
                aria-colindex={item.index + 2}
                aria-sort={active ? (active.descending ? "descending" : "ascending") : "none"}
                style={{ left: item.start, width: item.size }}
              >
                <button type="button" className="vd-sort" tabIndex={-1} title={`${column.name}: ${column.type}`} onClick={() => cycle(item.index)}>
                  <span className="vd-ellipsis">{column.name}</span>
                  {active && (active.descending ? <ArrowSortDownRegular aria-hidden /> : <ArrowSortUpRegular aria-hidden />)}
                </button>
                <Resizer
                  name={column.name}
                  width={item.size}
                  onResize={(width) => setResized((current) => ({ ...current, [column.name]: width }))}
                />
              </div>
            );
          })}
        </div>
        {rowVirtualizer.getVirtualItems().map((item) => {
          const index = order[item.index];
          const row = index === undefined ? undefined : rows[index];
          if (index === undefined || !row) return null;
          const open = expanded.has(index);
          return (
            <div
              key={item.key}
              ref={rowVirtualizer.measureElement}
              data-index={item.index}
              className="vd-grid-item"
              style={{ transform: `translateY(${item.start}px)`, width: totalWidth }}
            >
              <div role="row" aria-rowindex={item.index + 2} className={`vd-grid-row${item.index % 2 ? " vd-odd" : ""}`} style={{ height }}>
                <div role="gridcell" aria-colindex={1} className="vd-grid-expander">
                  <button
                    type="button"
                    tabIndex={-1}
                    aria-expanded={open}
                    aria-label={open ? `Hide row ${item.index + 1}` : `Show row ${item.index + 1} whole`}
                    onClick={() => toggle(index)}
                  >
                    {open ? <ChevronDownRegular /> : <ChevronRightRegular />}
                  </button>
                </div>
                {visible.map((columnItem) => {
                  const column = columns[columnItem.index];
                  if (!column) return null;
                  const value = row[columnItem.index];
                  const text = cellText(value, column.type, zone);
                  const isCell = cell.row === item.index && cell.column === columnItem.index;
                  return (
                    <div
                      key={columnItem.key}
                      id={cellId(item.index, columnItem.index)}
                      role="gridcell"
                      aria-colindex={columnItem.index + 2}
                      className={`${isNumeric(column.type) ? "vd-number" : ""}${isCell ? " vd-cell-active" : ""}`}
                      style={{ left: columnItem.start, width: columnItem.size }}
                      title={text.length > 20 ? text.slice(0, 1000) : undefined}
                      onClick={() => setCell({ row: item.index, column: columnItem.index })}
                      onDoubleClick={() => toggle(index)}
                      onContextMenu={(event) => {
                        event.preventDefault();
                        setCell({ row: item.index, column: columnItem.index });
                        openValueMenu(anchorOf(event), target(row, columnItem.index));
                      }}
                    >
                      <span className="vd-ellipsis">
                        {value === null && column.type !== "string" ? <span className="vd-none">null</span> : text.slice(0, 500)}
                      </span>
                      {text && (
                        <button
                          type="button"
                          className="vd-cell-menu"
                          tabIndex={-1}
                          aria-haspopup="menu"
                          aria-label={`Act on this ${column.name}`}
                          onClick={(event) => {
                            event.stopPropagation();
                            openValueMenu(event.currentTarget, target(row, columnItem.index));
                          }}
                        >
                          ⋯
                        </button>
                      )}
                    </div>
                  );
                })}
              </div>
              {open && (
                <div role="row">
                  <div role="gridcell" aria-colspan={columns.length + 1} className="vd-grid-detail">
                    <RowDetail columns={columns} row={row} target={(column) => target(row, column)} actions={rowActions?.(rowObject(columns, row))} />
                  </div>
                </div>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
