import { describe, expect, it } from "vitest";

import type { SavedFunction } from "../src/api/functions";
import type { Bookmark } from "../src/api/work";
import { neighbour } from "../src/app/neighbour";
import { numberOf, rangeOf, shownOf, tagsOf } from "../src/hunting/bookmarks";
import { entitiesOfRow } from "../src/incidents/rowEntities";
import { aliasOf, callable, callOf, found, isQuery, parametersProblem, readParameters, writeParameters, type Parameter } from "../src/logs/saved";

const bookmark = (change: Partial<Bookmark>): Bookmark => ({
  id: "b", displayName: "Odd sign-in", notes: "", labels: [], query: "SigninLogs", queryResult: {}, queryStartTimeUtc: null, queryEndTimeUtc: null,
  eventTimeUtc: "2026-03-01T12:00:00Z", incidentNumber: null, createdTimeUtc: "2026-03-01T12:00:00Z", createdBy: { id: "ana", name: "Ana Duarte" }, entities: [], ...change,
});

describe("bookmarks", () => {
  const all = [
    bookmark({ id: "1", labels: ["vpn"], incidentNumber: 17 }),
    bookmark({ id: "2", notes: "From the night shift", createdBy: { id: "bo", name: "Bo Lund" } }),
    bookmark({ id: "3", entities: [{ type: "IP", name: "203.0.113.7", properties: { Address: "203.0.113.7" } }] }),
  ];
  const ids = (filter: Partial<Parameters<typeof shownOf>[1]>) => shownOf(all, { q: "", where: "all", by: null, ...filter }).map((one) => one.id).join("");

  it("are found by all that a person has read of them", () => {
    expect([ids({}), ids({ q: "VPN sign" }), ids({ q: "night" }), ids({ q: "lund" }), ids({ q: "203.0" }), ids({ q: "#17" }), ids({ q: "vpn night" })]).toEqual(["123", "1", "2", "2", "3", "1", ""]);
    expect([ids({ where: "incident" }), ids({ where: "none" }), ids({ by: "ana" }), ids({ by: "ana", where: "none", q: "ip" })]).toEqual(["1", "23", "13", "3"]);
  });

  it("are stepped through without an end that jumps", () => {
    const step = (open: string | null, by: 1 | -1) => neighbour(all, open, by)?.id;
    expect([step(null, 1), step("1", 1), step("3", 1), step("1", -1), step("gone", -1)]).toEqual(["1", "2", "3", "1", "1"]);
    expect(neighbour([], null, 1)).toBeNull();
  });

  it("are asked for again over their own time, or a day around the event", () => {
    expect(rangeOf(bookmark({}))).toEqual({ kind: "absolute", start: "2026-03-01T00:00:00.000Z", end: "2026-03-02T00:00:00.000Z" });
    const own = { queryStartTimeUtc: "2026-02-01T00:00:00Z", queryEndTimeUtc: "2026-02-02T00:00:00Z" };
    expect(rangeOf(bookmark(own))).toEqual({ kind: "absolute", start: own.queryStartTimeUtc, end: own.queryEndTimeUtc });
  });

  it("take numbers and tags as people write them", () => {
    expect(["#17", " 17 ", "0", "1.5", "x", ""].map(numberOf)).toEqual([17, 17, null, null, null, null]);
    expect(tagsOf(" vpn,, night shift ,vpn")).toEqual(["vpn", "night shift"]);
  });

  it("name the entities of a row, each once", () => {
    const row = { UserPrincipalName: "ana@contoso.example", UserId: "ANA@contoso.example", IPAddress: "203.0.113.7", ClientIP: "-", SourceIP: "0.0.0.0", Computer: "", RequestURL: 7, DestinationIP: "10.0.0.1" };
    expect(entitiesOfRow(row).map((one) => one.entity)).toEqual([
      { type: "Account", FullName: "ana@contoso.example" }, { type: "IP", Address: "203.0.113.7" }, { type: "IP", Address: "10.0.0.1" },
    ]);
  });
});

const saved = (change: Partial<SavedFunction>): SavedFunction => ({
  id: "f", name: "F", parameters: "", displayName: "", category: "", version: "", revision: 1, updatedAt: "2026-03-01T00:00:00Z", updatedBy: "ana", ...change,
});

describe("what is saved", () => {
  const query = saved({ name: "Query_Odd", displayName: "Odd sign-ins", category: "Saved queries" });
  const all = [saved({ name: "b10" }), query, saved({ name: "b9", category: "Parser" }), saved({ name: "h", category: "hunting queries" }), saved({ name: "t", category: "Saved queries", parameters: "a: long" })];

  it("is a query where it takes nothing and is of their category", () => {
    expect(all.map(isQuery)).toEqual([false, true, false, true, false]);
    expect(found(all, false, "").map((one) => one.name)).toEqual(["b9", "b10", "t"]);
    expect(found(all, true, "ODD saved").map((one) => one.name)).toEqual(["Query_Odd"]);
  });

  it.each([
    ["odd SIGN-INS ", "Query_Odd"],
    ["SigninLogs", "Query_SigninLogs"],
    ["Odd", "Query_Odd_2"],
    [" 4 eyes: who, when? ", "Query_4_eyes_who_when"],
    ["…", "Query_"],
  ])("has an alias for %j that hides no table", (title, alias) => {
    expect(aliasOf(title, all)).toBe(alias);
  });
});

describe("parameters", () => {
  const parameter = (name: string, type = "string", fallback = ""): Parameter => ({ key: 0, name, type, fallback });

  it.each([
    ["", []],
    ["a: string, b:long=3", [["a", "string", ""], ["b", "long", "3"]]],
    ["(a: string = 'x, \"y\" = (z', n: int)", [["a", "string", "'x, \"y\" = (z'"], ["n", "int", ""]]],
    ["T: (x: long, y: string), U: (*), d: dynamic = dynamic([1, 2]), s: string = \"a\\\",b\"", [["T", "(x: long, y: string)", ""], ["U", "(*)", ""], ["d", "dynamic", "dynamic([1, 2])"], ["s", "string", "\"a\\\",b\""]]],
  ])("are read from %j", (text, expected) => {
    const read = readParameters(text);
    expect(read.map((one) => [one.name, one.type, one.fallback])).toEqual(expected);
    expect(readParameters(writeParameters(read)).map((one) => [one.name, one.type, one.fallback])).toEqual(expected);
  });

  it("quote the default of a string", () => {
    expect(writeParameters([parameter("a", "string", 'say "hi"'), parameter("b", "string", "@'x'"), parameter("n", "long", "3")])).toBe('a: string = "say \\"hi\\"", b: string = @\'x\', n: long = 3');
  });

  it.each([
    [[parameter("a"), parameter("b", "long", "1")], null],
    [[parameter("")], "Each parameter needs a name."],
    [[parameter("1a")], "'1a' cannot be the name of a parameter."],
    [[parameter("a"), parameter("a ")], "Two parameters are called a."],
    [[parameter("a", " ")], "a needs a type."],
    [[parameter("a", "long", "1"), parameter("b")], "b has no default and comes after a, which has one: turn them round."],
  ])("say what is wrong with them", (given, said) => {
    expect(parametersProblem(given)).toBe(said);
  });

  it("are given a value to be changed where they must be given", () => {
    expect(callOf(saved({ parameters: "T: (*), a: string, since: timespan, least: long = 3" }))).toBe('F(T, "", 1h)');
    expect([callOf(saved({})), callable(saved({ parameters: "a: long = 1" })), callable(saved({ parameters: "a: long" }))]).toEqual(["F()", true, false]);
  });
});
