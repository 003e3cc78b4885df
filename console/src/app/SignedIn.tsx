import { Spinner } from "@fluentui/react-components";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Navigate, Outlet, useLocation, useNavigate } from "react-router";

import { api } from "../api/client";
import { ApiError, onUnauthorized } from "../api/http";
import { forgetIncidents } from "../incidents/useIncidents";
import { ErrorView } from "./ErrorView";
import { SessionProvider } from "./session";

/** Everything behind the sign-in. A session that ends leads to the sign-in and back to the same address. */
export default function SignedIn() {
  const location = useLocation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const session = useQuery({ queryKey: ["session"], queryFn: () => api.session(), staleTime: 60_000 });
  const workspaces = useQuery({
    queryKey: ["workspaces"],
    queryFn: () => api.workspaces(),
    enabled: session.isSuccess,
    staleTime: 60_000,
    select: (page) => page.value,
  });

  const here = location.pathname + location.search + location.hash;
  useEffect(
    () =>
      onUnauthorized(() => {
        forgetIncidents(client);
        client.clear();
        void navigate(`/signin?next=${encodeURIComponent(here)}`, { replace: true });
      }),
    [client, navigate, here],
  );

  if (session.error instanceof ApiError && session.error.status === 401) {
    return <Navigate replace to={`/signin?next=${encodeURIComponent(here)}`} />;
  }
  const error = session.error ?? workspaces.error;
  if (error && !(session.data && workspaces.data)) {
    return (
      <div className="vd-pad">
        <ErrorView
          what="The console could not start"
          error={error}
          onRetry={() => {
            void session.refetch();
            void workspaces.refetch();
          }}
        />
      </div>
    );
  }
  if (!session.data || !workspaces.data) return <Spinner label="Loading the console" className="vd-center" />;
  return (
    <SessionProvider value={{ session: session.data, workspaces: workspaces.data }}>
      <Outlet />
    </SessionProvider>
  );
}
