/**
 * An OAuth server that nobody here wrote: npm's `oidc-provider`, at the paths of the provider it stands in for. Refresh
 * tokens rotate, and one that comes again ends its grant: RFC 9700, section 4.14.2, as `oidc-provider` has it.
 *
 * What a test decides: how long access tokens live, when a person takes the grant back, what time the provider has.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const NOW = Date.now;

export class OAuthProvider {
  /** Seconds that an access token lives which is issued from now on. */
  accessTokenSeconds = 3600;
  #provider;
  #server;

  /**
   * @param {string} origin where clients reach it
   * @param {{client_id: string, client_secret: string, redirect_uri: string, scopes: string[], routes: object}} options
   */
  static async start(origin, { client_id, client_secret, redirect_uri, scopes, routes }) {
    const oauth = new OAuthProvider();
    oauth.#provider = new Provider(origin, {
      clients: [
        {
          client_id,
          client_secret,
          redirect_uris: [redirect_uri],
          response_types: ["code"],
          grant_types: ["authorization_code", "refresh_token"],
          token_endpoint_auth_method: "client_secret_post",
        },
      ],
      scopes: ["openid", "offline_access", ...scopes],
      routes,
      features: { revocation: { enabled: true } },
      pkce: { required: () => true },
      // GitLab gives a refresh token to whoever asks for access; others to who asks for offline_access.
      issueRefreshToken: (_, client, source) =>
        client.grantTypeAllowed("refresh_token") && (source.scopes.has("offline_access") || !scopes.includes("offline_access")),
      rotateRefreshToken: true,
      ttl: { AccessToken: () => oauth.accessTokenSeconds },
      cookies: { keys: [randomBytes(16).toString("hex")] },
      findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    });
    oauth.#server = createServer(oauth.#provider.callback());
    oauth.#server.listen(0, "127.0.0.1");
    await once(oauth.#server, "listening");
    oauth.port = oauth.#server.address().port;
    return oauth;
  }

  stop() {
    this.setClock(0);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Whose access token this is; undefined where it is none, or no longer. */
  async whose(token) {
    return (await this.#provider.AccessToken.find(token))?.accountId;
  }

  /** Whether a refresh token would still be taken. */
  async isGood(refreshToken) {
    return (await this.#provider.RefreshToken.find(refreshToken))?.isValid ?? false;
  }

  /** As if an access token had come to its end before its time. */
  async end(token) {
    await (await this.#provider.AccessToken.find(token)).destroy();
  }

  /** The person takes the grant back on a page of the provider's own. */
  async takeBack(refreshToken) {
    const { grantId } = await this.#provider.RefreshToken.find(refreshToken);
    const { AccessToken, Grant, RefreshToken } = this.#provider;
    for (const kind of [AccessToken, RefreshToken]) await kind.revokeByGrantId(grantId);
    await (await Grant.find(grantId)).destroy();
  }

  /** The provider's clock is so far ahead of everybody's. It is this process's `Date.now`: nothing else of a test looks there. */
  setClock(aheadMs) {
    Date.now = aheadMs === 0 ? NOW : () => NOW() + aheadMs;
  }
}

/**
 * What a person does at the provider: signs in, grants access.
 *
 * @returns {Promise<string>} where the provider sends the browser back to
 */
export async function grant(jar, authorizeUrl, callback, login = "ada") {
  const stop = (url) => url.startsWith(callback);
  let page = await jar.follow(authorizeUrl, { stop });
  for (const form of [{ prompt: "login", login, password: "any" }, { prompt: "consent" }]) {
    if (page.location && stop(page.location)) break;
    const action = /<form[^>]* action="([^"]+)"/.exec(page.text)?.[1];
    assert.ok(action, `${page.status} ${page.url}: ${page.text.slice(0, 2000)}`);
    page = await jar.follow(new URL(action, page.url).href, { form, stop });
  }
  assert.ok(page.location && stop(page.location), page.text);
  return page.location;
}
