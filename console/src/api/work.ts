/** What belongs to an incident besides its fields: work, history, graph, similar incidents. */

import type { Classification, ClassificationReason, IncidentStatus, PersonRef, Severity, SourceAction, Utc } from "./types";

export interface PriorityPart {
  name: string;
  points: number;
  of: number;
  reason: string;
}

export interface Task {
  id: string;
  title: string;
  description: string;
  status: "New" | "Completed";
  completedBy: string | null;
}

export interface Bookmark {
  id: string;
  displayName: string;
  notes: string;
  labels: string[];
  /** The query that found the row, and its time where it was given. */
  query: string;
  queryResult: Readonly<Record<string, unknown>>;
  queryStartTimeUtc: Utc | null;
  queryEndTimeUtc: Utc | null;
  eventTimeUtc: Utc;
  incidentNumber: number | null;
  createdTimeUtc: Utc;
  createdBy: PersonRef;
  entities: { type: string; name: string; properties: Readonly<Record<string, string>> }[];
}

export interface BookmarkWrite {
  displayName: string;
  notes: string;
  query: string;
  queryResult: Readonly<Record<string, unknown>>;
  /** Each with its type and its identifiers. */
  entities: readonly Readonly<Record<string, string>>[];
  eventTimeUtc?: Utc;
  incidentNumber: number | null;
}

export type BookmarkChange = Partial<Pick<Bookmark, "displayName" | "notes" | "labels" | "incidentNumber">>;

/** A merge or a split: alerts moved from one incident to another. */
export interface Move {
  id: string;
  kind: "merge" | "split";
  from: number;
  to: number;
  alertIds: string[];
  timeUtc: Utc;
  actor: PersonRef;
  undoneBy: string | null;
}

/** How to mitigate, as alerts tell that tell the same. */
export interface Mitigation {
  title: string;
  productName: string;
  steps: string[];
  alertIds: string[];
  link: string | null;
}

/** How the resource of a recommendation is one that the incident is about. */
export type Concerns = "Resource" | "Inside" | "Around" | "SameName";

export interface Resource {
  id: string;
  name: string;
  type: string;
}

export interface Recommendation {
  id: string;
  title: string;
  severity: string | null;
  description: string;
  steps: string[];
  resource: Resource;
  concerns: Concerns;
  since: Utc;
  link: string | null;
}

/** One thing that is known of an entity; without an id, of the incident. */
export interface Fact {
  entityId: string | null;
  title: string;
  properties: Readonly<Record<string, unknown>>;
}

/** What one enrichment found. */
export interface Known {
  id: string;
  title: string;
  facts: Fact[];
  more: boolean;
  /** Why there are none, or not all. */
  reason: string | null;
}

export interface Enrichment {
  state: "None" | "Waiting" | "Current";
  enrichedTimeUtc: Utc | null;
  value: Known[];
}

export interface TakeAction {
  mitigate: Mitigation[];
  /** How many alerts the incident has. */
  alerts: number;
  prevent: {
    resources: Resource[];
    hosts: string[];
    value: Recommendation[];
    more: boolean;
    /** Why there are none. */
    reason: string | null;
    query: string | null;
  };
}

/** An alert where it comes from, and what was asked for it there last. */
export interface SourceAlert {
  alertId: string;
  sourceId: string;
  title: string;
  product: string;
  subscriptionId: string | null;
  /** The connector that reaches it; none is none. */
  connector: string | null;
  change: {
    action: SourceAction;
    state: "waiting" | "done" | "failed";
    message: string | null;
    hint: string | null;
    by: PersonRef;
    askedTimeUtc: Utc;
    /** Its state there, where it was done. */
    status: string | null;
  } | null;
}

export interface NewSuppression {
  sourceId: string;
  reason: string;
  comment: string;
  expiresOn: string | null;
}

export interface Escalation {
  to: string | { id: string | null; name: string };
  findings: string;
  severity: Severity;
}

export interface HistoryEntry {
  time: Utc;
  actor: PersonRef;
  field: string;
  /** Where no field changed: what happened. */
  title?: string | null;
  old: unknown;
  new: unknown;
}

export interface GraphNode {
  id: string;
  kind: "incident" | "alert" | "entity" | "bookmark";
  name: string;
  /** For kind "entity". */
  type?: string;
  properties?: Record<string, unknown>;
  /** For kind "incident". */
  number?: number;
}

export interface Graph {
  nodes: GraphNode[];
  edges: { from: string; to: string; label: string }[];
  notes: string[];
}

export interface SimilarIncident {
  number: number;
  title: string;
  status: IncidentStatus;
  classification: Classification | null;
  classificationReason: ClassificationReason | null;
  similarity: number;
  reasons: string[];
}
