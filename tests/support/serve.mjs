/**
 * Starts a server: both Workers on bare workerd, by `xtask serve`.
 *
 * Invariant: a server that was started here does not outlive its process, and its data goes with it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = join(import.meta.dirname, "../..");
/** The first start builds the Workers. */
const START_LIMIT_MS = 600_000;

/** The command line of this checkout. */
export const XTASK = join(ROOT, "target/debug/xtask");

/**
 * Serves until this process ends.
 *
 * @param {string[]} options further ones of `xtask serve`
 * @returns {Promise<string>} scheme, host and port; no slash at the end
 */
export async function serve(...options) {
  const server = await Server.create();
  await server.start(...options);
  return server.url;
}

/** A server that can be killed and started again, on the same data and port. */
export class Server {
  #process;

  static async create() {
    if (!existsSync(XTASK)) {
      throw new Error(`${XTASK} is missing: run these tests by \`cargo xtask test\`, or \`cargo build -p xtask\` first`);
    }
    const server = new Server();
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.data = mkdtempSync(join(tmpdir(), "sluicegate-"));
    process.on("exit", () => {
      server.#process?.kill();
      rmSync(server.data, { recursive: true, force: true });
    });
    return server;
  }

  /** Where it writes what it says, if anywhere but to this process's standard error: set before the start. */
  log = null;

  /** @param {string[]} options further ones of `xtask serve` */
  async start(...options) {
    const fixed = ["--port", String(this.port), "--data", this.data, "--allow-local-upstreams"];
    const log = this.log && openSync(this.log, "a");
    const stdio = log ? ["ignore", log, log] : ["ignore", "ignore", "inherit"];
    this.#process = spawn(XTASK, ["serve", ...fixed, "--var", "RATE_LIMIT_SCALE=1000", ...options], { cwd: ROOT, stdio });
    if (log) closeSync(log);
    this.#process.unref();
    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await isHealthy(this.url))) {
      if (this.#process.exitCode !== null) throw new Error(`xtask serve ended with ${this.#process.exitCode}`);
      if (Date.now() > deadline) throw new Error(`${this.url}/healthz did not answer`);
      await sleep(100);
    }
  }

  /** As a power cut would. `xtask serve` has become workerd by now. */
  async kill9() {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
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
