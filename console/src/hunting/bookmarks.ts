/** Which bookmarks are shown, and what a person may enter for one. Without React. */

import type { Bookmark } from "../api/work";
import { around, type TimeRange } from "../time/range";

export const MOST = 1000;

export type Where = "all" | "incident" | "none";

export const WHERES: readonly { value: Where; label: string; keep: (one: Bookmark) => boolean }[] = [
  { value: "all", label: "All", keep: () => true },
  { value: "incident", label: "In an incident", keep: (one) => one.incidentNumber !== null },
  { value: "none", label: "In none", keep: (one) => one.incidentNumber === null },
];

export interface BookmarkFilter {
  q: string;
  where: Where;
  /** Only those that this person made. */
  by: string | null;
}

/** What words are looked for in: everything of a bookmark that a person has read. */
function searched(one: Bookmark): string {
  const entities = one.entities.map((entity) => `${entity.type} ${entity.name}`);
  const number = one.incidentNumber === null ? "" : `#${one.incidentNumber}`;
  return [one.displayName, one.notes, one.createdBy.name, number, ...one.labels, ...entities].join(" ").toLowerCase();
}

export function shownOf(all: readonly Bookmark[], { q, where, by }: BookmarkFilter): Bookmark[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const keep = WHERES.find((one) => one.value === where)?.keep ?? (() => true);
  return all.filter((one) => {
    if (!keep(one) || (by !== null && one.createdBy.id !== by)) return false;
    const text = searched(one);
    return words.every((word) => text.includes(word));
  });
}

/** The time that its query is asked over: its own, or a day around the event. */
export function rangeOf(one: Bookmark): TimeRange {
  const { queryStartTimeUtc: start, queryEndTimeUtc: end } = one;
  return start && end ? { kind: "absolute", start, end } : around(one.eventTimeUtc, 24);
}

/** The number of an incident out of what was entered (`#17`, `17`); null where it is none. */
export function numberOf(text: string): number | null {
  const number = Number(text.trim().replace(/^#/, ""));
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}

/** Tags out of a line: `vpn, night shift`. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(",").map((one) => one.trim()).filter(Boolean))];
}
