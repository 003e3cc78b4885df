import { Button, Field, Input, Switch } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";

import { automation, type AutomationRule, type Vocabulary } from "../api/automation";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { ConfiguredPage } from "../configured/ConfiguredPage";
import { DeleteButton } from "../configured/DeleteButton";
import { Ago } from "../time/Time";
import { Actions } from "./Actions";
import { Conditions } from "./Conditions";
import { enteredOf, problemOf, WHEN, writeOf } from "./model";
import { useAutomationRules, useVocabulary } from "./useAutomation";

type Stored = AutomationRule & { name: string; kind: string };

interface Kind {
  displayName: string;
  when: string;
  vocabulary: Vocabulary;
}

function State({ rule }: { rule: AutomationRule }) {
  return (
    <aside className="vd-rule-side" aria-label="About this rule">
      <section>
        <h2>What it did</h2>
        <dl className="vd-fields">
          <div className="vd-field">
            <dt className="vd-label">Applied</dt>
            <dd>{rule.timesApplied.toLocaleString("en-GB")} times</dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Last</dt>
            <dd>
              <Ago value={rule.lastAppliedTimeUtc} />
            </dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Errors</dt>
            <dd>{rule.errors.toLocaleString("en-GB")}</dd>
          </div>
        </dl>
        {rule.lastError && <p className="vd-warn vd-plain">{rule.lastError}</p>}
      </section>
      {rule.notRunnable.length > 0 && (
        <section>
          <h2>What is not done here</h2>
          <ul className="vd-plain-list">
            {rule.notRunnable.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>Changed</h2>
        <p>
          <Ago value={rule.lastModifiedTimeUtc} /> by {rule.lastModifiedBy}
        </p>
      </section>
    </aside>
  );
}

function Form({ stored, when, vocabulary }: { stored: AutomationRule | null; when: string; vocabulary: Vocabulary }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { configure } = useRights();
  const [entered, setEntered] = useState(() => enteredOf(stored));
  const [tried, setTried] = useState(false);
  const list = workspacePath(workspace, "automation");
  const again = () => client.invalidateQueries({ queryKey: ["automation-rules", workspace.id] });
  const save = useMutation({
    mutationFn: () => {
      const body = writeOf(entered, when);
      return stored ? automation.put(workspace.id, stored.id, body) : automation.create(workspace.id, body);
    },
    onSuccess: async (saved) => {
      done(`Saved ${saved.displayName}`);
      await again();
      if (!stored) await navigate(workspacePath(workspace, "automation", saved.id), { replace: true });
    },
  });
  const set = (change: Partial<typeof entered>) => setEntered((current) => ({ ...current, ...change }));
  const problem = problemOf(entered);
  const alerts = stored?.triggersOn === "Alerts";
  const disabled = !configure || save.isPending || alerts;
  return (
    <form
      className="vd-stack vd-form vd-automation"
      noValidate
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!problem) save.mutate();
      }}
    >
      <Field label="Name" required>
        <Input value={entered.name} disabled={disabled} maxLength={vocabulary.limits.name ?? 500} onChange={(_, data) => set({ name: data.value })} />
      </Field>
      <p>
        <strong>{alerts ? "When an alert is created" : (WHEN[when] ?? when)}</strong>
      </p>
      <Conditions conditions={entered.conditions} updates={when === "Updated"} {...{ vocabulary, disabled }} onChange={(conditions) => set({ conditions })} />
      <Actions actions={entered.actions} {...{ vocabulary, disabled }} onChange={(actions) => set({ actions })} />
      <Field label="Order" hint="Rules of one trigger are applied from 1 to 1000; empty is after all others.">
        <Input value={entered.order} inputMode="numeric" disabled={disabled} onChange={(_, data) => set({ order: data.value })} />
      </Field>
      <Field label="Ends (UTC)" hint="Empty: it has no end.">
        <Input type="datetime-local" value={entered.expires} disabled={disabled} onChange={(_, data) => set({ expires: data.value })} />
      </Field>
      <Switch label="Enabled" checked={entered.enabled} disabled={disabled} onChange={(_, data) => set({ enabled: data.checked })} />
      {tried && problem && <p className="vd-warn" role="alert">{problem}</p>}
      {save.isError && <ErrorView what="It was not saved" error={save.error} />}
      {alerts && <p className="vd-muted">It is kept as it was imported, and exported again; here it does nothing.</p>}
      {configure ? (
        <div className="vd-row">
          <Button type="submit" appearance="primary" disabled={disabled}>
            {save.isPending ? "Saving" : "Save"}
          </Button>
          <Button onClick={() => void navigate(list)}>Cancel</Button>
          <span className="vd-spacer" />
          {stored && (
            <DeleteButton
              name={stored.displayName}
              remove={async () => {
                await automation.delete(workspace.id, stored.id);
                await again();
                await navigate(list);
              }}
            >
              It is not applied any more. What it did stays in the history of its incidents.
            </DeleteButton>
          )}
        </div>
      ) : (
        <p className="vd-muted">Your role in this workspace can read automation rules and not change them.</p>
      )}
    </form>
  );
}

export default function AutomationRulePage() {
  const rules = useAutomationRules();
  const vocabulary = useVocabulary();
  const stored = {
    ...rules,
    data: rules.data && { value: rules.data.value.map((one): Stored => ({ ...one, name: one.displayName, kind: one.triggersWhen })) },
  };
  const kinds = {
    ...vocabulary,
    data: vocabulary.data && {
      value: Object.keys(WHEN).map((when): Kind => ({ displayName: "automation rule", when, vocabulary: vocabulary.data })),
    },
  };
  return (
    <ConfiguredPage<Stored, Kind>
      thing="automation rule"
      one="an automation rule"
      noKind="trigger"
      path="automation"
      stored={stored}
      kinds={kinds}
      kindOf={(kind) => kind.when}
    >
      {(kind, rule) => (
        <div className="vd-rule">
          <div className="vd-rule-main">
            <Form key={rule ? `${rule.id} ${rule.lastModifiedTimeUtc}` : "new"} stored={rule} when={kind.when} vocabulary={kind.vocabulary} />
          </div>
          {rule && <State rule={rule} />}
        </div>
      )}
    </ConfiguredPage>
  );
}
