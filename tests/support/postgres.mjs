/** A PostgreSQL of the tests' own, in a temporary folder, over TCP with SCRAM and, given a certificate, TLS. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { freePort } from "./serve.mjs";

/** Ends with its input, however this process ends. */
const SERVE = `
set -eu
cd /tmp
dir=$(mktemp -d /tmp/sluicegate-postgres-XXXXXX)
trap 'rm -rf "$dir"' EXIT
"$BIN/initdb" -D "$dir/data" -U admin -E UTF8 --locale=C --no-sync --auth-local=trust --auth-host=scram-sha-256 >&2
ssl=off
if [ -n "$CERT" ]; then
  ssl=on
  (umask 077; printf %s "$CERT" >"$dir/data/server.crt"; printf %s "$KEY" >"$dir/data/server.key")
fi
"$BIN/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$PORT" -c unix_socket_directories="$dir" \\
  -c fsync=off -c ssl=$ssl >"$dir/log" 2>&1 &
server=$!
until "$BIN/pg_isready" -q -h "$dir" -p "$PORT" -U admin; do kill -0 $server; sleep 0.05; done
echo "$dir"
read -r _ || true
kill -QUIT $server
wait $server || true
`;

/** Where its programs are, or null; in CI it has to be installed. */
export function binaries() {
  const folder = "/usr/lib/postgresql";
  const versions = existsSync(folder) ? readdirSync(folder).map(Number).filter(Boolean) : [];
  if (versions.length === 0 && process.env.CI) throw new Error(`${folder} is missing`);
  return versions.length === 0 ? null : `${folder}/${Math.max(...versions)}/bin`;
}

export class Postgres {
  /**
   * @param {object} [options]
   * @param {{ cert: string, key: string }} [options.certificate] PEM texts; without them it speaks no TLS
   * @param {string} [options.setup] SQL, run as the superuser
   */
  static async start({ certificate = { cert: "", key: "" }, setup = "" } = {}) {
    const postgres = new Postgres();
    postgres.port = await freePort();
    postgres.bin = binaries();
    const environment = { BIN: postgres.bin, PORT: String(postgres.port), CERT: certificate.cert, KEY: certificate.key };
    // It does not run as root.
    const nobody = process.getuid() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["env"];
    const [command, ...prefix] = nobody;
    postgres.process = spawn(command, [...prefix, "sh", "-c", SERVE], {
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = once(postgres.process, "exit").then(() => Promise.reject(new Error("PostgreSQL does not start")));
    ended.catch(() => {});
    [postgres.sockets] = await Promise.race([once(createInterface(postgres.process.stdout), "line"), ended]);
    if (setup) postgres.admin(setup);
    return postgres;
  }

  /** Runs SQL as the superuser; gives back what it prints. */
  admin(sql) {
    const at = ["-h", this.sockets, "-p", String(this.port), "-U", "admin", "-d", "postgres"];
    return execFileSync(`${this.bin}/psql`, [...at, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql], { encoding: "utf8" }).trim();
  }

  stop() {
    this.process.stdin.end();
  }
}
