/** Bodies of the API about integrations. */

import type { DestinationWrite, ManifestField, SecretState, SettingValue } from "./destinations";
import type { Utc } from "./types";

export interface ConnectorEndpointKind {
  id: string;
  title: string;
  intervalSeconds: number;
  tables: string[];
  permission: string;
  description: string;
}

export interface ConnectorKind {
  id: string;
  displayName: string;
  category: string;
  description: string;
  permissions: { name: string; reason: string }[];
  prerequisites: string[];
  troubleshooting: { error: string; cause: string; solution: string }[];
  vendorDocs: string;
  fields: ManifestField[];
  endpoints: ConnectorEndpointKind[];
}

export type ConnectorStatus = "disabled" | "waiting" | "healthy" | "degraded" | "failing";

export interface ConnectorEndpoint {
  endpoint: string;
  intervalSeconds: number;
  dueTimeUtc: Utc;
  /** Why the last poll failed; null after a success. */
  trouble: string | null;
  message: string | null;
  lastPollTimeUtc: Utc | null;
  lastSuccessTimeUtc: Utc | null;
  fetched: number;
}

export interface Connector {
  id: string;
  kind: string;
  name: string;
  enabled: boolean;
  status: ConnectorStatus;
  settings: Record<string, SettingValue>;
  secrets: Record<string, SecretState>;
  endpoints: ConnectorEndpoint[];
}

export interface ConnectorWrite extends DestinationWrite {
  /** Seconds by endpoint. */
  intervals?: Record<string, number>;
}

export interface ConnectorPoll {
  endpoint: string;
  startedTimeUtc: Utc;
  endedTimeUtc: Utc;
  outcome: string;
  fetched: number;
  pages: number;
  unknown: Record<string, number>;
  message: string | null;
}
