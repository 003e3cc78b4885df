import {
  Avatar,
  Button,
  Menu,
  MenuDivider,
  MenuGroup,
  MenuGroupHeader,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Tooltip,
} from "@fluentui/react-components";
import {
  ChevronDownRegular,
  ClockRegular,
  DatabaseRegular,
  KeyboardRegular,
  PersonRegular,
  SearchRegular,
  SignOutRegular,
  WeatherMoonRegular,
  WeatherSunnyRegular,
} from "@fluentui/react-icons";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";

import { api } from "../api/client";
import { forgetIncidents } from "../incidents/useIncidents";
import { zoneName } from "../time/format";
import { clearActivity, failed } from "./activity";
import { openOverlay } from "./Overlays";
import { setPreference, usePreferences, type Density, type ThemeChoice } from "./preferences";
import { useSession, useWorkspace, workspacePath } from "./session";
import { useTheme } from "./theme";

function WorkspacePicker() {
  const { workspaces } = useSession();
  const workspace = useWorkspace();
  const navigate = useNavigate();
  return (
    <Menu checkedValues={{ workspace: [workspace.name] }}>
      <MenuTrigger disableButtonEnhancement>
        <button type="button" className="vd-top-button" >
          <DatabaseRegular aria-hidden />
          <span>
            <span className="vd-visually-hidden">Workspace </span>
            {workspace.name}
          </span>
          <ChevronDownRegular />
        </button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroup>
            <MenuGroupHeader>Workspaces</MenuGroupHeader>
            {workspaces.map((one) => (
              <MenuItemRadio
                key={one.id}
                name="workspace"
                value={one.name}
                secondaryContent={one.roles.join(", ")}
                onClick={() => void navigate(workspacePath(one, "incidents"))}
              >
                {one.name}
              </MenuItemRadio>
            ))}
          </MenuGroup>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function UserMenu() {
  const { session } = useSession();
  const { theme, density } = usePreferences();
  const workspace = useWorkspace();
  const { roles } = workspace;
  const client = useQueryClient();
  const navigate = useNavigate();
  const signOut = async () => {
    try {
      await api.signOut();
    } catch (error) {
      failed("Signing out", error);
      return;
    }
    clearActivity();
    forgetIncidents(client);
    client.clear();
    await navigate("/signin?signedout=1", { replace: true });
  };
  return (
    <Menu
      checkedValues={{ theme: [theme], density: [density] }}
      onCheckedValueChange={(_, data) => {
        const value = data.checkedItems[0];
        if (data.name === "theme") setPreference("theme", value as ThemeChoice);
        if (data.name === "density") setPreference("density", value as Density);
      }}
    >
      <MenuTrigger disableButtonEnhancement>
        <button type="button" className="vd-top-button" >
          <Avatar size={24} icon={<PersonRegular />} color="brand" aria-hidden />
          <span className="vd-top-name">
            <span className="vd-visually-hidden">Signed in as </span>
            {session.principal.name}
          </span>
        </button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroup>
            <MenuGroupHeader>
              {session.principal.email ?? session.principal.name} · {roles.join(", ")}
            </MenuGroupHeader>
          </MenuGroup>
          <MenuGroup>
            <MenuGroupHeader>Theme</MenuGroupHeader>
            <MenuItemRadio name="theme" value="system">As the system</MenuItemRadio>
            <MenuItemRadio name="theme" value="light">Light</MenuItemRadio>
            <MenuItemRadio name="theme" value="dark">Dark</MenuItemRadio>
          </MenuGroup>
          <MenuGroup>
            <MenuGroupHeader>Rows</MenuGroupHeader>
            <MenuItemRadio name="density" value="compact">Compact</MenuItemRadio>
            <MenuItemRadio name="density" value="comfortable">Comfortable</MenuItemRadio>
          </MenuGroup>
          <MenuDivider />
          <MenuItem icon={<PersonRegular />} onClick={() => void navigate(workspacePath(workspace, "settings", "users", "me"))}>
            Your account
          </MenuItem>
          <MenuItem icon={<KeyboardRegular />} secondaryContent="?" onClick={() => openOverlay("help")}>
            Keyboard shortcuts
          </MenuItem>
          <MenuItem icon={<SignOutRegular />} onClick={() => void signOut()}>
            Sign out
          </MenuItem>
          <MenuDivider />
          <MenuGroup>
            <MenuGroupHeader>Vedette {session.version}</MenuGroupHeader>
          </MenuGroup>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

export function TopBar() {
  const workspace = useWorkspace();
  const { theme, zone } = usePreferences();
  const { isDark } = useTheme(theme);
  return (
    <header className="vd-top">
      <Link to={workspacePath(workspace, "incidents")} className="vd-brand">
        <img src="/favicon.svg" alt="" width={22} height={22} />
        <span>Vedette</span>
      </Link>
      <WorkspacePicker />
      <button type="button" className="vd-top-search" onClick={() => openOverlay("palette")}>
        <SearchRegular />
        <span>Go to an incident, a page or a command</span>
        <kbd>.</kbd>
      </button>
      <div className="vd-top-right">
        <Tooltip content="Switch between UTC and local time" relationship="description">
          <button
            type="button"
            className="vd-top-button"
            onClick={() => setPreference("zone", zone === "utc" ? "local" : "utc")}
          >
            <ClockRegular />
            <span>{zoneName(zone)}</span>
          </button>
        </Tooltip>
        <Tooltip content={isDark ? "Use the light theme" : "Use the dark theme"} relationship="label">
          <Button
            className="vd-top-icon"
            appearance="transparent"
            icon={isDark ? <WeatherSunnyRegular /> : <WeatherMoonRegular />}
            onClick={() => setPreference("theme", isDark ? "light" : "dark")}
          />
        </Tooltip>
        <UserMenu />
      </div>
    </header>
  );
}
