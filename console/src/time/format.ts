/** Times as people read them. A log's seventh digit survives: text is formatted from text, not through a float. */

import type { Zone } from "../app/preferences";

const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?$/;

export type Precision = "minute" | "second" | "full";

const two = (value: number) => String(value).padStart(2, "0");

/** Milliseconds since 1970 of an ISO time, or null for what is not one. */
export function toMillis(value: string): number | null {
  const match = ISO.exec(value);
  if (!match) return null;
  const millis = Date.parse(match[8] ? value.replace(/\.(\d{3})\d+/, ".$1") : `${value.replace(/\.(\d{3})\d+/, ".$1")}Z`);
  return Number.isNaN(millis) ? null : millis;
}

export function isTime(value: unknown): value is string {
  return typeof value === "string" && ISO.test(value);
}

/** "2021-08-02 13:11:39.7747609" in the zone; a value that is not a time is given back as it is. */
export function formatTime(value: string, zone: Zone, precision: Precision = "second"): string {
  const millis = toMillis(value);
  if (millis === null) return value;
  const date = new Date(millis);
  const utc = zone === "utc";
  const year = String(utc ? date.getUTCFullYear() : date.getFullYear()).padStart(4, "0");
  const month = two((utc ? date.getUTCMonth() : date.getMonth()) + 1);
  const day = two(utc ? date.getUTCDate() : date.getDate());
  const hour = two(utc ? date.getUTCHours() : date.getHours());
  const minute = two(utc ? date.getUTCMinutes() : date.getMinutes());
  const head = `${year}-${month}-${day} ${hour}:${minute}`;
  if (precision === "minute") return head;
  const second = two(utc ? date.getUTCSeconds() : date.getSeconds());
  if (precision === "second") return `${head}:${second}`;
  const fraction = (ISO.exec(value)?.[7] ?? "").replace(/0+$/, "");
  return fraction ? `${head}:${second}.${fraction}` : `${head}:${second}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** A length of time in its largest unit: "3 h". */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  for (const [name, size] of UNITS) {
    if (whole >= size) return `${Math.floor(whole / size)} ${name}`;
  }
  return "0 s";
}

/** "3 h ago", "in 5 min", "now". */
export function formatAgo(value: string, now: number): string {
  const millis = toMillis(value);
  if (millis === null) return value;
  const seconds = (now - millis) / 1000;
  // The clock of the page moves every ten seconds: what has just happened is not to come.
  if (seconds < 5 && seconds > -15) return "now";
  return seconds > 0 ? `${formatSpan(seconds)} ago` : `in ${formatSpan(-seconds)}`;
}

/** 12 ms, 3.4 s, 2 min 5 s. */
export function formatElapsed(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`;
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`;
  return `${Math.floor(millis / 60_000)} min ${Math.floor((millis % 60_000) / 1000)} s`;
}

/** The name of the zone as shown beside times. */
export function zoneName(zone: Zone): string {
  if (zone === "utc") return "UTC";
  const minutes = -new Date().getTimezoneOffset();
  const sign = minutes < 0 ? "−" : "+";
  return `Local (UTC${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)})`;
}

/** What an <input type="datetime-local"> shows for a time, in the zone. */
export function toInput(value: string, zone: Zone): string {
  return formatTime(value, zone, "second").replace(" ", "T");
}

/** The UTC time that a person entered in the zone, or null when it is not one. */
export function fromInput(text: string, zone: Zone): string | null {
  const match = ISO.exec(text);
  if (!match) return null;
  const date = zone === "utc" ? new Date(`${text}Z`) : new Date(text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
