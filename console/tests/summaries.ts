/** Incidents for tests. */

import type { EditableField, Incident, IncidentPage, IncidentSummary } from "../src/api/types";
import { countFacets } from "../src/incidents/store";

const FIELDS: readonly EditableField[] = [
  "title", "description", "severity", "status", "owner", "classification", "classificationReason", "classificationComment", "labels",
];

export function summary(number: number, change: Partial<IncidentSummary> = {}): IncidentSummary {
  const time = new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString();
  return {
    id: `id-${number}`,
    number,
    title: `Incident ${number}`,
    severity: "Medium",
    status: "New",
    owner: null,
    classification: null,
    classificationReason: null,
    classificationComment: null,
    labels: [],
    tactics: [],
    createdTimeUtc: time,
    lastModifiedTimeUtc: time,
    firstActivityTimeUtc: null,
    lastActivityTimeUtc: null,
    alertCount: 1,
    alertProductNames: ["Vedette"],
    priority: 0,
    entityNames: [],
    revisions: Object.fromEntries(FIELDS.map((field) => [field, 1])) as IncidentSummary["revisions"],
    ...change,
  };
}

export function whole(one: IncidentSummary): Incident {
  return {
    ...one, description: "", techniques: [], ruleIds: [], entities: [], alerts: [], comments: [], timeline: [], story: "", together: [], campaign: null, campaignIncidents: [],
    etag: "", priorityParts: [], tasks: [], bookmarks: [], moves: [], mergedInto: null, history: [],
  };
}

export function page(value: IncidentSummary[], asOf: string, count = value.length): IncidentPage {
  return { value, count, facets: countFacets(value), asOf };
}
