import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger } from "@fluentui/react-components";
import { ArrowDownloadRegular } from "@fluentui/react-icons";

import { api } from "../api/client";
import type { RuleFormat } from "../api/rules";
import { done, failed } from "../app/activity";
import { useWorkspace } from "../app/session";
import { download } from "../grid/rows";

const FORMATS: readonly { format: RuleFormat; label: string; suffix: string; type: string }[] = [
  { format: "yaml", label: "YAML of the public layout", suffix: "yaml", type: "application/yaml" },
  { format: "arm", label: "ARM template", suffix: "json", type: "application/json" },
  { format: "bicep", label: "Bicep", suffix: "bicep", type: "text/plain" },
];

/** Writes a rule, or all of the workspace, into a file; what Microsoft Sentinel has no field for is said. */
export function ExportRules({ rule }: { rule?: { id: string; name: string } }) {
  const workspace = useWorkspace();
  const save = async ({ format, suffix, type }: (typeof FORMATS)[number]) => {
    try {
      const { content, notes } = await api.exportRules(workspace.id, format, rule?.id);
      const name = (rule?.name ?? `${workspace.name}-rules`).replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
      download(`${name || "rule"}.${suffix}`, type, typeof content === "string" ? content : `${JSON.stringify(content, null, 4)}\n`);
      done(notes.length ? notes.join(" ") : `Exported ${rule?.name ?? "the rules"}`);
    } catch (error) {
      failed("Nothing was exported", error);
    }
  };
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" icon={<ArrowDownloadRegular />}>
          Export
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {FORMATS.map((one) => (
            <MenuItem key={one.format} onClick={() => void save(one)}>
              {one.label}
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
