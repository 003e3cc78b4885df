import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle } from "@fluentui/react-components";

import { functions, type SavedFunction } from "../api/functions";
import { useWorkspace } from "../app/session";
import { isQuery, titleOf } from "./saved";
import { useSavedChange } from "./useSaved";

/** Asks before a saved query or function goes with its revisions. */
export function DeleteSaved({ one, onClose }: { one: SavedFunction; onClose: () => void }) {
  const { id: ws } = useWorkspace();
  const { busy, change } = useSavedChange();
  const title = titleOf(one);
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Delete {title}?</DialogTitle>
          <DialogContent>
            Its {one.revision === 1 ? "revision goes" : `${one.revision} revisions go`} for good. {isQuery(one) ? "Queries" : "Queries and rules"} that call{" "}
            <code>{one.name}</code> fail from then on.
          </DialogContent>
          <DialogActions>
            <Button autoFocus onClick={onClose}>
              Keep it
            </Button>
            <Button
              appearance="primary"
              disabled={busy}
              onClick={() => {
                void change(`Deleted ${title}`, () => functions.delete(ws, one.name)).then(onClose);
              }}
            >
              Delete
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
