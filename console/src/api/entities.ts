/** What is known of an entity: `GET /entities` and its timeline, as the investigation service gives them. */

import { http, queryString, type CallOptions } from "./http";
import type { IncidentSummary, Page, Utc } from "./types";
import type { Bookmark } from "./work";

/** An entity as it is asked for: its type and its identifiers. */
export interface EntityRef {
  type: string;
  identifiers: readonly (readonly [name: string, value: string])[];
}

export interface Exploration {
  id: string;
  title: string;
  tables: string[];
  /** Null where it cannot be asked; `reason` says why. */
  count: number | null;
  reason: string | null;
  query: string | null;
}

export interface EntityDetail {
  type: string;
  name: string;
  properties: Record<string, unknown>;
  /** Their aliases. */
  watchlists: string[];
  firstSeenTimeUtc: Utc | null;
  lastSeenTimeUtc: Utc | null;
  incidents: IncidentSummary[];
  moreIncidents: boolean;
  bookmarks: Bookmark[];
  explorations: Exploration[];
}

export interface EntityEvent {
  id: string;
  kind: "alert" | "activity" | "bookmark" | "action";
  time: Utc;
  /** The table, or the product, that it is out of. */
  source: string;
  title: string;
  detail: string | null;
  incidentNumber?: number | null;
}

export interface EntityTimeline extends Page<EntityEvent> {
  /** Of each kind of activity: whether there is more of it, or why there is none. */
  sources: { id: string; title: string; reason: string | null; truncated: boolean }[];
}

export interface Span {
  from: string;
  to: string;
}

function address(ws: string, path: string, entity: EntityRef, span: Span, more: Record<string, string> = {}): string {
  const named = entity.identifiers.map(([name, value]) => `&identifier=${encodeURIComponent(`${name}=${value}`)}`).join("");
  return `/workspaces/${encodeURIComponent(ws)}/${path}${queryString({ type: entity.type, ...span, ...more })}${named}`;
}

export const entities = {
  get: (ws: string, entity: EntityRef, span: Span, options?: CallOptions) =>
    http.get<EntityDetail>(address(ws, "entities", entity, span), options),
  timeline: (ws: string, entity: EntityRef, span: Span, kinds: string, options?: CallOptions) =>
    http.get<EntityTimeline>(address(ws, "entities/timeline", entity, span, { kinds, top: "200" }), options),
};
