/** /openapi.json is valid, and the running server is what it says: judged by libraries that know nothing of Sluicegate. */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parseList } from "structured-headers";
import { GATE } from "../support/gate.mjs";
import { send } from "../support/http.mjs";
import { call, PASSWORD, Workspace } from "../support/workspace.mjs";

const document = await (await fetch(`${GATE}/openapi.json`)).json();

/** `[method, path template, operation]` of every operation. */
const OPERATIONS = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => [method.toUpperCase(), path, operation]),
);

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv, { formats: ["date-time", "email", "uri"] });
// Rust's integer widths, which OpenAPI lets a document name.
for (const width of ["uint", "uint8", "uint16", "uint32", "uint64", "int32", "int64"]) {
  ajv.addFormat(width, { type: "number", validate: Number.isInteger });
}
ajv.addSchema({ $id: "openapi.json", components: document.components });

function validator(schema) {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi.json#/components')));
}

/** Fails the test where `value` is not of the schema. */
function assertSchema(schema, value, what) {
  const validate = validator(schema);
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
}

/** Fails the test where an answer is not what the operation documents for its status. */
function assertDocumented([method, path, operation], { status, headers, json }) {
  const what = `${method} ${path} ${status}`;
  const documented = operation.responses[status] ?? (status >= 400 ? document.components.responses.Problem : undefined);
  assert.ok(documented, `${what} is not documented`);
  assert.ok(headers.get("x-request-id"), what);
  if (!documented.content) {
    assert.equal(json, undefined, what);
    return;
  }
  const type = headers.get("content-type");
  assert.ok(documented.content[type], `${what}: ${type}`);
  assertSchema(documented.content[type].schema, json, what);
  if (status >= 400) {
    assert.equal(json.status, status, what);
    assert.equal(json.request_id, headers.get("x-request-id"), what);
  }
}

suite("the OpenAPI document", () => {
  let workspace, ids;
  before(async () => {
    workspace = await Workspace.create();
    const source = { provider: "github", name: "a", secret: "not-a-secret" };
    const { id, url } = await workspace.ok("POST", "/v1/sources", source);
    const { sign } = await import("@octokit/webhooks-methods");
    const headers = { "x-hub-signature-256": await sign(source.secret, "{}") };
    const event = JSON.parse((await send(url, { headers, body: "{}" })).body);
    const connection = await workspace.ok("POST", "/v1/connections", BODIES["/v1/connections"]());
    const key = await workspace.ok("POST", "/v1/api-keys", BODIES["/v1/api-keys"]());
    const gone = await workspace.ok("POST", "/v1/connections", BODIES["/v1/connections"]());
    await workspace.ok("DELETE", `/v1/connections/${gone.id}`);
    const endpoint = await workspace.ok("POST", "/v1/endpoints", BODIES["/v1/endpoints"]());
    const invitation = await workspace.ok("POST", "/v1/invitations", BODIES["/v1/invitations"]());
    const message = await workspace.ok("POST", "/v1/messages", BODIES["/v1/messages"]());
    const link = await workspace.ok("POST", "/v1/portal-links", BODIES["/v1/portal-links"]());
    await workspace.ok("PUT", "/v1/event-types/invoice.paid", BODIES["/v1/event-types/{id}"]());
    const [session] = (await workspace.ok("GET", "/v1/sessions")).data;
    ids = {
      sources: id,
      "inbound-events": event.id,
      connections: connection.id,
      connectors: "gmail",
      receipts: gone.id,
      endpoints: endpoint.id,
      "api-keys": key.id,
      invitations: invitation.id,
      members: workspace.user.id,
      sessions: session.id,
      admin: workspace.org.id,
      account: "google",
      messages: message.id,
      "portal-links": link.id,
      "event-types": "invoice.paid",
      providers: "stripe",
    };
    BODIES["/v1/inbound-events/replay"] = () => ({ source_id: id });
    BODIES["/v1/api-keys/verify"] = () => ({ key: key.key });
  });

  /** The template's path, with ids of things that are there. */
  function concrete(path) {
    const [, , kind] = path.split("/");
    return path.replace("{id}", ids[kind]).replace("{endpoint_id}", ids.endpoints).replace("{path}", "status");
  }

  test("is valid OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors, null, 2));
    assert.match(document.openapi, /^3\.1\./);
    assert.ok(OPERATIONS.length > 20);
  });

  test("names no operation twice", () => {
    const names = OPERATIONS.map(([, , { operationId }]) => operationId);
    assert.equal(new Set(names).size, names.length);
  });

  test("N7: every operation that it secures is there, and answers 401 without a credential", async () => {
    for (const documented of OPERATIONS.filter(([, , { security }]) => security === undefined)) {
      const [method, path] = documented;
      const answer = await call(method, concrete(path));
      assert.equal(answer.status, 401, `${method} ${path}`);
      assertDocumented(documented, answer);
    }
  });

  test("every operation that it leaves open refuses an empty body as a Problem", async () => {
    const open = OPERATIONS.filter(([, , { security }]) => security !== undefined);
    const expected = ["/v1/login", "/v1/login/second-factor", "/v1/password-reset", "/v1/password-reset/confirm", "/v1/signup"];
    assert.deepEqual(open.map(([, path]) => path).sort(), expected);
    for (const documented of open) {
      const answer = await call(documented[0], documented[1], { json: {} });
      assert.equal(answer.status, 422);
      assertDocumented(documented, answer);
    }
  });

  test("every method that it does not name is refused with those that it does", async () => {
    // Forward authentication comes with the method of the request that it asks about.
    const paths = new Set(OPERATIONS.map(([, path]) => path).filter((path) => path !== "/v1/auth/check"));
    for (const path of paths) {
      const known = Object.keys(document.paths[path]).map((method) => method.toUpperCase());
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) => !known.includes(method))) {
        const answer = await workspace.call(method, concrete(path));
        assert.equal(answer.status, 405, `${method} ${path}`);
        assert.deepEqual(answer.headers.get("allow").split(", ").sort(), known.sort());
        assertSchema({ $ref: "#/components/schemas/Problem" }, answer.json, `${method} ${path}`);
      }
    }
  });

  /**
   * What succeeds only with a mail, an app, an operator, a provider or another person, or takes this session away: the end-to-end tests
   * hold each of their successes to the document (tests/src/documented.rs).
   */
  const ELSEWHERE = [
    /^\/v1\/(admin|orgs|email|password|password-reset|reauthenticate|second-factor|leave)(\/|$)/,
    /^\/v1\/(account\/identities|members|sessions)\/\{id\}$/,
    /^\/v1\/(connectors\/\{id\}\/client|connections\/\{id\}\/(auth|authorize|query)|org\/delete)$/,
    // Nothing is pending, or has been sent, there.
    /^\/v1\/(messages\/\{id\}\/endpoints\/\{endpoint_id\}\/skip|sources\/\{id\}\/verification-token)$/,
    /^\/v1\/(login\/second-factor|invitations\/accept|api-keys\/\{id\}\/rotate)$/,
  ];

  test("every answer, of a success or a refusal, is of its schema", async () => {
    // What ends things comes last, and the session's own end at the very end.
    const rank = ([method, path]) => (path === "/v1/logout" ? 2 : method === "DELETE" ? 1 : 0);
    const elsewhere = ([, path]) => path.includes("/proxy/") || ELSEWHERE.some((paths) => paths.test(path));
    const operations = OPERATIONS.filter((operation) => !elsewhere(operation)).sort((a, b) => rank(a) - rank(b));
    for (const documented of operations) {
      const [method, path, operation] = documented;
      const json = BODIES[path]?.(workspace);
      const takes = operation.requestBody && json;
      if (takes && method === "POST") {
        const { schema } = operation.requestBody.content["application/json"];
        assertSchema(schema, json, `our own ${method} ${path}`);
        const isRight = validator(schema);
        for (const wrong of [{}, [], null, "x", 1, { ...json, unknown: 1 }].filter((wrong) => !isRight(wrong))) {
          const refused = await workspace.call(method, concrete(path), wrong);
          assert.ok([400, 422].includes(refused.status), `${method} ${path} ${JSON.stringify(wrong)}: ${refused.status}`);
          assertDocumented(documented, refused);
        }
      }
      const answer = await workspace.call(method, concrete(path), takes ? json : undefined);
      assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.json)}`);
      assertDocumented(documented, answer);
    }
  });
});

/** What each operation is called with. */
const BODIES = {
  "/v1/signup": () => ({
    email: `${crypto.randomUUID()}@example.com`,
    password: PASSWORD,
    name: "A",
    org_name: "B",
    accept_terms: true,
  }),
  "/v1/login": ({ email }) => ({ email, password: PASSWORD }),
  "/v1/api-keys": () => ({ name: "key", scopes: ["connections:read"], rate_limit: { limit: 5, period_seconds: 60 } }),
  "/v1/invitations": () => ({ email: `${crypto.randomUUID()}@example.com`, role: "member" }),
  "/v1/members": () => ({ email: `${crypto.randomUUID()}@example.com`, role: "member" }),
  "/v1/connections": () => ({
    connector: "http",
    name: "a",
    base_url: "https://api.example.com/v1",
    auth: { type: "api_key", header: "x-api-key", value: "not-a-secret" },
  }),
  "/v1/connections/{id}/dry-run": () => ({ method: "GET", path: "/items" }),
  "/v1/endpoints": () => ({ url: "https://hooks.example.com/a" }),
  "/v1/endpoints/{id}": () => ({ description: "another" }),
  "/v1/endpoints/{id}/rotate-secret": () => ({ overlap_seconds: 60 }),
  "/v1/endpoints/{id}/recover": () => ({ since: "2026-01-01T00:00:00Z" }),
  "/v1/messages": () => ({ event_type: "invoice.paid", payload: { type: "invoice.paid" } }),
  "/v1/event-types/{id}": () => ({ description: "Paid", schema: { type: "object" }, example: { type: "invoice.paid" } }),
  "/v1/portal-links": () => ({ customer_id: "cus_1" }),
  "/v1/sources/{id}": () => ({ name: "another" }),
  "/v1/sources/{id}/rotate-secret": () => ({ secret: "another-secret-that-is-none" }),
  "/v1/inbound-events/{id}/replay": () => ({}),
  "/v1/sources": () => ({ provider: "stripe", name: "a", secret: "whsec_not-a-secret" }),
};

suite("RateLimit headers", () => {
  test("M6: they are structured fields, and count down", async () => {
    const workspace = await Workspace.create();
    const { key } = await workspace.ok("POST", "/v1/api-keys", BODIES["/v1/api-keys"]());
    const read = async () => {
      const { status, headers } = await call("GET", "/v1/connections", { token: key });
      const items = (name) => Object.fromEntries(parseList(headers.get(name)).map(([name, values]) => [name, values]));
      return { status, retry: headers.get("retry-after"), policy: items("ratelimit-policy"), state: items("ratelimit") };
    };
    const first = await read();
    assert.deepEqual(Object.keys(first.policy), Object.keys(first.state));
    for (const [name, policy] of Object.entries(first.policy)) {
      const state = first.state[name];
      assert.ok(policy.get("q") > 0 && policy.get("w") > 0, name);
      assert.ok(state.get("r") < policy.get("q") && state.get("t") <= policy.get("w"), name);
    }
    // The key's own limit holds from its second request on, once the control plane has told it.
    let last;
    for (let i = 0; i < 7; i += 1) last = await read();
    assert.equal(last.policy.principal.get("q"), 5);
    assert.equal(last.policy.principal.get("w"), 60);
    assert.equal(last.state.principal.get("r"), 0);
    assert.equal(last.status, 429);
    assert.match(last.retry, /^[1-9]\d*$/);
  });

  test("other answers, public or refused, carry them too", async () => {
    for (const path of ["/healthz", "/", "/v1/me", "/none"]) {
      const { headers } = await fetch(GATE + path);
      assert.ok(parseList(headers.get("ratelimit")).length > 0, path);
      assert.ok(parseList(headers.get("ratelimit-policy")).length > 0, path);
    }
  });
});
