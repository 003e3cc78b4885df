import { Button, SearchBox, Switch } from "@fluentui/react-components";
import { ChevronDownRegular, ChevronRightRegular, EyeRegular } from "@fluentui/react-icons";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";

import type { TableInfo } from "../api/types";
import { columnName } from "../values/kql";

interface Props {
  tables: readonly TableInfo[];
  loading: boolean;
  onInsert: (text: string) => void;
  /** Show some rows of a table. */
  onLook: (table: TableInfo) => void;
}

type Line = { table: TableInfo; column: null } | { table: TableInfo; column: TableInfo["columns"][number] };

const compact = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });

export function SchemaPane({ tables, loading, onInsert, onLook }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState("");
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [withData, setWithData] = useState(true);
  const hasData = tables.some((table) => table.rows > 0);
  const lines = useMemo(() => {
    const text = filter.trim().toLowerCase();
    const found: Line[] = [];
    for (const table of tables) {
      if (withData && hasData && table.rows === 0) continue;
      const nameMatches = table.name.toLowerCase().includes(text);
      const columns = table.columns.filter((column) => column.name.toLowerCase().includes(text));
      if (text && !nameMatches && !columns.length) continue;
      found.push({ table, column: null });
      if (!opened.has(table.name)) continue;
      for (const column of nameMatches ? table.columns : columns) found.push({ table, column });
    }
    return found;
  }, [tables, filter, opened, withData, hasData]);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 26,
    overscan: 10,
  });
  const toggle = (name: string) => {
    const next = new Set(opened);
    if (!next.delete(name)) next.add(name);
    setOpened(next);
  };
  return (
    <aside className="vd-schema" aria-label="Tables">
      <SearchBox size="small" placeholder="Find a table or column" aria-label="Find a table or column" value={filter} onChange={(_, data) => setFilter(data.value)} />
      <Switch label="Only tables with rows" checked={withData && hasData} disabled={!hasData} onChange={(_, data) => setWithData(data.checked)} />
      <div ref={scroller} className="vd-schema-list">
        {loading && <p className="vd-muted">Loading the tables…</p>}
        {!loading && !lines.length && (
          <p className="vd-muted">{tables.length ? "No table or column has that name." : "No tables are known. Load logs with: vedette load PATH"}</p>
        )}
        <div style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
          {virtualizer.getVirtualItems().map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            const { table, column } = line;
            const open = opened.has(table.name);
            return (
              <div key={item.key} className="vd-schema-line" style={{ transform: `translateY(${item.start}px)`, height: item.size }}>
                {column ? (
                  <button type="button" className="vd-schema-column" title={`Write ${column.name}`} onClick={() => onInsert(columnName(column.name))}>
                    <span className="vd-ellipsis">{column.name}</span>
                    <span className="vd-muted">{column.type}</span>
                  </button>
                ) : (
                  <>
                    <button type="button" className="vd-schema-toggle" aria-expanded={open} aria-label={`Columns of ${table.name}`} onClick={() => toggle(table.name)}>
                      {open ? <ChevronDownRegular /> : <ChevronRightRegular />}
                    </button>
                    <button type="button" className={`vd-schema-table${table.rows ? "" : " vd-muted"}`} title={`Write ${table.name}`} onClick={() => onInsert(table.name)}>
                      <span className="vd-ellipsis">{table.name}</span>
                      <span className="vd-muted">{table.rows ? compact.format(table.rows) : ""}</span>
                    </button>
                    <Button size="small" appearance="transparent" className="vd-schema-look" icon={<EyeRegular />} aria-label={`Show some rows of ${table.name}`} title="Show some rows" onClick={() => onLook(table)} />
                  </>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </aside>
  );
}
