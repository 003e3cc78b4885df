/** What `render` asks for, as series of points: which columns are x, y and series follows Kusto's rules. Without React. */

import type { KqlType, QueryResult, ResultColumn } from "../api/types";
import { timespanTicks } from "../grid/rows";
import { toMillis } from "../time/format";
import { valueText } from "../values/kql";

export type Shape = "line" | "area" | "column" | "bar" | "scatter" | "pie" | "card";
export type XKind = "time" | "number" | "category";

export interface Point {
  /** Milliseconds, a number, or the index of a category. */
  x: number;
  y: number;
  /** Where the stack of the point begins and ends; without stacking 0 and y. */
  from: number;
  to: number;
  anomaly?: boolean;
}

export interface Series {
  name: string;
  /** The y column that it is of: what `ysplit` tells apart. */
  column: string;
  points: Point[];
}

export interface Chart {
  shape: Shape;
  x: { kind: XKind; title: string; categories: string[] };
  y: { title: string; log: boolean; min: number | null; max: number | null };
  xMin: number | null;
  xMax: number | null;
  title: string | null;
  series: Series[];
  /** One panel below the other, by y column. */
  panels: boolean;
  legend: boolean;
  /** What is not drawn, and why. */
  note: string | null;
}

export const MAX_SERIES = 30;
export const MAX_CATEGORIES = 200;
const MAX_SLICES = 12;

const SHAPES: Readonly<Record<string, Shape>> = {
  timechart: "line",
  linechart: "line",
  anomalychart: "line",
  areachart: "area",
  stackedareachart: "area",
  columnchart: "column",
  barchart: "bar",
  scatterchart: "scatter",
  piechart: "pie",
  card: "card",
};

const NUMBERS: readonly KqlType[] = ["long", "int", "real", "decimal", "timespan"];
const isNumber = (column: ResultColumn) => NUMBERS.includes(column.type);
/** What make-series gives. */
const isList = (value: unknown): value is unknown[] => Array.isArray(value);

function numberOf(value: unknown, type: KqlType): number | null {
  if (value === null || value === undefined || value === "") return null;
  if (type === "timespan") {
    const ticks = timespanTicks(valueText(value));
    return ticks === null ? null : Number(ticks) / 1e7;
  }
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** The values of a cell: of a column of lists, those of its list. */
function cells(value: unknown, list: boolean | undefined): unknown[] {
  if (!list) return [value];
  return isList(value) ? value : [];
}

function names(value: unknown): string[] {
  if (typeof value === "string") return value ? [value] : [];
  return isList(value) ? value.map(String) : [];
}

const text = (value: unknown) => (typeof value === "string" && value ? value : null);

/** The bound of an axis: a number, or a time. */
function bound(value: unknown): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" ? (toMillis(value) ?? numberOf(value, "real")) : null;
}

export type Drawable = { chart: Chart } | { refused: string } | null;

/** The chart of a result, or why there is none; null where the query asks for the rows alone. */
export function chartOf(result: QueryResult): Drawable {
  const wanted = result.visualization;
  const kind = text(wanted?.visualization);
  if (!wanted || !kind || kind === "table" || kind === "list") return null;
  const shape = SHAPES[kind];
  if (!shape) return { refused: `The console does not draw a ${kind}; its rows are below.` };
  if (!result.rows.length) return null;
  const { columns, rows } = result;
  const find = (name: string) => columns.findIndex((column) => column.name === name);
  const given = (key: string) => names(wanted[key]).map(find).filter((index) => index >= 0);
  if (shape === "card") {
    const series = columns.map((column, index) => ({ name: valueText(rows[0]?.[index] ?? ""), column: column.name, points: [] }));
    return { chart: { ...frame(wanted, shape, "category", ""), series } };
  }

  const lists = columns.map((_, index) => rows.some((row) => isList(row[index])));
  const first = rows.find((row) => row.some(isList));
  const isTimes = (index: number) => {
    const list = first?.[index];
    return isList(list) && typeof list[0] === "string" && toMillis(list[0]) !== null;
  };
  const timed = kind === "timechart" || kind === "anomalychart";
  let x = given("xcolumn")[0] ?? -1;
  if (x < 0) x = columns.findIndex((column, index) => column.type === "datetime" || isTimes(index));
  if (x < 0 || (!timed && shape !== "line" && shape !== "area" && shape !== "scatter" && given("xcolumn").length === 0)) {
    if (timed && x < 0) return { refused: `A ${kind} needs a column of type datetime.` };
    // Everywhere else the first column is x, unless it is the only number.
    const numeric = columns.filter(isNumber).length;
    const head = columns[0];
    x = head && isNumber(head) && numeric === 1 && columns.length > 1 ? columns.findIndex((column) => !isNumber(column)) : 0;
  }
  const xColumn = columns[x];
  if (!xColumn) return { refused: "There is no column for the x axis." };
  const anomalies = given("anomalycolumns");
  const asked = given("ycolumns");
  const ys = (asked.length ? asked : columns.map((_, index) => index)).filter((index) => {
    const column = columns[index];
    return index !== x && !anomalies.includes(index) && column !== undefined && (isNumber(column) || (lists[index] === true && !isTimes(index)));
  });
  if (!ys.length) return { refused: `A ${kind} needs a column of numbers for its y axis.` };
  const splits = given("series").length
    ? given("series")
    : columns.flatMap((column, index) => (index === x || ys.includes(index) || lists[index] || column.type === "datetime" || isNumber(column) ? [] : [index]));

  const xKind: XKind =
    shape === "pie" ? "category" : xColumn.type === "datetime" || isTimes(x) ? "time" : isNumber(xColumn) || lists[x] ? (shape === "column" || shape === "bar" ? "category" : "number") : "category";
  const categories: string[] = [];
  const places = new Map<string, number>();
  const place = (value: unknown): number | null => {
    if (xKind === "time") return toMillis(valueText(value));
    if (xKind === "number") return numberOf(value, xColumn.type);
    const shown = valueText(value);
    const known = places.get(shown);
    if (known !== undefined) return known;
    if (categories.length >= MAX_CATEGORIES) return null;
    places.set(shown, categories.length);
    categories.push(shown);
    return categories.length - 1;
  };

  const bySeries = new Map<string, Series>();
  let dropped = 0;
  for (const row of rows) {
    const split = splits.map((index) => valueText(row[index])).join(", ");
    for (const index of ys) {
      const column = columns[index];
      if (!column) continue;
      const name = split ? (ys.length > 1 ? `${split}: ${column.name}` : split) : column.name;
      const values = cells(row[index], lists[index]);
      const xs = cells(row[x], lists[x]);
      const odd = anomalies.map((at) => row[at]).find(isList);
      values.forEach((value, at) => {
        const y = numberOf(value, lists[index] ? "real" : column.type);
        const where = place(xs[lists[x] ? at : 0]);
        if (y === null || where === null) {
          dropped += 1;
          return;
        }
        let series = bySeries.get(name);
        if (!series) bySeries.set(name, (series = { name, column: column.name, points: [] }));
        const flag = odd ? Number(odd[at]) !== 0 : anomalies.some((each) => Number(row[each]) !== 0);
        series.points.push({ x: where, y, from: 0, to: y, ...(flag ? { anomaly: true } : {}) });
      });
    }
  }
  let series = [...bySeries.values()];
  if (shape !== "scatter" && xKind !== "category") series.forEach((one) => one.points.sort((a, b) => a.x - b.x));
  const more = series.length - MAX_SERIES;
  series = series.slice(0, MAX_SERIES);
  if (!series.length) return { refused: `No row has a value for the axes of a ${kind}.` };

  const chart = frame(wanted, shape, xKind, xColumn.name);
  chart.x.categories = categories;
  chart.y.title = text(wanted.ytitle) ?? (ys.length === 1 ? (columns[ys[0] ?? 0]?.name ?? "") : "");
  chart.series = shape === "pie" ? slices(series, categories) : series;
  if (wanted.accumulate === true || wanted.accumulate === "true") chart.series.forEach(accumulate);
  const stacking = text(wanted.kind);
  if (kind === "stackedareachart" || stacking === "stacked" || stacking === "stacked100") stack(chart.series, stacking === "stacked100");
  const notes = [
    more > 0 ? `${more} more series are in the rows alone.` : null,
    xKind === "category" && dropped > 0 && categories.length >= MAX_CATEGORIES ? `Only the first ${MAX_CATEGORIES} values of ${xColumn.name} are drawn.` : null,
  ].filter((one) => one !== null);
  chart.note = notes.join(" ") || null;
  return { chart };
}

function frame(wanted: Record<string, unknown>, shape: Shape, kind: XKind, x: string): Chart {
  return {
    shape,
    x: { kind, title: text(wanted.xtitle) ?? x, categories: [] },
    y: { title: text(wanted.ytitle) ?? "", log: wanted.yaxis === "log", min: bound(wanted.ymin), max: bound(wanted.ymax) },
    xMin: bound(wanted.xmin),
    xMax: bound(wanted.xmax),
    title: text(wanted.title),
    series: [],
    panels: wanted.ysplit === "panels" || wanted.ysplit === "axes",
    legend: wanted.legend !== "hidden",
    note: null,
  };
}

/** A slice for each category, the small ones together. */
function slices(series: readonly Series[], categories: readonly string[]): Series[] {
  const sums = categories.map((name, at) => ({
    name,
    value: series.reduce((sum, one) => sum + one.points.filter((point) => point.x === at).reduce((all, point) => all + point.y, 0), 0),
  }));
  const sorted = sums.filter((one) => one.value > 0).sort((a, b) => b.value - a.value);
  const kept = sorted.slice(0, sorted.length > MAX_SLICES ? MAX_SLICES - 1 : MAX_SLICES);
  const rest = sorted.slice(kept.length);
  if (rest.length) kept.push({ name: `${rest.length} others`, value: rest.reduce((sum, one) => sum + one.value, 0) });
  return kept.map(({ name, value }) => ({ name, column: name, points: [{ x: 0, y: value, from: 0, to: value }] }));
}

function accumulate(series: Series): void {
  let sum = 0;
  for (const point of series.points) {
    sum += point.y;
    point.y = point.to = sum;
  }
}

/** Puts the series on each other: positive values up, negative ones down; `whole` in shares of 100. */
function stack(series: readonly Series[], whole: boolean): void {
  const totals = new Map<number, number>();
  if (whole) for (const one of series) for (const point of one.points) totals.set(point.x, (totals.get(point.x) ?? 0) + Math.abs(point.y));
  const up = new Map<number, number>();
  const down = new Map<number, number>();
  for (const one of series) {
    for (const point of one.points) {
      const total = totals.get(point.x) ?? 0;
      const size = whole ? (total ? (point.y / total) * 100 : 0) : point.y;
      const side = size < 0 ? down : up;
      point.from = side.get(point.x) ?? 0;
      point.to = point.from + size;
      side.set(point.x, point.to);
    }
  }
}
