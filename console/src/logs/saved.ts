/**
 * Saved queries and saved functions. A saved query is a saved function that takes nothing and is of a category for queries; queries
 * can call it by its alias, too. Without React.
 */

import type { SavedFunction } from "../api/functions";
import { quote } from "../values/kql";

/** The category of queries that are saved here; Microsoft Sentinel's exports have the other. */
export const QUERIES = "Saved queries";
const OF_QUERIES: readonly string[] = [QUERIES.toLowerCase(), "hunting queries"];

export function isQuery(one: Pick<SavedFunction, "category" | "parameters">): boolean {
  return one.parameters.trim() === "" && OF_QUERIES.includes(one.category.trim().toLowerCase());
}

/** What people call it. */
export const titleOf = (one: Pick<SavedFunction, "displayName" | "name">): string => one.displayName || one.name;

const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Those of a kind that have all words in their name, alias or category, by name. */
export function found(all: readonly SavedFunction[], queries: boolean, text: string): SavedFunction[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all
    .filter((one) => isQuery(one) === queries)
    .filter((one) => {
      const searched = `${one.displayName} ${one.name} ${one.category}`.toLowerCase();
      return words.every((word) => searched.includes(word));
    })
    .sort((a, b) => collator.compare(titleOf(a), titleOf(b)));
}

const PREFIX = "Query_";
const LONGEST = 200;

/**
 * The alias for a query of that name: the one of the query that has the name already, or a new one that nothing else has. Its prefix
 * keeps it away from tables and built-in functions, whose names it would hide.
 */
export function aliasOf(title: string, all: readonly SavedFunction[]): string {
  const same = all.find((one) => isQuery(one) && titleOf(one).toLowerCase() === title.trim().toLowerCase());
  if (same) return same.name;
  const plain = PREFIX + title.trim().replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, LONGEST);
  const taken = new Set(all.map((one) => one.name.toLowerCase()));
  let alias = plain;
  for (let number = 2; taken.has(alias.toLowerCase()); number += 1) alias = `${plain}_${number}`;
  return alias;
}

export const ALIAS = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;

export interface Parameter {
  /** Tells it from the others while it is entered. */
  key: number;
  name: string;
  type: string;
  /** KQL; empty: it must be given. */
  fallback: string;
}

export const TYPES = ["string", "long", "int", "real", "bool", "datetime", "timespan", "dynamic", "guid", "decimal", "(*)"] as const;

/** Cuts a text at a mark, where the mark stands outside of strings and brackets. */
function cut(text: string, mark: string): string[] {
  const parts: string[] = [];
  let current = "";
  let depth = 0;
  let quoted: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    let part = char;
    if (quoted !== null) {
      if (char === "\\") {
        at += 1;
        part += text.charAt(at);
      } else if (char === quoted) quoted = null;
    } else if (char === '"' || char === "'") quoted = char;
    else if ("([{".includes(char)) depth += 1;
    else if (")]}".includes(char)) depth -= 1;
    else if (char === mark && depth === 0) {
      parts.push(current);
      current = "";
      continue;
    }
    current += part;
  }
  return [...parts, current];
}

/** The parameters of a function's text: `a: string, T: (x: long), b: int = 3`. */
export function readParameters(text: string): Parameter[] {
  const inside = /^\s*\(([\s\S]*)\)\s*$/.exec(text)?.[1] ?? text;
  if (!inside.trim()) return [];
  return cut(inside, ",").map((part, key) => {
    const [declared = "", ...rest] = cut(part, "=");
    const [name = "", ...type] = declared.split(":");
    return { key, name: name.trim(), type: type.join(":").trim() || "string", fallback: rest.join("=").trim() };
  });
}

/** A default as KQL: a text that is entered for a string is quoted where it is not yet. */
function literalOf({ type, fallback }: Parameter): string {
  const text = fallback.trim();
  return type === "string" && !/^(["'@]|h["'])/.test(text) ? quote(text) : text;
}

export function writeParameters(parameters: readonly Parameter[]): string {
  return parameters.map((one) => `${one.name.trim()}: ${one.type.trim()}${one.fallback.trim() ? ` = ${literalOf(one)}` : ""}`).join(", ");
}

/** What is wrong with the entered parameters, or null. */
export function parametersProblem(parameters: readonly Parameter[]): string | null {
  const names = new Set<string>();
  let optional: string | null = null;
  for (const { name: entered, type, fallback } of parameters) {
    const name = entered.trim();
    if (!ALIAS.test(name)) return name ? `'${name}' cannot be the name of a parameter.` : "Each parameter needs a name.";
    if (names.has(name)) return `Two parameters are called ${name}.`;
    names.add(name);
    if (!type.trim()) return `${name} needs a type.`;
    if (fallback.trim()) optional = name;
    else if (optional !== null) return `${name} has no default and comes after ${optional}, which has one: turn them round.`;
  }
  return null;
}

const SAMPLES: Readonly<Record<string, string>> = {
  string: '""', long: "0", int: "0", real: "0.0", decimal: "decimal(0)", bool: "true", datetime: "now()", timespan: "1h", dynamic: "dynamic([])", guid: "guid(null)",
};

/** A call of it as it is written into the editor: with a value to be changed for each parameter that must be given. */
export function callOf(one: Pick<SavedFunction, "name" | "parameters">): string {
  const given = readParameters(one.parameters).filter((each) => !each.fallback).map((each) => SAMPLES[each.type] ?? "T");
  return `${one.name}(${given.join(", ")})`;
}

/** Whether it can be called without saying anything. */
export const callable = (one: Pick<SavedFunction, "parameters">): boolean => readParameters(one.parameters).every((each) => each.fallback);
