/** An entity: what it is, the incidents that it is in, what can be asked about it, and what happened with it. */

import "../app/configuration.css";
import "./incidents.css";

import { Spinner } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";

import { entities, type EntityDetail, type EntityEvent, type Exploration } from "../api/entities";
import { Breadcrumb } from "../app/Breadcrumb";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { Table } from "../app/Table";
import { Title } from "../app/Title";
import { logsLink } from "../logs/link";
import { formatRange, type TimeRange } from "../time/range";
import { Time } from "../time/Time";
import { TimeRangePicker } from "../time/TimeRangePicker";
import { SeverityBadge } from "./badges";
import { entityLink, readEntityHash, spanOf, type EntityPlace } from "./entity";
import { EntityIcon } from "./parts";

const KINDS = [
  { value: "", label: "All" },
  { value: "alert", label: "Alerts" },
  { value: "activity", label: "Activities" },
  { value: "bookmark", label: "Bookmarks" },
  { value: "action", label: "Actions" },
] as const;

function Explorations({ found, range }: { found: readonly Exploration[]; range: TimeRange }) {
  const workspace = useWorkspace();
  if (!found.length) return <p className="vd-muted">There is no exploration for entities of this type.</p>;
  return (
    <Table headings={["What", { title: "Results", number: true }, "Tables"]}>
      {found.map((one) => (
        <tr key={one.id}>
          <td>
            {one.query && one.count !== null ? <Link to={logsLink(workspace, { query: one.query, range, run: true })}>{one.title}</Link> : one.title}
            {one.reason && <div className="vd-muted">{one.reason}</div>}
          </td>
          <td className="vd-number">{one.count ?? "—"}</td>
          <td className="vd-muted">{one.tables.join(", ")}</td>
        </tr>
      ))}
    </Table>
  );
}

function Event({ event }: { event: EntityEvent }) {
  const workspace = useWorkspace();
  return (
    <tr>
      <td className="vd-nowrap">
        <Time value={event.time} />
      </td>
      <td className="vd-break">
        {event.incidentNumber ? <Link to={workspacePath(workspace, "incidents", event.incidentNumber)}>{event.title}</Link> : event.title}
        {event.detail && <div className="vd-muted vd-pre">{event.detail}</div>}
      </td>
      <td className="vd-muted">{event.source}</td>
    </tr>
  );
}

function Happened({ place }: { place: EntityPlace }) {
  const workspace = useWorkspace();
  const [kinds, setKinds] = useState("");
  const { entity, range } = place;
  const { data, error, refetch } = useQuery({
    queryKey: ["entity-timeline", workspace.id, entity, formatRange(range), kinds],
    queryFn: ({ signal }) => entities.timeline(workspace.id, entity, spanOf(range, Date.now()), kinds, { signal }),
  });
  const without = data?.sources.filter((one) => one.reason !== null) ?? [];
  const more = data?.sources.filter((one) => one.truncated) ?? [];
  return (
    <section aria-label="Timeline">
      <div className="vd-row">
        <h2>Timeline</h2>
        <div className="vd-facets" role="group" aria-label="Kinds">
          {KINDS.map((one) => (
            <button key={one.value} type="button" className="vd-facet" aria-pressed={kinds === one.value} onClick={() => setKinds(one.value)}>
              {one.label}
            </button>
          ))}
        </div>
      </div>
      {error && <ErrorView what="The timeline could not be loaded" error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Spinner size="small" label="Loading the timeline" />}
      {data?.value.length === 0 && <p className="vd-muted">Nothing happened with it in this time.</p>}
      {data && data.value.length > 0 && (
        <Table headings={["Time", "What", "Source"]}>
          {[...data.value].reverse().map((event) => (
            <Event key={event.id} event={event} />
          ))}
        </Table>
      )}
      {more.length > 0 && <p className="vd-muted">There is more of: {more.map((one) => one.title).join(", ")}. Choose a shorter time to see it.</p>}
      {without.map((one) => (
        <p key={one.id} className="vd-muted">
          {one.title}: {one.reason}
        </p>
      ))}
    </section>
  );
}

function Loaded({ detail, place }: { detail: EntityDetail; place: EntityPlace }) {
  const workspace = useWorkspace();
  return (
    <div className="vd-rule">
      <div className="vd-rule-main">
        <section aria-label="Explorations">
          <h2>Explore</h2>
          <Explorations found={detail.explorations} range={place.range} />
        </section>
        <Happened place={place} />
      </div>
      <aside className="vd-rule-side" aria-label="What is known of it">
        <dl className="vd-facts">
          <dt>First seen</dt>
          <dd>{detail.firstSeenTimeUtc ? <Time value={detail.firstSeenTimeUtc} /> : "never, in an alert"}</dd>
          <dt>Last seen</dt>
          <dd>{detail.lastSeenTimeUtc ? <Time value={detail.lastSeenTimeUtc} ago /> : "—"}</dd>
          {Object.entries(detail.properties).map(([name, value]) => (
            <div key={name} className="vd-contents">
              <dt>{name}</dt>
              <dd className="vd-break">{typeof value === "string" ? value : JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
        {detail.watchlists.length > 0 && (
          <section>
            <h2>Watchlists</h2>
            <ul className="vd-plain-list">
              {detail.watchlists.map((alias) => (
                <li key={alias}>
                  <Link to={workspacePath(workspace, "watchlists", alias)}>{alias}</Link>
                </li>
              ))}
            </ul>
          </section>
        )}
        <section>
          <h2>
            Incidents ({detail.incidents.length}
            {detail.moreIncidents && "+"})
          </h2>
          <ul className="vd-plain-list">
            {detail.incidents.map((one) => (
              <li key={one.number}>
                <Link to={workspacePath(workspace, "incidents", one.number)}>
                  #{one.number} {one.title}
                </Link>
                <div className="vd-row vd-muted">
                  <SeverityBadge severity={one.severity} /> {one.status}
                </div>
              </li>
            ))}
          </ul>
        </section>
        {detail.bookmarks.length > 0 && (
          <section>
            <h2>Bookmarks ({detail.bookmarks.length})</h2>
            <ul className="vd-plain-list">
              {detail.bookmarks.map((one) => (
                <li key={one.id}>
                  {one.displayName} <span className="vd-muted">· {one.createdBy.name}</span>
                </li>
              ))}
            </ul>
          </section>
        )}
      </aside>
    </div>
  );
}

export default function EntityPage() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const place = readEntityHash(useLocation().hash);
  const range = place ? formatRange(place.range) : "";
  const { data, error, refetch } = useQuery({
    queryKey: ["entity", workspace.id, place?.entity, range],
    queryFn: ({ signal }) => (place ? entities.get(workspace.id, place.entity, spanOf(place.range, Date.now()), { signal }) : Promise.reject(new Error("no entity"))),
    enabled: place !== null,
  });
  const name = data?.name ?? place?.entity.identifiers[0]?.[1] ?? "";
  return (
    <div className="vd-page">
      <Breadcrumb to={workspacePath(workspace, "incidents")} list="Incidents">
        {name || "Entity"}
      </Breadcrumb>
      <div className="vd-page-head">
        {place && <EntityIcon type={place.entity.type} />}
        <h1 className="vd-break">{name || "Entity"}</h1>
        {place && <span className="vd-muted">{place.entity.type}</span>}
        <span className="vd-spacer" />
        {place && <TimeRangePicker key={range} range={place.range} onChange={(next) => void navigate(entityLink(workspace, place.entity, next))} />}
      </div>
      {name && <Title>{name}</Title>}
      {!place && <EmptyState title="No entity is named">Open one from the entities of an incident.</EmptyState>}
      {error && <ErrorView what="It could not be loaded" error={error} onRetry={() => void refetch()} />}
      {place && !data && !error && <Spinner label="Asking the logs" className="vd-center" />}
      {place && data && <Loaded detail={data} place={place} />}
    </div>
  );
}
