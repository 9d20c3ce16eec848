/** An identity provider that does as it is told: every lie that a relying party must see through. */
import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export class Issuer {
  /** What the next ID token's claims are changed by. */
  claims = {};
  /** What makes the next ID token of the right claims, in place of an honest signature. */
  token = null;
  /** What the callback's query is changed by. */
  callback = {};
  /** The last authorization request. */
  asked = null;
  /** The last token request: headers and form. */
  redeemed = null;
  /** How often the key set was fetched. */
  keysFetched = 0;
  #codes = new Map();

  static async start() {
    const issuer = new Issuer();
    await issuer.rotate("first");
    issuer.server = createServer((request, response) => {
      issuer.#answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
    });
    issuer.server.listen(0, "127.0.0.1");
    await once(issuer.server, "listening");
    issuer.url = `http://127.0.0.1:${issuer.server.address().port}`;
    return issuer;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Signs with a new key from now on, and publishes it alone. */
  async rotate(kid) {
    const { privateKey, publicKey } = await generateKeyPair("RS256");
    this.key = { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } };
  }

  sign(claims, header = {}, key = this.key.privateKey) {
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: this.key.kid, ...header }).sign(key);
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.url);
    const json = (body) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return json({
          issuer: this.url,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          jwks_uri: `${this.url}/jwks`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
        });
      case "/jwks":
        this.keysFetched += 1;
        return json({ keys: [this.key.jwk] });
      case "/authorize": {
        this.asked = url.searchParams;
        const code = crypto.randomUUID();
        this.#codes.set(code, url.searchParams.get("nonce"));
        const back = new URL(url.searchParams.get("redirect_uri"));
        const query = { code, state: url.searchParams.get("state"), ...this.callback };
        for (const [name, value] of Object.entries(query)) if (value !== null) back.searchParams.set(name, value);
        return response.writeHead(302, { location: back.href }).end();
      }
      case "/token": {
        let form = "";
        for await (const chunk of request) form += chunk;
        this.redeemed = { headers: request.headers, form: new URLSearchParams(form) };
        const nonce = this.#codes.get(this.redeemed.form.get("code"));
        if (nonce === undefined) return response.writeHead(400).end('{"error":"invalid_grant"}');
        this.#codes.delete(this.redeemed.form.get("code"));
        const now = Math.floor(Date.now() / 1000);
        const honest = {
          iss: this.url, aud: "sluicegate-test", sub: "sub-1", nonce, iat: now, exp: now + 300,
          auth_time: now, email: "oidc@example.com", email_verified: true, name: "Ada",
        };
        const claims = Object.fromEntries(Object.entries({ ...honest, ...this.claims }).filter(([, value]) => value !== null));
        const token = this.token ? await this.token(claims, this) : await this.sign(claims);
        return json({ access_token: "unused", token_type: "Bearer", id_token: token });
      }
      default:
        return response.writeHead(404).end();
    }
  }
}
