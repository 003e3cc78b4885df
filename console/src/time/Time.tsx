import { useEffect } from "react";

import { usePreferences } from "../app/preferences";
import { Store, useStore } from "../app/store";
import { formatAgo, formatTime, zoneName, type Precision } from "./format";

const now = new Store(Date.now());

/** The time now, moving on every ten seconds: enough for "3 min ago". */
export function useNow(): number {
  useEffect(() => {
    // While nobody asked, nobody moved it on: a second is the coarsest that "now" may be.
    if (Date.now() - now.get() > 1_000) now.set(Date.now());
    const timer = setInterval(() => now.set(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return useStore(now);
}

interface Props {
  value: string | null | undefined;
  precision?: Precision;
  /** Also say how long ago. */
  ago?: boolean;
}

/** A time on the clock that the person chose; the title has the other clock. */
export function Time({ value, precision = "second", ago = false }: Props) {
  const { zone } = usePreferences();
  const current = useNow();
  if (!value) return <span className="vd-none">—</span>;
  const other = zone === "utc" ? "local" : "utc";
  const title = `${formatTime(value, zone, "full")} ${zoneName(zone)}\n${formatTime(value, other, "full")} ${zoneName(other)}`;
  return (
    <time dateTime={value} title={title} className="vd-time">
      {formatTime(value, zone, precision)}
      {ago && <span className="vd-muted"> · {formatAgo(value, current)}</span>}
    </time>
  );
}

/** How long ago, with the time itself in the title. */
export function Ago({ value }: { value: string | null | undefined }) {
  const { zone } = usePreferences();
  const current = useNow();
  if (!value) return <span className="vd-none">—</span>;
  return (
    <time dateTime={value} title={`${formatTime(value, zone, "full")} ${zoneName(zone)}`} className="vd-time">
      {formatAgo(value, current)}
    </time>
  );
}
