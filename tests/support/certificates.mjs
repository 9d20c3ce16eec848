/** A certificate authority of the tests' own, and certificates for 127.0.0.1 and localhost as they should be and should not. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HERE = "DNS:localhost,IP:127.0.0.1";

/**
 * @typedef {{ cert: string, key: string }} Pair paths of PEM files
 * @returns {{ ca: string, good: Pair, expired: Pair, otherName: Pair, selfSigned: Pair }} deleted when this process ends
 */
export function certificates() {
  const folder = mkdtempSync(join(tmpdir(), "sluicegate-certificates-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const path = (name) => join(folder, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

  const own = (name, subject, extensions, days = "2") => {
    const extra = extensions.flatMap((extension) => ["-addext", extension]);
    openssl("req", "-x509", ...newKey, "-days", days, "-subj", subject, ...extra, "-keyout", `${name}.key`, "-out", `${name}.pem`);
    return { cert: path(`${name}.pem`), key: path(`${name}.key`) };
  };
  const ca = own("ca", "/CN=Sluicegate tests", ["keyUsage=critical,keyCertSign"]);
  const signed = (name, names, days = "2") => {
    openssl("req", ...newKey, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    writeFileSync(path(`${name}.ext`), `subjectAltName=${names}\n`);
    const by = ["-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial", "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-days", days, "-out", `${name}.pem`);
    return { cert: path(`${name}.pem`), key: path(`${name}.key`) };
  };
  return {
    ca: ca.cert,
    good: signed("good", HERE),
    expired: signed("expired", HERE, "-1"),
    otherName: signed("other", "DNS:other.example"),
    selfSigned: own("self", "/CN=localhost", [`subjectAltName=${HERE}`, "basicConstraints=critical,CA:false"]),
  };
}
