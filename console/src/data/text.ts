/** Sizes and periods as people read them. */

import type { Retention } from "../api/settings";

export function bytesText(bytes: number | null): string {
  if (bytes === null) return "";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let [value, at] = [bytes, 0];
  while (value >= 1024 && at < units.length - 1) [value, at] = [value / 1024, at + 1];
  return `${at && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[at] ?? ""}`;
}

export function daysText(days: number | null): string {
  return days === null ? "for ever" : days === 1 ? "1 day" : `${days} days`;
}

/** "90 days, then 275 in the lake" */
export function retentionText(one: Pick<Retention, "interactiveDays" | "totalDays"> | undefined): string {
  if (!one || (one.interactiveDays === null && one.totalDays === null)) return "for ever";
  const { interactiveDays: interactive, totalDays: total } = one;
  if (interactive === null || interactive === total) return daysText(total);
  return `${daysText(interactive)}, then in the lake ${total === null ? "for ever" : `up to ${daysText(total)}`}`;
}
