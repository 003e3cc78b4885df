import { Button } from "@fluentui/react-components";
import { ChevronDownRegular, ChevronRightRegular, DocumentSearchRegular } from "@fluentui/react-icons";
import { useEffect, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";

import type { Alert, Entity, Incident } from "../api/types";
import { useWorkspace, workspacePath } from "../app/session";
import { ResultGrid } from "../grid/ResultGrid";
import { logsLink } from "../logs/link";
import { Time } from "../time/Time";
import type { TimeRange } from "../time/range";
import { columnName, condition, withStage } from "../values/kql";
import type { ValueTarget } from "../values/ValueMenu";
import { SeverityBadge, Tactics } from "./badges";
import { KeepRow } from "./KeepRow";
import { EntityChips } from "./parts";

interface Props {
  alert: Alert;
  incident: Incident;
  initiallyOpen: boolean;
  /** The alert that a link or the timeline points at. */
  focused: boolean;
  filters: (entity: Entity) => Pick<ValueTarget, "filterIn" | "filterOut">;
  active: ReadonlySet<string>;
  /** Shows what to do about it. */
  onAction: () => void;
}

/** Where the product that sent the alert shows it; an address of another kind than https is none. */
export function backLink(alert: Pick<Alert, "properties">): string | undefined {
  const link = alert.properties.AlertLink;
  return link?.startsWith("https://") ? link : undefined;
}

export function AlertCard({ alert, incident, initiallyOpen, focused, filters, active, onAction }: Props) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const [open, setOpen] = useState(initiallyOpen || focused);
  const [showQuery, setShowQuery] = useState(false);
  const card = useRef<HTMLElement>(null);
  const [wasFocused, setWasFocused] = useState(focused);
  if (wasFocused !== focused) {
    setWasFocused(focused);
    if (focused) setOpen(true);
  }
  useEffect(() => {
    if (!focused) return;
    card.current?.scrollIntoView({ block: "nearest" });
  }, [focused]);

  const entities = incident.entities.filter((entity) => alert.entities.includes(entity.id));
  const range: TimeRange = { kind: "absolute", start: alert.start, end: alert.end };
  const inLogs = (stage: string) => void navigate(logsLink(workspace, { query: withStage(alert.query, stage), range, run: true }));
  const bodyId = `alert-${alert.id}`;
  return (
    <article ref={card} className={`vd-card${focused ? " vd-card-focused" : ""}`} aria-label={`Alert: ${alert.ruleName}`}>
      <header className="vd-card-head">
        <button
          type="button"
          className="vd-card-toggle"
          aria-expanded={open}
          aria-controls={bodyId}
          onClick={() => setOpen(!open)}
        >
          {open ? <ChevronDownRegular aria-hidden /> : <ChevronRightRegular aria-hidden />}
          <strong>{alert.title}</strong>
        </button>
        <SeverityBadge severity={alert.severity} />
        <span className="vd-muted">
          <Tactics tactics={alert.tactics} />
        </span>
        <span className="vd-spacer" />
        <span className="vd-nowrap">
          {alert.rows} {alert.rows === 1 ? "row" : "rows"}
        </span>
        <Link className="vd-button-link" to={logsLink(workspace, { query: alert.query, range, run: true })}>
          <DocumentSearchRegular aria-hidden /> Open query in Logs
        </Link>
      </header>
      {open && (
        <div id={bodyId} className="vd-card-body">
          <div className="vd-row vd-wrap vd-muted">
            <span title="First and last event">
              <Time value={alert.firstActivityTimeUtc} />
              {alert.lastActivityTimeUtc !== alert.firstActivityTimeUtc && (
                <>
                  {" "}
                  – <Time value={alert.lastActivityTimeUtc} />
                </>
              )}
            </span>
            <Link to={workspacePath(workspace, "analytics", alert.ruleId)} title="The rule">
              {alert.ruleName}
            </Link>
            {backLink(alert) && (
              <a href={backLink(alert)} target="_blank" rel="noreferrer">
                Open in {alert.productName}
              </a>
            )}
            {alert.properties.RemediationSteps && (
              <button type="button" className="vd-link" onClick={onAction}>
                What to do
              </button>
            )}
            <Button size="small" appearance="transparent" onClick={() => setShowQuery(!showQuery)} aria-expanded={showQuery}>
              {showQuery ? "Hide the query" : "Show the query"}
            </Button>
          </div>
          {showQuery && (
            <>
              <div className="vd-muted">
                Searched from <Time value={alert.start} /> to <Time value={alert.end} />
              </div>
              <pre className="vd-code" tabIndex={0} aria-label="Query of the rule">
                {alert.query}
              </pre>
            </>
          )}
          {alert.description && <p className="vd-pre vd-prose">{alert.description}</p>}
          {alert.notes.map((note) => (
            <p key={note} className="vd-warn">
              {note}
            </p>
          ))}
          {Object.keys(alert.customDetails).length > 0 && (
            <dl className="vd-facts" aria-label="Custom details">
              {Object.entries(alert.customDetails).map(([name, values]) => (
                <div key={name} className="vd-contents">
                  <dt>{name}</dt>
                  <dd className="vd-break">{values.map(String).join(", ")}</dd>
                </div>
              ))}
            </dl>
          )}
          <EntityChips incident={incident} entities={entities} filters={filters} active={active} />
          {alert.sample.rows.length > 0 ? (
            <>
              <ResultGrid
                label={`Sample rows of ${alert.ruleName}`}
                columns={alert.sample.columns}
                rows={alert.sample.rows}
                maxHeight={260}
                rowActions={(row) => <KeepRow row={row} query={alert.query} incident={incident.number} />}
                actions={(column, value) => ({
                  filterIn: () => inLogs(`where ${condition(column.name, value, column.type, true)}`),
                  filterOut: () => inLogs(`where ${condition(column.name, value, column.type, false)}`),
                  topValues: () => inLogs(`summarize Count = count() by ${columnName(column.name)}\n| top 10 by Count`),
                })}
              />
              {alert.sample.rows.length < alert.rows && (
                <div className="vd-muted">
                  {alert.sample.rows.length} of {alert.rows} rows are kept with the alert; the query shows all.
                </div>
              )}
            </>
          ) : (
            <div className="vd-muted">No rows are kept with this alert; open its query in Logs.</div>
          )}
        </div>
      )}
    </article>
  );
}
