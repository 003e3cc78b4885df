/** Calls about users, workspaces, secrets, watchlists and tables, with their bodies. */

import { http, queryString } from "./http";
import type { TestReport } from "./destinations";
import type { Page, ResultColumn, Role, Session, Utc, Workspace } from "./types";

const workspace = (ws: string) => `/workspaces/${encodeURIComponent(ws)}`;
const user = (name: string) => `/users/${encodeURIComponent(name)}`;
const watchlist = (ws: string, alias: string) => `${workspace(ws)}/watchlists/${encodeURIComponent(alias)}`;
const table = (ws: string, name: string) => `${workspace(ws)}/tables/${encodeURIComponent(name)}`;

export interface Granted {
  role: Role;
  /** Null: in every workspace, and for the installation itself. */
  workspace: string | null;
}

export interface User {
  id: string;
  kind: "user" | "client" | "local";
  name: string;
  displayName: string;
  createdTimeUtc: Utc;
  enabled: boolean;
  hasPassword: boolean;
  roles: Granted[];
}

export interface Token {
  id: string;
  name: string;
  permissions: string[] | null;
  workspaces: string[] | null;
  createdTimeUtc: Utc;
  expiresTimeUtc: Utc | null;
  revokedTimeUtc: Utc | null;
  lastUsedTimeUtc: Utc | null;
  expired: boolean;
}

export interface TokenWrite {
  name: string;
  permissions: string[] | null;
  workspaces: string[] | null;
  days: number | null;
}

export interface UserSession {
  id: string;
  createdTimeUtc: Utc;
  lastSeenTimeUtc: Utc;
  expiresTimeUtc: Utc;
  source: string;
  current: boolean;
}

export interface SecretInfo {
  id: string;
  name: string;
  backend: string;
  locator: string | null;
  changedTimeUtc: Utc;
  expiresTimeUtc: Utc | null;
  daysLeft: number | null;
  warning: string | null;
  owner: { kind: "destination" | "connector"; id: string; name: string; field: string } | null;
  rotation: {
    stagedTimeUtc: Utc;
    expiresTimeUtc: Utc | null;
    testedTimeUtc: Utc | null;
    verifiedTimeUtc: Utc | null;
    problem: string | null;
  } | null;
}

export interface Watchlist {
  alias: string;
  name: string;
  description: string;
  provider: string;
  source: string;
  searchKey: string;
  columns: string[];
  items: number;
  revision: number;
  createdAt: Utc;
  createdBy: string;
  updatedAt: Utc;
  updatedBy: string;
}

export interface WatchlistItem {
  id: string;
  content: Record<string, unknown>;
  updatedAt: Utc;
}

export interface WatchlistWrite {
  searchKey?: string;
  name?: string;
  description?: string;
  fileName?: string;
  content?: string;
  append?: boolean;
}

export interface WatchlistChange {
  created: boolean;
  added: number;
  removed: number;
  kept: number;
}

export interface WatchlistRevision {
  revision: number;
  at: Utc;
  by: string;
  items: number;
  columns: string[];
}

export interface Retention {
  table: string;
  interactiveDays: number | null;
  totalDays: number | null;
  inherited: boolean;
}

export interface TableWhole {
  name: string;
  known: boolean;
  columns: ResultColumn[];
  extra: ResultColumn[];
  drifted: Record<string, number>;
  rows: number;
  first: Utc | null;
  last: Utc | null;
  bytes: number;
  lake: { rows: number; files: number; bytes: number; first: Utc | null; last: Utc | null };
  retention: Retention;
}

export const settings = {
  signInWithPassword: (name: string, password: string) => http.post<Session>("/session", { name, password }),

  roles: () => http.get<Page<{ name: Role; permissions: string[] }>>("/roles"),
  users: () => http.get<Page<User>>("/users"),
  user: (name: string) => http.get<User>(user(name)),
  createUser: (body: { name: string; displayName: string | null; kind: "user" | "client"; roles: Granted[] }) => http.post<User>("/users", body),
  patchUser: (name: string, body: { enabled?: boolean; displayName?: string }) => http.patch<User>(user(name), body),
  deleteUser: (name: string) => http.delete(user(name)),
  grant: (name: string, granted: Granted) => http.post<User>(`${user(name)}/roles`, granted),
  revoke: (name: string, { role, workspace: place }: Granted) => http.delete(`${user(name)}/roles/${role}${queryString({ workspace: place })}`),
  signInLink: (name: string, minutes: number) => http.post<{ link: string; expiresTimeUtc: Utc }>(`${user(name)}/sign-in`, { minutes }),
  setPassword: (name: string, password: string | null) => http.post<{ password: string | null }>(`${user(name)}/password`, { password }),
  tokens: (name: string) => http.get<Page<Token>>(`${user(name)}/tokens`),
  createToken: (name: string, body: TokenWrite) => http.post<Token & { token: string }>(`${user(name)}/tokens`, body),
  revokeToken: (name: string, id: string) => http.delete(`${user(name)}/tokens/${id}`),
  sessions: (name: string) => http.get<Page<UserSession>>(`${user(name)}/sessions`),
  endSession: (name: string, id: string | null) => http.delete(`${user(name)}/sessions${id ? `/${id}` : ""}`),

  allWorkspaces: () => http.get<Page<Workspace>>("/workspaces?archived=true"),
  createWorkspace: (name: string, displayName: string | null) => http.post<Workspace>("/workspaces", { name, displayName }),
  archiveWorkspace: (ws: string) => http.post<Workspace>(`${workspace(ws)}/archive`),
  restoreWorkspace: (ws: string) => http.post<Workspace>(`${workspace(ws)}/restore`),
  deleteWorkspace: (ws: string) => http.delete(workspace(ws)),

  secrets: (ws: string) => http.get<Page<SecretInfo> & { due: number }>(`${workspace(ws)}/secrets`),
  checkSecret: (ws: string, id: string) => http.post<TestReport>(`${workspace(ws)}/secrets/${id}/check`),
  rotateSecret: (ws: string, id: string, value: string, expiresOn: string | null) =>
    http.post<SecretInfo>(`${workspace(ws)}/secrets/${id}/rotation`, { value, expiresOn }),
  finishRotation: (ws: string, id: string) => http.post<SecretInfo>(`${workspace(ws)}/secrets/${id}/rotation/finish`),
  cancelRotation: (ws: string, id: string) => http.post<SecretInfo>(`${workspace(ws)}/secrets/${id}/rotation/cancel`),

  watchlists: (ws: string) => http.get<Page<Watchlist>>(`${workspace(ws)}/watchlists`),
  watchlist: (ws: string, alias: string) => http.get<Watchlist>(watchlist(ws, alias)),
  putWatchlist: (ws: string, alias: string, body: WatchlistWrite) => http.put<WatchlistChange>(watchlist(ws, alias), body),
  deleteWatchlist: (ws: string, alias: string) => http.delete(watchlist(ws, alias)),
  revisions: (ws: string, alias: string) => http.get<Page<WatchlistRevision>>(`${watchlist(ws, alias)}/revisions`),
  restoreRevision: (ws: string, alias: string, revision: number) => http.post<WatchlistChange>(`${watchlist(ws, alias)}/revisions/${revision}/restore`),
  items: (ws: string, alias: string, top: number, skip: number) => http.get<Page<WatchlistItem>>(`${watchlist(ws, alias)}/items?top=${top}&skip=${skip}`),
  putItem: (ws: string, alias: string, id: string | null, content: Record<string, unknown>) =>
    id ? http.put<WatchlistItem>(`${watchlist(ws, alias)}/items/${id}`, { content }) : http.post<WatchlistItem>(`${watchlist(ws, alias)}/items`, { content }),
  deleteItem: (ws: string, alias: string, id: string) => http.delete(`${watchlist(ws, alias)}/items/${id}`),

  table: (ws: string, name: string) => http.get<TableWhole>(table(ws, name)),
  retention: (ws: string) => http.get<Page<Retention>>(`${workspace(ws)}/retention`),
  setRetention: (ws: string, name: string, interactiveDays: number | null, totalDays: number | null) =>
    http.put<Retention>(`${table(ws, name)}/retention`, { interactiveDays, totalDays }),
  resetRetention: (ws: string, name: string) => http.delete(`${table(ws, name)}/retention`),
};
