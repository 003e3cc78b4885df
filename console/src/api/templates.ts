/** The analytics rules that ship. */

import type { Severity } from "./types";

/** An analytics rule that ships. */
export interface RuleTemplate {
  id: string;
  name: string;
  kind: string;
  severity: Severity;
  description: string;
  tactics: string[];
  techniques: string[];
  /** The tables that it asks, and those of them that have no rows yet. */
  tables: string[];
  missingTables: string[];
  version: string | null;
  tags: unknown[];
  inUse: boolean;
}
