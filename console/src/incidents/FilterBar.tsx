import {
  Button,
  Menu,
  MenuDivider,
  MenuItem,
  MenuItemCheckbox,
  MenuList,
  MenuPopover,
  MenuTrigger,
  SearchBox,
} from "@fluentui/react-components";
import { ChevronDownRegular } from "@fluentui/react-icons";
import { useEffect, useEffectEvent, useState, type Ref } from "react";

import type { IncidentFacets } from "../api/types";
import { useSession } from "../app/session";
import { SeverityIcon, severityText } from "./badges";
import { SEVERITIES, STATUSES } from "./model";
import type { QueueView } from "./view";

interface Props {
  view: QueueView;
  facets: IncidentFacets | null;
  onChange: (change: Partial<QueueView>, replace?: boolean) => void;
  searchRef: Ref<HTMLInputElement>;
}

function toggled<T>(list: readonly T[], value: T): T[] {
  return list.includes(value) ? list.filter((one) => one !== value) : [...list, value];
}

const count = new Intl.NumberFormat("en-GB");

function Facet({ label, number, pressed, onClick, children }: {
  label: string;
  number: number | undefined;
  pressed: boolean;
  onClick: () => void;
  children: React.ReactNode;
}) {
  const shown = number === undefined ? "…" : count.format(number);
  return (
    <button type="button" className="vd-facet" aria-pressed={pressed} data-facet={label} onClick={onClick}>
      {children} <span className="vd-facet-count">{shown}</span>
    </button>
  );
}

/** What the person types reaches the address after a short pause, as one entry of the history. */
function Search({ value, onChange, inputRef }: { value: string; onChange: (q: string) => void; inputRef: Ref<HTMLInputElement> }) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    // The address changed by other means: back, a value's menu.
    setKnown(value);
    setText(value);
  }
  // The handler of the latest render: it writes on top of the address as it is then.
  const commit = useEffectEvent(onChange);
  useEffect(() => {
    if (text === known) return undefined;
    const timer = setTimeout(() => {
      setKnown(text);
      commit(text);
    }, 120);
    return () => clearTimeout(timer);
  }, [text, known]);
  return (
    <SearchBox
      ref={inputRef}
      size="small"
      className="vd-search"
      placeholder="Find: words, -without, &quot;a phrase&quot;"
      aria-label="Find incidents"
      value={text}
      onChange={(_, data) => setText(data.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape" || event.key === "Enter") event.currentTarget.blur();
      }}
    />
  );
}

export function FilterBar({ view, facets, onChange, searchRef }: Props) {
  const { session } = useSession();
  const me = session.principal.id;
  const owners = facets?.owner ?? [];
  const ownerName = (id: string) =>
    id === "me" ? "me" : id === "none" ? "nobody" : (owners.find((one) => one.id === id)?.name ?? id);
  return (
    <div className="vd-filters" role="search" aria-label="Filter incidents">
      <Search value={view.q} onChange={(q) => onChange({ q }, true)} inputRef={searchRef} />
      <div className="vd-facets" role="group" aria-label="Status">
        {STATUSES.map((one) => (
          <Facet
            key={one}
            label={one}
            number={facets?.status[one]}
            pressed={view.status.includes(one)}
            onClick={() => onChange({ status: toggled(view.status, one) })}
          >
            {one}
          </Facet>
        ))}
      </div>
      <div className="vd-facets" role="group" aria-label="Severity">
        {SEVERITIES.map((one) => (
          <Facet
            key={one}
            label={one}
            number={facets?.severity[one]}
            pressed={view.severity.includes(one)}
            onClick={() => onChange({ severity: toggled(view.severity, one) })}
          >
            <SeverityIcon severity={one} />
            {severityText(one)}
          </Facet>
        ))}
      </div>
      <Menu
        checkedValues={{ owner: [...view.owner] }}
        onCheckedValueChange={(_, data) => onChange({ owner: data.checkedItems })}
      >
        <MenuTrigger disableButtonEnhancement>
          <Button size="small" icon={<ChevronDownRegular />} iconPosition="after">
            Owner{view.owner.length ? `: ${view.owner.map(ownerName).join(", ")}` : ""}
          </Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList className="vd-menu-scroll">
            <MenuItemCheckbox name="owner" value="me" secondaryContent={String(owners.find((one) => one.id === me)?.count ?? 0)}>
              Me
            </MenuItemCheckbox>
            <MenuItemCheckbox name="owner" value="none" secondaryContent={String(owners.find((one) => one.id === null)?.count ?? 0)}>
              Nobody
            </MenuItemCheckbox>
            {owners
              .filter((one) => one.id !== null && one.id !== me)
              .map((one) => (
                <MenuItemCheckbox key={one.id} name="owner" value={one.id ?? ""} secondaryContent={String(one.count)}>
                  {one.name ?? one.id}
                </MenuItemCheckbox>
              ))}
            {view.owner.length > 0 && (
              <>
                <MenuDivider />
                <MenuItem onClick={() => onChange({ owner: [] })}>Anybody</MenuItem>
              </>
            )}
          </MenuList>
        </MenuPopover>
      </Menu>
    </div>
  );
}
