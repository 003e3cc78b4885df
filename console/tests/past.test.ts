import { describe, expect, it } from "vitest";

import { alertsText, chartOfDays, costText, daysOf, differenceText, diffLines, entitiesText, fieldText, followed, progressText } from "../src/analytics/backtest";
import { coverageText, lengthText, segmentsOf, unsearched } from "../src/analytics/coverage";
import { conditionsText, daysProblem, hiddenText, readConditions, toException } from "../src/analytics/exceptions";
import type { RuleException } from "../src/api/exceptions";
import type { Backtest, BacktestDifference, BacktestLine, BacktestSide, Coverage, Stretch } from "../src/api/past";

const side = (change: Partial<BacktestSide> = {}): BacktestSide => ({
  alerts: 3, alertsPerDay: 0.43, days: { "2026-03-01": 1, "2026-03-03": 2 }, runs: 168, suppressed: 0, rows: 5, seconds: 1.344, failed: 0, errors: [], examples: [], ...change,
});
const difference = (change: Partial<BacktestDifference>): BacktestDifference => ({
  more: 0, less: 0, same: 0, otherRows: 0, comparable: true, moreExamples: [], lessExamples: [], ...change,
});
const backtest = (change: Partial<Backtest> = {}): Backtest => ({
  name: "R", from: "2026-02-28T22:00:00Z", to: "2026-03-03T22:00:00Z", result: side(), inForce: null, difference: null, fields: [], query: [], ...change,
});

describe("a backtest", () => {
  it("has every day of its time, those without alerts too", () => {
    expect(daysOf(backtest())).toEqual(["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]);
    expect(daysOf({ from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z" })).toEqual(["2026-03-01"]);
    const chart = chartOfDays(backtest({ inForce: side({ days: {} }) }));
    expect(chart.x.categories).toEqual(["02-28", "03-01", "03-02", "03-03"]);
    expect(chart.series.map((one) => [one.name, one.points.map((point) => point.y)])).toEqual([["This text", [0, 1, 0, 2]], ["In force", [0, 0, 0, 0]]]);
  });

  it.each([
    [null, null],
    [{}, "Neither raises an alert."],
    [{ same: 2 }, "It raises the same alerts as the version in force."],
    [{ more: 1, less: 2, same: 3, otherRows: 4 }, "Against the version in force: 1 alert more, 2 alerts fewer, 4 alerts of other rows, 3 alerts the same."],
    [{ more: 3, less: 3, comparable: false }, "It searches other times than the version in force, so its alerts cannot be told apart one by one."],
  ] as [Partial<BacktestDifference> | null, string | null][])("tells the difference %j", (change, said) => {
    expect(differenceText(backtest({ difference: change && difference(change) }))).toBe(said);
  });

  it("is followed to its end", async () => {
    const told: string[] = [];
    const lines = async function* (all: BacktestLine[]) {
      for (const one of all) yield await Promise.resolve(one);
    };
    const found = await followed(lines([{ done: 0, all: 0 }, { done: 1200, all: 4032 }, { result: backtest() }]), (windows) => told.push(progressText(windows)));
    expect(found).toEqual(backtest());
    expect(told).toEqual(["Beginning", "1,200 of 4,032 windows"]);
    await expect(followed(lines([{ done: 1, all: 2 }]), () => undefined)).rejects.toThrow("before its end");
  });

  it("says what it cost", () => {
    expect(costText(side())).toBe("168 runs in 1.3 s, 8 ms each; 5 result rows");
    expect(costText(side({ runs: 0, rows: 1, seconds: 0 }))).toBe("0 runs in 0 ms; 1 result row");
    expect(alertsText(side({ alerts: 1, alertsPerDay: 0.14 }))).toBe("1 alert (0.14 a day)");
  });

  it("names entities by their first identifier, and lines of a difference by their mark", () => {
    const example = { from: "", to: "", severity: "Low" as const, title: "", rows: 1, entities: [{ type: "Account", FullName: "a@b" }, { type: "IP", Nested: {}, Address: "::1" }], sample: [] };
    expect(entitiesText(example)).toBe("Account a@b, IP ::1");
    expect(entitiesText({ ...example, entities: [] })).toBe("No entity");
    expect(diffLines(["--- old", "+++ new", "@@ -1 +1 @@", "-a", "+b", " c", "---x"])).toEqual([
      { kind: "place", text: "@@ -1 +1 @@" }, { kind: "removed", text: "-a" }, { kind: "added", text: "+b" }, { kind: "same", text: " c" }, { kind: "removed", text: "---x" },
    ]);
    expect([fieldText(null), fieldText("x"), fieldText(["a"])]).toEqual(["—", "x", '["a"]']);
  });
});

const stretch = (outcome: Stretch["outcome"], start: number, end: number): Stretch => ({
  start: new Date(start * 3_600_000).toISOString(), end: new Date(end * 3_600_000).toISOString(), outcome, windows: end - start, alerts: 0, reason: null,
});
const coverage = (...value: Stretch[]): Coverage => ({ from: new Date(0).toISOString(), to: new Date(100 * 3_600_000).toISOString(), coveredTo: null, value });

describe("coverage", () => {
  it.each([
    [coverage(), "None of this time was searched on a schedule"],
    [coverage(stretch("searched", 0, 100)), "All of it was searched, without a gap."],
    [coverage(stretch("searched", 0, 10), stretch("gap", 10, 12), stretch("searched", 12, 20), stretch("gap", 20, 43)), "Not searched: 1 d 1 h in 2 gaps."],
    [coverage(stretch("disabled", 0, 30), stretch("suppressed", 30, 31), stretch("gap", 31, 32)), "Not searched: 1 h in a gap; 1 d 6 h while the rule was off; 1 h while it paused after an alert."],
  ])("is told as a sentence", (told, said) => {
    expect(coverageText(told)).toBe(said);
  });

  it("draws what was not searched last, and never too narrow to be seen", () => {
    const drawn = segmentsOf(coverage(stretch("gap", 99.99, 100), stretch("searched", 0, 50), stretch("disabled", -5, 10)));
    expect(drawn.map((one) => one.outcome)).toEqual(["searched", "gap", "disabled"]);
    expect(drawn[1]).toMatchObject({ width: 0.4, left: 99.6 });
    expect(drawn[2]).toMatchObject({ left: 0, width: 10 });
  });

  it("lists the latest first, and names lengths in two units", () => {
    expect(unsearched(coverage(stretch("gap", 1, 2), stretch("searched", 2, 3), stretch("disabled", 3, 4))).map((one) => one.outcome)).toEqual(["disabled", "gap"]);
    expect([0, 59_000, 60_000, 3_661_000, 90_000_000, 86_400_000].map(lengthText)).toEqual(["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h", "1 d"]);
  });
});

describe("an exception", () => {
  it("reads its values from lines, and is not made while something is missing", () => {
    const draft = { conditions: [{ key: 0, column: " Location ", test: "equals", values: "PT\n\n ES " }], owner: " Ana ", reason: "Travel", days: "30" };
    const made = { ruleId: "r", conditions: [{ column: "Location", test: "equals", values: ["PT", "ES"] }], owner: "Ana", reason: "Travel", days: 30 };
    expect(toException("r", draft)).toEqual(made);
    for (const change of [{ owner: " " }, { reason: "" }, { days: "0" }, { days: "400" }, { days: "x" }, { conditions: [] }, { conditions: [{ key: 0, column: "", test: "equals", values: "x" }] }]) {
      expect(toException("r", { ...draft, ...change })).toBeNull();
    }
    expect(readConditions([{ key: 0, column: "A", test: "equals", values: " \n " }])).toBeNull();
    expect([daysProblem("0.5"), daysProblem("")]).toEqual([null, "A number of days, at most 366."]);
  });

  it("is told in words", () => {
    const conditions = [{ column: "Location", test: "equals", values: ["PT", "ES"] }, { column: "IPAddress", test: "inNetwork", values: ["10.0.0.0/8"] }];
    expect(conditionsText(conditions)).toBe("Location is PT or ES, and IPAddress is in 10.0.0.0/8");
    const hid = (hiddenRows: number, hiddenWindows: number, silencedWindows: number) => hiddenText({ hiddenRows, hiddenWindows, silencedWindows } as RuleException);
    expect([hid(0, 0, 0), hid(1, 1, 0), hid(1200, 3, 2)]).toEqual(["Nothing yet", "1 row in 1 window", "1,200 rows in 3 windows, 2 of which raised nothing"]);
  });
});
