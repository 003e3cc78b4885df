import { CheckmarkCircleRegular, CircleOffRegular, ClockRegular, DismissCircleRegular, WarningRegular, type FluentIcon } from "@fluentui/react-icons";
import { Fragment } from "react";

import type { Connector, ConnectorEndpoint, ConnectorEndpointKind, ConnectorStatus } from "../api/connectors";
import { Table } from "../app/Table";
import { Ago } from "../time/Time";

const STATES: Record<ConnectorStatus, { label: string; icon: FluentIcon; tone: string }> = {
  disabled: { label: "Disabled", icon: CircleOffRegular, tone: "vd-muted" },
  waiting: { label: "Not polled yet", icon: ClockRegular, tone: "vd-muted" },
  healthy: { label: "Healthy", icon: CheckmarkCircleRegular, tone: "vd-good" },
  degraded: { label: "Partly failing", icon: WarningRegular, tone: "vd-caution" },
  failing: { label: "Failing", icon: DismissCircleRegular, tone: "vd-bad" },
};

/** The state of an instance as a shape, a word and a colour. */
export function Status({ status }: { status: ConnectorStatus }) {
  const { label, icon: Icon, tone } = STATES[status];
  return (
    <span className={`vd-badge ${tone}`}>
      <Icon aria-hidden /> {label}
    </span>
  );
}

const TROUBLES: Record<string, string> = {
  throttled: "Cooling down",
  forbidden: "Permission missing",
  unauthorized: "Not authorized",
  gone: "Not there",
  unavailable: "Unavailable",
};

export function troubleLabel(trouble: string): string {
  return TROUBLES[trouble] ?? trouble;
}

function State({ at }: { at: ConnectorEndpoint }) {
  const tone = at.trouble === null ? (at.lastPollTimeUtc ? "vd-good" : "vd-muted") : at.trouble === "unauthorized" ? "vd-bad" : "vd-caution";
  return <span className={tone}>{at.trouble === null ? (at.lastPollTimeUtc ? "Delivers" : "Not polled yet") : troubleLabel(at.trouble)}</span>;
}

/** Whether there is more to say of an endpoint than a word. */
function told(at: ConnectorEndpoint): boolean {
  return at.message !== null || at.trouble !== null;
}

/** Where an instance stands with each of its endpoints. */
export function Endpoints({ one, kinds }: { one: Connector; kinds: readonly ConnectorEndpointKind[] }) {
  return (
    <Table label={`Endpoints of ${one.name}`} headings={["Endpoint", "State", "Last poll", { title: "Events", number: true }]}>
      {one.endpoints.map((at) => (
        <Fragment key={at.endpoint}>
          <tr className={told(at) ? "vd-goes-on" : undefined}>
            <td>{kinds.find((kind) => kind.id === at.endpoint)?.title ?? at.endpoint}</td>
            <td className="vd-nowrap">
              <State at={at} />
            </td>
            <td className="vd-nowrap">
              <Ago value={at.lastPollTimeUtc} />
            </td>
            <td className="vd-number">{at.fetched.toLocaleString("en-GB")}</td>
          </tr>
          {told(at) && (
            <tr>
              <td colSpan={4}>
                {at.message && <div className="vd-break">{at.message}</div>}
                {at.trouble !== null && one.enabled && (
                  <div className="vd-muted">
                    asked again <Ago value={at.dueTimeUtc} />
                  </div>
                )}
              </td>
            </tr>
          )}
        </Fragment>
      ))}
    </Table>
  );
}
