import { Button, Field, Input, Spinner } from "@fluentui/react-components";
import { CheckmarkCircleRegular, ErrorCircleRegular, KeyRegular, WarningRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { settings, type SecretInfo } from "../api/settings";
import { Confirm } from "../app/Confirm";
import { EmptyState } from "../app/EmptyState";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace, workspacePath } from "../app/session";
import { useChange } from "../app/useChange";
import { TestButton } from "../configured/TestButton";
import { Time } from "../time/Time";

/** 30, 14 and 3 days before it is due: each step louder, and never by colour alone. */
export function Due({ secret }: { secret: SecretInfo }) {
  const { daysLeft, expiresTimeUtc } = secret;
  if (daysLeft === null || !expiresTimeUtc) return <span className="vd-muted">No date is known</span>;
  const days = Math.floor(daysLeft);
  const left = daysLeft < 0 ? "was due" : days === 0 ? "due today" : `${days} ${days === 1 ? "day" : "days"} left`;
  const [step, Icon, name] =
    daysLeft < 0 ? ["vd-bad", ErrorCircleRegular, "Expired"] as const
    : daysLeft <= 3 ? ["vd-bad", ErrorCircleRegular, "Urgent"] as const
    : daysLeft <= 14 ? ["vd-caution", WarningRegular, "Soon"] as const
    : daysLeft <= 30 ? ["vd-caution", WarningRegular, "Within a month"] as const
    : ["vd-good", CheckmarkCircleRegular, "Good"] as const;
  return (
    <span className={`vd-badge ${step}`}>
      <Icon aria-hidden />
      <span>
        {name}: {left}
      </span>
    </span>
  );
}

function Rotation({ secret }: { secret: SecretInfo }) {
  const { id: ws } = useWorkspace();
  const { busy, change } = useChange(["secrets", ws]);
  const [value, setValue] = useState("");
  const [expires, setExpires] = useState("");
  const { rotation } = secret;
  if (!rotation) {
    const begin = async () => {
      const begun = await change(`The new value of ${secret.name} waits for its test`, () => settings.rotateSecret(ws, secret.id, value, expires || null));
      if (begun) setValue("");
    };
    return (
      <form
        className="vd-row vd-wrap vd-bottom"
        aria-label={`Replace ${secret.name}`}
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <Field label="New value" hint="It is kept beside the old one, which stays in use until the new one was found to work.">
          <Input type="password" autoComplete="off" value={value} onChange={(_, data) => setValue(data.value)} />
        </Field>
        <Field label="Expires on" hint="Optional.">
          <Input type="date" value={expires} onChange={(_, data) => setExpires(data.value)} />
        </Field>
        <Button type="submit" className="vd-beside-hint" disabled={busy || !value}>
          Begin the replacement
        </Button>
      </form>
    );
  }
  const finish = () => change(`Deleted the old value of ${secret.name}`, () => settings.finishRotation(ws, secret.id));
  const cancel = () => change(`Deleted the new value of ${secret.name}; the old one stays`, () => settings.cancelRotation(ws, secret.id));
  return (
    <div className="vd-stack">
      <p>
        A new value was given <Time value={rotation.stagedTimeUtc} precision="minute" ago />.{" "}
        {rotation.verifiedTimeUtc ? (
          <strong>It works and is in use; delete the old one here, and then at the other side.</strong>
        ) : rotation.problem ? (
          <span className="vd-bad">It failed its test, and the old one is in use: {rotation.problem}</span>
        ) : (
          "The old one is in use. Test the new one, or run a detection by hand."
        )}
      </p>
      <div className="vd-row vd-wrap">
        <Button appearance="primary" disabled={busy || !rotation.verifiedTimeUtc} title={rotation.verifiedTimeUtc ? undefined : "Test the new value first"} onClick={() => void finish()}>
          Delete the old value
        </Button>
        <Confirm trigger={<Button disabled={busy}>Give it up</Button>} title="Give the replacement up?" action="Delete the new value" onConfirm={() => void cancel()}>
          The new value is deleted, and the old one stays in use.
        </Confirm>
      </div>
    </div>
  );
}

function Card({ secret }: { secret: SecretInfo }) {
  const workspace = useWorkspace();
  const { configure } = useRights();
  const [open, setOpen] = useState(secret.rotation !== null);
  const { owner } = secret;
  const page = owner && workspacePath(workspace, owner.kind === "destination" ? "destinations" : "integrations", owner.id);
  return (
    <article className="vd-card" aria-label={secret.name}>
      <header className="vd-card-head">
        <KeyRegular aria-hidden />
        <strong className="vd-break">{secret.name}</strong>
        <span className="vd-spacer" />
        <Due secret={secret} />
      </header>
      <div className="vd-card-body">
        <dl className="vd-fields">
          <div className="vd-field">
            <dt className="vd-label">Used by</dt>
            <dd>{owner && page ? <Link to={page}>{owner.name}</Link> : <span className="vd-muted">Nothing</span>}</dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Kept in</dt>
            <dd>
              {secret.backend}
              {secret.locator && `: ${secret.locator}`}
            </dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Changed</dt>
            <dd>
              <Time value={secret.changedTimeUtc} precision="minute" />
            </dd>
          </div>
          <div className="vd-field">
            <dt className="vd-label">Expires</dt>
            <dd>
              <Time value={secret.expiresTimeUtc} precision="minute" />
            </dd>
          </div>
        </dl>
        {secret.warning && <p className="vd-caution">{secret.warning}</p>}
        {configure && (
          <div className="vd-row vd-wrap vd-top-aligned">
            <TestButton run={() => settings.checkSecret(workspace.id, secret.id)} list="secrets" />
            {owner && !open && (
              <Button size="small" aria-expanded={open} onClick={() => setOpen(true)}>
                Replace
              </Button>
            )}
          </div>
        )}
        {configure && owner && open && <Rotation secret={secret} />}
      </div>
    </article>
  );
}

export default function SecretsPage() {
  const { id: ws } = useWorkspace();
  const secrets = useQuery({ queryKey: ["secrets", ws], queryFn: () => settings.secrets(ws), refetchInterval: 15_000 });
  const list = secrets.data?.value;
  return (
    <div className="vd-page">
      <div className="vd-page-head">
        <h1>Secrets</h1>
        <span className="vd-muted">What is kept and when it is due. Values go in and never come out</span>
        <span className="vd-spacer" />
        {secrets.data && secrets.data.due > 0 && <strong className="vd-caution">{secrets.data.due} due</strong>}
      </div>
      {secrets.error && <ErrorView what="The secrets could not be loaded" error={secrets.error} onRetry={() => void secrets.refetch()} />}
      {secrets.isPending && <Spinner label="Loading the secrets" className="vd-center" />}
      {list?.length === 0 && (
        <EmptyState icon={<KeyRegular />} title="There is no secret yet">
          Integrations and destinations bring theirs: what is entered there as a secret is kept here.
        </EmptyState>
      )}
      <div className="vd-stack">{list?.map((one) => <Card key={one.id} secret={one} />)}</div>
    </div>
  );
}
