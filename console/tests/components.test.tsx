import { FluentProvider, webLightTheme } from "@fluentui/react-components";
import { QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import type { ReactNode } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { createQueryClient, routes } from "../src/app/App";
import { belongsToFocus, commandFor, keyName, useCommands } from "../src/app/commands";
import { matchCommands } from "../src/app/Overlays";
import { readPreferences } from "../src/app/preferences";
import { thresholdText } from "../src/analytics/RulePage";
import { describeRun } from "../src/analytics/useRules";
import { CloseDialog } from "../src/incidents/CloseDialog";
import { logsHash, readLogsHash } from "../src/logs/link";
import { position, Problems } from "../src/logs/Problems";
import { Results } from "../src/logs/Results";
import { ValueMenuProvider } from "../src/values/ValueMenu";
import { codeOf, safeNext } from "../src/signin/SignInPage";

const themed = (children: ReactNode) => render(<FluentProvider theme={webLightTheme}>{children}</FluentProvider>);

describe("closing", () => {
  it("is done with two keys, and with a comment and Ctrl+Enter", async () => {
    const user = userEvent.setup();
    const submitted = vi.fn();
    themed(<CloseDialog numbers={[7, 8]} onClose={() => undefined} onSubmit={submitted} />);
    await user.click(screen.getByRole("radio", { name: /True positive/ }));
    await user.keyboard("4{Enter}");
    expect(submitted).toHaveBeenLastCalledWith([7, 8], {
      status: "Closed", classification: "FalsePositive", classificationReason: "InaccurateData", classificationComment: null,
    }, undefined);
    await user.click(screen.getByLabelText(/Comment/));
    await user.keyboard("seen 5 times{Control>}{Enter}{/Control}");
    expect(submitted).toHaveBeenLastCalledWith([7, 8], expect.objectContaining({ classification: "FalsePositive", classificationComment: "seen 5 times" }), undefined);
  });

  it("dismisses the alerts at their source where that is asked for", async () => {
    const user = userEvent.setup();
    const submitted = vi.fn();
    themed(<CloseDialog numbers={[7]} onClose={() => undefined} onSubmit={submitted} />);
    await user.click(screen.getByRole("checkbox", { name: /dismiss its alerts/ }));
    await user.click(screen.getByRole("radio", { name: /True positive/ }));
    await user.keyboard("{Enter}");
    expect(submitted).toHaveBeenLastCalledWith([7], expect.objectContaining({ status: "Closed" }), "Dismiss");
  });
});

describe("problems of a query", () => {
  const text = "T\n| where Usr == 1";
  it("say where, what and how to put it right", async () => {
    const user = userEvent.setup();
    const fixed = vi.fn();
    const one = { code: "KS142", severity: "Error" as const, message: "no column 'Usr' in T", start: 10, length: 3, hint: "did you mean 'User'?", fix: "User" };
    themed(<Problems text={text} diagnostics={[one]} onSelect={() => undefined} onFix={fixed} />);
    expect(screen.getByRole("button", { name: "Line 2, column 9" })).toBeTruthy();
    expect(screen.getByText(/no column 'Usr' in T – did you mean 'User'\?/)).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Write User" }));
    expect(fixed).toHaveBeenCalledWith(one, "User");
  });
  it("count lines and columns from 1", () => {
    expect(position(text, 0)).toEqual({ line: 1, column: 1 });
    expect(position(text, 2)).toEqual({ line: 2, column: 1 });
  });
});

describe("a query of several statements", () => {
  const table = (...values: number[]) => ({
    columns: [{ name: "a", type: "long" as const }], rows: values.map((value) => [value]), stats: { elapsedMs: 1, rows: values.length },
  });
  it("shows a table for each of them", async () => {
    const user = userEvent.setup();
    const result = { ...table(41), more: [{ ...table(42, 43), name: "Second" }] };
    const state = {
      result, of: { query: "A; B", range: { kind: "relative", duration: "PT1H" } as const }, error: null, errorOf: null,
      started: null, elapsedMs: 1, cancelled: false,
    };
    themed(
      <ValueMenuProvider>
        <Results state={state} tables={[]} link={() => ""} onQuery={() => undefined} onCancel={() => undefined} />
      </ValueMenuProvider>,
    );
    expect(screen.getByRole("tab", { name: "Table 1 (1)" }).getAttribute("aria-selected")).toBe("true");
    expect(screen.getByText("1 row")).toBeTruthy();
    await user.click(screen.getByRole("tab", { name: "Second (2)" }));
    expect(screen.getByText("2 rows")).toBeTruthy();
    expect(screen.getByRole("grid", { name: "Result rows" }).getAttribute("aria-rowcount")).toBe("3");
  });
});

describe("links", () => {
  it("to a query hold it whole, in the part that is not sent", () => {
    const state = { query: 'T | where a == "x&y=z#+ %"\n| take 5', range: { kind: "relative", duration: "PT1H" } as const, run: true };
    expect(readLogsHash(logsHash(state))).toEqual(state);
    expect(readLogsHash("#other=1")).toBeNull();
  });
  it("after signing in stay within the console", () => {
    expect(safeNext("/w/demo/logs#q=1")).toBe("/w/demo/logs#q=1");
    for (const foreign of [null, "", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n\\evil.example", "/x/..//evil.example", "/signin?next=/"]) expect(safeNext(foreign)).toBe("/");
  });
  it("that were pasted give their code", () => {
    expect(codeOf(" http://127.0.0.1:8080/signin?token=abc-1 ")).toBe("abc-1");
    expect(codeOf("abc-1\n")).toBe("abc-1");
  });
});

describe("preferences", () => {
  it("survive what an older or broken console stored", () => {
    expect(readPreferences({ theme: "neon", zone: "local", density: 5 })).toMatchObject({ theme: "system", zone: "local", density: "compact" });
    expect(readPreferences("x")).toMatchObject({ theme: "system", zone: "utc" });
  });
});

describe("rules in words", () => {
  it("say the threshold", () => {
    expect(thresholdText({ triggerOperator: "gt", triggerThreshold: 0 })).toBe("Alerts when the query gives more than 0 rows");
    expect(thresholdText({ triggerOperator: "LessThan", triggerThreshold: 5 })).toBe("Alerts when the query gives fewer than 5 rows");
    expect(thresholdText({ triggerOperator: null, triggerThreshold: null })).toBe("Alerts on every row");
  });
  it("say what a run did", () => {
    const run = { id: "r", ruleId: "x", trigger: "manual", windowStartUtc: "", windowEndUtc: "", startedTimeUtc: "", durationMs: 1, outcome: "matched", rows: 5, alerts: 1, incidents: [17] } as const;
    expect(describeRun("R", { ...run, incidents: [...run.incidents] })).toBe("R matched 5 rows: incident #17");
    expect(describeRun("R", { ...run, incidents: [], outcome: "failed", error: { code: "KS142", message: "no column" } })).toBe("R failed: no column");
  });
});

describe("commands", () => {
  const run = vi.fn();
  function Page({ enabled }: { enabled: boolean }) {
    useCommands([
      { id: "a", title: "Assign to me", group: "G", keys: ["a"], run, enabled },
      { id: "b", title: "Go to Logs", group: "G", run },
      { id: "c", title: "Next", group: "G", keys: ["j"], keysOnly: true, run },
    ]);
    return (
      <>
        <input aria-label="text" />
        <input type="checkbox" aria-label="box" />
        <button type="button">Do</button>
        <div data-testid="plain" />
      </>
    );
  }
  beforeEach(() => run.mockClear());

  it("are found by key while their page is shown and they are enabled", () => {
    const { rerender, unmount } = render(<Page enabled />);
    expect(commandFor("a")?.id).toBe("a");
    rerender(<Page enabled={false} />);
    expect(commandFor("a")).toBeUndefined();
    expect(commandFor("j")?.id).toBe("c");
    unmount();
    expect(commandFor("j")).toBeUndefined();
  });

  it("leave keys to boxes, to buttons that act on them, and to open dialogs", () => {
    render(<Page enabled />);
    const on = (target: Element | null, key: string) => belongsToFocus({ key, target });
    expect(on(screen.getByLabelText("text"), "a")).toBe(true);
    expect(on(screen.getByLabelText("box"), "a")).toBe(false);
    expect(on(screen.getByLabelText("box"), " ")).toBe(true);
    expect(on(screen.getByRole("button"), "Enter")).toBe(true);
    expect(on(screen.getByRole("button"), "j")).toBe(false);
    expect(on(screen.getByTestId("plain"), "Enter")).toBe(false);
    document.body.insertAdjacentHTML("beforeend", '<div id="modal" aria-modal="true"></div>');
    expect(on(screen.getByTestId("plain"), "j")).toBe(true);
    document.getElementById("modal")?.remove();
  });

  it("name keys as they are typed", () => {
    expect(keyName({ key: "?", shiftKey: true })).toBe("?");
    expect(keyName({ key: "Enter", shiftKey: true })).toBe("Shift+Enter");
  });

  it("are matched by all words, titles that begin with the text first", () => {
    const list = [
      { id: "1", title: "Show or go", group: "G", run },
      { id: "2", title: "Go to Logs", group: "G", run },
      { id: "3", title: "Go away", group: "G", run, enabled: false },
    ];
    expect(matchCommands(list, "go").map((one) => one.id)).toEqual(["2", "1"]);
    expect(matchCommands(list, "logs go").map((one) => one.id)).toEqual(["2"]);
  });
});

describe("signing in", () => {
  function start(address: string, answers: Record<string, () => [number, unknown]>) {
    vi.stubGlobal("fetch", vi.fn((path: string, init: RequestInit) => {
      const [status, body] = answers[`${init.method ?? "GET"} ${path}`]?.() ?? [404, { error: { code: "NotFound", message: `no ${path}` } }];
      return Promise.resolve(new Response(JSON.stringify(body), { status }));
    }));
    const router = createMemoryRouter(routes, { initialEntries: [address] });
    render(
      <FluentProvider theme={webLightTheme}>
        <QueryClientProvider client={createQueryClient()}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </FluentProvider>,
    );
    return router;
  }
  const health = (): [number, unknown] => [200, { status: "ok", version: "9.9.9" }];

  it("takes the token out of the address and says why it was refused", async () => {
    const router = start("/signin?token=old&next=%2Fw%2Fdemo", {
      "GET /api/v1/health": health,
      "POST /api/v1/session": () => [401, { error: { code: "UsedToken", message: "This code was used already." } }],
    });
    await screen.findByText("This code was used already.");
    expect(screen.getByText(/works once/)).toBeTruthy();
    expect(router.state.location.search).toBe("?next=%2Fw%2Fdemo");
    expect(screen.getByText("Version 9.9.9")).toBeTruthy();
  });

  it("leads there from any page when there is no session, and remembers the page", async () => {
    const router = start("/w/demo/logs#q=T", {
      "GET /api/v1/health": health,
      "GET /api/v1/session": () => [401, { error: { code: "NotSignedIn", message: "Sign in first." } }],
    });
    await screen.findByLabelText(/Sign-in code/);
    expect(router.state.location.pathname + router.state.location.search).toBe(`/signin?next=${encodeURIComponent("/w/demo/logs#q=T")}`);
  });

  it("says when the server does not answer", async () => {
    start("/signin", {});
    vi.mocked(fetch).mockImplementation(() => Promise.reject(new TypeError("refused")));
    await waitFor(() => screen.getByText("Vedette's server cannot be reached."));
  });

  it("shows a person without a workspace what to do", async () => {
    start("/", {
      "GET /api/v1/session": () => [200, { principal: { id: "u", kind: "user", name: "Ana" }, expiresTimeUtc: "", version: "1" }],
      "GET /api/v1/workspaces": () => [200, { value: [], count: 0 }],
    });
    await screen.findByText("You have no role in any workspace");
  });

  it("has no accessibility fault that axe can find", async () => {
    start("/signin", { "GET /api/v1/health": health });
    await screen.findByText("Version 9.9.9");
    const found = await act(() => axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } }));
    expect(found.violations.map((one) => `${one.id}: ${one.help}`)).toEqual([]);
  });
});

it("the close dialog has no accessibility fault that axe can find", async () => {
  themed(<CloseDialog numbers={[1]} onClose={() => undefined} onSubmit={() => undefined} />);
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getAllByRole("radio")).toHaveLength(5);
  const found = await act(() => axe.run(dialog, { rules: { "color-contrast": { enabled: false } } }));
  expect(found.violations.map((one) => one.id)).toEqual([]);
});
