import { Button, Checkbox, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Spinner } from "@fluentui/react-components";
import { ArrowUploadRegular } from "@fluentui/react-icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link } from "react-router";

import { api } from "../api/client";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace, workspacePath } from "../app/session";
import { brokenText } from "./useRules";

const OUTCOMES = {
  added: "added",
  updated: "updated",
  unchanged: "unchanged",
  derived: "added under a derived id, because its id is taken by a rule with other content",
} as const;

/** Choosing rule files and reading what became of each. */
export function ImportRules() {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState(false);
  const [replace, setReplace] = useState(false);
  const load = useMutation({
    mutationFn: async (files: readonly File[]) =>
      api.importRules(workspace.id, await Promise.all(files.map(async (file) => ({ name: file.name, content: await file.text() }))), replace),
    onSettled: async () => {
      for (const key of ["rules", "rule", "broken-rules"]) await client.invalidateQueries({ queryKey: [key, workspace.id] });
    },
  });
  const report = load.data;
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept=".yaml,.yml,.json"
        aria-label="Rule files"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = "";
          if (!files.length) return;
          setOpen(true);
          load.mutate(files);
        }}
      />
      <Button size="small" icon={<ArrowUploadRegular />} onClick={() => {
          load.reset();
          setOpen(true);
        }}
      >
        Import rules
      </Button>
      <Dialog open={open} onOpenChange={(_, data) => setOpen(data.open)}>
        <DialogSurface>
          <DialogBody>
            <DialogTitle>Import rules</DialogTitle>
            <DialogContent>
              {load.isIdle && (
                <div className="vd-stack">
                  <p>YAML of the public Azure-Sentinel repository, ARM templates as the portal exports them, custom detections of Defender XDR, and Sigma. Several files at once may be chosen.</p>
                  <Checkbox checked={replace} label="Rules whose id is there become their next revision" onChange={(_, data) => setReplace(data.checked === true)} />
                </div>
              )}
              {load.isPending && <Spinner label="Reading the rules" />}
              {load.isError && <ErrorView what="Nothing was imported" error={load.error} />}
              {report && (
                <div className="vd-stack">
                  <p>
                    {report.imported.length} {report.imported.length === 1 ? "rule" : "rules"} read, {report.problems.length}{" "}
                    {report.problems.length === 1 ? "problem" : "problems"}.
                  </p>
                  {report.broken.length > 0 && (
                    <section aria-label="Broken rules">
                      <p>
                        {report.broken.length} cannot be run now. {report.broken.length === 1 ? "It is" : "They are"} kept, and tried again with every window:
                      </p>
                      <ul className="vd-plain-list">
                        {report.broken.map((rule) => (
                          <li key={rule.id}>
                            <Link to={workspacePath(workspace, "analytics", rule.id)} onClick={() => setOpen(false)}>
                              {rule.name}
                            </Link>
                            <div className="vd-warn">{brokenText(rule)}</div>
                          </li>
                        ))}
                      </ul>
                    </section>
                  )}
                  {report.problems.length > 0 && (
                    <ul className="vd-problems">
                      {report.problems.map((problem) => (
                        <li key={`${problem.file}:${problem.line ?? 0}:${problem.message}`} className={`vd-problem-${problem.severity.toLowerCase()}`}>
                          <code>
                            {problem.file}
                            {problem.line ? `:${problem.line}` : ""}
                          </code>
                          <span>
                            {problem.message} {problem.hint}
                          </span>
                        </li>
                      ))}
                    </ul>
                  )}
                  <ul className="vd-plain-list">
                    {report.imported.map((rule) => (
                      <li key={rule.id}>
                        <Link to={workspacePath(workspace, "analytics", rule.id)} onClick={() => setOpen(false)}>
                          {rule.name}
                        </Link>
                        <span className="vd-muted"> {OUTCOMES[rule.outcome]}</span>
                      </li>
                    ))}
                  </ul>
                </div>
              )}
            </DialogContent>
            <DialogActions>
              {load.isIdle && (
                <Button appearance="primary" icon={<ArrowUploadRegular />} onClick={() => input.current?.click()}>
                  Choose files
                </Button>
              )}
              <Button appearance={load.isIdle ? "secondary" : "primary"} disabled={load.isPending} onClick={() => setOpen(false)}>
                {load.isIdle ? "Cancel" : "Done"}
              </Button>
            </DialogActions>
          </DialogBody>
        </DialogSurface>
      </Dialog>
    </>
  );
}
