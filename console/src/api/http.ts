/** The one way the console talks to the server: fetch, one error type, no number rounded. */

import type { ApiErrorBody, ApiErrorEnvelope } from "./types";

/** Set on every call that changes something; the server refuses a cookie without it. */
const REQUEST_HEADER = "X-Vedette-Request";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  readonly details: Record<string, unknown>;

  constructor(status: number, body: ApiErrorBody) {
    super(body.message);
    this.name = "ApiError";
    this.status = status;
    this.code = body.code;
    this.hint = body.hint ?? null;
    this.details = body.details ?? {};
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The sentence to show for any thrown value, and what to do about it when that is known. */
export function explain(error: unknown): { message: string; hint: string | null; code: string | null } {
  if (error instanceof ApiError) return { message: error.message, hint: error.hint, code: error.code };
  if (error instanceof Error) return { message: error.message, hint: null, code: null };
  return { message: String(error), hint: null, code: null };
}

type UnauthorizedListener = () => void;
const unauthorizedListeners = new Set<UnauthorizedListener>();

/** Calls the listener when the server says that the session is over. Returns how to stop. */
export function onUnauthorized(listener: UnauthorizedListener): () => void {
  unauthorizedListeners.add(listener);
  return () => unauthorizedListeners.delete(listener);
}

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

const exactIntegers: Reviver = (_key, value, context) =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source !== undefined
    ? context.source
    : value;

/**
 * JSON.parse that keeps integers beyond 2^53 as their digits, where the browser can say what the digits were.
 * The reviver is slow, so it is used only for a text that has a long run of digits.
 */
export function parseJson(text: string): unknown {
  return /\d{16}/.test(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text);
}

function isEnvelope(value: unknown): value is ApiErrorEnvelope {
  if (typeof value !== "object" || value === null || !("error" in value)) return false;
  const error = value.error;
  return typeof error === "object" && error !== null && "message" in error && typeof error.message === "string";
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  try {
    const body: unknown = JSON.parse(text);
    if (isEnvelope(body)) return new ApiError(response.status, body.error);
  } catch {
    // Not JSON: a proxy's page. Its text says nothing to the reader; the status does.
  }
  const code = `HTTP${response.status}`;
  return new ApiError(response.status, {
    code,
    message: `The server answered ${response.status}${response.statusText ? ` ${response.statusText}` : ""} without saying why.`,
    hint: response.status >= 500 ? "The server's log has the cause." : null,
  });
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

async function send(method: string, path: string, accept: string, body: unknown, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept };
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: options.signal ?? null };
  if (method !== "GET") headers[REQUEST_HEADER] = "console";
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, {
      code: "Unreachable",
      message: "Vedette's server cannot be reached.",
      hint: "Check that it is running and that the network reaches it; the console tries again by itself.",
    });
  }
  if (!response.ok) {
    const error = await errorOf(response);
    if (response.status === 401 && path !== "/session") unauthorizedListeners.forEach((listener) => listener());
    throw error;
  }
  return response;
}

async function call(method: string, path: string, body: unknown, options: CallOptions = {}): Promise<unknown> {
  const response = await send(method, path, "application/json", body, options);
  if (response.status === 204) return undefined;
  return parseJson(await response.text());
}

/** The values of an answer in lines, each as soon as it is there; a line that tells an error is thrown. */
async function* linesOf(path: string, body: unknown, options: CallOptions): AsyncGenerator {
  const response = await send("POST", path, "application/x-ndjson", body, options);
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let ended = false;
  try {
    while (!ended) {
      const { value, done } = await reader.read();
      ended = done;
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split("\n");
      rest = done ? "" : (lines.pop() ?? "");
      for (const line of lines) {
        if (!line.trim()) continue;
        const told = parseJson(line);
        if (isEnvelope(told)) throw new ApiError(response.status, told.error);
        yield told;
      }
    }
  } finally {
    // Who reads no further does not want the rest made.
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

/* The generic names the wire type that API.md promises; the server's tests hold it to that. */
 
export const http = {
  get: <T>(path: string, options?: CallOptions) => call("GET", path, undefined, options) as Promise<T>,
  post: <T>(path: string, body?: unknown, options?: CallOptions) => call("POST", path, body, options) as Promise<T>,
  put: <T>(path: string, body: unknown, options?: CallOptions) => call("PUT", path, body, options) as Promise<T>,
  patch: <T>(path: string, body: unknown, options?: CallOptions) => call("PATCH", path, body, options) as Promise<T>,
  lines: <T>(path: string, body: unknown, options: CallOptions = {}) => linesOf(path, body, options) as AsyncGenerator<T>,
  delete: (path: string, options?: CallOptions) => call("DELETE", path, undefined, options) as Promise<undefined>,
};
 

/** A query string of the parameters that have a value, with its question mark, or nothing. */
export function queryString(parameters: Record<string, string | number | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
