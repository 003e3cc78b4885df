/** The investigation of an incident: its graph, and the incidents that were like it. */

import { Spinner } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { api } from "../api/client";
import type { Incident } from "../api/types";
import type { Graph, GraphNode } from "../api/work";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { around, type TimeRange } from "../time/range";
import { entityLink, refOf } from "./entity";
import { verdictLabel } from "./model";

const COLUMNS = ["bookmark", "incident", "alert", "entity", "related"] as const;
const WIDTH = 148;
const GAP = 38;
const HEIGHT = 26;
const MOST = 120;

/** The nodes in columns: incident, alerts, entities, other incidents; each a row of its column. */
function placed(graph: Graph, root: string) {
  const rows = new Map<string, number>();
  const places = new Map<string, { node: GraphNode; x: number; y: number }>();
  for (const node of graph.nodes.slice(0, MOST)) {
    const column = node.kind === "incident" && node.id !== root ? "related" : node.kind;
    const kinds = COLUMNS.filter((one) => one !== "bookmark" || graph.nodes.some((other) => other.kind === "bookmark"));
    const index = Math.max(0, kinds.indexOf(column));
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    places.set(node.id, { node, x: index * (WIDTH + GAP), y: row * (HEIGHT + 10) });
  }
  return { places, height: Math.max(1, ...rows.values()) * (HEIGHT + 10) };
}

const short = (text: string) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);

function Picture({ graph, root, range }: { graph: Graph; root: string; range: TimeRange }) {
  const workspace = useWorkspace();
  const { places, height } = placed(graph, root);
  const width = Math.max(...[...places.values()].map((place) => place.x)) + WIDTH;
  return (
    <div className="vd-graph">
      <svg width={width + 2} height={height + 2} role="group" aria-label={`Graph of ${graph.nodes.length} nodes and ${graph.edges.length} edges`}>
        {graph.edges.map((edge) => {
          const from = places.get(edge.from);
          const to = places.get(edge.to);
          if (!from || !to) return null;
          const [left, right] = from.x <= to.x ? [from, to] : [to, from];
          return (
            <line
              key={`${edge.from} ${edge.to}`}
              className="vd-graph-edge"
              x1={left.x + WIDTH}
              y1={left.y + HEIGHT / 2 + 1}
              x2={right.x}
              y2={right.y + HEIGHT / 2 + 1}
            >
              <title>{edge.label}</title>
            </line>
          );
        })}
        {[...places.values()].map(({ node, x, y }) => {
          const label = node.kind === "incident" ? `#${node.number} ${node.name}` : node.name;
          const box = (
            <g key={node.id} className={`vd-graph-${node.kind}`} transform={`translate(${x + 1} ${y + 1})`}>
              <rect width={WIDTH - 2} height={HEIGHT} rx={4} />
              <text x={8} y={17}>
                {short(label)}
              </text>
              <title>{`${node.type ?? node.kind}: ${label}`}</title>
            </g>
          );
          if (node.kind === "entity" && node.type !== undefined)
            return (
              <Link key={node.id} to={entityLink(workspace, refOf(node.type, node.properties ?? {}), range)}>
                {box}
              </Link>
            );
          return node.kind === "incident" && node.id !== root ? (
            <Link key={node.id} to={workspacePath(workspace, "incidents", String(node.number))}>
              {box}
            </Link>
          ) : (
            box
          );
        })}
      </svg>
      {graph.nodes.length > MOST && <p className="vd-muted">The first {MOST} of {graph.nodes.length} nodes are drawn.</p>}
      {graph.notes.map((note) => (
        <p key={note} className="vd-muted">
          {note}
        </p>
      ))}
    </div>
  );
}

export function Investigate({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const key = ["investigation", workspace.id, incident.number, incident.etag];
  const graph = useQuery({ queryKey: [...key, "graph"], queryFn: () => api.graph(workspace.id, incident.number) });
  const similar = useQuery({ queryKey: [...key, "similar"], queryFn: () => api.similar(workspace.id, incident.number) });
  return (
    <div className="vd-stack">
      <section>
        <h2 className="vd-label">Graph</h2>
        {graph.isPending && <Spinner size="tiny" label="Loading the graph" />}
        {graph.isError && <ErrorView what="The graph could not be loaded" error={graph.error} />}
        {graph.data && <Picture graph={graph.data} root={`incident-${incident.number}`} range={around(incident.lastActivityTimeUtc ?? incident.createdTimeUtc, 72)} />}
      </section>
      <section>
        <h2 className="vd-label">Similar incidents</h2>
        {similar.isError && <ErrorView what="They could not be loaded" error={similar.error} />}
        {similar.data?.value.length === 0 && <p className="vd-muted">None was like it.</p>}
        <ul className="vd-plain-list">
          {similar.data?.value.map((one) => (
            <li key={one.number}>
              <Link to={workspacePath(workspace, "incidents", String(one.number))}>
                #{one.number} {one.title}
              </Link>{" "}
              <strong>{one.classification ? verdictLabel(one.classification, one.classificationReason) : one.status}</strong>
              <div className="vd-muted">{one.reasons.join(". ")}.</div>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
