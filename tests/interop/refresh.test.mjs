/**
 * What can go wrong when an access token is refreshed, with the real `oidc-provider` at the other end (claims B1, T7, C9, M7):
 * many callers, lost answers, a provider that is slow, down or wrong about the time, power cuts at each step.
 *
 * Whatever happens, there is never more than one refresh on its way, and a connection either works on or says plainly that a
 * person has to grant access again. Prints the table of ARCHITECTURE.md.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cut, FaultyProxy, garbled, held, instead, lost, pass, slowToAnswer, slowToArrive, told } from "../support/faults.mjs";
import { Jar } from "../support/jar.mjs";
import { grant, OAuthProvider } from "../support/oauth-provider.mjs";
import { Server, XTASK } from "../support/serve.mjs";

const ROOT = join(import.meta.dirname, "../..");
const SESSION = "__Host-sluicegate_session";
const SECRET = `fake-${randomBytes(18).toString("base64url")}`;
const WRONG_SECRET = `fake-${randomBytes(18).toString("base64url")}`;
const YEAR = 365 * 86_400;
/** The least that a token can live: it is over 0.9 s after it was asked for. */
const SHORT_SECONDS = 1;
const LONG_SECONDS = 3600;

/** Connectors whose providers rotate refresh tokens: what they are asked for, where, and what becomes of an answer. */
const GITLAB = {
  id: "gitlab",
  path: "/api/v4/user",
  scopes: ["read_api"],
  routes: { authorization: "/oauth/authorize", token: "/oauth/token", revocation: "/oauth/revoke" },
  fixture: (who, token) => ({ id: 1, username: who, name: `says ${token} back`, state: "active", email: "private@example.com" }),
  passes: { id: 1, username: "ada", name: "says [redacted] back", state: "active" },
};
const JIRA = {
  id: "jira",
  path: "/oauth/token/accessible-resources",
  scopes: ["read:jira-work", "read:jira-user", "write:jira-work", "offline_access"],
  routes: { authorization: "/authorize", token: "/oauth/token" },
  fixture: (who, token) => [{ id: "1", name: `${who}'s, by ${token}`, url: "https://a.example", scopes: [], avatarUrl: "private" }],
  passes: [{ id: "1", name: "ada's, by [redacted]", url: "https://a.example", scopes: [] }],
};

suite("token refresh", { timeout: 900_000 }, () => {
  const dir = mkdtempSync(join(ROOT, "target/refresh-"));
  const [keys, wrongKeys] = ["keys.json", "wrong-keys.json"].map((name) => join(dir, name));
  const table = [];
  /** Every answer, as text: status, headers, body. */
  const answers = [];
  let server, gitlab, jira;
  /** GitLab's: what most of the rows are about. */
  let proxy, provider;

  before(async () => {
    server = await Server.create();
    server.log = join(server.data, "server.log");
    [gitlab, jira] = [await standIn(GITLAB), await standIn(JIRA)];
    ({ proxy, provider } = gitlab);
    const entry = ({ id, proxy }) => `[connectors.${id}]\nclient_id = "sluicegate-test"\nstand_in = "${proxy.origin}"\n`;
    const config = [readFileSync(join(ROOT, "sluicegate.toml"), "utf8"), entry(gitlab), entry(jira)];
    writeFileSync(join(dir, "sluicegate.toml"), config.join("\n"));
    execFileSync(XTASK, ["keys", keys]);
    const made = JSON.parse(readFileSync(keys, "utf8"));
    const withSecret = (secret) => JSON.stringify({ ...made, CONNECTOR_CLIENT_SECRETS: { gitlab: secret, jira: secret } });
    writeFileSync(keys, withSecret(SECRET));
    writeFileSync(wrongKeys, withSecret(WRONG_SECRET));
    await start();
  });
  after(() => {
    for (const each of [gitlab, jira]) {
      each?.provider.stop();
      each?.proxy.stop();
    }
    rmSync(dir, { recursive: true, force: true });
    console.log(`\n${markdown(table)}`);
  });

  /** A connector with a provider in its provider's place. */
  async function standIn(connector) {
    const proxy = await FaultyProxy.start({ [connector.path]: connector.fixture });
    const client = { client_id: "sluicegate-test", client_secret: SECRET };
    const redirect_uri = `${server.url}/connections/callback`;
    const provider = await OAuthProvider.start(proxy.origin, { ...client, redirect_uri, ...connector });
    proxy.to(provider);
    return { ...connector, proxy, provider };
  }

  const start = (file = keys) => server.start("--config", join(dir, "sluicegate.toml"), "--keys", file);

  async function restart(file) {
    await server.kill9();
    await start(file);
  }

  /** One call of the API, whose answer is kept to be searched. */
  async function call(method, path, { token, json } = {}) {
    const response = await fetch(server.url + path, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...(json && { "content-type": "application/json" }) },
      body: json && JSON.stringify(json),
    });
    const text = await response.text();
    answers.push(`${response.status} ${JSON.stringify([...response.headers])} ${text}`);
    const retryAfter = Number(response.headers.get("retry-after"));
    const cookie = response.headers.get("set-cookie")?.match(`^${SESSION}=([^;]+)`)?.[1];
    return { status: response.status, retryAfter, cookie, json: text ? JSON.parse(text) : undefined };
  }

  /** A workspace with a connection. */
  class Connected {
    static async create(accessTokenSeconds = SHORT_SECONDS, connector = gitlab) {
      const connected = new Connected();
      connected.connector = connector;
      const [email, password] = [`${randomBytes(8).toString("hex")}@example.com`, randomBytes(12).toString("base64url")];
      const json = { email, password, name: "Ada", org_name: "Engines", accept_terms: true };
      const signedUp = await call("POST", "/v1/signup", { json });
      assert.equal(signedUp.status, 201, JSON.stringify(signedUp.json));
      connected.token = signedUp.json.session.token;
      connected.cookie = signedUp.cookie;
      const request = { connector: connector.id, name: connector.id, auth: { type: "oauth2" } };
      const { id, authorize_url } = await connected.ok("POST", "/v1/connections", request);
      connected.id = id;
      await connected.goTo(authorize_url, accessTokenSeconds);
      return connected;
    }

    /** The way through the provider and back. */
    async goTo(authorizeUrl, accessTokenSeconds) {
      const { provider } = this.connector;
      provider.accessTokenSeconds = accessTokenSeconds;
      const jar = new Jar();
      const callback = await grant(jar, authorizeUrl, `${server.url}/connections/callback`);
      jar.cookies(server.url).set(SESSION, this.cookie);
      const back = await jar.send(callback);
      answers.push(`${back.status} ${JSON.stringify([...back.headers])} ${back.text}`);
      assert.equal(back.status, 303, back.text);
      provider.accessTokenSeconds = LONG_SECONDS;
    }

    /** Calls, and fails the test where the answer is no success. */
    async ok(method, path, json) {
      const answer = await call(method, path, { token: this.token, json });
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`);
      return answer.json;
    }

    /** A call through the connection; null where the server goes away meanwhile. */
    async read() {
      try {
        const answer = await call("GET", `/v1/connections/${this.id}/proxy${this.connector.path}`, { token: this.token });
        if (answer.status === 200) assert.deepEqual(answer.json, this.connector.passes);
        return answer;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        return null;
      }
    }

    /** Who comes back as often as told to, and when. */
    async readPatiently() {
      for (let times = 0; ; times += 1) {
        const answer = await this.read();
        if (answer?.status !== 503 || times === 6) return answer;
        assert.equal(answer.json.code, "refresh_failed");
        assert.ok(answer.retryAfter >= 1 && answer.retryAfter <= 60, `Retry-After: ${answer.retryAfter}`);
        await sleep(answer.retryAfter * 1000);
      }
    }

    /** What each of so many callers got, at the same time. */
    async together(callers) {
      const got = await Promise.all(Array.from({ length: callers }, () => this.read()));
      return tally(got.map((answer) => answer?.status ?? "cut off"));
    }

    get() {
      return this.ok("GET", `/v1/connections/${this.id}`);
    }

    /** The audit trail's events on the connection, oldest first, without its uses. */
    async events() {
      assert.equal((await this.ok("GET", "/v1/audit/verify")).ok, true);
      const events = [];
      for (let cursor = ""; cursor !== undefined; ) {
        const { data, next_cursor } = await this.ok("GET", `/v1/audit?limit=200&cursor=${cursor}`);
        events.push(...data.filter(({ target, action }) => target === this.id && action !== "credential.used"));
        cursor = next_cursor ?? undefined;
      }
      return events.reverse();
    }
  }

  /**
   * A row of the table: callers of a connection whose access token is over, and what becomes of them and of it.
   *
   * - `faults`: what the refreshes meet, one each.
   * - `callers`, `answers`: how many call at once, and what they get, by status.
   * - `meanwhile`: what happens while they wait.
   * - `then`: what a caller gets who comes back as told.
   * - `asked`, `granted`: refreshes that got to the provider's door, and that the provider granted.
   * - `events`: the audit trail's on refreshes, in short.
   */
  function row(name, { faults = [], callers = 20, answers: expected, meanwhile, then = 200, asked, granted, reason, events }) {
    test(name, async () => {
      const connected = await Connected.create();
      await sleep(SHORT_SECONDS * 1000);
      proxy.plan(...faults);
      const began = connected.together(callers);
      const [got] = await Promise.all([began, meanwhile?.(connected)]);
      assert.deepEqual(got, expected, "what the callers got");
      if (expected[503] === callers) {
        const before = proxy.asked;
        assert.deepEqual(await connected.together(5), { 503: 5 }, "who does not wait as told");
        assert.equal(proxy.asked, before, "the provider is left alone meanwhile");
      }
      const last = await connected.readPatiently();
      assert.equal(last?.status, then, JSON.stringify(last?.json));
      if (then === 409) assert.equal(last.json.code, "connection_not_ready");
      await check(name, connected, { callers, got, then, asked, granted, reason, events });
    });
  }

  /** What holds in every row, and the counts of this one. */
  async function check(name, connected, { callers, got, then, asked, granted, reason, events }) {
    const { proxy, provider } = connected.connector;
    const { status, status_reason } = await connected.get();
    table.push([name, callers, words(got), proxy.asked, proxy.granted, then, inWords(status, status_reason)]);
    assert.deepEqual([proxy.asked, proxy.granted], [asked, granted], "refreshes asked for and granted");
    assert.ok(proxy.mostAtOnce <= 1, `${proxy.mostAtOnce} refreshes at once`);
    const expected = then === 409 ? ["reauthorization_required", reason] : ["active", undefined];
    assert.deepEqual([status, status_reason], expected);
    const short = (await connected.events()).filter(({ action }) => SHORT[action]).map(({ action }) => SHORT[action]);
    assert.equal(short.join(" "), events, "the audit trail");
    // No silent loss: where the connection works, it has the newest refresh token.
    if (then === 200) assert.ok(await provider.isGood(proxy.last.refresh_token));
    assertSaidNothing();
  }

  /** No code and no token in any answer since this was last looked at. */
  function assertSaidNothing() {
    const said = answers.splice(0).join("\n");
    assert.ok(said.length > 0, "there is something to search");
    for (const secret of secrets()) {
      for (const spelling of spellings(secret)) assert.ok(!said.includes(spelling), `${spelling} in an answer`);
    }
  }

  const secrets = () => [...gitlab.proxy.secrets, ...jira.proxy.secrets, SECRET, WRONG_SECRET];

  const begun = "begun refreshed";
  const lostAgain = "begun failed begun reauthorization";
  const again = "begun failed begun refreshed";

  row("100 callers at once", { callers: 100, answers: { 200: 100 }, asked: 1, granted: 1, events: begun });

  test("100 callers, twice in a row", async () => {
    const connected = await Connected.create();
    await sleep(SHORT_SECONDS * 1000);
    proxy.plan();
    const got = [await connected.together(100), await connected.together(100)];
    assert.equal(proxy.asked, 1, "the first refresh serves both");
    // The second time the provider has ended the token without a word: each of them is told 401.
    await provider.end(proxy.last.access_token);
    got.push(await connected.together(100));
    assert.deepEqual(got, [{ 200: 100 }, { 200: 100 }, { 200: 100 }]);
    const events = `${begun} ${begun}`;
    await check("100 callers three times, the token ended early before the third", connected, {
      ...{ callers: "3 × 100", got: { 200: 300 }, then: 200, asked: 2, granted: 2, events },
    });
  });

  test("100 callers, of a provider that is asked for offline_access", async () => {
    const connected = await Connected.create(SHORT_SECONDS, jira);
    await sleep(SHORT_SECONDS * 1000);
    jira.proxy.plan();
    const got = await connected.together(100);
    assert.deepEqual(got, { 200: 100 });
    assert.deepEqual((await connected.get()).scopes.sort(), [...JIRA.scopes].sort());
    const expected = { callers: 100, got, then: 200, asked: 1, granted: 1, events: begun };
    await check("100 callers, refresh token by `offline_access`", connected, expected);
  });

  row("answer lost after the rotation", {
    ...{ faults: [lost], answers: { 503: 20 }, asked: 2, granted: 1 },
    ...{ then: 409, reason: "rotation_lost", events: lostAgain },
  });
  row("answer cut in half", {
    ...{ faults: [cut], answers: { 503: 20 }, asked: 2, granted: 1 },
    ...{ then: 409, reason: "rotation_lost", events: lostAgain },
  });
  row("500 once, before the provider acts", { faults: [instead(500)], answers: { 503: 20 }, asked: 2, granted: 1, events: again });
  row("500 once, after the provider has acted", {
    ...{ faults: [garbled(500)], answers: { 503: 20 }, asked: 2, granted: 1 },
    ...{ then: 409, reason: "rotation_lost", events: lostAgain },
  });
  row("500 three times", {
    ...{ faults: [instead(500), instead(502), instead(500)], answers: { 503: 20 }, asked: 4, granted: 1 },
    events: "begun failed begun failed begun failed begun refreshed",
  });
  row("503 with Retry-After: 3", {
    ...{ faults: [instead(503, { "retry-after": "3" })], answers: { 503: 20 }, asked: 2, granted: 1, events: again },
  });
  row("429 with Retry-After: 2", {
    ...{ faults: [instead(429, { "retry-after": "2" })], answers: { 503: 20 }, asked: 2, granted: 1, events: again },
  });
  row("answer after 3 s", { callers: 100, faults: [slowToAnswer(3000)], answers: { 200: 100 }, asked: 1, granted: 1, events: begun });
  row("answer after 12 s: over our 10", {
    ...{ faults: [slowToAnswer(12_000)], answers: { 503: 20 }, asked: 2, granted: 1 },
    ...{ then: 409, reason: "rotation_lost", events: lostAgain },
  });
  row("request on its way for 12 s, and never there", {
    ...{ faults: [slowToArrive(12_000)], answers: { 503: 20 }, asked: 2, granted: 1, events: again },
  });
  row("200 with HTML, of somebody in between", {
    faults: [instead(200, { "content-type": "text/html" }, "<!doctype html><title>Log in to the airport</title>")],
    ...{ answers: { 503: 20 }, asked: 2, granted: 1, events: again },
  });
  row("200 with garbage, after the provider has acted", {
    ...{ faults: [garbled(200, { "content-type": "application/json" }, '{"access_token":')], answers: { 503: 20 } },
    ...{ asked: 2, granted: 1, then: 409, reason: "rotation_lost", events: lostAgain },
  });
  row("400 that is no refusal of the grant", {
    faults: [instead(400, { "content-type": "application/json" }, '{"error":"invalid_request"}')],
    ...{ answers: { 503: 20 }, asked: 2, granted: 1, events: again },
  });

  test("the provider is down, then back", async () => {
    const connected = await Connected.create();
    await sleep(SHORT_SECONDS * 1000);
    proxy.plan();
    await proxy.down();
    const got = await connected.together(20);
    await proxy.up();
    assert.deepEqual(got, { 503: 20 });
    const last = await connected.readPatiently();
    assert.equal(last.status, 200, JSON.stringify(last.json));
    await check("connection refused, then back", connected, {
      ...{ callers: 20, got, then: 200, asked: 1, granted: 1, events: again },
    });
  });

  test("kill -9 before the refresh", async () => {
    const connected = await Connected.create(LONG_SECONDS);
    proxy.plan();
    assert.deepEqual(await connected.together(20), { 200: 20 });
    assert.equal(proxy.asked, 0, "the first token still serves");
    // C9: the access token was in memory alone.
    await restart();
    const got = await connected.together(20);
    assert.deepEqual(got, { 200: 20 });
    await check("kill -9 before the refresh", connected, {
      ...{ callers: 20, got, then: 200, asked: 1, granted: 1, events: begun },
    });
  });

  const onItsWay = held({ afterwards: false });
  row("kill -9 with the request on its way", {
    faults: [onItsWay],
    answers: { "cut off": 20 },
    meanwhile: () => powerCut(onItsWay),
    ...{ asked: 2, granted: 1, events: "begun begun refreshed" },
  });
  const answering = held({ afterwards: true });
  row("kill -9 when the provider has acted, before its answer", {
    faults: [answering],
    answers: { "cut off": 20 },
    meanwhile: () => powerCut(answering),
    ...{ asked: 2, granted: 1, then: 409, reason: "rotation_lost", events: "begun begun reauthorization" },
  });

  test("kill -9 after the new token is stored", async () => {
    const connected = await Connected.create();
    await sleep(SHORT_SECONDS * 1000);
    proxy.plan();
    const [reached, released] = [Promise.withResolvers(), Promise.withResolvers()];
    proxy.beforeApi = () => (reached.resolve(), released.promise);
    const began = connected.together(20);
    await reached.promise;
    await server.kill9();
    const got = await began;
    assert.deepEqual(got, { "cut off": 20 });
    proxy.beforeApi = async () => {};
    released.resolve();
    await start();
    const last = await connected.readPatiently();
    assert.equal(last.status, 200, JSON.stringify(last.json));
    await check("kill -9 after the new token is stored", connected, {
      ...{ callers: 20, got, then: 200, asked: 2, granted: 2, events: `${begun} ${begun}` },
    });
  });

  test("kill -9 while the answer is being stored: one or the other, and said plainly", async () => {
    for (const ms of [0, 10, 40, 200]) {
      const connected = await Connected.create();
      await sleep(SHORT_SECONDS * 1000);
      const answered = Promise.withResolvers();
      proxy.plan(async (exchange) => (await pass(exchange), answered.resolve()));
      const began = connected.together(20);
      await answered.promise;
      await sleep(ms);
      await restart();
      await began;
      const last = await connected.readPatiently();
      const isStored = last.status === 200;
      const events = (await connected.events()).some(({ action }) => action === "credential.refreshed");
      assert.equal(isStored, events, "the trail says what is");
      await check(`kill -9 ${ms} ms after the answer`, connected, {
        ...{ callers: 20, got: { "cut off or 200": 20 }, then: isStored ? 200 : 409, asked: 2, granted: isStored ? 2 : 1 },
        ...{ reason: "rotation_lost", events: isStored ? `${begun} ${begun}` : "begun begun reauthorization" },
      });
    }
  });

  /** Ends the server when a refresh has come so far, and starts it again. */
  async function powerCut(fault) {
    await fault.reached;
    await server.kill9();
    // Until the provider's side has seen the connection end.
    await sleep(100);
    fault.release();
    await start();
  }

  /** The provider's word on how long its token lives is wrong: the token is over soon, whatever it says. */
  for (const [name, expires_in] of [["0", 0], ["a year", YEAR], ["negative", -3600], ["text", "soon"]]) {
    test(`expires_in is ${name}`, async () => {
      const connected = await Connected.create();
      await sleep(SHORT_SECONDS * 1000);
      proxy.plan(told({ expires_in }));
      const got = await connected.together(20);
      assert.deepEqual(got, { 200: 20 });
      assert.equal(proxy.asked, 1);
      await provider.end(proxy.last.access_token);
      // The provider answers 401 to a token that serves by what it said: one caller's refresh serves all.
      assert.deepEqual(await connected.together(20), { 200: 20 });
      await check(`expires_in: ${name}, the token over before the second time`, connected, {
        ...{ callers: "2 × 20", got: { 200: 40 }, then: 200, asked: 2, granted: 2, events: `${begun} ${begun}` },
      });
    });
  }

  for (const [name, hours] of [["ahead", 1], ["behind", -1]]) {
    test(`the provider's clock is an hour ${name}`, async () => {
      const connected = await Connected.create();
      await sleep(SHORT_SECONDS * 1000);
      proxy.plan();
      proxy.dateAheadSeconds = hours * 3600;
      provider.setClock(hours * 3_600_000);
      try {
        const got = await connected.together(100);
        assert.deepEqual(got, { 200: 100 });
        await check(`the provider's clock an hour ${name}`, connected, {
          ...{ callers: 100, got, then: 200, asked: 1, granted: 1, events: begun },
        });
      } finally {
        proxy.dateAheadSeconds = 0;
        provider.setClock(0);
      }
    });
  }

  test("T7: taken back at the provider, and granted again: the id stays", async () => {
    const connected = await Connected.create();
    await provider.takeBack(proxy.last.refresh_token);
    await sleep(SHORT_SECONDS * 1000);
    proxy.plan();
    const got = await connected.together(20);
    assert.deepEqual(got, { 409: 20 });
    await check("grant taken back at the provider", connected, {
      ...{ callers: 20, got, then: 409, asked: 1, granted: 0, reason: "refused", events: "begun reauthorization" },
    });
    const event = (await connected.events()).at(-1);
    assert.deepEqual([event.action, event.metadata.reason], ["connection.reauthorization_required", "refused"]);

    const { authorize_url } = await connected.ok("POST", `/v1/connections/${connected.id}/authorize`, {});
    assert.equal((await connected.read()).status, 409, "not before access is granted");
    await connected.goTo(authorize_url, SHORT_SECONDS);
    assert.equal((await connected.get()).status, "active");
    const { data } = await connected.ok("GET", "/v1/connections");
    assert.deepEqual(data.map(({ id }) => id), [connected.id]);
    await sleep(SHORT_SECONDS * 1000);
    const afterwards = await connected.together(20);
    assert.deepEqual(afterwards, { 200: 20 });
    await check("… and granted again", connected, {
      ...{ callers: 20, got: afterwards, then: 200, asked: 2, granted: 1, events: `begun reauthorization ${begun}` },
    });
  });

  test("the operator's client secret is wrong, then mended", async () => {
    const connected = await Connected.create();
    await restart(wrongKeys);
    proxy.plan();
    const got = await connected.together(20);
    assert.deepEqual(got, { 503: 20 });
    const { status, status_reason } = await connected.get();
    assert.deepEqual([status, status_reason], ["active", "client_refused"], "no person is asked to grant access again");
    assert.match((await connected.read()).json.detail, /client_id or secret/);
    await restart();
    const last = await connected.readPatiently();
    assert.equal(last.status, 200, JSON.stringify(last.json));
    await check("client secret wrong, then mended", connected, {
      ...{ callers: 20, got, then: 200, asked: 2, granted: 1, events: again },
    });
  });

  test("C8: disconnecting ends the grant at the provider", async () => {
    const connected = await Connected.create(LONG_SECONDS);
    const refreshToken = proxy.last.refresh_token;
    assert.ok(await provider.isGood(refreshToken));
    const { receipt } = await connected.ok("DELETE", `/v1/connections/${connected.id}`);
    assert.deepEqual([receipt.revocation, receipt.evidence.http_status], ["revoked", 200], JSON.stringify(receipt));
    assert.ok(!(await provider.isGood(refreshToken)));
    assertSaidNothing();
  });

  test("C9, N5: no code and no token in any file, log included", async () => {
    const search = () => {
      const files = readdirSync(server.data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const contents = files.map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name))]);
      assert.ok(contents.some(([name]) => name.endsWith("-wal")) && contents.some(([name]) => name === "server.log"));
      const isThere = (needle) => contents.filter(([, content]) => content.includes(needle)).map(([name]) => name);
      assert.ok(isThere("credential.refresh_begun").length > 0, "the search finds what is there");
      for (const secret of secrets()) {
        for (const spelling of spellings(secret)) assert.deepEqual(isThere(spelling), [], spelling);
      }
    };
    assert.ok(secrets().length > 100, `${secrets().length} secrets`);
    search();
    await server.kill9();
    search();
  });
});

const SHORT = {
  "credential.refresh_begun": "begun",
  "credential.refreshed": "refreshed",
  "credential.refresh_failed": "failed",
  "connection.reauthorization_required": "reauthorization",
};

/** How often each is there. */
function tally(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** The ways in which a token could stand somewhere: as it is, hexadecimal, base64 at each alignment. */
function spellings(secret) {
  const bytes = Buffer.from(secret);
  const shifted = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64url");
    // The characters that are made of the secret's bits alone.
    return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  const standard = shifted.map((text) => text.replaceAll("-", "+").replaceAll("_", "/"));
  const hex = bytes.toString("hex");
  return [...new Set([secret, hex, hex.toUpperCase(), ...shifted, ...standard])];
}

const words = (got) => Object.entries(got).map(([status, count]) => `${count} × ${status}`).join(", ");
const inWords = (status, reason) => (reason ? `${status}, ${reason}` : status);

function markdown(rows) {
  const head = ["fault", "callers", "their answers", "refreshes asked for", "granted", "who comes back as told", "the connection"];
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [head, head.map(() => "---"), ...rows].map(line).join("\n");
}
