/** Exceptions from rules: what they find and nobody needs to hear of. */

import type { Classification, Utc } from "./types";

export interface ExceptionCondition {
  column: string;
  test: string;
  values: string[];
}

/** An exception to try on the alerts of the last days. */
export interface ExceptionTrial {
  ruleId: string;
  conditions: ExceptionCondition[];
  days?: number;
}

export interface ExceptionWrite {
  ruleId: string;
  conditions: ExceptionCondition[];
  owner: string;
  reason: string;
  days: number;
}

export interface RuleException {
  id: string;
  ruleId: string;
  ruleName: string | null;
  conditions: ExceptionCondition[];
  owner: string;
  reason: string;
  state: "active" | "expired" | "removed";
  startsAt: Utc;
  expiresAt: Utc;
  createdBy: string;
  removedAt: Utc | null;
  removedBy: string | null;
  hiddenRows: number;
  hiddenWindows: number;
  /** Windows that raised nothing because of it. */
  silencedWindows: number;
  lastHiddenAt: Utc | null;
}

/** What an exception would have hidden: whole alerts; `partly`, rows of others; `uncertain`, alerts of which not all rows were kept. */
export interface ExceptionPreview {
  days: number;
  alerts: number;
  hidden: number;
  truePositives: number;
  partly: number;
  uncertain: number;
  examples: { alertId: string; incidentNumber: number | null; title: string; generated: Utc; classification: Classification | null }[];
  sentence: string;
}

/** An exception that the verdict on an incident proposes, and what it would have hidden. */
export interface ExceptionProposal extends ExceptionWrite {
  ruleName: string;
  incidentNumber: number;
  preview: { alerts: number; hidden: number; truePositives: number; sentence: string };
}
