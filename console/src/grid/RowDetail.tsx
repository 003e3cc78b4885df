import { Button } from "@fluentui/react-components";
import { CopyRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";

import type { ResultColumn } from "../api/types";
import { usePreferences } from "../app/preferences";
import { copyText, ValueChip, type ValueTarget } from "../values/ValueMenu";
import { cellText, rowObject } from "./rows";

interface Props {
  columns: readonly ResultColumn[];
  row: readonly unknown[];
  target: (column: number) => ValueTarget;
  /** What else can be done with the row. */
  actions?: ReactNode;
}

/** A row whole: each value acts, dynamic ones are shown as JSON. */
export function RowDetail({ columns, row, target, actions }: Props) {
  const { zone } = usePreferences();
  const json = () => JSON.stringify(rowObject(columns, row), null, 2);
  return (
    <div className="vd-detail">
      <div className="vd-row">
        <Button size="small" icon={<CopyRegular />} onClick={() => void copyText(json(), "the row as JSON")}>
          Copy as JSON
        </Button>
        {actions}
      </div>
      <dl>
        {columns.map((column, index) => {
          const value = row[index];
          const empty = value === null || value === undefined || value === "";
          return (
            <div key={column.name} className={empty ? "vd-detail-empty" : undefined}>
              <dt title={column.type}>{column.name}</dt>
              <dd>
                {value !== null && typeof value === "object" ? (
                  <pre tabIndex={0} aria-label={`${column.name} as JSON`}>
                    {JSON.stringify(value, null, 2)}
                  </pre>
                ) : empty ? (
                  <span className="vd-none">{value === "" ? '""' : "null"}</span>
                ) : (
                  <ValueChip target={target(index)} className="vd-chip-wide">
                    {cellText(value, column.type, zone)}
                  </ValueChip>
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </div>
  );
}
