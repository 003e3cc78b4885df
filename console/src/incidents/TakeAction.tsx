/** What to do about an incident: how to mitigate the threat, and what would prevent the next one. */

import { Spinner } from "@fluentui/react-components";
import { ChevronDownRegular, ChevronRightRegular, DocumentSearchRegular, OpenRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import type { Incident } from "../api/types";
import type { Concerns, Mitigation, Recommendation, TakeAction as Actions } from "../api/work";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { logsLink } from "../logs/link";
import { Time } from "../time/Time";
import { AtSource } from "./AtSource";
import { SeverityBadge } from "./badges";
import { SEVERITIES } from "./model";
import { Suppress } from "./Suppress";

const CONCERNS: Record<Concerns, string> = {
  Resource: "",
  Inside: "part of what is affected",
  Around: "what is affected is part of it",
  SameName: "named like the host",
};

function Steps({ steps }: { steps: readonly string[] }) {
  return (
    <ol className="vd-steps">
      {steps.map((step, index) => (
        <li key={index}>{step}</li>
      ))}
    </ol>
  );
}

function Outside({ href, children }: { href: string; children: string }) {
  return (
    <a href={href} target="_blank" rel="noreferrer" className="vd-button-link">
      <OpenRegular aria-hidden /> {children}
    </a>
  );
}

function MitigationCard({ mitigation, onAlert }: { mitigation: Mitigation; onAlert: (id: string) => void }) {
  const [first] = mitigation.alertIds;
  const count = mitigation.alertIds.length;
  return (
    <article className="vd-card" aria-label={`Mitigate: ${mitigation.title}`}>
      <header className="vd-card-head">
        <strong>{mitigation.title}</strong>
        <span className="vd-spacer" />
        {first && (
          <button type="button" className="vd-link" onClick={() => onAlert(first)}>
            {count === 1 ? "Show the alert" : `Show the first of ${count} alerts`}
          </button>
        )}
        {mitigation.link && <Outside href={mitigation.link}>{`Open in ${mitigation.productName}`}</Outside>}
      </header>
      <div className="vd-card-body">
        <Steps steps={mitigation.steps} />
      </div>
    </article>
  );
}

function RecommendationCard({ one, initiallyOpen }: { one: Recommendation; initiallyOpen: boolean }) {
  const [open, setOpen] = useState(initiallyOpen);
  const severity = SEVERITIES.find((known) => known === one.severity);
  const bodyId = `recommendation-${one.id}`;
  const near = CONCERNS[one.concerns];
  return (
    <article className="vd-card" aria-label={`Recommendation: ${one.title}`}>
      <header className="vd-card-head">
        <button type="button" className="vd-card-toggle" aria-expanded={open} aria-controls={bodyId} onClick={() => setOpen(!open)}>
          {open ? <ChevronDownRegular aria-hidden /> : <ChevronRightRegular aria-hidden />}
          <strong>{one.title}</strong>
        </button>
        {severity ? <SeverityBadge severity={severity} /> : <span className="vd-badge">{one.severity ?? ""}</span>}
        <span className="vd-spacer" />
        <span className="vd-muted" title={one.resource.id}>
          {one.resource.name}
          {near && ` (${near})`}
        </span>
        {one.link && <Outside href={one.link}>Open in Azure</Outside>}
      </header>
      {open && (
        <div id={bodyId} className="vd-card-body">
          {one.description && <p>{one.description}</p>}
          {one.steps.length > 0 ? <Steps steps={one.steps} /> : <p className="vd-muted">It does not say how{one.link ? "; Azure does" : ""}.</p>}
          <div className="vd-muted">
            {one.resource.type} {one.resource.name} · open since <Time value={one.since} />
          </div>
        </div>
      )}
    </article>
  );
}

function Prevent({ prevent }: { prevent: Actions["prevent"] }) {
  const workspace = useWorkspace();
  return (
    <section>
      <div className="vd-row vd-section-head">
        <h2 className="vd-label">Prevent future attacks{prevent.value.length > 0 && ` (${prevent.value.length}${prevent.more ? "+" : ""})`}</h2>
        <span className="vd-spacer" />
        {prevent.query && (
          <Link className="vd-button-link" to={logsLink(workspace, { query: prevent.query, range: { kind: "query" }, run: true })}>
            <DocumentSearchRegular aria-hidden /> Open query in Logs
          </Link>
        )}
      </div>
      {prevent.reason && <p className="vd-muted">{prevent.reason}</p>}
      <div className="vd-stack">
        {prevent.value.map((one, index) => (
          <RecommendationCard key={`${one.id} ${one.resource.id}`} one={one} initiallyOpen={index < 3} />
        ))}
      </div>
      {prevent.more && <p className="vd-muted">There are more than these; the query shows all.</p>}
    </section>
  );
}

export function TakeAction({ incident, onAlert }: { incident: Incident; onAlert: (id: string) => void }) {
  const workspace = useWorkspace();
  const actions = useQuery({
    queryKey: ["investigation", workspace.id, incident.number, incident.etag, "take-action"],
    queryFn: () => api.takeAction(workspace.id, incident.number),
  });
  if (actions.isPending) return <Spinner size="tiny" label="Loading what to do" />;
  if (actions.isError) return <ErrorView what="What to do could not be loaded" error={actions.error} onRetry={() => void actions.refetch()} />;
  const { mitigate, prevent } = actions.data;
  return (
    <div className="vd-stack">
      <section>
        <h2 className="vd-label vd-section-head">Mitigate the threat</h2>
        {mitigate.length === 0 && <p className="vd-muted">None of its alerts says how.</p>}
        <div className="vd-stack">
          {mitigate.map((one) => (
            <MitigationCard key={one.alertIds[0]} mitigation={one} onAlert={onAlert} />
          ))}
        </div>
      </section>
      <Prevent prevent={prevent} />
      <AtSource incident={incident} />
      <Suppress incident={incident} />
      <section>
        <h2 className="vd-label vd-section-head">Respond automatically</h2>
        <p>
          <Link to={workspacePath(workspace, "automation")}>Automation rules</Link> do things by themselves when such an incident is made or
          changed.
        </p>
      </section>
    </div>
  );
}
