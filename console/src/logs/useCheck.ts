import { useCallback, useEffect, useRef, useState } from "react";

import { api } from "../api/client";
import type { Diagnostic, ResultColumn } from "../api/types";

const PAUSE_MS = 400;
const CACHE = 50;
const NONE: readonly Diagnostic[] = [];

/** What the server finds in the text, asked when typing pauses. Without an answer nothing is claimed. */
export function useCheck(ws: string, text: string) {
  const [found, setFound] = useState<{ text: string; diagnostics: readonly Diagnostic[] }>({ text: "", diagnostics: NONE });
  useEffect(() => {
    if (!text.trim()) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      api.check(ws, text, { signal: controller.signal }).then(
        (result) => setFound({ text, diagnostics: result.diagnostics }),
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [ws, text]);
  const note = useCallback((of: string, diagnostics: readonly Diagnostic[]) => setFound({ text: of, diagnostics }), []);
  return { diagnostics: found.text === text ? found.diagnostics : NONE, note };
}

/** The columns that a query gives, as the server binds it; null when it does not bind. Answers are kept. */
export function useColumnsOf(ws: string) {
  const cache = useRef(new Map<string, Promise<readonly ResultColumn[] | null>>());
  return useCallback(
    (prefix: string): Promise<readonly ResultColumn[] | null> => {
      const known = cache.current.get(prefix);
      if (known) return known;
      const asked = api.check(ws, prefix).then(
        (result) => (result.columns.length ? result.columns : null),
        () => {
          cache.current.delete(prefix);
          return null;
        },
      );
      if (cache.current.size >= CACHE) {
        const oldest = cache.current.keys().next().value;
        if (oldest !== undefined) cache.current.delete(oldest);
      }
      cache.current.set(prefix, asked);
      return asked;
    },
    [ws],
  );
}
