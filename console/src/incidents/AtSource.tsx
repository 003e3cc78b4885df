/** The incident's alerts where they come from: dismissed, resolved or made active there, and new ones suppressed. */

import { Button, Field, Input, Select } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Incident, SourceAction } from "../api/types";
import type { SourceAlert } from "../api/work";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace } from "../app/session";
import { Time } from "../time/Time";

const ACTIONS: readonly { action: SourceAction; label: string }[] = [
  { action: "Dismiss", label: "Dismiss" },
  { action: "Resolve", label: "Resolve" },
  { action: "InProgress", label: "Set in progress" },
  { action: "Activate", label: "Make active" },
];

const REASONS: readonly { value: string; label: string }[] = [
  { value: "FalsePositive", label: "False positive" },
  { value: "Noise", label: "Noise" },
  { value: "Other", label: "Other" },
];

function Last({ change }: { change: SourceAlert["change"] }) {
  if (!change) return <span className="vd-muted">Nothing was asked for it there.</span>;
  if (change.state === "done") {
    return (
      <span>
        {change.status} by {change.by.name}, <Time value={change.askedTimeUtc} />
      </span>
    );
  }
  const helps = [change.message, change.hint].filter(Boolean).join(" ");
  return <span className={change.state === "failed" ? "vd-warn" : "vd-muted"}>{`${change.action} ${change.state === "failed" ? "failed" : "is under way"}. ${helps}`}</span>;
}

function SuppressForm({ alert, incident }: { alert: SourceAlert; incident: Incident }) {
  const workspace = useWorkspace();
  const [reason, setReason] = useState("FalsePositive");
  const [until, setUntil] = useState("");
  const [comment, setComment] = useState(`Incident #${String(incident.number)}`);
  const make = useMutation({
    mutationFn: () =>
      api.suppressAtSource(workspace.id, incident.number, {
        sourceId: alert.sourceId,
        reason,
        comment,
        expiresOn: until ? `${until}T00:00:00Z` : null,
      }),
    onSuccess: () => done(`New alerts like "${alert.title}" are dismissed in ${alert.product}`),
  });
  if (make.isSuccess) return <p role="status">New alerts of its type are dismissed there by themselves, by the rule {make.data.name}.</p>;
  return (
    <form
      className="vd-row vd-wrap"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <Field label="Reason">
        <Select size="small" value={reason} onChange={(_, data) => setReason(data.value)}>
          {REASONS.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Until">
        <Input size="small" type="date" value={until} onChange={(_, data) => setUntil(data.value)} />
      </Field>
      <Field label="Comment" className="vd-grow">
        <Input size="small" value={comment} maxLength={1000} onChange={(_, data) => setComment(data.value)} />
      </Field>
      <Button size="small" type="submit" disabled={make.isPending}>
        Suppress there
      </Button>
      {make.isError && <ErrorView what="Nothing was suppressed" error={make.error} />}
    </form>
  );
}

export function AtSource({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const { editIncidents, configure } = useRights();
  const client = useQueryClient();
  const key = ["investigation", workspace.id, incident.number, "source-alerts"];
  const alerts = useQuery({
    queryKey: [...key, incident.etag],
    queryFn: () => api.sourceAlerts(workspace.id, incident.number),
    refetchInterval: (query) => (query.state.data?.value.some((one) => one.change?.state === "waiting") ? 2000 : false),
  });
  const change = useMutation({
    mutationFn: (action: SourceAction) => api.changeSourceAlerts(workspace.id, incident.number, action),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
  if (!alerts.data?.value.length) return null;
  return (
    <section>
      <h2 className="vd-label vd-section-head">At the source</h2>
      <p className="vd-muted">Closing the incident leaves these alerts as they are there, unless it is said otherwise.</p>
      {change.isError && <ErrorView what="Nothing was changed there" error={change.error} />}
      {editIncidents && (
        <div className="vd-row vd-wrap">
          {ACTIONS.map((one) => (
            <Button key={one.action} size="small" disabled={change.isPending} onClick={() => change.mutate(one.action)}>
              {one.label}
            </Button>
          ))}
        </div>
      )}
      <div className="vd-stack">
        {alerts.data.value.map((one) => (
          <article key={one.sourceId} className="vd-card vd-pad-card" aria-label={`At the source: ${one.title}`}>
            <p>
              <strong>{one.title}</strong> <span className="vd-muted">{one.product}</span>
            </p>
            <p>{one.connector ? <Last change={one.change} /> : <span className="vd-warn">No connector reaches the subscription {one.subscriptionId}.</span>}</p>
            {configure && one.connector && <SuppressForm alert={one} incident={incident} />}
          </article>
        ))}
      </div>
    </section>
  );
}
