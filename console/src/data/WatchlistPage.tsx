import { Button, Input, Spinner, Tab, TabList } from "@fluentui/react-components";
import { DocumentSearchRegular } from "@fluentui/react-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { settings, type Watchlist, type WatchlistItem } from "../api/settings";
import { Breadcrumb } from "../app/Breadcrumb";
import { Confirm } from "../app/Confirm";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { setOrDelete, useParameters } from "../app/parameters";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { Title } from "../app/Title";
import { useChange } from "../app/useChange";
import { logsLink } from "../logs/link";
import { Time } from "../time/Time";
import { DEFAULT_RANGE } from "../time/range";
import { quote, valueText } from "../values/kql";
import { FileButton } from "./FileButton";

const PAGE = 100;

function useKeys(alias: string) {
  const { id: ws } = useWorkspace();
  return useChange(["watchlists", ws], ["watchlist", ws, alias], ["watchlist-items", ws, alias], ["watchlist-history", ws, alias]);
}

/** An item in its own inputs, a new one or one that is there. */
function Editor({ list, item, onDone }: { list: Watchlist; item: WatchlistItem | null; onDone: () => void }) {
  const { id: ws } = useWorkspace();
  const { busy, change } = useKeys(list.alias);
  const [content, setContent] = useState<Record<string, unknown>>(item?.content ?? {});
  const save = async () => {
    if (await change(`${item ? "Changed" : "Added"} an item of ${list.alias}`, () => settings.putItem(ws, list.alias, item?.id ?? null, content))) onDone();
  };
  return (
    <tr>
      {list.columns.map((column, index) => (
        <td key={column}>
          <Input
            size="small"
            autoFocus={index === 0}
            aria-label={column}
            value={valueText(content[column] ?? "")}
            onChange={(_, data) => setContent({ ...content, [column]: data.value })}
            onKeyDown={(event) => {
              if (event.key === "Enter") void save();
              else if (event.key === "Escape") onDone();
            }}
          />
        </td>
      ))}
      <td className="vd-nowrap">
        <Button size="small" appearance="primary" disabled={busy || !valueText(content[list.searchKey] ?? "")} onClick={() => void save()}>
          Save
        </Button>{" "}
        <Button size="small" onClick={onDone}>
          Cancel
        </Button>
      </td>
    </tr>
  );
}

function Items({ list }: { list: Watchlist }) {
  const { id: ws } = useWorkspace();
  const { configure } = useRights();
  const { busy, change } = useKeys(list.alias);
  const [parameters, setParameters] = useParameters();
  const [editing, setEditing] = useState<string | null>(null);
  const skip = Math.max(0, Number(parameters.get("skip")) || 0);
  const items = useQuery({ queryKey: ["watchlist-items", ws, list.alias, skip], queryFn: () => settings.items(ws, list.alias, PAGE, skip), placeholderData: keepPreviousData });
  const page = (to: number) =>
    setParameters((next) => {
      setOrDelete(next, "skip", to > 0 ? String(to) : "");
      return next;
    });
  const remove = (item: WatchlistItem) =>
    change(
      `Removed ${valueText(item.content[list.searchKey] ?? "an item")}`,
      () => settings.deleteItem(ws, list.alias, item.id),
      () => settings.putItem(ws, list.alias, null, item.content),
    );
  const name = (item: WatchlistItem) => valueText(item.content[list.searchKey] ?? "");
  if (items.error) return <ErrorView what="The items could not be loaded" error={items.error} onRetry={() => void items.refetch()} />;
  if (!items.data) return <Spinner label="Loading the items" className="vd-center" />;
  const { value, count } = items.data;
  return (
    <>
      <div className="vd-row vd-wrap">
        {configure && (
          <Button size="small" disabled={editing === "new"} onClick={() => setEditing("new")}>
            Add an item
          </Button>
        )}
        <span className="vd-spacer" />
        {count > PAGE && (
          <>
            <span>
              {skip + 1} to {Math.min(count, skip + PAGE)} of {count.toLocaleString("en-GB")}
            </span>
            <Button size="small" disabled={skip === 0} onClick={() => page(skip - PAGE)}>
              Earlier
            </Button>
            <Button size="small" disabled={skip + PAGE >= count} onClick={() => page(skip + PAGE)}>
              Later
            </Button>
          </>
        )}
      </div>
      {count === 0 && editing !== "new" && <EmptyState title="The watchlist is empty">Add an item, or upload a file.</EmptyState>}
      {(count > 0 || editing === "new") && (
        <Table headings={list.columns.map((column) => ({ title: column === list.searchKey ? <>{column} <span className="vd-muted">(search key)</span></> : column, number: false }))} actions>
          {editing === "new" && <Editor list={list} item={null} onDone={() => setEditing(null)} />}
          {value.map((item) =>
            editing === item.id ? (
              <Editor key={item.id} list={list} item={item} onDone={() => setEditing(null)} />
            ) : (
              <tr key={item.id}>
                {list.columns.map((column) => (
                  <td key={column} className="vd-wrap-text">
                    {valueText(item.content[column] ?? "")}
                  </td>
                ))}
                <td className="vd-nowrap">
                  {configure && (
                    <>
                      <Button size="small" appearance="subtle" aria-label={`Edit ${name(item)}`} onClick={() => setEditing(item.id)}>
                        Edit
                      </Button>
                      <Button size="small" appearance="subtle" disabled={busy} aria-label={`Remove ${name(item)}`} onClick={() => void remove(item)}>
                        Remove
                      </Button>
                    </>
                  )}
                </td>
              </tr>
            ),
          )}
        </Table>
      )}
    </>
  );
}

function History({ list }: { list: Watchlist }) {
  const { id: ws } = useWorkspace();
  const { configure } = useRights();
  const { busy, change } = useKeys(list.alias);
  const history = useQuery({ queryKey: ["watchlist-history", ws, list.alias], queryFn: () => settings.revisions(ws, list.alias) });
  if (history.error) return <ErrorView what="The history could not be loaded" error={history.error} onRetry={() => void history.refetch()} />;
  if (!history.data) return <Spinner label="Loading the history" className="vd-center" />;
  const restore = (revision: number) =>
    change(
      `${list.alias} is as it was at revision ${revision}`,
      () => settings.restoreRevision(ws, list.alias, revision),
      () => settings.restoreRevision(ws, list.alias, list.revision),
    );
  return (
    <Table headings={[{ title: "Revision", number: true }, "When", "Who", { title: "Items", number: true }, "Columns"]} actions>
      {history.data.value.map((one) => (
        <tr key={one.revision}>
          <td className="vd-number">{one.revision}</td>
          <td>
            <Time value={one.at} ago />
          </td>
          <td>{one.by}</td>
          <td className="vd-number">{one.items.toLocaleString("en-GB")}</td>
          <td className="vd-wrap-text">{one.columns.join(", ")}</td>
          <td>
            {one.revision === list.revision ? (
              <strong>In use</strong>
            ) : (
              configure && (
                <Button size="small" appearance="subtle" disabled={busy} aria-label={`Restore revision ${one.revision}`} onClick={() => void restore(one.revision)}>
                  Restore
                </Button>
              )
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Head({ list }: { list: Watchlist }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { configure } = useRights();
  const { busy, change } = useKeys(list.alias);
  const upload = (append: boolean) => (file: { name: string; text: string }) =>
    void change(`Took ${file.name} into ${list.alias}`, () => settings.putWatchlist(workspace.id, list.alias, { fileName: file.name, content: file.text, append }));
  const remove = async () => {
    const gone = await change(`Deleted ${list.alias}`, () => settings.deleteWatchlist(workspace.id, list.alias).then(() => true));
    if (gone) await navigate(workspacePath(workspace, "watchlists"));
  };
  return (
    <>
      <Link className="vd-button-link" to={logsLink(workspace, { query: `_GetWatchlist(${quote(list.alias)})`, range: DEFAULT_RANGE, run: true })}>
        <DocumentSearchRegular aria-hidden /> Query it
      </Link>
      {configure && (
        <>
          <FileButton label="Add a file's items" disabled={busy} onFile={upload(true)} />
          <FileButton label="Replace all by a file" disabled={busy} onFile={upload(false)} />
          <Confirm trigger={<Button size="small" disabled={busy}>Delete</Button>} title={`Delete ${list.alias}?`} action="Delete" onConfirm={() => void remove()}>
            Its {list.items} items are gone for good, and queries that read it find nothing.
          </Confirm>
        </>
      )}
    </>
  );
}

export default function WatchlistPage() {
  const workspace = useWorkspace();
  const { alias = "" } = useParams();
  const [parameters, setParameters] = useParameters();
  const tab = parameters.get("tab") === "history" ? "history" : "items";
  const found = useQuery({ queryKey: ["watchlist", workspace.id, alias], queryFn: () => settings.watchlist(workspace.id, alias) });
  const list = found.data;
  return (
    <div className="vd-page">
      <Title>{`Watchlist ${alias}`}</Title>
      <Breadcrumb to={workspacePath(workspace, "watchlists")} list="Watchlists">
        {alias}
      </Breadcrumb>
      <div className="vd-page-head vd-wrap">
        <h1>{list?.name ?? alias}</h1>
        <span className="vd-spacer" />
        {list && <Head list={list} />}
      </div>
      {found.error && <ErrorView what="The watchlist could not be loaded" error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Spinner label="Loading the watchlist" className="vd-center" />}
      {list && (
        <>
          {list.description && <p className="vd-prose">{list.description}</p>}
          <TabList
            selectedValue={tab}
            onTabSelect={(_, data) =>
              setParameters((next) => {
                setOrDelete(next, "tab", data.value === "history" ? "history" : "");
                return next;
              })
            }
          >
            <Tab value="items">Items ({list.items.toLocaleString("en-GB")})</Tab>
            <Tab value="history">History</Tab>
          </TabList>
          {tab === "items" ? <Items list={list} /> : <History list={list} />}
        </>
      )}
    </div>
  );
}
