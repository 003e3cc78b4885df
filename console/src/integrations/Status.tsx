import { CheckmarkCircleRegular, CircleOffRegular, ClockRegular, DismissCircleRegular, WarningRegular, type FluentIcon } from "@fluentui/react-icons";

import type { Connector, ConnectorEndpoint, ConnectorEndpointKind, ConnectorStatus } from "../api/connectors";
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

function State({ at, enabled }: { at: ConnectorEndpoint; enabled: boolean }) {
  const tone = at.trouble === null ? (at.lastPollTimeUtc ? "vd-good" : "vd-muted") : at.trouble === "unauthorized" ? "vd-bad" : "vd-caution";
  return (
    <>
      <span className={tone}>{at.trouble === null ? (at.lastPollTimeUtc ? "Delivers" : "Not polled yet") : troubleLabel(at.trouble)}</span>
      {at.message && <div className="vd-wrap-text">{at.message}</div>}
      {at.trouble !== null && enabled && (
        <div className="vd-muted">
          asked again <Ago value={at.dueTimeUtc} />
        </div>
      )}
    </>
  );
}

/** Where an instance stands with each of its endpoints. */
export function Endpoints({ one, kinds }: { one: Connector; kinds: readonly ConnectorEndpointKind[] }) {
  return (
    <table className="vd-table" aria-label={`Endpoints of ${one.name}`}>
      <thead>
        <tr>
          <th scope="col">Endpoint</th>
          <th scope="col">State</th>
          <th scope="col">Last poll</th>
          <th scope="col">Events</th>
        </tr>
      </thead>
      <tbody>
        {one.endpoints.map((at) => (
          <tr key={at.endpoint}>
            <td>{kinds.find((kind) => kind.id === at.endpoint)?.title ?? at.endpoint}</td>
            <td>
              <State at={at} enabled={one.enabled} />
            </td>
            <td>
              <Ago value={at.lastPollTimeUtc} />
            </td>
            <td>{at.fetched.toLocaleString("en")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
