/** Suppressing similar alerts: the exceptions that the verdict on an incident proposes, each with what it would have hidden. */

import { Button, Field, Input, Spinner } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { conditionsText } from "../analytics/exceptions";
import { api } from "../api/client";
import type { ExceptionProposal } from "../api/exceptions";
import type { Incident } from "../api/types";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights, useSession, useWorkspace } from "../app/session";

function Proposal({ proposal, incident }: { proposal: ExceptionProposal; incident: Incident }) {
  const workspace = useWorkspace();
  const { session } = useSession();
  const { configure } = useRights();
  const client = useQueryClient();
  const [reason, setReason] = useState(proposal.reason);
  const make = useMutation({
    mutationFn: () => {
      const { ruleId, conditions, days } = proposal;
      return api.addException(workspace.id, { ruleId, conditions, days, reason, owner: proposal.owner || session.principal.name });
    },
    onSuccess: async () => {
      done(`Similar alerts of ${proposal.ruleName} are hidden for ${proposal.days} days`);
      for (const key of ["rules", "exceptions"]) await client.invalidateQueries({ queryKey: [key, workspace.id] });
    },
  });
  return (
    <article className="vd-card vd-pad-card" aria-label={`Suppress: ${proposal.ruleName}`}>
      <p>
        Alerts of <strong>{proposal.ruleName}</strong> whose{" "}
        {conditionsText(proposal.conditions)}.
      </p>
      <p className="vd-muted">{proposal.preview.sentence}</p>
      {make.isError && <ErrorView what="Nothing was suppressed" error={make.error} />}
      {make.isSuccess ? (
        <p role="status">Hidden for {proposal.days} days, in windows that end from now on.</p>
      ) : (
        configure && (
          <form
            className="vd-row vd-wrap"
            onSubmit={(event) => {
              event.preventDefault();
              make.mutate();
            }}
          >
            <Field label="Reason" className="vd-grow">
              <Input size="small" value={reason} maxLength={1000} onChange={(_, data) => setReason(data.value)} />
            </Field>
            <Button size="small" type="submit" disabled={!reason.trim() || make.isPending}>
              Suppress for {proposal.days} days
            </Button>
          </form>
        )
      )}
      {!configure && <p className="vd-muted">A contributor of the workspace can suppress them, with incident #{incident.number} as the reason.</p>}
    </article>
  );
}

export function Suppress({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const wrong = incident.classification === "FalsePositive" || incident.classification === "BenignPositive";
  const proposals = useQuery({
    queryKey: ["investigation", workspace.id, incident.number, incident.etag, "suppress"],
    queryFn: () => api.exceptionProposals(workspace.id, incident.number),
    enabled: wrong,
  });
  return (
    <section>
      <h2 className="vd-label vd-section-head">Suppress similar alerts</h2>
      {!wrong && <p className="vd-muted">Close the incident as a false or benign positive, and what would hide such alerts is proposed here.</p>}
      {wrong && proposals.isPending && <Spinner size="tiny" label="Looking at past alerts" />}
      {proposals.isError && <ErrorView what="Nothing can be proposed" error={proposals.error} />}
      {proposals.data?.length === 0 && <p className="vd-muted">Its alerts have nothing in common that could be told apart.</p>}
      <div className="vd-stack">
        {proposals.data?.map((one) => <Proposal key={one.ruleId} proposal={one} incident={incident} />)}
      </div>
    </section>
  );
}
