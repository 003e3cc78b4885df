import { Button } from "@fluentui/react-components";
import type { ReactNode } from "react";

interface Props {
  /** "New watchlist": its heading, and its name. */
  title: string;
  /** What its button says. */
  action: string;
  /** Everything that must be there is entered. */
  ready: boolean;
  busy: boolean;
  wide?: boolean;
  onSubmit: () => Promise<unknown>;
  onCancel: () => void;
  /** The fields. */
  children: ReactNode;
}

/** The frame of a form that makes something new on the page of its list. */
export function EntryForm({ title, action, ready, busy, wide = false, onSubmit, onCancel, children }: Props) {
  return (
    <form
      className={`vd-card vd-pane vd-stack${wide ? "" : " vd-form"}`}
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !busy) void onSubmit();
      }}
    >
      <h2>{title}</h2>
      {children}
      <div className="vd-row">
        <Button type="submit" appearance="primary" disabled={busy || !ready}>
          {action}
        </Button>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    </form>
  );
}
