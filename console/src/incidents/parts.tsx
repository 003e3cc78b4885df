/** Parts of an incident that the preview and the page share. */

import {
  BotRegular,
  CloudRegular,
  DesktopRegular,
  DocumentRegular,
  GlobeRegular,
  KeyMultipleRegular,
  LinkRegular,
  MailRegular,
  PersonRegular,
  TagRegular,
  WindowConsoleRegular,
  type FluentIcon,
} from "@fluentui/react-icons";
import { useNavigate } from "react-router";

import type { Entity, Incident } from "../api/types";
import { useWorkspace, workspacePath } from "../app/session";
import { ValueChip, type ValueTarget } from "../values/ValueMenu";
import { around } from "../time/range";
import { entityLink, refOf } from "./entity";
import { sortTactics, TACTICS, tacticLabel } from "./model";
import { withTerm } from "./view";

const ICONS: Readonly<Record<string, FluentIcon>> = {
  account: PersonRegular,
  host: DesktopRegular,
  ip: GlobeRegular,
  url: LinkRegular,
  dns: GlobeRegular,
  file: DocumentRegular,
  filehash: KeyMultipleRegular,
  process: WindowConsoleRegular,
  mailbox: MailRegular,
  mailmessage: MailRegular,
  cloudapplication: CloudRegular,
  azureresource: CloudRegular,
  malware: BotRegular,
};

/** How far around an incident an entity's page looks: three days. */
const ENTITY_HOURS = 72;

export function EntityIcon({ type }: { type: string }) {
  const Icon = ICONS[type.toLowerCase()] ?? TagRegular;
  return <Icon aria-hidden />;
}

interface EntityChipsProps {
  incident: Incident;
  entities: readonly Entity[];
  /** What filtering by an entity does here; without it, it filters the queue. */
  filters?: (entity: Entity) => Pick<ValueTarget, "filterIn" | "filterOut">;
  /** Entities that the page is filtered by. */
  active?: ReadonlySet<string>;
}

/** Filtering the queue by a value: what a value's menu does where the page has no filter of its own. */
export function useQueueFilters(): (value: string) => Pick<ValueTarget, "filterIn" | "filterOut"> {
  const navigate = useNavigate();
  const workspace = useWorkspace();
  return (value) => {
    const go = (exclude: boolean) => {
      const q = encodeURIComponent(withTerm("", value, exclude));
      void navigate(`${workspacePath(workspace, "incidents")}?status=any&q=${q}`);
    };
    return { filterIn: () => go(false), filterOut: () => go(true) };
  };
}

export function EntityChips({ incident, entities, filters, active }: EntityChipsProps) {
  const byQueue = useQueueFilters();
  const navigate = useNavigate();
  const workspace = useWorkspace();
  const time = incident.lastActivityTimeUtc ?? incident.createdTimeUtc;
  if (!entities.length) return <span className="vd-muted">No entities are mapped.</span>;
  return (
    <div className="vd-chips">
      {entities.map((entity) => (
        <ValueChip
          key={entity.id}
          icon={<EntityIcon type={entity.type} />}
          className={active?.has(entity.id) ? "vd-chip-active" : ""}
          target={{
            value: entity.name,
            type: "string",
            label: entity.type,
            time,
            page: {
              label: `Open the ${entity.type}`,
              run: () => void navigate(entityLink(workspace, refOf(entity.type, entity.properties), around(time, ENTITY_HOURS))),
            },
            ...(filters ? filters(entity) : byQueue(entity.name)),
          }}
        >
          {entity.name}
        </ValueChip>
      ))}
    </div>
  );
}

/** The tactics of an attack in order, those of the incident marked, with how many alerts show each. */
export function KillChain({ incident, compact = false }: { incident: Incident; compact?: boolean }) {
  const counts = new Map<string, number>();
  for (const alert of incident.alerts) {
    for (const tactic of alert.tactics) counts.set(tactic, (counts.get(tactic) ?? 0) + 1);
  }
  const seen = new Set([...incident.tactics, ...counts.keys()]);
  const others = sortTactics([...seen].filter((tactic) => !TACTICS.includes(tactic)));
  const names = sortTactics([...seen]).map(tacticLabel);
  const strip = (
    <ol className={`vd-chain${compact ? " vd-chain-compact" : ""}`} aria-label="Tactics, in the order of an attack">
      {[...TACTICS, ...others].map((tactic) => {
        const count = counts.get(tactic) ?? 0;
        const present = seen.has(tactic);
        const label = `${tacticLabel(tactic)}${present ? `, seen${count ? ` in ${count} alert${count === 1 ? "" : "s"}` : ""}` : ", not seen"}`;
        return (
          <li key={tactic} className={present ? "vd-chain-seen" : undefined} title={label}>
            <span className="vd-visually-hidden">{label}</span>
            <span aria-hidden className="vd-chain-name">
              {tacticLabel(tactic)}
            </span>
            {present && (
              <span aria-hidden className="vd-chain-count">
                {count || "✓"}
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
  // Where there is no room for names in the strip, they stand below it.
  return compact ? (
    <>
      {strip}
      <div aria-hidden>{names.join(" → ") || "None"}</div>
    </>
  ) : (
    strip
  );
}
