/** Severity, status and owner of one or more incidents, each a button that says the value and opens its choices. */

import {
  Button,
  Input,
  Menu,
  MenuItem,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  type PositioningVirtualElement,
} from "@fluentui/react-components";
import { ChevronDownRegular, PersonAddRegular, PersonRegular } from "@fluentui/react-icons";
import { useState, type ReactNode } from "react";

import type { FieldChanges, IncidentStatus, IncidentSummary, PersonRef, Severity } from "../api/types";
import { usePeople, useRights, useSession } from "../app/session";
import { SeverityBadge, SeverityIcon, severityText, StatusBadge } from "./badges";
import { personRef, SEVERITIES, STATUSES, statusChange } from "./model";

interface Actions {
  onChange: (set: FieldChanges) => void;
  /** Closing needs a classification: the page asks for it. */
  onClose: () => void;
}

interface TriggerProps {
  label: string;
  children: ReactNode;
}

function useTrigger({ label, children }: TriggerProps) {
  const { editIncidents } = useRights();
  return (
    <Button
      size="small"
      className="vd-control"
      icon={<ChevronDownRegular />}
      iconPosition="after"
      disabled={!editIncidents}
      aria-label={label}
      title={editIncidents ? undefined : "Your role in this workspace cannot edit incidents"}
    >
      {children}
    </Button>
  );
}

export function SeverityControl({ value, onChange }: { value: Severity | null; onChange: (set: FieldChanges) => void }) {
  const trigger = useTrigger({
    label: value ? `Severity: ${severityText(value)}` : "Set Severity",
    children: value ? <SeverityBadge severity={value} /> : "Severity",
  });
  return (
    <Menu checkedValues={{ severity: value ? [value] : [] }}>
      <MenuTrigger disableButtonEnhancement>{trigger}</MenuTrigger>
      <MenuPopover>
        <MenuList>
          {SEVERITIES.map((one) => (
            <MenuItemRadio
              key={one}
              name="severity"
              value={one}
              icon={<SeverityIcon severity={one} />}
              onClick={() => onChange({ severity: one })}
            >
              {one}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

export function StatusItems({ value, onChange, onClose }: Actions & { value: IncidentStatus | null }) {
  return (
    <>
      {STATUSES.map((one) => (
        <MenuItemRadio
          key={one}
          name="status"
          value={one}
          onClick={() => {
            if (one === "Closed") onClose();
            else if (one !== value) onChange(statusChange(one));
          }}
        >
          {one === "Closed" ? "Closed…" : one}
        </MenuItemRadio>
      ))}
    </>
  );
}

export function StatusControl({ value, ...actions }: Actions & { value: IncidentStatus | null }) {
  const trigger = useTrigger({
    label: value ? `Status: ${value}` : "Set Status",
    children: value ? <StatusBadge status={value} /> : "Status",
  });
  return (
    <Menu checkedValues={{ status: value ? [value] : [] }}>
      <MenuTrigger disableButtonEnhancement>{trigger}</MenuTrigger>
      <MenuPopover>
        <MenuList>
          <StatusItems value={value} {...actions} />
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

/** The status menu at the cursor's row, for the keyboard. */
export function StatusMenuAt({
  target,
  value,
  onDone,
  ...actions
}: Actions & { target: PositioningVirtualElement | null; value: IncidentStatus | null; onDone: () => void }) {
  return (
    <Menu
      open={target !== null}
      checkedValues={{ status: value ? [value] : [] }}
      positioning={{ target, position: "below", align: "start" }}
      onOpenChange={(_, data) => !data.open && onDone()}
    >
      <MenuPopover>
        <MenuList>
          <StatusItems value={value} {...actions} />
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

export function OwnerControl({ value, onChange }: { value: PersonRef | null | undefined; onChange: (set: FieldChanges) => void }) {
  const people = usePeople();
  const { session } = useSession();
  const [filter, setFilter] = useState("");
  const me = { id: session.principal.id, name: session.principal.name };
  const others = (people.data ?? []).filter(
    (one) => one.id !== me.id && `${one.name} ${one.email ?? ""}`.toLowerCase().includes(filter.toLowerCase()),
  );
  const assign = (owner: PersonRef | null) => onChange({ owner });
  const trigger = useTrigger({
    label: value ? `Owner: ${value.name}` : value === null ? "Owner: Unassigned" : "Set Owner",
    children: (
      <span className="vd-badge">
        <PersonRegular aria-hidden />
        {value ? value.name : value === null ? "Unassigned" : "Owner"}
      </span>
    ),
  });
  return (
    <Menu onOpenChange={() => setFilter("")}>
      <MenuTrigger disableButtonEnhancement>{trigger}</MenuTrigger>
      <MenuPopover>
        {(people.data?.length ?? 0) > 8 && (
          <Input
            size="small"
            placeholder="Find a person"
            aria-label="Find a person"
            value={filter}
            onChange={(_, data) => setFilter(data.value)}
            onKeyDown={(event) => event.key.length === 1 && event.stopPropagation()}
          />
        )}
        <MenuList className="vd-menu-scroll">
          <MenuItem icon={<PersonAddRegular />} disabled={value?.id === me.id} onClick={() => assign(me)}>
            Assign to me
          </MenuItem>
          <MenuItem disabled={value === null} onClick={() => assign(null)}>
            Unassign
          </MenuItem>
          {others.map((one) => (
            <MenuItem
              key={one.id}
              disabled={value?.id === one.id}
              secondaryContent={one.email}
              onClick={() => assign(personRef(one))}
            >
              {one.name}
            </MenuItem>
          ))}
          {people.isError && <MenuItem disabled>The list of people could not be loaded</MenuItem>}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

export function IncidentControls({ incident, ...actions }: Actions & { incident: IncidentSummary }) {
  return (
    <div className="vd-row vd-wrap">
      <SeverityControl value={incident.severity} onChange={actions.onChange} />
      <StatusControl value={incident.status} {...actions} />
      <OwnerControl value={incident.owner} onChange={actions.onChange} />
    </div>
  );
}
