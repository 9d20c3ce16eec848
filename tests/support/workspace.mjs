/** A fresh tenant, and the API as its admin calls it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { GATE } from "./gate.mjs";

/** No password that anyone has. */
export const PASSWORD = randomBytes(12).toString("base64url");

export class Workspace {
  /** Signs up. */
  static async create(name = "Interop") {
    const email = `${randomBytes(8).toString("hex")}@example.com`;
    const sign_up = { email, password: PASSWORD, name, org_name: name, accept_terms: true };
    const { status, json } = await call("POST", "/v1/signup", { json: sign_up });
    assert.equal(status, 201, JSON.stringify(json));
    return new Workspace(email, json);
  }

  constructor(email, { user, org, session }) {
    Object.assign(this, { email, user, org, token: session.token });
  }

  call(method, path, json) {
    return call(method, path, { token: this.token, json });
  }

  /** Calls, and fails the test where the answer is no success. */
  async ok(method, path, json) {
    const answer = await this.call(method, path, json);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`);
    return answer.json;
  }

  /** The stored events of a source, newest first. */
  async events(source) {
    return (await this.ok("GET", `/v1/inbound-events?source_id=${source.id}&limit=200`)).data;
  }
}

/** One call of the API; `json` of the answer is undefined where it has no body. */
export async function call(method, path, { token, json, headers = {} } = {}) {
  const response = await fetch(GATE + path, {
    method,
    redirect: "manual",
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    body: json === undefined ? undefined : JSON.stringify(json),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : undefined };
}
