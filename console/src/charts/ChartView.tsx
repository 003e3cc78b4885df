import "./charts.css";

import { useEffect, useId, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";

import { usePreferences } from "../app/preferences";
import type { Chart, Series } from "./model";
import { Pie } from "./Pie";
import { Plot, plotOf, readout } from "./Plot";

const PANEL = 300;

/** The width that there is for a chart; it follows the window. */
function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(280, Math.floor(element.clientWidth))));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

function Legend({ series, colours, hidden, onToggle }: { series: readonly Series[]; colours: ReadonlyMap<string, number>; hidden: ReadonlySet<string>; onToggle: (name: string, only: boolean) => void }) {
  return (
    <div className="vd-legend" role="group" aria-label="Series">
      {series.map((one) => (
        <button
          key={one.name}
          type="button"
          aria-pressed={!hidden.has(one.name)}
          title="Click hides or shows it; with Shift it alone is shown"
          onClick={(event) => onToggle(one.name, event.shiftKey)}
        >
          <svg width={12} height={12} aria-hidden="true" className={`vd-colour-${colours.get(one.name) ?? 0}`}>
            <Mark index={colours.get(one.name) ?? 0} />
          </svg>
          <span className="vd-ellipsis">{one.name || '""'}</span>
        </button>
      ))}
    </div>
  );
}

/** Colour is never alone: each mark has a form of its own, too. */
function Mark({ index }: { index: number }) {
  const form = Math.floor(index / 10) % 3;
  if (form === 1) return <circle cx={6} cy={6} r={5} className="vd-fill" />;
  if (form === 2) return <path d="M6 0 12 12H0Z" className="vd-fill" />;
  return <rect x={1} y={1} width={10} height={10} rx={2} className="vd-fill" />;
}

function Cards({ chart }: { chart: Chart }) {
  return (
    <dl className="vd-cards">
      {chart.series.map((one) => (
        <div key={one.column}>
          <dd>{one.name || "–"}</dd>
          <dt>{one.column}</dt>
        </div>
      ))}
    </dl>
  );
}

/** A chart with its legend. Arrow keys go from point to point, and what is there is said. */
export function ChartView({ chart, height = PANEL }: { chart: Chart; height?: number }) {
  const [box, width] = useWidth();
  const { zone } = usePreferences();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState<number | null>(null);
  const id = useId();
  const colours = new Map(chart.series.map((one, index) => [one.name, index]));
  const toggle = (name: string, only: boolean) => {
    setHidden((current) => {
      const others = chart.series.map((one) => one.name).filter((one) => one !== name);
      if (only) return others.every((one) => current.has(one)) && !current.has(name) ? new Set() : new Set(others);
      const next = new Set(current);
      if (!next.delete(name)) next.add(name);
      return next;
    });
    setAt(null);
  };
  const shown = chart.series.filter((one) => !hidden.has(one.name));
  const columns = chart.panels ? [...new Set(chart.series.map((one) => one.column))] : [null];
  const panels = columns.map((column) => ({ ...chart, series: column === null ? shown : shown.filter((one) => one.column === column) }));
  const places = [...new Set(shown.flatMap((one) => one.points.map((point) => point.x)))].sort((a, b) => a - b);
  const plots = chart.shape === "pie" || chart.shape === "card" ? [] : panels.map((panel) => plotOf(panel, width, height, zone));
  const move = (event: KeyboardEvent) => {
    const now = at === null ? -1 : places.indexOf(at);
    const next = { ArrowRight: now + 1, ArrowLeft: now < 0 ? places.length - 1 : now - 1, Home: 0, End: places.length - 1 }[event.key];
    if (event.key === "Escape") setAt(null);
    else if (next !== undefined && places.length) setAt(places[Math.max(0, Math.min(places.length - 1, next))] ?? null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const follow = (event: PointerEvent<SVGSVGElement>) => {
    const plot = plots[0];
    if (!plot) return;
    const frame = event.currentTarget.getBoundingClientRect();
    setAt(plot.nearest(event.clientX - frame.left, event.clientY - frame.top, places));
  };
  const name = chart.title ?? `${chart.y.title || "Values"} by ${chart.x.title}`;
  const told = at === null ? null : readout(chart, shown, at, zone);
  return (
    <figure className="vd-chart" aria-labelledby={`${id}-name`}>
      <figcaption id={`${id}-name`} className={chart.title ? "vd-chart-title" : "vd-visually-hidden"}>
        {name}
      </figcaption>
      <div ref={box} className="vd-chart-body">
        {chart.shape === "card" && <Cards chart={chart} />}
        {chart.shape === "pie" && <Pie series={shown} colours={colours} width={width} height={height} name={name} />}
        {plots.length > 0 && (
          <div className="vd-chart-keys" tabIndex={0} role="group" aria-label={`${name}; the arrow keys go from point to point`} onKeyDown={move}>
            {plots.map((plot, index) => (
              <Plot key={columns[index] ?? ""} plot={plot} colours={colours} at={at} onPointerMove={follow} onPointerLeave={() => setAt(null)} />
            ))}
          </div>
        )}
        {plots.length > 0 && (
          <div className="vd-chart-told" role="status" aria-live="polite">
            {told && (
              <>
                <strong>{told.x}</strong>
                {told.values.map((one) => (
                  <span key={one.name}>
                    <svg width={10} height={10} aria-hidden="true" className={`vd-colour-${colours.get(one.name) ?? 0}`}>
                      <rect width={10} height={10} rx={2} className="vd-fill" />
                    </svg>{" "}
                    {one.name}: {one.value}
                  </span>
                ))}
              </>
            )}
          </div>
        )}
      </div>
      {chart.legend && chart.shape !== "card" && (chart.series.length > 1 || chart.shape === "pie") && (
        <Legend series={chart.series} colours={colours} hidden={hidden} onToggle={toggle} />
      )}
      {chart.note && <p className="vd-muted">{chart.note}</p>}
    </figure>
  );
}
