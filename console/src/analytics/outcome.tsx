import { CheckmarkCircleRegular, CircleRegular, DismissCircleRegular, SubtractCircleRegular, type FluentIcon } from "@fluentui/react-icons";

import type { RunOutcome } from "../api/types";

const SHOWN: Record<RunOutcome, { icon: FluentIcon; label: string }> = {
  matched: { icon: CheckmarkCircleRegular, label: "Matched" },
  silent: { icon: CircleRegular, label: "Silent" },
  failed: { icon: DismissCircleRegular, label: "Failed" },
  skipped: { icon: SubtractCircleRegular, label: "Skipped" },
};

/** What came of the last run; a query that cannot be run is said before its next run finds it out. */
export function Outcome({ outcome, broken = false }: { outcome: RunOutcome | null | undefined; broken?: boolean }) {
  if (broken)
    return (
      <span className="vd-badge vd-outcome-failed">
        <DismissCircleRegular aria-hidden />
        Broken
      </span>
    );
  if (!outcome) return <span className="vd-muted">Not run yet</span>;
  const { icon: Icon, label } = SHOWN[outcome];
  return (
    <span className={`vd-badge vd-outcome-${outcome}`}>
      <Icon aria-hidden />
      {label}
    </span>
  );
}
