/**
 * Events signed by the providers' own packages are stored byte for byte, and whatever was done to them on their way is
 * refused (claims N4, B6). Each request goes to the package's own receiver too: Sluicegate accepts nothing that the
 * package refuses. What the package accepts and Sluicegate refuses is printed.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { send } from "../support/http.mjs";
import { Workspace } from "../support/workspace.mjs";
import { accepted, MARK, refused } from "./mutations.mjs";
import { receiver, SDKS, version } from "./sdks.mjs";

/** What parsers would write otherwise: only the bytes themselves come back the same. */
const BODIES = [
  (id) => JSON.stringify({ id, type: "order.paid", text: `zażółć 🎉 \u2028 ${MARK}` }),
  (id) => `{\r\n\t"id" : "${id}",\r\n\t"type" : "order.paid"\r\n}\r\n`,
  (id) => `{"id":"${id}","n":12345678901234567890,"n":1.0e2,"u":"\\u00e9\\/\\ud83d\\ude00","type":"a"}`,
  (id) => JSON.stringify({ id, type: "large", text: "0123456789abcdef".repeat(16_384) }),
];
const CHANGES = 150;

let workspace;
before(async () => {
  workspace = await Workspace.create();
});

for (const sdk of SDKS) {
  suite(`${sdk.package} ${version(sdk)}`, () => {
    const secret = sdk.newSecret();
    let source, peer;

    before(async () => {
      source = await newSource(sdk, secret);
      peer = await receiver(sdk, secret);
    });
    after(() => peer.close());

    /** A signed request with a body that holds what the changes look for. */
    async function sign({ at = Math.floor(Date.now() / 1000), otherSecret = false, body } = {}) {
      body ??= JSON.stringify({ id: newId(), type: "order.paid", text: MARK });
      const headers = await sdk.sign({ secret: otherSecret ? sdk.newSecret() : secret, body, at });
      return { headers: { ...headers, "content-type": "application/json" }, body: Buffer.from(body) };
    }

    /** What Sluicegate answers, and whether the package accepts the same request. */
    async function both(request) {
      const [ours, theirs] = await Promise.all([send(source.url, request), send(peer.url, request)]);
      return { ours, theirs: theirs.status === 200 };
    }

    test("B6: what it signs is stored byte for byte", async () => {
      for (const write of BODIES) {
        const request = await sign({ body: write(newId()) });
        const { ours, theirs } = await both(request);
        assert.ok(theirs, "the package refuses what it signed");
        assert.equal(ours.status, 200, String(ours.body));

        const { id, duplicate } = JSON.parse(ours.body);
        const stored = await workspace.ok("GET", `/v1/inbound-events/${id}`);
        assert.equal(duplicate, false);
        assert.deepEqual(Buffer.from(stored.body_base64, "base64"), request.body);
        assert.equal(stored.provider, sdk.provider);
        assert.equal(stored.size, request.body.length);
        const { header, pattern } = sdk.signature;
        const [tag] = request.headers[header].match(pattern);
        assert.ok(!JSON.stringify(stored.headers).includes(tag), "the signature is stored");
      }
    });

    test("B6: what comes again is stored once", async () => {
      const request = await sign();
      const [first, second] = [await send(source.url, request), await send(source.url, request)].map(({ body }) =>
        JSON.parse(body),
      );
      assert.deepEqual(second, { id: first.id, duplicate: true });
      const [stored] = await workspace.events(source);
      assert.deepEqual([stored.id, stored.duplicate_count], [first.id, 1]);
    });

    test("what senders and networks do is accepted", async () => {
      for await (const { name, request } of accepted(sdk, sign)) {
        const { ours, theirs } = await both(request);
        assert.ok(theirs, `the package refuses: ${name}`);
        assert.equal(ours.status, 200, name);
      }
    });

    test("N4: whatever was changed is refused, and nothing of it stored", async (t) => {
      const stored = await workspace.events(source);
      const laxer = [];
      let count = 0;
      for await (const { name, code, request } of refused(sdk, sign)) {
        const { ours, theirs } = await both(request);
        assert.deepEqual([ours.status, JSON.parse(ours.body).code], [401, code], name);
        assert.equal(ours.headers["content-type"], "application/problem+json", name);
        if (theirs) laxer.push(name);
        count += 1;
      }
      assert.deepEqual(await workspace.events(source), stored);
      t.diagnostic(`${sdk.package}: ${count} changes refused; the package accepts ${laxer.length} of them`);
      for (const name of laxer) t.diagnostic(`  ${name}`);
    });

    test("N4: of random changes, none is accepted that the package refuses", async () => {
      const random = generator(0x5eed);
      const request = await sign();
      assert.equal((await both(request)).ours.status, 200);
      const count = (await workspace.events(source)).length;
      for (let i = 0; i < CHANGES; i += 1) {
        const changed = randomly(request, random);
        const { ours, theirs } = await both(changed);
        assert.ok([200, 401].includes(ours.status), `${ours.status}: ${JSON.stringify(changed)}`);
        if (ours.status === 200) {
          assert.ok(theirs, JSON.stringify(changed));
          assert.deepEqual(changed.body, request.body);
        }
      }
      assert.equal((await workspace.events(source)).length, count, "a changed request was stored as an event of its own");
    });
  });
}

suite("sources", () => {
  test("N4: what is signed for one source is refused at another", async () => {
    const [sdk] = SDKS;
    const secret = sdk.newSecret();
    const [own, other] = [await newSource(sdk, secret), await newSource(sdk, sdk.newSecret())];
    const body = JSON.stringify({ id: newId() });
    const headers = await sdk.sign({ secret, body, at: Math.floor(Date.now() / 1000) });
    assert.equal((await send(other.url, { headers, body })).status, 401);
    assert.equal((await send(own.url, { headers, body })).status, 200);
    assert.equal((await send(`${own.url.slice(0, -1)}0`, { headers, body })).status, 404);
  });

  test("Slack's check of the URL is answered with its challenge, and stored nowhere", async () => {
    const slack = SDKS.find(({ provider }) => provider === "slack");
    const secret = slack.newSecret();
    const source = await newSource(slack, secret);
    const body = JSON.stringify({ type: "url_verification", challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" });
    const headers = await slack.sign({ secret, body, at: Math.floor(Date.now() / 1000) });
    const { status, body: answer } = await send(source.url, { headers, body });
    assert.equal(status, 200);
    assert.ok(String(answer).includes(JSON.parse(body).challenge));
    assert.equal((await send(source.url, { headers, body: `${body} ` })).status, 401);
    assert.deepEqual(await workspace.events(source), []);
  });
});

function newSource({ provider }, secret) {
  return workspace.ok("POST", "/v1/sources", { provider, name: provider, secret });
}

let ids = 0;
function newId() {
  ids += 1;
  return `evt_${process.pid}_${ids}`;
}

/** One to three random changes to a signed request. */
function randomly({ headers, body }, random) {
  const changed = { headers: { ...headers }, body: Buffer.from(body) };
  const names = Object.keys(headers).filter((name) => name !== "content-type");
  for (let left = 1 + random(3); left > 0; left -= 1) {
    const name = names[random(names.length)];
    const value = String(changed.headers[name] ?? "");
    const at = random(value.length + 1);
    switch (random(6)) {
      case 0:
        changed.body[random(changed.body.length)] ^= 1 << random(8);
        break;
      case 1:
        delete changed.headers[name];
        break;
      case 2:
        changed.headers[name] = [value, value];
        break;
      case 3:
        changed.headers[name] = value.slice(0, at) + value.slice(at + 1);
        break;
      default:
        changed.headers[name] = value.slice(0, at) + String.fromCharCode(0x21 + random(94)) + value.slice(at + random(2));
    }
  }
  return changed;
}

/** Numbers below a bound, the same in every run (mulberry32). */
function generator(seed) {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}
