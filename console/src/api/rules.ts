/** What is done to analytics rules: imported, edited, exported; and why some cannot be run. */

export interface RuleImportFile {
  name: string;
  content: string;
}

/** A rule whose query cannot be run now; the place is one of its query. */
export interface BrokenRule {
  id: string;
  name: string;
  code: string;
  message: string;
  line: number;
  column: number;
  missing: { kind: string; name: string }[];
}

export interface RuleImportReport {
  imported: { id: string; name: string; outcome: "added" | "updated" | "unchanged" | "derived" }[];
  problems: { file: string; line: number | null; message: string; hint?: string | null }[];
  broken: BrokenRule[];
}

export type RuleFormat = "yaml" | "arm" | "bicep";
