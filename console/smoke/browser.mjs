/** The built console in Debian's Chromium against the mock server. */

import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

import { createMock } from "../mock/server.mjs";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export function chromiumPath() {
  const candidates = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return candidates.find((path) => path && existsSync(path)) ?? null;
}

/** Starts a mock server on a free port and a browser; `close` ends both. */
export async function open(options = {}) {
  const mock = createMock(options);
  await new Promise((resolve) => mock.server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${mock.server.address().port}`;
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  const context = await browser.newContext({ viewport: { width: options.width ?? 1280, height: options.height ?? 800 }, colorScheme: options.dark ? "dark" : "light", timezoneId: "Europe/Copenhagen", permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself reports 4xx answers, which some checks provoke.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) faults.push(`foreign request: ${request.url()}`);
  });
  const close = async () => {
    await browser.close();
    mock.server.closeAllConnections();
    await new Promise((resolve) => mock.server.close(resolve));
  };
  return { mock, base, page, faults, close };
}
