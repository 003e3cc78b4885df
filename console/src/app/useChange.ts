import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { done, failed } from "./activity";

/** Makes a change, says in the status line what came of it, and reads the given lists anew. */
export function useChange(...keys: readonly unknown[][]) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const change = async <T>(what: string, run: () => Promise<T>, undo?: () => Promise<unknown>): Promise<T | null> => {
    const again = () => Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
    setBusy(true);
    try {
      const result = await run();
      done(what, undo && (async () => {
        await undo().finally(again);
      }));
      return result;
    } catch (error) {
      failed(`Not done: ${what}`, error);
      return null;
    } finally {
      await again();
      setBusy(false);
    }
  };
  return { busy, change };
}
