import { Button, Skeleton, SkeletonItem } from "@fluentui/react-components";
import { DismissRegular, OpenRegular } from "@fluentui/react-icons";
import { Link } from "react-router";

import type { FieldChanges, IncidentSummary } from "../api/types";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { formatSpan, toMillis } from "../time/format";
import { Time } from "../time/Time";
import { SeverityIcon } from "./badges";
import { IncidentControls } from "./Controls";
import { verdictLabel } from "./model";
import { EntityChips, KillChain } from "./parts";
import { useIncident } from "./useIncidents";

interface Props {
  /** What the list knows already: it stands there until the whole incident is loaded. */
  summary: IncidentSummary;
  /** False while the cursor is passing over it. */
  settled: boolean;
  onChange: (set: FieldChanges) => void;
  onCloseIncident: () => void;
  onDismiss: () => void;
}

function activitySpan(first: string | null, last: string | null): string | null {
  const from = first && toMillis(first);
  const to = last && toMillis(last);
  return from && to && to > from ? formatSpan((to - from) / 1000) : null;
}

export function PreviewPane({ summary, settled, onChange, onCloseIncident, onDismiss }: Props) {
  const workspace = useWorkspace();
  const { incident, error, refetch } = useIncident(summary.number, settled);
  const shown = incident ?? summary;
  const href = workspacePath(workspace, "incidents", summary.number);
  const span = activitySpan(shown.firstActivityTimeUtc, shown.lastActivityTimeUtc);
  return (
    <aside className="vd-preview" aria-label={`Incident ${summary.number}`}>
      <div className="vd-preview-head">
        <span className="vd-muted">Incident #{shown.number}</span>
        <span className="vd-spacer" />
        <Link to={href} className="vd-button-link">
          <OpenRegular aria-hidden /> Open <kbd>Enter</kbd>
        </Link>
        <Button size="small" appearance="subtle" icon={<DismissRegular />} aria-label="Close the preview" onClick={onDismiss} />
      </div>
      <h2 className="vd-preview-title">{shown.title}</h2>
      {incident ? (
        <p className="vd-story">{incident.story}</p>
      ) : error ? (
        <ErrorView what={`Incident #${summary.number} could not be loaded`} error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton aria-label="Loading the incident">
          <SkeletonItem />
        </Skeleton>
      )}
      <IncidentControls incident={shown} onChange={onChange} onClose={onCloseIncident} />
      {shown.classification && (
        <div className="vd-field">
          <span className="vd-label">Classification</span>
          <span>{verdictLabel(shown.classification, shown.classificationReason)}</span>
        </div>
      )}
      <dl className="vd-facts">
        <dt>First activity</dt>
        <dd>
          <Time value={shown.firstActivityTimeUtc} />
        </dd>
        <dt>Last activity</dt>
        <dd>
          <Time value={shown.lastActivityTimeUtc} />
          {span && <span className="vd-muted"> · {span} after the first</span>}
        </dd>
        <dt>Created</dt>
        <dd>
          <Time value={shown.createdTimeUtc} ago />
        </dd>
        <dt>Product</dt>
        <dd>{shown.alertProductNames.join(", ") || "—"}</dd>
      </dl>
      {incident && (
        <>
          <section>
            <h3 className="vd-label">Tactics</h3>
            <KillChain incident={incident} compact />
          </section>
          <section>
            <h3 className="vd-label">Entities ({incident.entities.length})</h3>
            <EntityChips incident={incident} entities={incident.entities} />
          </section>
          <section>
            <h3 className="vd-label">Alerts ({incident.alerts.length})</h3>
            <ul className="vd-preview-alerts">
              {incident.alerts.map((alert) => (
                <li key={alert.id}>
                  <SeverityIcon severity={alert.severity} />
                  <Link to={`${href}?alert=${encodeURIComponent(alert.id)}`}>{alert.title}</Link>
                  <span className="vd-muted">
                    {alert.rows} {alert.rows === 1 ? "row" : "rows"}
                  </span>
                </li>
              ))}
            </ul>
          </section>
          {incident.together.length > 0 && (
            <section>
              <h3 className="vd-label">Why these alerts are together</h3>
              <ul className="vd-plain-list">
                {incident.together.map((reason) => (
                  <li key={reason}>{reason}</li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
    </aside>
  );
}
