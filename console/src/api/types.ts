/**
 * The REST API as the console uses it (`/api/v1`). console/API.md is the same in words.
 * Times are ISO 8601 in UTC with a trailing Z; durations are ISO 8601 ("PT5M", "P14D") unless a unit is in the name.
 */

import type { Bookmark, HistoryEntry, Move, PriorityPart, Task } from "./work";


export type Utc = string;
export type Duration = string;

// ---------------------------------------------------------------------------------------------- errors

export interface ApiErrorBody {
  code: string;
  message: string;
  /** What to do about it, one sentence. */
  hint?: string | null;
  details?: Record<string, unknown> | null;
}

export interface ApiErrorEnvelope {
  error: ApiErrorBody;
}

// ------------------------------------------------------------------------------- session and workspaces

export type Role = "Reader" | "Responder" | "Contributor" | "PlaybookOperator" | "Administrator";

export interface Session {
  principal: { id: string; kind: "user" | "client"; name: string; email?: string | null };
  expiresTimeUtc: Utc;
  /** Product version, shown in the user menu. */
  version: string;
}

export interface Workspace {
  id: string;
  name: string;
  displayName?: string;
  createdTimeUtc?: Utc;
  /** Set on one that is out of use. */
  archivedTimeUtc?: Utc | null;
  roles: Role[];
}

export interface Person {
  id: string;
  name: string;
  email?: string | null;
}

export interface Page<T> {
  value: T[];
  count: number;
}

// -------------------------------------------------------------------------------------------- incidents

export type Severity = "High" | "Medium" | "Low" | "Informational";
export type IncidentStatus = "New" | "Active" | "Closed";
export type Classification = "TruePositive" | "BenignPositive" | "FalsePositive" | "Undetermined";
export type ClassificationReason =
  | "SuspiciousActivity"
  | "SuspiciousButExpected"
  | "IncorrectAlertLogic"
  | "InaccurateData";

export interface PersonRef {
  id: string;
  name: string;
}

/** The fields a PATCH may set; each has a revision of its own. */
export interface EditableFields {
  title: string;
  description: string;
  severity: Severity;
  status: IncidentStatus;
  owner: PersonRef | null;
  classification: Classification | null;
  classificationReason: ClassificationReason | null;
  classificationComment: string | null;
  labels: string[];
}

export type EditableField = keyof EditableFields;
export type Revisions = Record<EditableField, number>;

export interface IncidentSummary extends Omit<EditableFields, "description"> {
  /** Stable id (uuid). */
  id: string;
  /** Per workspace, from 1. */
  number: number;
  tactics: string[];
  createdTimeUtc: Utc;
  lastModifiedTimeUtc: Utc;
  firstActivityTimeUtc: Utc | null;
  lastActivityTimeUtc: Utc | null;
  alertCount: number;
  alertProductNames: string[];
  /** 0 to 100; priorityParts of the whole incident say of what. */
  priority: number;
  /** The names of the first entities, for the list. */
  entityNames: string[];
  revisions: Revisions;
}

export interface OwnerFacet {
  id: string | null;
  name: string | null;
  count: number;
}

/** Counts over the whole workspace, not over the filter: they are always visible. */
export interface IncidentFacets {
  status: Record<IncidentStatus, number>;
  severity: Record<Severity, number>;
  owner: OwnerFacet[];
}

export interface IncidentPage extends Page<IncidentSummary> {
  facets: IncidentFacets;
  /** Give it back as changedSince to get what changed afterwards. */
  asOf: string;
}

export interface Entity {
  id: string;
  /** Sentinel's entity types: Account, Host, IP, URL, File, FileHash, Process, ... */
  type: string;
  name: string;
  properties: Record<string, unknown>;
}

export interface ResultColumn {
  name: string;
  type: KqlType;
}

export interface ResultSample {
  columns: ResultColumn[];
  rows: unknown[][];
}

export interface Alert {
  id: string;
  ruleId: string;
  ruleName: string;
  /** Its own name, which the rule may make of its result. */
  title: string;
  description: string;
  severity: Severity;
  /** The window of the rule's query. */
  start: Utc;
  end: Utc;
  /** The first and the last event. */
  firstActivityTimeUtc: Utc;
  lastActivityTimeUtc: Utc;
  /** Rows that the query returned; the sample may hold fewer. */
  rows: number;
  tactics: string[];
  /** Ids of entities of the incident. */
  entities: string[];
  sample: ResultSample;
  query: string;
  productName: string;
  /** What the rule's result said of the alert, such as `AlertLink`. */
  properties: Record<string, string>;
  customDetails: Record<string, readonly unknown[]>;
  /** Limits that the alert has reached, and the like. */
  notes: readonly string[];
}

export interface Comment {
  id: string;
  message: string;
  author: PersonRef;
  createdTimeUtc: Utc;
}

export type TimelineKind = "alert" | "created" | "change" | "comment" | "delivery";

export interface TimelineItem {
  id: string;
  time: Utc;
  kind: TimelineKind | (string & {});
  title: string;
  detail?: string | null;
  actor?: PersonRef | null;
  /** For kind "alert". */
  alertId?: string | null;
}

export interface Incident extends IncidentSummary {
  etag: string;
  priorityParts: PriorityPart[];
  tasks: Task[];
  bookmarks: Bookmark[];
  moves: Move[];
  mergedInto: number | null;
  history: HistoryEntry[];
  description: string;
  techniques: string[];
  ruleIds: string[];
  entities: Entity[];
  alerts: Alert[];
  comments: Comment[];
  timeline: TimelineItem[];
  /** One sentence. */
  story: string;
  /** Why these alerts are together: one clause each. */
  together: string[];
  /** Of an incident that a Fusion rule has made. */
  campaign: Campaign | null;
  /** Incidents that share a campaign with this one. */
  campaignIncidents: number[];
}

/** An entity that signals of a campaign name. */
export interface CampaignThing {
  type: string;
  name: string;
}

export interface CampaignStage {
  tactic: string;
  /** The signal that shows it: its first. */
  signalId: string;
  title: string;
  timeUtc: Utc;
  entities: CampaignThing[];
  signals: number;
  linkedToTitle?: string;
  linkedBy?: CampaignThing[];
}

/** Alerts and other signals that are stages of one attack. */
export interface Campaign {
  stages: CampaignStage[];
  impact: { tactic: string; resources: CampaignThing[]; count: number };
  signals: { id: string; title: string; incidentNumber: number | null }[];
}

export type FieldChanges = Partial<EditableFields>;

export interface IncidentPatch {
  set: FieldChanges;
  /** Per field in `set`, the revision the person saw. */
  base: Partial<Revisions>;
  /** What becomes of its alerts where they come from; left out, they stay as they are. */
  sourceAlerts?: SourceAction;
}

/** What can be done with alerts in Defender for Cloud. */
export type SourceAction = "Dismiss" | "Resolve" | "Activate" | "InProgress";

export interface FieldConflict<F extends EditableField = EditableField> {
  field: F;
  /** The value that is there now. */
  current: EditableFields[F];
  revision: number;
  changedBy: PersonRef | null;
  changedTimeUtc: Utc;
}

/** error.details of a 409 with code FieldConflict. */
export interface ConflictDetails {
  conflicts: FieldConflict[];
}

export interface BatchItem extends IncidentPatch {
  number: number;
}

export interface BatchResult {
  number: number;
  status: number;
  incident?: IncidentSummary;
  error?: ApiErrorBody;
}

// ------------------------------------------------------------------------------------------------ query

export type KqlType =
  | "bool"
  | "datetime"
  | "decimal"
  | "dynamic"
  | "guid"
  | "int"
  | "long"
  | "real"
  | "string"
  | "timespan";

export interface QueryRequest {
  query: string;
  /** ISO 8601: a duration back from now ("P1D") or an interval ("start/end"). */
  timespan?: string;
}

export interface QueryStats {
  elapsedMs: number;
  rows: number;
  rowsScanned?: number;
}

export interface QueryResult {
  columns: ResultColumn[];
  rows: unknown[][];
  stats: QueryStats;
  /** Set when rows were cut off at the server's limit, or a part of the query failed. */
  partialError?: ApiErrorBody | null;
  /** What `render` says: the kind of chart under `visualization`, and the properties that the query gives. */
  visualization?: Record<string, unknown> | null;
  /** What the query calls the table (`as`, `fork`). */
  name?: string;
  /** The further tables of a query that gives several: a table for each statement, or for each branch of a fork. */
  more?: QueryResult[];
}

export type DiagnosticSeverity = "Error" | "Warning" | "Suggestion" | "Information";

export interface Diagnostic {
  code: string;
  severity: DiagnosticSeverity;
  message: string;
  /** UTF-16 units into the text. */
  start: number;
  length: number;
  /** What to do, when it is not in the message. */
  hint?: string | null;
  /** Text that would be right in place of the span. */
  fix?: string | null;
}

export interface CheckResult {
  diagnostics: Diagnostic[];
  columns: ResultColumn[];
}

export interface TableInfo {
  name: string;
  columns: ResultColumn[];
  rows: number;
  first: Utc | null;
  last: Utc | null;
  bytes: number | null;
}

export type FunctionKind = "scalar" | "aggregate" | "operator" | "plugin" | "window" | "tabular";

export interface FunctionInfo {
  name: string;
  kind: FunctionKind;
  /** "strcat_delim(delimiter: string, values: any...): string" */
  signature?: string | null;
  about?: string | null;
}

// ---------------------------------------------------------------------------------------------- rules

export type RunOutcome = "matched" | "silent" | "failed" | "skipped";

export interface RuleRun {
  id: string;
  ruleId: string;
  trigger: "scheduled" | "manual";
  windowStartUtc: Utc;
  windowEndUtc: Utc;
  startedTimeUtc: Utc;
  durationMs: number;
  outcome: RunOutcome;
  rows: number;
  alerts: number;
  /** Numbers of the incidents it made or added to. */
  incidents: number[];
  error?: ApiErrorBody | null;
  /** How it came to its outcome, where that was not by the rule's own query. */
  note?: string | null;
}

export interface RuleSummary {
  id: string;
  name: string;
  kind: "Scheduled" | "NRT" | (string & {});
  severity: Severity;
  enabled: boolean;
  tactics: string[];
  techniques: string[];
  lastRun: RuleRun | null;
  nextRunTimeUtc: Utc | null;
}

export interface FieldMapping {
  identifier: string;
  columnName: string;
}

export interface EntityMapping {
  entityType: string;
  fieldMappings: FieldMapping[];
}

export interface Rule extends RuleSummary {
  description: string;
  query: string;
  queryFrequency: Duration | null;
  queryPeriod: Duration | null;
  triggerOperator: string | null;
  triggerThreshold: number | null;
  suppressionEnabled: boolean;
  suppressionDuration: Duration | null;
  entityMappings: EntityMapping[];
  customDetails: Record<string, string>;
  version: string | null;
  /** The file it came from, as given at import. */
  source: string | null;
}
