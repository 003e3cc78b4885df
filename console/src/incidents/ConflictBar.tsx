import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";

import { useStore } from "../app/store";
import { Ago } from "../time/Time";
import { fieldLabel, fieldText } from "./model";
import type { Conflict, IncidentStore } from "./store";

function OneConflict({ conflict, store }: { conflict: Conflict; store: IncidentStore }) {
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>#{conflict.number} was changed meanwhile</MessageBarTitle>
        <table className="vd-conflict">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">There now</th>
              <th scope="col">Yours</th>
              <th scope="col">Changed by</th>
            </tr>
          </thead>
          <tbody>
            {conflict.fields.map((one) => (
              <tr key={one.field}>
                <th scope="row">{fieldLabel(one.field)}</th>
                <td>{fieldText(one.field, one.current)}</td>
                <td>{fieldText(one.field, conflict.set[one.field])}</td>
                <td>
                  {one.changedBy?.name ?? "Vedette"}, <Ago value={one.changedTimeUtc} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </MessageBarBody>
      <MessageBarActions>
        <Button size="small" onClick={() => void store.resolve(conflict, false)}>
          Keep what is there
        </Button>
        <Button size="small" appearance="primary" onClick={() => void store.resolve(conflict, true)}>
          Set mine
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}

/** Edits that met another person's: both values, who and when. Given a number, only that incident's. */
export function ConflictBar({ store, number }: { store: IncidentStore; number?: number }) {
  const all = useStore(store.conflicts);
  const shown = number === undefined ? all : all.filter((one) => one.number === number);
  if (!shown.length) return null;
  return (
    <div role="alert" className="vd-conflicts">
      {shown.map((conflict) => (
        <OneConflict key={conflict.id} conflict={conflict} store={store} />
      ))}
    </div>
  );
}
