import { FluentProvider, webLightTheme } from "@fluentui/react-components";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Destination, DestinationKind, ManifestField } from "../src/api/destinations";
import { initialValues, problems, serverProblems, toWrite } from "../src/configured/form";
import { ManifestInput } from "../src/configured/ManifestInput";

const field = (change: Partial<ManifestField>): ManifestField => ({ name: "x", label: "X", type: "string", required: true, ...change });
const kindOf = (...fields: ManifestField[]): DestinationKind => ({ kind: "k", displayName: "K", description: "", permissions: [], fields });
const problemOf = (change: Partial<ManifestField>, value: string) => problems(kindOf(field(change)), { x: value }, null).x ?? null;

const STORED: Destination = {
  id: "d", kind: "k", name: "D", enabled: true, settings: { url: "https://a.example", retries: 3 },
  secrets: { key: { set: true, changedTimeUtc: "2026-01-01T00:00:00Z" } },
  health: { state: "unknown", message: null, lastSuccessTimeUtc: null, lastAttemptTimeUtc: null, pending: 0, failed: 0 },
};
const KIND = kindOf(
  field({ name: "url", type: "url" }),
  field({ name: "retries", type: "integer", required: false, default: 5 }),
  field({ name: "verify", type: "boolean", required: false, default: true }),
  field({ name: "key", type: "secret" }),
);

describe("the form of a manifest", () => {
  it("needs a field only where it is asked for", () => {
    const kind = kindOf(field({ name: "how", type: "string" }), field({ name: "token", when: { field: "how", value: "token" } }));
    expect(problems(kind, { how: "key", token: "" }, null)).toEqual({});
    expect(problems(kind, { how: "token", token: "" }, null)).toEqual({ token: "X is needed." });
  });

  it.each([
    [{}, "", "X is needed."],
    [{ required: false }, "", null],
    [{ type: "guid" }, "12", "A GUID: 8-4-4-4-12 hexadecimal digits."],
    [{ type: "guid" }, " 8F0C6C1E-1111-4222-8333-444455556666 ", null],
    [{ type: "url" }, "javascript:alert(1)", "An address that begins with https://."],
    [{ type: "url" }, "https://arm.example/", null],
    [{ type: "integer", minimum: 1, maximum: 9 }, "0", "At least 1."],
    [{ type: "integer", minimum: 1, maximum: 9 }, "10", "At most 9."],
    [{ type: "integer" }, "1.5", "A whole number."],
    [{ type: "enum", options: [{ value: "a", label: "A" }] }, "b", "Choose one of the list."],
    [{ pattern: "[a-z]{2}" }, "abc", "X does not have the expected form."],
    [{ pattern: "[a-z]{2}" }, "ab", null],
    [{ pattern: "(" }, "whatever the server says", null],
  ] as [Partial<ManifestField>, string, string | null][])("%j with %j: %s", (change, value, expected) => {
    expect(problemOf(change, value)).toBe(expected);
  });

  it("starts with the stored settings, the defaults, and never a secret", () => {
    expect(initialValues(KIND, STORED)).toEqual({ url: "https://a.example", retries: "3", verify: true, key: "" });
    expect(initialValues(KIND, null)).toEqual({ url: "", retries: "5", verify: true, key: "" });
  });

  it("needs a secret only where none is stored", () => {
    const entered = { url: "https://a.example", key: "" };
    expect(problems(KIND, entered, null)).toHaveProperty("key");
    expect(problems(KIND, entered, STORED)).toEqual({});
  });

  it("sends settings by type, and secrets only when entered", () => {
    expect(toWrite(KIND, " Name ", true, { url: " https://a.example ", retries: "", verify: false, key: "" }, false)).toEqual({
      name: "Name", enabled: true, settings: { url: "https://a.example", retries: null, verify: false },
    });
    expect(toWrite(KIND, "N", false, { url: "u", retries: "7", verify: true, key: " s " }, true)).toEqual({
      kind: "k", name: "N", enabled: false, settings: { url: "u", retries: 7, verify: true }, secrets: { key: " s " },
    });
  });

  it("takes the server's complaints by field", () => {
    expect(serverProblems({ fields: { url: "not reachable", other: 5 } })).toEqual({ url: "not reachable" });
    expect(serverProblems({})).toEqual({});
  });
});

describe("a stored secret", () => {
  it("is said to be stored and never shown; replacing it is a decision that can be taken back", async () => {
    const user = userEvent.setup();
    const changed = vi.fn();
    const key = field({ name: "key", label: "Key", type: "secret" });
    render(
      <FluentProvider theme={webLightTheme}>
        <ManifestInput field={key} value="" problem={undefined} disabled={false} secret={{ set: true, changedTimeUtc: null }} onChange={changed} />
      </FluentProvider>,
    );
    expect(screen.getByText(/Stored/)).toBeTruthy();
    expect(screen.queryByLabelText("Key")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Replace" }));
    const box = screen.getByLabelText("Key");
    expect(box.getAttribute("type")).toBe("password");
    await user.type(box, "a");
    expect(changed).toHaveBeenLastCalledWith("a");
    await user.click(screen.getByRole("button", { name: "Keep the stored one" }));
    expect(changed).toHaveBeenLastCalledWith("");
    expect(screen.queryByLabelText("Key")).toBeNull();
  });
});
