/** What people do with an incident: tasks, bookmarks, merging, splitting, undoing. */

import { Button, Checkbox, Input } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import type { Incident } from "../api/types";
import type { Move } from "../api/work";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Time } from "../time/Time";
import { historyLabel } from "./model";

/** A change of an incident: what it says when it is done, and the incidents that are to be read again. */
function useWork(incident: Incident) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ run }: { run: (ws: string) => Promise<unknown>; said: string }) => run(workspace.id),
    onSuccess: async (_, { said }) => {
      done(said);
      await client.invalidateQueries({ queryKey: ["incident", workspace.id] });
      await client.invalidateQueries({ queryKey: ["investigation", workspace.id, incident.number] });
    },
  });
}

function Tasks({ incident }: { incident: Incident }) {
  const { editIncidents } = useRights();
  const work = useWork(incident);
  const [title, setTitle] = useState("");
  const { number } = incident;
  const add = () => {
    const text = title.trim();
    if (!text) return;
    work.mutate({ run: (ws) => api.addTask(ws, number, text), said: `Task added to #${number}` }, { onSuccess: () => setTitle("") });
  };
  return (
    <section>
      <h2 className="vd-label">
        Tasks ({incident.tasks.filter((task) => task.status === "Completed").length} of {incident.tasks.length} done)
      </h2>
      {work.isError && <ErrorView what="The task was not saved" error={work.error} />}
      <ul className="vd-plain-list">
        {incident.tasks.map((task) => (
          <li key={task.id}>
            <Checkbox
              label={task.title}
              checked={task.status === "Completed"}
              disabled={!editIncidents || work.isPending}
              onChange={(_, data) => {
                const status = data.checked === true ? "Completed" : "New";
                work.mutate({ run: (ws) => api.changeTask(ws, number, task.id, { status }), said: `Task ${status.toLowerCase()}` });
              }}
            />
            {task.completedBy !== null && <span className="vd-muted"> · {task.completedBy}</span>}
            {task.description && <div className="vd-muted vd-pre">{task.description}</div>}
          </li>
        ))}
      </ul>
      {editIncidents && (
        <form
          className="vd-row"
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <Input size="small" aria-label="New task" maxLength={150} value={title} onChange={(_, data) => setTitle(data.value)} />
          <Button size="small" type="submit" disabled={!title.trim() || work.isPending}>
            Add task
          </Button>
        </form>
      )}
    </section>
  );
}

function Bookmarks({ incident }: { incident: Incident }) {
  return (
    <section>
      <h2 className="vd-label">Bookmarks ({incident.bookmarks.length})</h2>
      {incident.bookmarks.length === 0 && <p className="vd-muted">No rows are kept with this incident.</p>}
      <ul className="vd-plain-list">
        {incident.bookmarks.map((bookmark) => (
          <li key={bookmark.id}>
            <strong>{bookmark.displayName}</strong>{" "}
            <span className="vd-muted">
              <Time value={bookmark.eventTimeUtc} /> · {bookmark.createdBy.name}
            </span>
            {bookmark.entities.length > 0 && <div>{bookmark.entities.map((entity) => entity.name).join(", ")}</div>}
            {bookmark.notes && <div className="vd-muted vd-pre">{bookmark.notes}</div>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function moveText({ kind, from, to, alertIds }: Move) {
  const count = alertIds.length === 1 ? "1 alert" : `${alertIds.length} alerts`;
  return kind === "merge" ? `#${from} merged into #${to}, ${count}` : `#${to} split from #${from}, ${count}`;
}

function Regroup({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const { editIncidents } = useRights();
  const work = useWork(incident);
  const [source, setSource] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { number } = incident;
  const other = Number(source.replace("#", ""));
  return (
    <section>
      <h2 className="vd-label">Merge and split</h2>
      {incident.mergedInto !== null && (
        <p>
          Its alerts are in <Link to={workspacePath(workspace, "incidents", String(incident.mergedInto))}>#{incident.mergedInto}</Link>.
        </p>
      )}
      {work.isError && <ErrorView what="Nothing was moved" error={work.error} />}
      <ul className="vd-plain-list">
        {incident.moves.map((move) => (
          <li key={move.id}>
            {moveText(move)}{" "}
            <span className="vd-muted">
              <Time value={move.timeUtc} ago /> · {move.actor.name}
              {move.undoneBy !== null && ` · undone by ${move.undoneBy}`}
            </span>{" "}
            {editIncidents && move.undoneBy === null && (
              <Button
                size="small"
                disabled={work.isPending}
                onClick={() => work.mutate({ run: (ws) => api.undoMove(ws, move.id), said: `Undone: ${moveText(move)}` })}
              >
                Undo
              </Button>
            )}
          </li>
        ))}
      </ul>
      {editIncidents && incident.mergedInto === null && (
        <form
          className="vd-row"
          onSubmit={(event) => {
            event.preventDefault();
            work.mutate(
              { run: (ws) => api.merge(ws, number, [other]), said: `#${other} merged into #${number}` },
              { onSuccess: () => setSource("") },
            );
          }}
        >
          <Input
            size="small"
            aria-label="Number of the incident to merge into this one"
            placeholder="Incident number"
            value={source}
            onChange={(_, data) => setSource(data.value)}
          />
          <Button size="small" type="submit" disabled={!(Number.isSafeInteger(other) && other > 0) || work.isPending}>
            Merge into this
          </Button>
        </form>
      )}
      {editIncidents && incident.alerts.length > 1 && (
        <fieldset className="vd-split-off">
          <legend className="vd-muted">Alerts to move into an incident of their own</legend>
          {incident.alerts.map((alert) => (
            <div key={alert.id}>
              <Checkbox
                label={`${alert.title}, ${alert.rows} ${alert.rows === 1 ? "row" : "rows"}`}
                checked={chosen.includes(alert.id)}
                onChange={(_, data) =>
                  setChosen(data.checked === true ? [...chosen, alert.id] : chosen.filter((one) => one !== alert.id))
                }
              />
            </div>
          ))}
          <Button
            size="small"
            disabled={chosen.length === 0 || chosen.length === incident.alerts.length || work.isPending}
            onClick={() =>
              work.mutate(
                { run: (ws) => api.split(ws, number, chosen), said: `${chosen.length} alerts split from #${number}` },
                { onSuccess: () => setChosen([]) },
              )
            }
          >
            Split off
          </Button>
        </fieldset>
      )}
    </section>
  );
}

export function Work({ incident }: { incident: Incident }) {
  return (
    <div className="vd-stack">
      <Tasks incident={incident} />
      <Bookmarks incident={incident} />
      <Regroup incident={incident} />
      <section>
        <h2 className="vd-label">History ({incident.history.length})</h2>
        <table className="vd-history">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {incident.history.map((entry, index) => (
              <tr key={index}>
                <td>
                  <Time value={entry.time} />
                </td>
                <td>{entry.actor.name}</td>
                <td>{entry.title ?? historyLabel(entry.field)}</td>
                <td>{shown(entry.old)}</td>
                <td>{shown(entry.new)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "—";
  if (typeof value === "object") {
    if ("name" in value) return String(value.name);
    if ("incident" in value) return `#${String(value.incident)}`;
    return Array.isArray(value) ? value.join(", ") || "—" : Object.values(value).join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
