/**
 * Everything that a key or the palette can do. A page registers its commands while it is shown; one listener on the
 * window finds the command of a key; the palette and the help list what is registered.
 */

import { useEffect, useRef } from "react";

import { Store, useStore } from "./store";

export interface Command {
  id: string;
  title: string;
  group: string;
  /** As KeyboardEvent.key says it, with "Shift+" before named keys: "j", "?", "Enter", "Shift+Enter". */
  keys?: string[];
  run: () => void;
  enabled?: boolean;
  /** Not in the palette: moves that make sense by key alone. */
  keysOnly?: boolean;
}

interface Source { current: readonly Command[] }

const sources = new Store<readonly Source[]>([]);

/** Offers the commands while the component is mounted. Later registrations win over earlier ones for a key. */
export function useCommands(commands: readonly Command[]): void {
  const source = useRef(commands);
  useEffect(() => {
    source.current = commands;
  });
  useEffect(() => {
    sources.update((all) => [...all, source]);
    return () => sources.update((all) => all.filter((one) => one !== source));
  }, []);
}

export function allCommands(): Command[] {
  return sources.get().flatMap((source) => [...source.current]);
}

/** The commands registered now; call it where the list is about to be shown. */
export function useAllCommands(): Command[] {
  useStore(sources);
  return allCommands();
}

export function keyName(event: Pick<KeyboardEvent, "key" | "shiftKey">): string {
  return event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
}

const TYPING = "input, textarea, select, [contenteditable='true'], [role='textbox'], .cm-editor";
const ACTING = "button, a[href], [role='button'], [role='menuitem'], [role='option'], [role='tab'], [role='switch'], summary";

/** Whether the key belongs to what has the focus and not to the page. */
export function belongsToFocus(event: Pick<KeyboardEvent, "key" | "target">): boolean {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(TYPING)) {
    // Checkboxes and radios have no text to type; those of a dialog are the dialog's all the same.
    const box = target.closest("input");
    if (!(box && ["checkbox", "radio"].includes(box.type) && event.key !== " ")) return true;
  }
  if ((event.key === "Enter" || event.key === " ") && target?.closest(ACTING)) return true;
  return document.querySelector("[aria-modal='true'], [role='menu'], [role='listbox']") !== null;
}

export function commandFor(key: string): Command | undefined {
  return allCommands().findLast((command) => command.enabled !== false && command.keys?.includes(key));
}

/** Follows the keyboard for the whole console; used once, by the shell. */
export function useKeyboard(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (belongsToFocus(event)) return;
      const command = commandFor(keyName(event));
      if (!command) return;
      event.preventDefault();
      command.run();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}
