import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { expect, it } from "vitest";

import { kql } from "../src/logs/language";

/** The text with what each part was taken for: "where/keyword". */
function tokens(text: string): string[] {
  const state = EditorState.create({ doc: text, extensions: [kql()] });
  const found: string[] = [];
  ensureSyntaxTree(state, text.length, 5_000)?.iterate({
    enter: (node) => {
      if (!node.type.isTop && node.name) found.push(`${text.slice(node.from, node.to)}/${node.name}`);
    },
  });
  return found;
}

it("tells operators, words, functions, strings, numbers and comments apart", () => {
  const found = tokens('T // note\n| where a has "x \\" | y" and b > ago(1d)\n| project-away c\n| mv-expand d');
  expect(found).toContain("// note/comment");
  expect(found).toContain("where/keyword");
  expect(found).toContain("has/operatorKeyword");
  expect(found).toContain('"x \\" | y"/string');
  expect(found).toContain("ago/variableName.function");
  expect(found).toContain("1d/number");
  expect(found).toContain("project-away/keyword");
  expect(found).toContain("mv-expand/keyword");
});

it("takes an operator's name for a column where no operator can stand", () => {
  expect(tokens("T | where count > 1")).not.toContain("count/keyword");
  expect(tokens("T | count")).toContain("count/keyword");
});

it("knows verbatim, secret and many-line strings", () => {
  expect(tokens('print @"C:\\", 1')).toContain('@"C:\\"/string');
  expect(tokens("print h'secret'")).toContain("h'secret'/string");
  expect(tokens("print ```a\n| where b```").filter((one) => one.endsWith("/keyword"))).toEqual(["print/keyword"]);
});
