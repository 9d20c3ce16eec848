/**
 * Messages and forwarded events as their receivers see them: both packages of Standard Webhooks, in JavaScript and in Python,
 * accept what arrives (claim M8), whatever becomes of an endpoint on the way.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey, randomBytes, verify as verifyWith } from "node:crypto";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { send } from "../support/http.mjs";
import { Receiver, until } from "../support/receiver.mjs";
import { call, Workspace } from "../support/workspace.mjs";

const PYTHON = process.env.SLUICEGATE_PYTHON;
const PACKAGES = { standardwebhooks: StandardWebhook, svix: SvixWebhook };
/** What parsers would write otherwise: only the bytes themselves come back the same. */
const PAYLOAD = `{ "type" : "invoice.paid",\n\t"n": 12345678901234567890, "x": 1.0e2, "t": "za\\u017c\\u00f3łć 🎉 \\/" }`;

let workspace;
const receivers = [];
before(async () => {
  workspace = await Workspace.create();
});
after(() => {
  for (const receiver of receivers) receiver.stop();
});

/** An endpoint of a customer of its own, so that tests don't meet. */
async function endpointOf(options = {}, answer = undefined) {
  const receiver = await Receiver.start(answer);
  receivers.push(receiver);
  const customer_id = `cus_${randomBytes(4).toString("hex")}`;
  const endpoint = await workspace.ok("POST", "/v1/endpoints", { url: `${receiver.url}/hooks`, customer_id, ...options });
  return { receiver, endpoint, customer_id };
}

function publish(customer_id, event_type = "invoice.paid", payload = { type: event_type }) {
  return workspace.ok("POST", "/v1/messages", { event_type, payload, customer_id });
}

const attempts = async (message) => (await workspace.ok("GET", `/v1/messages/${message.id}/attempts`)).data;

/** What the packages of both languages say of a delivery. */
function verdicts(secret, { headers, body }) {
  const text = body.toString();
  const javascript = Object.entries(PACKAGES).map(([name, Webhook]) => {
    try {
      new Webhook(secret).verify(text, headers);
      return [name, "accepted"];
    } catch (error) {
      return [name, `refused: ${error.message}`];
    }
  });
  if (!PYTHON) return Object.fromEntries(javascript);
  const asked = Object.keys(PACKAGES).map((name) => JSON.stringify({ package: name, secret, headers, body: text }));
  const script = join(import.meta.dirname, "python/verify.py");
  const said = execFileSync(PYTHON, [script], { input: `${asked.join("\n")}\n`, encoding: "utf8" }).trim().split("\n");
  return Object.fromEntries([...javascript, ...said.map((line, at) => [`${Object.keys(PACKAGES)[at]} (Python)`, line])]);
}

const all = (verdicts, expected) => Object.values(verdicts).every((verdict) => verdict.startsWith(expected));

suite("M8: messages", () => {
  test("JavaScript and Python accept what arrives, and nothing that was changed", async (t) => {
    if (!PYTHON) t.diagnostic("without Python");
    const { receiver, endpoint, customer_id } = await endpointOf();
    const raw = `{"event_type":"invoice.paid","customer_id":"${customer_id}","payload":${PAYLOAD}}`;
    const published = await callRaw("/v1/messages", raw);
    assert.equal(published.status, 202, JSON.stringify(published.json));
    const [delivery] = await receiver.received(1);
    assert.equal(delivery.body.toString(), PAYLOAD);
    assert.equal(delivery.headers["webhook-id"], published.json.id);
    assert.equal(delivery.headers["x-sluicegate-signature"], delivery.headers["webhook-signature"]);
    assert.ok(all(verdicts(endpoint.secret, delivery), "accepted"), JSON.stringify(verdicts(endpoint.secret, delivery)));

    const { headers, body } = delivery;
    const other = `whsec_${randomBytes(32).toString("base64")}`;
    const changed = {
      body: [endpoint.secret, { headers, body: Buffer.concat([body, Buffer.from(" ")]) }],
      id: [endpoint.secret, { headers: { ...headers, "webhook-id": `${headers["webhook-id"]}0` }, body }],
      time: [endpoint.secret, { headers: { ...headers, "webhook-timestamp": String(headers["webhook-timestamp"] - 1) }, body }],
      secret: [other, delivery],
    };
    for (const [name, [secret, request]] of Object.entries(changed)) {
      assert.ok(all(verdicts(secret, request), "refused"), name);
    }
  });

  test("Ed25519: the public key verifies", async () => {
    const { receiver, endpoint, customer_id } = await endpointOf({ signature: "v1a" });
    assert.match(endpoint.secret, /^whpk_/);
    await publish(customer_id);
    const [{ headers, body }] = await receiver.received(1);
    const raw = Buffer.from(endpoint.secret.slice("whpk_".length), "base64");
    const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]);
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    const [version, signature] = headers["webhook-signature"].split(",");
    const signed = (text) => Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`);
    assert.equal(version, "v1a");
    assert.ok(verifyWith(null, signed(body), key, Buffer.from(signature, "base64")));
    assert.ok(!verifyWith(null, signed(`${body} `), key, Buffer.from(signature, "base64")));
  });

  test("a rotated secret signs too until its overlap ends", async () => {
    const { receiver, endpoint, customer_id } = await endpointOf();
    const rotate = (body) => workspace.ok("POST", `/v1/endpoints/${endpoint.id}/rotate-secret`, body);
    const second = await rotate({ overlap_seconds: 3600 });
    await publish(customer_id);
    const [first] = await receiver.received(1);
    for (const secret of [endpoint.secret, second.secret]) assert.ok(all(verdicts(secret, first), "accepted"));

    const third = await rotate({ overlap_seconds: 0 });
    await publish(customer_id);
    const [, last] = await receiver.received(2);
    assert.ok(all(verdicts(third.secret, last), "accepted"));
    for (const secret of [endpoint.secret, second.secret]) assert.ok(all(verdicts(secret, last), "refused"));
  });

  test("an endpoint gets what it asks for, of its customer alone", async () => {
    const one = await endpointOf({ event_types: ["invoice.*"] });
    const two = await endpointOf();
    const own = await endpointOf({ customer_id: undefined });
    await publish(one.customer_id, "customer.created");
    await publish(one.customer_id, "invoice.paid");
    await publish(two.customer_id, "order.shipped");
    await publish(undefined, "order.shipped");
    for (const [{ receiver }, types] of [
      [one, ["invoice.paid"]],
      [two, ["order.shipped"]],
      [own, ["order.shipped"]],
    ]) {
      await receiver.received(1);
      assert.deepEqual(receiver.deliveries.map(({ body }) => JSON.parse(body).type), types);
    }
  });

  test("the same Idempotency-Key is one message", async () => {
    const { receiver, customer_id } = await endpointOf();
    const headers = { "idempotency-key": randomBytes(8).toString("hex") };
    const json = { event_type: "invoice.paid", payload: { type: "invoice.paid" }, customer_id };
    const publish = (json) => call("POST", "/v1/messages", { token: workspace.token, headers, json });
    const answers = await Promise.all(Array.from({ length: 8 }, () => publish(json)));
    assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
    assert.equal((await publish({ ...json, event_type: "invoice.voided" })).status, 409);
    await receiver.received(1);
    assert.equal(receiver.deliveries.length, 1);
  });

  test("attempts say what came back, without the secrets in it", async () => {
    const token = `Bearer ${randomBytes(16).toString("hex")}`;
    const { receiver, endpoint, customer_id } = await endpointOf({ headers: { authorization: token, "x-team": "7" } }, (response, count) => {
      const { headers } = receivers.at(-1).deliveries[count - 1];
      response.writeHead(count === 1 ? 422 : 200).end(`no: ${headers.authorization} ${headers["webhook-signature"]} ${"y".repeat(5000)}`);
    });
    const message = await publish(customer_id);
    await receiver.received(2);
    const [first] = receiver.deliveries;
    assert.deepEqual([first.headers.authorization, first.headers["x-team"]], [token, "7"]);
    const [second, tried] = await until(async () => {
      const made = await attempts(message);
      return made.length === 2 && made[0].status === "succeeded" && made;
    });
    assert.deepEqual([tried.number, tried.status, tried.http_status], [1, "failed", 422]);
    assert.deepEqual([second.number, second.status, second.http_status], [2, "succeeded", 200]);
    assert.ok(tried.duration_ms >= 0 && tried.response.startsWith("no: "));
    assert.ok(Buffer.byteLength(tried.response) <= 1200, `${tried.response.length}`);
    const shown = JSON.stringify(await workspace.ok("GET", `/v1/endpoints/${endpoint.id}`)) + JSON.stringify(await attempts(message));
    for (const secret of [token.slice(7), endpoint.secret.slice(6), first.headers["webhook-signature"].slice(3)]) {
      assert.ok(!shown.includes(secret), "a secret is shown");
    }
  });

  test("Retry-After is waited for", async () => {
    const { receiver, customer_id } = await endpointOf({}, (response, count) =>
      count === 1 ? response.writeHead(503, { "retry-after": "8" }).end() : response.writeHead(200).end(),
    );
    await publish(customer_id);
    const [first, second] = await receiver.received(2);
    assert.ok(second.at - first.at >= 7_900, `${second.at - first.at} ms`);
  });

  test("410 takes an endpoint out of use; nothing is lost, and all of it can be recovered", async () => {
    let gone = true;
    const { receiver, endpoint, customer_id } = await endpointOf({}, (response) => response.writeHead(gone ? 410 : 200).end());
    const since = new Date(Date.now() - 60_000).toISOString();
    const messages = [await publish(customer_id)];
    const shown = () => workspace.ok("GET", `/v1/endpoints/${endpoint.id}`);
    await until(async () => (await shown()).disabled_reason === "gone");
    messages.push(await publish(customer_id));
    const dead = await workspace.ok("GET", `/v1/endpoints/${endpoint.id}/deliveries?status=failed`);
    assert.deepEqual(dead.data.map(({ message_id }) => message_id).sort(), messages.map(({ id }) => id).sort());
    const refused = await workspace.call("POST", `/v1/messages/${messages[0].id}/endpoints/${endpoint.id}/resend`);
    assert.deepEqual([refused.status, refused.json.code], [409, "endpoint_disabled"]);

    gone = false;
    await workspace.ok("PATCH", `/v1/endpoints/${endpoint.id}`, { disabled: false });
    const recovered = await workspace.ok("POST", `/v1/endpoints/${endpoint.id}/recover`, { since });
    assert.deepEqual(recovered, { deliveries: 2, next_cursor: null });
    await receiver.received(3);
    assert.deepEqual(receiver.deliveries.slice(1).map(({ headers }) => headers["webhook-id"]).sort(), messages.map(({ id }) => id).sort());
  });

  test("a message is resent under its id", async () => {
    const { receiver, endpoint, customer_id } = await endpointOf();
    const message = await publish(customer_id);
    await receiver.received(1);
    await until(async () => (await attempts(message))[0]?.status === "succeeded");
    const resent = await workspace.ok("POST", `/v1/messages/${message.id}/endpoints/${endpoint.id}/resend`);
    assert.equal(resent.status, "pending");
    const [, again] = await receiver.received(2);
    assert.equal(again.headers["webhook-id"], message.id);
    await until(async () => (await attempts(message)).length === 2);
  });

  test("a rate limit is kept", async () => {
    const { receiver, customer_id } = await endpointOf({ rate_limit: { limit: 2, period_seconds: 1 } });
    for (let i = 0; i < 6; i++) await publish(customer_id);
    await receiver.received(6);
    const times = receiver.deliveries.map(({ at }) => at);
    assert.ok(times.at(-1) - times[0] >= 1_800, `${times.map((time) => time - times[0])}`);
  });

  test("a payload of 256 KiB is delivered, one byte more is refused", async () => {
    const { receiver, customer_id } = await endpointOf();
    const text = (bytes) => JSON.stringify({ event_type: "a", customer_id, payload: "x".repeat(bytes - 2) });
    assert.equal((await callRaw("/v1/messages", text(262_144))).status, 202);
    const refused = await callRaw("/v1/messages", text(262_145));
    assert.deepEqual([refused.status, refused.json.code], [413, "payload_too_large"]);
    const [delivery] = await receiver.received(1);
    assert.equal(delivery.body.length, 262_144);
  });
});

suite("B6: events are forwarded", () => {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;

  /** A source, and an endpoint that gets its events. */
  async function pair(options, answer) {
    const source = await workspace.ok("POST", "/v1/sources", { provider: "standard-webhooks", name: "Sender", secret });
    const made = await endpointOf({ customer_id: undefined, sources: [source.id], ...options }, answer);
    return { source, ...made };
  }

  async function arrive(source, type, number) {
    const body = `{"type": "${type}",  "number": ${number}}`;
    const id = `msg_${randomBytes(8).toString("hex")}`;
    const at = new Date();
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at / 1000)),
      "webhook-signature": new StandardWebhook(secret).sign(id, at, body),
    };
    const answer = await send(source.url, { headers, body });
    assert.equal(answer.status, 200, String(answer.body));
    return { ...JSON.parse(answer.body), body };
  }

  const numbers = (receiver) => receiver.deliveries.map(({ body }) => JSON.parse(body).number);

  test("to the byte, signed by us, and of the types that are asked for", async () => {
    const { source, receiver, endpoint } = await pair({ event_types: ["order.*"] });
    await arrive(source, "customer.created", 1);
    const event = await arrive(source, "order.paid", 2);
    const [delivery] = await receiver.received(1);
    assert.equal(delivery.body.toString(), event.body);
    assert.equal(delivery.headers["content-type"], "application/json; charset=utf-8");
    assert.match(delivery.headers["webhook-id"], /^msg_[0-9a-z]{26}$/);
    assert.ok(all(verdicts(endpoint.secret, delivery), "accepted"), JSON.stringify(verdicts(endpoint.secret, delivery)));
    const shown = await until(async () => {
      const shown = await workspace.ok("GET", `/v1/inbound-events/${event.id}`);
      return shown.forwarding === "delivered" && shown;
    });
    assert.equal(shown.message_id, delivery.headers["webhook-id"]);
    assert.equal(receiver.deliveries.length, 1);
  });

  test("in their order, also where one has to be tried again", async () => {
    const { source, receiver } = await pair({}, (response, count) => response.writeHead(count === 3 ? 500 : 200).end());
    for (let number = 1; number <= 8; number++) await arrive(source, "order.paid", number);
    await receiver.received(9);
    assert.deepEqual(numbers(receiver), [1, 2, 3, 3, 4, 5, 6, 7, 8]);
  });

  test("a paused source stores, and goes on where it was", async () => {
    const { source, receiver } = await pair();
    await workspace.ok("PATCH", `/v1/sources/${source.id}`, { paused: true });
    for (let number = 1; number <= 4; number++) await arrive(source, "order.paid", number);
    assert.equal((await workspace.events(source)).length, 4);
    assert.equal((await workspace.ok("GET", `/v1/sources/${source.id}`)).status, "paused");
    assert.equal(receiver.deliveries.length, 0);
    await workspace.ok("PATCH", `/v1/sources/${source.id}`, { paused: false });
    await receiver.received(4);
    assert.deepEqual(numbers(receiver), [1, 2, 3, 4]);
  });

  test("one, a range or all that failed are replayed", async () => {
    let fails = false;
    const { source, endpoint, receiver } = await pair({}, (response) => response.writeHead(fails ? 500 : 200).end());
    const events = [];
    for (let number = 1; number <= 3; number++) events.push(await arrive(source, "order.paid", number));
    await receiver.received(3);
    const settled = (status) => async () =>
      (await workspace.events(source)).every(({ forwarding }) => forwarding === status);
    await until(settled("delivered"));

    assert.equal((await workspace.ok("POST", `/v1/inbound-events/${events[1].id}/replay`)).deliveries, 1);
    await receiver.received(4);
    await until(settled("delivered"));
    const replay = (options) => workspace.ok("POST", "/v1/inbound-events/replay", { source_id: source.id, ...options });
    assert.deepEqual(await replay({ event_types: ["order.paid"] }), { deliveries: 3, next_cursor: null });
    await receiver.received(7);
    await until(settled("delivered"));
    assert.equal((await replay({ failed_only: true })).deliveries, 0);
    assert.equal((await replay({ until: "2020-01-01T00:00:00Z" })).deliveries, 0);

    fails = true;
    await replay({});
    await receiver.received(8);
    // Out of use, it has failed all of them.
    const use = (disabled) => workspace.ok("PATCH", `/v1/endpoints/${endpoint.id}`, { disabled });
    await use(true);
    await until(settled("failed"));
    fails = false;
    await use(false);
    assert.equal((await replay({ failed_only: true })).deliveries, 3);
    await until(settled("delivered"));
    assert.deepEqual(numbers(receiver).slice(-3), [1, 2, 3]);
  });
});

/** A body as it stands. */
async function callRaw(path, body) {
  const { url } = { url: process.env.SLUICEGATE_URL + path };
  const headers = { authorization: `Bearer ${workspace.token}`, "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, json: await response.json() };
}
