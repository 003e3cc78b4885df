import { describe, expect, it } from "vitest";

import type { KqlType, ResultColumn } from "../src/api/types";
import { cellText, columnWidths, filledFirst, sortRows, timespanTicks, toCsv, toJson } from "../src/grid/rows";

const column = (name: string, type: KqlType): ResultColumn => ({ name, type });
const sorted = (type: KqlType, values: unknown[], descending = false) =>
  sortRows([column("x", type)], values.map((value) => [value]), { column: 0, descending }).map((index) => values[index]);

describe("wide results", () => {
  const columns = Array.from({ length: 25 }, (_, index) => column(`c${index}`, "string"));
  const row = columns.map((_, index) => (index === 7 || index === 20 ? `v${index}` : index % 2 ? "" : null));
  it("begin with the columns that hold values, and lose none", () => {
    const arranged = filledFirst(columns, [row]);
    expect(arranged.columns.slice(0, 3).map((one) => one.name)).toEqual(["c7", "c20", "c0"]);
    expect(arranged.rows[0]?.slice(0, 3)).toEqual(["v7", "v20", null]);
    expect(new Set(arranged.columns)).toEqual(new Set(columns));
  });
  it("count false and zero as values", () => {
    const arranged = filledFirst(columns, [row.map((value, index) => (index === 3 ? 0 : index === 5 ? false : value))]);
    expect(arranged.columns.slice(0, 4).map((one) => one.name)).toEqual(["c3", "c5", "c7", "c20"]);
  });
  it("leave narrow ones as they are", () => {
    const narrow = columns.slice(0, 20);
    expect(filledFirst(narrow, [row]).columns).toBe(narrow);
  });
});

describe("sorting", () => {
  it("compares longs exactly, beyond 2^53 too", () => {
    expect(sorted("long", ["9007199254740993", 5, "9007199254740992", null, -1])).toEqual([-1, 5, "9007199254740992", "9007199254740993", null]);
  });
  it("compares strings by code point, as KQL does", () => {
    expect(sorted("string", ["b", "B", "a", ""])).toEqual(["", "B", "a", "b"]);
  });
  it("compares timespans by length", () => {
    expect(sorted("timespan", ["1.00:00:00", "-00:00:01", "23:59:59.9999999", "00:00:00.0000001"])).toEqual(["-00:00:01", "00:00:00.0000001", "23:59:59.9999999", "1.00:00:00"]);
    expect(timespanTicks("1.02:03:04.5")).toBe(937_845_000_000n);
    expect(timespanTicks("soon")).toBeNull();
  });
  it("puts nulls last either way and keeps ties as they came", () => {
    expect(sorted("real", [null, 2, 1], true)).toEqual([2, 1, null]);
    expect(sortRows([column("x", "int")], [[1], [1], [0]], { column: 0, descending: true })).toEqual([0, 1, 2]);
  });
  it("without an order gives the rows as they are", () => {
    expect(sortRows([column("x", "int")], [[3], [1]], null)).toEqual([0, 1]);
  });
});

describe("export", () => {
  const columns = [column("Name", "string"), column("N", "long"), column("D", "dynamic")];
  const rows = [['a, "b"\r\nc', "9007199254740993", { k: [1] }], ["", 2, null]];
  it("writes CSV by RFC 4180", () => {
    expect(toCsv(columns, rows)).toBe('Name,N,D\r\n"a, ""b""\r\nc",9007199254740993,"{""k"":[1]}"\r\n,2,\r\n');
  });
  it("writes no formula for a spreadsheet, and numbers as they are", () => {
    const told = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-2+3", "\tx", "-", "-5", "+420,5", "a=b", "", "-enc AAA"];
    const csv = toCsv([column("=n", "string")], told.map((one) => [one]), true);
    expect(csv.split("\r\n")).toEqual([
      "'=n", "'=cmd|' /C calc'!A0", "'@SUM(1)", "'+1+1", "'-2+3", "'\tx", "-", "-5", '"+420,5"', "a=b", "", "'-enc AAA", "",
    ]);
    expect(toCsv([column("n", "string")], [["=1"]])).toBe("n\r\n=1\r\n");
  });
  it("writes JSON that reads back, with the digits of a long", () => {
    const text = toJson(columns, rows);
    expect(text).toContain('"N": 9007199254740993');
    expect(JSON.parse(text)).toMatchObject([{ Name: 'a, "b"\r\nc', D: { k: [1] } }, { Name: "", N: 2, D: null }]);
    expect(toJson(columns, [])).toBe("[]\n");
  });
});

describe("cells", () => {
  it("show datetimes on the chosen clock and leave other texts alone", () => {
    expect(cellText("2021-08-02T13:11:39.7747609Z", "datetime", "utc")).toBe("2021-08-02 13:11:39.7747609");
    expect(cellText("2021-08-02T13:11:39.7747609Z", "string", "utc")).toBe("2021-08-02T13:11:39.7747609Z");
    expect(cellText(null, "datetime", "utc")).toBe("");
  });
  it("make columns as wide as what they hold, within limits", () => {
    const [narrow, wide] = columnWidths([column("n", "int"), column("text", "string")], [[1, "x".repeat(500)]], "utc");
    expect(narrow).toBe(64);
    expect(wide).toBeGreaterThan(300);
    expect(wide).toBeLessThan(500);
  });
});
