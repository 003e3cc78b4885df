import { Button, Field, Input, MessageBar, MessageBarBody, Spinner } from "@fluentui/react-components";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";

import { api } from "../api/client";
import { ApiError } from "../api/http";
import { settings } from "../api/settings";
import type { Session } from "../api/types";
import { ErrorView } from "../app/ErrorView";
import { DocumentTitle } from "../app/Title";

/** Where to go after signing in: an address of this console only, never another site's. */
export function safeNext(next: string | null): string {
  if (!next?.startsWith("/") || next.startsWith("/signin")) return "/";
  // Read as the browser reads it: "/\t/other.example" is another site's, since tabs do not count in an address.
  const to = new URL(next, window.location.origin);
  if (to.origin !== window.location.origin || to.pathname.startsWith("//")) return "/";
  return `${to.pathname}${to.search}${to.hash}`;
}

/** The code in what was pasted: a code, or the whole one-time link. */
export function codeOf(pasted: string): string {
  const text = pasted.trim();
  try {
    return new URL(text).searchParams.get("token") ?? text;
  } catch {
    return text;
  }
}

/** The server's own words; a hint is added where it gave none and the code is at fault. */
function withHint(problem: unknown): unknown {
  if (!(problem instanceof ApiError) || problem.hint || problem.status !== 401) return problem;
  return new ApiError(problem.status, {
    code: problem.code,
    message: problem.message,
    hint: "A code works once and not for long. The server prints a new one each time it starts.",
  });
}

export default function SignInPage() {
  const [parameters, setParameters] = useSearchParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const started = useRef(false);
  const next = safeNext(parameters.get("next"));
  const health = useQuery({ queryKey: ["health"], queryFn: () => api.health(), retry: 1, refetchInterval: 10_000 });

  const open = async (exchange: () => Promise<Session>) => {
    setBusy(true);
    setProblem(null);
    try {
      const session = await exchange();
      client.clear();
      client.setQueryData(["session"], session);
      await navigate(next, { replace: true });
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };

  const signIn = (token: string) => open(() => api.signIn(token));

  const linkToken = parameters.get("token");
  useEffect(() => {
    if (!linkToken || started.current) return;
    started.current = true;
    // The token leaves the address bar and the history before anything else happens.
    const rest = new URLSearchParams(parameters);
    rest.delete("token");
    setParameters(rest, { replace: true });
    void signIn(linkToken);
    // Once, with the token that the page was opened with.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [linkToken]);

  return (
    <main className="vd-signin">
      <DocumentTitle />
      <div className="vd-signin-card">
        <div className="vd-signin-brand">
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <h1>Vedette</h1>
        </div>
        {health.isError && <ErrorView what="The server does not answer" error={health.error} />}
        {parameters.get("signedout") && !problem && (
          <MessageBar intent="success">
            <MessageBarBody>You are signed out.</MessageBarBody>
          </MessageBar>
        )}
        {problem !== null && <ErrorView what="Signing in did not work" error={withHint(problem)} />}
        <form
          aria-label="Sign in with a password"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() && password) void open(() => settings.signInWithPassword(name.trim(), password));
          }}
        >
          <Field label="Name">
            <Input autoFocus autoComplete="username" value={name} disabled={busy} onChange={(_, data) => setName(data.value)} />
          </Field>
          <Field label="Password">
            <Input type="password" autoComplete="current-password" value={password} disabled={busy} onChange={(_, data) => setPassword(data.value)} />
          </Field>
          <Button type="submit" appearance="primary" disabled={busy || !name.trim() || !password}>
            Sign in with the password
          </Button>
        </form>
        <div className="vd-muted vd-signin-or">or with a one-time code</div>
        <form
          aria-label="Sign in with a code"
          onSubmit={(event) => {
            event.preventDefault();
            if (code.trim()) void signIn(codeOf(code));
          }}
        >
          <Field label="Sign-in code" hint="The one-time link that the server printed, or the code in it.">
            <Input
              type="password"
              autoComplete="off"
              value={code}
              disabled={busy}
              onChange={(_, data) => setCode(data.value)}
            />
          </Field>
          <Button type="submit" disabled={busy || !code.trim()}>
            {busy ? <Spinner size="tiny" label="Signing in" /> : "Sign in"}
          </Button>
        </form>
        {health.data && <div className="vd-muted">Version {health.data.version}</div>}
      </div>
    </main>
  );
}
