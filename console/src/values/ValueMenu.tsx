/**
 * The one menu of a value. Cells, chips and fields all open it; what filtering means is said by the page, the rest is
 * the same everywhere. One menu element serves the page, however many values it shows.
 */

import { Menu, MenuDivider, MenuGroup, MenuGroupHeader, MenuItem, MenuList, MenuPopover } from "@fluentui/react-components";
import {
  CopyRegular,
  DataBarVerticalRegular,
  DocumentRegular,
  FilterAddRegular,
  FilterDismissRegular,
  OpenRegular,
  SearchRegular,
} from "@fluentui/react-icons";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, use, useCallback, useMemo, useState, type MouseEvent, type ReactElement, type ReactNode } from "react";
import { useNavigate } from "react-router";

import { api } from "../api/client";
import type { TableInfo } from "../api/types";
import { done, failed } from "../app/activity";
import { useWorkspace } from "../app/session";
import { logsLink } from "../logs/link";
import { toMillis } from "../time/format";
import { around, type TimeRange } from "../time/range";
import { searchQuery, valueText, type ValueType } from "./kql";

export interface ValueTarget {
  value: unknown;
  type: ValueType;
  /** The column, field or entity type that it stands under. */
  label: string;
  /** When it was seen; searches look around it. */
  time?: string | null | undefined;
  filterIn?: (() => void) | undefined;
  filterOut?: (() => void) | undefined;
  topValues?: (() => void) | undefined;
  /** Its own page. */
  page?: { label: string; run: () => void } | undefined;
  /** A page about it. */
  open?: { label: string; run: () => void } | undefined;
}

type Anchor = HTMLElement | { x: number; y: number };
type OpenMenu = (anchor: Anchor, target: ValueTarget) => void;

const OpenValueMenu = createContext<OpenMenu | null>(null);

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    done(`Copied ${what}`);
  } catch {
    failed("Copying", new Error("the browser does not allow this page to write to the clipboard"));
  }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The tables that have rows within a range, as far as their first and last rows tell. */
export function tablesWithin(tables: readonly TableInfo[], range: TimeRange): TableInfo[] {
  const start = range.kind === "absolute" ? (toMillis(range.start) ?? 0) : 0;
  const end = range.kind === "absolute" ? (toMillis(range.end) ?? Infinity) : Infinity;
  return tables.filter(({ rows, first, last, columns }) => {
    if (rows === 0 || !columns.some((column) => column.name === "TimeGenerated")) return false;
    return (toMillis(first ?? "") ?? 0) < end && (toMillis(last ?? "") ?? Infinity) >= start;
  });
}

interface Shown {
  anchor: Anchor;
  target: ValueTarget;
}

function Items({ target }: { target: ValueTarget }) {
  const navigate = useNavigate();
  const workspace = useWorkspace();
  const text = valueText(target.value);
  const empty = text === "";
  const client = useQueryClient();
  const search = async () => {
    const range = around(target.time ?? new Date().toISOString(), 24);
    try {
      const tables = await client.query({
        queryKey: ["tables", workspace.id],
        queryFn: () => api.tables(workspace.id),
        staleTime: 60_000,
      });
      const names = tablesWithin(tables.value, range).map((table) => table.name);
      if (!names.length) throw new Error("no table has rows in the 24 hours around it");
      await navigate(logsLink(workspace, { query: searchQuery(target.value, names), range, run: true }));
    } catch (error) {
      failed("Searching the logs", error);
    }
  };
  const item = (label: string, icon: ReactElement, run: (() => void) | undefined, disabled = false) =>
    run && (
      <MenuItem icon={icon} onClick={run} disabled={disabled}>
        {label}
      </MenuItem>
    );
  return (
    <MenuList>
      <MenuGroup>
        <MenuGroupHeader className="vd-menu-value">
          {target.label}: {empty ? "(empty)" : shorten(text)}
        </MenuGroupHeader>
        {target.page && item(target.page.label, <DocumentRegular />, target.page.run)}
        {target.open && item(target.open.label, <OpenRegular />, target.open.run)}
        {item("Filter in", <FilterAddRegular />, target.filterIn)}
        {item("Filter out", <FilterDismissRegular />, target.filterOut)}
        {item("Top values", <DataBarVerticalRegular />, target.topValues)}
      </MenuGroup>
      <MenuDivider />
      {item("Copy", <CopyRegular />, () => void copyText(text, shorten(text)), empty)}
      {item("Search 24 h around in Logs", <SearchRegular />, () => void search(), empty)}
    </MenuList>
  );
}

export function ValueMenuProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [open, setOpen] = useState(false);
  const show = useCallback<OpenMenu>((anchor, target) => {
    setShown({ anchor, target });
    setOpen(true);
  }, []);
  const target = useMemo(() => {
    if (!shown) return null;
    const { anchor } = shown;
    if (anchor instanceof HTMLElement) return anchor;
    return { getBoundingClientRect: () => new DOMRect(anchor.x, anchor.y, 0, 0) };
  }, [shown]);
  return (
    <OpenValueMenu value={show}>
      {children}
      {shown && (
        <Menu
          open={open}
          onOpenChange={(_, data) => {
            setOpen(data.open);
            if (!data.open && shown.anchor instanceof HTMLElement) shown.anchor.focus();
          }}
          positioning={{ target, position: "below", align: "start" }}
        >
          <MenuPopover>
            <Items target={shown.target} />
          </MenuPopover>
        </Menu>
      )}
    </OpenValueMenu>
  );
}

export function useValueMenu(): OpenMenu {
  const value = use(OpenValueMenu);
  if (!value) throw new Error("useValueMenu() outside of its provider");
  return value;
}

/** The pointer's place for a context menu, or the element when the keyboard asked for it. */
export function anchorOf(event: MouseEvent<HTMLElement>): Anchor {
  return event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : event.currentTarget;
}

interface ChipProps {
  target: ValueTarget;
  icon?: ReactNode;
  children?: ReactNode;
  className?: string;
  muted?: boolean;
}

/** A value that shows it can be acted on. */
export function ValueChip({ target, icon, children, className, muted }: ChipProps) {
  const open = useValueMenu();
  return (
    <button
      type="button"
      className={`vd-chip${muted ? " vd-chip-muted" : ""}${className ? ` ${className}` : ""}`}
      aria-haspopup="menu"
      title={`${target.label}: ${valueText(target.value)}`}
      onClick={(event) => {
        event.stopPropagation();
        open(event.currentTarget, target);
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        event.stopPropagation();
        open(event.currentTarget, target);
      }}
    >
      {icon}
      <span className="vd-chip-text">{children ?? valueText(target.value)}</span>
    </button>
  );
}
