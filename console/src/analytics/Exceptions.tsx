/** The exceptions of a rule: who answers for each and until when, what they hide, and what a new one would have hidden. */

import "./past.css";

import { Button, Field, Input, MessageBar, MessageBarBody, Select, Spinner, Switch, Textarea } from "@fluentui/react-components";
import { AddRegular, DismissRegular, EyeOffRegular } from "@fluentui/react-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import type { ExceptionCondition, ExceptionPreview, RuleException } from "../api/exceptions";
import type { Rule } from "../api/types";
import { Confirm } from "../app/Confirm";
import { EmptyState } from "../app/EmptyState";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { useRights, useSession, useWorkspace, workspacePath } from "../app/session";
import { Table } from "../app/Table";
import { useChange } from "../app/useChange";
import { verdictLabel } from "../incidents/model";
import { Ago, Time } from "../time/Time";
import { conditionsText, daysProblem, hiddenText, readConditions, TESTS, toException, type ConditionDraft, type ExceptionDraft } from "./exceptions";

const PAUSE_MS = 400;
const PREVIEW_DAYS = 30;

export function useExceptions(ruleId: string, all = false) {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["exceptions", ws, ruleId, all], queryFn: () => api.exceptions(ws, ruleId, all), placeholderData: keepPreviousData });
}

function Preview({ rule, conditions }: { rule: Rule; conditions: ExceptionCondition[] }) {
  const workspace = useWorkspace();
  const wanted = JSON.stringify(conditions);
  const [settled, setSettled] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  const tried = useQuery({
    queryKey: ["exception-preview", workspace.id, rule.id, settled],
    queryFn: ({ signal }) => api.previewException(workspace.id, { ruleId: rule.id, conditions: JSON.parse(settled) as ExceptionCondition[], days: PREVIEW_DAYS }, { signal }),
    placeholderData: keepPreviousData,
  });
  if (tried.isError) return <ErrorView what="It cannot be tried" error={tried.error} />;
  if (!tried.data) return <Spinner size="tiny" label="Looking at past alerts" />;
  return <Previewed told={tried.data} busy={tried.isFetching || settled !== wanted} />;
}

function Previewed({ told, busy }: { told: ExceptionPreview; busy: boolean }) {
  const workspace = useWorkspace();
  const { partly, uncertain, truePositives } = told;
  return (
    <div className={`vd-stack${busy ? " vd-busy" : ""}`} aria-busy={busy}>
      <MessageBar intent={truePositives > 0 ? "warning" : "info"} layout="multiline">
        <MessageBarBody>
          <strong role="status">{told.sentence}</strong>
          {partly > 0 && <div>Of {partly} more it would have hidden some rows.</div>}
          {uncertain > 0 && <div>Of {uncertain} of them not all rows were kept: they may have had others.</div>}
        </MessageBarBody>
      </MessageBar>
      {told.examples.length > 0 && (
        <ul className="vd-plain-list vd-tried">
          {told.examples.map((one) => (
            <li key={one.alertId}>
              {one.incidentNumber === null ? one.title : <Link to={workspacePath(workspace, "incidents", one.incidentNumber)}>#{one.incidentNumber} {one.title}</Link>}
              <span className={one.classification === "TruePositive" ? "vd-warn" : "vd-muted"}>
                {" "}
                · {one.classification ? verdictLabel(one.classification, null) : "open"} · <Ago value={one.generated} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface ConditionProps {
  value: ConditionDraft;
  columns: string;
  focus: boolean;
  onChange: (value: ConditionDraft) => void;
  onRemove: (() => void) | null;
}

function Condition({ value, columns, focus, onChange, onRemove }: ConditionProps) {
  return (
    <div className="vd-part">
      <div className="vd-comparison">
        <Field label="Column" required>
          <Input list={columns} autoFocus={focus} value={value.column} onChange={(_, data) => onChange({ ...value, column: data.value })} />
        </Field>
        <Field label="Test">
          <Select value={value.test} onChange={(_, data) => onChange({ ...value, test: data.value })}>
            {Object.entries(TESTS).map(([test, words]) => (
              <option key={test} value={test}>
                {words}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Values" required hint="One a line; any of them">
          <Textarea rows={2} resize="vertical" value={value.values} textarea={{ spellCheck: false }} onChange={(_, data) => onChange({ ...value, values: data.value })} />
        </Field>
      </div>
      {onRemove && <Button size="small" appearance="subtle" icon={<DismissRegular />} aria-label="Remove the condition" onClick={onRemove} />}
    </div>
  );
}

function NewException({ rule, onDone }: { rule: Rule; onDone: () => void }) {
  const { id: ws } = useWorkspace();
  const { session } = useSession();
  const columns = useId();
  const lastKey = useRef(0);
  const { data: checked } = useQuery({ queryKey: ["rule-columns", ws, rule.query], queryFn: () => api.check(ws, rule.query), staleTime: 60_000 });
  const [draft, setDraft] = useState<ExceptionDraft>({ conditions: [{ key: 0, column: "", test: "equals", values: "" }], owner: session.principal.name, reason: "", days: "90" });
  const { busy, change } = useChange(["exceptions", ws]);
  const conditions = readConditions(draft.conditions);
  const made = toException(rule.id, draft);
  const problem = daysProblem(draft.days);
  const submit = async () => {
    if (!made) return;
    const kept = await change(`What ${rule.name} finds is hidden where ${conditionsText(made.conditions)}`, () => api.addException(ws, made));
    if (kept) onDone();
  };
  const set = (key: number, value: ConditionDraft) => setDraft({ ...draft, conditions: draft.conditions.map((one) => (one.key === key ? value : one)) });
  return (
    <EntryForm wide title="New exception" action="Add the exception" ready={made !== null} busy={busy} onSubmit={submit} onCancel={onDone}>
      <p className="vd-muted">A result row that meets all conditions is hidden before the threshold is looked at, in windows that end from now on.</p>
      <datalist id={columns}>
        {checked?.columns.map((column) => <option key={column.name} value={column.name} />)}
      </datalist>
      <fieldset className="vd-fieldset">
        <legend>Hide a row where</legend>
        {draft.conditions.map((one, index) => (
          <Condition
            key={one.key}
            value={one}
            columns={columns}
            focus={index === draft.conditions.length - 1}
            onChange={(value) => set(one.key, value)}
            onRemove={draft.conditions.length > 1 ? () => setDraft({ ...draft, conditions: draft.conditions.filter((other) => other.key !== one.key) }) : null}
          />
        ))}
        <div>
          <Button
            size="small"
            icon={<AddRegular />}
            onClick={() => {
              lastKey.current += 1;
              setDraft({ ...draft, conditions: [...draft.conditions, { key: lastKey.current, column: "", test: "equals", values: "" }] });
            }}
          >
            And another condition
          </Button>
        </div>
      </fieldset>
      {conditions ? <Preview rule={rule} conditions={conditions} /> : <p className="vd-muted">What it would have hidden stands here when the conditions are whole.</p>}
      <div className="vd-comparison">
        <Field label="Owner" required hint="Who answers for it">
          <Input value={draft.owner} maxLength={200} onChange={(_, data) => setDraft({ ...draft, owner: data.value })} />
        </Field>
        <Field label="Ends after days" required {...(problem ? { validationMessage: problem } : {})}>
          <Input value={draft.days} inputMode="numeric" onChange={(_, data) => setDraft({ ...draft, days: data.value })} />
        </Field>
      </div>
      <Field label="Reason" required hint="Why these findings are no threat">
        <Textarea rows={2} value={draft.reason} maxLength={2000} onChange={(_, data) => setDraft({ ...draft, reason: data.value })} />
      </Field>
    </EntryForm>
  );
}

function Row({ one }: { one: RuleException }) {
  const { id: ws } = useWorkspace();
  const { configure } = useRights();
  const { busy, change } = useChange(["exceptions", ws]);
  const what = conditionsText(one.conditions);
  return (
    <tr>
      <td className="vd-wrap-text">
        {what}
        <div className="vd-muted">{one.reason}</div>
      </td>
      <td>
        {one.owner}
        {one.createdBy !== one.owner && <div className="vd-muted">made by {one.createdBy}</div>}
      </td>
      <td>
        {one.state === "active" ? (
          <Time value={one.expiresAt} precision="minute" ago />
        ) : one.state === "removed" ? (
          <>
            Removed by {one.removedBy} <Ago value={one.removedAt} />
          </>
        ) : (
          <>
            Expired <Ago value={one.expiresAt} />
          </>
        )}
      </td>
      <td className="vd-wrap-text">
        {hiddenText(one)}
        {one.lastHiddenAt && (
          <div className="vd-muted">
            the last <Ago value={one.lastHiddenAt} />
          </div>
        )}
      </td>
      <td className="vd-nowrap">
        {configure && one.state === "active" && (
          <Confirm
            trigger={<Button size="small" appearance="subtle" disabled={busy} aria-label={`Remove the exception for ${what}`}>Remove</Button>}
            title="Remove this exception?"
            action="Remove"
            onConfirm={() => void change("Removed the exception", () => api.removeException(ws, one.id))}
          >
            The rule raises alerts again where {what}, in windows that end from now on. It stays among the ended ones.
          </Confirm>
        )}
      </td>
    </tr>
  );
}

export function Exceptions({ rule }: { rule: Rule }) {
  const { configure } = useRights();
  const [all, setAll] = useState(false);
  const [adding, setAdding] = useState(false);
  const found = useExceptions(rule.id, all);
  return (
    <section className="vd-stack" aria-label="Exceptions">
      <div className="vd-row vd-wrap">
        <h2>Exceptions</h2>
        <span className="vd-spacer" />
        <Switch label="Ended ones, too" checked={all} onChange={(_, data) => setAll(data.checked)} />
        {configure && (
          <Button size="small" icon={<AddRegular />} disabled={adding} onClick={() => setAdding(true)}>
            Add an exception
          </Button>
        )}
      </div>
      <div className="vd-stack">
        {adding && <NewException rule={rule} onDone={() => setAdding(false)} />}
        {found.error && <ErrorView what="The exceptions could not be loaded" error={found.error} onRetry={() => void found.refetch()} />}
        {found.isPending && <Spinner size="small" label="Loading the exceptions" />}
        {found.data?.value.length === 0 && !adding && (
          <EmptyState icon={<EyeOffRegular />} title={all ? "It never had an exception" : "No exception is in force"}>
            {configure ? "Where the rule finds what is no threat, hide that for a time instead of switching it off." : "A contributor of the workspace can hide what is no threat for a time."}
          </EmptyState>
        )}
        {found.data && found.data.value.length > 0 && (
          <Table label="Exceptions" headings={["Hides rows where", "Owner", "Ends", "Has hidden"]} actions busy={found.isPlaceholderData}>
            {found.data.value.map((one) => (
              <Row key={one.id} one={one} />
            ))}
          </Table>
        )}
      </div>
    </section>
  );
}
