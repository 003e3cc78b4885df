import { createDarkTheme, createLightTheme, type BrandVariants, type Theme } from "@fluentui/react-components";
import { useSyncExternalStore } from "react";

import type { ThemeChoice } from "./preferences";

const brand: BrandVariants = {
  10: "#03070d",
  20: "#0b1b2b",
  30: "#0f2c49",
  40: "#123a61",
  50: "#14487a",
  60: "#155694",
  70: "#1565ae",
  80: "#1a73c2",
  90: "#3382cb",
  100: "#4a91d3",
  110: "#61a0db",
  120: "#78b0e3",
  130: "#90bfea",
  140: "#a9cff0",
  150: "#c3dff6",
  160: "#deeffc",
};

const font = "'Segoe UI', 'Segoe UI Web', Inter, system-ui, -apple-system, 'Helvetica Neue', Arial, sans-serif";
const mono = "'Cascadia Code', Consolas, 'SF Mono', Menlo, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

/** Density of a console that is read all day: one step smaller than Fluent's defaults. */
const dense = {
  fontFamilyBase: font,
  fontFamilyMonospace: mono,
  fontSizeBase200: "12px",
  fontSizeBase300: "13px",
  lineHeightBase300: "18px",
  fontSizeBase400: "15px",
} satisfies Partial<Theme>;

const light: Theme = { ...createLightTheme(brand), ...dense };
const dark: Theme = {
  ...createDarkTheme(brand),
  ...dense,
  // Fluent's dark brand foregrounds are tuned for its own ramp; these keep 4.5:1 on our backgrounds.
  colorBrandForeground1: brand[120],
  colorBrandForeground2: brand[130],
  colorBrandForegroundLink: brand[120],
  colorBrandForegroundLinkHover: brand[140],
  colorBrandForegroundLinkPressed: brand[110],
};

const query = "(prefers-color-scheme: dark)";

function systemIsDark(): boolean {
  return typeof window.matchMedia === "function" && window.matchMedia(query).matches;
}

function subscribe(listener: () => void): () => void {
  if (typeof window.matchMedia !== "function") return () => undefined;
  const media = window.matchMedia(query);
  media.addEventListener("change", listener);
  return () => media.removeEventListener("change", listener);
}

/** The theme that the choice means now; "system" follows the operating system as it changes. */
export function useTheme(choice: ThemeChoice): { theme: Theme; isDark: boolean } {
  const system = useSyncExternalStore(subscribe, systemIsDark, () => false);
  const isDark = choice === "system" ? system : choice === "dark";
  return { theme: isDark ? dark : light, isDark };
}
