import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";

import { api } from "../api/client";
import type { Destination, DestinationKind } from "../api/destinations";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { ConfiguredForm } from "../configured/ConfiguredForm";
import { About, ConfiguredPage } from "../configured/ConfiguredPage";
import { DeleteButton } from "../configured/DeleteButton";
import { TestButton } from "../configured/TestButton";
import { Health } from "./Health";
import { useDestinationKinds, useDestinations } from "./useDestinations";

function Delete({ destination }: { destination: Destination }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const navigate = useNavigate();
  const remove = async () => {
    await api.deleteDestination(workspace.id, destination.id);
    await client.invalidateQueries({ queryKey: ["destinations", workspace.id] });
    await navigate(workspacePath(workspace, "destinations"));
  };
  return (
    <DeleteButton name={destination.name} remove={remove}>
      Its settings and secrets are removed and cannot be brought back. Incidents that were delivered stay where they are;
      {destination.health.pending > 0 ? ` ${destination.health.pending} waiting deliveries are not made.` : " nothing is waiting."}
    </DeleteButton>
  );
}

function Loaded({ kind, destination }: { kind: DestinationKind; destination: Destination | null }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const client = useQueryClient();
  const { configure } = useRights();
  return (
    <div className="vd-rule">
      <div className="vd-rule-main">
        <ConfiguredForm
          kind={kind}
          stored={destination}
          things="destinations"
          nameHint="As it is called here; each name once."
          list={workspacePath(workspace, "destinations")}
          save={(body) => (destination ? api.patchDestination(workspace.id, destination.id, body) : api.createDestination(workspace.id, body))}
          onSaved={async (saved) => {
            await client.invalidateQueries({ queryKey: ["destinations", workspace.id] });
            if (!destination) await navigate(workspacePath(workspace, "destinations", saved.id), { replace: true });
          }}
          remove={destination && <Delete destination={destination} />}
        />
      </div>
      <About kind={kind} label="About this destination">
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
      </About>
    </div>
  );
}

export default function DestinationPage() {
  return (
    <ConfiguredPage
      thing="destination"
      one="a destination"
      noKind="kind of destination"
      stored={useDestinations()}
      kinds={useDestinationKinds()}
      kindOf={(kind) => kind.kind}
    >
      {(kind, destination) => <Loaded key={destination?.id ?? "new"} kind={kind} destination={destination} />}
    </ConfiguredPage>
  );
}
