/** The state of the queue: view from the address, order that does not jump, cursor and selection. */

import { useCallback, useMemo, useState } from "react";

import type { IncidentSummary } from "../api/types";
import { useParameters } from "../app/parameters";
import { useSession } from "../app/session";
import { CAPACITY, type IncidentsState, type ServerFilter } from "./store";
import { computeView, readView, writeView, type QueueView } from "./view";

export function useQueueView() {
  const [parameters, setParameters] = useParameters();
  const view = useMemo(() => readView(parameters), [parameters]);
  const change = useCallback(
    (next: Partial<QueueView>, replace = false) => {
      setParameters((current) => writeView({ ...readView(current), ...next }), replace);
    },
    [setParameters],
  );
  return { view, change };
}

/** The filter as the server takes it, for workspaces with more incidents than are kept here. */
export function serverFilter(view: QueueView): ServerFilter {
  const filter: ServerFilter = { sort: `${view.descending ? "-" : ""}${view.sort}` };
  if (view.status.length) filter.status = view.status.join(",");
  if (view.severity.length) filter.severity = view.severity.join(",");
  if (view.owner.length) filter.owner = view.owner.join(",");
  if (view.q) filter.q = view.q;
  return filter;
}

export interface Order {
  /** The rows, in the order they stay in. */
  order: readonly number[];
  /** Matching incidents that are not shown yet. */
  added: number;
  /** Shown incidents that match no longer. */
  gone: number;
  /** Takes the list as it is now. */
  refresh: () => void;
}

/**
 * The rows of the view. They stay where they are while incidents come and change; what would be different is counted,
 * and taken over when the person asks, or asks for another view.
 */
export function useOrder(state: IncidentsState, view: QueueView): Order {
  const { session } = useSession();
  const me = session.principal.id;
  const key = JSON.stringify([view.status, view.severity, view.owner, view.q, view.sort, view.descending]);
  const loading = state.phase !== "ready" || state.incidents.size < Math.min(state.total, CAPACITY);
  const fresh = useMemo(
    () => computeView(state.incidents.values(), view, me),
    // The preview is no part of the order.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [state.incidents, key, me],
  );
  const [frozen, setFrozen] = useState({ key, order: fresh, loading });
  // The end of loading is followed too: it brings the last rows.
  const follow = frozen.key !== key || frozen.loading || loading || frozen.order.length === 0;
  const order = follow ? fresh : frozen.order;
  if (follow && (frozen.order !== fresh || frozen.key !== key || frozen.loading !== loading)) {
    setFrozen({ key, order: fresh, loading });
  }

  const difference = useMemo(() => {
    if (order === fresh) return { added: 0, gone: 0 };
    const shown = new Set(order);
    const matching = new Set(fresh);
    return {
      added: fresh.reduce((count, number) => count + (shown.has(number) ? 0 : 1), 0),
      gone: order.reduce((count, number) => count + (matching.has(number) ? 0 : 1), 0),
    };
  }, [order, fresh]);
  const refresh = useCallback(() => setFrozen({ key, order: fresh, loading }), [key, fresh, loading]);
  return { order, ...difference, refresh };
}

export interface Selection {
  selected: ReadonlySet<number>;
  toggle: (number: number) => void;
  /** All rows between the last toggled one and this one. */
  extend: (number: number) => void;
  set: (numbers: Iterable<number>) => void;
  clear: () => void;
}

export function useSelection(order: readonly number[]): Selection {
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [anchor, setAnchor] = useState<number | null>(null);
  const shown = useMemo(() => {
    // A row that is not on the list must not be changed by a bulk action.
    const visible = new Set(order);
    const kept = [...selected].filter((number) => visible.has(number));
    return kept.length === selected.size ? selected : new Set(kept);
  }, [selected, order]);
  return {
    selected: shown,
    toggle: (number) => {
      const next = new Set(shown);
      if (!next.delete(number)) next.add(number);
      setSelected(next);
      setAnchor(number);
    },
    extend: (number) => {
      const from = anchor === null ? -1 : order.indexOf(anchor);
      const to = order.indexOf(number);
      const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
      setSelected(new Set([...shown, ...order.slice(low, high + 1)]));
    },
    set: (numbers) => setSelected(new Set(numbers)),
    clear: () => setSelected(new Set()),
  };
}

/** The incidents that an action is about: the selected ones, else the one under the cursor. */
export function targets(
  selection: Selection,
  cursor: number | null,
  incidents: ReadonlyMap<number, IncidentSummary>,
): number[] {
  if (selection.selected.size) return [...selection.selected];
  return cursor !== null && incidents.has(cursor) ? [cursor] : [];
}
