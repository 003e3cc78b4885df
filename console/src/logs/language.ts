/** Colours of KQL. A tokenizer, not a parser: what is right or wrong the server says. */

import { HighlightStyle, LanguageSupport, StreamLanguage, syntaxHighlighting, type StreamParser } from "@codemirror/language";
import { tags } from "@lezer/highlight";

import { OPERATORS, WORDS } from "./builtins";

interface State {
  /** What ends the string that a line break did not end. */
  multiline: string | null;
  /** After a pipe: the next word is an operator. */
  pipe: boolean;
}

const HYPHENATED = new RegExp(`^(?:${Object.keys(OPERATORS).filter((name) => name.includes("-")).sort((a, b) => b.length - a.length).join("|")})\\b`);
const OPERATOR_NAMES = new Set(Object.keys(OPERATORS));

export const kqlParser: StreamParser<State> = {
  name: "kql",
  startState: () => ({ multiline: null, pipe: true }),
  token(stream, state) {
    if (state.multiline) {
      if (stream.skipTo(state.multiline)) {
        stream.match(state.multiline);
        state.multiline = null;
      } else stream.skipToEnd();
      return "string";
    }
    if (stream.eatSpace()) return null;
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match(/^(?:h|H)?```/) || stream.match(/^(?:h|H)?~~~/)) {
      state.multiline = stream.current().slice(-3);
      return "string";
    }
    // Verbatim strings double their quote, plain ones escape it; h marks a secret one.
    if (stream.match(/^[hH]?@"(?:[^"]|"")*"?/) || stream.match(/^[hH]?@'(?:[^']|'')*'?/)) return "string";
    if (stream.match(/^[hH]?"(?:[^"\\]|\\.)*"?/) || stream.match(/^[hH]?'(?:[^'\\]|\\.)*'?/)) return "string";
    if (stream.match(/^\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|ticks?|tick|ms|d|h|m|s)?\b/i)) {
      return "number";
    }
    if (stream.match(/^0x[0-9a-f]+/i)) return "number";
    if (stream.eat("|")) {
      state.pipe = true;
      return "operator";
    }
    const wasPipe = state.pipe;
    if (stream.match(HYPHENATED)) {
      state.pipe = false;
      return "keyword";
    }
    if (stream.match(/^!?[A-Za-z_][\w]*(?:~)?/)) {
      const word = stream.current().replace(/^!|~$/g, "").toLowerCase();
      state.pipe = false;
      if (wasPipe && OPERATOR_NAMES.has(word)) return "keyword";
      if (stream.match(/^\s*\(/, false) && !["in", "by", "on", "and", "or"].includes(word)) return WORDS.has(word) ? "typeName" : "variableName.function";
      if (WORDS.has(word)) return "operatorKeyword";
      return "variableName";
    }
    if (stream.eat(";") || stream.eat("(")) {
      state.pipe = true;
      return "punctuation";
    }
    if (stream.match(/^(?:==|!=|=~|!~|<=|>=|<>|=>|\.\.|[=<>+\-*/%])/)) return "operator";
    stream.next();
    return "punctuation";
  },
  tokenTable: { "variableName.function": tags.function(tags.variableName) },
  languageData: {
    commentTokens: { line: "//" },
    closeBrackets: { brackets: ["(", "[", "{", '"', "'"] },
    indentOnInput: /^\s*\|$/,
  },
};

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--vd-syntax-keyword)", fontWeight: "600" },
  { tag: tags.operatorKeyword, color: "var(--vd-syntax-word)" },
  { tag: tags.function(tags.variableName), color: "var(--vd-syntax-function)" },
  { tag: tags.typeName, color: "var(--vd-syntax-function)" },
  { tag: tags.string, color: "var(--vd-syntax-string)" },
  { tag: tags.number, color: "var(--vd-syntax-number)" },
  { tag: tags.comment, color: "var(--vd-syntax-comment)", fontStyle: "italic" },
  { tag: tags.operator, color: "var(--vd-syntax-operator)" },
]);

export function kql(): LanguageSupport {
  return new LanguageSupport(StreamLanguage.define(kqlParser), [syntaxHighlighting(highlight)]);
}
