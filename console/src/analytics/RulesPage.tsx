import "../app/configuration.css";

import { Button, SearchBox, Spinner, Switch } from "@fluentui/react-components";
import { AddRegular, ArrowSortDownRegular, ArrowSortUpRegular, DataUsageRegular, PlayRegular } from "@fluentui/react-icons";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { Link } from "react-router";

import type { BrokenRule } from "../api/rules";
import type { RuleSummary } from "../api/types";
import { useCommands } from "../app/commands";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { setOrDelete, useParameters } from "../app/parameters";
import { usePreferences } from "../app/preferences";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { SeverityBadge, Tactics } from "../incidents/badges";
import { SEVERITIES } from "../incidents/model";
import { Ago } from "../time/Time";
import { ExportRules } from "./ExportRules";
import { ImportRules } from "./ImportRules";
import { Outcome } from "./outcome";
import { RuleTemplates } from "./RuleTemplates";
import { NewRule } from "./RuleText";
import { brokenText, useBrokenRules, useRules, useRunRule, useSetRuleEnabled } from "./useRules";

const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

const ORDERS: Readonly<Record<string, (a: RuleSummary, b: RuleSummary) => number>> = {
  name: (a, b) => collator.compare(a.name, b.name),
  severity: (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  enabled: (a, b) => Number(b.enabled) - Number(a.enabled),
  lastRun: (a, b) => (b.lastRun?.startedTimeUtc ?? "").localeCompare(a.lastRun?.startedTimeUtc ?? ""),
  outcome: (a, b) => (a.lastRun?.outcome ?? "~").localeCompare(b.lastRun?.outcome ?? "~"),
};

type Show = "all" | "enabled" | "disabled" | "failed" | "broken";
type Broken = ReadonlyMap<string, BrokenRule>;

const SHOWS: readonly { value: Show; label: string; keep: (rule: RuleSummary, broken: Broken) => boolean }[] = [
  { value: "all", label: "All", keep: () => true },
  { value: "enabled", label: "Enabled", keep: (rule) => rule.enabled },
  { value: "disabled", label: "Disabled", keep: (rule) => !rule.enabled },
  { value: "failed", label: "Failing", keep: (rule) => rule.lastRun?.outcome === "failed" },
  { value: "broken", label: "Broken", keep: (rule, broken) => broken.has(rule.id) },
];

export default function RulesPage() {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const { density } = usePreferences();
  const [parameters, setParameters] = useParameters();
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const { data, error, isPending, refetch } = useRules();
  const broken = useBrokenRules();
  const [adding, setAdding] = useState(false);
  const setEnabled = useSetRuleEnabled();
  const runRule = useRunRule();
  const q = parameters.get("q") ?? "";
  const show = SHOWS.find((one) => one.value === parameters.get("show"))?.value ?? "all";
  const sortText = parameters.get("sort") ?? "name";
  const sort = sortText.replace(/^-/, "");
  const descending = sortText.startsWith("-");

  const set = (name: string, value: string, none: string, replace = false) =>
    setParameters((next) => {
      setOrDelete(next, name, value === none ? "" : value);
      return next;
    }, replace);
  const all = data?.value;
  const shown = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const keep = SHOWS.find((one) => one.value === show)?.keep ?? (() => true);
    const found = (all ?? []).filter((rule) => {
      const text = `${rule.name} ${rule.tactics.join(" ")} ${rule.techniques.join(" ")} ${rule.id}`.toLowerCase();
      return keep(rule, broken) && words.every((word) => text.includes(word));
    });
    const order = ORDERS[sort] ?? ORDERS.name;
    const sign = descending ? -1 : 1;
    return order ? found.sort((a, b) => sign * order(a, b) || collator.compare(a.name, b.name)) : found;
  }, [all, broken, q, show, sort, descending]);

  const height = density === "compact" ? 34 : 42;
  const virtualizer = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
    getItemKey: (index) => shown[index]?.id ?? index,
  });
  useCommands([{ id: "r-filter", title: "Find a rule", group: "Analytics", keys: ["/"], run: () => search.current?.focus() }]);

  const header = (field: string, title: ReactNode) => (
    <div role="columnheader" className={`vd-r-${field}`} aria-sort={sort === field ? (descending ? "descending" : "ascending") : "none"}>
      <button type="button" className="vd-sort" onClick={() => set("sort", sort === field && !descending ? `-${field}` : field, "name")}>
        {title}
        {sort === field && (descending ? <ArrowSortDownRegular aria-hidden /> : <ArrowSortUpRegular aria-hidden />)}
      </button>
    </div>
  );
  return (
    <div className="vd-page vd-page-fill">
      <div className="vd-page-head">
        <h1>Analytics</h1>
        {all && (
          <span className="vd-muted">
            {shown.length} of {all.length} rules
          </span>
        )}
        <span className="vd-spacer" />
        {configure && <RuleTemplates />}
        {configure && <ImportRules />}
        {!!all?.length && <ExportRules />}
        {configure && (
          <Button size="small" appearance="primary" icon={<AddRegular />} disabled={adding} onClick={() => setAdding(true)}>
            New rule
          </Button>
        )}
      </div>
      {adding && <NewRule onClose={() => setAdding(false)} />}
      <div className="vd-filters" role="search" aria-label="Filter rules">
        <SearchBox
          ref={search}
          size="small"
          className="vd-search"
          placeholder="Find: name, tactic, technique, id"
          aria-label="Find rules"
          value={q}
          onChange={(_, value) => set("q", value.value, "", true)}
        />
        <div className="vd-facets" role="group" aria-label="Show">
          {SHOWS.map((one) => (
            <button key={one.value} type="button" className="vd-facet" aria-pressed={show === one.value} onClick={() => set("show", one.value, "all")}>
              {one.label}
              <span className="vd-facet-count">{all ? all.filter((rule) => one.keep(rule, broken)).length : "…"}</span>
            </button>
          ))}
        </div>
      </div>
      {error && <ErrorView what="The rules could not be loaded" error={error} onRetry={() => void refetch()} />}
      {isPending && <Spinner label="Loading the rules" className="vd-center" />}
      {all?.length === 0 && (
        <EmptyState icon={<DataUsageRegular />} title="No analytics rules yet">
          {configure
            ? "Add some of the rule templates that ship, or import rules in the layout of the public Azure-Sentinel repository (YAML) or as exported from the portal (ARM JSON)."
            : "Ask a contributor of this workspace to import some."}
        </EmptyState>
      )}
      {all && all.length > 0 && (
        <div ref={scroller} className="vd-rules" role="table" aria-label="Analytics rules" aria-rowcount={shown.length + 1}>
          <div role="rowgroup" className="vd-rrow-group">
            <div role="row" className="vd-rrow vd-rhead" aria-rowindex={1}>
              {header("enabled", "Enabled")}
              {header("severity", "Severity")}
              {header("name", "Name")}
              <div role="columnheader" className="vd-r-tactics">Tactics</div>
              {header("lastRun", "Last run")}
              {header("outcome", "Outcome")}
              <div role="columnheader" className="vd-r-actions">
                <span className="vd-visually-hidden">Actions</span>
              </div>
            </div>
          </div>
          {!shown.length && <EmptyState title="No rule matches" actions={<Button onClick={() => setParameters(() => new URLSearchParams())}>Reset filters</Button>} />}
          <div role="rowgroup" style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
            {virtualizer.getVirtualItems().map((item) => {
              const rule = shown[item.index];
              if (!rule) return null;
              const fault = broken.get(rule.id);
              const running = runRule.isPending && runRule.variables.id === rule.id;
              return (
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 2}
                  className={`vd-rrow${rule.enabled ? "" : " vd-disabled"}`}
                  style={{ height, position: "absolute", transform: `translateY(${item.start}px)` }}
                >
                  <div role="cell" className="vd-r-enabled">
                    <Switch
                      checked={rule.enabled}
                      disabled={!configure}
                      aria-label={`Enable ${rule.name}`}
                      onChange={(_, value) => void setEnabled(rule, value.checked)}
                    />
                  </div>
                  <div role="cell" className="vd-r-severity">
                    <SeverityBadge severity={rule.severity} />
                  </div>
                  <div role="cell" className="vd-r-name">
                    <Link to={workspacePath(workspace, "analytics", rule.id)} title={rule.name}>
                      {rule.name}
                    </Link>
                    {rule.kind !== "Scheduled" && <span className="vd-muted"> · {rule.kind}</span>}
                  </div>
                  <div role="cell" className="vd-r-tactics">
                    <Tactics tactics={rule.tactics} />
                  </div>
                  <div role="cell" className="vd-r-lastRun">
                    <Ago value={rule.lastRun?.startedTimeUtc} />
                  </div>
                  <div role="cell" className="vd-r-outcome" title={fault ? brokenText(fault) : rule.lastRun?.error?.message}>
                    <Outcome outcome={rule.lastRun?.outcome} broken={fault !== undefined} />
                  </div>
                  <div role="cell" className="vd-r-actions">
                    {configure && (
                      <Button
                        size="small"
                        appearance="subtle"
                        icon={running ? <Spinner size="extra-tiny" /> : <PlayRegular />}
                        disabled={runRule.isPending}
                        onClick={() => runRule.mutate(rule)}
                      >
                        Run now
                      </Button>
                    )}
                  </div>
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}
