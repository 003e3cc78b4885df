/** Threat intelligence in words: what a pattern looks for, whether it is in force, and what a person enters. Without React. */

import type { IntelDetail, IntelList, IntelObject, IntelState, NewIndicator } from "../api/intelligence";
import { toMillis } from "../time/format";

export interface Choice {
  value: string;
  label: string;
}

/** What indicators look for, by the property of STIX that their patterns have. */
export const OBSERVABLES: readonly Choice[] = [
  { value: "ipv4-addr:value", label: "IPv4 address" },
  { value: "ipv6-addr:value", label: "IPv6 address" },
  { value: "domain-name:value", label: "Domain name" },
  { value: "url:value", label: "URL" },
  { value: "file:hashes", label: "File hash" },
  { value: "file:name", label: "File name" },
  { value: "email-addr:value", label: "Mail address" },
  { value: "user-account:", label: "Account" },
  { value: "windows-registry-key:", label: "Registry key" },
  { value: "mutex:name", label: "Mutex" },
];

/** The types of STIX objects. */
export const OBJECTS: readonly Choice[] = [
  { value: "indicator", label: "All indicators" },
  { value: "attack-pattern", label: "Attack patterns" },
  { value: "threat-actor", label: "Threat actors" },
  { value: "identity", label: "Identities" },
  { value: "relationship", label: "Relationships" },
  { value: "all", label: "All objects" },
];

export const STATES: readonly { value: IntelState; label: string }[] = [
  { value: "active", label: "In force" },
  { value: "inactive", label: "Not in force" },
  { value: "all", label: "All" },
];

/** What people add by hand: the kind, and what its value is. */
export const KINDS: readonly (Choice & { hint: string })[] = [
  { value: "ip", label: "IP address", hint: "An address or a network: 203.0.113.45, 198.51.100.0/24" },
  { value: "domain", label: "Domain name", hint: "phish.example" },
  { value: "url", label: "URL", hint: "https://phish.example/login" },
  { value: "email", label: "Mail address", hint: "sender@phish.example" },
  { value: "hash", label: "File hash", hint: "An MD5, SHA-1, SHA-256 or SHA-512" },
  { value: "file", label: "File name", hint: "invoice.exe" },
  { value: "account", label: "Account", hint: "The name it signs in with" },
  { value: "registry-key", label: "Registry key", hint: "HKEY_LOCAL_MACHINE\\Software\\Bad" },
  { value: "mutex", label: "Mutex", hint: "The name of the mutex" },
];

export const LEVELS: readonly Choice[] = [
  { value: "", label: "None" },
  { value: "white", label: "White" },
  { value: "green", label: "Green" },
  { value: "amber", label: "Amber" },
  { value: "red", label: "Red" },
];

/** The vocabulary of STIX for types of threats; others may be entered as well. */
export const THREATS = ["malicious-activity", "anomalous-activity", "compromised", "anonymization", "attribution", "benign", "unknown"] as const;

export const PAGE = 100;

export interface IntelFilter {
  q: string;
  /** A type of STIX, or a property that patterns have. */
  type: string;
  source: string;
  state: IntelState;
  skip: number;
}

/** What is asked of the server. A kind of observable is looked for by its words in the pattern. */
export function askedOf({ q, type, source, state, skip }: IntelFilter): IntelList {
  const observable = OBSERVABLES.some((one) => one.value === type);
  const words = [q.trim(), observable ? type : ""].filter(Boolean).join(" ");
  return { q: words, type: observable ? "indicator" : type, source, state, top: PAGE, skip };
}

export interface Observed {
  /** "IPv4 address"; the property of STIX where it has no name here. */
  label: string;
  value: string;
}

const COMPARISON = /([a-z][a-z0-9-]*:[A-Za-z0-9_.'-]+)\s*=\s*'((?:[^'\\]|\\.)*)'/g;

function labelOf(property: string): string {
  return OBSERVABLES.find((one) => property.startsWith(one.value))?.label ?? property.replaceAll("'", "");
}

/** What a pattern looks for, each value once. Comparisons other than `=` are in the pattern alone. */
export function observedOf(pattern: string | null): Observed[] {
  const found = new Map<string, Observed>();
  for (const [, property = "", raw = ""] of (pattern ?? "").matchAll(COMPARISON)) {
    const one = { label: labelOf(property), value: raw.replace(/\\(.)/g, "$1") };
    found.set(`${one.label} ${one.value}`, one);
  }
  return [...found.values()];
}

const OBJECT_LABELS: Readonly<Record<string, string>> = {
  indicator: "Indicator", "attack-pattern": "Attack pattern", "threat-actor": "Threat actor", identity: "Identity", relationship: "Relationship",
};

/** "IPv4 address, URL"; for what is no indicator the type of the object. */
export function typeText(one: Pick<IntelObject, "type" | "pattern">): string {
  const labels = one.type === "indicator" ? [...new Set(observedOf(one.pattern).map((each) => each.label))] : [];
  return labels.join(", ") || (OBJECT_LABELS[one.type] ?? one.type);
}

export type Standing = "force" | "revoked" | "ended" | "waiting";

/** Whether it counts, and why not. */
export function standingOf(one: Pick<IntelObject, "active" | "revoked" | "withdrawnBy" | "validFrom" | "validUntil">, now: number): { standing: Standing; text: string } {
  if (one.active) return { standing: "force", text: "In force" };
  if (one.withdrawnBy !== null) return { standing: "revoked", text: `Revoked by ${one.withdrawnBy}` };
  if (one.revoked) return { standing: "revoked", text: "Revoked by its source" };
  if (one.validUntil !== null && (toMillis(one.validUntil) ?? Infinity) <= now) return { standing: "ended", text: "Expired" };
  if (one.validFrom !== null && (toMillis(one.validFrom) ?? 0) > now) return { standing: "waiting", text: "Not yet" };
  return { standing: "ended", text: "Not in force" };
}

/** Texts of a list in the object of STIX. */
export function textsOf(one: IntelDetail, field: string): string[] {
  const value = one.content[field];
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : [];
}

export function listOf(text: string): string[] {
  return [...new Set(text.split(",").map((one) => one.trim()).filter(Boolean))];
}

export interface Draft {
  type: string;
  value: string;
  name: string;
  description: string;
  confidence: string;
  days: string;
  tags: string;
  threats: string;
  tlp: string;
}

export const EMPTY: Draft = { type: "ip", value: "", name: "", description: "", confidence: "", days: "90", tags: "", threats: "", tlp: "" };

const whole = (text: string, most: number) => /^\d+$/.test(text.trim()) && Number(text) <= most;
export const MOST_DAYS = 36_600;

export function confidenceProblem(text: string): string | null {
  return text.trim() === "" || whole(text, 100) ? null : "A whole number from 0 to 100.";
}

export function daysProblem(text: string): string | null {
  return whole(text, MOST_DAYS) ? null : `A whole number of days, at most ${MOST_DAYS.toLocaleString("en-GB")}.`;
}

/** The indicator to add; null while something is missing or wrong. */
export function toIndicator(draft: Draft): NewIndicator | null {
  const value = draft.value.trim();
  if (!value || confidenceProblem(draft.confidence) || daysProblem(draft.days)) return null;
  return {
    type: draft.type, value, name: draft.name.trim(), description: draft.description.trim(), confidence: draft.confidence.trim() === "" ? null : Number(draft.confidence),
    days: Number(draft.days), tags: listOf(draft.tags), threatTypes: listOf(draft.threats), tlp: draft.tlp,
  };
}
