/** Running one query at a time: elapsed time while it runs, cancel, the former result kept until the next is there. */

import { useCallback, useEffect, useRef, useState } from "react";

import { api } from "../api/client";
import { ApiError, isAbort } from "../api/http";
import type { Diagnostic, QueryResult } from "../api/types";
import { formatRange, timespanOf, type TimeRange } from "../time/range";
import { remember } from "./history";

export interface RunState {
  result: QueryResult | null;
  /** The query and range of the result: what filtering a value extends, even when the editor holds another text. */
  of: { query: string; range: TimeRange } | null;
  error: unknown;
  /** The query that the error is about. */
  errorOf: string | null;
  /** When the running query was started. */
  started: number | null;
  elapsedMs: number | null;
  cancelled: boolean;
}

const IDLE: RunState = { result: null, of: null, error: null, errorOf: null, started: null, elapsedMs: null, cancelled: false };

export function diagnosticsOf(error: unknown): Diagnostic[] {
  if (!(error instanceof ApiError)) return [];
  const found = error.details.diagnostics;
  return Array.isArray(found) ? (found as Diagnostic[]) : [];
}

export function useRun(ws: string) {
  const [state, setState] = useState<RunState>(IDLE);
  const running = useRef<AbortController | null>(null);

  const cancel = useCallback(() => running.current?.abort(), []);
  // Leaving the page stops the query on the server too.
  useEffect(() => cancel, [cancel]);

  const run = useCallback(
    async (query: string, range: TimeRange) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      const started = performance.now();
      const time = new Date().toISOString();
      const note = (rows: number | null, failed: boolean) =>
        remember(ws, { query, range: formatRange(range), time, rows, elapsedMs: performance.now() - started, failed });
      setState((former) => ({ ...former, started: Date.now(), cancelled: false }));
      const timespan = timespanOf(range);
      try {
        const result = await api.query(ws, { query, ...(timespan ? { timespan } : {}) }, { signal: controller.signal });
        if (running.current !== controller) return;
        setState({ result, of: { query, range }, error: null, errorOf: null, started: null, elapsedMs: performance.now() - started, cancelled: false });
        note(result.rows.length, false);
      } catch (error) {
        if (running.current !== controller) return;
        const cancelled = isAbort(error);
        setState((former) => ({
          ...former,
          error: cancelled ? null : error,
          errorOf: cancelled ? null : query,
          started: null,
          cancelled,
          elapsedMs: performance.now() - started,
        }));
        if (!cancelled) note(null, true);
      }
    },
    [ws],
  );
  return { state, run, cancel };
}
