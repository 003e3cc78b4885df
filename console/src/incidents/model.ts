/** Names, orders and rules of incidents that do not depend on React. */

import type {
  Classification,
  ClassificationReason,
  EditableField,
  EditableFields,
  FieldChanges,
  IncidentStatus,
  PersonRef,
  Severity,
} from "../api/types";

export const SEVERITIES: readonly Severity[] = ["High", "Medium", "Low", "Informational"];
export const STATUSES: readonly IncidentStatus[] = ["New", "Active", "Closed"];

/** Classification and reason go together as in Microsoft Sentinel. */
export const VERDICTS: readonly {
  classification: Classification;
  reason: ClassificationReason | null;
  label: string;
  key: string;
}[] = [
  { classification: "TruePositive", reason: "SuspiciousActivity", label: "True positive – suspicious activity", key: "1" },
  { classification: "BenignPositive", reason: "SuspiciousButExpected", label: "Benign positive – suspicious but expected", key: "2" },
  { classification: "FalsePositive", reason: "IncorrectAlertLogic", label: "False positive – incorrect alert logic", key: "3" },
  { classification: "FalsePositive", reason: "InaccurateData", label: "False positive – inaccurate data", key: "4" },
  { classification: "Undetermined", reason: null, label: "Undetermined", key: "5" },
];

export function verdictLabel(classification: Classification, reason: ClassificationReason | null): string {
  return (
    VERDICTS.find((one) => one.classification === classification && one.reason === reason)?.label ??
    (reason ? `${spaced(classification)} – ${spaced(reason).toLowerCase()}` : spaced(classification))
  );
}

/** "SuspiciousActivity" as words: "Suspicious activity". Names with a run of capitals are left alone. */
export function spaced(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").split(" ");
  return words.map((word, index) => (index === 0 ? word : word.toLowerCase())).join(" ");
}

/** MITRE ATT&CK's tactics in the order of an attack, as Sentinel names them. */
export const TACTICS: readonly string[] = [
  "Reconnaissance",
  "ResourceDevelopment",
  "InitialAccess",
  "Execution",
  "Persistence",
  "PrivilegeEscalation",
  "DefenseEvasion",
  "CredentialAccess",
  "Discovery",
  "LateralMovement",
  "Collection",
  "CommandAndControl",
  "Exfiltration",
  "Impact",
];

export function tacticLabel(tactic: string): string {
  return tactic.replace(/([a-z])([A-Z])/g, "$1 $2").replace(" And ", " and ");
}

/** Known tactics in the order of an attack, then the others (ICS, mobile) by name. */
export function sortTactics(tactics: readonly string[]): string[] {
  const rank = (tactic: string) => {
    const index = TACTICS.indexOf(tactic);
    return index === -1 ? TACTICS.length : index;
  };
  return [...tactics].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

const FIELD_LABELS: Record<EditableField, string> = {
  title: "title",
  description: "description",
  severity: "severity",
  status: "status",
  owner: "owner",
  classification: "classification",
  classificationReason: "classification reason",
  classificationComment: "classification comment",
  labels: "labels",
};

export function fieldLabel(field: EditableField): string {
  return FIELD_LABELS[field];
}

/** The name of a field of the history, which has others than those that are edited. */
export function historyLabel(field: string): string {
  return field in FIELD_LABELS ? fieldLabel(field as EditableField) : field;
}

export function fieldText(field: EditableField, value: EditableFields[EditableField] | undefined): string {
  if (value === null || value === undefined || value === "") return field === "owner" ? "nobody" : "none";
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (typeof value === "object") return value.name;
  return field === "classification" || field === "classificationReason" ? spaced(value) : value;
}

export function sameValue(a: EditableFields[EditableField] | undefined, b: EditableFields[EditableField] | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, index) => one === b[index]);
  if (a && b && typeof a === "object" && typeof b === "object" && "id" in a && "id" in b) return a.id === b.id;
  return false;
}

/** What was done, for the status line: "Closed 3 incidents as true positive". */
export function describeChange(set: FieldChanges, numbers: readonly number[]): string {
  const what = numbers.length === 1 ? `#${String(numbers[0])}` : `${numbers.length} incidents`;
  if (set.status === "Closed" && set.classification) return `Closed ${what} as ${spaced(set.classification).toLowerCase()}`;
  if (set.status) return `Set ${what} to ${set.status}`;
  if ("owner" in set) return set.owner ? `Assigned ${what} to ${set.owner.name}` : `Unassigned ${what}`;
  if (set.severity) return `Set the severity of ${what} to ${set.severity}`;
  const fields = (Object.keys(set) as EditableField[]).map(fieldLabel).join(", ");
  return `Changed the ${fields} of ${what}`;
}

/** A change of status as the API wants it: reopening takes the verdict back. */
export function statusChange(status: IncidentStatus): FieldChanges {
  return status === "Closed"
    ? { status }
    : { status, classification: null, classificationReason: null, classificationComment: null };
}

export function personRef(person: PersonRef): PersonRef {
  return { id: person.id, name: person.name };
}
