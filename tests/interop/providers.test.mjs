/**
 * The providers' own packages on the other side of the signature table (claims N4, B6): what they sign is accepted, and what was
 * done to it on its way is refused, whether or not the package would notice. Where Sluicegate is the stricter one is printed.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { send } from "../support/http.mjs";
import { Workspace } from "../support/workspace.mjs";
import { CASES } from "./providers/table.mjs";
import { SDKS } from "./sdks.mjs";

const INVALID = "signature_invalid";
const OUT_OF_TOLERANCE = "timestamp_out_of_tolerance";
const now = () => Math.floor(Date.now() / 1000);

const stricter = new Map();
after(() => {
  for (const [name, changes] of stricter) console.log(`# ${name} accepts what is refused here: ${changes.join(", ")}`);
});

for (const kase of CASES) {
  suite(`N4: ${kase.package}`, () => {
    const keys = kase.newKeys();
    let workspace, source;
    before(async () => {
      workspace = await Workspace.create();
      const { provider } = kase;
      source = await workspace.ok("POST", "/v1/sources", { provider, name: kase.package, ...keys.source });
    });

    /** A signed request, as it goes over the wire. */
    async function signed({ at = now(), by = keys } = {}) {
      const id = `evt_${randomUUID()}`;
      const written = kase.body?.(id) ?? JSON.stringify({ id, type: "order.paid", text: "zażółć 🎉" });
      const { headers, body = written, query } = await kase.sign({ keys: by, url: source.url, body: written, at });
      return { headers: { "content-type": "application/json", ...headers }, body, query };
    }

    async function ours({ headers, body, query }) {
      const answer = await send(query ? `${source.url}?${query}` : source.url, { headers, body });
      return { status: answer.status, ...JSON.parse(answer.body) };
    }

    /** The package's verdict on the very same request; of a doubled header it sees what Node.js makes of it. */
    async function theirs({ headers, body, query }) {
      const url = query ? `${source.url}?${query}` : source.url;
      const joined = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]);
      try {
        return (await kase.accepts({ keys, url, headers: Object.fromEntries(joined), body })) !== false;
      } catch {
        return false;
      }
    }

    test("what it signs is stored, once", async () => {
      const request = await signed();
      assert.ok(await theirs(request), "the package refuses it");
      const first = await ours(request);
      assert.equal(first.status, 200, JSON.stringify(first));
      assert.deepEqual([first.duplicate, (await ours(request)).duplicate], [false, true]);
      const stored = await workspace.ok("GET", `/v1/inbound-events/${first.id}`);
      assert.equal(Buffer.from(stored.body_base64, "base64").toString(), request.body);
      assert.equal(stored.provider, kase.provider);
      for (const name of kase.signed.filter((name) => /signature|authorization/.test(name))) {
        const kept = Object.fromEntries(stored.headers)[name];
        assert.ok(kept === undefined || kept === "[redacted]" || /^[a-z, -]+$/.test(kept), `${name} is stored`);
      }
    });

    test("what was changed is refused", async () => {
      for await (const [name, code, request] of spoiled(signed, kase)) {
        const answer = await ours(request);
        assert.deepEqual([answer.status, answer.code], [401, code], `${name}: ${JSON.stringify(answer)}`);
        if (await theirs(request)) stricter.set(kase.package, [...(stricter.get(kase.package) ?? []), name]);
      }
      const { data } = await workspace.ok("GET", `/v1/sources/${source.id}/rejections`);
      assert.ok(data.length > 0 && data.every(({ reason }) => reason.length > 10), "the tenant is told why");
    });
  });
}

test("`tested` of a provider says what is tested here", async () => {
  const { data } = await (await Workspace.create()).ok("GET", "/v1/providers");
  const claimed = data.filter(({ tested }) => tested === "sdk").map(({ id }) => id);
  const here = new Set([...CASES, ...SDKS].map(({ provider }) => provider));
  assert.deepEqual(claimed.sort(), [...here].sort());
});

/** A signed request with one thing wrong: what, the code for it, the request. */
async function* spoiled(signed, kase) {
  for (const header of kase.signed) {
    for (const [name, change] of Object.entries(HEADER)) {
      const request = await signed();
      const before = request.headers[header];
      const after = change(before);
      if (after === before) continue;
      const { [header]: _, ...others } = request.headers;
      yield [`${header}: ${name}`, INVALID, { ...request, headers: after === undefined ? others : { ...others, [header]: after } }];
    }
  }
  for (const [name, change] of Object.entries(kase.body_changes ?? BODY)) {
    const request = await signed();
    yield [`body: ${name}`, INVALID, { ...request, body: change(request.body) }];
  }
  if (kase.url_signed) {
    const request = await signed();
    yield ["url: a parameter more", INVALID, { ...request, query: [request.query, "x=1"].filter(Boolean).join("&") }];
  }
  yield ["another key", INVALID, await signed({ by: kase.newKeys() })];
  if (kase.tolerance) {
    for (const seconds of [-kase.tolerance - 20, kase.tolerance + 20, -86_400 * 365]) {
      yield [`signed ${seconds} s from now`, OUT_OF_TOLERANCE, await signed({ at: now() + seconds })];
    }
    const wrong = await signed({ at: now() - kase.tolerance - 20, by: kase.newKeys() });
    yield ["too old, and another key", INVALID, wrong];
  }
}

const swap = (text, at) => text.slice(0, at) + (text[at] === "7" ? "8" : "7") + text.slice(at + 1);

const HEADER = {
  missing: () => undefined,
  empty: () => "",
  "sent twice": (value) => [value, value],
  "sent twice, a wrong one first": (value) => [swap(value, value.length >> 1), value],
  "first character changed": (value) => swap(value, 0),
  "a character in its middle changed": (value) => swap(value, value.length >> 1),
  "cut short": (value) => value.slice(0, -1),
  "a character more": (value) => `${value}7`,
  // Of hexadecimal alone it is the same signature.
  "upper case": (value) => (/^[0-9a-f]+$/.test(value) ? value : value.toUpperCase()),
  "a space in its middle": (value) => `${value.slice(0, value.length >> 1)} ${value.slice(value.length >> 1)}`,
};

const BODY = {
  "a character changed": (body) => swap(body, body.length >> 1),
  "cut short": (body) => body.slice(0, -1),
  "a space more": (body) => `${body} `,
  "a space before": (body) => ` ${body}`,
  twice: (body) => body + body,
  empty: () => "",
};
