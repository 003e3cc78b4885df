import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Radio,
  RadioGroup,
  Textarea,
} from "@fluentui/react-components";
import { useState, type KeyboardEvent } from "react";

import type { FieldChanges, SourceAction } from "../api/types";
import { VERDICTS } from "./model";

interface Props {
  /** The incidents to close; none means the dialog is closed. */
  numbers: readonly number[] | null;
  onClose: () => void;
  onSubmit: (numbers: readonly number[], set: FieldChanges, sourceAlerts?: SourceAction) => void;
}

function CloseForm({ numbers, onClose, onSubmit }: Props & { numbers: readonly number[] }) {
  const [index, setIndex] = useState(0);
  const [comment, setComment] = useState("");
  const [dismiss, setDismiss] = useState(false);
  const submit = () => {
    const verdict = VERDICTS[index];
    if (!verdict) return;
    const set: FieldChanges = {
      status: "Closed",
      classification: verdict.classification,
      classificationReason: verdict.reason,
      classificationComment: comment.trim() || null,
    };
    onSubmit(numbers, set, dismiss ? "Dismiss" : undefined);
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || !(event.target instanceof HTMLTextAreaElement))) {
      if (event.target instanceof HTMLButtonElement) return;
      event.preventDefault();
      submit();
    }
    if (event.target instanceof HTMLTextAreaElement) return;
    const chosen = VERDICTS.findIndex((one) => one.key === event.key);
    if (chosen >= 0) setIndex(chosen);
  };
  const what = numbers.length === 1 ? `incident #${String(numbers[0])}` : `${numbers.length} incidents`;
  return (
    <DialogBody onKeyDown={onKeyDown}>
      <DialogTitle>Close {what}</DialogTitle>
      <DialogContent>
        <div className="vd-stack">
          <Field label="Classification" required>
            <RadioGroup value={String(index)} onChange={(_, data) => setIndex(Number(data.value))}>
              {VERDICTS.map((one, at) => (
                <Radio
                  key={one.key}
                  value={String(at)}
                  autoFocus={at === 0}
                  label={
                    <>
                      {one.label} <kbd>{one.key}</kbd>
                    </>
                  }
                />
              ))}
            </RadioGroup>
          </Field>
          <Field label="Comment" hint="What was found. Ctrl+Enter closes the incident from here.">
            <Textarea value={comment} maxLength={30_000} rows={3} onChange={(_, data) => setComment(data.value)} />
          </Field>
          <Field hint="Without it they stay active there; alerts from elsewhere stay as they are in any case.">
            <Checkbox
              label="Also dismiss its alerts in Microsoft Defender for Cloud"
              checked={dismiss}
              onChange={(_, data) => setDismiss(data.checked === true)}
            />
          </Field>
        </div>
      </DialogContent>
      <DialogActions>
        <Button appearance="secondary" onClick={onClose}>
          Cancel
        </Button>
        <Button appearance="primary" onClick={submit}>
          Close {numbers.length === 1 ? "incident" : "incidents"}
        </Button>
      </DialogActions>
    </DialogBody>
  );
}

export function CloseDialog({ numbers, onClose, onSubmit }: Props) {
  return (
    <Dialog open={numbers !== null} onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface className="vd-close-dialog">
        {numbers && <CloseForm key={numbers.join()} numbers={numbers} onClose={onClose} onSubmit={onSubmit} />}
      </DialogSurface>
    </Dialog>
  );
}
