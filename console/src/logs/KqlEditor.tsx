import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic as EditorDiagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { useEffect, useEffectEvent, useImperativeHandle, useRef, type Ref } from "react";

import type { Diagnostic } from "../api/types";
import { completeKql, type PrefixColumns, type Schema } from "./completion";
import { kql } from "./language";

export interface EditorHandle {
  focus: () => void;
  /** The selected text, or all of it. */
  selected: () => string;
  insert: (text: string) => void;
  select: (start: number, length: number) => void;
  replace: (start: number, length: number, text: string) => void;
}

interface Props {
  value: string;
  diagnostics: readonly Diagnostic[];
  schema: Schema;
  columnsOf: PrefixColumns;
  onChange: (value: string) => void;
  onRun: () => void;
  ref: Ref<EditorHandle>;
}

const theme = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--colorNeutralBackground1)", color: "var(--colorNeutralForeground1)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--fontFamilyMonospace)", lineHeight: "1.5" },
  ".cm-gutters": {
    backgroundColor: "var(--colorNeutralBackground2)",
    color: "var(--colorNeutralForeground3)",
    borderRight: "1px solid var(--colorNeutralStroke2)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--colorBrandBackground2) 35%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--vd-selection) !important" },
  ".cm-placeholder": { color: "var(--colorNeutralForeground3)" },
  ".cm-cursor": { borderLeftColor: "var(--colorNeutralForeground1)" },
  ".cm-tooltip": {
    backgroundColor: "var(--colorNeutralBackground1)",
    color: "var(--colorNeutralForeground1)",
    border: "1px solid var(--colorNeutralStroke1)",
    borderRadius: "4px",
    boxShadow: "var(--shadow8)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--colorBrandBackground)", color: "var(--colorNeutralForegroundOnBrand)" },
  ".cm-completionInfo": { maxWidth: "360px", whiteSpace: "pre-wrap" },
  ".cm-panels": { backgroundColor: "var(--colorNeutralBackground3)", color: "var(--colorNeutralForeground1)" },
  ".cm-matchingBracket": { backgroundColor: "var(--colorBrandBackground2)", outline: "1px solid var(--colorBrandStroke2)" },
});

const SEVERITIES = { Error: "error", Warning: "warning", Suggestion: "hint", Information: "info" } as const;

function toEditor(one: Diagnostic, length: number, text: string): EditorDiagnostic {
  const from = Math.min(one.start, length);
  let to = Math.min(length, one.start + one.length);
  // An empty span at the end would not be seen.
  if (to === from && to < length) to += 1;
  const { fix, hint } = one;
  return {
    from,
    to,
    severity: SEVERITIES[one.severity],
    source: one.code,
    message: hint ? `${one.message}\n${hint}` : one.message,
    ...(fix
      ? {
          actions: [
            {
              name: `Write ${fix}`,
              apply: (view: EditorView, start: number, end: number) => {
                if (view.state.sliceDoc(0).length === text.length) view.dispatch({ changes: { from: start, to: end, insert: fix } });
              },
            },
          ],
        }
      : {}),
  };
}

export function KqlEditor({ value, diagnostics, schema, columnsOf, onChange, onRun, ref }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | null>(null);
  const changed = useEffectEvent(onChange);
  const run = useEffectEvent(onRun);
  const columns = useEffectEvent(columnsOf);
  const currentSchema = useRef(schema);
  useEffect(() => {
    currentSchema.current = schema;
  }, [schema]);

  useEffect(() => {
    if (!host.current) return undefined;
    const view = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          lineNumbers(),
          highlightActiveLineGutter(),
          history(),
          drawSelection(),
          indentUnit.of("    "),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          lintGutter(),
          kql(),
          theme,
          placeholder("Write a query in KQL, for example:  SigninLogs | where ResultType != 0 | summarize count() by UserPrincipalName"),
          autocompletion({ override: [completeKql(() => currentSchema.current, (prefix) => columns(prefix))], icons: true }),
          hoverTooltip((view, position) => describe(view.state, position, currentSchema.current)),
          Prec.highest(
            keymap.of([
              { key: "Shift-Enter", run: () => (run(), true) },
              { key: "Mod-Enter", run: () => (run(), true) },
              // Tab must be able to leave the editor for those without a mouse.
              { key: "Escape", run: (target) => (target.contentDOM.blur(), host.current?.focus(), true) },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap, indentWithTab]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Query. Shift+Enter runs it, Escape then Tab leaves it." }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
        ],
      }),
    });
    editor.current = view;
    return () => {
      editor.current = null;
      view.destroy();
    };
    // The editor lives as long as the page; later values come through the effects below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  useEffect(() => {
    const view = editor.current;
    if (!view || view.state.doc.toString() === value) return;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value }, selection: { anchor: value.length } });
  }, [value]);

  useEffect(() => {
    const view = editor.current;
    if (!view) return;
    const { length } = view.state.doc;
    view.dispatch(setDiagnostics(view.state, diagnostics.map((one) => toEditor(one, length, view.state.doc.toString()))));
  }, [diagnostics]);

  useImperativeHandle(ref, () => ({
    focus: () => editor.current?.focus(),
    selected: () => {
      const state = editor.current?.state;
      if (!state) return value;
      const text = state.sliceDoc(state.selection.main.from, state.selection.main.to);
      return text.trim() ? text : state.doc.toString();
    },
    insert: (text) => {
      const view = editor.current;
      if (!view) return;
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    select: (start, length) => {
      const view = editor.current;
      if (!view) return;
      const end = view.state.doc.length;
      view.dispatch({ selection: { anchor: Math.min(start, end), head: Math.min(start + length, end) }, scrollIntoView: true });
      view.focus();
    },
    replace: (start, length, text) => {
      const view = editor.current;
      if (!view) return;
      view.dispatch({ changes: { from: start, to: start + length, insert: text } });
      view.focus();
    },
  }));

  return <div ref={host} className="vd-editor" tabIndex={-1} />;
}

/** The tooltip of a function or a table under the pointer. */
function describe(state: EditorState, position: number, schema: Schema) {
  const word = state.wordAt(position);
  if (!word) return null;
  const name = state.sliceDoc(word.from, word.to);
  const known = schema.functions.find((one) => one.name === name);
  const table = schema.tables.find((one) => one.name === name);
  const lines = known
    ? [known.signature ?? known.name, known.about ?? ""]
    : table
      ? [`${table.name}: ${table.rows ? `${table.rows.toLocaleString("en-GB")} rows` : "no rows yet"}`, table.columns.map((one) => `${one.name}: ${one.type}`).slice(0, 12).join("\n")]
      : [];
  if (!lines.length) return null;
  return {
    pos: word.from,
    end: word.to,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "vd-hover";
      for (const line of lines.filter(Boolean)) {
        const element = document.createElement("div");
        element.textContent = line;
        dom.append(element);
      }
      return { dom };
    },
  };
}
