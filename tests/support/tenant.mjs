/**
 * A server that trusts the tests' own certificate authority, with one fresh tenant. Keeps every answer and can search what
 * the server has stored and logged, for what may be nowhere.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Server } from "./serve.mjs";

export class Tenant {
  /** The texts of all answers. */
  answers = [];

  /**
   * @param {string} ca path of a PEM file
   * @param {string[]} options further ones of `xtask serve`
   */
  static async start(ca, ...options) {
    const tenant = new Tenant();
    tenant.server = await Server.create();
    tenant.server.log = join(tenant.server.data, "server.log");
    await tenant.server.start("--trust", ca, ...options);
    const email = `${randomBytes(8).toString("hex")}@example.com`;
    const password = randomBytes(12).toString("base64url");
    const signUp = { email, password, name: "Interop", org_name: "Interop", accept_terms: true };
    const { status, json } = await tenant.call("POST", "/v1/signup", signUp);
    assert.equal(status, 201, JSON.stringify(json));
    tenant.token = json.session.token;
    return tenant;
  }

  /** One call as the tenant's admin; `json` of the answer is undefined where it has no body. */
  async call(method, path, json) {
    const headers = {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(json && { "content-type": "application/json" }),
    };
    const response = await fetch(this.server.url + path, { method, headers, body: json && JSON.stringify(json) });
    const text = await response.text();
    this.answers.push(text);
    return { status: response.status, text, json: text ? JSON.parse(text) : undefined };
  }

  /** Connects to a server on this machine by user name and password. */
  connect(connector, parameters, { username, password, ...rest }) {
    const auth = { type: "basic", username, password };
    const all = { host: "localhost", ...parameters, port: String(parameters.port) };
    return this.call("POST", "/v1/connections", { connector, name: connector, parameters: all, auth, ...rest });
  }

  /** The newest events of the audit log, the last one first. */
  async audit() {
    const { json } = await this.call("GET", "/v1/audit?limit=200");
    return json.data;
  }

  /** Whether the server's files, its log among them, hold these bytes. */
  holds(bytes) {
    const files = readdirSync(this.server.data, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    return files.some((file) => readFileSync(join(file.parentPath, file.name)).includes(bytes));
  }
}
