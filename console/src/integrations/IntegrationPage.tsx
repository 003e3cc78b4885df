import { Field, Select } from "@fluentui/react-components";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";

import { api } from "../api/client";
import type { Connector, ConnectorKind } from "../api/connectors";
import { Emphasis } from "../app/Emphasis";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { ConfiguredForm } from "../configured/ConfiguredForm";
import { About, ConfiguredPage } from "../configured/ConfiguredPage";
import { DeleteButton } from "../configured/DeleteButton";
import { TestButton } from "../configured/TestButton";
import { Time } from "../time/Time";
import { Endpoints, Status, troubleLabel } from "./Status";
import { useIntegrationKinds, useIntegrations } from "./useIntegrations";

const INTERVALS = [1, 5, 10, 15, 30, 60, 360, 1440];

function spoken(minutes: number): string {
  if (minutes % 60) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return minutes === 60 ? "1 hour" : `${minutes / 60} hours`;
}

function Delete({ one }: { one: Connector }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = async () => {
    await api.deleteConnector(workspace.id, one.id);
    await navigate(workspacePath(workspace, "integrations"));
    await client.invalidateQueries({ queryKey: ["connectors", workspace.id] });
  };
  return (
    <DeleteButton name={one.name} remove={remove}>
      Its settings, secrets and history are removed and cannot be brought back. What it collected stays.
    </DeleteButton>
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
        <Table label="History" headings={["Started", "Endpoint", "Outcome", "Events", "Pages"]}>
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
        </Table>
      )}
    </section>
  );
}

type Seconds = Readonly<Record<string, number>>;

function Intervals({ kind, intervals, disabled, onChange }: { kind: ConnectorKind; intervals: Seconds; disabled: boolean; onChange: (endpoint: string, seconds: number) => void }) {
  return kind.endpoints.map((at) => {
    const seconds = intervals[at.id] ?? at.intervalSeconds;
    const choices = [...new Set([...INTERVALS.map((minutes) => minutes * 60), at.intervalSeconds, seconds])].sort((a, b) => a - b);
    return (
      <Field key={at.id} label={`Polling interval: ${at.title}`} hint={`${at.description} Recommended: ${spoken(at.intervalSeconds / 60)}.`}>
        <Select value={String(seconds)} disabled={disabled} onChange={(_, data) => onChange(at.id, Number(data.value))}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice % 60 ? `${choice} seconds` : spoken(choice / 60)}
            </option>
          ))}
        </Select>
      </Field>
    );
  });
}

function Loaded({ kind, one }: { kind: ConnectorKind; one: Connector | null }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { configure } = useRights();
  const [intervals, setIntervals] = useState<Seconds>(() =>
    Object.fromEntries(kind.endpoints.map((at) => [at.id, one?.endpoints.find((stored) => stored.endpoint === at.id)?.intervalSeconds ?? at.intervalSeconds])),
  );
  return (
    <div className="vd-rule">
      <div className="vd-rule-main">
        <ConfiguredForm
          kind={{ kind: kind.id, fields: kind.fields }}
          stored={one}
          things="integrations"
          nameHint="As it is called here, such as Azure Production Tenant; each name once."
          list={workspacePath(workspace, "integrations")}
          save={(values) => {
            const body = { ...values, intervals: { ...intervals } };
            return one ? api.patchConnector(workspace.id, one.id, body) : api.createConnector(workspace.id, body);
          }}
          onSaved={async () => {
            await client.invalidateQueries({ queryKey: ["connectors", workspace.id] });
            if (!one) await navigate(workspacePath(workspace, "integrations"), { replace: true });
          }}
          more={(disabled) => (
            <Intervals kind={kind} intervals={intervals} disabled={disabled} onChange={(endpoint, seconds) => setIntervals((current) => ({ ...current, [endpoint]: seconds }))} />
          )}
          remove={one && <Delete one={one} />}
        />
        {one && <History one={one} kind={kind} />}
      </div>
      <About kind={kind} label="About this integration">
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
                <li key={line}>
                  <Emphasis text={line} />
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
                <p>
                  <Emphasis text={row.cause} />
                </p>
                <p>
                  <Emphasis text={row.solution} />
                </p>
              </details>
            ))}
          </section>
        )}
      </About>
    </div>
  );
}

export default function IntegrationPage() {
  return (
    <ConfiguredPage
      thing="integration"
      one="an integration"
      noKind="integration"
      stored={useIntegrations()}
      kinds={useIntegrationKinds()}
      kindOf={(kind) => kind.id}
    >
      {(kind, one) => <Loaded key={one?.id ?? "new"} kind={kind} one={one} />}
    </ConfiguredPage>
  );
}
