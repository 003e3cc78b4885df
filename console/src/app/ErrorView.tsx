import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { isRouteErrorResponse, Link, useRouteError } from "react-router";

import { explain } from "../api/http";

interface Props {
  what: string;
  error: unknown;
  onRetry?: () => void;
}

/** An error in the server's words: what, and what to do. It stays until it is dealt with. */
export function ErrorView({ what, error, onRetry }: Props) {
  const { message, hint, code } = explain(error);
  return (
    <MessageBar intent="error" layout="multiline" className="vd-error">
      <MessageBarBody>
        <MessageBarTitle>{what}</MessageBarTitle>
        {message}
        {hint && <div>{hint}</div>}
        {code && <div className="vd-muted">Code {code}</div>}
      </MessageBarBody>
      {onRetry && (
        <MessageBarActions>
          <Button size="small" onClick={onRetry}>
            Try again
          </Button>
        </MessageBarActions>
      )}
    </MessageBar>
  );
}

/** What the router shows when a page threw: the message, a way to load it again and a way out. */
export function RouteError() {
  const error = useRouteError();
  const shown = isRouteErrorResponse(error) ? new Error(`${error.status} ${error.statusText}`) : error;
  return (
    <div className="vd-page vd-pad">
      <h1>Something went wrong</h1>
      <ErrorView what="This page could not be shown" error={shown} onRetry={() => window.location.reload()} />
      <p>
        <Link to="/">Back to the start</Link>
      </p>
    </div>
  );
}
