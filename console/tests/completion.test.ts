import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";

import type { TableInfo } from "../src/api/types";
import { completeKql, scan } from "../src/logs/completion";

const table = (name: string, rows: number, ...columns: string[]): TableInfo => ({
  name, rows, columns: columns.map((one) => ({ name: one, type: "string" })), first: null, last: null, bytes: null,
});
const SCHEMA = {
  tables: [table("SigninLogs", 10, "TimeGenerated", "UserPrincipalName", "odd name"), table("AuditLogs", 0, "OperationName")],
  functions: [{ name: "dcount", kind: "aggregate" as const }, { name: "strcat_delim", kind: "scalar" as const, signature: "strcat_delim(delimiter: string, ...): string", about: "Joins values." }],
};

async function complete(text: string, columns: string[] | null = null) {
  const prefixes: string[] = [];
  const source = completeKql(() => SCHEMA, (prefix) => {
    prefixes.push(prefix);
    return Promise.resolve(columns?.map((name) => ({ name, type: "long" as const })) ?? null);
  });
  const result = await source(new CompletionContext(EditorState.create({ doc: text }), text.length, false));
  return { labels: result?.options.map((one) => one.label) ?? [], options: result?.options ?? [], prefixes };
}

describe("scan", () => {
  it.each([
    ["", "start", null],
    ["Sig", "start", null],
    ["T | ", "operator", "T "],
    ["T | whe", "operator", "T "],
    ["T | where a == 1 | proj", "operator", "T | where a == 1 "],
    ["T | where ", "expression", "T "],
    ["T | where x has \"| y", "none", null],
    ["T | where x has 'a|b' and ", "expression", "T "],
    ["T | where p == @\"C:\\\" and ", "expression", "T "],
    ["// T | ", "none", null],
    ["T // note | x\n| ", "operator", "T // note | x\n"],
    ["let a = 5;\nT | where ", "expression", "let a = 5;\nT "],
    ["union (A | where x), (B | ", "operator", "B "],
    ["T | where strlen(na", "start", "T "],
    ["T | where y in ((U | project ", "expression", "U "],
    ["let f = ```a | b``` ; T | ", "operator", "let f = ```a | b``` ; T "],
  ])("%j", (text, place, prefix) => {
    expect(scan(text)).toEqual({ place, prefix });
  });
});

describe("completion", () => {
  it("offers tables at the start, those with rows first", async () => {
    const { options } = await complete("Sig");
    const boost = (name: string) => options.find((one) => one.label === name)?.boost ?? 0;
    expect(boost("SigninLogs")).toBeGreaterThan(boost("AuditLogs"));
  });
  it("offers operators after a pipe, without a word", async () => {
    const { labels } = await complete("SigninLogs | ");
    expect(labels).toContain("summarize");
    expect(labels).not.toContain("SigninLogs");
  });
  it("asks the server for the columns at the cursor", async () => {
    const { labels, prefixes } = await complete("SigninLogs | summarize n = count() | where n", ["n"]);
    expect(prefixes).toEqual(["SigninLogs | summarize n = count() "]);
    expect(labels).toContain("n");
    expect(labels).not.toContain("UserPrincipalName");
  });
  it("takes the columns of the named tables where the server cannot say, and brackets odd names", async () => {
    const { labels, options } = await complete("SigninLogs | where U");
    expect(labels).toEqual(expect.arrayContaining(["UserPrincipalName", "strcat_delim", "SigninLogs"]));
    expect(labels).not.toContain("OperationName");
    expect(options.find((one) => one.label === "odd name")?.apply).toBe("['odd name']");
  });
  it("shows the signature of a function", async () => {
    const { options } = await complete("SigninLogs | extend x = str");
    expect(options.find((one) => one.label === "strcat_delim")?.info).toContain("delimiter: string");
  });
  it("puts aggregates before scalar functions after summarize, but not after its by", async () => {
    const boosts = async (text: string) => {
      const { options } = await complete(text);
      return Object.fromEntries(options.filter((one) => one.type === "function").map((one) => [one.label, one.boost ?? 0]));
    };
    const aggregating = await boosts("SigninLogs | summarize c");
    expect(aggregating.dcount).toBeGreaterThan(aggregating.strcat_delim ?? 0);
    expect((await boosts("SigninLogs | summarize n = count() by c")).dcount).toBe(0);
  });
  it("offers names of let statements", async () => {
    const { labels } = await complete("let lookback = 1d; SigninLogs | where TimeGenerated > l");
    expect(labels).toContain("lookback");
  });
  it("stays silent in strings and comments", async () => {
    expect((await complete('SigninLogs | where a == "Sig')).labels).toEqual([]);
    expect((await complete("// Sig")).labels).toEqual([]);
  });
  it("asks the server nothing where there is no pipe before the cursor", async () => {
    expect((await complete("SigninLogs where")).prefixes).toEqual([]);
  });
});
