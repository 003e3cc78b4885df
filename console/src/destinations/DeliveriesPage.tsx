import "../app/configuration.css";

import { Button, Select, Spinner } from "@fluentui/react-components";
import {
  ArrowClockwiseRegular,
  ArrowSyncRegular,
  CheckmarkCircleRegular,
  ClockRegular,
  DismissCircleRegular,
  TrayItemAddRegular,
  type FluentIcon,
} from "@fluentui/react-icons";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import { api } from "../api/client";
import type { Delivery, DeliveryState } from "../api/destinations";
import { done, failed } from "../app/activity";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Table } from "../app/Table";
import { Ago, Time } from "../time/Time";
import { useDestinations } from "./useDestinations";

const STATES: Record<DeliveryState, { label: string; icon: FluentIcon; tone: string }> = {
  pending: { label: "Waiting", icon: ClockRegular, tone: "vd-muted" },
  sending: { label: "Being sent", icon: ArrowSyncRegular, tone: "" },
  retrying: { label: "Trying again", icon: ArrowClockwiseRegular, tone: "vd-caution" },
  delivered: { label: "Delivered", icon: CheckmarkCircleRegular, tone: "vd-good" },
  failed: { label: "Failed", icon: DismissCircleRegular, tone: "vd-bad" },
};
const ORDER: readonly DeliveryState[] = ["pending", "sending", "retrying", "delivered", "failed"];
const PAGE = 100;

function State({ delivery }: { delivery: Delivery }) {
  const { label, icon: Icon, tone } = STATES[delivery.state];
  return (
    <>
      <span className={`vd-badge ${tone}`}>
        <Icon aria-hidden />
        {label}
      </span>
      {delivery.error && (
        <div className="vd-wrap-text">
          {delivery.error.message} {delivery.error.hint}
        </div>
      )}
      {delivery.state === "retrying" && delivery.nextAttemptTimeUtc && (
        <div className="vd-muted">
          next attempt <Ago value={delivery.nextAttemptTimeUtc} />
        </div>
      )}
    </>
  );
}

export default function DeliveriesPage() {
  const workspace = useWorkspace();
  const { id: ws } = workspace;
  const { configure } = useRights();
  const client = useQueryClient();
  const destinations = useDestinations();
  const [parameters, setParameters] = useParameters();
  const destination = parameters.get("destination") ?? "";
  const states = (parameters.get("state") ?? "").split(",").filter((one): one is DeliveryState => one in STATES);
  const skip = Math.max(0, Number(parameters.get("skip")) || 0);
  const request = { destination, state: states.join(","), top: PAGE, skip };
  const deliveries = useQuery({
    queryKey: ["deliveries", ws, request],
    queryFn: () => api.deliveries(ws, request),
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
  const retry = useMutation({
    mutationFn: (delivery: Delivery) => api.retryDelivery(ws, delivery.id),
    onSuccess: (_, delivery) => done(`Trying "${delivery.title}" again`),
    onError: (error, delivery) => failed(`Could not try "${delivery.title}" again`, error),
    onSettled: () => client.invalidateQueries({ queryKey: ["deliveries", ws] }),
  });
  const set = (name: string, value: string) =>
    setParameters((next) => {
      next.delete("skip");
      setOrDelete(next, name, value);
      return next;
    });
  const toggle = (state: DeliveryState) =>
    set("state", (states.includes(state) ? states.filter((one) => one !== state) : [...states, state]).join(","));
  const page = (to: number) =>
    setParameters((next) => {
      setOrDelete(next, "skip", to > 0 ? String(to) : "");
      return next;
    });
  const { data } = deliveries;
  const filtered = destination !== "" || states.length > 0;
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Deliveries</h1>
        <span className="vd-muted">What was sent to destinations, the latest first</span>
      </div>
      <div className="vd-filters">
        <Select size="small" aria-label="Destination" value={destination} onChange={(_, value) => set("destination", value.value)}>
          <option value="">All destinations</option>
          {destinations.data?.value.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </Select>
        <div className="vd-facets" role="group" aria-label="State">
          {ORDER.map((state) => (
            <button key={state} type="button" className="vd-facet" aria-pressed={states.includes(state)} onClick={() => toggle(state)}>
              {STATES[state].label}
              <span className="vd-facet-count">{data?.facets.state[state] ?? "…"}</span>
            </button>
          ))}
        </div>
      </div>
      {deliveries.error && <ErrorView what="The deliveries could not be loaded" error={deliveries.error} onRetry={() => void deliveries.refetch()} />}
      {deliveries.isPending && <Spinner label="Loading the deliveries" className="vd-center" />}
      {data?.value.length === 0 &&
        (filtered ? (
          <EmptyState title="No delivery matches" actions={<Button onClick={() => setParameters(() => new URLSearchParams())}>Reset filters</Button>} />
        ) : (
          <EmptyState icon={<TrayItemAddRegular />} title="Nothing was sent yet" actions={<Link to={workspacePath(workspace, "destinations")}>Destinations</Link>}>
            Each new incident is sent to every enabled destination.
          </EmptyState>
        ))}
      {data && data.value.length > 0 && (
        <>
          <Table
            label="Deliveries"
            headings={["Created", "State", "Incident", "Destination", { title: "Attempts", number: true }, "Last attempt"]}
            actions
            busy={deliveries.isPlaceholderData}
          >
            {data.value.map((delivery) => (
              <tr key={delivery.id}>
                <td>
                  <Time value={delivery.createdTimeUtc} precision="minute" />
                </td>
                <td className="vd-delivery-state">
                  <State delivery={delivery} />
                </td>
                <td className="vd-wrap-text vd-delivered">
                  {delivery.incidentNumber === null ? (
                    delivery.title
                  ) : (
                    <Link to={workspacePath(workspace, "incidents", delivery.incidentNumber)}>
                      #{delivery.incidentNumber} {delivery.title}
                    </Link>
                  )}
                </td>
                <td>
                  <Link to={workspacePath(workspace, "destinations", delivery.destinationId)}>{delivery.destinationName}</Link>
                  {delivery.remoteId && (
                    <div className="vd-mono vd-ellipsis vd-remote" title={delivery.remoteId}>
                      {delivery.remoteId}
                    </div>
                  )}
                </td>
                <td className="vd-number">{delivery.attempts}</td>
                <td className="vd-nowrap">
                  <Ago value={delivery.lastAttemptTimeUtc} />
                </td>
                <td className="vd-nowrap">
                  {configure && (delivery.state === "failed" || delivery.state === "retrying") && (
                    <Button size="small" disabled={retry.isPending} onClick={() => retry.mutate(delivery)}>
                      Try now
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
          {data.count > PAGE && (
            <div className="vd-row">
              <Button size="small" disabled={skip === 0} onClick={() => page(skip - PAGE)}>
                Newer
              </Button>
              <span>
                {skip + 1}–{skip + data.value.length} of {data.count}
              </span>
              <Button size="small" disabled={skip + data.value.length >= data.count} onClick={() => page(skip + PAGE)}>
                Older
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  );
}
