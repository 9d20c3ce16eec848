/** Queries on a customer's PostgreSQL through the product: a real one, over TLS (claim C1). */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { TLSSocket } from "node:tls";
import { certificates } from "../support/certificates.mjs";
import { binaries, Postgres } from "../support/postgres.mjs";
import { freePort } from "../support/serve.mjs";
import { Tenant } from "../support/tenant.mjs";

const ROOT = join(import.meta.dirname, "../..");
const skip = binaries() ? false : "no PostgreSQL is installed";
const [PASSWORD, WRONG, ROW, VALUE] = Array.from({ length: 4 }, () => randomBytes(12).toString("hex"));
/** Other limits than the installation comes with. */
const LIMITS = { query_rows: 50, query_bytes: 4096, query_timeout_seconds: 2 };

const SETUP = `
CREATE TABLE items (id int PRIMARY KEY, name text);
INSERT INTO items VALUES (1, '${ROW}'), (2, 'two');
CREATE SEQUENCE counter;
CREATE FUNCTION put() RETURNS int LANGUAGE sql AS 'INSERT INTO items VALUES (3, NULL) RETURNING id';
CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}';
GRANT SELECT ON items TO reader;
CREATE ROLE later LOGIN PASSWORD '${PASSWORD}';
CREATE ROLE writer LOGIN PASSWORD '${PASSWORD}';
GRANT SELECT, INSERT, UPDATE, DELETE ON items TO writer;
GRANT USAGE ON SEQUENCE counter TO writer;
CREATE ROLE super LOGIN SUPERUSER PASSWORD '${PASSWORD}';
CREATE ROLE killer LOGIN PASSWORD '${PASSWORD}';
GRANT pg_signal_backend TO killer;
`;

suite("queries on a warehouse", { skip }, () => {
  const pairs = certificates();
  const folder = mkdtempSync(join(tmpdir(), "sluicegate-warehouse-"));
  const pem = ({ cert, key }) => ({ cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") });
  const servers = [];
  let tenant, postgres, reader;

  before(async () => {
    postgres = await Postgres.start({ certificate: pem(pairs.good), setup: SETUP });
    const config = Object.entries(LIMITS).reduce((text, [name, value]) => {
      const changed = text.replace(new RegExp(`^${name} = .*$`, "m"), `${name} = ${value}`);
      assert.notEqual(changed, text, name);
      return changed;
    }, readFileSync(join(ROOT, "sluicegate.toml"), "utf8"));
    writeFileSync(join(folder, "sluicegate.toml"), config);
    tenant = await Tenant.start(pairs.ca, "--config", join(folder, "sluicegate.toml"));
    reader = await connected("reader");
  });
  after(() => {
    postgres?.stop();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = (username, rest = {}, port = postgres.port) =>
    tenant.connect("postgres", { port, database: "postgres" }, { username, password: PASSWORD, ...rest });

  async function connected(username, rest) {
    const { status, json, text } = await connect(username, rest);
    assert.equal(status, 201, text);
    return json.id;
  }

  async function refused(reason, ...args) {
    const { status, json, text } = await connect(...args);
    assert.deepEqual([status, json.code], [422, "credential_refused"], text);
    assert.ok(json.detail.startsWith(`${reason}: `), json.detail);
  }

  const query = (id, sql, parameters = [], rest = {}) =>
    tenant.call("POST", `/v1/connections/${id}/query`, { sql, parameters, ...rest });

  /** Refused by PostgreSQL, with its error's code. */
  async function fails(id, sql, sqlstate) {
    const { json, text } = await query(id, sql);
    assert.equal(json.code, "query_refused", `${sql}: ${text}`);
    assert.ok(json.detail.startsWith(`${sqlstate}: `), `${sql}: ${json.detail}`);
    return json;
  }

  const state = () => postgres.admin("SELECT count(*), sum(id), (SELECT last_value FROM counter) FROM items");

  /** A server that says one byte to SSLRequest, and then does this. */
  async function answering(byte, then = () => {}) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write(byte);
        then(socket);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    return server.address().port;
  }

  test("a query answers with columns and rows, its parameters are values", async () => {
    const { status, json } = await query(reader, "SELECT id, name FROM items WHERE id = $1 OR name = $2 ORDER BY id", [2, ROW]);
    assert.equal(status, 200);
    assert.deepEqual(json, { columns: ["id", "name"], rows: [[1, ROW], [2, "two"]], row_count: 2, truncated: false });
    const injected = await query(reader, "SELECT id FROM items WHERE name = $1", ["' OR true; --"]);
    assert.deepEqual(injected.json.rows, []);
    const tested = await tenant.call("POST", `/v1/connections/${reader}/test`);
    assert.deepEqual([tested.status, tested.json.ok], [200, true], tested.text);
  });

  test("rows, bytes and time are those of sluicegate.toml", async () => {
    const many = "SELECT n FROM generate_series(1, 1000) n";
    for (const [max_rows, expected] of [[undefined, 50], [50, 50], [7, 7]]) {
      const { json } = await query(reader, many, [], { max_rows });
      assert.deepEqual([json.row_count, json.rows.length, json.truncated], [expected, expected, true]);
    }
    for (const max_rows of [0, 51]) {
      const { status, json } = await query(reader, many, [], { max_rows });
      assert.deepEqual([status, json.code], [422, "validation_failed"]);
      assert.match(json.detail, /from 1 to 50/);
    }
    const wide = await query(reader, "SELECT repeat('x', 1000) FROM generate_series(1, 20)");
    assert.deepEqual([wide.json.row_count, wide.json.truncated], [4, true]);
    assert.ok(wide.text.length < LIMITS.query_bytes + 200);
    const begun = Date.now();
    await fails(reader, "SELECT pg_sleep(30)::text", "57014");
    assert.ok(Date.now() - begun < 8_000, `${Date.now() - begun} ms`);
  });

  test("a role that may write is taken by the flag alone, and writes nothing even so", async () => {
    await refused("role_can_write", "writer");
    const writer = await connected("writer", { allow_writable_role: true });
    const before = state();
    for (const [sql, sqlstate] of [
      ["INSERT INTO items VALUES (3, 'three') RETURNING id", "42601"],
      ["WITH put AS (INSERT INTO items VALUES (3, 'three') RETURNING id) SELECT * FROM put", "0A000"],
      ["SELECT put()", "25006"],
      ["SELECT nextval('counter')", "25006"],
      ["SELECT 1; DELETE FROM items", "42601"],
      ["SELECT 1) q; DELETE FROM items; --", "42601"],
      ["COMMIT; DELETE FROM items", "42601"],
    ]) {
      await fails(writer, sql, sqlstate);
      assert.equal(state(), before, sql);
    }
    assert.equal((await query(writer, "SELECT id FROM items")).json.row_count, 2);
  });

  test("superusers and roles that reach beyond the database are never taken", async () => {
    for (const role of ["super", "killer"]) {
      for (const allow_writable_role of [false, true]) await refused("role_can_write", role, { allow_writable_role });
    }
  });

  test("a role that may write from some day on is refused from then on", async () => {
    const id = await connected("later");
    assert.equal((await query(id, "SELECT 1 AS one")).status, 200);
    postgres.admin("GRANT INSERT ON items TO later");
    const { status, json } = await query(id, "SELECT 1 AS one");
    assert.deepEqual([status, json.code], [403, "role_can_write"]);
  });

  test("PostgreSQL's own words are the caller's, with their code", async () => {
    const { detail } = await fails(reader, "SELECT nothing FROM items", "42703");
    assert.match(detail, /column "nothing" does not exist/);
    await fails(reader, "SELECT * FROM pg_authid", "42501");
    await fails(reader, "SELECT 1/(id - 1) FROM items", "22012");
  });

  test("what does not sign in is not stored, and says why", async () => {
    await refused("bad_password", "reader", { password: WRONG });
    await refused("unreachable", "reader", {}, await freePort());
    await refused("no_tls", "reader", {}, await answering("N"));
    for (const name of ["selfSigned", "expired", "otherName"]) {
      const port = await answering("S", (socket) => {
        new TLSSocket(socket, { isServer: true, ...pem(pairs[name]) }).on("error", () => {});
      });
      await refused("bad_certificate", "reader", {}, port);
    }
  });

  test("C1: rows and parameters are in no file of the server", async () => {
    const { json } = await query(reader, "SELECT name, $1::text AS value FROM items WHERE id = 1", [VALUE]);
    assert.deepEqual(json.rows, [[ROW, VALUE]]);
    for (const secret of [ROW, VALUE, PASSWORD, WRONG]) assert.ok(!tenant.holds(secret));
    assert.ok(tenant.holds(reader), "the search finds what is there");
  });
});
