/** Which of a rule's time was searched: as a strip, and in words. Without React. */

import type { Coverage, Stretch, StretchOutcome } from "../api/past";

export const OUTCOMES: Readonly<Record<StretchOutcome, string>> = {
  searched: "Searched",
  gap: "Gap",
  suppressed: "Paused after an alert",
  disabled: "Off",
};

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** A length of time in its two largest units: "1 h 5 min". */
export function lengthText(millis: number): string {
  let rest = Math.round(millis / 1000);
  const at = UNITS.findIndex(([, size]) => rest >= size);
  if (at < 0) return "0 s";
  const parts = UNITS.slice(at, at + 2).flatMap(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count ? [`${count} ${name}`] : [];
  });
  return parts.join(" ");
}

export const lengthOf = ({ start, end }: Pick<Stretch, "start" | "end">): number => Date.parse(end) - Date.parse(start);

export interface Segment {
  outcome: StretchOutcome;
  /** Percent of the strip. */
  left: number;
  width: number;
  stretch: Stretch;
}

/** Where the stretches stand in the strip. What was not searched is seen, however short it is: it is drawn last, and not too narrow. */
export function segmentsOf({ from, to, value }: Coverage): Segment[] {
  const begin = Date.parse(from);
  const whole = Date.parse(to) - begin;
  const drawn = value.map((stretch) => {
    const left = Math.max(0, ((Date.parse(stretch.start) - begin) / whole) * 100);
    const right = Math.min(100, ((Date.parse(stretch.end) - begin) / whole) * 100);
    const least = stretch.outcome === "searched" ? 0 : 0.4;
    const width = Math.max(least, right - left);
    return { outcome: stretch.outcome, left: Math.min(left, 100 - width), width, stretch };
  });
  return [...drawn.filter((one) => one.outcome === "searched"), ...drawn.filter((one) => one.outcome !== "searched")];
}

/** What of the time was searched, as a sentence. */
export function coverageText({ value }: Coverage): string {
  if (!value.length) return "None of this time was searched on a schedule";
  const parts = (["gap", "disabled", "suppressed"] as const).flatMap((outcome) => {
    const of = value.filter((one) => one.outcome === outcome);
    if (!of.length) return [];
    const length = lengthText(of.reduce((sum, one) => sum + lengthOf(one), 0));
    if (outcome === "gap") return [`${length} in ${of.length === 1 ? "a gap" : `${of.length} gaps`}`];
    return [outcome === "disabled" ? `${length} while the rule was off` : `${length} while it paused after an alert`];
  });
  if (!parts.length) return "All of it was searched, without a gap.";
  return `Not searched: ${parts.join("; ")}.`;
}

/** What was not searched, the latest first. */
export function unsearched({ value }: Coverage): Stretch[] {
  return value.filter((one) => one.outcome !== "searched").reverse();
}
