/** Threat intelligence: objects of STIX, as their sources have them, and what people here say of them. */

import { http, queryString } from "./http";
import type { Page, Utc } from "./types";

export interface IntelObject {
  id: string;
  stixId: string;
  /** The type of STIX: `indicator`, `threat-actor`, … */
  type: string;
  source: string;
  /** How it came: `TAXII`, `UploadAPI`, `File`, `Manual`. */
  method: string;
  name: string;
  pattern: string | null;
  /** In force. */
  active: boolean;
  /** Revoked by its source. */
  revoked: boolean;
  /** Who revoked it here. */
  withdrawnBy: string | null;
  validFrom: Utc | null;
  validUntil: Utc | null;
  confidence: number | null;
  /** Those given here; its source's are its labels. */
  tags: string[];
  tlp: string;
  created: Utc | null;
  modified: Utc | null;
  addedAt: Utc;
  changedAt: Utc;
}

export interface IntelDetail extends IntelObject {
  /** The object of STIX. */
  content: Readonly<Record<string, unknown>>;
}

export type IntelState = "active" | "inactive" | "all";

export interface IntelList {
  q?: string;
  source?: string;
  type?: string;
  state?: IntelState;
  top?: number;
  skip?: number;
}

export interface NewIndicator {
  type: string;
  value: string;
  name: string;
  description: string;
  confidence: number | null;
  /** How long it is in force; 0 is without an end. */
  days: number;
  tags: string[];
  threatTypes: string[];
  tlp: string;
}

const path = (ws: string, ...parts: string[]) => ["", "workspaces", ws, "indicators", ...parts].map(encodeURIComponent).join("/");

export const intelligence = {
  list: (ws: string, asked: IntelList) => http.get<Page<IntelObject>>(`${path(ws)}${queryString({ ...asked })}`),
  get: (ws: string, id: string) => http.get<IntelDetail>(path(ws, id)),
  sources: (ws: string) => http.get<Page<{ source: string; inForce: number }>>(`/workspaces/${encodeURIComponent(ws)}/indicator-sources`),
  add: (ws: string, body: NewIndicator) => http.post<IntelDetail>(path(ws), body),
  revoke: (ws: string, id: string) => http.post<IntelDetail>(path(ws, id, "revoke")),
  reinstate: (ws: string, id: string) => http.post<IntelDetail>(path(ws, id, "reinstate")),
  tag: (ws: string, id: string, body: { add?: string[]; remove?: string[] }) => http.post<IntelDetail>(path(ws, id, "tags"), body),
  delete: (ws: string, id: string) => http.delete(path(ws, id)),
};
