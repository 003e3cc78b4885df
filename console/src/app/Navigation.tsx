import {
  BookmarkMultipleFilled,
  BookmarkMultipleRegular,
  BugFilled,
  BugRegular,
  bundleIcon,
  BuildingMultipleFilled,
  BuildingMultipleRegular,
  DataUsageFilled,
  DataUsageRegular,
  DocumentSearchFilled,
  DocumentSearchRegular,
  FlashFlowFilled,
  FlashFlowRegular,
  KeyFilled,
  KeyRegular,
  PanelLeftContractRegular,
  PanelLeftExpandRegular,
  PeopleFilled,
  PeopleRegular,
  PlugConnectedFilled,
  PlugConnectedRegular,
  SendFilled,
  SendRegular,
  ShieldErrorFilled,
  ShieldErrorRegular,
  TableFilled,
  TableRegular,
  TextBulletListSquareFilled,
  TextBulletListSquareRegular,
  TrayItemAddFilled,
  TrayItemAddRegular,
  type FluentIcon,
} from "@fluentui/react-icons";
import { NavLink } from "react-router";

import { setPreference, usePreferences, useSmallWindow } from "./preferences";
import { useWorkspace, workspacePath } from "./session";

interface Place {
  /** Below the workspace, without its first slash. */
  path: string;
  label: string;
  icon: FluentIcon;
}

const GROUPS: readonly { title: string; places: readonly Place[] }[] = [
  {
    title: "Threat management",
    places: [
      { path: "incidents", label: "Incidents", icon: bundleIcon(ShieldErrorFilled, ShieldErrorRegular) },
      { path: "logs", label: "Logs", icon: bundleIcon(DocumentSearchFilled, DocumentSearchRegular) },
      { path: "hunting", label: "Hunting", icon: bundleIcon(BookmarkMultipleFilled, BookmarkMultipleRegular) },
      { path: "threat-intelligence", label: "Threat intelligence", icon: bundleIcon(BugFilled, BugRegular) },
    ],
  },
  {
    title: "Configuration",
    places: [
      { path: "analytics", label: "Analytics", icon: bundleIcon(DataUsageFilled, DataUsageRegular) },
      { path: "automation", label: "Automation", icon: bundleIcon(FlashFlowFilled, FlashFlowRegular) },
      { path: "watchlists", label: "Watchlists", icon: bundleIcon(TextBulletListSquareFilled, TextBulletListSquareRegular) },
      { path: "tables", label: "Tables", icon: bundleIcon(TableFilled, TableRegular) },
      { path: "destinations", label: "Destinations", icon: bundleIcon(SendFilled, SendRegular) },
      { path: "deliveries", label: "Deliveries", icon: bundleIcon(TrayItemAddFilled, TrayItemAddRegular) },
    ],
  },
  {
    title: "Settings",
    places: [
      { path: "integrations", label: "Integrations", icon: bundleIcon(PlugConnectedFilled, PlugConnectedRegular) },
      { path: "settings/secrets", label: "Secrets", icon: bundleIcon(KeyFilled, KeyRegular) },
      { path: "settings/users", label: "Users", icon: bundleIcon(PeopleFilled, PeopleRegular) },
      { path: "settings/workspaces", label: "Workspaces", icon: bundleIcon(BuildingMultipleFilled, BuildingMultipleRegular) },
    ],
  },
];

export function Navigation() {
  const workspace = useWorkspace();
  const { navigationCollapsed } = usePreferences();
  const small = useSmallWindow();
  const narrow = navigationCollapsed || small;
  return (
    <nav className="vd-nav" aria-label="Main">
      {GROUPS.map((group) => (
        <div key={group.title} className="vd-nav-group">
          <div className="vd-nav-title" aria-hidden={narrow}>
            {group.title}
          </div>
          {group.places.map(({ path, label, icon: Icon }) => (
            <NavLink
              key={path}
              to={workspacePath(workspace, ...path.split("/"))}
              className="vd-nav-link"
              title={narrow ? label : undefined}
              aria-label={label}
            >
              {({ isActive }) => (
                <>
                  <Icon filled={isActive} className="vd-nav-icon" />
                  <span className="vd-nav-label">{label}</span>
                </>
              )}
            </NavLink>
          ))}
        </div>
      ))}
      {!small && (
        <button
          type="button"
          className="vd-nav-link vd-nav-toggle"
          aria-expanded={!narrow}
          aria-label={narrow ? "Widen the navigation" : "Narrow the navigation"}
          onClick={() => setPreference("navigationCollapsed", !narrow)}
        >
          {narrow ? <PanelLeftExpandRegular className="vd-nav-icon" /> : <PanelLeftContractRegular className="vd-nav-icon" />}
          <span className="vd-nav-label">Narrow</span>
        </button>
      )}
    </nav>
  );
}
