/** Destinations: what a kind asks for, what is configured, what has been delivered. */

import type { ApiErrorBody, Page, Utc } from "./types";

export type FieldType = "string" | "guid" | "url" | "integer" | "boolean" | "enum" | "secret" | "text";

export interface ManifestField {
  name: string;
  label: string;
  type: FieldType;
  required: boolean;
  help?: string | null;
  placeholder?: string | null;
  default?: string | number | boolean | null;
  /** A regular expression over the whole value. */
  pattern?: string | null;
  minimum?: number | null;
  maximum?: number | null;
  options?: { value: string; label: string }[] | null;
  /** It is asked for only where another field has this value. */
  when?: { field: string; value: string } | null;
}

export interface DestinationKind {
  kind: string;
  displayName: string;
  description: string;
  /** What the credentials must be allowed to do, with the reason. */
  permissions: { name: string; reason: string }[];
  fields: ManifestField[];
}

export interface SecretState {
  set: boolean;
  changedTimeUtc: Utc | null;
}

export type SettingValue = string | number | boolean | null;

export interface DestinationHealth {
  state: "healthy" | "failing" | "unknown";
  message: string | null;
  lastSuccessTimeUtc: Utc | null;
  lastAttemptTimeUtc: Utc | null;
  pending: number;
  failed: number;
}

export interface Destination {
  id: string;
  kind: string;
  name: string;
  enabled: boolean;
  settings: Record<string, SettingValue>;
  /** Per secret field: whether one is stored. The value never leaves the server. */
  secrets: Record<string, SecretState>;
  health: DestinationHealth;
}

export interface DestinationWrite {
  kind?: string;
  name?: string;
  enabled?: boolean;
  settings?: Record<string, SettingValue>;
  /** Only those to set; a field left out keeps its value. */
  secrets?: Record<string, string>;
}

export interface TestStep {
  name: string;
  ok: boolean;
  message: string;
  hint?: string | null;
  durationMs: number;
}

export interface TestReport {
  ok: boolean;
  steps: TestStep[];
}

export type DeliveryState = "pending" | "sending" | "retrying" | "delivered" | "failed";

export interface Delivery {
  id: string;
  destinationId: string;
  destinationName: string;
  incidentNumber: number | null;
  title: string;
  state: DeliveryState;
  attempts: number;
  createdTimeUtc: Utc;
  lastAttemptTimeUtc: Utc | null;
  nextAttemptTimeUtc: Utc | null;
  /** The id or path at the other end, when it got there. */
  remoteId: string | null;
  error: ApiErrorBody | null;
}

export interface DeliveryPage extends Page<Delivery> {
  facets: { state: Record<DeliveryState, number> };
}
