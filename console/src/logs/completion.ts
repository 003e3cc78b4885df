/** What can stand at the cursor: operators after a pipe, tables at the start, else columns and functions. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";

import type { FunctionInfo, ResultColumn, TableInfo } from "../api/types";
import { columnName } from "../values/kql";
import { FUNCTIONS, KEYWORDS, OPERATORS } from "./builtins";

export interface Schema {
  tables: readonly TableInfo[];
  functions: readonly FunctionInfo[];
}

export type PrefixColumns = (prefix: string) => Promise<readonly ResultColumn[] | null>;

export type Place = "start" | "operator" | "expression" | "none";

interface Scan {
  place: Place;
  /** The text up to the pipe before the cursor: the columns of its result can be named at the cursor. */
  prefix: string | null;
}

/**
 * Reads the text before the cursor: whether it stands in a string or a comment, where a statement or a bracketed
 * subquery begins, and where the last pipe at its level is.
 */
export function scan(text: string): Scan {
  const starts: { begin: number; pipe: number | null }[] = [{ begin: 0, pipe: null }];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 3);
    const char = text.charAt(at);
    if (rest.startsWith("//")) {
      const end = text.indexOf("\n", at);
      if (end < 0) return { place: "none", prefix: null };
      at = end + 1;
    } else if (rest === "```") {
      const end = text.indexOf("```", at + 3);
      if (end < 0) return { place: "none", prefix: null };
      at = end + 3;
    } else if (char === '"' || char === "'") {
      const verbatim = text.charAt(at - 1) === "@";
      let end = at + 1;
      while (end < text.length && text.charAt(end) !== char && text.charAt(end) !== "\n") {
        end += !verbatim && text.charAt(end) === "\\" ? 2 : 1;
      }
      if (end >= text.length) return { place: "none", prefix: null };
      at = end + 1;
    } else {
      const top = starts.at(-1);
      if (char === "(") starts.push({ begin: at + 1, pipe: null });
      else if (char === ")" && starts.length > 1) starts.pop();
      else if (char === ";" && starts.length === 1) starts[0] = { begin: at + 1, pipe: null };
      else if (char === "|" && top) top.pipe = at;
      at += 1;
    }
  }
  const top = starts.at(-1) ?? { begin: 0, pipe: null };
  const piped = starts.findLast((one) => one.pipe !== null);
  const word = /[\w-]*$/.exec(text)?.[0] ?? "";
  const before = text.slice(0, text.length - word.length);
  const lead = before.slice(top.pipe === null ? top.begin : top.pipe + 1).trim();
  const place: Place = lead === "" ? (top.pipe === null ? "start" : "operator") : "expression";
  if (piped?.pipe == null) return { place, prefix: null };
  // Statements before are needed for their names; an open bracket before the subquery is not part of it.
  const lets = starts[0] ? text.slice(0, starts[0].begin) : "";
  const body = text.slice(piped.begin, piped.pipe);
  return { place, prefix: piped === starts[0] ? lets + body : piped.begin > lets.length ? lets + body : body };
}

function tableInfo(table: TableInfo): string {
  const rows = table.rows ? `${table.rows.toLocaleString("en-GB")} rows` : "no rows yet";
  return `${rows}, ${table.columns.length} columns`;
}

function tableCompletions(schema: Schema): Completion[] {
  return schema.tables.map((table) => ({
    label: table.name,
    type: "class",
    detail: table.rows ? "table" : "table, empty",
    info: tableInfo(table),
    boost: table.rows ? 20 : -20,
  }));
}

/** Aggregates come first where a stage wants them. */
function functionCompletions(schema: Schema, aggregating: boolean): Completion[] {
  const functions = schema.functions.length ? schema.functions : FUNCTIONS;
  return functions
    .filter((one) => one.kind !== "operator")
    .map((one) => ({
      label: one.name,
      type: "function",
      detail: one.kind,
      boost: one.kind === "aggregate" && aggregating ? 35 : 0,
      apply: `${one.name}(`,
      ...(one.signature || one.about ? { info: [one.signature, one.about].filter(Boolean).join("\n\n") } : {}),
    }));
}

function operatorCompletions(): Completion[] {
  return Object.entries(OPERATORS).map(([label, info]) => ({ label, type: "keyword", detail: "operator", info, apply: `${label} ` }));
}

function columnCompletions(columns: readonly ResultColumn[]): Completion[] {
  return columns.map((column) => ({
    label: column.name,
    type: "property",
    detail: column.type,
    apply: columnName(column.name),
    boost: column.name === "TimeGenerated" ? 40 : 30,
  }));
}

/** Columns of the tables that the text names: used when the server cannot say what the columns are here. */
function namedColumns(text: string, schema: Schema): ResultColumn[] {
  const words = new Set(text.match(/[A-Za-z_]\w*/g) ?? []);
  const found = new Map<string, ResultColumn>();
  for (const table of schema.tables) {
    if (words.has(table.name)) for (const column of table.columns) found.set(column.name, column);
  }
  return [...found.values()];
}

const letNames = (text: string): Completion[] =>
  [...text.matchAll(/\blet\s+([A-Za-z_]\w*)/g)].map((match) => ({ label: match[1] ?? "", type: "variable", detail: "let", boost: 25 }));

export function completeKql(schema: () => Schema, columnsOf: PrefixColumns) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const before = context.state.sliceDoc(0, context.pos);
    const word = context.matchBefore(/[\w-]+/);
    if (!word && !context.explicit && !/[|(,\s]$/.test(before)) return null;
    const { place, prefix } = scan(before);
    if (place === "none") return null;
    // Without a word and without being asked, only the places that call for one thing speak up.
    if (!word && !context.explicit && place !== "operator") return null;
    const from = word?.from ?? context.pos;
    const known = schema();
    if (place === "operator") return { from, options: operatorCompletions(), validFor: /^[\w-]*$/ };
    if (place === "start") {
      const starters: Completion[] = ["let", "print", "union", "search", "find", "range", "datatable"].map((label) => ({ label, type: "keyword", apply: `${label} ` }));
      return { from, options: [...tableCompletions(known), ...letNames(before), ...starters], validFor: /^\w*$/ };
    }
    const columns = (prefix === null ? null : await columnsOf(prefix)) ?? namedColumns(before, known);
    if (context.aborted) return null;
    const stage = before.slice(before.lastIndexOf("|") + 1);
    const aggregating = /^\s*(?:summarize|make-series)\b(?!.*\bby\b)/s.test(stage);
    const keywords: Completion[] = KEYWORDS.map((label) => ({ label, type: "keyword" }));
    return {
      from,
      options: [...columnCompletions(columns), ...letNames(before), ...functionCompletions(known, aggregating), ...keywords, ...tableCompletions(known)],
      validFor: /^\w*$/,
    };
  };
}
