/** Hands an incident over to a team, or a person, as a true positive. */

import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Dropdown,
  Field,
  Input,
  Option,
  Textarea,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";

import { api } from "../api/client";
import type { Incident, Severity } from "../api/types";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { usePeople, useSession, useWorkspace } from "../app/session";
import { useStore } from "../app/store";
import { SeverityBadge } from "./badges";
import { SEVERITIES } from "./model";
import { useIncidentStore } from "./useIncidents";

interface Props {
  incident: Incident;
  open: boolean;
  onClose: () => void;
}

/** Who an incident can go to: everybody with an account but oneself, and the teams that own incidents already. */
function useTakers(): { id: string | null; name: string }[] {
  const { session } = useSession();
  const people = usePeople().data ?? [];
  const { facets } = useStore(useIncidentStore().state);
  const known = people.filter((one) => one.id !== session.principal.id).map(({ id, name }) => ({ id, name }));
  const teams = (facets?.owner ?? [])
    .filter((one) => one.id !== null && one.id !== session.principal.id && !people.some((person) => person.id === one.id))
    .map((one) => ({ id: one.id, name: one.name ?? "" }));
  return [...teams, ...known];
}

function EscalateForm({ incident, onClose }: Omit<Props, "open">) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const store = useIncidentStore();
  const takers = useTakers();
  const list = useId();
  const [to, setTo] = useState("");
  const [findings, setFindings] = useState("");
  const [severity, setSeverity] = useState<Severity>(incident.severity);
  const work = useMutation({
    mutationFn: () => {
      const name = to.trim();
      const taker = takers.find((one) => one.name === name && one.id !== null);
      return api.escalate(workspace.id, incident.number, { to: taker ?? name, findings, severity });
    },
    onSuccess: (changed) => {
      client.setQueryData(["incident", workspace.id, changed.number], changed);
      store.upsert(changed);
      done(`Escalated #${changed.number} to ${changed.owner?.name ?? to}`);
      onClose();
    },
  });
  const ready = to.trim() !== "" && !work.isPending;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) work.mutate();
      }}
    >
      <DialogBody>
        <DialogTitle>Escalate incident #{incident.number}</DialogTitle>
        <DialogContent>
          <div className="vd-stack">
            <p className="vd-muted">
              The team, or the person, owns the incident then. It is active, and classified as a true positive.
            </p>
            {work.isError && <ErrorView what="It was not escalated" error={work.error} />}
            <Field label="Team or person" required>
              <Input autoFocus value={to} maxLength={256} input={{ list }} onChange={(_, data) => setTo(data.value)} />
              <datalist id={list}>
                {takers.map((one) => (
                  <option key={`${one.id}`} value={one.name} />
                ))}
              </datalist>
            </Field>
            <Field label="Severity">
              <Dropdown
                selectedOptions={[severity]}
                button={<SeverityBadge severity={severity} />}
                onOptionSelect={(_, data) => setSeverity(data.optionValue as Severity)}
              >
                {SEVERITIES.map((one) => (
                  <Option key={one} value={one} text={one}>
                    <SeverityBadge severity={one} />
                  </Option>
                ))}
              </Dropdown>
            </Field>
            <Field label="Findings" hint="They become a comment, for those who take over.">
              <Textarea
                value={findings}
                maxLength={30_000}
                rows={5}
                onChange={(_, data) => setFindings(data.value)}
                onKeyDown={(event) => {
                  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready) work.mutate();
                }}
              />
            </Field>
          </div>
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button appearance="primary" type="submit" disabled={!ready}>
            Escalate as true positive
          </Button>
        </DialogActions>
      </DialogBody>
    </form>
  );
}

export function EscalateDialog({ incident, open, onClose }: Props) {
  return (
    <Dialog open={open} onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface className="vd-close-dialog">{open && <EscalateForm incident={incident} onClose={onClose} />}</DialogSurface>
    </Dialog>
  );
}
