import { Link } from "react-router";

import type { CampaignThing, Incident } from "../api/types";
import { useWorkspace, workspacePath } from "../app/session";
import { Time } from "../time/Time";
import { spaced, tacticLabel } from "./model";

const SHOWN = 5;

function named(things: readonly CampaignThing[], count = things.length): string {
  const names = things.slice(0, SHOWN).map((one) => `${/^[A-Z]+$/.test(one.type) ? one.type : spaced(one.type).toLowerCase()} ${one.name}`);
  return names.join(", ") + (count > names.length ? ` and ${count - names.length} more` : "");
}

/** The stages of a campaign that a Fusion rule has seen, what linked each to another, and the incidents that have its alerts. */
export function Campaign({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const { campaign, campaignIncidents: others } = incident;
  if (!campaign && others.length === 0) return null;
  const places = new Map(campaign?.signals.map((signal) => [signal.id, signal.incidentNumber]));
  const place = (number: number | null | undefined) =>
    number && number !== incident.number ? <Link to={workspacePath(workspace, "incidents", number)}>Incident {number}</Link> : null;
  return (
    <section>
      <h2 className="vd-label">Campaign</h2>
      {campaign && (
        <>
          <ul className="vd-plain-list">
            {campaign.stages.map((stage) => (
              <li key={stage.tactic}>
                {tacticLabel(stage.tactic)} · <Time value={stage.timeUtc} />
                <div>
                  {stage.title} {place(places.get(stage.signalId))}
                </div>
                <div className="vd-muted">
                  {stage.linkedBy?.length ? `Linked to “${stage.linkedToTitle}” by ${named(stage.linkedBy)}` : named(stage.entities)}
                  {stage.signals > 1 && `; ${stage.signals - 1} more`}
                </div>
              </li>
            ))}
          </ul>
          {campaign.impact.resources.length > 0 && (
            <div className="vd-muted">
              Impact: {tacticLabel(campaign.impact.tactic)} on {named(campaign.impact.resources, campaign.impact.count)}
            </div>
          )}
        </>
      )}
      {others.length > 0 && (
        <div>
          {campaign ? "Its alerts are in" : "Part of the campaign of"}{" "}
          {others.map((number, index) => (
            <span key={number}>
              {index > 0 && ", "}
              {place(number)}
            </span>
          ))}
        </div>
      )}
    </section>
  );
}
