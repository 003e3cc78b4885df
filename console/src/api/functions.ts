/** Saved functions, and the saved queries among them. */

import { http } from "./http";
import type { Page, Utc } from "./types";

export interface SavedFunction {
  id: string;
  /** The alias that queries call it by. */
  name: string;
  /** KQL as between the parentheses of a function: `a: string, b: int = 3`. */
  parameters: string;
  displayName: string;
  category: string;
  version: string;
  revision: number;
  updatedAt: Utc;
  updatedBy: string;
}

export interface SavedFunctionWhole extends SavedFunction {
  body: string;
  description: string;
}

export interface FunctionWrite {
  body: string;
  parameters: string;
  displayName: string;
  category: string;
  description: string;
}

const path = (ws: string, name?: string) => `/workspaces/${encodeURIComponent(ws)}/saved-functions${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;

export const functions = {
  list: (ws: string) => http.get<Page<SavedFunction>>(path(ws)),
  get: (ws: string, name: string) => http.get<SavedFunctionWhole>(path(ws, name)),
  put: (ws: string, name: string, body: FunctionWrite) => http.put<SavedFunctionWhole>(path(ws, name), body),
  delete: (ws: string, name: string) => http.delete(path(ws, name)),
};
