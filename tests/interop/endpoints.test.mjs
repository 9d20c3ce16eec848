/**
 * The workspace's own events reach its endpoints, and both packages that implement Standard Webhooks accept them, and
 * nothing of them that was changed (claim M8). An endpoint that redirects, hangs or fails is dealt with by the real runtime.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { Receiver, until } from "../support/receiver.mjs";
import { Workspace } from "../support/workspace.mjs";

const PACKAGES = { standardwebhooks: StandardWebhook, svix: SvixWebhook };

let workspace;
const receivers = [];
before(async () => {
  workspace = await Workspace.create();
});
after(() => {
  for (const receiver of receivers) receiver.stop();
});

async function receiverOf(answer, path = "/") {
  const receiver = await Receiver.start(answer);
  receivers.push(receiver);
  const endpoint = await workspace.ok("POST", "/v1/endpoints", { url: receiver.url + path });
  return { receiver, endpoint };
}

/** Connects and disconnects; the connection's id. */
async function disconnect() {
  const connection = await workspace.ok("POST", "/v1/connections", {
    connector: "http",
    name: "Zażółć",
    base_url: "https://api.example.com/v1",
    auth: { type: "bearer", token: "tok-no-one-has-this" },
  });
  await workspace.ok("DELETE", `/v1/connections/${connection.id}`);
  return connection.id;
}

async function deliveries(endpoint) {
  return (await workspace.ok("GET", `/v1/endpoints/${endpoint.id}/deliveries`)).data;
}

suite("M8: deliveries to endpoints", () => {
  test("both packages accept what arrives, and nothing that was changed", async () => {
    const { receiver, endpoint } = await receiverOf(undefined, "/hooks?team=7");
    const connectionId = await disconnect();
    const [delivery] = await receiver.received(1);
    assert.deepEqual([delivery.method, delivery.url], ["POST", "/hooks?team=7"]);
    const { headers, body } = delivery;
    assert.equal(headers["content-type"], "application/json");
    assert.match(headers["webhook-id"], /^msg_[0-9a-z]{26}$/);
    assert.equal(headers["x-sluicegate-signature"], headers["webhook-signature"]);
    for (const name of ["authorization", "cookie", "sluicegate-call", "sluicegate-ask"]) {
      assert.equal(headers[name], undefined, name);
    }

    const other = await workspace.ok("POST", "/v1/endpoints", { url: `${receiver.url}/other` });
    for (const [name, Webhook] of Object.entries(PACKAGES)) {
      const webhook = new Webhook(endpoint.secret);
      // One of them returns what it has verified, the other nothing.
      const event = webhook.verify(body.toString(), headers) ?? JSON.parse(body.toString());
      assert.deepEqual(Object.keys(event), ["type", "timestamp", "data"], name);
      assert.equal(event.type, "connection.disconnected", name);
      assert.equal(event.data.connection_id, connectionId, name);
      assert.equal(event.data.name, "Zażółć", name);

      const changes = {
        body: [body.toString().replace("connection.disconnected", "connection.authorized"), headers],
        "white space": [`${body} `, headers],
        id: [body.toString(), { ...headers, "webhook-id": headers["webhook-id"].replace(/.$/, (c) => (c === "0" ? "1" : "0")) }],
        time: [body.toString(), { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) }],
        signature: [body.toString(), { ...headers, "webhook-signature": headers["webhook-signature"].replace(/,./, (s) => (s === ",A" ? ",B" : ",A")) }],
        "no signature": [body.toString(), { ...headers, "webhook-signature": "" }],
      };
      for (const [change, [text, changed]] of Object.entries(changes)) {
        assert.throws(() => webhook.verify(text, changed), undefined, `${name}: ${change}`);
      }
      assert.throws(() => new Webhook(other.secret).verify(body.toString(), headers), undefined, `${name}: secret`);
    }
    const [listed] = await until(async () => {
      const all = await deliveries(endpoint);
      return all[0]?.status === "delivered" && all;
    });
    assert.deepEqual(
      [listed.message_id, listed.attempts, listed.http_status],
      [headers["webhook-id"], 1, 204],
    );
    await workspace.ok("DELETE", `/v1/endpoints/${other.id}`);
    await workspace.ok("DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("what fails is sent again after five seconds, under the same id and signed anew", async () => {
    const { receiver, endpoint } = await receiverOf((response, count) => response.writeHead(count === 1 ? 500 : 200).end());
    await disconnect();
    const [first, second] = await receiver.received(2);
    const waited = second.at - first.at;
    assert.ok(waited >= 4_400 && waited < 15_000, `${waited} ms`);
    assert.equal(first.headers["webhook-id"], second.headers["webhook-id"]);
    assert.notEqual(first.headers["webhook-signature"], second.headers["webhook-signature"]);
    assert.ok(first.body.equals(second.body));
    for (const Webhook of Object.values(PACKAGES)) {
      new Webhook(endpoint.secret).verify(second.body.toString(), second.headers);
    }
    await workspace.ok("DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("an answer's body is nobody's: a large and an endless one are a delivery", async () => {
    const large = await receiverOf((response) => response.writeHead(200).end(Buffer.alloc(4 << 20)));
    const endless = await receiverOf((response) => {
      response.writeHead(200);
      response.write("and so on");
    });
    await disconnect();
    for (const { endpoint } of [large, endless]) {
      await until(async () => (await deliveries(endpoint))[0]?.status === "delivered");
      await workspace.ok("DELETE", `/v1/endpoints/${endpoint.id}`);
    }
    assert.deepEqual([large, endless].map(({ receiver }) => receiver.deliveries.length), [1, 1]);
  });

  test("a redirect is not followed, and one that hangs holds up nobody else", async () => {
    const elsewhere = await Receiver.start();
    receivers.push(elsewhere);
    const redirecting = await receiverOf((response) => response.writeHead(307, { location: elsewhere.url }).end());
    const hanging = await receiverOf(() => {});
    const fine = await receiverOf();
    const began = Date.now();
    await disconnect();
    await fine.receiver.received(1);
    assert.ok(Date.now() - began < 8_000);
    const [redirected] = await until(async () => {
      const all = await deliveries(redirecting.endpoint);
      return all[0]?.http_status && all;
    });
    assert.deepEqual([redirected.status, redirected.http_status], ["pending", 307]);
    const [hung] = await until(async () => {
      const all = await deliveries(hanging.endpoint);
      return all[0]?.attempts >= 1 && all;
    });
    assert.deepEqual([hung.status, hung.http_status], ["pending", undefined]);
    assert.equal(elsewhere.deliveries.length, 0);
    for (const { endpoint } of [redirecting, hanging, fine]) {
      await workspace.ok("DELETE", `/v1/endpoints/${endpoint.id}`);
    }
  });

  test("the metadata service is no endpoint, and the secret is in no later answer", async () => {
    const refused = await workspace.call("POST", "/v1/endpoints", { url: "http://169.254.169.254/latest/meta-data" });
    assert.deepEqual([refused.status, refused.json.code], [422, "validation_failed"]);
    const { endpoint } = await receiverOf();
    for (const path of ["/v1/endpoints", `/v1/endpoints/${endpoint.id}`, "/v1/audit", `/v1/endpoints/${endpoint.id}/deliveries`]) {
      const answer = await workspace.call("GET", path);
      assert.ok(!JSON.stringify(answer.json).includes(endpoint.secret.slice("whsec_".length)), path);
    }
    await workspace.ok("DELETE", `/v1/endpoints/${endpoint.id}`);
  });
});
