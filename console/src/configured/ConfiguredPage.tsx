import "../app/configuration.css";

import { Spinner } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { Link, useParams, useSearchParams } from "react-router";

import { Breadcrumb } from "../app/Breadcrumb";
import { Emphasis } from "../app/Emphasis";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";

interface Loaded<T> {
  readonly data: { readonly value: readonly T[] } | undefined;
  readonly error: Error | null;
  readonly isPending: boolean;
}

interface Props<T, K> {
  /** "destination": how one of them is called; its list is at the address of that name in the plural. */
  thing: string;
  /** With its article. */
  one: string;
  noKind: string;
  /** Where all of them are listed, if not at its name in the plural. */
  path?: string;
  stored: Loaded<T> & { readonly refetch: () => unknown };
  kinds: Loaded<K>;
  kindOf: (kind: K) => string;
  /** The page itself, of a stored one or, with null, of a new one. */
  children: (kind: K, stored: T | null) => ReactNode;
}

/** The frame of the page of one destination or one integration: where it is, its name, and what comes while it is not there. */
export function ConfiguredPage<T extends { id: string; name: string; kind: string }, K extends { displayName: string }>(props: Props<T, K>) {
  const { thing, one, noKind, path = `${thing}s`, stored, kinds, kindOf, children } = props;
  const { id } = useParams();
  const [parameters] = useSearchParams();
  const workspace = useWorkspace();
  const isNew = id === "new";
  // Read for a new one, too: the query tells of a change only to those who read the data, and the new one is opened once it is saved.
  const all = stored.data?.value;
  const found = isNew ? null : all?.find((each) => each.id === id);
  const wanted = isNew ? parameters.get("kind") : found?.kind;
  const kind = kinds.data?.value.find((each) => kindOf(each) === wanted);
  const error = stored.error ?? kinds.error;
  const list = workspacePath(workspace, path);
  const title = thing.charAt(0).toUpperCase() + thing.slice(1);
  return (
    <div className="vd-page">
      <Breadcrumb to={list} list={`${title}s`}>
        {isNew ? `New ${kind?.displayName ?? ""}` : (found?.name ?? id)}
      </Breadcrumb>
      <div className="vd-page-head">
        <h1>{isNew ? `Add ${kind?.displayName ?? one}` : (found?.name ?? title)}</h1>
      </div>
      {stored.isPending || kinds.isPending ? (
        <Spinner label="Loading" className="vd-center" />
      ) : kind && found !== undefined ? (
        children(kind, found)
      ) : error ? (
        <ErrorView what={`The ${thing} could not be loaded`} error={error} onRetry={() => void stored.refetch()} />
      ) : (
        <EmptyState
          title={found === undefined ? `There is no such ${thing}` : `There is no ${noKind} named "${wanted ?? ""}"`}
          actions={<Link to={list}>All {thing}s</Link>}
        >
          It may have been deleted.
        </EmptyState>
      )}
    </div>
  );
}

interface Described {
  readonly displayName: string;
  readonly description: string;
  readonly permissions: readonly { name: string; reason: string }[];
}

/** What stands beside the form: what it is and what it needs; `children` tell how it does. */
export function About({ kind, label, children }: { kind: Described; label: string; children: ReactNode }) {
  return (
    <aside className="vd-rule-side" aria-label={label}>
      <section>
        <h2>{kind.displayName}</h2>
        <p>
          <Emphasis text={kind.description} />
        </p>
      </section>
      {children}
      {kind.permissions.length > 0 && (
        <section>
          <h2>What its credentials must be allowed</h2>
          <ul className="vd-plain-list">
            {kind.permissions.map((permission) => (
              <li key={permission.name}>
                <strong>{permission.name}</strong>: <Emphasis text={permission.reason} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </aside>
  );
}
