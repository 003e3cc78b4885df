/** The entities that a row of a result names, by the columns that many tables have. Without React. */

/** Columns, the type of entity that each names, and by which of its identifiers. */
const COLUMNS: readonly (readonly [type: string, identifier: string, columns: readonly string[]])[] = [
  ["Account", "FullName", ["UserPrincipalName", "AccountUpn", "AccountUPN", "UserId", "Account", "TargetAccount", "SubjectAccount", "TargetUsername", "ActorUsername"]],
  ["IP", "Address", ["IPAddress", "IpAddress", "ClientIP", "ClientIPAddress", "CallerIpAddress", "SourceIP", "DestinationIP", "SrcIpAddr", "DstIpAddr", "RemoteIP", "LocalIP"]],
  ["Host", "FullName", ["Computer", "DeviceName", "SrcHostname", "DstHostname", "DvcHostname"]],
  ["URL", "Url", ["RequestURL", "Url", "RemoteUrl"]],
  ["DNS", "DomainName", ["DnsQuery", "DomainName"]],
  ["AzureResource", "ResourceId", ["ResourceId", "_ResourceId"]],
  ["File", "Name", ["FileName", "TargetFileName"]],
];
const MOST = 20;
const LONGEST = 1000;

export interface NamedEntity {
  /** Tells it from the row's others. */
  key: string;
  name: string;
  entity: Readonly<Record<string, string>> & { readonly type: string };
}

/** Each entity once, in the order of the table above. What stands for nothing (`-`, zeros) is none. */
export function entitiesOfRow(row: Readonly<Record<string, unknown>>): NamedEntity[] {
  const found = new Map<string, NamedEntity>();
  for (const [type, identifier, columns] of COLUMNS) {
    for (const column of columns) {
      const value = row[column];
      if (typeof value !== "string") continue;
      const name = value.trim();
      if (!/[a-z1-9]/i.test(name) || name.length > LONGEST) continue;
      const key = `${type} ${name.toLowerCase()}`;
      if (!found.has(key)) found.set(key, { key, name, entity: { type, [identifier]: name } });
    }
  }
  return [...found.values()].slice(0, MOST);
}
