/** A run of a rule: what it found, and what the same query over the same time gives now. */

import type { ApiErrorBody, ResultColumn, RuleRun } from "./types";

/** Rows that a run found; `count` is how many there are, of which `rows` may be the first. */
export interface FoundRows {
  columns: ResultColumn[];
  rows: unknown[][];
  count: number;
  complete: boolean;
}

export interface RunDetail {
  run: RuleRun;
  ruleName: string;
  query: string;
  ruleExists: boolean;
  /** The rule's query is another one today. */
  changed: boolean;
  asFound: FoundRows;
}

/** What the query of a run gives now. Places are those of rows, from 0. */
export interface RunReplay {
  now: FoundRows;
  gone: number[];
  new: number[];
  /** null where too few rows were kept to tell. */
  same: boolean | null;
  meetsThreshold: boolean;
  error?: ApiErrorBody | null;
}
