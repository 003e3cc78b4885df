/** What a backtest says: alerts a day, what they cost, and the difference from the version in force. Without React. */

import type { Backtest, BacktestExample, BacktestLine, BacktestSide } from "../api/past";
import type { Chart, Series } from "../charts/model";
import { formatElapsed } from "../time/format";

const DAY = 86_400_000;

/** Reads what a backtest tells to its end, and says meanwhile how far it is. */
export async function followed(lines: AsyncIterable<BacktestLine>, onProgress: (windows: Windows) => void): Promise<Backtest> {
  let found: Backtest | null = null;
  for await (const line of lines) {
    if ("result" in line) found = line.result;
    else onProgress(line);
  }
  if (!found) throw new Error("The server ended the test before its end.");
  return found;
}

export interface Windows {
  done: number;
  all: number;
}

/** "1,200 of 4,032 windows" */
export function progressText({ done, all }: Windows): string {
  return all ? `${done.toLocaleString("en-GB")} of ${counted(all, "window")}` : "Beginning";
}

/** The days (UTC) that a backtest covers, those without alerts as well. */
export function daysOf({ from, to }: Pick<Backtest, "from" | "to">): string[] {
  const days = [];
  for (let at = Math.floor(Date.parse(from) / DAY) * DAY; at < Date.parse(to); at += DAY) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

export const THIS_TEXT = "This text";
export const IN_FORCE = "In force";

/** Alerts a day as columns: of the text and, beside it, of the version in force. */
export function chartOfDays(backtest: Backtest): Chart {
  const days = daysOf(backtest);
  const series = (name: string, side: BacktestSide): Series => ({
    name,
    column: "Alerts",
    points: days.map((day, x) => {
      const y = side.days[day] ?? 0;
      return { x, y, from: 0, to: y };
    }),
  });
  const all = [series(THIS_TEXT, backtest.result), ...(backtest.inForce ? [series(IN_FORCE, backtest.inForce)] : [])];
  const most = Math.max(...all.flatMap((one) => one.points.map((point) => point.y)));
  return {
    shape: "column",
    x: { kind: "category", title: "", categories: days.map((day) => day.slice(5)) },
    // Whole alerts: an axis that is too short would have parts of them.
    y: { title: "", log: false, min: 0, max: Math.max(5, most) },
    xMin: null,
    xMax: null,
    title: "Alerts a day (UTC)",
    series: all,
    panels: false,
    legend: true,
    note: null,
  };
}

const counted = (count: number, what: string) => `${count.toLocaleString("en-GB")} ${what}${count === 1 ? "" : "s"}`;

/** "3 alerts (0.43 a day)" */
export function alertsText(side: BacktestSide): string {
  return `${counted(side.alerts, "alert")} (${side.alertsPerDay.toLocaleString("en-GB")} a day)`;
}

/** "168 runs in 1.3 s, 8 ms each; 5 result rows" */
export function costText(side: BacktestSide): string {
  const each = side.runs ? `, ${formatElapsed((side.seconds * 1000) / side.runs)} each` : "";
  return `${counted(side.runs, "run")} in ${formatElapsed(side.seconds * 1000)}${each}; ${counted(side.rows, "result row")}`;
}

/** In what the alerts differ from those of the version in force; null for a new rule. */
export function differenceText({ difference }: Backtest): string | null {
  if (!difference) return null;
  if (!difference.comparable) return "It searches other times than the version in force, so its alerts cannot be told apart one by one.";
  const { more, less, same, otherRows } = difference;
  if (!more && !less && !otherRows) return same ? "It raises the same alerts as the version in force." : "Neither raises an alert.";
  const parts = [
    more ? `${counted(more, "alert")} more` : null,
    less ? `${counted(less, "alert")} fewer` : null,
    otherRows ? `${counted(otherRows, "alert")} of other rows` : null,
    same ? `${counted(same, "alert")} the same` : null,
  ];
  return `Against the version in force: ${parts.filter(Boolean).join(", ")}.`;
}

/** "Account alex@contoso.example, IP 203.0.113.7" */
export function entitiesText({ entities }: BacktestExample): string {
  const names = entities.map(({ type, ...identifiers }) => {
    const name = Object.values(identifiers).find((value) => typeof value === "string" && value !== "");
    return `${String(type)} ${typeof name === "string" ? name : ""}`.trim();
  });
  return names.join(", ") || "No entity";
}

export interface DiffLine {
  kind: "added" | "removed" | "same" | "place";
  text: string;
}

/** The lines of a unified diff; its head names the two sides, which the page does. */
export function diffLines(lines: readonly string[]): DiffLine[] {
  return lines.filter((line) => !/^(---|\+\+\+) /.test(line)).map((line) => {
    if (line.startsWith("@@")) return { kind: "place", text: line };
    if (line.startsWith("+")) return { kind: "added", text: line };
    return { kind: line.startsWith("-") ? "removed" : "same", text: line };
  });
}

/** A value of a field as it is shown. */
export function fieldText(value: unknown): string {
  if (value === null || value === undefined) return "—";
  return typeof value === "string" ? value : JSON.stringify(value);
}
