import { describe, expect, it } from "vitest";

import type { AutomationRule, Condition } from "../src/api/automation";
import { enteredOf, keyed, NO_CHANGE, operatorWords, problemOf, writeOf } from "../src/automation/model";
import { backLink } from "../src/incidents/AlertCard";

const property = (propertyName: string, operator: string, ...propertyValues: string[]): Condition => ({
  conditionType: "Property",
  conditionProperties: { propertyName, operator, propertyValues },
});
const CONDITIONS: Condition[] = [
  property("IncidentTitle", "Contains", "Detection", "phish"),
  { conditionType: "Boolean", conditionProperties: { operator: "Or", innerConditions: [property("AccountName", "Equals", "ann"), property("Url", "Contains", "x")] } },
  { conditionType: "Boolean", conditionProperties: { operator: "Or", innerConditions: [{ conditionType: "Boolean", conditionProperties: {} }] } },
  { conditionType: "PropertyChanged", conditionProperties: { propertyName: "IncidentStatus" } },
  { conditionType: "PropertyChanged", conditionProperties: { propertyName: "IncidentStatus", changeType: "ChangedTo", operator: "Equals", propertyValues: ["Closed"] } },
  { conditionType: "PropertyArrayChanged", conditionProperties: { arrayType: "Alerts", changeType: "Added" } },
  { conditionType: "PropertyArray", conditionProperties: { arrayType: "CustomDetails", arrayConditionType: "AnyItem", itemConditions: [] } },
];
const CHANGE = {
  severity: null, status: "Closed", classification: "BenignPositive", classificationReason: "SuspiciousButExpected",
  classificationComment: "Pentest", owner: { objectId: "id-ann", assignedTo: "Ann" }, labels: [{ labelName: "a" }, { labelName: "b" }],
};
const ACTIONS = [
  { order: 1, actionType: "ModifyProperties", actionConfiguration: CHANGE },
  { order: 2, actionType: "AddIncidentTask", actionConfiguration: { title: "Call", description: "" } },
  { order: 3, actionType: "RunPlaybook", actionConfiguration: { logicAppResourceId: "/x/pb", tenantId: "t" } },
];
const RULE = {
  id: "r", displayName: "Rule", order: 4, expirationTimeUtc: "2027-01-01T10:30:00.000Z",
  triggeringLogic: { isEnabled: false, expirationTimeUtc: "2027-01-01T10:30:00Z", triggersOn: "Incidents", triggersWhen: "Updated", conditions: CONDITIONS },
  actions: [...ACTIONS].reverse(),
} as unknown as AutomationRule;

describe("the form of an automation rule", () => {
  it("gives back what it was opened with, also what it has no fields for", () => {
    expect(writeOf(enteredOf(RULE), "Updated")).toEqual({ displayName: "Rule", order: 4, triggeringLogic: RULE.triggeringLogic, actions: ACTIONS });
  });

  it("takes an incident from everybody, and leaves alone what was left alone", () => {
    const entered = { ...enteredOf(null), name: " New ", actions: [keyed({ ...NO_CHANGE, owner: null })] };
    const [action] = writeOf(entered, "Created").actions;
    expect(action?.actionConfiguration).toMatchObject({ owner: { objectId: null, assignedTo: null }, status: null, labels: [] });
    expect(writeOf({ ...entered, actions: [keyed({ ...NO_CHANGE, labels: "a\n\n b " })] }, "Created").actions[0]?.actionConfiguration).toMatchObject({
      owner: null, labels: [{ labelName: "a" }, { labelName: "b" }],
    });
  });

  it("classifies only what it closes", () => {
    const entered = { ...enteredOf(null), actions: [keyed({ ...NO_CHANGE, status: "Active", classification: "TruePositive", reason: "SuspiciousActivity" })] };
    expect(writeOf(entered, "Created").actions[0]?.actionConfiguration).toMatchObject({ status: "Active", classification: null, classificationReason: null });
  });

  it("says what keeps it from being sent", () => {
    const entered = enteredOf(null);
    expect(problemOf(entered)).toBe("A name is needed.");
    expect(problemOf({ ...entered, name: "x", order: "1.5" })).toBe("The order is a whole number.");
    expect(problemOf({ ...entered, name: "x", actions: [] })).toBe("A rule has an action at least.");
    expect(problemOf({ ...entered, name: "x" })).toBeNull();
  });

  it("says operators as people do", () => {
    expect([operatorWords("NotStartsWith"), operatorWords("EndsWith"), operatorWords("Like")]).toEqual(["does not start with", "ends with", "Like"]);
  });
});

describe("the link back to the product of an alert", () => {
  it("is an address that begins with https", () => {
    expect(backLink({ properties: { AlertLink: "https://portal.azure.com/#x" } })).toBe("https://portal.azure.com/#x");
    expect(backLink({ properties: { AlertLink: "javascript:alert(1)" } })).toBeUndefined();
    expect(backLink({ properties: {} })).toBeUndefined();
  });
});

describe("an action that changes alerts at their source", () => {
  it("comes back from the form as it was", () => {
    const action = { order: 1, actionType: "ChangeSourceAlerts", actionConfiguration: { action: "Dismiss" } };
    const rule = { displayName: "r", order: 1, triggeringLogic: { isEnabled: true, conditions: [] }, actions: [action] } as unknown as AutomationRule;
    const entered = enteredOf(rule);
    expect(entered.actions[0]?.type).toBe("source");
    expect(writeOf(entered, "Updated").actions).toEqual([action]);
  });
});
