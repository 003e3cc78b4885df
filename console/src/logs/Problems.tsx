import { Button } from "@fluentui/react-components";
import { ErrorCircleRegular, InfoRegular, WarningRegular } from "@fluentui/react-icons";

import type { Diagnostic } from "../api/types";

interface Props {
  text: string;
  diagnostics: readonly Diagnostic[];
  onSelect: (one: Diagnostic) => void;
  onFix: (one: Diagnostic, fix: string) => void;
}

const SHOWN = 3;

/** 1-based line and column of an offset. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}

/** What is wrong with the query, where, and what to write instead. */
export function Problems({ text, diagnostics, onSelect, onFix }: Props) {
  if (!diagnostics.length) return null;
  return (
    <ul className="vd-problems" aria-label="Problems in the query" aria-live="polite">
      {diagnostics.slice(0, SHOWN).map((one, index) => {
        const { line, column } = position(text, one.start);
        const Icon = one.severity === "Error" ? ErrorCircleRegular : one.severity === "Warning" ? WarningRegular : InfoRegular;
        const { fix } = one;
        return (
          <li key={`${one.code}-${one.start}-${index}`} className={`vd-problem-${one.severity.toLowerCase()}`}>
            <Icon aria-label={one.severity} />
            <button type="button" className="vd-link" onClick={() => onSelect(one)}>
              Line {line}, column {column}
            </button>
            <span>
              {one.message}
              {one.hint && ` – ${one.hint}`}
            </span>
            <span className="vd-muted">{one.code}</span>
            {fix && (
              <Button size="small" onClick={() => onFix(one, fix)}>
                Write {fix}
              </Button>
            )}
          </li>
        );
      })}
      {diagnostics.length > SHOWN && <li className="vd-muted">and {diagnostics.length - SHOWN} more</li>}
    </ul>
  );
}
