/** Sorting, sizing and writing out of result rows, without React. */

import type { KqlType, ResultColumn } from "../api/types";
import type { Zone } from "../app/preferences";
import { formatTime, isTime } from "../time/format";
import { valueText } from "../values/kql";

export interface GridSort {
  column: number;
  descending: boolean;
}

const SPAN = /^(-)?(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.(\d{1,7}))?$/;

/** Ticks of a timespan's text, for ordering; null for what is not one. */
export function timespanTicks(text: string): bigint | null {
  const match = SPAN.exec(text);
  if (!match) return null;
  const [, minus, days, hours, minutes, seconds, fraction] = match;
  const whole = ((BigInt(days ?? 0) * 24n + BigInt(hours ?? 0)) * 60n + BigInt(minutes ?? 0)) * 60n + BigInt(seconds ?? 0);
  const ticks = whole * 10_000_000n + BigInt((fraction ?? "").padEnd(7, "0"));
  return minus ? -ticks : ticks;
}

type Comparable = number | bigint | string;

function comparable(value: unknown, type: KqlType): Comparable | null {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "long":
    case "int":
      // Digits beyond 2^53 arrive as text.
      return typeof value === "string" ? BigInt(value) : Number(value);
    case "real":
    case "decimal":
      return Number(value);
    case "bool":
      return value === true || value === 1 ? 1 : 0;
    case "timespan":
      return timespanTicks(valueText(value));
    default:
      return valueText(value);
  }
}

/** Indexes of the rows in the order of the column; nulls last either way, ties as they came. */
export function sortRows(columns: readonly ResultColumn[], rows: readonly (readonly unknown[])[], sort: GridSort | null): number[] {
  const indexes = rows.map((_, index) => index);
  const type = sort && columns[sort.column]?.type;
  if (!sort || !type) return indexes;
  const keys = rows.map((row) => comparable(row[sort.column], type));
  const sign = sort.descending ? -1 : 1;
  return indexes.sort((a, b) => {
    const left = keys[a] ?? null;
    const right = keys[b] ?? null;
    if (left === null || right === null) return (left === null ? 1 : 0) - (right === null ? 1 : 0) || a - b;
    return (left < right ? -sign : left > right ? sign : 0) || a - b;
  });
}

const RIGHT: readonly KqlType[] = ["int", "long", "real", "decimal"];

export function isNumeric(type: KqlType): boolean {
  return RIGHT.includes(type);
}

/** A cell as people read it. */
export function cellText(value: unknown, type: KqlType, zone: Zone): string {
  if (value === null || value === undefined) return "";
  if (type === "datetime" && isTime(value)) return formatTime(value, zone, "full");
  return valueText(value);
}

const CHARACTER = 7.3;
const PADDING = 30;
const SAMPLE = 60;

/** Widths in pixels that fit the names and what the first rows hold, within limits. */
export function columnWidths(columns: readonly ResultColumn[], rows: readonly (readonly unknown[])[], zone: Zone): number[] {
  const sample = rows.slice(0, SAMPLE);
  return columns.map((column, index) => {
    const longest = sample.reduce((most, row) => Math.max(most, cellText(row[index], column.type, zone).length), 0);
    const content = Math.max(column.name.length + 2, Math.min(longest, 48));
    return Math.round(Math.max(64, content * CHARACTER + PADDING));
  });
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) || /^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** Results with more columns than this do not fit on a screen. */
const WIDE = 20;

const isFilled = (value: unknown) => value !== null && value !== undefined && value !== "";

/**
 * A wide result with the columns that hold values before those that are empty in every row, each in the order of the
 * query: a table of a hundred columns would otherwise begin with a screen of nothing. Nothing is left out.
 */
export function filledFirst(
  columns: readonly ResultColumn[],
  rows: readonly (readonly unknown[])[],
): { columns: readonly ResultColumn[]; rows: readonly (readonly unknown[])[] } {
  if (columns.length <= WIDE) return { columns, rows };
  const indexes = columns.map((_, index) => index);
  const filled = indexes.filter((index) => rows.some((row) => isFilled(row[index])));
  if (filled.length === columns.length) return { columns, rows };
  const known = new Set(filled);
  const order = [...filled, ...indexes.filter((index) => !known.has(index))];
  return {
    columns: order.flatMap((index) => columns[index] ?? []),
    rows: rows.map((row) => order.map((index) => row[index])),
  };
}

/**
 * A text that a spreadsheet would take for a formula, with an apostrophe before it: what is in a log is written by whoever
 * attacks, and a formula can send cells away or start a program. A sign alone, or before a number, is none.
 */
function harmless(text: string): string {
  return /^[=@\t\r]|^[+-](?![\d.,]*$)/.test(text) ? `'${text}` : text;
}

/** RFC 4180. Values are as they are on the wire, unless the file is for a spreadsheet. */
export function toCsv(columns: readonly ResultColumn[], rows: readonly (readonly unknown[])[], forSpreadsheet = false): string {
  const field = (text: string) => csvField(forSpreadsheet ? harmless(text) : text);
  const lines = [columns.map((column) => field(column.name))];
  for (const row of rows) lines.push(columns.map((_, index) => field(valueText(row[index]))));
  return lines.map((line) => line.join(",")).join("\r\n") + "\r\n";
}

export function rowObject(columns: readonly ResultColumn[], row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, index) => [column.name, row[index] ?? null]));
}

/** An array of objects. A long beyond 2^53 is written with its digits, as JSON allows. */
export function toJson(columns: readonly ResultColumn[], rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown, type: KqlType) =>
    type === "long" && typeof value === "string" && /^-?\d+$/.test(value) ? value : JSON.stringify(value ?? null);
  const objects = rows.map(
    (row) => `  {${columns.map((column, index) => `${JSON.stringify(column.name)}: ${cell(row[index], column.type)}`).join(", ")}}`,
  );
  return objects.length ? `[\n${objects.join(",\n")}\n]\n` : "[]\n";
}

/** Saves text as a file of the person's browser. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
