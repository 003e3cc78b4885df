import { describe, expect, it } from "vitest";

import { formatAgo, formatElapsed, formatTime, fromInput, isTime, toInput, toMillis } from "../src/time/format";
import { around, durationSeconds, durationText, formatRange, parseRange, rangeLabel, spanning, timespanOf } from "../src/time/range";

describe("times", () => {
  it("keep the seventh digit", () => {
    expect(formatTime("2021-08-02T13:11:39.7747609Z", "utc", "full")).toBe("2021-08-02 13:11:39.7747609");
    expect(formatTime("2021-08-02T13:11:39.7700000Z", "utc", "full")).toBe("2021-08-02 13:11:39.77");
    expect(formatTime("2021-08-02T13:11:39.0000000Z", "utc", "full")).toBe("2021-08-02 13:11:39");
  });
  it("are cut, not rounded, to seconds and minutes", () => {
    expect(formatTime("2021-08-02T13:11:59.9999999Z", "utc")).toBe("2021-08-02 13:11:59");
    expect(formatTime("2021-08-02T13:11:59.9999999Z", "utc", "minute")).toBe("2021-08-02 13:11");
  });
  it("are shown in local time by the machine's own zone", () => {
    const local = new Date(Date.UTC(2021, 7, 2, 13, 11));
    expect(formatTime("2021-08-02T13:11:00Z", "local", "minute")).toContain(`${String(local.getHours()).padStart(2, "0")}:11`);
  });
  it("give back what is not a time", () => {
    expect(formatTime("yesterday", "utc")).toBe("yesterday");
    expect(isTime("2021-08-02")).toBe(false);
    expect(toMillis("2021-13-45T99:00:00Z")).toBeNull();
  });
  it("go into an input and come back, in either zone", () => {
    for (const zone of ["utc", "local"] as const) {
      expect(fromInput(toInput("2021-08-02T13:11:39Z", zone), zone)).toBe("2021-08-02T13:11:39.000Z");
    }
    expect(fromInput("", "utc")).toBeNull();
  });
  it("say how long ago", () => {
    const now = Date.UTC(2021, 7, 2, 12);
    expect(formatAgo("2021-08-02T11:57:00Z", now)).toBe("3 min ago");
    expect(formatAgo("2021-07-30T11:00:00Z", now)).toBe("3 d ago");
    expect(formatAgo("2021-08-02T12:02:00Z", now)).toBe("in 2 min");
    expect(formatAgo("2021-08-02T12:00:11Z", now)).toBe("now");
    expect(formatElapsed(65_400)).toBe("1 min 5 s");
    expect(formatElapsed(3_420)).toBe("3.4 s");
  });
});

describe("ranges", () => {
  it.each(["PT30M", "P14D", "P1DT12H", "query", "2021-08-02T00:00:00Z/2021-08-03T00:00:00Z"])("are read and written back: %s", (text) => {
    expect(formatRange(parseRange(text))).toBe(text);
  });
  it.each(["P", "PT", "1d", "a/b", "2021-08-02T00:00:00Z", ""])("fall back to a day for %j", (text) => {
    expect(formatRange(parseRange(text))).toBe("P1D");
  });
  it("count and name durations", () => {
    expect(durationSeconds("P1DT12H30M5S")).toBe(131_405);
    expect(durationSeconds("PT")).toBeNull();
    expect(durationText("P1DT12H")).toBe("1 day 12 hours");
    expect(durationText("PT1M")).toBe("1 minute");
    expect(durationText("P1M")).toBe("P1M");
  });
  it("are no timespan when the query says it", () => {
    expect(timespanOf({ kind: "query" })).toBeUndefined();
    expect(timespanOf({ kind: "relative", duration: "PT1H" })).toBe("PT1H");
  });
  it("lie around a time, and span two with the last included", () => {
    expect(around("2021-08-02T12:00:00Z", 24)).toEqual({ kind: "absolute", start: "2021-08-02T00:00:00.000Z", end: "2021-08-03T00:00:00.000Z" });
    expect(spanning("2021-08-02T00:00:00.1234567Z", "2021-08-02T01:00:00.9999999Z")).toEqual({
      kind: "absolute", start: "2021-08-02T00:00:00.123Z", end: "2021-08-02T01:00:01.999Z",
    });
  });
  it("have a name", () => {
    expect(rangeLabel({ kind: "relative", duration: "P1D" }, "utc")).toBe("Last 24 hours");
    expect(rangeLabel({ kind: "relative", duration: "PT3H" }, "utc")).toBe("Last 3 hours");
  });
});
