/** Values and names as KQL writes them, for the queries that clicks make. */

import type { KqlType } from "../api/types";

export type ValueType = KqlType | null;

export function quote(text: string): string {
  const escaped = text
    .replace(/\\/g, "\\\\")
    .replace(/"/g, '\\"')
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/\t/g, "\\t")
    // Other control characters have no short escape.
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `"${escaped}"`;
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Words that the language would read as something else at the place of a column name.
const RESERVED = new Set(["and", "or", "not", "in", "has", "by", "on", "of", "let", "true", "false", "null", "between", "contains", "where", "with", "kind", "to", "from", "step", "set"]);

export function columnName(name: string): string {
  if (PLAIN_NAME.test(name) && !RESERVED.has(name)) return name;
  return `['${name.replace(/\\/g, "\\\\").replace(/'/g, "\\'")}']`;
}

/** The literal of a wire value, or null when the type has none that compares (dynamic). */
export function literal(value: unknown, type: ValueType): string | null {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "dynamic":
      return null;
    case "datetime":
      return `datetime(${valueText(value)})`;
    case "timespan":
      return `timespan(${valueText(value)})`;
    case "guid":
      return `guid(${valueText(value)})`;
    case "bool":
      return value === true || value === 1 ? "true" : "false";
    case "int":
    case "long":
      return valueText(value);
    case "real":
    case "decimal": {
      const text = valueText(value);
      const name = { NaN: "nan", Infinity: "+inf", "-Infinity": "-inf" }[text] ?? text;
      return `${type}(${name})`;
    }
    default:
      return typeof value === "number" || typeof value === "boolean" ? String(value) : quote(valueText(value));
  }
}

/** A value as text: what copying gives and what a search looks for. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  return JSON.stringify(value);
}

/** `| where Column == value`, or its opposite; null becomes isnull() or isempty(). */
export function condition(column: string, value: unknown, type: ValueType, keep: boolean): string {
  const name = columnName(column);
  if (value === null || value === undefined) return keep ? `isnull(${name})` : `isnotnull(${name})`;
  if (type === "string" && value === "") return keep ? `isempty(${name})` : `isnotempty(${name})`;
  if (type === "dynamic") return `tostring(${name}) ${keep ? "==" : "!="} ${quote(valueText(value))}`;
  const text = valueText(value);
  // NaN equals nothing, itself included.
  if ((type === "real" || type === "decimal") && text === "NaN") return keep ? `isnan(${name})` : `not(isnan(${name}))`;
  return `${name} ${keep ? "==" : "!="} ${literal(value, type) ?? quote(text)}`;
}

/** The query with another stage at its end, or before the `render` that ends it. */
export function withStage(query: string, stage: string): string {
  const body = query.replace(/[\s;]+$/, "");
  const render = /\n?[ \t]*\|\s*render\b[^|"']*$/.exec(body);
  return render ? `${body.slice(0, render.index)}\n| ${stage}${body.slice(render.index)}` : `${body}\n| ${stage}`;
}

/**
 * The query that looks for a value in whole rows of several tables, oldest first. Each table is filtered on its own and
 * gives the same three columns, so that the union stays narrow however wide the tables are.
 */
export function searchQuery(value: unknown, tables: readonly string[]): string {
  // The row is searched as JSON, where backslashes and quotes are escaped once more.
  const text = quote(JSON.stringify(valueText(value)).slice(1, -1));
  const legs = tables.map(
    (table) =>
      `(${columnName(table)} | where tostring(pack_all(true)) has ${text} | project Table = ${quote(table)}, TimeGenerated, Row = pack_all(true))`,
  );
  return `union\n    ${legs.join(",\n    ")}\n| top 1000 by TimeGenerated asc`;
}
