import "../app/configuration.css";
import "../incidents/incidents.css";
import "../app/pane.css";

import { Button, SearchBox, Select, Spinner } from "@fluentui/react-components";
import { AddRegular, BugRegular } from "@fluentui/react-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link } from "react-router";

import { intelligence, type IntelObject } from "../api/intelligence";
import { useCommands } from "../app/commands";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { neighbour } from "../app/neighbour";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Table } from "../app/Table";
import { Time } from "../time/Time";
import { IndicatorPane, RevokeButton, Standing } from "./IndicatorPane";
import { askedOf, OBJECTS, OBSERVABLES, observedOf, PAGE, STATES, typeText, type IntelFilter } from "./model";
import { NewIndicator } from "./NewIndicator";

const SHOWN_VALUES = 2;
const NONE: readonly IntelObject[] = [];

function Values({ one }: { one: IntelObject }) {
  const observed = observedOf(one.pattern).filter((each) => each.value !== one.name);
  const more = observed.length - SHOWN_VALUES;
  return (
    <>
      {observed.slice(0, SHOWN_VALUES).map((each) => (
        <div key={`${each.label} ${each.value}`} className="vd-muted vd-break vd-mono">
          {each.value}
        </div>
      ))}
      {more > 0 && <div className="vd-muted">and {more} more</div>}
    </>
  );
}

function List({ shown, open, busy, onOpen }: { shown: readonly IntelObject[]; open: string | null; busy: boolean; onOpen: (id: string) => void }) {
  const { configure } = useRights();
  // Beside an open one there is room for what tells them apart.
  const whole = open === null;
  const headings = whole ? ["Name and values", "Type", "State", "Source", { title: "Confidence", number: true }, "Tags", "Valid until"] : ["Name and values", "Type", "State"];
  return (
    <Table label="Indicators" headings={headings} actions={whole} busy={busy}>
      {shown.map((one) => (
        <tr key={one.id} className={one.id === open ? "vd-row-open" : undefined} aria-current={one.id === open || undefined}>
          <td className="vd-wrap-text vd-named">
            <button type="button" className="vd-link vd-break" aria-expanded={one.id === open} onClick={() => onOpen(one.id)}>
              {one.name}
            </button>
            <Values one={one} />
          </td>
          <td>{typeText(one)}</td>
          <td>
            <Standing one={one} />
          </td>
          {whole && (
            <>
              <td className="vd-break">{one.source}</td>
              <td className="vd-number">{one.confidence ?? "—"}</td>
              <td className="vd-wrap-text">{one.tags.join(", ") || <span className="vd-none">—</span>}</td>
              <td>
                <Time value={one.validUntil} precision="minute" />
              </td>
            </>
          )}
          {whole && <td className="vd-nowrap">{configure && one.type === "indicator" && <RevokeButton subtle one={one} />}</td>}
        </tr>
      ))}
    </Table>
  );
}

function useFilter(): IntelFilter {
  const [parameters] = useParameters();
  return {
    q: parameters.get("q") ?? "",
    type: parameters.get("type") ?? "indicator",
    source: parameters.get("source") ?? "",
    state: STATES.find((one) => one.value === parameters.get("state"))?.value ?? "active",
    skip: Math.max(0, Number(parameters.get("skip")) || 0),
  };
}

export default function IntelligencePage() {
  const workspace = useWorkspace();
  const { id: ws } = workspace;
  const { configure } = useRights();
  const [parameters, setParameters] = useParameters();
  const search = useRef<HTMLInputElement>(null);
  const [adding, setAdding] = useState(false);
  const filter = useFilter();
  const found = useQuery({ queryKey: ["intelligence", ws, "list", filter], queryFn: () => intelligence.list(ws, askedOf(filter)), placeholderData: keepPreviousData, refetchInterval: 60_000 });
  const sources = useQuery({ queryKey: ["intelligence", ws, "sources"], queryFn: () => intelligence.sources(ws), staleTime: 60_000 });
  const open = parameters.get("indicator");
  const shown = found.data?.value ?? NONE;
  const count = found.data?.count ?? 0;
  const filtered = filter.q !== "" || filter.type !== "indicator" || filter.source !== "" || filter.state !== "active";
  const set = (name: string, value: string, replace = false) =>
    setParameters((next) => {
      setOrDelete(next, name, value);
      if (name !== "skip" && name !== "indicator") next.delete("skip");
      return next;
    }, replace);
  const step = (by: 1 | -1) => {
    const next = neighbour(shown, open, by);
    if (next) set("indicator", next.id, true);
  };
  useCommands([
    { id: "ti-find", title: "Find an indicator", group: "Threat intelligence", keys: ["/"], run: () => search.current?.focus() },
    { id: "ti-next", title: "Open the next indicator", group: "Threat intelligence", keys: ["j"], enabled: shown.length > 0, run: () => step(1) },
    { id: "ti-previous", title: "Open the indicator before", group: "Threat intelligence", keys: ["k"], enabled: shown.length > 0, run: () => step(-1) },
    { id: "ti-close", title: "Close the indicator", group: "Threat intelligence", keys: ["Escape"], enabled: open !== null, run: () => set("indicator", "") },
    { id: "ti-add", title: "Add an indicator", group: "Threat intelligence", keys: ["n"], enabled: configure && !adding, run: () => setAdding(true) },
  ]);
  const known = sources.data?.value ?? [];
  const page = (to: number) => set("skip", to > 0 ? String(to) : "");
  return (
    <div className="vd-page">
      <div className="vd-page-head vd-wrap">
        <h1>Threat intelligence</h1>
        {found.data && (
          <span className="vd-muted">
            {count.toLocaleString("en-GB")} {count === 1 ? "object" : "objects"}
          </span>
        )}
        <span className="vd-spacer" />
        {configure && (
          <Button size="small" appearance="primary" icon={<AddRegular />} disabled={adding} onClick={() => setAdding(true)}>
            Add an indicator
          </Button>
        )}
      </div>
      {adding && (
        <NewIndicator
          onCancel={() => setAdding(false)}
          onAdded={(made) => {
            setAdding(false);
            set("indicator", made.id);
          }}
        />
      )}
      <div className="vd-filters" role="search" aria-label="Filter indicators">
        <SearchBox ref={search} size="small" className="vd-search" placeholder="Name, value, pattern" aria-label="Find indicators" value={filter.q} onChange={(_, data) => set("q", data.value, true)} />
        <Select size="small" aria-label="Type" value={filter.type} onChange={(_, data) => set("type", data.value === "indicator" ? "" : data.value)}>
          <option value="indicator">All indicators</option>
          <optgroup label="Indicators of">
            {OBSERVABLES.map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </optgroup>
          <optgroup label="Other objects">
            {OBJECTS.filter((one) => one.value !== "indicator").map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </optgroup>
        </Select>
        <Select size="small" aria-label="Source" value={filter.source} onChange={(_, data) => set("source", data.value)}>
          <option value="">All sources</option>
          {known.map((one) => (
            <option key={one.source} value={one.source}>
              {one.source} ({one.inForce.toLocaleString("en-GB")})
            </option>
          ))}
          {filter.source !== "" && !known.some((one) => one.source === filter.source) && <option value={filter.source}>{filter.source}</option>}
        </Select>
        <div className="vd-facets" role="group" aria-label="State">
          {STATES.map((one) => (
            <button key={one.value} type="button" className="vd-facet" aria-pressed={filter.state === one.value} onClick={() => set("state", one.value === "active" ? "" : one.value)}>
              {one.label}
            </button>
          ))}
        </div>
        {count > PAGE && (
          <>
            <span className="vd-spacer" />
            <span>
              {filter.skip + 1} to {Math.min(count, filter.skip + PAGE)} of {count.toLocaleString("en-GB")}
            </span>
            <Button size="small" disabled={filter.skip === 0} onClick={() => page(filter.skip - PAGE)}>
              Earlier
            </Button>
            <Button size="small" disabled={filter.skip + PAGE >= count} onClick={() => page(filter.skip + PAGE)}>
              Later
            </Button>
          </>
        )}
      </div>
      {found.error && <ErrorView what="The indicators could not be loaded" error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Spinner label="Loading the indicators" className="vd-center" />}
      <div className={open ? "vd-listed vd-with-pane" : "vd-listed"}>
        {shown.length > 0 && <List shown={shown} open={open} busy={found.isPlaceholderData} onOpen={(id) => set("indicator", id === open ? "" : id)} />}
        {found.data && shown.length === 0 && (
          filtered ? (
            <EmptyState title="No indicator matches" actions={<Button onClick={() => setParameters(() => new URLSearchParams())}>Reset filters</Button>} />
          ) : (
            <EmptyState icon={<BugRegular />} title="No indicator is in force" actions={
                <>
                  <Button onClick={() => set("state", "all")}>Show all</Button>
                  <Link to={workspacePath(workspace, "integrations")}>Integrations</Link>
                </>
              }
            >
              {configure ? "Add one by hand, poll a TAXII server under Integrations, or load a file of indicators. A platform can send them over Microsoft Sentinel's upload API." : "A contributor of the workspace can add some, or connect a TAXII server."}
            </EmptyState>
          )
        )}
        {open && <IndicatorPane key={open} id={open} onDismiss={() => set("indicator", "")} />}
      </div>
    </div>
  );
}
