import { CheckmarkCircleRegular, CircleOffRegular, DismissCircleRegular, QuestionCircleRegular } from "@fluentui/react-icons";

import type { Destination } from "../api/destinations";

/** The state of a destination as a shape, a word and a colour. */
export function Health({ destination }: { destination: Destination }) {
  const { enabled, health } = destination;
  if (!enabled) {
    return (
      <span className="vd-badge vd-muted">
        <CircleOffRegular aria-hidden /> Disabled
      </span>
    );
  }
  if (health.state === "healthy") {
    return (
      <span className="vd-badge vd-good">
        <CheckmarkCircleRegular aria-hidden /> Healthy
      </span>
    );
  }
  if (health.state === "failing") {
    return (
      <span className="vd-badge vd-bad">
        <DismissCircleRegular aria-hidden /> Failing
      </span>
    );
  }
  return (
    <span className="vd-badge vd-muted">
      <QuestionCircleRegular aria-hidden /> Not tried yet
    </span>
  );
}
