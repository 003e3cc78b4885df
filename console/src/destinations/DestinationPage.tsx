import "../app/configuration.css";

import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  Field,
  Input,
  Spinner,
  Switch,
} from "@fluentui/react-components";
import { ChevronRightRegular, DeleteRegular } from "@fluentui/react-icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { api } from "../api/client";
import { ApiError } from "../api/http";
import type { Destination, DestinationKind } from "../api/types";
import { done, failed } from "../app/activity";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { initialValues, problems, serverProblems, toWrite, type Entered } from "./form";
import { Health } from "./Health";
import { ManifestInput } from "./ManifestInput";
import { TestButton } from "./TestButton";
import { useDestinationKinds, useDestinations } from "./useDestinations";

function DeleteButton({ destination }: { destination: Destination }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = async () => {
    try {
      await api.deleteDestination(workspace.id, destination.id);
      done(`Deleted ${destination.name}`);
      await client.invalidateQueries({ queryKey: ["destinations", workspace.id] });
      await navigate(workspacePath(workspace, "destinations"));
    } catch (error) {
      failed(`Could not delete ${destination.name}`, error);
    }
  };
  return (
    <Dialog modalType="alert">
      <DialogTrigger disableButtonEnhancement>
        <Button icon={<DeleteRegular />}>Delete</Button>
      </DialogTrigger>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Delete {destination.name}?</DialogTitle>
          <DialogContent>
            Its settings and secrets are removed and cannot be brought back. Incidents that were delivered stay where they are;
            {destination.health.pending > 0 ? ` ${destination.health.pending} waiting deliveries are not made.` : " nothing is waiting."}
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button>Keep it</Button>
            </DialogTrigger>
            <DialogTrigger disableButtonEnhancement>
              <Button appearance="primary" onClick={() => void remove()}>
                Delete
              </Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Form({ kind, destination }: { kind: DestinationKind; destination: Destination | null }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { configure } = useRights();
  const [name, setName] = useState(destination?.name ?? "");
  const [enabled, setEnabled] = useState(destination?.enabled ?? true);
  const [entered, setEntered] = useState<Entered>(() => initialValues(kind, destination));
  const [tried, setTried] = useState(false);
  const save = useMutation({
    mutationFn: () => {
      const body = toWrite(kind, name, enabled, entered, destination === null);
      return destination ? api.patchDestination(workspace.id, destination.id, body) : api.createDestination(workspace.id, body);
    },
    onSuccess: async (saved) => {
      done(`Saved ${saved.name}`);
      await client.invalidateQueries({ queryKey: ["destinations", workspace.id] });
      if (!destination) await navigate(workspacePath(workspace, "destinations", saved.id), { replace: true });
    },
  });
  const local = problems(kind, entered, destination);
  const remote = save.error instanceof ApiError ? serverProblems(save.error.details) : {};
  const shown: Record<string, string> = tried ? { ...remote, ...local } : remote;
  const nameProblem = tried && !name.trim() ? "A name is needed." : shown.name;
  const submit = () => {
    setTried(true);
    if (!name.trim() || Object.keys(local).length) return;
    save.mutate();
  };
  const disabled = !configure || save.isPending;
  return (
    <div className="vd-rule">
      <form
        className="vd-rule-main vd-stack vd-form"
        noValidate
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field label="Name" required hint="As it is called here; each name once." validationMessage={nameProblem ?? null}>
          <Input value={name} disabled={disabled} maxLength={200} onChange={(_, data) => setName(data.value)} />
        </Field>
        {kind.fields.map((field) => (
          <ManifestInput
            // A saved secret starts as stored again.
            key={`${field.name}-${destination?.secrets[field.name]?.changedTimeUtc ?? ""}`}
            field={field}
            value={entered[field.name] ?? ""}
            problem={shown[field.name]}
            disabled={disabled}
            secret={destination?.secrets[field.name]}
            onChange={(value) => setEntered((current) => ({ ...current, [field.name]: value }))}
          />
        ))}
        <Switch label="Enabled" checked={enabled} disabled={disabled} onChange={(_, data) => setEnabled(data.checked)} />
        {save.isError && <ErrorView what="It was not saved" error={save.error} />}
        {configure ? (
          <div className="vd-row">
            <Button type="submit" appearance="primary" disabled={save.isPending}>
              {save.isPending ? "Saving" : "Save"}
            </Button>
            <Button onClick={() => void navigate(workspacePath(workspace, "destinations"))}>Cancel</Button>
            <span className="vd-spacer" />
            {destination && <DeleteButton destination={destination} />}
          </div>
        ) : (
          <p className="vd-muted">Your role in this workspace can read destinations and not change them.</p>
        )}
      </form>
      <aside className="vd-rule-side" aria-label="About this destination">
        <section>
          <h2>{kind.displayName}</h2>
          <p>{kind.description}</p>
        </section>
        {kind.permissions.length > 0 && (
          <section>
            <h2>What its credentials must be allowed</h2>
            <ul className="vd-plain-list">
              {kind.permissions.map((permission) => (
                <li key={permission.name}>
                  <strong>{permission.name}</strong>: {permission.reason}
                </li>
              ))}
            </ul>
          </section>
        )}
        {destination && (
          <section>
            <h2>State</h2>
            <Health destination={destination} />
            {destination.health.message && <p>{destination.health.message}</p>}
            {configure && <TestButton run={() => api.testDestination(workspace.id, destination.id)} list="destinations" />}
            <p>
              <Link to={`${workspacePath(workspace, "deliveries")}?destination=${encodeURIComponent(destination.id)}`}>Its deliveries</Link>
            </p>
          </section>
        )}
      </aside>
    </div>
  );
}

export default function DestinationPage() {
  const { id } = useParams();
  const [parameters] = useSearchParams();
  const workspace = useWorkspace();
  const destinations = useDestinations();
  const kinds = useDestinationKinds();
  const isNew = id === "new";
  const destination = isNew ? null : destinations.data?.value.find((one) => one.id === id);
  const wanted = isNew ? parameters.get("kind") : destination?.kind;
  const kind = kinds.data?.value.find((one) => one.kind === wanted);
  const error = destinations.error ?? kinds.error;
  const loading = destinations.isPending || kinds.isPending;
  return (
    <div className="vd-page">
      <nav aria-label="Breadcrumb" className="vd-breadcrumb">
        <Link to={workspacePath(workspace, "destinations")}>Destinations</Link>
        <ChevronRightRegular aria-hidden />
        <span>{isNew ? `New ${kind?.displayName ?? ""}` : (destination?.name ?? id)}</span>
      </nav>
      <div className="vd-page-head">
        <h1>{isNew ? `Add ${kind?.displayName ?? "a destination"}` : (destination?.name ?? "Destination")}</h1>
      </div>
      {loading ? (
        <Spinner label="Loading" className="vd-center" />
      ) : kind && destination !== undefined ? (
        <Form key={destination?.id ?? "new"} kind={kind} destination={destination} />
      ) : error ? (
        <ErrorView what="The destination could not be loaded" error={error} onRetry={() => void destinations.refetch()} />
      ) : (
        <EmptyState
          title={destination === undefined ? "There is no such destination" : `There is no kind of destination named "${wanted ?? ""}"`}
          actions={<Link to={workspacePath(workspace, "destinations")}>All destinations</Link>}
        >
          It may have been deleted.
        </EmptyState>
      )}
    </div>
  );
}
