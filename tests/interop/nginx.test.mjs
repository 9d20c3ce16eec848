/**
 * Forward auth by a real nginx (`auth_request`): its app is reached with a credential of the gate's and by the cross-site rules of
 * a gateway route, however nginx asks: by GET, by HEAD, or by its client's method.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, suite, test } from "node:test";
import { send } from "../support/http.mjs";
import { Nginx, skip } from "../support/nginx.mjs";
import { freePort, serve } from "../support/serve.mjs";

/** How nginx asks, and what of its client's method the gate can see. */
const WAYS = {
  get: "",
  told: "proxy_set_header X-Original-Method $request_method;",
  head: "proxy_method HEAD; proxy_set_header X-Original-Method $request_method;",
  same: "proxy_method $request_method;",
};

suite("an app behind nginx", { skip: skip() }, () => {
  const reached = [];
  const app = createServer((request, response) => {
    reached.push(request.method);
    request.resume();
    request.on("end", () => response.end("the app"));
  });
  let nginx, origin, token, cookie, key;

  before(async () => {
    app.listen(0, "127.0.0.1");
    await once(app, "listening");
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    const gate = await serve("--var", `PUBLIC_ORIGIN=${origin}`);
    const locations = Object.entries(WAYS).map(
      ([way, asks]) => `
        location = /_auth_${way} {
          internal;
          proxy_pass ${gate}/v1/auth/check;
          proxy_pass_request_body off;
          proxy_set_header Content-Length "";
          proxy_set_header Host $http_host;
          ${asks}
        }
        location /${way}/ {
          auth_request /_auth_${way};
          proxy_pass http://127.0.0.1:${app.address().port};
        }`,
    );
    nginx = await Nginx.start(port, locations.join("\n"));

    const post = async (path, json, headers = {}) => {
      const all = { "content-type": "application/json", ...headers };
      const answer = await fetch(gate + path, { method: "POST", headers: all, body: JSON.stringify(json) });
      assert.equal(answer.status, 201, path);
      return { json: await answer.json(), cookie: answer.headers.get("set-cookie")?.split(";")[0] };
    };
    const email = `${randomBytes(8).toString("hex")}@example.com`;
    const password = randomBytes(12).toString("base64url");
    const signedUp = await post("/v1/signup", { email, password, name: "Ada", org_name: "Engines", accept_terms: true });
    ({ cookie } = signedUp);
    ({ token } = signedUp.json.session);
    const created = await post("/v1/api-keys", { name: "app", scopes: ["connections:read"] }, bearer(token));
    ({ key } = created.json);
  });
  after(() => {
    nginx?.stop();
    app.close();
  });

  const bearer = (credential) => ({ authorization: `Bearer ${credential}` });

  /** The status at nginx; the app is reached by this method if it is 200, and not at all otherwise. */
  async function status(way, method, headers) {
    reached.length = 0;
    const body = method === "POST" ? "a=b" : "";
    const answer = await send(`${origin}/${way}/x?api=1`, { method, headers, body });
    assert.deepEqual(reached, answer.status === 200 ? [method] : [], `${way} ${method} ${answer.status}`);
    return answer.status;
  }

  for (const way of Object.keys(WAYS)) {
    test(`who has a credential reaches it, nobody else does: ${way}`, async () => {
      for (const method of ["GET", "HEAD", "POST", "DELETE"]) {
        for (const headers of [bearer(token), bearer(key), { cookie }]) assert.equal(await status(way, method, headers), 200, method);
        for (const headers of [{}, bearer("x"), { cookie: `${cookie}x` }, { cookie: cookie.replace("=", "=x") }]) {
          assert.equal(await status(way, method, headers), 401, method);
        }
      }
      const refused = await send(`${origin}/${way}/x`, { method: "GET", headers: bearer(key.slice(0, 84)) });
      assert.match(refused.headers["www-authenticate"], /^Bearer error="invalid_token", .*84 of 108 characters/);
    });

    test(`another site's page changes nothing in it by the cookie: ${way}`, async () => {
      const own = { origin, "sec-fetch-site": "same-origin" };
      assert.equal(await status(way, "POST", { cookie, ...own }), 200);
      for (const from of ["https://evil.example", "http://sibling.127.0.0.1", "null"]) {
        for (const site of ["cross-site", "same-site"]) {
          const headers = { cookie, origin: from, "sec-fetch-site": site, "sec-fetch-mode": "navigate" };
          assert.equal(await status(way, "POST", headers), 403, `${from} ${site}`);
        }
      }
    });

    test(`a link from elsewhere leads to it, a script elsewhere does not: ${way}`, async () => {
      const from = (mode) => ({ cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": mode });
      assert.equal(await status(way, "GET", from("navigate")), 200);
      assert.equal(await status(way, "GET", from("no-cors")), 403);
      assert.equal(await status(way, "GET", { ...from("cors"), origin: "https://evil.example" }), 403);
      assert.equal(await status(way, "GET", { ...from("websocket"), origin: "https://evil.example" }), 403);
    });
  }
});
