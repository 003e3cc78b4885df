import { describe, expect, it, vi } from "vitest";

import { ApiError, explain, http, onUnauthorized, parseJson, queryString } from "../src/api/http";

function answer(status: number, body: string, statusText = ""): void {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(status === 204 ? null : body, { status, statusText }))));
}

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    expect(parseJson('{"a": [1, 2.5, null, "x"]}')).toEqual({ a: [1, 2.5, null, "x"] });
  });

  it("keeps the digits of integers beyond 2^53 where the engine gives the source text", () => {
    // Chromium's JSON.parse hands the reviver the source; Node 20's does not, and then the number stays a number.
    const native = JSON.parse.bind(JSON);
    vi.spyOn(JSON, "parse").mockImplementation((text: string, reviver?: (key: string, value: unknown) => unknown) => {
      const value: unknown = native(text);
      if (!reviver || !Array.isArray(value)) return value;
      const sources = text.replace(/[[\] ]/g, "").split(",");
      const withSource = reviver as (this: unknown, key: string, value: unknown, context: { source: string }) => unknown;
      return value.map((one, index) => withSource.call(value, String(index), one, { source: sources[index] ?? "" }));
    });
    expect(parseJson("[9007199254740993, -9223372036854775808, 12]")).toEqual(["9007199254740993", "-9223372036854775808", 12]);
  });
});

describe("http", () => {
  it("marks every call that changes something, and no other", async () => {
    answer(200, "{}");
    await http.get("/x");
    await http.patch("/x", { a: 1 });
    const calls = vi.mocked(fetch).mock.calls;
    expect(calls[0]?.[0]).toBe("/api/v1/x");
    expect(calls[0]?.[1]?.headers).not.toHaveProperty("X-Vedette-Request");
    expect(calls[1]?.[1]?.headers).toMatchObject({ "X-Vedette-Request": "console", "Content-Type": "application/json" });
    expect(calls[1]?.[1]?.body).toBe('{"a":1}');
  });

  it("throws the server's own error", async () => {
    answer(409, JSON.stringify({ error: { code: "NameTaken", message: "The name is taken.", hint: "Choose another.", details: { fields: { name: "taken" } } } }));
    const error = await http.post("/x", {}).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 409, code: "NameTaken", message: "The name is taken.", hint: "Choose another." });
    expect((error as ApiError).details).toEqual({ fields: { name: "taken" } });
  });

  it("reads an answer in lines as they come, wherever its parts are cut", async () => {
    const bytes = new TextEncoder().encode('{"done":1}\n\n{"name":"Zoë"}\n{"error":{"code":"X","message":"No.","hint":"Other."}}');
    for (const size of [1, 3, 1000]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.slice(index * size, (index + 1) * size));
      const body = new ReadableStream<Uint8Array>({
        start(one) {
          for (const part of parts) one.enqueue(part);
          one.close();
        },
      });
      vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(body))));
      const told: unknown[] = [];
      const error = await (async () => {
        for await (const line of http.lines("/x", {})) told.push(line);
      })().catch((one: unknown) => one);
      expect(told).toEqual([{ done: 1 }, { name: "Zoë" }]);
      expect(error).toMatchObject({ code: "X", message: "No.", hint: "Other." });
    }
    expect(vi.mocked(fetch).mock.calls[0]?.[1]?.headers).toMatchObject({ Accept: "application/x-ndjson", "X-Vedette-Request": "console" });
  });

  it("says what it can of an answer that is not ours", async () => {
    answer(502, "<html>Bad gateway</html>", "Bad Gateway");
    await expect(http.get("/x")).rejects.toMatchObject({ status: 502, code: "HTTP502", message: "The server answered 502 Bad Gateway without saying why." });
  });

  it("says that the server cannot be reached", async () => {
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new TypeError("Failed to fetch"))));
    const error = await http.get("/x").catch((one: unknown) => one);
    expect(explain(error)).toMatchObject({ message: "Vedette's server cannot be reached.", code: "Unreachable" });
  });

  it("gives an abort back as an abort", async () => {
    vi.stubGlobal("fetch", vi.fn(() => Promise.reject(new DOMException("gone", "AbortError"))));
    await expect(http.get("/x")).rejects.toMatchObject({ name: "AbortError" });
  });

  it("tells of an ended session, but not when asking for the session itself", async () => {
    answer(401, JSON.stringify({ error: { code: "NotSignedIn", message: "Sign in first." } }));
    const heard = vi.fn();
    const stop = onUnauthorized(heard);
    await http.get("/session").catch(() => undefined);
    expect(heard).not.toHaveBeenCalled();
    await http.get("/workspaces").catch(() => undefined);
    expect(heard).toHaveBeenCalledOnce();
    stop();
  });

  it("returns nothing for 204", async () => {
    answer(204, "");
    await expect(http.delete("/x")).resolves.toBeUndefined();
  });
});

describe("queryString", () => {
  it("leaves out what has no value and escapes the rest", () => {
    expect(queryString({ q: "a&b c", top: 5, skip: 0, status: "", owner: null, sort: undefined })).toBe("?q=a%26b+c&top=5&skip=0");
    expect(queryString({})).toBe("");
  });
});
