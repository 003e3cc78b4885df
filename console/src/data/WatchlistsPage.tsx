import { Button, Field, Input, Spinner } from "@fluentui/react-components";
import { AddRegular, TextBulletListSquareRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";

import { settings } from "../api/settings";
import { EmptyState } from "../app/EmptyState";
import { EntryForm } from "../app/EntryForm";
import { ErrorView } from "../app/ErrorView";
import { Table } from "../app/Table";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { useChange } from "../app/useChange";
import { Time } from "../time/Time";
import { FileButton, type TextFile } from "./FileButton";

function NewWatchlist({ onDone }: { onDone: () => void }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { busy, change } = useChange(["watchlists", workspace.id]);
  const [alias, setAlias] = useState("");
  const [searchKey, setSearchKey] = useState("");
  const [description, setDescription] = useState("");
  const [file, setFile] = useState<TextFile | null>(null);
  const submit = async () => {
    if (!file) return;
    const made = await change(`Made the watchlist ${alias}`, () =>
      settings.putWatchlist(workspace.id, alias.trim(), { searchKey: searchKey.trim(), description, fileName: file.name, content: file.text }),
    );
    if (!made) return;
    onDone();
    await navigate(workspacePath(workspace, "watchlists", alias.trim()));
  };
  return (
    <EntryForm title="New watchlist" action="Make the watchlist" ready={alias.trim() !== "" && searchKey.trim() !== "" && file !== null} busy={busy} onSubmit={submit} onCancel={onDone}>
      <Field label="Alias" required hint="What queries call it: _GetWatchlist('alias').">
        <Input autoFocus value={alias} onChange={(_, data) => setAlias(data.value)} />
      </Field>
      <Field label="Search key" required hint="The column that queries look values up by.">
        <Input value={searchKey} onChange={(_, data) => setSearchKey(data.value)} />
      </Field>
      <Field label="Description">
        <Input value={description} onChange={(_, data) => setDescription(data.value)} />
      </Field>
      <div className="vd-row vd-wrap">
        <FileButton label="Choose a CSV, TSV or JSON file" onFile={setFile} />
        {file && <span>{file.name}</span>}
      </div>
    </EntryForm>
  );
}

export default function WatchlistsPage() {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const [adding, setAdding] = useState(false);
  const lists = useQuery({ queryKey: ["watchlists", workspace.id], queryFn: () => settings.watchlists(workspace.id) });
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Watchlists</h1>
        <span className="vd-muted">Lists that queries and rules look values up in</span>
        <span className="vd-spacer" />
        {configure && !adding && (
          <Button size="small" appearance="primary" icon={<AddRegular />} onClick={() => setAdding(true)}>
            Add a watchlist
          </Button>
        )}
      </div>
      {lists.error && <ErrorView what="The watchlists could not be loaded" error={lists.error} onRetry={() => void lists.refetch()} />}
      {lists.isPending && <Spinner label="Loading the watchlists" className="vd-center" />}
      {adding && <NewWatchlist onDone={() => setAdding(false)} />}
      {lists.data?.value.length === 0 && !adding && (
        <EmptyState icon={<TextBulletListSquareRegular />} title="There is no watchlist yet">
          {configure ? "Add one from a file, such as your VIP users or your own address ranges." : "Ask a contributor of this workspace to add one."}
        </EmptyState>
      )}
      {lists.data && lists.data.value.length > 0 && (
        <Table headings={["Alias", "Description", "Search key", { title: "Items", number: true }, "Changed", "By"]}>
          {lists.data.value.map((one) => (
            <tr key={one.alias}>
              <td>
                <Link to={workspacePath(workspace, "watchlists", one.alias)}>{one.alias}</Link>
              </td>
              <td className="vd-wrap-text">{one.description}</td>
              <td>
                <code>{one.searchKey}</code>
              </td>
              <td className="vd-number">{one.items.toLocaleString("en-GB")}</td>
              <td>
                <Time value={one.updatedAt} precision="minute" />
              </td>
              <td>{one.updatedBy}</td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}
