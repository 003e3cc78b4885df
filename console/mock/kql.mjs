/**
 * Just enough of a query language for the console to be looked at: a table by name, `where Column == literal`, `search`,
 * `take`, `summarize Count = count() by Column`. Other stages are let through. The real one is the server's.
 */

import { makeRows, TABLES } from "./data.mjs";

export function tableOf(query) {
  const words = query.replace(/\/\/.*$/gm, "").match(/[A-Za-z_]\w*/g) ?? [];
  return words.find((word) => word in TABLES) ?? null;
}

/** Unknown names before a comparison, as the real check reports them. */
export function diagnose(query) {
  const table = tableOf(query);
  const bare = query.replace(/\/\/.*$/gm, (text) => " ".repeat(text.length));
  if (!bare.trim()) return [];
  if (!table && !/\b(print|search|range|union|datatable)\b/.test(bare)) {
    const match = /[A-Za-z_]\w*/.exec(bare);
    if (!match) return [];
    return [{ code: "KS204", severity: "Error", message: `no table or function '${match[0]}'`, start: match.index, length: match[0].length, hint: "did you mean 'SecurityEvent'?", fix: "SecurityEvent" }];
  }
  const found = [];
  for (const match of bare.matchAll(/\|\s*where\s+([A-Za-z_]\w*)\s*(?:==|!=|has|contains|>|<)/g)) {
    const name = match[1];
    const columns = TABLES[table] ?? [];
    if (!columns.length || columns.some((one) => one.name === name) || /summarize|extend|project/.test(bare.slice(0, match.index))) continue;
    const near = columns.find((one) => one.name.toLowerCase().startsWith(name.slice(0, 3).toLowerCase()))?.name;
    found.push({ code: "KS142", severity: "Error", message: `no column '${name}' in ${table}`, start: match.index + match[0].indexOf(name), length: name.length, hint: near ? `did you mean '${near}'?` : null, fix: near ?? null });
  }
  return found;
}

export function columnsOf(query) {
  const table = tableOf(query);
  return table && !/summarize/.test(query) ? TABLES[table] : [];
}

function withinRange(timespan, now) {
  if (!timespan) return { from: -Infinity, to: Infinity };
  if (timespan.includes("/")) {
    const [from, to] = timespan.split("/").map((text) => Date.parse(text));
    return { from, to };
  }
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(timespan);
  const millis = ((Number(match?.[1] ?? 0) * 24 + Number(match?.[2] ?? 0)) * 60 + Number(match?.[3] ?? 0)) * 60_000;
  return { from: now - millis, to: now };
}

export function answer(query, timespan, now, volume) {
  const searched = /^\s*search\s+"((?:[^"\\]|\\.)*)"/.exec(query)?.[1];
  const table = searched === undefined ? tableOf(query) : "SecurityEvent";
  if (!table) return { columns: [{ name: "print_0", type: "long" }], rows: [[1]] };
  let columns = TABLES[table];
  const { from, to } = withinRange(timespan, now);
  let rows = makeRows(table, volume, now).filter((row) => {
    const time = Date.parse(row[0].slice(0, 23) + "Z");
    return time >= from && time < to;
  });
  if (searched !== undefined) rows = rows.filter((row) => JSON.stringify(row).includes(searched));
  for (const match of query.matchAll(/\|\s*where\s+(\w+)\s*(==|!=)\s*("(?:[^"\\]|\\.)*"|[\w.-]+)/g)) {
    const index = columns.findIndex((one) => one.name === match[1]);
    if (index < 0) continue;
    const wanted = match[3].startsWith('"') ? JSON.parse(match[3]) : match[3];
    rows = rows.filter((row) => (String(row[index]) === wanted) === (match[2] === "=="));
  }
  const by = /summarize\s+Count\s*=\s*count\(\)\s+by\s+(?:\w+\s*=\s*tostring\()?(\w+)/.exec(query)?.[1];
  if (by) {
    const index = columns.findIndex((one) => one.name === by);
    const counts = new Map();
    for (const row of rows) counts.set(row[index], (counts.get(row[index]) ?? 0) + 1);
    columns = [columns[index], { name: "Count", type: "long" }];
    rows = [...counts].sort((a, b) => b[1] - a[1]);
  }
  const take = /\|\s*(?:take|limit|top)\s+(\d+)/.exec(query)?.[1];
  return { columns, rows: take ? rows.slice(0, Number(take)) : rows };
}
