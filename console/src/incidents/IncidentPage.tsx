import "./incidents.css";

import { Button, Spinner, Tab, TabList } from "@fluentui/react-components";
import { ArrowUpRightRegular, DismissRegular } from "@fluentui/react-icons";
import { useMemo, useRef, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import type { Entity, FieldChanges, Incident } from "../api/types";
import { Breadcrumb } from "../app/Breadcrumb";
import { useCommands } from "../app/commands";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useSession, useWorkspace, workspacePath } from "../app/session";
import { Title } from "../app/Title";
import { AlertCard } from "./AlertCard";
import { CloseDialog } from "./CloseDialog";
import { Comments } from "./Comments";
import { ConflictBar } from "./ConflictBar";
import { IncidentControls, StatusMenuAt } from "./Controls";
import { EscalateDialog } from "./EscalateDialog";
import { IncidentDetails } from "./IncidentDetails";
import { Investigate } from "./Investigate";
import { KillChain } from "./parts";
import { TakeAction } from "./TakeAction";
import { Timeline } from "./Timeline";
import { useIncident, useIncidentStore } from "./useIncidents";
import { Work } from "./Work";

type TabName = "alerts" | "timeline" | "comments" | "investigate" | "work" | "action";

const csv = (text: string | null) => (text ?? "").split(",").filter(Boolean);

/** Which entities the page is filtered by; in the address, so that a link shows the same. */
function useEntityFilter(incident: Incident | undefined) {
  const [parameters, setParameters] = useParameters();
  const wanted = csv(parameters.get("entity"));
  const unwanted = csv(parameters.get("without"));
  const change = (id: string, exclude: boolean) =>
    setParameters((next) => {
      for (const name of ["entity", "without"]) {
        const others = csv(next.get(name)).filter((one) => one !== id);
        setOrDelete(next, name, (exclude === (name === "without") ? [...others, id] : others).join(","));
      }
      // The alerts are what the filter is about.
      next.delete("tab");
      return next;
    });
  const clear = () =>
    setParameters((next) => {
      next.delete("entity");
      next.delete("without");
      return next;
    });
  const alerts = (incident?.alerts ?? []).filter(
    (alert) => wanted.every((id) => alert.entities.includes(id)) && !unwanted.some((id) => alert.entities.includes(id)),
  );
  return { wanted, unwanted, change, clear, alerts, isActive: wanted.length + unwanted.length > 0 };
}

function FilterLine({ incident, filter }: { incident: Incident; filter: ReturnType<typeof useEntityFilter> }) {
  if (!filter.isActive) return null;
  const name = (id: string) => incident.entities.find((entity) => entity.id === id)?.name ?? id;
  return (
    <div className="vd-filter-line" role="status">
      {filter.alerts.length} of {incident.alerts.length} alerts
      {filter.wanted.length > 0 && ` with ${filter.wanted.map(name).join(" and ")}`}
      {filter.unwanted.length > 0 && ` without ${filter.unwanted.map(name).join(" or ")}`}
      <Button size="small" appearance="subtle" icon={<DismissRegular />} onClick={filter.clear}>
        Show all
      </Button>
    </div>
  );
}

function Loaded({ incident }: { incident: Incident }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { session } = useSession();
  const { editIncidents: can } = useRights();
  const store = useIncidentStore();
  const [parameters, setParameters] = useParameters();
  const [closing, setClosing] = useState(false);
  const [escalating, setEscalating] = useState(false);
  const [statusAt, setStatusAt] = useState<HTMLElement | null>(null);
  const [draft, setDraft] = useState("");
  const comment = useRef<HTMLTextAreaElement>(null);
  const controls = useRef<HTMLDivElement>(null);
  const filter = useEntityFilter(incident);

  const alertId = parameters.get("alert");
  const tab = (["timeline", "comments", "investigate", "work", "action"] as const).find((one) => one === parameters.get("tab")) ?? "alerts";
  const show = (next: TabName, alert = "") =>
    setParameters((changed) => {
      setOrDelete(changed, "tab", next === "alerts" ? "" : next);
      setOrDelete(changed, "alert", alert);
      return changed;
    });
  const change = (set: FieldChanges) => void store.change([incident.number], set);
  const me = { id: session.principal.id, name: session.principal.name };
  const startComment = () => {
    show("comments");
    setTimeout(() => comment.current?.focus());
  };

  useCommands([
    { id: "i-assign", title: "Assign to me", group: "This incident", keys: ["a"], enabled: can, run: () => change({ owner: me }) },
    { id: "i-status", title: "Set the status", group: "This incident", keys: ["s"], enabled: can, run: () => setStatusAt(controls.current) },
    { id: "i-close", title: "Close with a classification", group: "This incident", keys: ["c"], enabled: can, run: () => setClosing(true) },
    { id: "i-escalate", title: "Escalate as a true positive", group: "This incident", keys: ["e"], enabled: can, run: () => setEscalating(true) },
    { id: "i-comment", title: "Write a comment", group: "This incident", keys: ["m"], enabled: can, run: startComment },
    { id: "i-alerts", title: "Show the alerts", group: "This incident", keys: ["1"], run: () => show("alerts") },
    { id: "i-timeline", title: "Show the timeline", group: "This incident", keys: ["2"], run: () => show("timeline") },
    { id: "i-comments", title: "Show the comments", group: "This incident", keys: ["3"], run: () => show("comments") },
    { id: "i-investigate", title: "Show the graph and similar incidents", group: "This incident", keys: ["4"], run: () => show("investigate") },
    { id: "i-work", title: "Show tasks, bookmarks and history", group: "This incident", keys: ["5"], run: () => show("work") },
    { id: "i-action", title: "Show what to do", group: "This incident", keys: ["6"], run: () => show("action") },
    { id: "i-back", title: "Back to the list", group: "This incident", keys: ["Escape"], run: () => void navigate(-1) },
  ]);

  const active = useMemo(() => new Set(filter.wanted), [filter.wanted]);
  const entityFilters = (entity: Entity) => ({
    filterIn: () => filter.change(entity.id, false),
    filterOut: () => filter.change(entity.id, true),
    open: {
      label: "Other incidents with it",
      run: () => void navigate(`${workspacePath(workspace, "incidents")}?status=any&q=${encodeURIComponent(`"${entity.name}"`)}`),
    },
  });
  return (
    <div className="vd-page vd-page-fill">
      <Breadcrumb to={workspacePath(workspace, "incidents")} list="Incidents">
        #{incident.number}
      </Breadcrumb>
      <header className="vd-incident-head">
        <div>
          <p className="vd-story">{incident.story}</p>
          <Title>{`Incident ${incident.number}`}</Title>
          <h1>{incident.title}</h1>
        </div>
        <div ref={controls} className="vd-incident-controls vd-row vd-wrap">
          <IncidentControls incident={incident} onChange={change} onClose={() => setClosing(true)} />
          <Button
            size="small"
            icon={<ArrowUpRightRegular />}
            disabled={!can}
            title={can ? undefined : "Your role in this workspace cannot edit incidents"}
            onClick={() => setEscalating(true)}
          >
            Escalate…
          </Button>
        </div>
      </header>
      <ConflictBar store={store} number={incident.number} />
      <KillChain incident={incident} />
      <div className="vd-incident">
        <IncidentDetails incident={incident} onChange={change} filters={entityFilters} active={active} />
        <section className="vd-incident-main" aria-label="Evidence">
          <TabList selectedValue={tab} onTabSelect={(_, data) => show(data.value as TabName)} size="small">
            <Tab value="alerts">Alerts ({incident.alerts.length})</Tab>
            <Tab value="timeline">Timeline ({incident.timeline.length})</Tab>
            <Tab value="comments">Comments ({incident.comments.length})</Tab>
            <Tab value="investigate">Investigate</Tab>
            <Tab value="work">Work</Tab>
            <Tab value="action">Take action</Tab>
          </TabList>
          <div className="vd-incident-tab">
            {tab === "alerts" && (
              <>
                <FilterLine incident={incident} filter={filter} />
                {filter.alerts.map((alert, index) => (
                  <AlertCard
                    key={alert.id}
                    alert={alert}
                    incident={incident}
                    initiallyOpen={alertId === null && index < 3}
                    focused={alert.id === alertId}
                    filters={entityFilters}
                    active={active}
                    onAction={() => show("action")}
                  />
                ))}
                {incident.alerts.length === 0 && <p className="vd-muted">This incident has no alerts.</p>}
              </>
            )}
            {tab === "timeline" && (
              <Timeline items={incident.timeline} alertId={alertId} onAlert={(id) => show("alerts", id)} />
            )}
            {tab === "comments" && <Comments incident={incident} draft={draft} onDraft={setDraft} inputRef={comment} />}
            {tab === "investigate" && <Investigate incident={incident} />}
            {tab === "work" && <Work incident={incident} />}
            {tab === "action" && <TakeAction incident={incident} onAlert={(id) => show("alerts", id)} />}
          </div>
        </section>
      </div>
      <StatusMenuAt
        target={statusAt}
        value={incident.status}
        onChange={change}
        onClose={() => setClosing(true)}
        onDone={() => setStatusAt(null)}
      />
      <EscalateDialog incident={incident} open={escalating} onClose={() => setEscalating(false)} />
      <CloseDialog
        numbers={closing ? [incident.number] : null}
        onClose={() => setClosing(false)}
        onSubmit={(numbers, set, sourceAlerts) => void store.change(numbers, set, sourceAlerts)}
      />
    </div>
  );
}

export default function IncidentPage() {
  const { number: text } = useParams();
  const workspace = useWorkspace();
  const number = Number(text);
  const valid = Number.isSafeInteger(number) && number > 0;
  const { incident, error, refetch } = useIncident(number, valid);
  if (!valid) {
    return (
      <EmptyState page title="There is no such incident" actions={<Link to={workspacePath(workspace, "incidents")}>All incidents</Link>}>
        "{text}" is not the number of an incident.
      </EmptyState>
    );
  }
  if (incident) return <Loaded key={number} incident={incident} />;
  if (error) {
    return (
      <div className="vd-page vd-pad">
        <h1>Incident #{number}</h1>
        <ErrorView what="It could not be loaded" error={error} onRetry={() => void refetch()} />
        <Link to={workspacePath(workspace, "incidents")}>All incidents</Link>
      </div>
    );
  }
  return (
    <div className="vd-page">
      <h1 className="vd-visually-hidden">Incident #{number}</h1>
      <Spinner label={`Loading incident #${number}`} className="vd-center" />
    </div>
  );
}
