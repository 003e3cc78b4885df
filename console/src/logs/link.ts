/**
 * The address of a query. It stands in the fragment, which browsers do not send: a query may hold names of people,
 * which do not belong into the logs of a proxy.
 */

import { workspacePath } from "../app/session";
import type { Workspace } from "../api/types";
import { formatRange, parseRange, type TimeRange } from "../time/range";

export interface LogsState {
  query: string;
  range: TimeRange;
  /** Run it at once. */
  run: boolean;
}

export function logsHash(state: LogsState): string {
  const parameters = new URLSearchParams({ q: state.query, t: formatRange(state.range) });
  if (state.run) parameters.set("run", "1");
  return `#${parameters.toString()}`;
}

export function readLogsHash(hash: string): LogsState | null {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const query = parameters.get("q");
  if (query === null) return null;
  return { query, range: parseRange(parameters.get("t")), run: parameters.get("run") === "1" };
}

export function logsLink(workspace: Workspace | string, state: LogsState): string {
  return workspacePath(workspace, "logs") + logsHash(state);
}
