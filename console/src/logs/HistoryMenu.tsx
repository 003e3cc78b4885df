import { Button, Popover, PopoverSurface, PopoverTrigger, SearchBox } from "@fluentui/react-components";
import { HistoryRegular } from "@fluentui/react-icons";
import { useState } from "react";

import { usePreferences } from "../app/preferences";
import { formatElapsed } from "../time/format";
import { parseRange, rangeLabel } from "../time/range";
import { Ago } from "../time/Time";
import { forgetHistory, useHistory, type PastQuery } from "./history";

export function HistoryMenu({ ws, onChoose }: { ws: string; onChoose: (past: PastQuery) => void }) {
  const { zone } = usePreferences();
  const past = useHistory(ws);
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState("");
  const shown = past.filter((one) => one.query.toLowerCase().includes(filter.toLowerCase()));
  return (
    <Popover open={open} onOpenChange={(_, data) => setOpen(data.open)} positioning="below-end" trapFocus>
      <PopoverTrigger disableButtonEnhancement>
        <Button size="small" icon={<HistoryRegular />}>
          History
        </Button>
      </PopoverTrigger>
      <PopoverSurface aria-label="Queries that were run" className="vd-history">
        <div className="vd-row">
          <SearchBox size="small" placeholder="Find in the history" aria-label="Find in the history" value={filter} onChange={(_, data) => setFilter(data.value)} />
          <span className="vd-spacer" />
          <Button size="small" appearance="subtle" disabled={!past.length} onClick={() => forgetHistory(ws)}>
            Forget all
          </Button>
        </div>
        {!shown.length && <p className="vd-muted">{past.length ? "No query in the history has that text." : "Queries that you run are kept here, in this browser."}</p>}
        <ul>
          {shown.map((one) => (
            <li key={`${one.time}${one.query}`}>
              <button
                type="button"
                onClick={() => {
                  setOpen(false);
                  onChoose(one);
                }}
              >
                <code>{one.query.length > 240 ? `${one.query.slice(0, 240)}…` : one.query}</code>
                <span className="vd-muted">
                  <Ago value={one.time} /> · {rangeLabel(parseRange(one.range), zone)} ·{" "}
                  {one.failed ? "failed" : `${one.rows ?? 0} ${one.rows === 1 ? "row" : "rows"}`}
                  {one.elapsedMs !== null && ` · ${formatElapsed(one.elapsedMs)}`}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </PopoverSurface>
    </Popover>
  );
}
