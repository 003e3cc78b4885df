import { scaleBand, scaleLinear, scaleLog } from "d3-scale";
import { area, line } from "d3-shape";
import type { PointerEventHandler } from "react";

import type { Zone } from "../app/preferences";
import { formatTime } from "../time/format";
import type { Chart, Point, Series } from "./model";

const compact = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 2 });
const exact = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 6 });

interface Tick {
  at: number;
  label: string;
}

/** A chart with its places on the screen. */
export interface PlotModel {
  chart: Chart;
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: (value: number) => number;
  y: (value: number) => number;
  /** The thickness of a bar, all series of a place together. */
  band: number;
  xTicks: Tick[];
  yTicks: Tick[];
  nearest: (x: number, y: number, places: readonly number[]) => number | null;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const STEPS = [1, 5, 15, 30].map((s) => s * 1000).concat([1, 5, 15, 30, 60, 180, 360, 720].map((m) => m * MINUTE), [1, 2, 7, 14, 30, 91, 365].map((d) => d * DAY));

/** Times at whole steps of the zone's clock. */
function timeTicks(first: number, last: number, room: number, zone: Zone): number[] {
  const step = STEPS.find((one) => (last - first) / one <= Math.max(2, room)) ?? 365 * 10 * DAY;
  const offset = zone === "utc" ? 0 : new Date(first).getTimezoneOffset() * MINUTE;
  const ticks = [];
  for (let at = Math.ceil((first - offset) / step) * step + offset; at <= last; at += step) ticks.push(at);
  return ticks;
}

function timeLabel(at: number, span: number, zone: Zone): string {
  const whole = formatTime(new Date(at).toISOString(), zone);
  if (span <= 10 * MINUTE) return whole.slice(11);
  if (span <= DAY) return whole.slice(11, 16);
  return span <= 4 * DAY ? whole.slice(5, 16) : whole.slice(0, 10);
}

const short = (text: string, letters: number) => (text.length > letters ? `${text.slice(0, Math.max(1, letters - 1))}…` : text);

export function plotOf(chart: Chart, width: number, height: number, zone: Zone): PlotModel {
  const bar = chart.shape === "bar";
  const points = chart.series.flatMap((one) => one.points);
  const filled = chart.shape === "column" || bar || chart.shape === "area";
  const values = points.flatMap((point) => (filled ? [point.from, point.to] : [point.to]));
  let low = chart.y.min ?? Math.min(filled || chart.shape === "line" ? 0 : Infinity, ...values);
  let high = chart.y.max ?? Math.max(filled ? 0 : -Infinity, ...values);
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (low === high) high = low + 1;
  if (bar) height = Math.max(height, 60 + chart.x.categories.length * 18);
  const letters = Math.max(0, ...chart.x.categories.map((one) => one.length));
  const [left, right, top] = [bar ? Math.min(260, 24 + letters * 7) : 64, 16, 12];
  const slanted = chart.x.kind === "category" && !bar && letters * 7 * chart.x.categories.length > width - left - right;
  const bottom = (slanted ? Math.min(110, 20 + letters * 5) : 28) + (chart.x.title && !bar ? 16 : bar && chart.y.title ? 16 : 0);
  const along: [number, number] = bar ? [top, height - bottom] : [left, width - right];
  const across: [number, number] = bar ? [left, width - right] : [height - bottom, top];

  const positive = values.filter((value) => value > 0);
  const log = chart.y.log && positive.length > 0;
  const floor = Math.min(...positive);
  const yScale = log ? scaleLog().domain([chart.y.min && chart.y.min > 0 ? chart.y.min : floor / (filled ? 2 : 1), Math.max(high, floor * 10)]).range(across) : scaleLinear().domain([low, high]).nice(6).range(across);
  const y = (value: number) => yScale(log ? Math.max(value, yScale.domain()[0] ?? floor) : value);
  const yTicks = yScale.ticks(bar ? Math.max(2, Math.floor(width / 110)) : 6).map((at) => ({ at: yScale(at), label: compact.format(at) }));

  const { kind, categories } = chart.x;
  const xs = points.map((point) => point.x);
  let x: (value: number) => number;
  let band: number;
  let xTicks: Tick[];
  if (kind === "category") {
    const scale = scaleBand<number>().domain(categories.map((_, index) => index)).range(along).paddingInner(0.25).paddingOuter(0.12);
    band = scale.bandwidth();
    x = (value) => (scale(value) ?? along[0]) + band / 2;
    const every = bar ? Math.ceil(12 / scale.step()) : slanted ? Math.ceil(13 / scale.step()) : 1;
    xTicks = categories.flatMap((name, index) => (index % every ? [] : [{ at: x(index), label: short(name, bar ? 34 : slanted ? 18 : 60) }]));
  } else {
    let first = chart.xMin ?? Math.min(...xs);
    let last = chart.xMax ?? Math.max(...xs);
    if (!Number.isFinite(first) || !Number.isFinite(last)) [first, last] = [0, 1];
    const sorted = [...new Set(xs)].sort((a, b) => a - b);
    const gaps = sorted.slice(1).map((value, index) => value - (sorted[index] ?? 0));
    const gap = gaps.length ? Math.min(...gaps) : kind === "time" ? MINUTE : 1;
    if (filled && chart.shape !== "area") [first, last] = [first - gap / 2, last + gap / 2];
    if (first === last) [first, last] = [first - gap, last + gap];
    const scale = scaleLinear().domain([first, last]).range(along);
    x = scale;
    band = Math.max(1, Math.min(60, Math.abs(scale(first + gap) - scale(first)) * 0.75));
    const room = Math.floor(Math.abs(along[1] - along[0]) / (bar ? 24 : 96));
    xTicks = kind === "time"
      ? timeTicks(first, last, room, zone).map((at) => ({ at: scale(at), label: timeLabel(at, last - first, zone) }))
      : scale.ticks(room).map((at) => ({ at: scale(at), label: compact.format(at) }));
  }
  const nearest = (px: number, py: number, places: readonly number[]) => {
    const wanted = bar ? py : px;
    let best: number | null = null;
    for (const one of places) if (best === null || Math.abs(x(one) - wanted) < Math.abs(x(best) - wanted)) best = one;
    return best;
  };
  return { chart, width, height, left, right, top, bottom, x, y, band, xTicks, yTicks, nearest };
}

/** What a person reads of one place of the x axis. */
export function readout(chart: Chart, series: readonly Series[], at: number, zone: Zone): { x: string; values: { name: string; value: string }[] } {
  const x = chart.x.kind === "time" ? formatTime(new Date(at).toISOString(), zone) : chart.x.kind === "number" ? exact.format(at) : (chart.x.categories[at] ?? "");
  const values = series.flatMap((one) =>
    one.points.filter((point) => point.x === at).slice(0, 3).map((point) => ({ name: one.name, value: `${exact.format(point.y)}${point.anomaly ? " (anomaly)" : ""}` })),
  );
  return { x, values: values.slice(0, 12) };
}

interface Props {
  plot: PlotModel;
  colours: ReadonlyMap<string, number>;
  at: number | null;
  onPointerMove: PointerEventHandler<SVGSVGElement>;
  onPointerLeave: () => void;
}

export function Plot({ plot, colours, at, onPointerMove, onPointerLeave }: Props) {
  const { chart, width, height, left, right, top, bottom, x, xTicks, yTicks } = plot;
  const bar = chart.shape === "bar";
  const [end, base] = [width - right, height - bottom];
  const slanted = !bar && chart.x.kind === "category" && bottom > 60;
  return (
    <svg width={width} height={height} className="vd-plot" aria-hidden="true" onPointerMove={onPointerMove} onPointerLeave={onPointerLeave}>
      <g className="vd-axis">
        {yTicks.map((tick) => (
          <g key={tick.at}>
            {bar ? <line x1={tick.at} x2={tick.at} y1={top} y2={base} /> : <line x1={left} x2={end} y1={tick.at} y2={tick.at} />}
            {bar ? (
              <text x={tick.at} y={base + 16} textAnchor="middle">{tick.label}</text>
            ) : (
              <text x={left - 8} y={tick.at + 4} textAnchor="end">{tick.label}</text>
            )}
          </g>
        ))}
        {xTicks.map((tick) =>
          bar ? (
            <text key={tick.at} x={left - 8} y={tick.at + 4} textAnchor="end">{tick.label}</text>
          ) : slanted ? (
            <text key={tick.at} transform={`translate(${tick.at},${base + 12}) rotate(-38)`} textAnchor="end">{tick.label}</text>
          ) : (
            <text key={tick.at} x={tick.at} y={base + 16} textAnchor="middle">{tick.label}</text>
          ),
        )}
        {(bar ? chart.y.title : chart.x.title) && (
          <text x={(left + end) / 2} y={height - 4} textAnchor="middle" className="vd-axis-title">{bar ? chart.y.title : chart.x.title}</text>
        )}
        {!bar && chart.y.title && (
          <text transform={`translate(12,${(top + base) / 2}) rotate(-90)`} textAnchor="middle" className="vd-axis-title">{chart.y.title}</text>
        )}
      </g>
      {at !== null && (bar ? <line className="vd-cursor" x1={left} x2={end} y1={x(at)} y2={x(at)} /> : <line className="vd-cursor" x1={x(at)} x2={x(at)} y1={top} y2={base} />)}
      {chart.series.map((one, index) => (
        <g key={one.name} className={`vd-colour-${colours.get(one.name) ?? 0}`}>
          <Shape plot={plot} series={one} index={index} at={at} />
        </g>
      ))}
    </svg>
  );
}

function Shape({ plot, series, index, at }: { plot: PlotModel; series: Series; index: number; at: number | null }) {
  const { chart, x, y, band } = plot;
  const { points } = series;
  if (chart.shape === "column" || chart.shape === "bar") {
    const stacked = chart.series.some((one) => one.points.some((point) => point.from !== 0));
    const thick = Math.max(1, stacked ? band : band / chart.series.length);
    const start = (point: Point) => x(point.x) - band / 2 + (stacked ? 0 : thick * index);
    return points.map((point, each) => {
      const [one, other] = [y(point.from), y(point.to)];
      const [from, size] = [Math.min(one, other), Math.max(1, Math.abs(one - other))];
      const className = `vd-fill${at === point.x ? " vd-at" : ""}`;
      return chart.shape === "bar" ? (
        <rect key={each} className={className} x={from} width={size} y={start(point)} height={thick} />
      ) : (
        <rect key={each} className={className} x={start(point)} width={thick} y={from} height={size} />
      );
    });
  }
  if (chart.shape === "scatter") {
    return points.map((point, each) => <circle key={each} className="vd-fill vd-dot" cx={x(point.x)} cy={y(point.to)} r={at === point.x ? 5 : 3.5} />);
  }
  const drawn = line<Point>((point) => x(point.x), (point) => y(point.to))(points) ?? "";
  const surface = chart.shape === "area" ? area<Point>((point) => x(point.x), (point) => y(point.from), (point) => y(point.to))(points) : null;
  const few = points.length <= 40;
  return (
    <>
      {surface && <path className="vd-surface" d={surface} />}
      <path className={`vd-line vd-dash-${Math.floor(index / 10) % 3}`} d={drawn} />
      {points.map((point, each) =>
        point.anomaly ? (
          <circle key={each} className="vd-anomaly" cx={x(point.x)} cy={y(point.to)} r={5} />
        ) : few || at === point.x ? (
          <circle key={each} className="vd-fill" cx={x(point.x)} cy={y(point.to)} r={at === point.x ? 4.5 : 2} />
        ) : null,
      )}
    </>
  );
}
