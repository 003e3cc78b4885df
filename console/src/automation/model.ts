/** The form of an automation rule: what it shows of the rule's properties, and what it makes of what was entered. */

import type { Action, AutomationRule, AutomationRuleWrite, Condition } from "../api/automation";
import type { PersonRef } from "../api/types";

export interface Comparison {
  property: string;
  operator: string;
  /** One value a line. */
  values: string;
}

/** What the form has no fields for is kept as it came. */
export type EnteredCondition =
  | ({ type: "property" } & Comparison)
  | ({ type: "changed"; change: string } & Comparison)
  | { type: "added"; array: string }
  | { type: "group"; operator: string; conditions: Comparison[] }
  | { type: "kept"; value: Condition };

export interface EnteredChange {
  type: "modify";
  severity: string;
  status: string;
  classification: string;
  reason: string;
  comment: string;
  /** "" leaves the owner as it is, null takes the incident from everybody. */
  owner: PersonRef | null | "";
  labels: string;
}

export type EnteredAction = EnteredChange | { type: "task"; title: string; description: string } | { type: "source"; action: string } | { type: "kept"; value: Action };

/** Each has a key of its own: rows of the form come and go. */
export type Keyed<T> = T & { key: number };

export interface Entered {
  name: string;
  order: string;
  enabled: boolean;
  expires: string;
  conditions: Keyed<EnteredCondition>[];
  actions: Keyed<EnteredAction>[];
}

let keys = 0;
export const keyed = <T extends object>(value: T): Keyed<T> => ({ ...value, key: (keys += 1) });

export const NO_CHANGE: EnteredChange = { type: "modify", severity: "", status: "", classification: "", reason: "", comment: "", owner: "", labels: "" };

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const lines = (value: unknown): string => (Array.isArray(value) ? value.map(String).join("\n") : "");
const given = (value: string): string[] => value.split("\n").map((line) => line.trim()).filter(Boolean);

const comparison = (about: Record<string, unknown>): Comparison => ({
  property: text(about.propertyName),
  operator: text(about.operator),
  values: lines(about.propertyValues),
});

function enteredCondition(condition: Condition): EnteredCondition {
  const about = condition.conditionProperties;
  if (condition.conditionType === "Property") return { type: "property", ...comparison(about) };
  if (condition.conditionType === "PropertyChanged") return { type: "changed", change: text(about.changeType), ...comparison(about) };
  if (condition.conditionType === "PropertyArrayChanged") return { type: "added", array: text(about.arrayType) };
  if (condition.conditionType === "Boolean") {
    const inner = (about.innerConditions ?? []) as Condition[];
    if (inner.every((one) => one.conditionType === "Property")) {
      return { type: "group", operator: text(about.operator), conditions: inner.map((one) => comparison(one.conditionProperties)) };
    }
  }
  return { type: "kept", value: condition };
}

function enteredAction(action: Action): EnteredAction {
  const about = action.actionConfiguration;
  if (action.actionType === "AddIncidentTask") return { type: "task", title: text(about.title), description: text(about.description) };
  if (action.actionType === "ChangeSourceAlerts") return { type: "source", action: text(about.action) };
  if (action.actionType !== "ModifyProperties") return { type: "kept", value: action };
  const owner = about.owner as Record<string, string | null> | null | undefined;
  const named = owner && (owner.assignedTo ?? owner.userPrincipalName ?? owner.email ?? owner.objectId);
  const id = owner && (owner.objectId ?? owner.userPrincipalName ?? owner.email ?? owner.assignedTo);
  return {
    type: "modify",
    severity: text(about.severity),
    status: text(about.status),
    classification: text(about.classification),
    reason: text(about.classificationReason),
    comment: text(about.classificationComment),
    owner: owner ? (named && id ? { id, name: named } : null) : "",
    labels: ((about.labels ?? []) as { labelName: string }[]).map((label) => label.labelName).join("\n"),
  };
}

/** What the form starts with. */
export function enteredOf(rule: AutomationRule | null): Entered {
  return {
    name: rule?.displayName ?? "",
    order: rule ? String(rule.order) : "",
    enabled: rule?.triggeringLogic.isEnabled ?? true,
    expires: rule?.expirationTimeUtc?.slice(0, 16) ?? "",
    conditions: (rule?.triggeringLogic.conditions ?? []).map((one) => keyed(enteredCondition(one))),
    actions: rule ? [...rule.actions].sort((a, b) => a.order - b.order).map((one) => keyed(enteredAction(one))) : [keyed({ ...NO_CHANGE })],
  };
}

const property = (one: Comparison): Condition => ({
  conditionType: "Property",
  conditionProperties: { propertyName: one.property, operator: one.operator, propertyValues: given(one.values) },
});

function conditionOf(one: EnteredCondition): Condition {
  if (one.type === "property") return property(one);
  if (one.type === "changed") {
    const about = one.change ? { changeType: one.change, operator: one.operator, propertyValues: given(one.values) } : {};
    return { conditionType: "PropertyChanged", conditionProperties: { propertyName: one.property, ...about } };
  }
  if (one.type === "added") return { conditionType: "PropertyArrayChanged", conditionProperties: { arrayType: one.array, changeType: "Added" } };
  if (one.type === "group") return { conditionType: "Boolean", conditionProperties: { operator: one.operator, innerConditions: one.conditions.map(property) } };
  return one.value;
}

function actionOf(one: EnteredAction, order: number): Action {
  if (one.type === "kept") return { ...one.value, order };
  if (one.type === "task") {
    return { order, actionType: "AddIncidentTask", actionConfiguration: { title: one.title.trim(), description: one.description.trim() } };
  }
  if (one.type === "source") return { order, actionType: "ChangeSourceAlerts", actionConfiguration: { action: one.action } };
  const closing = one.status === "Closed";
  return {
    order,
    actionType: "ModifyProperties",
    actionConfiguration: {
      severity: one.severity || null,
      status: one.status || null,
      classification: (closing && one.classification) || null,
      classificationReason: (closing && one.reason) || null,
      classificationComment: (closing && one.comment.trim()) || null,
      owner: one.owner === "" ? null : { objectId: one.owner?.id ?? null, assignedTo: one.owner?.name ?? null },
      labels: given(one.labels).map((labelName) => ({ labelName })),
    },
  };
}

/** What is sent: the rule's properties. */
export function writeOf(entered: Entered, when: string): AutomationRuleWrite {
  return {
    displayName: entered.name.trim(),
    order: entered.order.trim() ? Number(entered.order) : null,
    triggeringLogic: {
      isEnabled: entered.enabled,
      expirationTimeUtc: entered.expires ? `${entered.expires}:00Z` : null,
      triggersOn: "Incidents",
      triggersWhen: when,
      conditions: entered.conditions.map(conditionOf),
    },
    actions: entered.actions.map((one, index) => actionOf(one, index + 1)),
  };
}

/** What keeps the form from being sent, if something does. */
export function problemOf(entered: Entered): string | null {
  if (!entered.name.trim()) return "A name is needed.";
  if (entered.order.trim() && !/^\d+$/.test(entered.order.trim())) return "The order is a whole number.";
  if (!entered.actions.length) return "A rule has an action at least.";
  return null;
}

/** "NotStartsWith" as people say it. */
export function operatorWords(operator: string): string {
  const words: Record<string, string> = { Equals: "equals", Contains: "contains", StartsWith: "starts with", EndsWith: "ends with" };
  const negated: Record<string, string> = { Equals: "does not equal", Contains: "does not contain", StartsWith: "does not start with", EndsWith: "does not end with" };
  return operator.startsWith("Not") ? (negated[operator.slice(3)] ?? operator) : (words[operator] ?? operator);
}

export const CHANGE_WORDS: Record<string, string> = { "": "changed", ChangedFrom: "changed from", ChangedTo: "changed to" };
export const PROPERTY_WORDS: Record<string, string> = { IncidentSeverity: "Severity", IncidentStatus: "Status", IncidentOwner: "Owner" };
export const WHEN: Record<string, string> = { Created: "When an incident is created", Updated: "When an incident is updated" };
