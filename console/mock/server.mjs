/**
 * A server with the API of API.md over invented data in memory, for working on the console without the real one:
 *
 *   node mock/server.mjs [--port 8081] [--incidents 10000] [--rows 5000] [--arrivals SECONDS] [--empty]
 *
 * It also serves the built console. The sign-in token is "demo". It checks what the real server promises and the console
 * relies on: the request header, field conflicts, the pairs of classification and reason.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { DESTINATION_KINDS, detail, EDITABLE, makeIncident, makeRules, makeRun, PEOPLE, TABLES } from "./data.mjs";
import { answer, columnsOf, diagnose } from "./kql.mjs";

const ASSETS = fileURLToPath(new URL("../../src/vedette/console_assets/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
export const CSP =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
const REASONS = { TruePositive: ["SuspiciousActivity"], BenignPositive: ["SuspiciousButExpected"], FalsePositive: ["IncorrectAlertLogic", "InaccurateData"], Undetermined: [null] };

class Refused extends Error {
  constructor(status, code, message, more = {}) {
    super(message);
    this.status = status;
    this.body = { code, message, ...more };
  }
}

const iso = (millis) => new Date(millis).toISOString().replace("Z", "0000Z");

export function createMock({ incidents: count = 10_000, rows = 5_000, empty = false, clock = Date.now } = {}) {
  const me = { id: PEOPLE[0].id, name: PEOPLE[0].name };
  const start = clock();
  const rules = empty ? [] : makeRules(start);
  const incidents = new Map();
  const changes = new Map();
  const comments = new Map();
  const writers = new Map();
  const sequence = [];
  const sessions = new Set();
  const runs = new Map();
  const destinations = new Map();
  const deliveries = [];
  let version = 0;

  const touch = (incident) => {
    version += 1;
    sequence.push({ version, number: incident.number });
  };
  const add = (age) => {
    const incident = { ...makeIncident(age, start, rules), number: incidents.size + 1 };
    incidents.set(incident.number, incident);
    touch(incident);
    return incident;
  };
  for (let age = empty ? 0 : count; age > 0; age -= 1) add(age);
  rules.forEach((rule, index) => {
    const past = [0, 1, 2].map((hour) => makeRun(rule, start - hour * 3_600_000 - index * 60_000, "scheduled", index === 7 && hour === 0 ? "failed" : index % 3 ? "silent" : "matched", index % 3 ? [] : [index + 1]));
    runs.set(rule.id, past);
    rule.lastRun = index === 11 ? null : past[0];
  });
  if (!empty) {
    destinations.set("d-1", {
      id: "d-1", kind: "sentinel", name: "Production Sentinel", enabled: true, settings: { tenantId: "8f0c6c1e-1111-4222-8333-444455556666", clientId: "0b1c6c1e-1111-4222-8333-444455556666", subscriptionId: "9a1c6c1e-1111-4222-8333-444455556666", resourceGroup: "rg-security", workspaceName: "law-prod", minimumSeverity: "Low", timeout: 30, closeToo: false },
      secrets: { clientSecret: { set: true, changedTimeUtc: iso(start - 40 * 86_400_000) } },
      health: { state: "failing", message: "The token request was refused: the client secret expired on 2026-11-19. Make a new one in the app registration and replace it here.", lastSuccessTimeUtc: iso(start - 7_200_000), lastAttemptTimeUtc: iso(start - 60_000), pending: 3, failed: 1 },
    });
    const states = ["retrying", "failed", "delivered", "delivered", "delivered", "pending"];
    states.forEach((state, index) => {
      const incident = incidents.get(Math.max(1, incidents.size - index));
      if (!incident) return;
      deliveries.push({
        id: `del-${index}`, destinationId: "d-1", destinationName: "Production Sentinel", incidentNumber: incident.number, title: incident.title, state, attempts: state === "pending" ? 0 : index + 1,
        createdTimeUtc: iso(start - index * 600_000), lastAttemptTimeUtc: state === "pending" ? null : iso(start - index * 500_000), nextAttemptTimeUtc: state === "retrying" ? iso(start + 90_000) : null,
        remoteId: state === "delivered" ? `/subscriptions/9a1c/resourceGroups/rg-security/providers/Microsoft.SecurityInsights/incidents/${incident.id}` : null,
        error: state === "failed" || state === "retrying" ? { code: "AADSTS7000222", message: "The client secret has expired.", hint: "Replace it under Destinations." } : null,
      });
    });
  }

  const facets = () => {
    const all = { status: { New: 0, Active: 0, Closed: 0 }, severity: { High: 0, Medium: 0, Low: 0, Informational: 0 }, owner: [] };
    const owners = new Map();
    for (const one of incidents.values()) {
      all.status[one.status] += 1;
      all.severity[one.severity] += 1;
      const owner = owners.get(one.owner?.id ?? null) ?? { id: one.owner?.id ?? null, name: one.owner?.name ?? null, count: 0 };
      owner.count += 1;
      owners.set(owner.id, owner);
    }
    all.owner = [...owners.values()];
    return all;
  };
  const summary = (incident) => ({ ...incident, ruleId: undefined });
  const whole = (incident) => detail(incident, rules, changes.get(incident.number) ?? [], comments.get(incident.number) ?? []);
  const find = (number) => incidents.get(Number(number)) ?? refuse(404, "NotFound", `There is no incident ${number} in this workspace.`);

  function refuse(status, code, message, more) {
    throw new Refused(status, code, message, more);
  }

  function patch(number, { set = {}, base = {} }, who = me) {
    const incident = find(number);
    const same = (a, b) => JSON.stringify(a?.id ?? a ?? null) === JSON.stringify(b?.id ?? b ?? null);
    const fields = Object.keys(set);
    for (const field of fields) if (!EDITABLE.includes(field)) refuse(400, "InvalidInput", `"${field}" cannot be set.`);
    const conflicts = fields
      .filter((field) => base[field] !== undefined && base[field] < incident.revisions[field] && !same(incident[field], set[field]))
      .map((field) => ({ field, current: incident[field] ?? null, revision: incident.revisions[field], ...(writers.get(`${number}.${field}`) ?? { changedBy: null, changedTimeUtc: iso(clock()) }) }));
    if (conflicts.length) {
      const [first] = conflicts;
      refuse(409, "FieldConflict", `${first.changedBy?.name ?? "Somebody"} changed the ${first.field} meanwhile.`, { details: { conflicts } });
    }
    const after = { ...incident, ...set };
    if (after.status === "Closed" && !after.classification) refuse(400, "InvalidInput", "Closing an incident needs a classification.", { hint: "Send classification with status." });
    if (after.classification && !REASONS[after.classification]?.includes(after.classificationReason ?? null)) {
      refuse(400, "InvalidInput", `${after.classificationReason} is no reason of ${after.classification}.`);
    }
    const time = iso(clock());
    const revisions = { ...incident.revisions };
    const notes = [];
    for (const field of fields) {
      if (same(incident[field], set[field])) continue;
      revisions[field] += 1;
      writers.set(`${number}.${field}`, { changedBy: who, changedTimeUtc: time });
      const text = (value) => value?.name ?? (Array.isArray(value) ? value.join(", ") : value) ?? "none";
      notes.push({ id: `t-${field}-${revisions[field]}`, time, kind: "change", title: `${field}: ${text(incident[field])} → ${text(set[field])}`, detail: null, actor: who, alertId: null });
    }
    if (after.owner) after.owner = PEOPLE.filter((one) => one.id === after.owner.id).map(({ id, name }) => ({ id, name }))[0] ?? refuse(400, "InvalidInput", "There is no such person.");
    const changed = { ...after, revisions, lastModifiedTimeUtc: time };
    incidents.set(changed.number, changed);
    changes.set(changed.number, [...(changes.get(changed.number) ?? []), ...notes]);
    touch(changed);
    return changed;
  }

  function listIncidents(query) {
    const since = query.get("changedSince");
    if (since !== null) {
      const numbers = new Set(sequence.slice(Number(since)).map((one) => one.number));
      return { value: [...numbers].map((number) => summary(incidents.get(number))), count: numbers.size, facets: facets(), asOf: String(sequence.length) };
    }
    const lists = Object.fromEntries(["status", "severity"].map((name) => [name, query.get(name)?.split(",")]));
    const owners = query.get("owner")?.split(",").map((one) => (one === "me" ? me.id : one));
    const found = [...incidents.values()]
      .filter((one) => (!lists.status || lists.status.includes(one.status)) && (!lists.severity || lists.severity.includes(one.severity)) && (!owners || owners.includes(one.owner?.id ?? "none")))
      .sort((a, b) => b.createdTimeUtc.localeCompare(a.createdTimeUtc));
    const skip = Number(query.get("skip") ?? 0);
    return { value: found.slice(skip, skip + Number(query.get("top") ?? 100)).map(summary), count: found.length, facets: facets(), asOf: String(sequence.length) };
  }

  const page = (value) => ({ value, count: value.length });
  const rule = (id) => rules.find((one) => one.id === id) ?? refuse(404, "NotFound", "There is no such rule in this workspace.");
  const destination = (id) => destinations.get(id) ?? refuse(404, "NotFound", "There is no such destination.");
  const brief = ({ id, name, kind, severity, enabled, tactics, techniques, lastRun, nextRunTimeUtc }) => ({ id, name, kind, severity, enabled, tactics, techniques, lastRun, nextRunTimeUtc });

  function writeDestination(id, body) {
    const before = destinations.get(id) ?? { id, kind: body.kind, settings: {}, secrets: {}, health: { state: "unknown", message: null, lastSuccessTimeUtc: null, lastAttemptTimeUtc: null, pending: 0, failed: 0 } };
    const name = body.name ?? before.name;
    if ([...destinations.values()].some((one) => one.id !== id && one.name === name)) refuse(409, "NameTaken", `A destination named "${name}" exists.`, { details: { fields: { name: "This name is taken." } } });
    const secrets = { ...before.secrets };
    for (const key of Object.keys(body.secrets ?? {})) secrets[key] = { set: true, changedTimeUtc: iso(clock()) };
    const after = { ...before, name, enabled: body.enabled ?? before.enabled, settings: { ...before.settings, ...body.settings }, secrets };
    destinations.set(id, after);
    return after;
  }

  const knownOf = (incident) => ({
    state: "Current",
    enrichedTimeUtc: incident.createdTimeUtc,
    value: [
      {
        id: "watchlists", title: "On watchlists", more: false, reason: null,
        facts: whole(incident).entities.slice(0, 1).map((one) => ({ entityId: one.id, title: "On the watchlist VIPUsers", properties: { Tier: "0" } })),
      },
      { id: "location", title: "Where addresses are", facts: [], more: false, reason: "No database of where addresses are is supplied." },
    ],
  });
  const session = () => ({ principal: { ...PEOPLE[0], kind: "user" }, expiresTimeUtc: iso(clock() + 8 * 3_600_000), version: "0.1.0-mock" });
  const ws = "/workspaces/:ws";
  const routes = [
    ["GET", "/health", () => ({ status: "ok", version: "0.1.0-mock" })],
    ["GET", "/session", () => session()],
    ["GET", "/workspaces", () => page([{ id: "ws-1", name: "demo", roles: ["Contributor"] }, { id: "ws-2", name: "reading-room", roles: ["Reader"] }])],
    ["GET", `${ws}/users`, () => page(PEOPLE)],
    ["GET", `${ws}/incidents`, ({ query }) => listIncidents(query)],
    ["GET", `${ws}/incidents/:number`, ({ number }) => whole(find(number))],
    ["GET", `${ws}/incidents/:number/enrichment`, ({ number }) => knownOf(find(number))],
    ["POST", `${ws}/incidents/:number/enrichment`, ({ number }) => knownOf(find(number))],
    ["PATCH", `${ws}/incidents/:number`, ({ number, body }) => whole(patch(number, body))],
    ["POST", `${ws}/incidents/batch`, ({ body }) => ({
      results: body.items.map((item) => {
        try {
          return { number: item.number, status: 200, incident: summary(patch(item.number, item)) };
        } catch (error) {
          return { number: item.number, status: error.status ?? 500, error: error.body };
        }
      }),
    })],
    ["POST", `${ws}/incidents/:number/comments`, ({ number, body }) => {
      const comment = { id: `c-${clock()}-${(comments.get(Number(number)) ?? []).length}`, message: body.message, author: me, createdTimeUtc: iso(clock()) };
      comments.set(Number(number), [...(comments.get(find(number).number) ?? []), comment]);
      return comment;
    }],
    ["POST", `${ws}/query`, async ({ body, wait }) => {
      const diagnostics = diagnose(body.query);
      if (diagnostics.length) refuse(400, diagnostics[0].code, diagnostics[0].message, { details: { diagnostics } });
      const slow = /sleep\((\d+)\)/.exec(body.query)?.[1];
      if (slow) await wait(Number(slow) * 1000);
      const result = answer(body.query, body.timespan, start, rows);
      return { ...result, stats: { elapsedMs: 14, rows: result.rows.length, rowsScanned: rows }, partialError: null };
    }],
    ["POST", `${ws}/check`, ({ body }) => ({ diagnostics: diagnose(body.query), columns: columnsOf(body.query) })],
    ["GET", `${ws}/tables`, () => page(Object.entries(TABLES).map(([name, columns], index) => (empty || index > 2 ? { name, columns, rows: 0, first: null, last: null, bytes: null } : { name, columns, rows, first: iso(start - 36 * 3_600_000), last: iso(start), bytes: rows * 400 })))],
    ["GET", `${ws}/functions`, () => refuse(404, "NotFound", "This server has no list of functions.")],
    ["GET", `${ws}/rules`, () => page(rules.map(brief))],
    ["GET", `${ws}/rules/:id`, ({ id }) => rule(id)],
    ["PATCH", `${ws}/rules/:id`, ({ id, body }) => Object.assign(rule(id), { enabled: body.enabled })],
    ["GET", `${ws}/rules/:id/coverage`, () => ({ from: iso(start - 7 * 86_400_000), to: iso(start), coveredTo: null, value: [] })],
    ...["rule-exceptions", "saved-functions", "bookmarks", "indicators", "indicator-sources"].map((list) => ["GET", `${ws}/${list}`, () => page([])]),
    ["GET", `${ws}/rules/:id/runs`, ({ id }) => page(runs.get(rule(id).id) ?? [])],
    ["POST", `${ws}/rules/run`, async ({ body, wait }) => {
      const one = rule(body.ruleId);
      await wait(400);
      const run = makeRun(one, clock(), "manual", "matched", [add(0).number]);
      one.lastRun = run;
      runs.set(one.id, [run, ...runs.get(one.id)]);
      return run;
    }],
    ["POST", `${ws}/rules/import`, ({ body }) => ({ imported: [], problems: body.files.map((file) => ({ file: file.name, severity: "Error", line: 1, message: "the mock server imports no rules", hint: "Use vedette serve." })) })],
    ["GET", `${ws}/destination-kinds`, () => page(DESTINATION_KINDS)],
    ["GET", `${ws}/destinations`, () => page([...destinations.values()])],
    ["POST", `${ws}/destinations`, ({ body }) => writeDestination(`d-${clock()}`, body)],
    ["PATCH", `${ws}/destinations/:id`, ({ id, body }) => writeDestination(destination(id).id, body)],
    ["DELETE", `${ws}/destinations/:id`, ({ id }) => void destinations.delete(destination(id).id)],
    ["POST", `${ws}/destinations/:id/test`, async ({ id, wait }) => {
      destination(id);
      await wait(500);
      return { ok: false, steps: [{ name: "Sign in to Entra ID", ok: true, message: "A token was issued.", hint: null, durationMs: 210 }, { name: "Read the workspace", ok: false, message: "403: the app registration may not read incidents.", hint: "Assign it Microsoft Sentinel Responder on the workspace.", durationMs: 180 }] };
    }],
    ["GET", `${ws}/deliveries`, ({ query }) => {
      const states = query.get("state")?.split(",");
      const mine = deliveries.filter((one) => !query.get("destination") || one.destinationId === query.get("destination"));
      const value = mine.filter((one) => !states || states.includes(one.state));
      const counts = Object.fromEntries(["pending", "sending", "retrying", "delivered", "failed"].map((state) => [state, mine.filter((one) => one.state === state).length]));
      return { value, count: value.length, facets: { state: counts } };
    }],
    ["POST", `${ws}/deliveries/:id/retry`, ({ id }) => Object.assign(deliveries.find((one) => one.id === id) ?? refuse(404, "NotFound", "There is no such delivery."), { state: "pending", error: null })],
  ].map(([method, path, run]) => ({ method, pattern: new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`), run }));

  const cookie = (request) => /vedette_session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];

  async function handle(request, path, query, body, wait) {
    if (request.method !== "GET" && request.headers["x-vedette-request"] !== "console") refuse(403, "MissingHeader", "The call lacks the header X-Vedette-Request.");
    if (path === "/session" && request.method === "POST") {
      if (body.token !== "demo") refuse(401, body.token === "used" ? "UsedToken" : "InvalidToken", "This sign-in code is not known here.");
      const id = `s${sessions.size}-${clock()}`;
      sessions.add(id);
      return { value: session(), cookie: `vedette_session=${id}; HttpOnly; SameSite=Strict; Path=/` };
    }
    if (path !== "/health" && !sessions.has(cookie(request))) refuse(401, "NotSignedIn", "Sign in first.");
    if (path === "/session" && request.method === "DELETE") return { value: void sessions.delete(cookie(request)) };
    for (const { method, pattern, run } of routes) {
      const match = pattern.exec(path);
      if (match && method === request.method) return { value: await run({ ...match.groups, query, body, wait }) };
    }
    return refuse(404, "NotFound", `There is no ${request.method} ${path}.`);
  }

  async function serveFile(path, response) {
    const wanted = normalize(path).replace(/^([/\\]|\.\.)+/, "");
    const file = extname(wanted) ? wanted : "index.html";
    try {
      const content = await readFile(join(ASSETS, file));
      response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": CSP, "Cache-Control": file.startsWith("assets") ? "public, max-age=31536000, immutable" : "no-cache" });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://mock");
    if (!pathname.startsWith("/api/v1/")) return serveFile(pathname, response);
    let text = "";
    for await (const chunk of request) text += chunk;
    const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
    try {
      const { value, cookie: setCookie } = await handle(request, pathname.slice("/api/v1".length), searchParams, text ? JSON.parse(text) : {}, wait);
      const headers = { "Content-Type": "application/json", ...(setCookie ? { "Set-Cookie": setCookie } : {}) };
      response.writeHead(value === undefined ? 204 : 200, headers).end(value === undefined ? undefined : JSON.stringify(value));
    } catch (error) {
      const known = error instanceof Refused;
      const headers = { "Content-Type": "application/json" };
      response.writeHead(known ? error.status : 500, headers).end(JSON.stringify({ error: known ? error.body : { code: "Mock", message: String(error) } }));
    }
  });
  /** Another person's edit and a new incident, for trying what the console makes of them. */
  return { server, arrive: () => add(0), editAs: (person, number, set) => patch(number, { set }, person) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, otherwise) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
  };
  const port = option("port", 8081);
  const mock = createMock({ incidents: option("incidents", 10_000), rows: option("rows", 5_000), empty: process.argv.includes("--empty") });
  const arrivals = option("arrivals", 0);
  if (arrivals) setInterval(mock.arrive, arrivals * 1000);
  mock.server.listen(port, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${port}/signin?token=demo\n`));
}
