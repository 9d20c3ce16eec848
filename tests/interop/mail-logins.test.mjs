/**
 * Connections to mail servers, through the product: npm's `smtp-server`, Debian's dovecot, and servers that are neither. A
 * connection is made only after a login, and one that is not made says why.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, suite, test } from "node:test";
import { SMTPServer } from "smtp-server";
import { certificates } from "../support/certificates.mjs";
import { Dovecot, isInstalled } from "../support/dovecot.mjs";
import { freePort } from "../support/serve.mjs";
import { Tenant } from "../support/tenant.mjs";

const USER = "ada";
const [PASSWORD, WRONG] = [randomBytes(12).toString("hex"), randomBytes(12).toString("hex")];

/** What a caller may have typed: user name and password. */
const RIGHT = { username: USER, password: PASSWORD };

suite("logins to mail servers", () => {
  const pairs = certificates();
  const stops = [];
  let tenant, silentPort;

  before(async () => {
    tenant = await Tenant.start(pairs.ca);
    // Reads on, so that it notices who hangs up.
    const silent = createServer((socket) => socket.on("error", () => {}).resume());
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    stops.push(() => silent.close());
    silentPort = silent.address().port;
  });
  after(() => {
    for (const stop of stops) stop();
  });

  async function smtp(pair, options) {
    const server = new SMTPServer({
      cert: readFileSync(pair.cert),
      key: readFileSync(pair.key),
      closeTimeout: 100,
      onAuth({ username, password }, _, done) {
        if (username === USER && password === PASSWORD) return done(null, { user: username });
        return done(new Error("no"));
      },
      ...options,
    });
    // Clients that hang up are what this is about.
    server.on("error", () => {});
    server.listen(0, "127.0.0.1");
    await once(server.server, "listening");
    stops.push(() => server.close());
    return server.server.address().port;
  }

  async function imap(pair, ...settings) {
    const server = await Dovecot.start({ certificate: pair, users: { [USER]: PASSWORD }, settings });
    stops.push(() => server.stop());
    return server;
  }

  async function opens(connector, parameters) {
    const { status, json } = await tenant.connect(connector, parameters, RIGHT);
    assert.equal(status, 201, JSON.stringify(json));
    assert.equal(json.status, "active");
    const tested = await tenant.call("POST", `/v1/connections/${json.id}/test`);
    assert.deepEqual([tested.status, tested.json.ok], [200, true], tested.text);
    return json;
  }

  async function refused(connector, parameters, reason, login = RIGHT) {
    const before = (await tenant.call("GET", "/v1/connections")).json.data.length;
    const { status, json, text } = await tenant.connect(connector, parameters, login);
    assert.deepEqual([status, json.code], [422, "credential_refused"], text);
    assert.ok(json.detail.startsWith(`${reason}: `), `${connector} ${JSON.stringify(parameters)}: ${json.detail}`);
    assert.equal((await tenant.call("GET", "/v1/connections")).json.data.length, before);
    const [tried] = await tenant.audit();
    assert.deepEqual([tried.action, tried.metadata], ["connection.login_tried", { connector, host: parameters.host ?? "localhost" }]);
  }

  /** What goes wrong before the server's own words, which is the same for both. */
  async function nobody(connector) {
    for (const security of ["tls", "starttls"]) {
      await refused(connector, { port: silentPort, security }, "timeout");
      await refused(connector, { port: await freePort(), security }, "unreachable");
    }
  }

  function isNowhere() {
    const plain = (password) => Buffer.from(`\0${USER}\0${password}`).toString("base64");
    for (const secret of [PASSWORD, WRONG, plain(PASSWORD), plain(WRONG)]) {
      assert.ok(!tenant.answers.some((text) => text.includes(secret)), "an answer has the password");
      assert.ok(!tenant.holds(secret), "a file of the server has the password");
    }
    assert.ok(tenant.holds("connection.login_tried"), "the search finds what is there");
  }

  test("SMTP: a connection is made by a login, and what is wrong is named", async () => {
    const tls = await smtp(pairs.good, { secure: true });
    const startTls = await smtp(pairs.good, {});
    const connection = await opens("smtp", { port: tls, security: "tls" });
    await opens("smtp", { port: startTls, security: "starttls" });

    const mistyped = { ...RIGHT, password: WRONG };
    await refused("smtp", { port: tls, security: "tls" }, "bad_password", mistyped);
    await refused("smtp", { port: startTls, security: "starttls" }, "bad_password", mistyped);
    const plain = await smtp(pairs.good, { disabledCommands: ["STARTTLS"], allowInsecureAuth: true });
    await refused("smtp", { port: plain, security: "starttls" }, "no_starttls");
    for (const name of ["selfSigned", "expired", "otherName"]) {
      await refused("smtp", { port: await smtp(pairs[name], { secure: true }), security: "tls" }, "bad_certificate");
    }
    await refused("smtp", { port: await smtp(pairs.expired, {}), security: "starttls" }, "bad_certificate");
    await nobody("smtp");

    // A new password is tried, too.
    const auth = { type: "basic", ...mistyped };
    const replaced = await tenant.call("PUT", `/v1/connections/${connection.id}/auth`, { auth });
    assert.deepEqual([replaced.status, replaced.json.code], [422, "credential_refused"]);
    const tested = await tenant.call("POST", `/v1/connections/${connection.id}/test`);
    assert.equal(tested.json.ok, true, "the old one is still there");
    isNowhere();
  });

  test("IMAP: a connection is made by a login, and what is wrong is named", async (t) => {
    if (!isInstalled()) return t.skip("no dovecot is installed");
    const server = await imap(pairs.good);
    await opens("imap", { port: server.tlsPort, security: "tls" });
    await opens("imap", { port: server.startTlsPort, security: "starttls" });

    const mistyped = { ...RIGHT, password: WRONG };
    await refused("imap", { port: server.tlsPort, security: "tls" }, "bad_password", mistyped);
    await refused("imap", { port: server.startTlsPort, security: "starttls" }, "bad_password", mistyped);
    const plain = await imap(pairs.good, "ssl = no", "disable_plaintext_auth = no");
    await refused("imap", { port: plain.startTlsPort, security: "starttls" }, "no_starttls");
    for (const name of ["selfSigned", "expired", "otherName"]) {
      const { tlsPort, startTlsPort } = await imap(pairs[name]);
      await refused("imap", { port: tlsPort, security: "tls" }, "bad_certificate");
      if (name === "expired") await refused("imap", { port: startTlsPort, security: "starttls" }, "bad_certificate");
    }
    await nobody("imap");
    isNowhere();
  });
});
