import { Button, Tooltip } from "@fluentui/react-components";
import { ArrowUndoRegular, DismissRegular, ErrorCircleRegular } from "@fluentui/react-icons";
import { useEffect } from "react";
import { Link, Outlet, useNavigate, useParams } from "react-router";

import { ValueMenuProvider } from "../values/ValueMenu";
import { clearActivity, dismissActivity, undoLast, useActivity, useUndoLabel } from "./activity";
import { useCommands, useKeyboard } from "./commands";
import { EmptyState } from "./EmptyState";
import { Navigation } from "./Navigation";
import { openOverlay, Overlays } from "./Overlays";
import { setPreference, usePreferences, useSmallWindow } from "./preferences";
import { useSession, WorkspaceProvider, workspacePath } from "./session";
import { DocumentTitle } from "./Title";
import { TopBar } from "./TopBar";

function StatusBar() {
  const activity = useActivity();
  const undoLabel = useUndoLabel();
  return (
    <footer className={`vd-status${activity?.kind === "failed" ? " vd-status-failed" : ""}`}>
      <div role="status" aria-live="polite" className="vd-status-text">
        {activity?.kind === "failed" && <ErrorCircleRegular aria-label="Failed" />}
        {activity && (
          <span title={activity.text}>
            {activity.text}
            {activity.hint && <span> {activity.hint}</span>}
          </span>
        )}
      </div>
      {undoLabel && (
        <Tooltip content={`Undo: ${undoLabel}`} relationship="description">
          <Button size="small" appearance="subtle" icon={<ArrowUndoRegular />} onClick={() => void undoLast()}>
            Undo <kbd>u</kbd>
          </Button>
        </Tooltip>
      )}
      {activity && (
        <Button
          size="small"
          appearance="subtle"
          icon={<DismissRegular />}
          aria-label="Clear this line"
          onClick={dismissActivity}
        />
      )}
      <span className="vd-status-keys">
        <kbd>?</kbd> keys <kbd>.</kbd> palette
      </span>
    </footer>
  );
}

function GlobalCommands() {
  const navigate = useNavigate();
  const { workspace } = useParams();
  const { theme, zone, density } = usePreferences();
  const to = (...parts: string[]) => void navigate(workspacePath(workspace ?? "", ...parts));
  useKeyboard();
  useCommands([
    { id: "palette", title: "Command palette", group: "Everywhere", keys: ["."], run: () => openOverlay("palette"), keysOnly: true },
    { id: "help", title: "Keyboard shortcuts", group: "Everywhere", keys: ["?"], run: () => openOverlay("help") },
    { id: "undo", title: "Undo the last change", group: "Everywhere", keys: ["u"], run: () => void undoLast() },
    { id: "go-incidents", title: "Go to Incidents", group: "Go to", run: () => to("incidents") },
    { id: "go-logs", title: "Go to Logs", group: "Go to", run: () => to("logs") },
    { id: "go-hunting", title: "Go to Hunting", group: "Go to", run: () => to("hunting") },
    { id: "go-intelligence", title: "Go to Threat intelligence", group: "Go to", run: () => to("threat-intelligence") },
    { id: "go-analytics", title: "Go to Analytics", group: "Go to", run: () => to("analytics") },
    { id: "go-destinations", title: "Go to Destinations", group: "Go to", run: () => to("destinations") },
    { id: "go-deliveries", title: "Go to Deliveries", group: "Go to", run: () => to("deliveries") },
    { id: "go-watchlists", title: "Go to Watchlists", group: "Go to", run: () => to("watchlists") },
    { id: "go-tables", title: "Go to Tables", group: "Go to", run: () => to("tables") },
    { id: "go-secrets", title: "Go to Secrets", group: "Go to", run: () => to("settings", "secrets") },
    { id: "go-users", title: "Go to Users", group: "Go to", run: () => to("settings", "users") },
    { id: "go-workspaces", title: "Go to Workspaces", group: "Go to", run: () => to("settings", "workspaces") },
    { id: "go-integrations", title: "Go to Integrations", group: "Go to", run: () => to("integrations") },
    {
      id: "theme",
      title: theme === "dark" ? "Use the light theme" : "Use the dark theme",
      group: "View",
      run: () => setPreference("theme", theme === "dark" ? "light" : "dark"),
    },
    {
      id: "zone",
      title: zone === "utc" ? "Show times in local time" : "Show times in UTC",
      group: "View",
      run: () => setPreference("zone", zone === "utc" ? "local" : "utc"),
    },
    {
      id: "density",
      title: density === "compact" ? "Use comfortable rows" : "Use compact rows",
      group: "View",
      run: () => setPreference("density", density === "compact" ? "comfortable" : "compact"),
    },
  ]);
  return null;
}

export default function Shell() {
  const { workspaces } = useSession();
  const { workspace: name } = useParams();
  const { navigationCollapsed } = usePreferences();
  const small = useSmallWindow();
  const workspace = workspaces.find((one) => one.name === name || one.id === name);
  const id = workspace?.id;
  useEffect(() => {
    if (workspace) setPreference("workspace", workspace.name);
    return clearActivity;
    // Only another workspace matters, not another object for the same one.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id]);

  if (!workspace) {
    return (
      <EmptyState page title={`There is no workspace named "${name ?? ""}"`} actions={<Link to="/">Go to the first one</Link>}>
        Or you have no role in it. Yours: {workspaces.map((one) => one.name).join(", ") || "none"}.
      </EmptyState>
    );
  }
  return (
    <WorkspaceProvider value={workspace}>
      <ValueMenuProvider key={workspace.id}>
        <a className="vd-skip" href="#main">
          Skip to the content
        </a>
        <DocumentTitle workspace={workspace.name} />
        <GlobalCommands />
        <div className={`vd-shell${navigationCollapsed || small ? " vd-shell-narrow" : ""}`}>
          <TopBar />
          <Navigation />
          <main id="main" className="vd-main" tabIndex={-1}>
            <Outlet />
          </main>
          <StatusBar />
        </div>
        <Overlays />
      </ValueMenuProvider>
    </WorkspaceProvider>
  );
}
