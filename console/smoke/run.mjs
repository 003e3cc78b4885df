/**
 * node smoke/run.mjs [--only TEXT] [--shots DIR]
 *
 * Runs the checks against the built console (npm run build first), then axe on every page in both themes; --shots writes
 * a picture of each page. Needs a Chromium: CHROMIUM names one that is not in the usual place.
 */

import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { chromiumPath, open } from "./browser.mjs";
import { checks, PAGES } from "./checks.mjs";

const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const only = option("only");
const shots = option("shots");
const say = (text) => process.stdout.write(`${text}\n`);
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

if (!existsSync(fileURLToPath(new URL("../../src/vedette/console_assets/index.html", import.meta.url)))) {
  say("The console is not built: npm run build");
  process.exit(2);
}
if (!chromiumPath()) {
  say("No Chromium was found: install Debian's chromium, or name one in CHROMIUM");
  process.exit(2);
}

let passed = 0;
let failed = 0;
async function attempt(name, options, check) {
  if (only && !name.includes(only)) return;
  const session = await open(options);
  try {
    await session.page.goto(`${session.base}/signin?token=demo`);
    await session.page.waitForURL(/incidents/);
    if (name.startsWith("signs in")) await session.page.context().clearCookies();
    session.page.setDefaultTimeout(10_000);
    await check(session);
    if (session.faults.length) throw new Error(session.faults.join("\n"));
    passed += 1;
    say(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    say(`FAIL ${name}\n${error.stack ?? error}`);
    if (shots) await session.page.screenshot({ path: `${shots}/failed-${failed}.png` });
  } finally {
    await session.close();
  }
}

if (shots) mkdirSync(shots, { recursive: true });
for (const [name, check] of Object.entries(checks)) await attempt(name, {}, check);

for (const dark of [false, true]) {
  await attempt(`every page passes axe, ${dark ? "dark" : "light"}`, { dark }, async ({ page, base }) => {
    const found = [];
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto("about:blank");
      await page.goto(base + path);
      await page.waitForLoadState("networkidle");
      await page.waitForTimeout(700);
      if (shots) await page.screenshot({ path: `${shots}/${name}${dark ? "-dark" : ""}.png` });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth || document.querySelector("main").scrollWidth - document.querySelector("main").clientWidth);
      if (overflow > 0) found.push(`${name}: ${overflow} px too wide for 1,280`);
      // Fluent's focus helpers (data-tabster-dummy) are focusable and hidden on purpose: they pass the focus on.
      // Through the debugger, so that the page's content security policy stays as it is.
      await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
      const { violations } = await page.evaluate(() => globalThis.axe.run({ exclude: [["[data-tabster-dummy]"]] }));
      for (const one of violations) found.push(`${name}: ${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join("; ")}`);
    }
    if (found.length) throw new Error(found.join("\n"));
  });
}

say(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
