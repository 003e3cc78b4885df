import "../app/configuration.css";

import { Button, MessageBar, MessageBarBody, MessageBarTitle, Spinner, Switch, Tab, TabList } from "@fluentui/react-components";
import { DocumentSearchRegular, EditRegular, PlayRegular } from "@fluentui/react-icons";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { api } from "../api/client";
import type { Rule, RuleRun } from "../api/types";
import { Breadcrumb } from "../app/Breadcrumb";
import { Table } from "../app/Table";
import { useCommands } from "../app/commands";
import { ErrorView } from "../app/ErrorView";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Title } from "../app/Title";
import { DeleteButton } from "../configured/DeleteButton";
import { SeverityBadge } from "../incidents/badges";
import { tacticLabel } from "../incidents/model";
import { logsLink } from "../logs/link";
import { formatElapsed } from "../time/format";
import { DEFAULT_RANGE, durationText, type TimeRange } from "../time/range";
import { Ago, Time, useNow } from "../time/Time";
import { Coverage } from "./Coverage";
import { Exceptions, useExceptions } from "./Exceptions";
import { ExportRules } from "./ExportRules";
import { Outcome } from "./outcome";
import { EditRule } from "./RuleText";
import { brokenText, useBrokenRules, useRule, useRuleRuns, useRunRule, useSetRuleEnabled } from "./useRules";

const OPERATORS: Readonly<Record<string, string>> = {
  gt: "more than",
  lt: "fewer than",
  eq: "exactly",
  ne: "other than",
  greaterthan: "more than",
  lessthan: "fewer than",
  equal: "exactly",
  notequal: "other than",
};

/** "Alerts when the query gives more than 0 rows." */
export function thresholdText(rule: Pick<Rule, "triggerOperator" | "triggerThreshold">): string {
  if (rule.triggerOperator === null || rule.triggerThreshold === null) return "Alerts on every row";
  const operator = OPERATORS[rule.triggerOperator.toLowerCase()] ?? rule.triggerOperator;
  return `Alerts when the query gives ${operator} ${rule.triggerThreshold} rows`;
}

/** A run that is due stands in the past: a window is searched some minutes after its end, for events that come late. */
function NextRun({ rule }: { rule: Rule }) {
  const now = useNow();
  if (!rule.enabled) return "disabled";
  if (rule.kind === "NRT") return "continuously";
  return rule.nextRunTimeUtc !== null && Date.parse(rule.nextRunTimeUtc) <= now ? "due" : <Ago value={rule.nextRunTimeUtc} />;
}

/** The id of a window that was settled without a run: it has no page. */
const WITHOUT_RUN = /^\d+$/;

function Runs({ runs }: { runs: readonly RuleRun[] }) {
  const workspace = useWorkspace();
  if (!runs.length) return <p className="vd-muted">It has not run yet. Run it now, or enable it and wait for its time.</p>;
  return (
    <Table headings={["Started", "Outcome", "Window", { title: "Rows", number: true }, { title: "Alerts", number: true }, "Incidents", { title: "Took", number: true }]}>
      {runs.map((run) => (
        <tr key={run.id}>
          <td>
            {WITHOUT_RUN.test(run.id) ? (
              <Time value={run.startedTimeUtc} />
            ) : (
              <Link to={workspacePath(workspace, "runs", run.id)}>
                <Time value={run.startedTimeUtc} />
              </Link>
            )}
            <div className="vd-muted">{run.trigger === "manual" ? "by hand" : "on schedule"}</div>
          </td>
          <td>
            <Outcome outcome={run.outcome} />
            {run.note && <div className="vd-muted">{run.note}</div>}
            {run.error && (
              <div className="vd-warn">
                {run.error.message} {run.error.hint}
              </div>
            )}
          </td>
          <td>
            <span className="vd-nowrap">
              <Time value={run.windowStartUtc} precision="minute" /> –
            </span>{" "}
            <Time value={run.windowEndUtc} precision="minute" />
          </td>
          <td className="vd-number">{run.rows}</td>
          <td className="vd-number">{run.alerts}</td>
          <td>
            {run.incidents.map((number) => (
              <Link key={number} to={workspacePath(workspace, "incidents", number)} className="vd-gap">
                #{number}
              </Link>
            ))}
          </td>
          <td className="vd-number">{formatElapsed(run.durationMs)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** What it asks, and what its runs found. */
function Overview({ rule }: { rule: Rule }) {
  const workspace = useWorkspace();
  const runs = useRuleRuns(rule.id);
  const range: TimeRange = rule.queryPeriod ? { kind: "relative", duration: rule.queryPeriod } : DEFAULT_RANGE;
  return (
    <>
      <section>
        <div className="vd-row">
          <h2>Query</h2>
          <span className="vd-spacer" />
          <Link className="vd-button-link" to={logsLink(workspace, { query: rule.query, range, run: true })}>
            <DocumentSearchRegular aria-hidden /> Open in Logs
          </Link>
        </div>
        <pre className="vd-code" tabIndex={0} aria-label="Query">
          {rule.query}
        </pre>
      </section>
      <section>
        <h2>Last runs</h2>
        {runs.isPending && <Spinner size="small" label="Loading the runs" />}
        {runs.error && <ErrorView what="The runs could not be loaded" error={runs.error} onRetry={() => void runs.refetch()} />}
        {runs.data && <Runs runs={runs.data.value} />}
      </section>
    </>
  );
}

const TABS = ["overview", "coverage", "exceptions"] as const;

function Main({ rule }: { rule: Rule }) {
  const [parameters, setParameters] = useParameters();
  const tab = TABS.find((one) => one === parameters.get("tab")) ?? "overview";
  const exceptions = useExceptions(rule.id);
  return (
    <div className="vd-rule-main">
      <TabList
        selectedValue={tab}
        onTabSelect={(_, data) =>
          setParameters((next) => {
            setOrDelete(next, "tab", data.value === "overview" ? "" : String(data.value));
            return next;
          })
        }
      >
        <Tab value="overview">Overview</Tab>
        <Tab value="coverage">Coverage</Tab>
        <Tab value="exceptions">Exceptions{exceptions.data?.count ? ` (${exceptions.data.count})` : ""}</Tab>
      </TabList>
      {tab === "overview" ? <Overview rule={rule} /> : tab === "coverage" ? <Coverage rule={rule} /> : <Exceptions rule={rule} />}
    </div>
  );
}

function Loaded({ rule }: { rule: Rule }) {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const runRule = useRunRule();
  const setEnabled = useSetRuleEnabled();
  const fault = useBrokenRules().get(rule.id);
  const [editing, setEditing] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = async () => {
    await api.deleteRule(workspace.id, rule.id);
    await navigate(workspacePath(workspace, "analytics"));
    for (const key of ["rules", "broken-rules"]) await client.invalidateQueries({ queryKey: [key, workspace.id] });
  };
  useCommands([
    { id: "rule-run", title: "Run the rule now", group: "This rule", keys: ["n"], enabled: configure && !runRule.isPending, run: () => runRule.mutate(rule) },
    { id: "rule-edit", title: "Edit the rule", group: "This rule", keys: ["e"], enabled: configure && !editing, run: () => setEditing(true) },
    { id: "rule-enable", title: rule.enabled ? "Disable the rule" : "Enable the rule", group: "This rule", enabled: configure, run: () => void setEnabled(rule, !rule.enabled) },
  ]);
  return (
    <>
      <div className="vd-page-head">
        <Title>{rule.name}</Title>
        <h1>{rule.name}</h1>
        <SeverityBadge severity={rule.severity} />
        <span className="vd-spacer" />
        <Switch
          label={rule.enabled ? "Enabled" : "Disabled"}
          checked={rule.enabled}
          disabled={!configure}
          onChange={(_, data) => void setEnabled(rule, data.checked)}
        />
        <ExportRules rule={rule} />
        {configure && (
          <>
            <Button size="small" icon={<EditRegular />} disabled={editing} onClick={() => setEditing(true)}>
              Edit
            </Button>
            <DeleteButton small name={rule.name} remove={remove}>
              It runs no more, and its revisions go. Its alerts and incidents stay.
            </DeleteButton>
          </>
        )}
        {configure && (
          <Button
            size="small"
            appearance="primary"
            icon={runRule.isPending ? <Spinner size="extra-tiny" /> : <PlayRegular />}
            disabled={runRule.isPending}
            onClick={() => runRule.mutate(rule)}
          >
            {runRule.isPending ? "Running" : "Run now"}
          </Button>
        )}
      </div>
      {fault && (
        <MessageBar intent="error" layout="multiline" className="vd-error">
          <MessageBarBody>
            <MessageBarTitle>The query cannot be run</MessageBarTitle>
            {brokenText(fault)}
            <div>{fault.missing.some((one) => one.kind === "table") ? "It is tried again with every window: rows for the missing table make it whole." : "It finds nothing until it is edited."}</div>
          </MessageBarBody>
        </MessageBar>
      )}
      {editing && <EditRule rule={rule} onClose={() => setEditing(false)} />}
      {rule.description && <p className="vd-pre vd-prose">{rule.description}</p>}
      <div className="vd-rule">
        <Main rule={rule} />
        <aside className="vd-rule-side" aria-label="Settings of the rule">
          <section>
            <h2>Schedule</h2>
            <dl className="vd-facts">
              <dt>Kind</dt>
              <dd>{rule.kind}</dd>
              <dt>Runs every</dt>
              <dd>{rule.queryFrequency ? durationText(rule.queryFrequency) : "—"}</dd>
              <dt>Looks back</dt>
              <dd>{rule.queryPeriod ? durationText(rule.queryPeriod) : "—"}</dd>
              <dt>Threshold</dt>
              <dd>{thresholdText(rule)}</dd>
              <dt>After an alert</dt>
              <dd>{rule.suppressionEnabled && rule.suppressionDuration ? `pauses for ${durationText(rule.suppressionDuration)}` : "goes on"}</dd>
              <dt>Next run</dt>
              <dd>
                <NextRun rule={rule} />
              </dd>
            </dl>
          </section>
          <section>
            <h2>Attack</h2>
            <dl className="vd-facts">
              <dt>Tactics</dt>
              <dd>{rule.tactics.map(tacticLabel).join(", ") || "—"}</dd>
              <dt>Techniques</dt>
              <dd>{rule.techniques.join(", ") || "—"}</dd>
            </dl>
          </section>
          <section>
            <h2>Entity mappings</h2>
            {rule.entityMappings.length === 0 && <p className="vd-muted">None: its alerts name no entities.</p>}
            <dl className="vd-facts">
              {rule.entityMappings.map((mapping, index) => (
                <div key={`${mapping.entityType}-${index}`} className="vd-contents">
                  <dt>{mapping.entityType}</dt>
                  <dd>
                    {mapping.fieldMappings.map((field) => (
                      <div key={field.identifier}>
                        {field.identifier} ← <code>{field.columnName}</code>
                      </div>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
          {Object.keys(rule.customDetails).length > 0 && (
            <section>
              <h2>Custom details</h2>
              <dl className="vd-facts">
                {Object.entries(rule.customDetails).map(([name, column]) => (
                  <div key={name} className="vd-contents">
                    <dt>{name}</dt>
                    <dd>
                      <code>{column}</code>
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          )}
          <section>
            <dl className="vd-facts">
              <dt>Version</dt>
              <dd>{rule.version ?? "—"}</dd>
              <dt>Source</dt>
              <dd className="vd-break">{rule.source ?? "—"}</dd>
              <dt>Id</dt>
              <dd className="vd-mono vd-break">{rule.id}</dd>
            </dl>
          </section>
        </aside>
      </div>
    </>
  );
}

export default function RulePage() {
  const { id = "" } = useParams();
  const workspace = useWorkspace();
  const { data, error, refetch } = useRule(id);
  return (
    <div className="vd-page">
      <Breadcrumb to={workspacePath(workspace, "analytics")} list="Analytics">
        {data?.name ?? id}
      </Breadcrumb>
      {data ? (
        <Loaded key={data.id} rule={data} />
      ) : error ? (
        <>
          <h1>Analytics rule</h1>
          <ErrorView what="It could not be loaded" error={error} onRetry={() => void refetch()} />
        </>
      ) : (
        <Spinner label="Loading the rule" className="vd-center" />
      )}
    </div>
  );
}
