/** Exceptions from rules: what they find and nobody needs to hear of. */

export interface ExceptionCondition {
  column: string;
  test: string;
  values: string[];
}

export interface ExceptionWrite {
  ruleId: string;
  conditions: ExceptionCondition[];
  owner: string;
  reason: string;
  days: number;
}

/** An exception that the verdict on an incident proposes, and what it would have hidden. */
export interface ExceptionProposal extends ExceptionWrite {
  ruleName: string;
  incidentNumber: number;
  preview: { alerts: number; hidden: number; truePositives: number; sentence: string };
}
