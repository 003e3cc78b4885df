import { FluentProvider, Spinner } from "@fluentui/react-components";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { createBrowserRouter, type RouteObject } from "react-router";
import { RouterProvider } from "react-router/dom";

import { ApiError } from "../api/http";
import { RouteError } from "./ErrorView";
import { usePreferences } from "./preferences";
import { useTheme } from "./theme";

function retry(count: number, error: unknown): boolean {
  // What the server decided will not change by asking again; a lost connection may.
  return error instanceof ApiError && error.status > 0 && error.status < 500 ? false : count < 2;
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry, staleTime: 10_000, refetchOnWindowFocus: true },
      mutations: { retry: false },
    },
  });
}

const page = (load: () => Promise<{ default: React.ComponentType }>) => async () => ({
  Component: (await load()).default,
});

export const routes: RouteObject[] = [
  {
    ErrorBoundary: RouteError,
    HydrateFallback: () => (
      <main>
        <Spinner label="Loading the console" className="vd-center" />
      </main>
    ),
    children: [
      { path: "/signin", handle: "Sign in", lazy: page(() => import("../signin/SignInPage")) },
      {
        path: "/",
        lazy: page(() => import("./SignedIn")),
        children: [
          { index: true, lazy: page(() => import("./Start")) },
          {
            path: "w/:workspace",
            lazy: page(() => import("./Shell")),
            children: [
              {
                // Within the shell, so that one page's fault leaves the navigation.
                ErrorBoundary: RouteError,
                children: [
                  { index: true, lazy: page(() => import("./Start")) },
                  { path: "incidents", handle: "Incidents", lazy: page(() => import("../incidents/QueuePage")) },
                  { path: "incidents/:number", handle: "Incident", lazy: page(() => import("../incidents/IncidentPage")) },
                  { path: "entity", handle: "Entity", lazy: page(() => import("../incidents/EntityPage")) },
                  { path: "logs", handle: "Logs", lazy: page(() => import("../logs/LogsPage")) },
                  { path: "hunting", handle: "Hunting", lazy: page(() => import("../hunting/HuntingPage")) },
                  { path: "threat-intelligence", handle: "Threat intelligence", lazy: page(() => import("../intelligence/IntelligencePage")) },
                  { path: "analytics", handle: "Analytics", lazy: page(() => import("../analytics/RulesPage")) },
                  { path: "analytics/:id", handle: "Analytics rule", lazy: page(() => import("../analytics/RulePage")) },
                  { path: "runs/:id", handle: "Run", lazy: page(() => import("../analytics/RunPage")) },
                  { path: "automation", handle: "Automation", lazy: page(() => import("../automation/AutomationPage")) },
                  { path: "automation/:id", handle: "Automation rule", lazy: page(() => import("../automation/AutomationRulePage")) },
                  { path: "destinations", handle: "Destinations", lazy: page(() => import("../destinations/DestinationsPage")) },
                  { path: "destinations/:id", handle: "Destination", lazy: page(() => import("../destinations/DestinationPage")) },
                  { path: "deliveries", handle: "Deliveries", lazy: page(() => import("../destinations/DeliveriesPage")) },
                  { path: "integrations", handle: "Integrations", lazy: page(() => import("../integrations/IntegrationsPage")) },
                  { path: "integrations/:id", handle: "Integration", lazy: page(() => import("../integrations/IntegrationPage")) },
                  { path: "watchlists", handle: "Watchlists", lazy: page(() => import("../data/WatchlistsPage")) },
                  { path: "watchlists/:alias", handle: "Watchlist", lazy: page(() => import("../data/WatchlistPage")) },
                  { path: "tables", handle: "Tables", lazy: page(() => import("../data/TablesPage")) },
                  { path: "tables/:table", handle: "Table", lazy: page(() => import("../data/TablePage")) },
                  { path: "settings/secrets", handle: "Secrets", lazy: page(() => import("../settings/SecretsPage")) },
                  { path: "settings/users", handle: "Users", lazy: page(() => import("../settings/UsersPage")) },
                  { path: "settings/users/:user", handle: "User", lazy: page(() => import("../settings/UserPage")) },
                  { path: "settings/workspaces", handle: "Workspaces", lazy: page(() => import("../settings/WorkspacesPage")) },
                  { path: "*", handle: "No such page", lazy: page(() => import("./NotFound")) },
                ],
              },
            ],
          },
          { path: "admin/settings/integrations", lazy: page(() => import("../integrations/Redirect")) },
          { path: "*", lazy: page(() => import("./NotFound")) },
        ],
      },
    ],
  },
];

export function App() {
  const { theme, density } = usePreferences();
  const { theme: fluent, isDark } = useTheme(theme);
  const [client] = useState(createQueryClient);
  const [router] = useState(() => createBrowserRouter(routes));
  useEffect(() => {
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    document.documentElement.dataset.density = density;
  }, [isDark, density]);
  return (
    <FluentProvider theme={fluent} className="vd-root">
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </FluentProvider>
  );
}
