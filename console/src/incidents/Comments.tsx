import { Avatar, Button, Field, Textarea } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type Ref } from "react";

import { api } from "../api/client";
import type { Incident } from "../api/types";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useRights, useWorkspace } from "../app/session";
import { Time } from "../time/Time";

const LIMIT = 30_000;

interface Props {
  incident: Incident;
  /** What is being written; the page keeps it, so that another tab does not lose it. */
  draft: string;
  onDraft: (text: string) => void;
  inputRef: Ref<HTMLTextAreaElement>;
}

export function Comments({ incident, draft, onDraft, inputRef }: Props) {
  const workspace = useWorkspace();
  const { editIncidents } = useRights();
  const client = useQueryClient();
  const [sent, setSent] = useState<string | null>(null);
  const add = useMutation({
    mutationFn: (message: string) => api.comment(workspace.id, incident.number, message),
    onMutate: (message) => setSent(message),
    onSuccess: async () => {
      onDraft("");
      done(`Commented on #${incident.number}`);
      await client.invalidateQueries({ queryKey: ["incident", workspace.id, incident.number] });
    },
    onSettled: () => setSent(null),
  });
  const submit = () => {
    const message = draft.trim();
    if (message && !add.isPending) add.mutate(message);
  };
  return (
    <div className="vd-stack">
      {incident.comments.length === 0 && sent === null && (
        <p className="vd-muted">No comments yet. Write down what you find, so that the next person starts from it.</p>
      )}
      <ul className="vd-comments">
        {incident.comments.map((comment) => (
          <li key={comment.id}>
            <Avatar size={24} name={comment.author.name} color="colorful" aria-hidden />
            <div>
              <div>
                <strong>{comment.author.name}</strong>{" "}
                <span className="vd-muted">
                  <Time value={comment.createdTimeUtc} ago />
                </span>
              </div>
              <div className="vd-pre">{comment.message}</div>
            </div>
          </li>
        ))}
        {sent !== null && (
          <li className="vd-muted">
            <span className="vd-pre">{sent}</span> (being sent)
          </li>
        )}
      </ul>
      {add.isError && <ErrorView what="The comment was not saved; it is still in the box" error={add.error} onRetry={submit} />}
      {editIncidents ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <Field label="Add a comment" hint="Ctrl+Enter sends it.">
            <Textarea
              ref={inputRef}
              rows={3}
              maxLength={LIMIT}
              value={draft}
              onChange={(_, data) => onDraft(data.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
                if (event.key === "Escape") event.currentTarget.blur();
              }}
            />
          </Field>
          <Button type="submit" appearance="primary" size="small" disabled={!draft.trim() || add.isPending}>
            Comment
          </Button>
        </form>
      ) : (
        <p className="vd-muted">Your role in this workspace can read comments and not write them.</p>
      )}
    </div>
  );
}
