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

/** What is wrong with a rule's text, or (a warning) with a rule that is kept. */
export interface RuleProblem {
  severity: string;
  file: string;
  line?: number | null;
  message: string;
  hint?: string | null;
}

/** The problem as a sentence: where, what, and what to do. */
export function problemText(problem: RuleProblem): string {
  const place = problem.line ? `Line ${problem.line}: ` : "";
  return [`${place}${problem.message}`, problem.hint].filter(Boolean).join(" ");
}

export interface RuleImportReport {
  imported: { id: string; name: string; outcome: "added" | "updated" | "unchanged" | "derived" }[];
  problems: RuleProblem[];
  broken: BrokenRule[];
}

export type RuleFormat = "yaml" | "arm" | "bicep";
