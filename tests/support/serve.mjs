/**
 * Starts a server: both Workers on bare workerd, by `xtask serve`.
 *
 * Invariant: a server that was started here does not outlive its process, and its data goes with it.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = join(import.meta.dirname, "../..");
/** The first start builds the Workers. */
const START_LIMIT_MS = 600_000;

/**
 * Serves until this process ends.
 *
 * @param {string[]} options further ones of `xtask serve`
 * @returns {Promise<string>} scheme, host and port; no slash at the end
 */
export async function serve(...options) {
  const xtask = join(ROOT, "target/debug/xtask");
  if (!existsSync(xtask)) {
    throw new Error(`${xtask} is missing: run these tests by \`cargo xtask test\`, or \`cargo build -p xtask\` first`);
  }
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), "sluicegate-"));
  const fixed = ["--port", String(port), "--data", data, "--allow-local-upstreams", "--var", "RATE_LIMIT_SCALE=1000"];
  const server = spawn(xtask, ["serve", ...fixed, ...options], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  server.unref();
  process.on("exit", () => {
    server.kill();
    rmSync(data, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await isHealthy(url))) {
    if (server.exitCode !== null) throw new Error(`xtask serve ended with ${server.exitCode}`);
    if (Date.now() > deadline) throw new Error(`${url}/healthz did not answer`);
    await sleep(100);
  }
  return url;
}

async function isHealthy(url) {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false;
  }
}

/** A port on 127.0.0.1 where nobody listens. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
