/** What was last done, in one line at the foot of the console, and how to take it back. */

import { explain } from "../api/http";
import { Store, useStore } from "./store";

export interface Activity {
  id: number;
  text: string;
  kind: "done" | "failed";
  hint: string | null;
}

interface Undoable {
  id: number;
  label: string;
  undo: () => Promise<void>;
}

const DEPTH = 50;
let lastId = 0;

const activity = new Store<Activity | null>(null);
const undoStack = new Store<readonly Undoable[]>([]);

export function useActivity(): Activity | null {
  return useStore(activity);
}

export function useUndoLabel(): string | null {
  return useStore(undoStack).at(-1)?.label ?? null;
}

/** Says that something was done. With `undo`, the u key takes it back. */
export function done(text: string, undo?: () => Promise<void>): void {
  lastId += 1;
  const id = lastId;
  activity.set({ id, text, kind: "done", hint: null });
  if (undo) undoStack.update((stack) => [...stack.slice(1 - DEPTH), { id, label: text, undo }]);
}

/** Says that something did not work, in the server's words. It stays until the next action. */
export function failed(what: string, error: unknown): void {
  lastId += 1;
  const { message, hint } = explain(error);
  activity.set({ id: lastId, text: `${what}: ${message}`, kind: "failed", hint });
}

export function dismissActivity(): void {
  activity.set(null);
}

/** Takes back the latest thing that can be taken back. */
export async function undoLast(): Promise<void> {
  const last = undoStack.get().at(-1);
  if (!last) {
    done("Nothing to undo");
    return;
  }
  undoStack.update((stack) => stack.slice(0, -1));
  try {
    await last.undo();
    done(`Undone: ${last.label}`);
  } catch (error) {
    undoStack.update((stack) => [...stack, last]);
    failed(`Could not undo "${last.label}"`, error);
  }
}

/** Forgets what was done: another person, or another workspace, must not undo it. */
export function clearActivity(): void {
  undoStack.set([]);
  activity.set(null);
}
