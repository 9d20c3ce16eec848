/**
 * A real Chromium: `CHROMIUM`, or the system's. Where there is none, the suites are skipped and say how to get it; in CI
 * they fail.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { GATE } from "./gate.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const HELP = "no Chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM to the path of one";
const SCREENSHOTS = join(import.meta.dirname, "../../target/screenshots");

const executablePath = process.env.CHROMIUM || find();
const inCi = process.env.CI && process.env.CI !== "false";

/** For `suite(name, WITH_CHROMIUM, …)`. */
export const WITH_CHROMIUM = { skip: executablePath || inCi ? false : HELP };

function find() {
  const candidates = (process.env.PATH ?? "").split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name)));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** One browser for a suite. What it returns opens a fresh profile: no cookie, no cache. */
export function useBrowser() {
  let browser;
  before(async () => {
    assert.ok(executablePath, HELP);
    browser = await chromium.launch({
      executablePath,
      args: [
        // Debian's Chromium refuses its sandbox to root, as whom containers run tests.
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  });
  after(() => browser?.close());
  return async (options = {}) => {
    const context = await browser.newContext({ baseURL: GATE, ...options });
    context.setDefaultTimeout(15_000);
    return context;
  };
}

/** Saves the whole page as `target/screenshots/{name}.png`. */
export async function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
