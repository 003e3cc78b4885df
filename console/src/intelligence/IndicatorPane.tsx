/** An object of threat intelligence whole, and what can be done with it. */

import { Button, Input, Spinner } from "@fluentui/react-components";
import { DismissRegular, DocumentSearchRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { intelligence, type IntelDetail, type IntelObject } from "../api/intelligence";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace } from "../app/session";
import { useChange } from "../app/useChange";
import { DeleteButton } from "../configured/DeleteButton";
import { logsLink } from "../logs/link";
import { Time, useNow } from "../time/Time";
import { ValueChip } from "../values/ValueMenu";
import { quote } from "../values/kql";
import { observedOf, standingOf, textsOf, typeText } from "./model";

const ROWS = { kind: "relative", duration: "P90D" } as const;

export function useIntelChange() {
  const { id: ws } = useWorkspace();
  return useChange(["intelligence", ws], ["intelligence-one", ws]);
}

/** Takes it out of force, or brings it back; each undoes the other. */
export function RevokeButton({ one, subtle = false }: { one: IntelObject; subtle?: boolean }) {
  const { id: ws } = useWorkspace();
  const { busy, change } = useIntelChange();
  const revoke = () => intelligence.revoke(ws, one.id);
  const reinstate = () => intelligence.reinstate(ws, one.id);
  const back = one.withdrawnBy !== null;
  const word = back ? "Reinstate" : "Revoke";
  return (
    <Button
      size="small"
      {...(subtle ? { appearance: "subtle" as const } : {})}
      disabled={busy}
      aria-label={`${word} ${one.name}`}
      onClick={() => void (back ? change(`Reinstated ${one.name}`, reinstate, revoke) : change(`Revoked ${one.name}`, revoke, reinstate))}
    >
      {word}
    </Button>
  );
}

export function Standing({ one }: { one: IntelObject }) {
  const { standing, text } = standingOf(one, useNow());
  const tone = { force: "vd-good", revoked: "vd-warn", ended: "vd-muted", waiting: "vd-caution" }[standing];
  return <span className={tone}>{text}</span>;
}

function Tags({ one }: { one: IntelDetail }) {
  const { id: ws } = useWorkspace();
  const { configure } = useRights();
  const { busy, change } = useIntelChange();
  const [text, setText] = useState("");
  const labels = textsOf(one, "labels");
  const add = async () => {
    const tag = text.trim();
    if (!tag) return;
    const done = await change(`Tagged ${one.name}: ${tag}`, () => intelligence.tag(ws, one.id, { add: [tag] }), () => intelligence.tag(ws, one.id, { remove: [tag] }));
    if (done) setText("");
  };
  const remove = (tag: string) =>
    change(`Removed the tag ${tag}`, () => intelligence.tag(ws, one.id, { remove: [tag] }), () => intelligence.tag(ws, one.id, { add: [tag] }));
  return (
    <section>
      <h3 className="vd-label">Tags</h3>
      <div className="vd-chips">
        {labels.map((label) => (
          <span key={label} className="vd-chip vd-chip-plain" title="A label of its source">
            <span className="vd-chip-text">{label}</span>
          </span>
        ))}
        {one.tags.map((tag) => (
          <span key={tag} className="vd-chip vd-chip-plain" title="Given here">
            <span className="vd-chip-text">{tag}</span>
            {configure && (
              <button type="button" className="vd-chip-remove" disabled={busy} aria-label={`Remove the tag ${tag}`} onClick={() => void remove(tag)}>
                <DismissRegular aria-hidden />
              </button>
            )}
          </span>
        ))}
        {!labels.length && !one.tags.length && <span className="vd-none">—</span>}
      </div>
      {configure && (
        <form
          className="vd-row"
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <Input size="small" aria-label="New tag" placeholder="New tag" value={text} maxLength={100} onChange={(_, data) => setText(data.value)} />
          <Button size="small" type="submit" disabled={busy || !text.trim()}>
            Add tag
          </Button>
        </form>
      )}
    </section>
  );
}

function Whole({ one, onDismiss }: { one: IntelDetail; onDismiss: () => void }) {
  const workspace = useWorkspace();
  const { configure } = useRights();
  // What is deleted is not asked for again.
  const { change } = useChange(["intelligence", workspace.id]);
  const observed = observedOf(one.pattern);
  const { description } = one.content;
  const indicator = one.type === "indicator";
  const threats = textsOf(one, "indicator_types");
  const remove = async () => {
    await intelligence.delete(workspace.id, one.id);
    onDismiss();
    await change(`Deleted ${one.name}`, () => Promise.resolve());
  };
  const table = indicator ? "ThreatIntelIndicators" : "ThreatIntelObjects";
  const telling = indicator ? "\n| project TimeGenerated, ObservableKey, ObservableValue, IsActive, Revoked, IsDeleted, Confidence, ValidFrom, ValidUntil, Tags" : "";
  const rows = `${table}\n| where Id endswith ${quote(one.stixId)}\n| sort by TimeGenerated desc${telling}`;
  return (
    <>
      <h2 className="vd-preview-title vd-break">{one.name}</h2>
      {typeof description === "string" && description && <p className="vd-pre">{description}</p>}
      {configure && (
        <div className="vd-row vd-wrap">
          {indicator && <RevokeButton one={one} />}
          <DeleteButton small name={one.name} remove={remove}>
            It is no longer in force, and its rows say that it was deleted. A later version of its source brings it back; to keep it out for good, revoke it.
          </DeleteButton>
        </div>
      )}
      {observed.length > 0 && (
        <section>
          <h3 className="vd-label">Values</h3>
          <div className="vd-chips">
            {observed.map((each) => (
              <ValueChip key={`${each.label} ${each.value}`} target={{ value: each.value, type: "string", label: each.label }}>
                {each.value}
              </ValueChip>
            ))}
          </div>
        </section>
      )}
      <dl className="vd-facts">
        <dt>State</dt>
        <dd>
          <Standing one={one} />
        </dd>
        <dt>Type</dt>
        <dd>{typeText(one)}</dd>
        {threats.length > 0 && (
          <>
            <dt>Threat types</dt>
            <dd>{threats.join(", ")}</dd>
          </>
        )}
        <dt>Confidence</dt>
        <dd>{one.confidence ?? "—"}</dd>
        <dt>Valid from</dt>
        <dd>
          <Time value={one.validFrom} precision="minute" />
        </dd>
        <dt>Valid until</dt>
        <dd>{one.validUntil ? <Time value={one.validUntil} precision="minute" ago /> : "without an end"}</dd>
        <dt>TLP</dt>
        <dd>{one.tlp || "—"}</dd>
        <dt>Source</dt>
        <dd>
          {one.source} <span className="vd-muted">· {one.method}</span>
        </dd>
        <dt>Created</dt>
        <dd>
          <Time value={one.created} precision="minute" />
        </dd>
        <dt>Modified</dt>
        <dd>
          <Time value={one.modified} precision="minute" />
        </dd>
        <dt>Changed here</dt>
        <dd>
          <Time value={one.changedAt} precision="minute" ago />
        </dd>
      </dl>
      <Tags one={one} />
      {one.pattern && (
        <section>
          <h3 className="vd-label">Pattern</h3>
          <pre className="vd-code" tabIndex={0} aria-label="Pattern">
            {one.pattern}
          </pre>
        </section>
      )}
      <Link className="vd-button-link" to={logsLink(workspace, { query: rows, range: ROWS, run: true })}>
        <DocumentSearchRegular aria-hidden /> Its rows in Logs
      </Link>
      <details>
        <summary>The object of STIX</summary>
        <pre className="vd-code" tabIndex={0} aria-label="The object of STIX">
          {JSON.stringify(one.content, null, 2)}
        </pre>
      </details>
    </>
  );
}

export function IndicatorPane({ id, onDismiss }: { id: string; onDismiss: () => void }) {
  const { id: ws } = useWorkspace();
  const found = useQuery({ queryKey: ["intelligence-one", ws, id], queryFn: () => intelligence.get(ws, id) });
  return (
    <aside className="vd-preview" aria-label={found.data ? `${found.data.type === "indicator" ? "Indicator" : "Object"} ${found.data.name}` : "Indicator"}>
      <div className="vd-preview-head">
        <span className="vd-muted">{found.data && found.data.type !== "indicator" ? typeText(found.data) : "Indicator"}</span>
        <span className="vd-spacer" />
        <Button size="small" appearance="subtle" icon={<DismissRegular />} aria-label="Close the indicator" onClick={onDismiss} />
      </div>
      {found.data ? (
        <Whole one={found.data} onDismiss={onDismiss} />
      ) : found.error ? (
        <ErrorView what="It could not be loaded" error={found.error} onRetry={() => void found.refetch()} />
      ) : (
        <Spinner size="small" label="Loading the indicator" />
      )}
    </aside>
  );
}
