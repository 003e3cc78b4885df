import { describe, expect, it } from "vitest";

import type { IntelDetail } from "../src/api/intelligence";
import { askedOf, EMPTY, observedOf, standingOf, textsOf, toIndicator, typeText, type IntelFilter } from "../src/intelligence/model";

const NOW = Date.parse("2026-03-10T00:00:00Z");
const one = (change: Partial<IntelDetail>): IntelDetail => ({
  id: "i", stixId: "indicator--1", type: "indicator", source: "Feed", method: "TAXII", name: "C2", pattern: "[ipv4-addr:value = '203.0.113.45']", active: false, revoked: false,
  withdrawnBy: null, validFrom: "2026-03-01T00:00:00Z", validUntil: null, confidence: null, tags: [], tlp: "", created: null, modified: null,
  addedAt: "2026-03-01T00:00:00Z", changedAt: "2026-03-01T00:00:00Z", content: {}, ...change,
});

describe("a pattern", () => {
  it.each([
    [null, []],
    ["[ipv4-addr:value = '203.0.113.45']", [["IPv4 address", "203.0.113.45"]]],
    ["[domain-name:value='a.example' OR url:value = 'https://a.example/it\\'s' AND domain-name:value = 'a.example']", [["Domain name", "a.example"], ["URL", "https://a.example/it's"]]],
    ["[file:hashes.'SHA-256' = 'ab' AND file:hashes.MD5 = 'cd' AND file:name = 'x.exe']", [["File hash", "ab"], ["File hash", "cd"], ["File name", "x.exe"]]],
    ["[windows-registry-key:key = 'HKLM\\\\Bad'] FOLLOWEDBY [user-account:account_login = 'svc']", [["Registry key", "HKLM\\Bad"], ["Account", "svc"]]],
    ["[x509-certificate:hashes.'SHA-1' = 'ef' AND process:pid > 5]", [["x509-certificate:hashes.SHA-1", "ef"]]],
  ])("%j is read as what it looks for", (pattern, expected) => {
    expect(observedOf(pattern).map((each) => [each.label, each.value])).toEqual(expected);
  });

  it("says of which type its indicator is; other objects say their own", () => {
    expect(typeText(one({ pattern: "[file:hashes.MD5 = 'a' OR file:hashes.'SHA-1' = 'b' OR url:value = 'c:d']" }))).toBe("File hash, URL");
    expect([typeText(one({ pattern: "rule x {}" })), typeText(one({ type: "threat-actor", pattern: null })), typeText(one({ type: "x-mine", pattern: null }))]).toEqual(["Indicator", "Threat actor", "x-mine"]);
  });
});

describe("an indicator", () => {
  it.each([
    [{ active: true }, "force", "In force"],
    [{ withdrawnBy: "ana", revoked: true }, "revoked", "Revoked by ana"],
    [{ revoked: true }, "revoked", "Revoked by its source"],
    [{ validUntil: "2026-03-10T00:00:00Z" }, "ended", "Expired"],
    [{ validFrom: "2026-03-11T00:00:00Z", validUntil: "2026-03-12T00:00:00Z" }, "waiting", "Not yet"],
    [{}, "ended", "Not in force"],
  ] as [Partial<IntelDetail>, string, string][])("with %j is %s", (change, standing, text) => {
    expect(standingOf(one(change), NOW)).toEqual({ standing, text });
  });

  it("is asked for by the words of its pattern where its observable has a kind", () => {
    const asked = (change: Partial<IntelFilter>) => askedOf({ q: "", type: "indicator", source: "", state: "active", skip: 0, ...change });
    expect(asked({ q: " evil ", type: "url:value" })).toEqual({ q: "evil url:value", type: "indicator", source: "", state: "active", top: 100, skip: 0 });
    expect(asked({ type: "threat-actor", state: "all", source: "Feed", skip: 100 })).toEqual({ q: "", type: "threat-actor", source: "Feed", state: "all", top: 100, skip: 100 });
  });

  it("is added when its value is there and its numbers are numbers", () => {
    const draft = { ...EMPTY, value: " 203.0.113.45 ", confidence: " 80", tags: "wave 7, , c2,wave 7", threats: "malicious-activity" };
    expect(toIndicator(draft)).toEqual({ type: "ip", value: "203.0.113.45", name: "", description: "", confidence: 80, days: 90, tags: ["wave 7", "c2"], threatTypes: ["malicious-activity"], tlp: "" });
    expect(toIndicator({ ...draft, confidence: "", days: "0" })).toMatchObject({ confidence: null, days: 0 });
    for (const change of [{ value: " " }, { confidence: "101" }, { confidence: "x" }, { days: "" }, { days: "1.5" }, { days: "36601" }]) expect(toIndicator({ ...draft, ...change })).toBeNull();
  });

  it("has labels of its source only where they are texts", () => {
    expect([textsOf(one({ content: { labels: ["a", 1] } }), "labels"), textsOf(one({ content: { labels: "a" } }), "labels")]).toEqual([["a"], []]);
  });
});
