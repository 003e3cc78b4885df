/** The rules that ship: what each sees, whether the workspace has it, and adding it. */

import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, DialogTrigger, Spinner } from "@fluentui/react-components";
import { AddRegular, LibraryRegular } from "@fluentui/react-icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import type { RuleTemplate } from "../api/templates";
import { done } from "../app/activity";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { SeverityBadge, Tactics } from "../incidents/badges";

function Template({ one, onOpen }: { one: RuleTemplate; onOpen: () => void }) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: () => api.addRuleTemplate(workspace.id, one.id),
    onSuccess: async () => {
      done(`Added the rule ${one.name}`);
      await client.invalidateQueries({ queryKey: ["rules", workspace.id] });
      await client.invalidateQueries({ queryKey: ["rule-templates", workspace.id] });
    },
  });
  return (
    <li className="vd-card" aria-label={one.name}>
      <div className="vd-card-head">
        <strong className="vd-ellipsis" title={one.name}>
          {one.name}
        </strong>
        <SeverityBadge severity={one.severity} />
        <span className="vd-spacer" />
        {one.inUse ? (
          <Link to={workspacePath(workspace, "analytics", one.id)} onClick={onOpen}>
            In use
          </Link>
        ) : (
          <Button size="small" icon={<AddRegular />} disabled={add.isPending} aria-label={`Add ${one.name}`} onClick={() => add.mutate()}>
            Add
          </Button>
        )}
      </div>
      <div className="vd-card-body">
        {add.isError && <ErrorView what="It was not added" error={add.error} />}
        <p>{one.description}</p>
        <div className="vd-muted">
          <Tactics tactics={one.tactics} /> · {one.tables.join(", ")}
          {one.missingTables.length > 0 && <> · no rows yet in {one.missingTables.join(", ")}</>}
        </div>
      </div>
    </li>
  );
}

export function RuleTemplates() {
  const workspace = useWorkspace();
  const [open, setOpen] = useState(false);
  const templates = useQuery({
    queryKey: ["rule-templates", workspace.id],
    queryFn: () => api.ruleTemplates(workspace.id),
    enabled: open,
  });
  return (
    <Dialog open={open} onOpenChange={(_, data) => setOpen(data.open)}>
      <DialogTrigger disableButtonEnhancement>
        <Button size="small" icon={<LibraryRegular />}>
          Rule templates
        </Button>
      </DialogTrigger>
      <DialogSurface className="vd-templates">
        <DialogBody>
          <DialogTitle>Rule templates</DialogTitle>
          <DialogContent>
            {templates.isPending && <Spinner size="tiny" label="Loading the templates" />}
            {templates.isError && <ErrorView what="The templates could not be loaded" error={templates.error} onRetry={() => void templates.refetch()} />}
            <ul className="vd-stack" aria-label="Rule templates">
              {templates.data?.value.map((one) => (
                <Template key={one.id} one={one} onOpen={() => setOpen(false)} />
              ))}
            </ul>
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button appearance="primary">Done</Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
