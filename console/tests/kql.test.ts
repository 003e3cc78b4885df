import { describe, expect, it } from "vitest";

import { columnName, condition, quote, searchQuery, valueText, withStage } from "../src/values/kql";

describe("literals", () => {
  it("escape what a string cannot hold as it is", () => {
    expect(quote('C:\\a "b"\n\t\u0001')).toBe('"C:\\\\a \\"b\\"\\n\\t\\u0001"');
  });
  it("bracket names that are not plain", () => {
    expect(columnName("TimeGenerated")).toBe("TimeGenerated");
    expect(columnName("with space")).toBe("['with space']");
    expect(columnName("it's")).toBe("['it\\'s']");
    expect(columnName("has")).toBe("['has']");
    expect(columnName("1st")).toBe("['1st']");
  });
});

describe("conditions", () => {
  it.each([
    ["a", "string", true, 'X == "a"'],
    ["a", "string", false, 'X != "a"'],
    ["", "string", true, "isempty(X)"],
    ["", "string", false, "isnotempty(X)"],
    [null, "long", true, "isnull(X)"],
    [null, "dynamic", false, "isnotnull(X)"],
    [5, "long", true, "X == 5"],
    ["9007199254740993", "long", true, "X == 9007199254740993"],
    [1.5, "real", true, "X == real(1.5)"],
    ["NaN", "real", true, "isnan(X)"],
    ["Infinity", "real", true, "X == real(+inf)"],
    [true, "bool", true, "X == true"],
    ["2021-08-02T13:11:39.7747609Z", "datetime", true, "X == datetime(2021-08-02T13:11:39.7747609Z)"],
    ["-1.02:03:04.5", "timespan", true, "X == timespan(-1.02:03:04.5)"],
    ["6f0c0000-0000-0000-0000-000000000000", "guid", false, "X != guid(6f0c0000-0000-0000-0000-000000000000)"],
    [{ a: [1] }, "dynamic", true, 'tostring(X) == "{\\"a\\":[1]}"'],
    ["text", "dynamic", true, 'tostring(X) == "text"'],
  ] as const)("of %j as %s, keep %s", (value, type, keep, text) => {
    expect(condition("X", value, type, keep)).toBe(text);
  });
});

describe("withStage", () => {
  it("adds a stage at the end, whatever the end looks like", () => {
    expect(withStage("T | take 5", "count")).toBe("T | take 5\n| count");
    expect(withStage("T;\n ", "count")).toBe("T\n| count");
    expect(withStage("T // all of it", "count")).toBe("T // all of it\n| count");
  });
  it("goes before the render at the end", () => {
    expect(withStage("T\n| render timechart with (title='x')".replace(/'x'/, "x"), "take 1")).toBe("T\n| take 1\n| render timechart with (title=x)");
  });
});

it("values are copied as text", () => {
  expect(valueText({ a: 1 })).toBe('{"a":1}');
  expect(valueText(null)).toBe("");
  expect(valueText(false)).toBe("false");
});

it("a search looks through whole rows, as JSON, table by table", () => {
  expect(searchQuery('C:\\a "b"', ["T1", "odd table"])).toBe(
    [
      "union",
      '    (T1 | where tostring(pack_all(true)) has "C:\\\\\\\\a \\\\\\"b\\\\\\"" | project Table = "T1", TimeGenerated, Row = pack_all(true)),',
      '    ([\'odd table\'] | where tostring(pack_all(true)) has "C:\\\\\\\\a \\\\\\"b\\\\\\"" | project Table = "odd table", TimeGenerated, Row = pack_all(true))',
      "| top 1000 by TimeGenerated asc",
    ].join("\n"),
  );
});
