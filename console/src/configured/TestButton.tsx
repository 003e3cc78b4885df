import { Button, Spinner } from "@fluentui/react-components";
import { CheckmarkCircleRegular, DismissCircleRegular, PlugConnectedRegular } from "@fluentui/react-icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import type { TestReport } from "../api/destinations";
import { ErrorView } from "../app/ErrorView";
import { useWorkspace } from "../app/session";
import { formatElapsed } from "../time/format";

/** Tries a destination or an integration as it is stored and shows each step of it; `list` is the query that it changes. */
export function TestButton({ run, list }: { run: () => Promise<TestReport>; list: string }) {
  const { id: ws } = useWorkspace();
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: run,
    onSettled: () => client.invalidateQueries({ queryKey: [list, ws] }),
  });
  return (
    <div className="vd-test">
      <Button
        size="small"
        icon={test.isPending ? <Spinner size="extra-tiny" /> : <PlugConnectedRegular />}
        disabled={test.isPending}
        onClick={() => test.mutate()}
      >
        {test.isPending ? "Testing" : "Test"}
      </Button>
      <div role="status" aria-live="polite">
        {test.isError && <ErrorView what="The test could not be made" error={test.error} />}
        {test.isSuccess && (
          <ol className="vd-steps" aria-label={test.data.ok ? "The test passed" : "The test failed"}>
            {test.data.steps.map((step) => (
              <li key={step.name} className={step.ok ? "vd-good" : "vd-bad"}>
                {step.ok ? <CheckmarkCircleRegular aria-label="Passed" /> : <DismissCircleRegular aria-label="Failed" />}
                <div>
                  <strong>{step.name}</strong> <span className="vd-muted">{formatElapsed(step.durationMs)}</span>
                  <div className="vd-plain">{step.message}</div>
                  {step.hint && <div className="vd-plain">{step.hint}</div>}
                </div>
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  );
}
