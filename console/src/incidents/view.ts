/** What the queue shows: filters and order as the address has them, applied to summaries in memory. */

import type { IncidentStatus, IncidentSummary, Severity } from "../api/types";
import { SEVERITIES, STATUSES } from "./model";

export type SortField =
  | "number"
  | "title"
  | "severity"
  | "priority"
  | "status"
  | "owner"
  | "alertCount"
  | "createdTimeUtc"
  | "lastActivityTimeUtc"
  | "lastModifiedTimeUtc";

const SORT_FIELDS: readonly SortField[] = [
  "number",
  "title",
  "severity",
  "priority",
  "status",
  "owner",
  "alertCount",
  "createdTimeUtc",
  "lastActivityTimeUtc",
  "lastModifiedTimeUtc",
];

export interface QueueView {
  /** Empty means any. */
  status: readonly IncidentStatus[];
  severity: readonly Severity[];
  /** "me", "none" or the id of a person; empty means any. */
  owner: readonly string[];
  q: string;
  sort: SortField;
  descending: boolean;
  preview: number | null;
}

const OPEN: readonly IncidentStatus[] = ["New", "Active"];

/** The filters without which the queue begins. */
export const NO_FILTERS: Pick<QueueView, "status" | "severity" | "owner" | "q"> = { status: OPEN, severity: [], owner: [], q: "" };

export function isFiltered(view: QueueView): boolean {
  return view.severity.length > 0 || view.owner.length > 0 || view.q !== "" || !isOpen(view.status);
}

function isOpen(status: readonly IncidentStatus[]): boolean {
  return status.length === OPEN.length && OPEN.every((one) => status.includes(one));
}

function list<T extends string>(text: string | null, allowed: readonly T[]): T[] {
  const parts = (text ?? "").split(",");
  return allowed.filter((one) => parts.includes(one));
}

/** Reads a view from an address. Without `status` the open incidents are meant, "any" is all of them. */
export function readView(parameters: URLSearchParams): QueueView {
  const status = parameters.get("status");
  const sort = parameters.get("sort") ?? "-createdTimeUtc";
  const field = SORT_FIELDS.find((one) => one === sort.replace(/^-/, ""));
  const preview = Number(parameters.get("preview"));
  return {
    status: status === null ? OPEN : list(status, STATUSES),
    severity: list(parameters.get("severity"), SEVERITIES),
    owner: (parameters.get("owner") ?? "").split(",").filter(Boolean),
    q: parameters.get("q") ?? "",
    sort: field ?? "createdTimeUtc",
    descending: field ? sort.startsWith("-") : true,
    preview: Number.isSafeInteger(preview) && preview > 0 ? preview : null,
  };
}

/** The shortest address that readView reads as this view. */
export function writeView(view: QueueView): URLSearchParams {
  const parameters = new URLSearchParams();
  if (!isOpen(view.status)) {
    const all = view.status.length === 0 || view.status.length === STATUSES.length;
    parameters.set("status", all ? "any" : view.status.join(","));
  }
  if (view.severity.length) parameters.set("severity", view.severity.join(","));
  if (view.owner.length) parameters.set("owner", view.owner.join(","));
  if (view.q) parameters.set("q", view.q);
  if (view.sort !== "createdTimeUtc" || !view.descending) parameters.set("sort", `${view.descending ? "-" : ""}${view.sort}`);
  if (view.preview !== null) parameters.set("preview", String(view.preview));
  return parameters;
}

export interface Term {
  text: string;
  exclude: boolean;
}

/** Words that must occur; "-word" must not; quotes hold words together. */
export function parseTerms(q: string): Term[] {
  return [...q.matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)].flatMap((match) => {
    const text = (match[2] ?? match[3] ?? "").toLowerCase();
    return text ? [{ text, exclude: match[1] === "-" }] : [];
  });
}

/** `q` with a term added, or moved from wanted to unwanted. */
export function withTerm(q: string, value: string, exclude: boolean): string {
  const clean = value.replace(/"/g, "").trim();
  const term = /\s/.test(clean) || clean.startsWith("-") ? `"${clean}"` : clean;
  const kept = parseTerms(q)
    .filter((one) => one.text !== clean.toLowerCase())
    .map((one) => `${one.exclude ? "-" : ""}${/\s/.test(one.text) || one.text.startsWith("-") ? `"${one.text}"` : one.text}`);
  return [...kept, `${exclude ? "-" : ""}${term}`].join(" ");
}

const haystacks = new WeakMap<IncidentSummary, string>();

/** The text of a summary that words are looked for in; computed once for each version of it. */
function haystack(incident: IncidentSummary): string {
  let text = haystacks.get(incident);
  if (text === undefined) {
    text = [
      `#${incident.number}`,
      incident.title,
      incident.owner?.name ?? "",
      ...incident.labels,
      ...incident.tactics,
      ...incident.alertProductNames,
      ...incident.entityNames,
    ]
      .join("\n")
      .toLowerCase();
    haystacks.set(incident, text);
  }
  return text;
}

export function matcher(view: QueueView, me: string): (incident: IncidentSummary) => boolean {
  const terms = parseTerms(view.q);
  const owners = view.owner.map((one) => (one === "me" ? me : one));
  return (incident) => {
    if (view.status.length && !view.status.includes(incident.status)) return false;
    if (view.severity.length && !view.severity.includes(incident.severity)) return false;
    if (owners.length && !owners.includes(incident.owner?.id ?? "none")) return false;
    if (!terms.length) return true;
    const text = haystack(incident);
    return terms.every((term) => text.includes(term.text) !== term.exclude);
  };
}

// One collator: localeCompare makes a new one for each pair, which 10,000 rows would feel.
const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Compares by a text. Many incidents share few titles and owners: each is ranked once, and ranks are compared. */
function byText(incidents: readonly IncidentSummary[], text: (incident: IncidentSummary) => string) {
  const ranks = new Map([...new Set(incidents.map(text))].sort(collator.compare).map((one, rank) => [one, rank]));
  const rank = (incident: IncidentSummary) => ranks.get(text(incident)) ?? 0;
  return (a: IncidentSummary, b: IncidentSummary) => rank(a) - rank(b);
}

function compareBy(field: SortField, incidents: readonly IncidentSummary[]): (a: IncidentSummary, b: IncidentSummary) => number {
  switch (field) {
    case "number":
    case "alertCount":
    case "priority":
      return (a, b) => a[field] - b[field];
    case "severity":
      // Descending shows High first.
      return (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity);
    case "status":
      return (a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status);
    case "owner":
      return byText(incidents, (incident) => incident.owner?.name ?? "");
    case "title":
      return byText(incidents, (incident) => incident.title);
    default:
      // ISO times of one zone compare as text, and a missing one is the oldest.
      return (a, b) => {
        const left = a[field] ?? "";
        const right = b[field] ?? "";
        return left < right ? -1 : left > right ? 1 : 0;
      };
  }
}

/** The numbers of the incidents of a view in its order; ties go by number, newest first. */
export function computeView(incidents: Iterable<IncidentSummary>, view: QueueView, me: string): number[] {
  const keep = matcher(view, me);
  const found: IncidentSummary[] = [];
  for (const incident of incidents) if (keep(incident)) found.push(incident);
  const compare = compareBy(view.sort, found);
  const sign = view.descending ? -1 : 1;
  return found.sort((a, b) => sign * compare(a, b) || b.number - a.number).map((one) => one.number);
}
