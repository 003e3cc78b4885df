/** What the text of a rule would have found over the last days, before it is saved. */

import "./past.css";

import { Button, MessageBar, MessageBarBody, MessageBarTitle, ProgressBar, Select, Spinner } from "@fluentui/react-components";
import { BeakerRegular } from "@fluentui/react-icons";
import { useEffect, useRef, useState } from "react";

import { api } from "../api/client";
import { isAbort } from "../api/http";
import type { Backtest as Told, BacktestExample, BacktestSide } from "../api/past";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace } from "../app/session";
import { Table } from "../app/Table";
import { ChartView } from "../charts/ChartView";
import { SeverityBadge } from "../incidents/badges";
import { Time } from "../time/Time";
import { valueText } from "../values/kql";
import { alertsText, chartOfDays, costText, diffLines, differenceText, entitiesText, fieldText, followed, IN_FORCE, progressText, THIS_TEXT, type Windows } from "./backtest";

const DAYS = [1, 3, 7, 14, 30] as const;
const CHART_HEIGHT = 170;
const NONE: Windows = { done: 0, all: 0 };

function Figures({ told }: { told: Told }) {
  const sides: [string, BacktestSide][] = [[THIS_TEXT, told.result], ...(told.inForce ? [[IN_FORCE, told.inForce] as [string, BacktestSide]] : [])];
  return (
    <Table label="Figures" headings={["Version", "Alerts", "Cost"]}>
      {sides.map(([name, side]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td>
            {alertsText(side)}
            {side.suppressed > 0 && <div className="vd-muted">{side.suppressed.toLocaleString("en-GB")} windows passed over after an alert</div>}
          </td>
          <td>
            {costText(side)}
            {side.failed > 0 && (
              <div className="vd-warn">
                {side.failed.toLocaleString("en-GB")} windows failed. {side.errors[0]}
              </div>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Example({ one }: { one: BacktestExample }) {
  const columns = Object.keys(one.sample[0] ?? {}).slice(0, 12);
  return (
    <li>
      <details>
        <summary>
          <SeverityBadge severity={one.severity} /> <Time value={one.to} precision="minute" /> · {one.rows === 1 ? "1 row" : `${one.rows.toLocaleString("en-GB")} rows`} ·{" "}
          {entitiesText(one)}
        </summary>
        <Table label={`Rows of the alert of ${one.to}`} headings={columns}>
          {one.sample.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column} className="vd-ellipsis vd-sample">
                  {valueText(row[column])}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      </details>
    </li>
  );
}

function Examples({ title, examples }: { title: string; examples: readonly BacktestExample[] }) {
  if (!examples.length) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul className="vd-examples">
        {examples.map((one) => (
          <Example key={`${one.to} ${entitiesText(one)}`} one={one} />
        ))}
      </ul>
    </section>
  );
}

function Changes({ told }: { told: Told }) {
  const lines = diffLines(told.query);
  if (!told.inForce || (!lines.length && !told.fields.length)) return null;
  return (
    <section>
      <h3>What the text changes</h3>
      {told.fields.length > 0 && (
        <dl className="vd-facts">
          {told.fields.map((one) => (
            <div key={one.field} className="vd-contents">
              <dt>{one.field}</dt>
              <dd>
                {fieldText(one.old)} → {fieldText(one.new)}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {lines.length > 0 && (
        <pre className="vd-code vd-diff" tabIndex={0} aria-label="Difference of the query">
          {lines.map((line, index) => (
            <span key={index} className={`vd-diff-${line.kind}`}>
              {line.text}
              {"\n"}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

function Result({ told, stale }: { told: Told; stale: boolean }) {
  const difference = differenceText(told);
  const { result } = told;
  return (
    <div className="vd-stack" role="group" aria-label="What it would have found">
      {stale && <p className="vd-caution">The text, or the time, has changed since: test it again.</p>}
      {result.failed > 0 && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{result.failed === result.runs ? "Every run failed" : `${result.failed} of ${result.runs} runs failed`}</MessageBarTitle>
            {result.errors[0]}
          </MessageBarBody>
        </MessageBar>
      )}
      <p role="status">
        <strong>
          {alertsText(result)}. {difference}
        </strong>
      </p>
      <ChartView chart={chartOfDays(told)} height={CHART_HEIGHT} />
      <Figures told={told} />
      <Changes told={told} />
      {told.difference?.comparable ? (
        <>
          <Examples title="Alerts that only this text raises" examples={told.difference.moreExamples} />
          <Examples title="Alerts that only the version in force raises" examples={told.difference.lessExamples} />
        </>
      ) : null}
      <Examples title="Examples" examples={result.examples} />
    </div>
  );
}

interface Props {
  content: string;
  /** The rule whose text it is to become; without, it is new. */
  ruleId?: string;
}

export function Backtest({ content, ruleId }: Props) {
  const { id: ws } = useWorkspace();
  const [days, setDays] = useState<number>(7);
  const [state, setState] = useState<{ told: Told | null; of: string; error: unknown; running: boolean }>({ told: null, of: "", error: null, running: false });
  const [windows, setWindows] = useState<Windows>(NONE);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const wanted = `${days} ${content}`;
  const test = async () => {
    const mine = new AbortController();
    controller.current = mine;
    setState((before) => ({ ...before, error: null, running: true }));
    setWindows(NONE);
    try {
      const told = await followed(api.backtest(ws, { content, days, ...(ruleId ? { ruleId } : {}) }, { signal: mine.signal }), setWindows);
      setState({ told, of: wanted, error: null, running: false });
    } catch (error) {
      setState((before) => ({ ...before, error: isAbort(error) ? null : error, running: false }));
    }
  };
  return (
    <fieldset className="vd-fieldset">
      <legend>Test with past data</legend>
      <div className="vd-row vd-wrap">
        <Select size="small" aria-label="Days to test" value={String(days)} disabled={state.running} onChange={(_, data) => setDays(Number(data.value))}>
          {DAYS.map((one) => (
            <option key={one} value={one}>
              {one === 1 ? "Last 24 hours" : `Last ${one} days`}
            </option>
          ))}
        </Select>
        <Button size="small" icon={state.running ? <Spinner size="extra-tiny" /> : <BeakerRegular />} disabled={state.running || !content.trim()} onClick={() => void test()}>
          {state.running ? "Testing" : "Test"}
        </Button>
        {state.running && (
          <Button size="small" onClick={() => controller.current?.abort()}>
            Stop
          </Button>
        )}
        <span className="vd-muted">{state.running ? progressText(windows) : "Runs every window of that time as the schedule would have. Nothing is kept."}</span>
      </div>
      {state.running && <ProgressBar aria-label="How far the test is" max={Math.max(1, windows.all)} {...(windows.all ? { value: windows.done } : {})} />}
      {state.error !== null && <ErrorView what="It could not be tested" error={state.error} />}
      {state.told && <Result told={state.told} stale={state.of !== wanted} />}
    </fieldset>
  );
}
