import { Button, Input, Tag, TagGroup } from "@fluentui/react-components";
import { AddRegular } from "@fluentui/react-icons";
import { useState } from "react";
import { Link } from "react-router";

import type { Entity, FieldChanges, Incident } from "../api/types";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Time } from "../time/Time";
import type { ValueTarget } from "../values/ValueMenu";
import { Campaign } from "./Campaign";
import { KnownOfEntities } from "./KnownOfEntities";
import { verdictLabel } from "./model";
import { EntityChips } from "./parts";

function Labels({ incident, onChange }: { incident: Incident; onChange: (set: FieldChanges) => void }) {
  const { editIncidents } = useRights();
  const [text, setText] = useState<string | null>(null);
  const add = () => {
    const label = text?.trim();
    setText(null);
    if (label && !incident.labels.includes(label)) onChange({ labels: [...incident.labels, label] });
  };
  return (
    <div className="vd-row vd-wrap">
      {incident.labels.length > 0 && (
        <TagGroup
          aria-label="Labels"
          dismissible={editIncidents}
          size="small"
          onDismiss={(_, data) => onChange({ labels: incident.labels.filter((one) => one !== data.value) })}
        >
          {incident.labels.map((label) => (
            <Tag key={label} value={label} dismissible={editIncidents} dismissIcon={{ "aria-label": `Remove ${label}` }}>
              {label}
            </Tag>
          ))}
        </TagGroup>
      )}
      {editIncidents &&
        (text === null ? (
          <Button size="small" appearance="subtle" icon={<AddRegular />} onClick={() => setText("")}>
            Label
          </Button>
        ) : (
          <Input
            autoFocus
            size="small"
            aria-label="New label"
            value={text}
            maxLength={100}
            onChange={(_, data) => setText(data.value)}
            onBlur={add}
            onKeyDown={(event) => {
              if (event.key === "Enter") add();
              if (event.key === "Escape") setText(null);
            }}
          />
        ))}
      {!editIncidents && !incident.labels.length && <span className="vd-none">—</span>}
    </div>
  );
}

interface Props {
  incident: Incident;
  onChange: (set: FieldChanges) => void;
  filters: (entity: Entity) => Pick<ValueTarget, "filterIn" | "filterOut">;
  active: ReadonlySet<string>;
}

export function IncidentDetails({ incident, onChange, filters, active }: Props) {
  const workspace = useWorkspace();
  const groups = new Map<string, Entity[]>();
  for (const entity of incident.entities) groups.set(entity.type, [...(groups.get(entity.type) ?? []), entity]);
  return (
    <aside className="vd-incident-side" aria-label="Details">
      {incident.classification && (
        <section>
          <h2 className="vd-label">Classification</h2>
          <div>{verdictLabel(incident.classification, incident.classificationReason)}</div>
          {incident.classificationComment && <div className="vd-pre vd-muted">{incident.classificationComment}</div>}
        </section>
      )}
      <section>
        <h2 className="vd-label">Priority {incident.priority}</h2>
        <ul className="vd-priority">
          {incident.priorityParts.map((part) => (
            <li key={part.name} title={part.reason}>
              <meter min={0} max={part.of} value={Math.max(0, part.points)} aria-label={part.name} />
              <span>
                {part.name} {part.points} of {part.of}
              </span>
              <div className="vd-muted">{part.reason}</div>
            </li>
          ))}
        </ul>
      </section>
      {incident.together.length > 0 && (
        <section>
          <h2 className="vd-label">Why these alerts are together</h2>
          <ul className="vd-plain-list">
            {incident.together.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </section>
      )}
      <Campaign incident={incident} />
      <section>
        <h2 className="vd-label">Entities ({incident.entities.length})</h2>
        {groups.size === 0 && <span className="vd-muted">No entities are mapped.</span>}
        {[...groups].map(([type, entities]) => (
          <div key={type} className="vd-entity-group">
            <div className="vd-muted">{type}</div>
            <EntityChips incident={incident} entities={entities} filters={filters} active={active} />
          </div>
        ))}
      </section>
      <KnownOfEntities incident={incident} />
      <section>
        <h2 className="vd-label">Labels</h2>
        <Labels incident={incident} onChange={onChange} />
      </section>
      {incident.description && (
        <section>
          <h2 className="vd-label">Description</h2>
          <div className="vd-pre">{incident.description}</div>
        </section>
      )}
      <section>
        <dl className="vd-facts">
          <dt>First activity</dt>
          <dd>
            <Time value={incident.firstActivityTimeUtc} />
          </dd>
          <dt>Last activity</dt>
          <dd>
            <Time value={incident.lastActivityTimeUtc} />
          </dd>
          <dt>Created</dt>
          <dd>
            <Time value={incident.createdTimeUtc} />
          </dd>
          <dt>Last change</dt>
          <dd>
            <Time value={incident.lastModifiedTimeUtc} />
          </dd>
          <dt>Product</dt>
          <dd>{incident.alertProductNames.join(", ") || "—"}</dd>
          {incident.techniques.length > 0 && (
            <>
              <dt>Techniques</dt>
              <dd>{incident.techniques.join(", ")}</dd>
            </>
          )}
          <dt>Rules</dt>
          <dd>
            {incident.ruleIds.length === 0 && "—"}
            {incident.ruleIds.map((id) => {
              const name = incident.alerts.find((alert) => alert.ruleId === id)?.ruleName ?? id;
              return (
                <div key={id}>
                  <Link to={workspacePath(workspace, "analytics", id)}>{name}</Link>
                </div>
              );
            })}
          </dd>
          <dt>Id</dt>
          <dd className="vd-mono">{incident.id}</dd>
        </dl>
      </section>
    </aside>
  );
}
