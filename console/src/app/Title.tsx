import { useEffect } from "react";
import { useMatches } from "react-router";

import { Store, useStore } from "./store";

const shown = new Store<string | null>(null);

/** Names the tab of the browser after what the page shows: "Incident 12 · Vedette". */
export function Title({ children }: { children: string }) {
  useEffect(() => {
    shown.set(children);
    return () => shown.set(null);
  }, [children]);
  return null;
}

/** Writes the title: what the page says, or what its route is called. Used once, by the shell. */
export function DocumentTitle({ workspace }: { workspace?: string }) {
  const own = useStore(shown);
  const named = useMatches().findLast((match) => typeof match.handle === "string")?.handle as string | undefined;
  const name = own ?? named;
  useEffect(() => {
    document.title = [name, workspace && workspace !== "default" ? workspace : null, "Vedette"].filter(Boolean).join(" · ");
  }, [name, workspace]);
  return null;
}
