import { beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "../src/api/http";
import type { BatchItem, EditableField, FieldChanges, IncidentPatch, IncidentSummary } from "../src/api/types";
import { clearActivity, undoLast } from "../src/app/activity";
import { CAPACITY, IncidentStore } from "../src/incidents/store";
import { page, summary, whole } from "./summaries";

const ANA = { id: "u-ana", name: "Ana" };
const BO = { id: "u-bo", name: "Bo" };
const CLOSE: FieldChanges = { status: "Closed", classification: "TruePositive", classificationReason: "SuspiciousActivity" };

/** A server in memory that compares revisions as API.md says. */
class FakeServer {
  readonly incidents = new Map<number, IncidentSummary>();
  readonly changed: number[] = [];
  /** Calls wait for it, so that a test can look at what is shown meanwhile. */
  gate: Promise<void> = Promise.resolve();
  down = false;

  constructor(count: number) {
    for (let number = 1; number <= count; number += 1) this.incidents.set(number, summary(number));
  }

  write(number: number, set: FieldChanges): void {
    const before = this.incidents.get(number);
    if (!before) throw new Error("no such incident");
    const revisions = { ...before.revisions };
    for (const field of Object.keys(set) as EditableField[]) revisions[field] += 1;
    this.incidents.set(number, { ...before, ...set, revisions });
    this.changed.push(number);
  }

  #check(number: number, { set, base }: IncidentPatch): void {
    const incident = this.incidents.get(number);
    if (!incident) throw new ApiError(404, { code: "NotFound", message: `no incident ${number}` });
    const conflicts = (Object.keys(set) as EditableField[])
      .filter((field) => (base[field] ?? Infinity) < incident.revisions[field])
      .filter((field) => JSON.stringify(set[field]) !== JSON.stringify(incident[field as keyof IncidentSummary]))
      .map((field) => ({ field, current: incident[field as keyof IncidentSummary], revision: incident.revisions[field], changedBy: BO, changedTimeUtc: "2026-01-01T00:00:00Z" }));
    if (conflicts.length) throw new ApiError(409, { code: "FieldConflict", message: "Bo was faster.", details: { conflicts } });
  }

  #patch(number: number, patch: IncidentPatch): IncidentSummary {
    this.#check(number, patch);
    this.write(number, patch.set);
    return this.get(number);
  }

  get(number: number): IncidentSummary {
    const incident = this.incidents.get(number);
    if (!incident) throw new ApiError(404, { code: "NotFound", message: `no incident ${number}` });
    return incident;
  }

  readonly api = {
    incidents: vi.fn(async (_ws: string, parameters: { top?: number; skip?: number; changedSince?: string; q?: string; sort?: string }) => {
      await this.gate;
      if (this.down) throw new ApiError(0, { code: "Unreachable", message: "no server" });
      const asOf = String(this.changed.length);
      if (parameters.changedSince !== undefined) {
        const numbers = new Set(this.changed.slice(Number(parameters.changedSince)));
        return page([...numbers].map((number) => this.get(number)), asOf);
      }
      const all = [...this.incidents.values()].reverse();
      const skip = parameters.skip ?? 0;
      return { ...page(all.slice(skip, skip + (parameters.top ?? 100)), asOf, all.length) };
    }),
    incident: vi.fn((_ws: string, number: number) => Promise.resolve(whole(this.get(number)))),
    patchIncident: vi.fn(async (_ws: string, number: number, patch: IncidentPatch) => {
      await this.gate;
      return whole(this.#patch(number, patch));
    }),
    patchIncidents: vi.fn(async (_ws: string, items: BatchItem[]) => {
      await this.gate;
      return {
        results: items.map((item) => {
          try {
            return { number: item.number, status: 200, incident: this.#patch(item.number, item) };
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            return { number: item.number, status: error.status, error: { code: error.code, message: error.message, details: error.details } };
          }
        }),
      };
    }),
  };
}

function gate(): { promise: Promise<void>; open: () => void } {
  let resolver: (() => void) | null = null;
  const promise = new Promise<void>((resolve) => {
    resolver = resolve;
  });
  return { promise, open: () => resolver?.() };
}

async function loaded(count: number) {
  const server = new FakeServer(count);
  const store = new IncidentStore("ws", server.api);
  await store.load();
  const shown = (number: number) => store.state.get().incidents.get(number);
  return { server, store, shown };
}

beforeEach(() => clearActivity());

describe("loading", () => {
  it("shows the first page and goes on until all are there", async () => {
    const { store, server } = await loaded(3_200);
    expect(store.state.get()).toMatchObject({ phase: "ready", total: 3_200, windowed: false });
    expect(store.state.get().incidents.size).toBe(3_200);
    expect(server.api.incidents.mock.calls.map(([, parameters]) => [parameters.skip, parameters.top])).toEqual([[0, 500], [500, 2000], [2500, 2000]]);
  });

  it("keeps to its capacity and lets the server filter beyond it", async () => {
    const { store, server } = await loaded(CAPACITY + 7);
    expect(store.state.get().incidents.size).toBe(CAPACITY);
    expect(store.state.get().windowed).toBe(true);
    server.api.incidents.mockClear();
    await store.setFilter({ sort: "-severity", q: "key" });
    expect(server.api.incidents.mock.calls[0]?.[1]).toMatchObject({ sort: "-severity", q: "key", skip: 0 });
  });

  it("does not ask the server to filter what is all here", async () => {
    const { store, server } = await loaded(3);
    server.api.incidents.mockClear();
    await store.setFilter({ sort: "title" });
    expect(server.api.incidents).not.toHaveBeenCalled();
  });

  it("says why there is nothing, and keeps what is there when a poll fails", async () => {
    const server = new FakeServer(2);
    server.down = true;
    const store = new IncidentStore("ws", server.api);
    await store.load();
    expect(store.state.get()).toMatchObject({ phase: "failed", error: { message: "no server" } });
    server.down = false;
    await store.load();
    server.down = true;
    await store.poll();
    expect(store.state.get()).toMatchObject({ phase: "ready", stale: true });
    expect(store.state.get().incidents.size).toBe(2);
    server.down = false;
    await store.poll();
    expect(store.state.get().stale).toBe(false);
  });

  it("takes over what changed and what came", async () => {
    const { store, server, shown } = await loaded(2);
    server.write(1, { severity: "High" });
    server.incidents.set(3, summary(3));
    server.changed.push(3);
    await store.poll();
    expect(shown(1)?.severity).toBe("High");
    expect(store.state.get().total).toBe(3);
    expect(store.state.get().facets?.severity).toMatchObject({ High: 1, Medium: 2 });
  });
});

describe("editing", () => {
  it("shows the edit and its counts before the server answers", async () => {
    const { store, server, shown } = await loaded(2);
    const wait = gate();
    server.gate = wait.promise;
    const edit = store.change([1], { owner: ANA });
    expect(shown(1)?.owner).toEqual(ANA);
    expect(store.state.get().facets?.owner).toContainEqual({ id: "u-ana", name: "Ana", count: 1 });
    wait.open();
    await edit;
    expect(shown(1)).toMatchObject({ owner: ANA, revisions: { owner: 2 } });
  });

  it("sends only what differs, and nothing when nothing does", async () => {
    const { store, server } = await loaded(1);
    await store.change([1], { status: "Active", classification: null });
    expect(server.api.patchIncident).toHaveBeenCalledWith("ws", 1, { set: { status: "Active" }, base: { status: 1 } });
    server.api.patchIncident.mockClear();
    await store.change([1], { status: "Active" });
    expect(server.api.patchIncident).not.toHaveBeenCalled();
  });

  it("merges two people's edits of different fields without a word", async () => {
    const { store, server, shown } = await loaded(1);
    server.write(1, { severity: "High" });
    await store.change([1], { status: "Active" });
    expect(store.conflicts.get()).toEqual([]);
    expect(server.get(1)).toMatchObject({ severity: "High", status: "Active" });
    expect(shown(1)).toMatchObject({ severity: "High", status: "Active" });
  });

  it("shows both values when the same field was set, and keeps what is there", async () => {
    const { store, server, shown } = await loaded(1);
    server.write(1, { severity: "High" });
    await store.change([1], { severity: "Low" });
    const [conflict] = store.conflicts.get();
    expect(conflict).toMatchObject({ number: 1, set: { severity: "Low" }, fields: [{ field: "severity", current: "High", changedBy: BO }] });
    expect(shown(1)?.severity).toBe("High");
    if (conflict) await store.resolve(conflict, false);
    expect(store.conflicts.get()).toEqual([]);
    expect(server.get(1).severity).toBe("High");
  });

  it("sets mine over it when the person says so, unless it changed again", async () => {
    const { store, server } = await loaded(1);
    server.write(1, { severity: "High" });
    await store.change([1], { severity: "Low" });
    const [first] = store.conflicts.get();
    server.write(1, { severity: "Informational" });
    // The poll shows the third value in the list; the decision was about the second.
    await store.poll();
    if (first) await store.resolve(first, true);
    const [second] = store.conflicts.get();
    expect(second?.fields[0]?.current).toBe("Informational");
    if (second) await store.resolve(second, true);
    expect(store.conflicts.get()).toEqual([]);
    expect(server.get(1).severity).toBe("Low");
  });

  it("does not take own quick edits of one field for another person's", async () => {
    const { store, server } = await loaded(1);
    await Promise.all([store.change([1], { status: "Active" }), store.change([1], CLOSE), store.change([1], { severity: "High" })]);
    expect(store.conflicts.get()).toEqual([]);
    expect(server.get(1)).toMatchObject({ status: "Closed", severity: "High" });
  });

  it("closes many in one call and tells the failures by number", async () => {
    const { store, server, shown } = await loaded(5);
    server.write(2, { status: "Active" });
    server.incidents.delete(4);
    await store.change([1, 2, 3, 4], CLOSE);
    expect(server.api.patchIncidents).toHaveBeenCalledOnce();
    expect(shown(1)?.status).toBe("Closed");
    expect(shown(3)?.status).toBe("Closed");
    expect(store.conflicts.get().map((one) => one.number)).toEqual([2]);
    expect(shown(4)?.status).toBe("New");
  });

  it("splits what is more than a batch takes", async () => {
    const { store, server } = await loaded(1_100);
    await store.change([...server.incidents.keys()], { severity: "Low" });
    expect(server.api.patchIncidents.mock.calls.map(([, items]) => items.length)).toEqual([500, 500, 100]);
  });

  it("puts back what could not be sent", async () => {
    const { store, server, shown } = await loaded(1);
    server.api.patchIncident.mockRejectedValueOnce(new ApiError(0, { code: "Unreachable", message: "no server" }));
    await store.change([1], { status: "Active" });
    expect(shown(1)?.status).toBe("New");
  });
});

describe("undo", () => {
  it("takes a close back, its verdict with it", async () => {
    const { store, server } = await loaded(2);
    await store.change([1, 2], CLOSE);
    await undoLast();
    expect(server.get(1)).toMatchObject({ status: "New", classification: null, classificationReason: null });
    expect(server.get(2).status).toBe("New");
  });

  it("does not overwrite what somebody did since", async () => {
    const { store, server } = await loaded(1);
    await store.change([1], { owner: ANA });
    server.write(1, { owner: BO });
    await undoLast();
    expect(server.get(1).owner).toEqual(BO);
    expect(store.conflicts.get()[0]?.fields[0]?.field).toBe("owner");
  });

  it("takes back only what was written", async () => {
    const { store, server } = await loaded(2);
    server.write(2, { severity: "High" });
    await store.change([1, 2], { severity: "Low" });
    await undoLast();
    expect(server.get(1).severity).toBe("Medium");
    expect(server.get(2).severity).toBe("High");
  });
});
