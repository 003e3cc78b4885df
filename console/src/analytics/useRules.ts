import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";

import { api } from "../api/client";
import type { BrokenRule } from "../api/rules";
import type { Page, Rule, RuleRun, RuleSummary } from "../api/types";
import { done, failed } from "../app/activity";
import { useWorkspace } from "../app/session";

const REFRESH_MS = 30_000;

export function useRules() {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["rules", ws], queryFn: () => api.rules(ws), refetchInterval: REFRESH_MS });
}

export function useRule(id: string) {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["rule", ws, id], queryFn: () => api.rule(ws, id) });
}

/** Why rules cannot be run now, by their ids. All queries are bound for it, so it is asked for less often. */
export function useBrokenRules() {
  const { id: ws } = useWorkspace();
  const { data } = useQuery({ queryKey: ["broken-rules", ws], queryFn: () => api.brokenRules(ws), staleTime: 60_000 });
  return useMemo(() => new Map(data?.value.map((one) => [one.id, one])), [data]);
}

/** "Line 2, column 9: The name …" */
export function brokenText({ line, column, message, code }: BrokenRule): string {
  return `Line ${line}, column ${column}: ${message} (${code})`;
}

export function useRuleRuns(id: string) {
  const { id: ws } = useWorkspace();
  return useQuery({ queryKey: ["rule-runs", ws, id], queryFn: () => api.ruleRuns(ws, id), refetchInterval: REFRESH_MS });
}

/** Switching a rule on or off: at once on the screen, put back when the server refuses. */
export function useSetRuleEnabled() {
  const { id: ws } = useWorkspace();
  const client = useQueryClient();
  const show = (id: string, enabled: boolean) => {
    client.setQueryData<Page<RuleSummary>>(["rules", ws], (page) =>
      page && { ...page, value: page.value.map((rule) => (rule.id === id ? { ...rule, enabled } : rule)) },
    );
    client.setQueryData<Rule>(["rule", ws, id], (rule) => rule && { ...rule, enabled });
  };
  const set = async (rule: RuleSummary, enabled: boolean): Promise<void> => {
    show(rule.id, enabled);
    try {
      await api.setRuleEnabled(ws, rule.id, enabled);
    } catch (error) {
      show(rule.id, !enabled);
      throw error;
    }
    await client.invalidateQueries({ queryKey: ["rules", ws] });
    await client.invalidateQueries({ queryKey: ["rule", ws, rule.id] });
  };
  return async (rule: RuleSummary, enabled: boolean) => {
    const what = `${enabled ? "Enabled" : "Disabled"} ${rule.name}`;
    try {
      await set(rule, enabled);
      done(what, () => set(rule, !enabled));
    } catch (error) {
      failed(`Could not ${enabled ? "enable" : "disable"} ${rule.name}`, error);
    }
  };
}

export function describeRun(name: string, run: RuleRun): string {
  if (run.outcome === "failed") return `${name} failed: ${run.error?.message ?? "no reason was given"}`;
  if (run.outcome === "skipped") return `${name} was skipped`;
  if (run.outcome === "silent") return `${name} ran and found nothing`;
  const incidents = run.incidents.map((number) => `#${number}`).join(", ");
  return `${name} matched ${run.rows} ${run.rows === 1 ? "row" : "rows"}${incidents ? `: incident ${incidents}` : ""}`;
}

export function useRunRule() {
  const { id: ws } = useWorkspace();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (rule: RuleSummary) => api.runRule(ws, rule.id),
    onSuccess: (run, rule) => {
      const text = describeRun(rule.name, run);
      if (run.outcome === "failed") failed("Run now", new Error(text));
      else done(text);
    },
    onError: (error, rule) => failed(`Could not run ${rule.name}`, error),
    onSettled: async (_run, _error, rule) => {
      await client.invalidateQueries({ queryKey: ["rules", ws] });
      await client.invalidateQueries({ queryKey: ["rule-runs", ws, rule.id] });
    },
  });
}
