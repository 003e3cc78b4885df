/**
 * The incidents of a workspace in memory: loaded once, kept up to date by polling, edited optimistically.
 *
 * An edit shows at once. The server compares, field by field, the revision that the person saw; where somebody else set
 * the same field to something else meanwhile, both values are kept as a conflict for the person to decide.
 */

import type { api as apiClient } from "../api/client";
import { ApiError } from "../api/http";
import type {
  BatchResult,
  ConflictDetails,
  EditableField,
  FieldChanges,
  FieldConflict,
  Incident,
  IncidentFacets,
  IncidentPatch,
  IncidentSummary,
  Revisions,
  SourceAction,
} from "../api/types";
import { done, failed } from "../app/activity";
import { Store } from "../app/store";
import { describeChange, sameValue, SEVERITIES, STATUSES } from "./model";

/** Summaries kept in memory; beyond it the server filters and sorts. */
export const CAPACITY = 10_000;
const FIRST_PAGE = 500;
const NEXT_PAGES = 2_000;
const BATCH = 500;

export interface ServerFilter {
  status?: string;
  severity?: string;
  owner?: string;
  q?: string;
  sort?: string;
}

export interface Edit {
  number: number;
  set: FieldChanges;
  /** The revisions the person decided on, where they are not those on the screen. */
  seen?: Partial<Revisions>;
  /** What becomes of its alerts where they come from. */
  sourceAlerts?: SourceAction;
}

export interface Conflict {
  id: number;
  number: number;
  set: FieldChanges;
  fields: FieldConflict[];
}

export interface IncidentsState {
  phase: "loading" | "ready" | "failed";
  error: unknown;
  /** With the edits that are under way. */
  incidents: ReadonlyMap<number, IncidentSummary>;
  facets: IncidentFacets | null;
  /** How many the server has that match what it was asked for. */
  total: number;
  /** More than CAPACITY: the server filters. */
  windowed: boolean;
  /** The last poll did not work; what is shown may be old. */
  stale: boolean;
}

type Api = Pick<typeof apiClient, "incidents" | "incident" | "patchIncident" | "patchIncidents">;

type Pending = Required<Omit<Edit, "sourceAlerts">> & Pick<Edit, "sourceAlerts">;

const EMPTY: IncidentsState = {
  phase: "loading",
  error: null,
  incidents: new Map(),
  facets: null,
  total: 0,
  windowed: false,
  stale: false,
};

const fieldsOf = (set: FieldChanges) => Object.keys(set) as EditableField[];

export function countFacets(incidents: Iterable<IncidentSummary>): IncidentFacets {
  const facets: IncidentFacets = {
    status: Object.fromEntries(STATUSES.map((one) => [one, 0])) as IncidentFacets["status"],
    severity: Object.fromEntries(SEVERITIES.map((one) => [one, 0])) as IncidentFacets["severity"],
    owner: [],
  };
  const owners = new Map<string | null, { id: string | null; name: string | null; count: number }>();
  for (const incident of incidents) {
    facets.status[incident.status] += 1;
    facets.severity[incident.severity] += 1;
    const id = incident.owner?.id ?? null;
    const owner = owners.get(id) ?? { id, name: incident.owner?.name ?? null, count: 0 };
    owner.count += 1;
    owners.set(id, owner);
  }
  facets.owner = [...owners.values()].sort((a, b) => b.count - a.count);
  return facets;
}

export class IncidentStore {
  readonly state = new Store<IncidentsState>(EMPTY);
  readonly conflicts = new Store<readonly Conflict[]>([]);

  readonly #ws: string;
  readonly #api: Api;
  readonly #onIncident: (incident: Incident | number) => void;

  #base = new Map<number, IncidentSummary>();
  #pending: readonly Pending[] = [];
  #own = new Map<string, number>();
  #queue: Promise<void> = Promise.resolve();
  #asOf: string | null = null;
  #serverFacets: IncidentFacets | null = null;
  #loading: AbortController | null = null;
  #filter: ServerFilter = {};
  #complete = false;
  #lastConflict = 0;

  /** `onIncident` hears of an incident that was written: whole, or by number when only the summary is known. */
  constructor(ws: string, api: Api, onIncident: (incident: Incident | number) => void = () => undefined) {
    this.#ws = ws;
    this.#api = api;
    this.#onIncident = onIncident;
  }

  // ------------------------------------------------------------------------------------------- reading

  /** Loads up to CAPACITY incidents, the newest first, showing the first page as soon as it is there. */
  async load(): Promise<void> {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    const options = { signal: loading.signal };
    const fresh = new Map<number, IncidentSummary>();
    try {
      let asOf: string | null = null;
      for (;;) {
        const top = fresh.size === 0 ? FIRST_PAGE : Math.min(NEXT_PAGES, CAPACITY - fresh.size);
        const page = await this.#api.incidents(
          this.#ws,
          { sort: "-createdTimeUtc", ...this.#filter, top, skip: fresh.size },
          options,
        );
        const before = fresh.size;
        for (const one of page.value) fresh.set(one.number, one);
        // Changes during the load come again with the first poll.
        asOf ??= page.asOf;
        this.#serverFacets = page.facets;
        this.#base = new Map(fresh);
        this.#complete = fresh.size >= page.count && Object.keys(this.#filter).length === 0;
        this.#publish({ phase: "ready", error: null, total: page.count, stale: false });
        if (fresh.size === before || fresh.size >= Math.min(page.count, CAPACITY)) {
          if (page.count > CAPACITY) this.#publish({ windowed: true });
          break;
        }
      }
      this.#asOf = asOf;
    } catch (error) {
      if (loading.signal.aborted) return;
      // What is loaded stays on the screen.
      this.#publish(this.#base.size ? { stale: true } : { phase: "failed", error });
    }
  }

  /** Says what is looked at. Matters only when the server filters. */
  async setFilter(filter: ServerFilter): Promise<void> {
    if (!this.state.get().windowed || JSON.stringify(filter) === JSON.stringify(this.#filter)) return;
    this.#filter = filter;
    await this.load();
  }

  /** Asks for what changed since the last time. */
  async poll(): Promise<void> {
    if (this.#asOf === null) return;
    try {
      const page = await this.#api.incidents(this.#ws, { changedSince: this.#asOf, top: CAPACITY });
      this.#asOf = page.asOf;
      this.#serverFacets = page.facets;
      for (const one of page.value) this.#base.set(one.number, one);
      if (page.value.length || this.state.get().stale || !this.#complete) {
        this.#publish({ stale: false, total: this.#complete ? this.#base.size : this.state.get().total });
      }
    } catch {
      this.#publish({ stale: true });
    }
  }

  /** Takes over a summary that came another way, such as with the page of one incident. */
  upsert(incident: IncidentSummary): void {
    const known = this.#base.get(incident.number);
    if (known && known.lastModifiedTimeUtc > incident.lastModifiedTimeUtc) return;
    this.#base.set(incident.number, incident);
    this.#publish({});
  }

  /** An incident as it looks with the edits that are under way. */
  overlaid<T extends IncidentSummary>(incident: T): T {
    return this.#pending
      .filter((one) => one.number === incident.number)
      .reduce<T>((shown, edit) => ({ ...shown, ...edit.set }), incident);
  }

  // ------------------------------------------------------------------------------------------- editing

  /** Sets the same fields of several incidents, as one thing to undo. */
  change(numbers: readonly number[], set: FieldChanges, sourceAlerts?: SourceAction): Promise<void> {
    return this.apply(
      numbers.map((number) => ({ number, set, sourceAlerts })),
      describeChange(set, numbers),
    );
  }

  /** Makes edits: at once on the screen, then on the server, in the order they were made. */
  apply(edits: readonly Edit[], label: string, undoable = true): Promise<void> {
    const { incidents } = this.state.get();
    const pending: Pending[] = [];
    const inverse: Edit[] = [];
    for (const { number, set, seen: decided, sourceAlerts } of edits) {
      const incident = incidents.get(number);
      if (!incident) continue;
      const fields = fieldsOf(set).filter(
        (field) => !sameValue(set[field], field in incident ? incident[field as keyof IncidentSummary] as never : undefined),
      );
      if (!fields.length) continue;
      const seen = Object.fromEntries(fields.map((field) => [field, decided?.[field] ?? incident.revisions[field]]));
      pending.push({ number, set: Object.fromEntries(fields.map((field) => [field, set[field]])), seen, ...(sourceAlerts && { sourceAlerts }) });
      const before = fields.map((field) => [field, incident[field as keyof IncidentSummary]]);
      inverse.push({ number, set: Object.fromEntries(before) as FieldChanges });
    }
    if (!pending.length) {
      done("Nothing to change: it is so already");
      return Promise.resolve();
    }
    this.#pending = [...this.#pending, ...pending];
    this.#publish({});
    const sent = this.#queue.then(() => this.#send(pending, label));
    this.#queue = sent.then(() => undefined);
    return sent.then((written) => {
      if (!written.length) return;
      const back = inverse.filter((one) => written.includes(one.number));
      const what = written.length === pending.length ? label : `${label} (${written.length} of ${pending.length})`;
      done(what, undoable ? () => this.apply(back, what, false) : undefined);
    });
  }

  /** Settles a conflict: with `mine` the edit is made over what is there now, seen this time. */
  async resolve(conflict: Conflict, mine: boolean): Promise<void> {
    this.conflicts.update((all) => all.filter((one) => one.id !== conflict.id));
    if (!mine) return;
    const seen = Object.fromEntries(conflict.fields.map((one) => [one.field, one.revision]));
    await this.apply([{ number: conflict.number, set: conflict.set, seen }], describeChange(conflict.set, [conflict.number]));
  }

  /** Sends edits; returns the numbers that were written. */
  async #send(pending: readonly Pending[], label: string): Promise<number[]> {
    const written: number[] = [];
    try {
      for (let at = 0; at < pending.length; at += BATCH) {
        const part = pending.slice(at, at + BATCH);
        const items = part.map((one) => ({ number: one.number, set: one.set, base: this.#baseOf(one), sourceAlerts: one.sourceAlerts }));
        const [only] = items;
        const results =
          items.length === 1 && only
            ? [await this.#patch(only.number, only)]
            : (await this.#api.patchIncidents(this.#ws, items)).results;
        for (const result of results) {
          const edit = part.find((one) => one.number === result.number);
          if (edit && (await this.#settle(edit, result, label))) written.push(result.number);
        }
      }
    } catch (error) {
      failed(label, error);
    } finally {
      this.#pending = this.#pending.filter((one) => !pending.includes(one));
      this.#publish({});
    }
    return written;
  }

  async #patch(number: number, item: IncidentPatch): Promise<BatchResult> {
    try {
      const incident = await this.#api.patchIncident(this.#ws, number, { set: item.set, base: item.base, sourceAlerts: item.sourceAlerts });
      this.#onIncident(incident);
      return { number, status: 200, incident };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 0) throw error;
      const { status, code, message, hint, details } = error;
      return { number, status, error: { code, message, hint, details } };
    }
  }

  /** Takes one answer over; true when the edit was written. */
  async #settle(edit: Pending, result: BatchResult, label: string): Promise<boolean> {
    if (result.incident) {
      this.#base.set(result.number, result.incident);
      for (const field of fieldsOf(edit.set)) {
        this.#own.set(`${edit.number}.${field}`, result.incident.revisions[field]);
      }
      // A single answer was whole and is known already; of a batch only the summaries came back.
      if (!("timeline" in result.incident)) this.#onIncident(result.number);
      return true;
    }
    if (result.status === 409 && result.error?.code === "FieldConflict") {
      const details = result.error.details as ConflictDetails | null | undefined;
      this.#lastConflict += 1;
      const conflict: Conflict = {
        id: this.#lastConflict,
        number: edit.number,
        set: edit.set,
        fields: details?.conflicts ?? [],
      };
      this.conflicts.update((all) => [...all.filter((one) => one.number !== edit.number), conflict]);
      await this.#refresh(edit.number);
      return false;
    }
    const body = result.error ?? { code: `HTTP${result.status}`, message: `the server answered ${result.status}` };
    failed(`${label}: #${result.number}`, new ApiError(result.status, body));
    return false;
  }

  /** Shows what is there now, which the edit collided with. */
  async #refresh(number: number): Promise<void> {
    try {
      const incident = await this.#api.incident(this.#ws, number);
      this.#base.set(number, incident);
      this.#onIncident(incident);
    } catch {
      // The next poll brings it.
    }
  }

  /** The revisions a person had seen when making the edit, own earlier edits counted as seen. */
  #baseOf(edit: Pending): Partial<Revisions> {
    const base: Partial<Revisions> = {};
    for (const field of fieldsOf(edit.set)) {
      const seen = edit.seen[field] ?? 0;
      base[field] = Math.max(seen, this.#own.get(`${edit.number}.${field}`) ?? 0);
    }
    return base;
  }

  #publish(change: Partial<IncidentsState>): void {
    const incidents = new Map(this.#base);
    for (const edit of this.#pending) {
      const incident = incidents.get(edit.number);
      if (incident) incidents.set(edit.number, { ...incident, ...edit.set });
    }
    const facets = this.#complete ? countFacets(incidents.values()) : this.#serverFacets;
    this.state.update((state) => ({ ...state, ...change, incidents, facets }));
  }
}
