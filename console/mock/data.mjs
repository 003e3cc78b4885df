/** Invented workspaces, incidents, logs, rules and destinations for the mock server. The same seed gives the same data. */

/** A small reproducible random source (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    pick: (list) => list[Math.floor(next() * list.length)],
    uuid: () => "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () => Math.floor(next() * 16).toString(16)),
  };
}

export const EDITABLE = [
  "title", "description", "severity", "status", "owner", "classification", "classificationReason", "classificationComment", "labels",
];

export const PEOPLE = [
  { id: "u-ana", name: "Ana Duarte", email: "ana@contoso.example" },
  { id: "u-bo", name: "Bo Lund", email: "bo@contoso.example" },
  { id: "u-chi", name: "Chidi Okafor", email: "chidi@contoso.example" },
  { id: "u-dee", name: "Dee Marsh", email: null },
];

const USERS = ["pgustavo", "mmoreno", "lrodriguez", "sysmonsvc", "adfsadmin", "jhalpert", "svc-backup", "nicole.w"];
const HOSTS = ["ADFS01.simulandlabs.example", "DC01.simulandlabs.example", "WORKSTATION5", "WORKSTATION6", "SQL-PRD-02", "web-04"];
const IPS = ["192.168.2.6", "198.51.100.77", "203.0.113.9", "192.0.2.145", "2001:db8::5c"];

const iso = (millis) => new Date(millis).toISOString().replace("Z", "0000Z");

const column = (name, type) => ({ name, type });
const SECURITY_EVENT = [
  column("TimeGenerated", "datetime"), column("Computer", "string"), column("Account", "string"), column("EventID", "int"),
  column("Activity", "string"), column("IpAddress", "string"), column("LogonType", "int"), column("EventRecordId", "long"),
  column("EventData", "dynamic"), column("_ResourceId", "string"),
];
const SIGNIN = [
  column("TimeGenerated", "datetime"), column("UserPrincipalName", "string"), column("IPAddress", "string"), column("AppDisplayName", "string"),
  column("ResultType", "string"), column("ResultDescription", "string"), column("RiskScore", "real"), column("IsInteractive", "bool"),
  column("LocationDetails", "dynamic"), column("Duration", "timespan"), column("CorrelationId", "guid"),
];
const WIDE = [column("TimeGenerated", "datetime"), ...Array.from({ length: 120 }, (_, index) => column(`Field${index}`, index % 3 ? "string" : "long"))];

export const TABLES = { SecurityEvent: SECURITY_EVENT, SigninLogs: SIGNIN, WideTable_CL: WIDE, AuditLogs: [column("TimeGenerated", "datetime"), column("OperationName", "string"), column("InitiatedBy", "dynamic")], DeviceEvents: [column("TimeGenerated", "datetime"), column("ActionType", "string"), column("DeviceName", "string")] };

function cell(source, { name, type }, time) {
  switch (type) {
    case "datetime":
      return iso(time).replace("0000Z", `${String(source.integer(10000)).padStart(4, "0")}Z`);
    case "int":
      return name === "EventID" ? source.pick([4624, 4625, 4662, 4688, 5145, 412, 501]) : source.integer(11);
    case "long":
      return name === "EventRecordId" ? `9007199254740${source.integer(900) + 993}` : source.integer(1e6);
    case "real":
      return source.pick([0.25, 0.5, 12.75, 99.1]);
    case "bool":
      return source.next() < 0.5;
    case "guid":
      return source.uuid();
    case "timespan":
      return `00:00:0${source.integer(10)}.${String(source.integer(1e7)).padStart(7, "0")}`;
    case "dynamic":
      return source.next() < 0.1 ? null : { SubjectUserName: source.pick(USERS), ObjectServer: "DS", Properties: ["%%7688", "{8d3bca50-1d7e-11d0-a081-00aa006c33ed}"], Count: source.integer(5) };
    default:
      if (/computer|device/i.test(name)) return source.pick(HOSTS);
      if (/account|user/i.test(name)) return source.pick(USERS);
      if (/ip/i.test(name)) return source.pick(IPS);
      if (name === "Activity") return source.pick(["4662 - An operation was performed on an object.", "4624 - An account was successfully logged on.", "5145 - A network share object was checked."]);
      return source.next() < 0.15 ? "" : source.pick(["alpha", "0", "50126", "Office 365 Exchange Online", "Invalid username or password", "a, \"quoted\"\nvalue"]);
  }
}

export function makeRows(table, count, end, seed = 7) {
  const source = random(seed);
  const columns = TABLES[table];
  const step = (36 * 3_600_000) / count;
  return Array.from({ length: count }, (_, index) => columns.map((one) => cell(source, one, end - index * step)));
}

export const RULES = [
  ["ADFS DKM Master Key Export", "Medium", ["Collection", "CredentialAccess"], ["T1005", "T1552"]],
  ["AD FS Remote Auth Sync Connection", "Medium", ["Collection"], ["T1005"]],
  ["New access credential added to Application or Service Principal", "Medium", ["DefenseEvasion"], ["T1550"]],
  ["Mail.Read Permissions Granted to Application", "Medium", ["Persistence"], ["T1098"]],
  ["Brute force attack against a Cloud PC", "Medium", ["CredentialAccess"], ["T1110"]],
  ["Suspicious granting of permissions to an account", "High", ["Persistence", "PrivilegeEscalation"], ["T1098", "T1548"]],
  ["Rare subscription-level operations in Azure", "Low", ["CredentialAccess", "Persistence"], ["T1003"]],
  ["Sign-ins from IPs that attempt sign-ins to disabled accounts", "Medium", ["InitialAccess", "Persistence"], ["T1078"]],
  ["Anomalous sign-in location by user account and authenticating application", "Informational", ["InitialAccess"], ["T1078"]],
  ["Mass secret retrieval from Azure Key Vault", "High", ["CredentialAccess"], ["T1003"]],
  ["NRT User added to Microsoft Entra ID Privileged Groups", "High", ["PrivilegeEscalation"], ["T1078"]],
  ["Process execution frequency anomaly", "Low", ["Execution"], ["T1059"]],
  ["Exfiltration over DNS tunnel with a very long rule name that has to be cut off somewhere in every list that shows it", "High", ["Exfiltration", "CommandAndControl"], ["T1048"]],
];

const query = (name) => `// ${name}
let lookback = 1d;
SecurityEvent
| where TimeGenerated > ago(lookback)
| where EventID == 4662
| where EventData has "8d3bca50-1d7e-11d0-a081-00aa006c33ed"

| project TimeGenerated, Computer, Account, Activity, EventData
| summarize FirstSeen = min(TimeGenerated), Attempts = count() by Computer, Account`;

export function makeRules(now) {
  const source = random(3);
  return RULES.map(([name, severity, tactics, techniques], index) => ({
    id: source.uuid(), name, kind: name.startsWith("NRT") ? "NRT" : "Scheduled", severity, enabled: index !== 4, tactics, techniques,
    nextRunTimeUtc: iso(now + 120_000 * (index + 1)),
    description: `Looks for ${name.toLowerCase()}.\nRead the guide of the rule before closing its incidents.`,
    query: query(name), queryFrequency: "PT1H", queryPeriod: "P1D", triggerOperator: "gt", triggerThreshold: 0,
    suppressionEnabled: index === 2, suppressionDuration: "PT5H",
    entityMappings: [
      { entityType: "Account", fieldMappings: [{ identifier: "FullName", columnName: "Account" }] },
      { entityType: "Host", fieldMappings: [{ identifier: "HostName", columnName: "Computer" }] },
    ],
    customDetails: index % 2 ? {} : { Attempts: "Attempts" }, version: "1.1.4", source: `rules/${name.replace(/\W+/g, "")}.yaml`,
    lastRun: null,
  }));
}

export function makeRun(rule, at, trigger, outcome, incidents) {
  return {
    id: `run-${rule.id.slice(0, 8)}-${at}`, ruleId: rule.id, trigger, windowStartUtc: iso(at - 86_400_000), windowEndUtc: iso(at), startedTimeUtc: iso(at),
    durationMs: 40 + (at % 900), outcome, rows: outcome === "matched" ? 5 : 0, alerts: outcome === "matched" ? 1 : 0, incidents,
    error: outcome === "failed" ? { code: "KS142", message: "no column 'ServiceName' in SecurityEvent", hint: "Did you mean 'Service'?" } : null,
  };
}

export function makeIncident(number, now, rules) {
  const source = random(number * 7919);
  const rule = source.pick(rules);
  const closed = number % 4 !== 0 && source.next() < 0.8;
  const status = closed ? "Closed" : source.next() < 0.6 ? "New" : "Active";
  const owner = status === "New" && source.next() < 0.7 ? null : source.pick(PEOPLE);
  const created = now - number * 93_000;
  const first = created - 3_600_000 - source.integer(7_200_000);
  return {
    id: source.uuid(), number: 0, title: rule.name, severity: rule.severity, status, owner: owner && { id: owner.id, name: owner.name },
    classification: closed ? "TruePositive" : null, classificationReason: closed ? "SuspiciousActivity" : null, classificationComment: closed ? "Confirmed with the owner of the host." : null,
    labels: source.next() < 0.3 ? ["identity"] : [], tactics: rule.tactics, createdTimeUtc: iso(created), lastModifiedTimeUtc: iso(created + 60_000),
    firstActivityTimeUtc: iso(first), lastActivityTimeUtc: iso(first + 300_000 + source.integer(3_600_000)), alertCount: 1 + source.integer(3), alertProductNames: ["Vedette"],
    entityNames: [source.pick(HOSTS), source.pick(USERS), source.pick(IPS)], revisions: Object.fromEntries(EDITABLE.map((field) => [field, 1])),
    ruleId: rule.id, priority: { High: 30, Medium: 23, Low: 16, Informational: 13 }[rule.severity],
  };
}

/** The whole of an incident, from its summary. */
export function detail(summary, rules, changes, comments) {
  const { ruleId, ...incident } = summary;
  const source = random(summary.number * 31 + 5);
  const [host, user, ip] = summary.entityNames;
  const entities = [
    { id: "e1", type: "Host", name: host, properties: { HostName: host } },
    { id: "e2", type: "Account", name: user, properties: { Name: user, NTDomain: "SIMULAND" } },
    { id: "e3", type: "IP", name: ip, properties: { Address: ip } },
  ];
  const used = [rules.find((rule) => rule.id === ruleId), source.pick(rules), source.pick(rules)].slice(0, summary.alertCount);
  const first = Date.parse(summary.firstActivityTimeUtc);
  const alerts = used.map((rule, index) => {
    const time = first + index * 900_000;
    const columns = SECURITY_EVENT;
    return {
      id: `${summary.id}-a${index}`, ruleId: rule.id, ruleName: rule.name, title: rule.name, description: "", customDetails: {}, notes: [], firstActivityTimeUtc: iso(time), lastActivityTimeUtc: iso(time + 30_000), severity: rule.severity, start: iso(time - 86_400_000), end: iso(time + 60_000), rows: 5 + index * 30,
      tactics: rule.tactics, entities: index === 1 ? ["e1", "e2"] : ["e1", "e2", "e3"], query: rule.query, productName: "Vedette", properties: {}, sample: { columns, rows: makeRows("SecurityEvent", 5 + index * 7, time, summary.number + index) },
    };
  });
  const timeline = [
    ...alerts.map((alert, index) => ({ id: `t-a${index}`, time: iso(first + index * 900_000), kind: "alert", title: alert.ruleName, detail: `${alert.rows} rows, first on ${host}`, actor: null, alertId: alert.id })),
    { id: "t-c", time: summary.createdTimeUtc, kind: "created", title: "Incident created", detail: null, actor: null, alertId: null },
    { id: "t-d", time: iso(Date.parse(summary.createdTimeUtc) + 2_000), kind: "delivery", title: "Delivered to Production Sentinel", detail: null, actor: null, alertId: null },
    ...changes,
    ...comments.map((comment) => ({ id: `t-${comment.id}`, time: comment.createdTimeUtc, kind: "comment", title: "Comment", detail: comment.message, actor: comment.author, alertId: null })),
  ].sort((a, b) => a.time.localeCompare(b.time));
  return {
    ...incident, description: `Raised by ${used.length} rule${used.length === 1 ? "" : "s"} of this workspace.`, techniques: ["T1005"], ruleIds: [...new Set(used.map((rule) => rule.id))], entities, alerts, comments, timeline,
    story: `${user} read the AD FS key container on ${host} from ${ip}, seen by ${used.length} rule${used.length === 1 ? "" : "s"} within ${used.length * 15} minutes.`,
    together: used.length > 1 ? [`All ${used.length} alerts name the host ${host}`, `All name the account ${user}`, "Their first events are within 1 hour of each other"] : [],
    campaign: null, campaignIncidents: [],
    etag: Object.values(summary.revisions).join("."), mergedInto: null, moves: [], bookmarks: [],
    priorityParts: [
      { name: "severity", points: incident.priority - 12, of: 18, reason: `Its severity is ${incident.severity}.` },
      { name: "rarity", points: 12, of: 22, reason: "Its rule made 4 of the latest 400 incidents; the commonest of its accounts and hosts is in 2 other incidents." },
    ],
    tasks: [{ id: `${summary.id}-task`, title: "Ask the owner of the host", description: "By telephone: the account may be read along.", status: summary.status === "Closed" ? "Completed" : "New", completedBy: summary.status === "Closed" ? PEOPLE[0].name : null }],
    history: [{ time: summary.createdTimeUtc, actor: { id: "system", name: "Vedette" }, field: "status", title: null, old: null, new: "New" }],
  };
}

export const DESTINATION_KINDS = [
  {
    kind: "sentinel", displayName: "Microsoft Sentinel", description: "Creates each incident in a Microsoft Sentinel workspace through Azure Resource Manager.",
    permissions: [{ name: "Microsoft Sentinel Responder", reason: "to create and read incidents of the workspace" }],
    fields: [
      { name: "tenantId", label: "Tenant ID", type: "guid", required: true, help: "Directory (tenant) ID of the app registration.", placeholder: "00000000-0000-0000-0000-000000000000" },
      { name: "clientId", label: "Client ID", type: "guid", required: true, help: "Application (client) ID of the app registration." },
      { name: "clientSecret", label: "Client secret", type: "secret", required: true, help: "The value of a client secret, not its id. Azure shows it once." },
      { name: "subscriptionId", label: "Subscription ID", type: "guid", required: true },
      { name: "resourceGroup", label: "Resource group", type: "string", required: true, pattern: "[\\w.()-]{1,90}", placeholder: "rg-security" },
      { name: "workspaceName", label: "Workspace name", type: "string", required: true, pattern: "[A-Za-z0-9-]{4,63}" },
      { name: "minimumSeverity", label: "Lowest severity", type: "enum", required: true, default: "Low", options: ["High", "Medium", "Low", "Informational"].map((value) => ({ value, label: value })) },
      { name: "timeout", label: "Timeout (seconds)", type: "integer", required: false, default: 30, minimum: 1, maximum: 300 },
      { name: "closeToo", label: "Close there when closed here", type: "boolean", required: false, default: false },
    ],
  },
];
