import { describe, expect, it } from "vitest";

import type { KqlType, QueryResult } from "../src/api/types";
import { chartOf, MAX_CATEGORIES, MAX_SERIES, type Chart } from "../src/charts/model";

const at = (hour: number) => `2026-03-01T${String(hour).padStart(2, "0")}:00:00Z`;

function result(columns: Record<string, KqlType>, rows: unknown[][], visualization: Record<string, unknown>): QueryResult {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type })), rows, stats: { elapsedMs: 1, rows: rows.length }, visualization };
}

function chart(...given: Parameters<typeof result>): Chart {
  const made = chartOf(result(...given));
  if (!made || !("chart" in made)) throw new Error(JSON.stringify(made));
  return made.chart;
}

const drawn = (made: Chart) => Object.fromEntries(made.series.map((one) => [one.name, one.points.map((point) => [point.x, point.from, point.to])]));

describe("chartOf", () => {
  it("splits a time chart by its text columns, in the order of time", () => {
    const made = chart(
      { TimeGenerated: "datetime", Location: "string", Count: "long" },
      [[at(2), "PT", 5], [at(1), "PT", 3], [at(1), "KP", "9007199254740993"], [at(2), "KP", null]],
      { visualization: "timechart", title: "Sign-ins" },
    );
    expect(made).toMatchObject({ shape: "line", title: "Sign-ins", x: { kind: "time", title: "TimeGenerated" }, y: { title: "Count" } });
    expect(drawn(made)).toEqual({ PT: [[Date.parse(at(1)), 0, 3], [Date.parse(at(2)), 0, 5]], KP: [[Date.parse(at(1)), 0, 9007199254740992]] });
  });

  it("draws what make-series gives: a row is a series of lists", () => {
    const made = chart(
      { Location: "string", Count: "dynamic", TimeGenerated: "dynamic" },
      [["PT", [1, 0, 2], [at(1), at(2), at(3)]], ["KP", [4, 5, 6], [at(1), at(2), at(3)]]],
      { visualization: "timechart" },
    );
    expect(made.series.map((one) => [one.name, one.points.map((point) => point.y)])).toEqual([["PT", [1, 0, 2]], ["KP", [4, 5, 6]]]);
    expect(made.x.kind).toBe("time");
  });

  it("takes the columns that the query names", () => {
    const made = chart(
      { A: "string", B: "string", N: "long", M: "real" },
      [["a", "x", 1, 10], ["b", "y", 2, 20]],
      { visualization: "columnchart", xcolumn: "B", ycolumns: ["M"], series: ["A"], xtitle: "bees", ytitle: "ems", legend: "hidden" },
    );
    expect(made).toMatchObject({ shape: "column", x: { title: "bees", categories: ["x", "y"] }, y: { title: "ems" }, legend: false });
    expect(drawn(made)).toEqual({ a: [[0, 0, 10]], b: [[1, 0, 20]] });
  });

  it("stacks, in shares too, and accumulates", () => {
    const columns = { Day: "string", A: "long", B: "long" } as const;
    const rows = [["mo", 1, 3], ["tu", 2, -2]];
    expect(drawn(chart(columns, rows, { visualization: "barchart", kind: "stacked" }))).toEqual({ A: [[0, 0, 1], [1, 0, 2]], B: [[0, 1, 4], [1, 0, -2]] });
    expect(drawn(chart(columns, rows, { visualization: "columnchart", kind: "stacked100" })).B).toEqual([[0, 25, 100], [1, 0, -50]]);
    expect(drawn(chart(columns, rows, { visualization: "columnchart", accumulate: true })).A).toEqual([[0, 0, 1], [1, 0, 3]]);
  });

  it("puts the small slices of a pie together", () => {
    const made = chart({ Name: "string", Count: "long" }, Array.from({ length: 30 }, (_, index) => [`n${index}`, index]), { visualization: "piechart" });
    expect(made.series).toHaveLength(12);
    expect(made.series[0]).toMatchObject({ name: "n29" });
    expect(made.series.at(-1)?.name).toBe("18 others");
    expect(made.series.reduce((sum, one) => sum + (one.points[0]?.y ?? 0), 0)).toBe(435);
  });

  it("shows the first row as cards, numbers against numbers, spans in seconds", () => {
    expect(chart({ Total: "long", Name: "string" }, [[12, "x"], [13, "y"]], { visualization: "card" }).series.map((one) => [one.column, one.name])).toEqual([["Total", "12"], ["Name", "x"]]);
    const scatter = chart({ Size: "real", Took: "timespan" }, [[2, "00:00:01.5000000"], [1, "1.00:00:00"]], { visualization: "scatterchart" });
    expect(drawn(scatter)).toEqual({ Took: [[2, 0, 1.5], [1, 0, 86400]] });
  });

  it("marks anomalies and splits panels", () => {
    const made = chart(
      { T: "datetime", N: "long", Odd: "long" },
      [[at(1), 5, 0], [at(2), 50, 1]],
      { visualization: "anomalychart", anomalycolumns: ["Odd"], ysplit: "panels", yaxis: "log", ymin: 1 },
    );
    expect(made.series[0]?.points.map((point) => point.anomaly ?? false)).toEqual([false, true]);
    expect(made).toMatchObject({ panels: true, y: { log: true, min: 1 } });
  });

  it("says what it does not draw", () => {
    const many = chart({ X: "string", Y: "long" }, Array.from({ length: MAX_CATEGORIES + 5 }, (_, index) => [`x${index}`, 1]), { visualization: "columnchart" });
    expect(many.note).toContain("first 200 values of X");
    const series = chart({ X: "long", S: "string", Y: "long" }, Array.from({ length: MAX_SERIES + 3 }, (_, index) => [1, `s${index}`, 1]), { visualization: "linechart" });
    expect(series.series).toHaveLength(MAX_SERIES);
    expect(series.note).toBe("3 more series are in the rows alone.");
    expect(chartOf(result({ X: "string" }, [["a"]], { visualization: "treemap" }))).toEqual({ refused: "The console does not draw a treemap; its rows are below." });
    expect(chartOf(result({ X: "string", N: "long" }, [["a", 1]], { visualization: "timechart" }))).toMatchObject({ refused: expect.stringContaining("datetime") as string });
    expect(chartOf(result({ X: "string" }, [["a"]], { visualization: "columnchart" }))).toMatchObject({ refused: expect.stringContaining("numbers") as string });
    expect(chartOf(result({ X: "string" }, [["a"]], { visualization: "table" }))).toBeNull();
  });
});
