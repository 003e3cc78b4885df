/** What the workspace knows of an incident's entities: looked up by itself when it is made, and when they change. */

import { Button } from "@fluentui/react-components";
import { ArrowClockwiseRegular } from "@fluentui/react-icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Incident } from "../api/types";
import type { Fact, Known } from "../api/work";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace } from "../app/session";
import { Time } from "../time/Time";

const SHOWN = 3;
/** Milliseconds until an incident whose look-up waits is asked for again. */
const AGAIN = 2000;

const shown = (value: unknown): string =>
  Array.isArray(value) ? value.map(shown).join(", ") : typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

function FactView({ fact, entity }: { fact: Fact; entity: string | undefined }) {
  const properties = Object.entries(fact.properties);
  const head = (
    <>
      {fact.title}
      {entity && <span className="vd-muted"> · {entity}</span>}
    </>
  );
  if (properties.length === 0) return <li>{head}</li>;
  return (
    <li>
      <details>
        <summary>{head}</summary>
        <dl className="vd-facts">
          {properties.map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}>
              <dt>{name}</dt>
              <dd>{shown(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </li>
  );
}

function KnownView({ known, incident }: { known: Known; incident: Incident }) {
  const [all, setAll] = useState(false);
  const facts = all ? known.facts : known.facts.slice(0, SHOWN);
  const rest = known.facts.length - facts.length;
  return (
    <div className="vd-entity-group">
      <h3 className="vd-muted">
        {known.title} ({known.facts.length}
        {known.more && "+"})
      </h3>
      <ul className="vd-plain-list">
        {facts.map((fact, index) => (
          <FactView key={index} fact={fact} entity={incident.entities.find((one) => one.id === fact.entityId)?.name} />
        ))}
      </ul>
      {rest > 0 && (
        <button type="button" className="vd-link" onClick={() => setAll(true)}>
          Show {rest} more
        </button>
      )}
    </div>
  );
}

export function KnownOfEntities({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const { editIncidents: can } = useRights();
  const key = ["investigation", workspace.id, incident.number, incident.etag, "enrichment"];
  const found = useQuery({
    queryKey: key,
    queryFn: () => api.enrichment(workspace.id, incident.number),
    refetchInterval: (query) => (query.state.data?.state === "Waiting" ? AGAIN : false),
  });
  const again = useMutation({
    mutationFn: () => api.enrich(workspace.id, incident.number),
    onSuccess: (now) => client.setQueryData(key, now),
  });
  const { data } = found;
  const known = data?.value.filter((one) => one.facts.length > 0) ?? [];
  const silent = data?.value.filter((one) => one.facts.length === 0 && one.reason) ?? [];
  return (
    <section aria-label="Known of the entities">
      <div className="vd-row">
        <h2 className="vd-label">Known of the entities</h2>
        <span className="vd-spacer" />
        <Button
          size="small"
          appearance="subtle"
          icon={<ArrowClockwiseRegular />}
          aria-label="Look up again"
          title={can ? "Look up again" : "Your role in this workspace cannot edit incidents"}
          disabled={!can || again.isPending}
          onClick={() => again.mutate()}
        />
      </div>
      {found.isError && <ErrorView what="What is known of the entities could not be loaded" error={found.error} />}
      {again.isError && <ErrorView what="It could not be looked up" error={again.error} />}
      {data?.state === "Waiting" && <p className="vd-muted">It is being looked up.</p>}
      {data && data.state !== "Waiting" && known.length === 0 && <p className="vd-muted">Nothing is known of them.</p>}
      {known.map((one) => (
        <KnownView key={one.id} known={one} incident={incident} />
      ))}
      {silent.length > 0 && (
        <details className="vd-muted">
          <summary>What could not tell ({silent.length})</summary>
          <ul className="vd-plain-list">
            {silent.map((one) => (
              <li key={one.id}>
                {one.title}: {one.reason}
              </li>
            ))}
          </ul>
        </details>
      )}
      {data?.enrichedTimeUtc && (
        <p className="vd-muted">
          As of <Time value={data.enrichedTimeUtc} />
        </p>
      )}
    </section>
  );
}
