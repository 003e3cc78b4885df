import { Field, Select } from "@fluentui/react-components";

import type { Granted } from "../api/settings";
import type { Role } from "../api/types";
import { useSession } from "../app/session";

const ABOUT: readonly { role: Role; about: string }[] = [
  { role: "Reader", about: "sees everything and asks the logs" },
  { role: "Responder", about: "also changes incidents" },
  { role: "Contributor", about: "also changes rules, tables, integrations and secrets" },
  { role: "PlaybookOperator", about: "sees and runs playbooks" },
  { role: "Administrator", about: "may do everything there" },
];

export function placeText(workspace: string | null): string {
  return workspace ?? "everywhere";
}

export function rolesText(roles: readonly Granted[]): string {
  return roles.map((one) => `${one.role} (${placeText(one.workspace)})`).join(", ");
}

/** A role and where it is given. */
export function RolePicker({ granted, onChange }: { granted: Granted; onChange: (granted: Granted) => void }) {
  const { workspaces } = useSession();
  return (
    <div className="vd-row vd-wrap">
      <Field label="Role">
        <Select value={granted.role} onChange={(_, data) => onChange({ ...granted, role: data.value as Role })}>
          {ABOUT.map((one) => (
            <option key={one.role} value={one.role}>
              {one.role}: {one.about}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="In">
        <Select value={granted.workspace ?? "*"} onChange={(_, data) => onChange({ ...granted, workspace: data.value === "*" ? null : data.value })}>
          {workspaces.map((one) => (
            <option key={one.id} value={one.name}>
              {one.name}
            </option>
          ))}
          <option value="*">every workspace</option>
        </Select>
      </Field>
    </div>
  );
}
