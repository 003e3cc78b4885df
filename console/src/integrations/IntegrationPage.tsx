import "../app/configuration.css";

import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  Field,
  Input,
  Select,
  Spinner,
  Switch,
} from "@fluentui/react-components";
import { ChevronRightRegular, DeleteRegular } from "@fluentui/react-icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { api } from "../api/client";
import { ApiError } from "../api/http";
import type { Connector, ConnectorKind } from "../api/connectors";
import { done, failed } from "../app/activity";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { initialValues, problems, serverProblems, toWrite, type Entered } from "../destinations/form";
import { ManifestInput } from "../destinations/ManifestInput";
import { TestButton } from "../destinations/TestButton";
import { Time } from "../time/Time";
import { Endpoints, Status, troubleLabel } from "./Status";
import { useIntegrationKinds, useIntegrations } from "./useIntegrations";

const INTERVALS = [1, 5, 10, 15, 30, 60, 360, 1440];

function spoken(minutes: number): string {
  if (minutes % 60) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return minutes === 60 ? "1 hour" : `${minutes / 60} hours`;
}

function DeleteButton({ one }: { one: Connector }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = async () => {
    try {
      await api.deleteConnector(workspace.id, one.id);
      done(`Deleted ${one.name}`);
      await navigate(workspacePath(workspace, "integrations"));
      await client.invalidateQueries({ queryKey: ["connectors", workspace.id] });
    } catch (error) {
      failed(`Could not delete ${one.name}`, error);
    }
  };
  return (
    <Dialog modalType="alert">
      <DialogTrigger disableButtonEnhancement>
        <Button icon={<DeleteRegular />}>Delete</Button>
      </DialogTrigger>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Delete {one.name}?</DialogTitle>
          <DialogContent>Its settings, secrets and history are removed and cannot be brought back. What it collected stays.</DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button>Keep it</Button>
            </DialogTrigger>
            <DialogTrigger disableButtonEnhancement>
              <Button appearance="primary" onClick={() => void remove()}>
                Delete
              </Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function History({ one, kind }: { one: Connector; kind: ConnectorKind }) {
  const { id: ws } = useWorkspace();
  const polls = useQuery({ queryKey: ["connector-polls", ws, one.id], queryFn: () => api.connectorPolls(ws, one.id), refetchInterval: 5_000 });
  return (
    <section>
      <h2>History</h2>
      {polls.error && <ErrorView what="The history could not be loaded" error={polls.error} onRetry={() => void polls.refetch()} />}
      {polls.data?.value.length === 0 && <p className="vd-muted">Nothing has been polled yet.</p>}
      {!!polls.data?.value.length && (
        <table className="vd-table" aria-label="History">
          <thead>
            <tr>
              <th scope="col">Started</th>
              <th scope="col">Endpoint</th>
              <th scope="col">Outcome</th>
              <th scope="col">Events</th>
              <th scope="col">Pages</th>
            </tr>
          </thead>
          <tbody>
            {polls.data.value.map((poll) => (
              <tr key={`${poll.endpoint}-${poll.startedTimeUtc}`}>
                <td>
                  <Time value={poll.startedTimeUtc} />
                </td>
                <td>{kind.endpoints.find((at) => at.id === poll.endpoint)?.title ?? poll.endpoint}</td>
                <td>
                  <span className={poll.outcome === "ok" ? "vd-good" : "vd-caution"}>{poll.outcome === "ok" ? "Done" : troubleLabel(poll.outcome)}</span>
                  {poll.message && <div className="vd-wrap-text">{poll.message}</div>}
                  {Object.entries(poll.unknown).map(([name, count]) => (
                    <div key={name} className="vd-wrap-text vd-muted">
                      kept whole: {name} ({count})
                    </div>
                  ))}
                </td>
                <td>{poll.fetched}</td>
                <td>{poll.pages}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Form({ kind, one }: { kind: ConnectorKind; one: Connector | null }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { configure } = useRights();
  const [name, setName] = useState(one?.name ?? "");
  const [enabled, setEnabled] = useState(one?.enabled ?? true);
  const [entered, setEntered] = useState<Entered>(() => initialValues(kind, one));
  const [intervals, setIntervals] = useState<Readonly<Record<string, number>>>(() =>
    Object.fromEntries(kind.endpoints.map((at) => [at.id, one?.endpoints.find((stored) => stored.endpoint === at.id)?.intervalSeconds ?? at.intervalSeconds])),
  );
  const [tried, setTried] = useState(false);
  const save = useMutation({
    mutationFn: () => {
      const body = { ...toWrite({ kind: kind.id, fields: kind.fields }, name, enabled, entered, one === null), intervals: { ...intervals } };
      return one ? api.patchConnector(workspace.id, one.id, body) : api.createConnector(workspace.id, body);
    },
    onSuccess: async (saved) => {
      done(`Saved ${saved.name}`);
      await client.invalidateQueries({ queryKey: ["connectors", workspace.id] });
      if (!one) await navigate(workspacePath(workspace, "integrations"), { replace: true });
    },
  });
  const local = problems(kind, entered, one);
  const remote = save.error instanceof ApiError ? serverProblems(save.error.details) : {};
  const shown: Record<string, string> = tried ? { ...remote, ...local } : remote;
  const nameProblem = tried && !name.trim() ? "A name is needed." : shown.name;
  const submit = () => {
    setTried(true);
    if (!name.trim() || Object.keys(local).length) return;
    save.mutate();
  };
  const disabled = !configure || save.isPending;
  return (
    <div className="vd-rule">
      <div className="vd-rule-main">
        <form
          className="vd-stack vd-form"
          noValidate
          autoComplete="off"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <Field label="Name" required hint="As it is called here, such as Azure Production Tenant; each name once." validationMessage={nameProblem ?? null}>
            <Input value={name} disabled={disabled} maxLength={200} onChange={(_, data) => setName(data.value)} />
          </Field>
          {kind.fields.map((field) => (
            <ManifestInput
              key={`${field.name}-${one?.secrets[field.name]?.changedTimeUtc ?? ""}`}
              field={field}
              value={entered[field.name] ?? ""}
              problem={shown[field.name]}
              disabled={disabled}
              secret={one?.secrets[field.name]}
              onChange={(value) => setEntered((current) => ({ ...current, [field.name]: value }))}
            />
          ))}
          {kind.endpoints.map((at) => {
            const seconds = intervals[at.id] ?? at.intervalSeconds;
            const choices = [...new Set([...INTERVALS.map((minutes) => minutes * 60), at.intervalSeconds, seconds])].sort((a, b) => a - b);
            return (
              <Field key={at.id} label={`Polling interval: ${at.title}`} hint={`${at.description} Recommended: ${spoken(at.intervalSeconds / 60)}.`}>
                <Select
                  value={String(seconds)}
                  disabled={disabled}
                  onChange={(_, data) => setIntervals((current) => ({ ...current, [at.id]: Number(data.value) }))}
                >
                  {choices.map((choice) => (
                    <option key={choice} value={choice}>
                      {choice % 60 ? `${choice} seconds` : spoken(choice / 60)}
                    </option>
                  ))}
                </Select>
              </Field>
            );
          })}
          <Switch label="Enabled" checked={enabled} disabled={disabled} onChange={(_, data) => setEnabled(data.checked)} />
          {save.isError && <ErrorView what="It was not saved" error={save.error} />}
          {configure ? (
            <div className="vd-row">
              <Button type="submit" appearance="primary" disabled={save.isPending}>
                {save.isPending ? "Saving" : "Save"}
              </Button>
              <Button onClick={() => void navigate(workspacePath(workspace, "integrations"))}>Cancel</Button>
              <span className="vd-spacer" />
              {one && <DeleteButton one={one} />}
            </div>
          ) : (
            <p className="vd-muted">Your role in this workspace can read integrations and not change them.</p>
          )}
        </form>
        {one && <History one={one} kind={kind} />}
      </div>
      <aside className="vd-rule-side" aria-label="About this integration">
        <section>
          <h2>{kind.displayName}</h2>
          <p>{kind.description}</p>
        </section>
        {one && (
          <section>
            <h2>State</h2>
            <Status status={one.status} />
            <Endpoints one={one} kinds={kind.endpoints} />
            {configure && <TestButton run={() => api.testConnector(workspace.id, one.id)} list="connectors" />}
          </section>
        )}
        {kind.prerequisites.length > 0 && (
          <section>
            <h2>What you need</h2>
            <ul className="vd-plain-list">
              {kind.prerequisites.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </section>
        )}
        {kind.permissions.length > 0 && (
          <section>
            <h2>What its credentials must be allowed</h2>
            <ul className="vd-plain-list">
              {kind.permissions.map((permission) => (
                <li key={permission.name}>
                  <strong>{permission.name}</strong>: {permission.reason}
                </li>
              ))}
            </ul>
          </section>
        )}
        {kind.troubleshooting.length > 0 && (
          <section>
            <h2>When it does not work</h2>
            {kind.troubleshooting.map((row) => (
              <details key={row.error}>
                <summary>{row.error}</summary>
                <p>{row.cause}</p>
                <p>{row.solution}</p>
              </details>
            ))}
          </section>
        )}
      </aside>
    </div>
  );
}

export default function IntegrationPage() {
  const { id } = useParams();
  const [parameters] = useSearchParams();
  const workspace = useWorkspace();
  const integrations = useIntegrations();
  const kinds = useIntegrationKinds();
  const isNew = id === "new";
  const one = isNew ? null : integrations.data?.value.find((found) => found.id === id);
  const wanted = isNew ? parameters.get("kind") : one?.kind;
  const kind = kinds.data?.value.find((found) => found.id === wanted);
  const error = integrations.error ?? kinds.error;
  const loading = integrations.isPending || kinds.isPending;
  return (
    <div className="vd-page">
      <nav aria-label="Breadcrumb" className="vd-breadcrumb">
        <Link to={workspacePath(workspace, "integrations")}>Integrations</Link>
        <ChevronRightRegular aria-hidden />
        <span>{isNew ? `New ${kind?.displayName ?? ""}` : (one?.name ?? id)}</span>
      </nav>
      <div className="vd-page-head">
        <h1>{isNew ? `Add ${kind?.displayName ?? "an integration"}` : (one?.name ?? "Integration")}</h1>
      </div>
      {loading ? (
        <Spinner label="Loading" className="vd-center" />
      ) : kind && one !== undefined ? (
        <Form key={one?.id ?? "new"} kind={kind} one={one} />
      ) : error ? (
        <ErrorView what="The integration could not be loaded" error={error} onRetry={() => void integrations.refetch()} />
      ) : (
        <EmptyState
          title={one === undefined ? "There is no such integration" : `There is no integration named "${wanted ?? ""}"`}
          actions={<Link to={workspacePath(workspace, "integrations")}>All integrations</Link>}
        >
          It may have been deleted.
        </EmptyState>
      )}
    </div>
  );
}
