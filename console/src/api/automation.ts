/** Calls about automation rules, with their bodies: the shape of Microsoft.SecurityInsights/automationRules. */

import { http } from "./http";
import type { RuleImportFile } from "./rules";
import type { Page, Utc } from "./types";

const rules = (ws: string) => `/workspaces/${encodeURIComponent(ws)}/automation-rules`;
const rule = (ws: string, id: string) => `${rules(ws)}/${encodeURIComponent(id)}`;

export interface Condition {
  conditionType: string;
  conditionProperties: Record<string, unknown>;
}

export interface Action {
  order: number;
  actionType: string;
  actionConfiguration: Record<string, unknown>;
}

export interface TriggeringLogic {
  isEnabled: boolean;
  expirationTimeUtc?: Utc | null;
  triggersOn: string;
  triggersWhen: string;
  conditions?: Condition[] | null;
}

export interface AutomationRuleWrite {
  displayName: string;
  order: number | null;
  triggeringLogic: TriggeringLogic;
  actions: Action[];
}

export interface AutomationRule extends AutomationRuleWrite {
  id: string;
  order: number;
  enabled: boolean;
  state: "enabled" | "disabled" | "expired";
  triggersOn: string;
  triggersWhen: string;
  expirationTimeUtc: Utc | null;
  does: string[];
  notRunnable: string[];
  timesApplied: number;
  lastAppliedTimeUtc: Utc | null;
  errors: number;
  lastErrorTimeUtc: Utc | null;
  lastError: string | null;
  createdTimeUtc: Utc;
  createdBy: string;
  lastModifiedTimeUtc: Utc;
  lastModifiedBy: string;
}

export interface ConditionProperty {
  name: string;
  title: string;
  known: string[];
  updateOnly: boolean;
}

export interface Vocabulary {
  properties: ConditionProperty[];
  operators: string[];
  conditionTypes: string[];
  arrays: string[];
  changedProperties: string[];
  changes: string[];
  changedArrays: string[];
  actionTypes: string[];
  severities: string[];
  statuses: string[];
  classifications: Record<string, string[]>;
  limits: Record<string, number>;
}

export interface AutomationImport {
  added: string[];
  updated: string[];
  unchanged: string[];
  notRunnable: { id: string; name: string; message: string }[];
  problems: { severity: string; file: string; line?: number; message: string; hint?: string }[];
}

export const automation = {
  list: (ws: string) => http.get<Page<AutomationRule>>(rules(ws)),
  vocabulary: (ws: string) => http.get<Vocabulary>(`${rules(ws)}/vocabulary`),
  create: (ws: string, body: AutomationRuleWrite) => http.post<AutomationRule>(rules(ws), body),
  put: (ws: string, id: string, body: AutomationRuleWrite) => http.put<AutomationRule>(rule(ws, id), body),
  setEnabled: (ws: string, id: string, enabled: boolean) => http.patch<AutomationRule>(rule(ws, id), { enabled }),
  delete: (ws: string, id: string) => http.delete(rule(ws, id)),
  import: (ws: string, files: RuleImportFile[]) => http.post<AutomationImport>(`${rules(ws)}/import`, { files }),
  export: (ws: string) => http.get<{ content: unknown; notes: string[] }>(`${rules(ws)}/export`),
};
