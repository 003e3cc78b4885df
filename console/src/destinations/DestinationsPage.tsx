import "../app/configuration.css";

import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, Spinner, Switch } from "@fluentui/react-components";
import { AddRegular, SendRegular } from "@fluentui/react-icons";
import { Link, useNavigate } from "react-router";

import { api } from "../api/client";
import type { Destination, DestinationKind } from "../api/destinations";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Ago } from "../time/Time";
import { Health } from "./Health";
import { TestButton } from "../configured/TestButton";
import { useDestinationKinds, useDestinations, useSetDestinationEnabled } from "./useDestinations";

function AddDestination({ kinds }: { kinds: readonly DestinationKind[] }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const add = (kind: DestinationKind) => void navigate(`${workspacePath(workspace, "destinations", "new")}?kind=${encodeURIComponent(kind.kind)}`);
  const [only] = kinds;
  if (kinds.length === 1 && only) {
    return (
      <Button size="small" appearance="primary" icon={<AddRegular />} onClick={() => add(only)}>
        Add {only.displayName}
      </Button>
    );
  }
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" appearance="primary" icon={<AddRegular />} disabled={!kinds.length}>
          Add a destination
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {kinds.map((kind) => (
            <MenuItem key={kind.kind} subText={kind.description} onClick={() => add(kind)}>
              {kind.displayName}
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function Tile({ destination, kind }: { destination: Destination; kind: DestinationKind | undefined }) {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const setEnabled = useSetDestinationEnabled();
  const { health } = destination;
  const deliveries = `${workspacePath(workspace, "deliveries")}?destination=${encodeURIComponent(destination.id)}`;
  return (
    <article className="vd-card vd-tile" aria-label={destination.name}>
      <header className="vd-card-head">
        <SendRegular aria-hidden />
        <Link to={workspacePath(workspace, "destinations", destination.id)}>
          <strong>{destination.name}</strong>
        </Link>
        <span className="vd-muted">{kind?.displayName ?? destination.kind}</span>
        <span className="vd-spacer" />
        <Health destination={destination} />
        <Switch
          checked={destination.enabled}
          disabled={!configure}
          aria-label={`Enable ${destination.name}`}
          onChange={(_, data) => void setEnabled(destination, data.checked)}
        />
      </header>
      <div className="vd-card-body">
        {health.message && <p className={health.state === "failing" ? "vd-warn" : undefined}>{health.message}</p>}
        <dl className="vd-fields">
          <div className="vd-field">
            <dt className="vd-label">Last success</dt>
            <dd>
              <Ago value={health.lastSuccessTimeUtc} />
            </dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Last attempt</dt>
            <dd>
              <Ago value={health.lastAttemptTimeUtc} />
            </dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Waiting</dt>
            <dd>
              <Link to={`${deliveries}&state=pending,sending,retrying`}>{health.pending}</Link>
            </dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Failed</dt>
            <dd>
              <Link to={`${deliveries}&state=failed`}>{health.failed}</Link>
            </dd>
          </div>
        </dl>
        <div className="vd-tile-actions">
          {configure && <TestButton run={() => api.testDestination(workspace.id, destination.id)} list="destinations" />}
          <Link className="vd-button-link" to={workspacePath(workspace, "destinations", destination.id)}>
            {configure ? "Edit" : "Settings"}
          </Link>
          <Link className="vd-button-link" to={deliveries}>
            Deliveries
          </Link>
        </div>
      </div>
    </article>
  );
}

export default function DestinationsPage() {
  const { configure } = useRights();
  const destinations = useDestinations();
  const kinds = useDestinationKinds();
  const list = destinations.data?.value;
  const kindList = kinds.data?.value ?? [];
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Destinations</h1>
        <span className="vd-muted">Where incidents are delivered</span>
        <span className="vd-spacer" />
        {configure && <AddDestination kinds={kindList} />}
      </div>
      {destinations.error && <ErrorView what="The destinations could not be loaded" error={destinations.error} onRetry={() => void destinations.refetch()} />}
      {kinds.error && <ErrorView what="The kinds of destination could not be loaded" error={kinds.error} onRetry={() => void kinds.refetch()} />}
      {destinations.isPending && <Spinner label="Loading the destinations" className="vd-center" />}
      {list?.length === 0 && (
        <EmptyState icon={<SendRegular />} title="Incidents are delivered nowhere yet">
          {configure
            ? "Add a destination, such as a Microsoft Sentinel workspace, and each new incident is created there too."
            : "Ask a contributor of this workspace to add a destination."}
        </EmptyState>
      )}
      <div className="vd-tiles">
        {list?.map((destination) => (
          <Tile key={destination.id} destination={destination} kind={kindList.find((kind) => kind.kind === destination.kind)} />
        ))}
      </div>
    </div>
  );
}
