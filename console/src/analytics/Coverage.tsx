/** Which of a rule's time was searched: a strip with its gaps, and why they are there. */

import "./past.css";

import { Button, Spinner } from "@fluentui/react-components";
import { HistoryRegular } from "@fluentui/react-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../api/client";
import type { Coverage as Told, Stretch, StretchOutcome } from "../api/past";
import type { Rule } from "../api/types";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { setOrDelete, useParameters } from "../app/parameters";
import { usePreferences } from "../app/preferences";
import { useWorkspace } from "../app/session";
import { Table } from "../app/Table";
import { formatTime } from "../time/format";
import { Time } from "../time/Time";
import { coverageText, lengthOf, lengthText, OUTCOMES, segmentsOf, unsearched } from "./coverage";

const DAYS = [1, 7, 30] as const;
const SHOWN = 50;
const ORDER: readonly StretchOutcome[] = ["searched", "gap", "suppressed", "disabled"];

function Strip({ told }: { told: Told }) {
  const { zone } = usePreferences();
  const text = coverageText(told);
  const there = new Set(told.value.map((one) => one.outcome));
  return (
    <figure className="vd-coverage">
      <div className="vd-strip" role="img" aria-label={text}>
        {segmentsOf(told).map(({ stretch, outcome, left, width }) => (
          <span
            key={`${outcome} ${stretch.start}`}
            className={`vd-strip-${outcome}`}
            style={{ left: `${left}%`, width: `${width}%` }}
            title={`${OUTCOMES[outcome]}: ${formatTime(stretch.start, zone, "minute")} – ${formatTime(stretch.end, zone, "minute")}${stretch.reason ? `\n${stretch.reason}` : ""}`}
          />
        ))}
      </div>
      <div className="vd-row vd-muted">
        <Time value={told.from} precision="minute" />
        <span className="vd-spacer" />
        <Time value={told.to} precision="minute" />
      </div>
      <ul className="vd-strip-legend">
        {ORDER.filter((one) => there.has(one)).map((outcome) => (
          <li key={outcome}>
            <span className={`vd-strip-mark vd-strip-${outcome}`} aria-hidden />
            {OUTCOMES[outcome]}
          </li>
        ))}
      </ul>
      <figcaption>
        <strong>{text}</strong>
        {told.coveredTo && (
          <div className="vd-muted">
            Settled up to <Time value={told.coveredTo} />; what is after it is still to come.
          </div>
        )}
      </figcaption>
    </figure>
  );
}

function Unsearched({ stretches }: { stretches: readonly Stretch[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? stretches : stretches.slice(0, SHOWN);
  return (
    <>
      <Table label="What was not searched" headings={["What, and why", "When", { title: "Length", number: true }, { title: "Windows", number: true }]}>
        {shown.map((one) => (
          <tr key={one.start}>
            <td className="vd-wrap-text">
              <span className={`vd-strip-mark vd-strip-${one.outcome}`} aria-hidden /> {OUTCOMES[one.outcome]}
              {one.reason && <div className="vd-muted">{one.reason}</div>}
            </td>
            <td className="vd-nowrap">
              <Time value={one.start} precision="minute" /> –
              <br />
              <Time value={one.end} precision="minute" />
            </td>
            <td className="vd-number">{lengthText(lengthOf(one))}</td>
            <td className="vd-number">{one.windows.toLocaleString("en-GB")}</td>
          </tr>
        ))}
      </Table>
      {shown.length < stretches.length && <Button onClick={() => setAll(true)}>Show all {stretches.length.toLocaleString("en-GB")}</Button>}
    </>
  );
}

export function Coverage({ rule }: { rule: Rule }) {
  const { id: ws } = useWorkspace();
  const [parameters, setParameters] = useParameters();
  const days = DAYS.find((one) => String(one) === parameters.get("days")) ?? 7;
  const found = useQuery({ queryKey: ["coverage", ws, rule.id, days], queryFn: () => api.coverage(ws, rule.id, days), placeholderData: keepPreviousData, refetchInterval: 60_000 });
  const told = found.data;
  const missed = told ? unsearched(told) : [];
  return (
    <section className="vd-stack" aria-label="Coverage">
      <div className="vd-row vd-wrap">
        <h2>Coverage</h2>
        <span className="vd-spacer" />
        <div className="vd-facets" role="group" aria-label="How far back">
          {DAYS.map((one) => (
            <button
              key={one}
              type="button"
              className="vd-facet"
              aria-pressed={days === one}
              onClick={() =>
                setParameters((next) => {
                  setOrDelete(next, "days", one === 7 ? "" : String(one));
                  return next;
                })
              }
            >
              {one === 1 ? "Last 24 hours" : `Last ${one} days`}
            </button>
          ))}
        </div>
      </div>
      {found.error && <ErrorView what="The coverage could not be loaded" error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Spinner size="small" label="Loading the coverage" />}
      {told && (
        <div className={`vd-stack${found.isPlaceholderData ? " vd-busy" : ""}`}>
          {told.value.length > 0 && <Strip told={told} />}
          {missed.length > 0 && (
            <>
              <h3>What was not searched</h3>
              <Unsearched stretches={missed} />
            </>
          )}
          {told.value.length === 0 && (
            <EmptyState icon={<HistoryRegular />} title={coverageText(told)}>
              {rule.enabled ? "Its first window is still to come." : "The rule is disabled. Enable it, and its windows are searched from then on."}
            </EmptyState>
          )}
        </div>
      )}
    </section>
  );
}
