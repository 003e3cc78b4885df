/** The address of an entity's page. It stands in the fragment, which browsers do not send: it names people. */

import type { EntityRef, Span } from "../api/entities";
import type { Workspace } from "../api/types";
import { workspacePath } from "../app/session";
import { durationSeconds, formatRange, parseRange, type TimeRange } from "../time/range";

export const WEEK: TimeRange = { kind: "relative", duration: "P7D" };

export interface EntityPlace {
  entity: EntityRef;
  range: TimeRange;
}

/** The identifiers of an entity that can be asked for: its texts. What another entity is to it is left out. */
export function refOf(type: string, properties: Readonly<Record<string, unknown>>): EntityRef {
  const identifiers = Object.entries(properties).filter((one): one is [string, string] => typeof one[1] === "string" && one[1] !== "");
  return { type, identifiers: identifiers.slice(0, 20) };
}

export function entityLink(workspace: Workspace, entity: EntityRef, range: TimeRange = WEEK): string {
  const parameters = new URLSearchParams({ type: entity.type, t: formatRange(range) });
  for (const [name, value] of entity.identifiers) parameters.append("id", `${name}=${value}`);
  return `${workspacePath(workspace, "entity")}#${parameters.toString()}`;
}

/** The entity that an address names; null where it names none. */
export function readEntityHash(hash: string): EntityPlace | null {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const identifiers = parameters.getAll("id").flatMap((one): [string, string][] => {
    const at = one.indexOf("=");
    return at > 0 ? [[one.slice(0, at), one.slice(at + 1)]] : [];
  });
  const type = parameters.get("type");
  if (!type || !identifiers.length) return null;
  return { entity: { type, identifiers }, range: parameters.has("t") ? parseRange(parameters.get("t")) : WEEK };
}

/** A range as two times. */
export function spanOf(range: TimeRange, now: number): Span {
  if (range.kind === "absolute") return { from: range.start, to: range.end };
  const seconds = (range.kind === "relative" ? durationSeconds(range.duration) : null) ?? 7 * 86_400;
  return { from: new Date(now - seconds * 1000).toISOString(), to: new Date(now).toISOString() };
}
