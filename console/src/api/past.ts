/** The past of a rule: which of its time was searched, and what a text of it would have found. */

import type { Severity, Utc } from "./types";

export type StretchOutcome = "searched" | "gap" | "suppressed" | "disabled";

/** Windows that follow one another and of which the same became. */
export interface Stretch {
  start: Utc;
  end: Utc;
  outcome: StretchOutcome;
  windows: number;
  alerts: number;
  reason: string | null;
}

export interface Coverage {
  from: Utc;
  to: Utc;
  /** What is after it is still to come; null for a rule that never ran by itself. */
  coveredTo: Utc | null;
  value: Stretch[];
}

export interface BacktestRequest {
  content: string;
  /** The rule that the text is to take the place of; without, it is new. */
  ruleId?: string;
  days: number;
}

export interface BacktestExample {
  from: Utc;
  to: Utc;
  severity: Severity;
  title: string;
  rows: number;
  entities: Record<string, unknown>[];
  sample: Record<string, unknown>[];
}

export interface BacktestSide {
  alerts: number;
  alertsPerDay: number;
  /** By day in UTC; a day without alerts is not there. */
  days: Record<string, number>;
  runs: number;
  suppressed: number;
  rows: number;
  seconds: number;
  failed: number;
  errors: string[];
  examples: BacktestExample[];
}

export interface BacktestDifference {
  more: number;
  less: number;
  same: number;
  otherRows: number;
  /** False where the versions search other times, so that all of their alerts are others. */
  comparable: boolean;
  moreExamples: BacktestExample[];
  lessExamples: BacktestExample[];
}

export interface Backtest {
  name: string;
  from: Utc;
  to: Utc;
  result: BacktestSide;
  inForce: BacktestSide | null;
  difference: BacktestDifference | null;
  fields: { field: string; old: unknown; new: unknown }[];
  /** The lines of the query that differ, as a unified diff. */
  query: string[];
}

/** How many windows of a backtest were searched, or, as the last line, what it found. */
export type BacktestLine = { done: number; all: number } | { result: Backtest };
