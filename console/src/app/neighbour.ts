/** Which row of a list is next to the one whose pane is open: the first where none is open, the same at either end. */
export function neighbour<T extends { id: string }>(shown: readonly T[], open: string | null, step: 1 | -1): T | null {
  const at = shown.findIndex((one) => one.id === open);
  if (at < 0) return shown[0] ?? null;
  return shown[Math.max(0, Math.min(shown.length - 1, at + step))] ?? null;
}
