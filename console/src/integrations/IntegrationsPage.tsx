import "../app/configuration.css";

import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, Spinner, Switch } from "@fluentui/react-components";
import { AddRegular, PlugConnectedRegular } from "@fluentui/react-icons";
import { Link, useNavigate } from "react-router";

import { api } from "../api/client";
import type { Connector, ConnectorKind } from "../api/connectors";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { TestButton } from "../configured/TestButton";
import { Endpoints, Status } from "./Status";
import { useIntegrationKinds, useIntegrations, useSetIntegrationEnabled } from "./useIntegrations";

function AddIntegration({ kinds }: { kinds: readonly ConnectorKind[] }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const add = (kind: ConnectorKind) => void navigate(`${workspacePath(workspace, "integrations", "new")}?kind=${encodeURIComponent(kind.id)}`);
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" appearance="primary" icon={<AddRegular />} disabled={!kinds.length}>
          Add integration
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {kinds.map((kind) => (
            <MenuItem key={kind.id} subText={kind.category} onClick={() => add(kind)}>
              {kind.displayName}
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function Tile({ one, kind }: { one: Connector; kind: ConnectorKind | undefined }) {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const setEnabled = useSetIntegrationEnabled();
  const page = workspacePath(workspace, "integrations", one.id);
  return (
    <article className="vd-card vd-tile" aria-label={one.name}>
      <header className="vd-card-head">
        <PlugConnectedRegular aria-hidden />
        <Link to={page}>
          <strong>{one.name}</strong>
        </Link>
        <span className="vd-muted">{kind?.displayName ?? one.kind}</span>
        <span className="vd-spacer" />
        <Status status={one.status} />
        <Switch
          checked={one.enabled}
          disabled={!configure}
          aria-label={`Enable ${one.name}`}
          onChange={(_, data) => void setEnabled(one, data.checked)}
        />
      </header>
      <div className="vd-card-body">
        <Endpoints one={one} kinds={kind?.endpoints ?? []} />
        <div className="vd-tile-actions">
          {configure && <TestButton run={() => api.testConnector(workspace.id, one.id)} list="connectors" />}
          <Link className="vd-button-link" to={page}>
            {configure ? "Edit" : "Settings"}
          </Link>
        </div>
      </div>
    </article>
  );
}

export default function IntegrationsPage() {
  const { configure } = useRights();
  const integrations = useIntegrations();
  const kinds = useIntegrationKinds();
  const list = integrations.data?.value;
  const kindList = kinds.data?.value ?? [];
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Integrations</h1>
        <span className="vd-muted">What logs and alerts are collected from</span>
        <span className="vd-spacer" />
        {configure && <AddIntegration kinds={kindList} />}
      </div>
      {integrations.error && <ErrorView what="The integrations could not be loaded" error={integrations.error} onRetry={() => void integrations.refetch()} />}
      {kinds.error && <ErrorView what="The kinds of integration could not be loaded" error={kinds.error} onRetry={() => void kinds.refetch()} />}
      {integrations.isPending && <Spinner label="Loading the integrations" className="vd-center" />}
      {list?.length === 0 && (
        <EmptyState icon={<PlugConnectedRegular />} title="Nothing is collected yet">
          {configure
            ? "Add an integration, such as Azure Security, and its alerts and incidents are collected from now on."
            : "Ask a contributor of this workspace to add an integration."}
        </EmptyState>
      )}
      <div className="vd-tiles">
        {list?.map((one) => (
          <Tile key={one.id} one={one} kind={kindList.find((kind) => kind.id === one.kind)} />
        ))}
      </div>
    </div>
  );
}
