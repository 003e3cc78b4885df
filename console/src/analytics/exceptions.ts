/** Exceptions from rules in words, and what a person enters of one. Without React. */

import type { ExceptionCondition, ExceptionWrite, RuleException } from "../api/exceptions";

export const TESTS: Readonly<Record<string, string>> = {
  equals: "is",
  startsWith: "starts with",
  endsWith: "ends with",
  contains: "contains",
  inNetwork: "is in",
};

/** "Location is PT or ES, and IPAddress is in 10.0.0.0/8" */
export function conditionsText(conditions: readonly ExceptionCondition[]): string {
  return conditions.map((one) => `${one.column} ${TESTS[one.test] ?? one.test} ${one.values.join(" or ")}`).join(", and ");
}

const counted = (count: number, what: string) => `${count.toLocaleString("en-GB")} ${what}${count === 1 ? "" : "s"}`;

/** How much it hid: "12 rows in 3 windows, 2 of which raised nothing". */
export function hiddenText({ hiddenRows, hiddenWindows, silencedWindows }: RuleException): string {
  if (hiddenRows === 0) return "Nothing yet";
  const silenced = silencedWindows ? `, ${silencedWindows.toLocaleString("en-GB")} of which raised nothing` : "";
  return `${counted(hiddenRows, "row")} in ${counted(hiddenWindows, "window")}${silenced}`;
}

/** A condition as it is entered: its values stand on lines. */
export interface ConditionDraft {
  /** Tells it from the others while it is entered. */
  key: number;
  column: string;
  test: string;
  values: string;
}

export interface ExceptionDraft {
  conditions: readonly ConditionDraft[];
  owner: string;
  reason: string;
  days: string;
}

/** The conditions as the server takes them; null while one of them is not whole. */
export function readConditions(drafts: readonly ConditionDraft[]): ExceptionCondition[] | null {
  const read = drafts.map(({ column, test, values }) => ({
    column: column.trim(),
    test,
    values: values.split("\n").map((value) => value.trim()).filter(Boolean),
  }));
  return read.length && read.every((one) => one.column && one.values.length) ? read : null;
}

export const MOST_DAYS = 366;

/** What of the entered days is wrong, or null. */
export function daysProblem(text: string): string | null {
  const days = Number(text);
  return text.trim() && Number.isFinite(days) && days > 0 && days <= MOST_DAYS ? null : `A number of days, at most ${MOST_DAYS}.`;
}

/** The exception to make; null while something is missing. */
export function toException(ruleId: string, draft: ExceptionDraft): ExceptionWrite | null {
  const conditions = readConditions(draft.conditions);
  const [owner, reason] = [draft.owner.trim(), draft.reason.trim()];
  if (!conditions || !owner || !reason || daysProblem(draft.days)) return null;
  return { ruleId, conditions, owner, reason, days: Number(draft.days) };
}
