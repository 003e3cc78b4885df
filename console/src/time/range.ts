/** A time range as it travels: in links, in queries, on every pivot. */

import type { Zone } from "../app/preferences";
import { formatTime, toMillis } from "./format";

export type TimeRange =
  | { kind: "relative"; duration: string }
  | { kind: "absolute"; start: string; end: string }
  /** The query says it itself. */
  | { kind: "query" };

export const DEFAULT_RANGE: TimeRange = { kind: "relative", duration: "P1D" };

export const PRESETS: readonly { duration: string; label: string }[] = [
  { duration: "PT30M", label: "Last 30 minutes" },
  { duration: "PT1H", label: "Last hour" },
  { duration: "PT4H", label: "Last 4 hours" },
  { duration: "PT12H", label: "Last 12 hours" },
  { duration: "P1D", label: "Last 24 hours" },
  { duration: "P2D", label: "Last 48 hours" },
  { duration: "P7D", label: "Last 7 days" },
  { duration: "P14D", label: "Last 14 days" },
  { duration: "P30D", label: "Last 30 days" },
  { duration: "P90D", label: "Last 90 days" },
];

const DURATION = /^P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** Seconds of an ISO 8601 duration of days and smaller, or null. */
export function durationSeconds(text: string): number | null {
  const match = DURATION.exec(text);
  if (!match || text === "P") return null;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part || 0));
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

const NAMES = ["day", "hour", "minute", "second"];

/** "5 minutes", "1 day 12 hours" for an ISO 8601 duration; what is not one is given back. */
export function durationText(text: string): string {
  const match = DURATION.exec(text);
  if (!match || text === "P") return text;
  const parts = match.slice(1).flatMap((part, index) => {
    const count = Number(part || 0);
    return count ? [`${count} ${NAMES[index] ?? ""}${count === 1 ? "" : "s"}`] : [];
  });
  return parts.join(" ") || "0 seconds";
}

export function parseRange(text: string | null | undefined): TimeRange {
  if (!text) return DEFAULT_RANGE;
  if (text === "query") return { kind: "query" };
  if (durationSeconds(text) !== null) return { kind: "relative", duration: text };
  const [start, end, rest] = text.split("/");
  if (start && end && rest === undefined && toMillis(start) !== null && toMillis(end) !== null) {
    return { kind: "absolute", start, end };
  }
  return DEFAULT_RANGE;
}

/** The text of a range in a link; parseRange reads it back. */
export function formatRange(range: TimeRange): string {
  switch (range.kind) {
    case "relative":
      return range.duration;
    case "absolute":
      return `${range.start}/${range.end}`;
    case "query":
      return "query";
  }
}

/** The timespan of a query request; none when the query says it itself. */
export function timespanOf(range: TimeRange): string | undefined {
  return range.kind === "query" ? undefined : formatRange(range);
}

export function rangeLabel(range: TimeRange, zone: Zone): string {
  switch (range.kind) {
    case "relative":
      return PRESETS.find((preset) => preset.duration === range.duration)?.label ?? `Last ${durationText(range.duration)}`;
    case "absolute":
      return `${formatTime(range.start, zone)} – ${formatTime(range.end, zone)}`;
    case "query":
      return "Set in query";
  }
}

/** The range of `hours` centred on a time. */
export function around(time: string, hours: number): TimeRange {
  const millis = toMillis(time);
  if (millis === null) return DEFAULT_RANGE;
  const half = (hours * 3_600_000) / 2;
  return { kind: "absolute", start: new Date(millis - half).toISOString(), end: new Date(millis + half).toISOString() };
}

/** A range that holds both times, the last one included: intervals end before their end. */
export function spanning(first: string, last: string): TimeRange {
  const from = toMillis(first);
  const to = toMillis(last);
  if (from === null || to === null) return DEFAULT_RANGE;
  return { kind: "absolute", start: new Date(from).toISOString(), end: new Date(to + 1000).toISOString() };
}
