/** The text of a rule, as it stands in a file: changed in place, or written new. */

import { Field, Spinner, Textarea } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";

import { api } from "../api/client";
import { problemText, type RuleProblem } from "../api/rules";
import type { Rule } from "../api/types";
import { done } from "../app/activity";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { Backtest } from "./Backtest";

/** A rule to begin with; its id is made of its content where none is given. */
export const STARTER = `name: My rule
description: What it finds, and why that matters.
kind: Scheduled
severity: Medium
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
tactics: [InitialAccess]
relevantTechniques: [T1078]
query: |
  SigninLogs
  | where ResultType != "0"
  | summarize Failures = count() by UserPrincipalName
  | where Failures > 20
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: UserPrincipalName
version: 1.0.0
`;

function TextField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <Field label="The rule in YAML" hint="The layout of the public Azure-Sentinel repository. Kind NRT has no frequency, period or threshold.">
      <Textarea
        className="vd-rule-text"
        resize="vertical"
        rows={24}
        value={value}
        textarea={{ spellCheck: false, wrap: "off" }}
        onChange={(_, data) => onChange(data.value)}
      />
    </Field>
  );
}

/** What was done, and the first thing that the rule's author should know of it. */
function warned(said: string, problems: readonly RuleProblem[]): string {
  const [first] = problems;
  if (!first) return said;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return `${said}. ${problemText(first)}${more}`;
}

const AFTER_A_CHANGE = ["rules", "rule", "broken-rules", "rule-runs"] as const;

/** The form in which a rule is changed. */
export function EditRule({ rule, onClose }: { rule: Rule; onClose: () => void }) {
  const workspace = useWorkspace();
  const held = useQuery({ queryKey: ["rule-text", workspace.id, rule.id], queryFn: () => api.exportRules(workspace.id, "yaml", rule.id), gcTime: 0, staleTime: Infinity, refetchOnMount: "always" });
  if (held.isError) return <ErrorView what="The rule's text could not be loaded" error={held.error} onRetry={() => void held.refetch()} />;
  if (!held.data || held.isFetching) return <Spinner size="small" label="Loading the rule's text" />;
  return <EditText rule={rule} initial={String(held.data.content)} onClose={onClose} />;
}

function EditText({ rule, initial, onClose }: { rule: Rule; initial: string; onClose: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const [text, setText] = useState(initial);
  const save = useMutation({
    mutationFn: () => api.editRule(workspace.id, rule.id, text),
    onSuccess: async (saved) => {
      done(saved.broken ? `Saved ${saved.name}; its query cannot be run` : warned(`Saved ${saved.name}, revision ${saved.revision}`, saved.problems));
      onClose();
      for (const key of AFTER_A_CHANGE) await client.invalidateQueries({ queryKey: [key, workspace.id] });
    },
  });
  return (
    <EntryForm
      wide
      title="Edit the rule"
      action="Save"
      ready={text.trim() !== "" && text !== initial}
      busy={save.isPending}
      onSubmit={() => save.mutateAsync().catch(() => undefined)}
      onCancel={onClose}
    >
      <TextField value={text} onChange={setText} />
      <Backtest content={text} ruleId={rule.id} />
      {save.isError && <ErrorView what="The rule was not changed" error={save.error} />}
    </EntryForm>
  );
}

/** The form for a rule that is not there yet. */
export function NewRule({ onClose }: { onClose: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [text, setText] = useState(STARTER);
  const add = useMutation({
    mutationFn: async (content: string) => {
      const report = await api.importRules(workspace.id, [{ name: "rule.yaml", content }]);
      const [rule] = report.imported;
      if (!rule) {
        const problem = report.problems.find((one) => one.severity === "Error") ?? report.problems[0];
        throw new Error(problem ? problemText(problem) : "The text has no rule.");
      }
      return { rule, problems: report.problems };
    },
    onSuccess: async ({ rule, problems }) => {
      done(rule.outcome === "unchanged" ? `${rule.name} is there already` : warned(`Added ${rule.name}`, problems));
      for (const key of AFTER_A_CHANGE) await client.invalidateQueries({ queryKey: [key, workspace.id] });
      await navigate(workspacePath(workspace, "analytics", rule.id));
    },
  });
  return (
    <EntryForm wide title="New rule" action="Add" ready={text.trim() !== ""} busy={add.isPending} onSubmit={() => add.mutateAsync(text).catch(() => undefined)} onCancel={onClose}>
      <TextField value={text} onChange={setText} />
      <Backtest content={text} />
      {add.isError && <ErrorView what="The rule was not added" error={add.error} />}
    </EntryForm>
  );
}
