/** One function per call of API.md. */

import { http, queryString, type CallOptions } from "./http";
import type { Connector, ConnectorKind, ConnectorPoll, ConnectorWrite } from "./connectors";
import type { ExceptionPreview, ExceptionProposal, ExceptionTrial, ExceptionWrite, RuleException } from "./exceptions";
import type { BacktestLine, BacktestRequest, Coverage } from "./past";
import type { BrokenRule, RuleFormat, RuleImportFile, RuleImportReport, RuleProblem } from "./rules";
import type { RunDetail, RunReplay } from "./runs";
import type { Delivery, DeliveryPage, Destination, DestinationKind, DestinationWrite, TestReport } from "./destinations";
import type { BatchItem, BatchResult, CheckResult, Comment, FunctionInfo, Incident, IncidentPage, IncidentPatch, Page, Person, QueryRequest, QueryResult, Rule, RuleRun, RuleSummary, Session, SourceAction, TableInfo, Workspace } from "./types";
import type { RuleTemplate } from "./templates";
import type { Bookmark, BookmarkChange, BookmarkWrite, Enrichment, Escalation, Graph, Move, NewSuppression, SimilarIncident, SourceAlert, TakeAction, Task } from "./work";

const workspace = (ws: string) => `/workspaces/${encodeURIComponent(ws)}`;
const rule = (ws: string, id: string) => `${workspace(ws)}/rules/${encodeURIComponent(id)}`;
const destination = (ws: string, id: string) => `${workspace(ws)}/destinations/${encodeURIComponent(id)}`;

const connector = (ws: string, id: string) => `${workspace(ws)}/connectors/${encodeURIComponent(id)}`;

export interface IncidentListParameters {
  status?: string;
  severity?: string;
  owner?: string;
  q?: string;
  sort?: string;
  top?: number;
  skip?: number;
  changedSince?: string;
}

export interface DeliveryListParameters {
  destination?: string;
  state?: string;
  incident?: number;
  top?: number;
  skip?: number;
}

export const api = {
  health: () => http.get<{ status: string; version: string }>("/health"),

  session: (options?: CallOptions) => http.get<Session>("/session", options),
  signIn: (token: string) => http.post<Session>("/session", { token }),
  signOut: () => http.delete("/session"),
  workspaces: () => http.get<Page<Workspace>>("/workspaces"),
  users: (ws: string) => http.get<Page<Person>>(`${workspace(ws)}/users`),

  incidents: (ws: string, parameters: IncidentListParameters, options?: CallOptions) =>
    http.get<IncidentPage>(`${workspace(ws)}/incidents${queryString({ ...parameters })}`, options),
  incident: (ws: string, number: number, options?: CallOptions) =>
    http.get<Incident>(`${workspace(ws)}/incidents/${number}`, options),
  patchIncident: (ws: string, number: number, patch: IncidentPatch) =>
    http.patch<Incident>(`${workspace(ws)}/incidents/${number}`, patch),
  patchIncidents: (ws: string, items: BatchItem[]) =>
    http.post<{ results: BatchResult[] }>(`${workspace(ws)}/incidents/batch`, { items }),
  comment: (ws: string, number: number, message: string) =>
    http.post<Comment>(`${workspace(ws)}/incidents/${number}/comments`, { message }),

  addTask: (ws: string, number: number, title: string) =>
    http.post<Task>(`${workspace(ws)}/incidents/${number}/tasks`, { title }),
  changeTask: (ws: string, number: number, id: string, set: Partial<Pick<Task, "title" | "status">>) =>
    http.patch<Task>(`${workspace(ws)}/incidents/${number}/tasks/${id}`, { set }),
  merge: (ws: string, number: number, sources: readonly number[]) =>
    http.post<Page<Move>>(`${workspace(ws)}/incidents/${number}/merge`, { sources }),
  addBookmark: (ws: string, set: BookmarkWrite) => http.post<Bookmark>(`${workspace(ws)}/bookmarks`, { set }),
  bookmarks: (ws: string, top: number) => http.get<Page<Bookmark>>(`${workspace(ws)}/bookmarks?top=${top}`),
  changeBookmark: (ws: string, id: string, set: BookmarkChange) => http.patch<Bookmark>(`${workspace(ws)}/bookmarks/${id}`, { set }),
  deleteBookmark: (ws: string, id: string) => http.delete(`${workspace(ws)}/bookmarks/${id}`),
  split: (ws: string, number: number, alertIds: readonly string[]) =>
    http.post<Move>(`${workspace(ws)}/incidents/${number}/split`, { alertIds }),
  undoMove: (ws: string, id: string) => http.post<Move>(`${workspace(ws)}/incident-moves/${id}/undo`),
  graph: (ws: string, number: number) => http.get<Graph>(`${workspace(ws)}/incidents/${number}/graph`),
  similar: (ws: string, number: number) => http.get<Page<SimilarIncident>>(`${workspace(ws)}/incidents/${number}/similar`),

  sourceAlerts: (ws: string, number: number) => http.get<{ value: SourceAlert[] }>(`${workspace(ws)}/incidents/${number}/source-alerts`),
  changeSourceAlerts: (ws: string, number: number, action: SourceAction) =>
    http.post<{ value: SourceAlert[] }>(`${workspace(ws)}/incidents/${number}/source-alerts`, { action }),
  suppressAtSource: (ws: string, number: number, body: NewSuppression) =>
    http.post<{ name: string }>(`${workspace(ws)}/incidents/${number}/source-alerts/suppress`, body),
  takeAction: (ws: string, number: number) => http.get<TakeAction>(`${workspace(ws)}/incidents/${number}/take-action`),
  enrichment: (ws: string, number: number) => http.get<Enrichment>(`${workspace(ws)}/incidents/${number}/enrichment`),
  enrich: (ws: string, number: number) => http.post<Enrichment>(`${workspace(ws)}/incidents/${number}/enrichment`, {}),
  escalate: (ws: string, number: number, body: Escalation) =>
    http.post<Incident>(`${workspace(ws)}/incidents/${number}/escalate`, body),

  exceptionProposals: (ws: string, number: number) =>
    http.get<ExceptionProposal[]>(`${workspace(ws)}/rule-exceptions/proposals?incident=${number}`),
  exceptions: (ws: string, ruleId: string, all: boolean) =>
    http.get<Page<RuleException>>(`${workspace(ws)}/rule-exceptions${queryString({ rule: ruleId, all: all ? "true" : null })}`),
  previewException: (ws: string, body: ExceptionTrial, options?: CallOptions) =>
    http.post<ExceptionPreview>(`${workspace(ws)}/rule-exceptions/preview`, body, options),
  addException: (ws: string, body: ExceptionWrite) => http.post<RuleException>(`${workspace(ws)}/rule-exceptions`, body),
  removeException: (ws: string, id: string) => http.delete(`${workspace(ws)}/rule-exceptions/${encodeURIComponent(id)}`),

  query: (ws: string, request: QueryRequest, options?: CallOptions) =>
    http.post<QueryResult>(`${workspace(ws)}/query`, request, options),
  check: (ws: string, query: string, options?: CallOptions) =>
    http.post<CheckResult>(`${workspace(ws)}/check`, { query }, options),
  tables: (ws: string) => http.get<Page<TableInfo>>(`${workspace(ws)}/tables`),
  functions: (ws: string) => http.get<Page<FunctionInfo>>(`${workspace(ws)}/functions`),

  rules: (ws: string) => http.get<Page<RuleSummary>>(`${workspace(ws)}/rules`),
  rule: (ws: string, id: string) => http.get<Rule>(rule(ws, id)),
  ruleTemplates: (ws: string) => http.get<Page<RuleTemplate>>(`${workspace(ws)}/rule-templates`),
  addRuleTemplate: (ws: string, id: string) => http.post(`${workspace(ws)}/rule-templates/${encodeURIComponent(id)}`),
  setRuleEnabled: (ws: string, id: string, enabled: boolean) => http.patch<Rule>(rule(ws, id), { enabled }),
  ruleRuns: (ws: string, id: string, top = 50) => http.get<Page<RuleRun>>(`${rule(ws, id)}/runs?top=${top}`),
  coverage: (ws: string, id: string, days: number) => http.get<Coverage>(`${rule(ws, id)}/coverage?days=${days}`),
  backtest: (ws: string, body: BacktestRequest, options?: CallOptions) => http.lines<BacktestLine>(`${workspace(ws)}/rules/backtest`, body, options),
  run: (ws: string, id: string) => http.get<RunDetail>(`${workspace(ws)}/rule-runs/${encodeURIComponent(id)}`),
  replayRun: (ws: string, id: string) => http.post<RunReplay>(`${workspace(ws)}/rule-runs/${encodeURIComponent(id)}/replay`),
  runRule: (ws: string, ruleId: string) => http.post<RuleRun>(`${workspace(ws)}/rules/run`, { ruleId }),
  importRules: (ws: string, files: RuleImportFile[], replace = false) =>
    http.post<RuleImportReport>(`${workspace(ws)}/rules/import`, { files, replace }),
  brokenRules: (ws: string) => http.get<Page<BrokenRule>>(`${workspace(ws)}/broken-rules`),
  exportRules: (ws: string, format: RuleFormat, id?: string) =>
    http.get<{ content: unknown; notes: string[] }>(`${workspace(ws)}/rule-export${queryString({ format, rule: id })}`),
  editRule: (ws: string, id: string, content: string) =>
    http.put<{ id: string; name: string; revision: number; broken: BrokenRule | null; problems: RuleProblem[] }>(rule(ws, id), { content }),
  deleteRule: (ws: string, id: string) => http.delete(rule(ws, id)),

  destinationKinds: (ws: string) => http.get<Page<DestinationKind>>(`${workspace(ws)}/destination-kinds`),
  destinations: (ws: string) => http.get<Page<Destination>>(`${workspace(ws)}/destinations`),
  createDestination: (ws: string, body: DestinationWrite) =>
    http.post<Destination>(`${workspace(ws)}/destinations`, body),
  patchDestination: (ws: string, id: string, body: DestinationWrite) =>
    http.patch<Destination>(destination(ws, id), body),
  deleteDestination: (ws: string, id: string) => http.delete(destination(ws, id)),
  testDestination: (ws: string, id: string) => http.post<TestReport>(`${destination(ws, id)}/test`),
  deliveries: (ws: string, parameters: DeliveryListParameters) =>
    http.get<DeliveryPage>(`${workspace(ws)}/deliveries${queryString({ ...parameters })}`),
  retryDelivery: (ws: string, id: string) =>
    http.post<Delivery>(`${workspace(ws)}/deliveries/${encodeURIComponent(id)}/retry`),

  connectorKinds: (ws: string) => http.get<Page<ConnectorKind>>(`${workspace(ws)}/connector-kinds`),
  connectors: (ws: string) => http.get<Page<Connector>>(`${workspace(ws)}/connectors`),
  createConnector: (ws: string, body: ConnectorWrite) => http.post<Connector>(`${workspace(ws)}/connectors`, body),
  patchConnector: (ws: string, id: string, body: ConnectorWrite) => http.patch<Connector>(connector(ws, id), body),
  deleteConnector: (ws: string, id: string) => http.delete(connector(ws, id)),
  testConnector: (ws: string, id: string) => http.post<TestReport>(`${connector(ws, id)}/test`),
  connectorPolls: (ws: string, id: string, top = 50) => http.get<Page<ConnectorPoll>>(`${connector(ws, id)}/polls?top=${top}`),
};
