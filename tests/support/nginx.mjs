/** Debian's nginx as a proxy of the tests' own, in a temporary folder and one process. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BINARY = "/usr/sbin/nginx";
const START_LIMIT_MS = 10_000;

/** Why a test of it is skipped, or false where it is installed; in CI it has to be. */
export function skip() {
  if (existsSync(BINARY)) return false;
  const how = `${BINARY} is missing: apt-get install nginx-light`;
  if (process.env.CI) throw new Error(how);
  return how;
}

export class Nginx {
  /**
   * @param {number} port where it listens, on 127.0.0.1
   * @param {string} locations what stands in its one `server`
   */
  static async start(port, locations) {
    const nginx = new Nginx();
    nginx.folder = mkdtempSync(join(tmpdir(), "sluicegate-nginx-"));
    const path = (name) => join(nginx.folder, name);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${path(name)};`)
      .join(" ");
    const configuration = `
daemon off; master_process off; pid ${path("pid")}; error_log ${path("error.log")};
events { worker_connections 256; }
http {
  access_log off; ${temporary}
  server { listen 127.0.0.1:${port}; ${locations} }
}
`;
    writeFileSync(path("nginx.conf"), configuration);
    // `-e`: before it has read its configuration it would write where only root may.
    const options = ["-e", path("error.log"), "-c", path("nginx.conf")];
    nginx.process = spawn(BINARY, options, { stdio: "ignore" });
    process.on("exit", () => nginx.stop());
    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await accepts(port))) {
      if (nginx.process.exitCode !== null || Date.now() > deadline) {
        const log = existsSync(path("error.log")) ? readFileSync(path("error.log"), "utf8") : "";
        throw new Error(`nginx does not start: ${log}`);
      }
      await sleep(50);
    }
    return nginx;
  }

  stop() {
    this.process?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    socket.once("connect", () => socket.end());
  });
}
