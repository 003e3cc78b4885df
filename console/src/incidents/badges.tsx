/** Severity and status: shape, word and colour, never colour alone. */

import type { IncidentStatus, Severity } from "../api/types";
import { tacticLabel } from "./model";

const SHAPES: Record<Severity, string> = {
  High: "M8 1.5 15 14.5H1z",
  Medium: "M8 1 15 8 8 15 1 8z",
  Low: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
  Informational: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zm0 2a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
};

export function SeverityIcon({ severity }: { severity: Severity }) {
  return (
    <svg className={`vd-severity vd-severity-${severity.toLowerCase()}`} viewBox="0 0 16 16" width="12" height="12" aria-hidden>
      <path d={SHAPES[severity]} fillRule="evenodd" />
    </svg>
  );
}

export function severityText(severity: Severity): string {
  return severity === "Informational" ? "Info" : severity;
}

export function SeverityBadge({ severity }: { severity: Severity }) {
  return (
    <span className="vd-badge">
      <SeverityIcon severity={severity} />
      {severityText(severity)}
    </span>
  );
}

export function StatusBadge({ status }: { status: IncidentStatus }) {
  return (
    <span className={`vd-badge vd-state vd-state-${status.toLowerCase()}`}>
      <span className="vd-state-mark" aria-hidden />
      {status}
    </span>
  );
}

export function Tactics({ tactics }: { tactics: readonly string[] }) {
  if (!tactics.length) return <span className="vd-none">—</span>;
  return <>{tactics.map(tacticLabel).join(", ")}</>;
}
