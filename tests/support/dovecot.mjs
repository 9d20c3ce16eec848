/** Debian's dovecot as an IMAP server of the tests' own, in a temporary folder: one port with TLS, one with STARTTLS. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./serve.mjs";

const BINARY = "/usr/sbin/dovecot";
const START_LIMIT_MS = 10_000;

/** Whether it is installed; in CI it has to be. */
export function isInstalled() {
  if (!existsSync(BINARY) && process.env.CI) throw new Error(`${BINARY} is missing`);
  return existsSync(BINARY);
}

export class Dovecot {
  /**
   * @param {object} options
   * @param {{ cert: string, key: string }} options.certificate paths of PEM files
   * @param {Record<string, string>} options.users passwords by user
   * @param {string[]} [options.settings] further lines of its configuration
   */
  static async start({ certificate, users, settings = [] }) {
    const dovecot = new Dovecot();
    dovecot.folder = mkdtempSync(join(tmpdir(), "sluicegate-dovecot-"));
    [dovecot.tlsPort, dovecot.startTlsPort] = [await freePort(), await freePort()];
    const path = (name) => join(dovecot.folder, name);
    // For its processes' users; what is in it is of no value.
    chmodSync(dovecot.folder, 0o755);
    mkdirSync(path("mail"));
    const lines = Object.entries(users).map(([user, password]) => `${user}:{PLAIN}${password}::::::\n`);
    writeFileSync(path("users"), lines.join(""), { mode: 0o644 });
    writeFileSync(path("dovecot.conf"), dovecot.#configuration(certificate, settings));
    dovecot.process = spawn(BINARY, ["-F", "-c", path("dovecot.conf")], { stdio: "ignore" });
    process.on("exit", () => dovecot.stop());
    const deadline = Date.now() + START_LIMIT_MS;
    // All ports at once, but for the one with TLS where a setting turns that off.
    while (!(await accepts(dovecot.startTlsPort))) {
      if (dovecot.process.exitCode !== null || Date.now() > deadline) {
        const log = existsSync(path("log")) ? readFileSync(path("log"), "utf8") : "";
        throw new Error(`dovecot does not start: ${log}`);
      }
      await sleep(50);
    }
    return dovecot;
  }

  stop() {
    // Nothing of it is worth an orderly end, which would still be writing to the folder.
    this.process.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  /** As root it wants users of its own, which the package makes; as anybody else it runs as that user alone. */
  #configuration({ cert, key }, settings) {
    const { username, uid, gid } = userInfo();
    const users = uid === 0 ? [] : [`default_internal_user = ${username}`, `default_login_user = ${username}`];
    const owner = uid === 0 ? "uid=nobody gid=nogroup" : `uid=${uid} gid=${gid}`;
    return `
base_dir = ${this.folder}/run
state_dir = ${this.folder}/state
log_path = ${this.folder}/log
${users.join("\n")}
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${cert}
ssl_key = <${key}
ssl_min_protocol = TLSv1.2
auth_failure_delay = 0
mail_location = maildir:${this.folder}/mail/%u
passdb {
  driver = passwd-file
  args = scheme=PLAIN ${this.folder}/users
}
userdb {
  driver = static
  args = ${owner} home=${this.folder}/mail
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${this.startTlsPort}
  }
  inet_listener imaps {
    port = ${this.tlsPort}
    ssl = yes
  }
}
service anvil {
  chroot =
}
${settings.join("\n")}
`;
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true) ?? socket.destroy());
    socket.once("error", () => resolve(false));
  });
}
