/** The form of a destination or an integration, made from its kind's manifest: what to show, what is wrong, what to send. */

import type { DestinationWrite, ManifestField, SecretState, SettingValue } from "../api/destinations";

/** What has fields, and what is stored for them. */
interface Manifest {
  readonly fields: readonly ManifestField[];
}
interface Stored {
  readonly settings: Readonly<Record<string, SettingValue>>;
  readonly secrets: Readonly<Record<string, SecretState>>;
}

export type Entered = Readonly<Record<string, string | boolean>>;

/** Whether a field is asked for beside what was entered. */
export function asked(field: ManifestField, entered: Entered): boolean {
  return !field.when || entered[field.when.field] === field.when.value;
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function initialValue(field: ManifestField, stored: SettingValue | undefined): string | boolean {
  const value = stored ?? field.default ?? null;
  if (field.type === "boolean") return value === true;
  return value === null || field.type === "secret" ? "" : String(value);
}

/** What the form starts with: the stored settings, else the manifest's defaults. Secrets always start empty. */
export function initialValues(kind: Manifest, destination: Stored | null): Entered {
  return Object.fromEntries(kind.fields.map((field) => [field.name, initialValue(field, destination?.settings[field.name])]));
}

function fieldProblem(field: ManifestField, value: string | boolean, stored: boolean): string | null {
  if (typeof value === "boolean") return null;
  const text = field.type === "secret" ? value : value.trim();
  if (text === "") return field.required && !stored ? `${field.label} is needed.` : null;
  switch (field.type) {
    case "guid":
      if (!GUID.test(text)) return "A GUID: 8-4-4-4-12 hexadecimal digits.";
      break;
    case "url": {
      let url: URL;
      try {
        url = new URL(text);
      } catch {
        return "An address that begins with https://.";
      }
      if (!["https:", "http:"].includes(url.protocol)) return "An address that begins with https://.";
      break;
    }
    case "integer": {
      const number = Number(text);
      if (!Number.isSafeInteger(number)) return "A whole number.";
      if (field.minimum != null && number < field.minimum) return `At least ${field.minimum}.`;
      if (field.maximum != null && number > field.maximum) return `At most ${field.maximum}.`;
      break;
    }
    case "enum":
      if (!field.options?.some((option) => option.value === text)) return "Choose one of the list.";
      break;
    default:
  }
  if (field.pattern && !matches(field.pattern, text)) return `${field.label} does not have the expected form${field.placeholder ? `, such as ${field.placeholder}` : ""}.`;
  return null;
}

/** Whether the whole text matches; a pattern that this browser cannot read is left to the server. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(text);
  } catch {
    return true;
  }
}

/** Per field, what is wrong with it; empty when the form can be sent. */
export function problems(kind: Manifest, entered: Entered, destination: Stored | null): Record<string, string> {
  const found: Record<string, string> = {};
  for (const field of kind.fields) {
    if (!asked(field, entered)) continue;
    const stored = field.type === "secret" && (destination?.secrets[field.name]?.set ?? false);
    const problem = fieldProblem(field, entered[field.name] ?? "", stored);
    if (problem) found[field.name] = problem;
  }
  return found;
}

function setting(field: ManifestField, value: string | boolean): SettingValue {
  if (typeof value === "boolean") return value;
  const text = value.trim();
  if (text === "") return null;
  return field.type === "integer" ? Number(text) : text;
}

/** What to send: all settings, and only the secrets that were entered. */
export function toWrite(kind: Manifest & { readonly kind: string }, name: string, enabled: boolean, entered: Entered, isNew: boolean): DestinationWrite {
  const settings: Record<string, SettingValue> = {};
  const secrets: Record<string, string> = {};
  for (const field of kind.fields) {
    const value = entered[field.name] ?? "";
    if (field.type !== "secret") settings[field.name] = setting(field, value);
    else if (typeof value === "string" && value !== "") secrets[field.name] = value;
  }
  return {
    ...(isNew ? { kind: kind.kind } : {}),
    name: name.trim(),
    enabled,
    settings,
    ...(Object.keys(secrets).length ? { secrets } : {}),
  };
}

/** The server's complaints by field: error.details.fields. */
export function serverProblems(details: Record<string, unknown>): Record<string, string> {
  const { fields } = details;
  if (typeof fields !== "object" || fields === null) return {};
  return Object.fromEntries(Object.entries(fields).flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])));
}
