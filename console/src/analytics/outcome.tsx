import { CheckmarkCircleRegular, CircleRegular, DismissCircleRegular, SubtractCircleRegular, type FluentIcon } from "@fluentui/react-icons";

import type { RunOutcome } from "../api/types";

const SHOWN: Record<RunOutcome, { icon: FluentIcon; label: string }> = {
  matched: { icon: CheckmarkCircleRegular, label: "Matched" },
  silent: { icon: CircleRegular, label: "Silent" },
  failed: { icon: DismissCircleRegular, label: "Failed" },
  skipped: { icon: SubtractCircleRegular, label: "Skipped" },
};

export function Outcome({ outcome }: { outcome: RunOutcome | null | undefined }) {
  if (!outcome) return <span className="vd-muted">Not run yet</span>;
  const { icon: Icon, label } = SHOWN[outcome];
  return (
    <span className={`vd-badge vd-outcome-${outcome}`}>
      <Icon aria-hidden />
      {label}
    </span>
  );
}
