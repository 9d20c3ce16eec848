/** What a page must be for everybody: no serious accessibility problem by axe-core. */
import assert from "node:assert/strict";
import axe from "axe-core";

/** Fails on serious and critical problems; the others are said through `t.diagnostic`. */
export async function assertAccessible(page, name, t) {
  // Not a script element: the pages' policy would refuse it.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map(({ id, impact, nodes }) => `${impact}: ${id} at ${nodes.map(({ target }) => target)}`);
  for (const line of found) t.diagnostic(`${name}: ${line}`);
  assert.deepEqual(found.filter((line) => /^(serious|critical)/.test(line)), [], name);
}
