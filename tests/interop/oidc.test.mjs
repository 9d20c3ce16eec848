/**
 * Sign-in by OpenID Connect, with the real `oidc-provider` as the other side, and with one that lies (claims C3, M9, F9).
 * The mails go through npm's `smtp-server`.
 */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { exportSPKI, generateKeyPair, importJWK, UnsecuredJWT } from "jose";
import Provider from "oidc-provider";
import { SMTPServer } from "smtp-server";
import { Issuer } from "../support/issuer.mjs";
import { hidden, Jar } from "../support/jar.mjs";
import { freePort, serve } from "../support/serve.mjs";

const ROOT = join(import.meta.dirname, "../..");
const SESSION = "__Host-sluicegate_session";
const ATTEMPT = "__Host-sluicegate_oidc";
const PASSWORD = randomBytes(12).toString("base64url");
const unique = () => randomBytes(8).toString("hex");

suite("OpenID Connect", () => {
  const dir = mkdtempSync(join(ROOT, "target/oidc-"));
  const mails = [];
  const smtp = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    onData(stream, session, done) {
      let text = "";
      stream.on("data", (chunk) => (text += chunk));
      stream.on("end", () => {
        mails.push({ to: session.envelope.rcptTo[0].address, text });
        done();
      });
    },
  });
  let gate, real, realServer, liar, trusted;

  before(async () => {
    smtp.listen(0, "127.0.0.1");
    await once(smtp.server, "listening");
    [liar, trusted] = [await Issuer.start(), await Issuer.start()];
    const port = await freePort();
    const realUrl = `http://127.0.0.1:${port}`;
    const entry = (id, issuer, link) =>
      `[[sign_in.oidc]]\nid = "${id}"\nname = "${id}"\nissuer = "${issuer}"\nclient_id = "sluicegate-test"\nlink_by_email = ${link}\n`;
    const config = [
      readFileSync(join(ROOT, "sluicegate.toml"), "utf8"),
      entry("real", realUrl, false),
      entry("liar", liar.url, false),
      entry("trusted", trusted.url, true),
    ];
    writeFileSync(join(dir, "sluicegate.toml"), config.join("\n"));
    const secrets = JSON.stringify({ real: "real-secret", liar: "liar: secret/+", trusted: "trusted-secret" });
    gate = await serve(
      ...["--config", join(dir, "sluicegate.toml"), "--var", `OIDC_CLIENT_SECRETS=${secrets}`],
      ...["--var", `MAIL_TRANSPORT=smtp://127.0.0.1:${smtp.server.address().port}`],
    );
    real = provider(realUrl);
    realServer = createServer(real.callback());
    realServer.listen(port, "127.0.0.1");
    await once(realServer, "listening");
  });
  after(() => {
    smtp.close();
    realServer?.close();
    realServer?.closeAllConnections();
    liar?.stop();
    trusted?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    for (const issuer of [liar, trusted]) Object.assign(issuer, { claims: {}, token: null, callback: {} });
  });

  /** panva's oidc-provider with its own development pages. */
  function provider(url) {
    return new Provider(url, {
      clients: [
        {
          client_id: "sluicegate-test",
          client_secret: "real-secret",
          redirect_uris: [`${gate}/sign-in/real/callback`],
          response_types: ["code"],
          grant_types: ["authorization_code"],
        },
      ],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      // As it comes, it tells email and name at the userinfo endpoint alone; Google and the one that lies, in the ID token.
      cookies: { keys: [randomBytes(16).toString("hex")] },
      pkce: { required: () => true },
      findAccount: (_, sub) => ({
        accountId: sub,
        claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, name: "Grace" }),
      }),
    });
  }

  /** Goes through the real provider's log-in and consent pages, and returns the callback's address. */
  async function throughProvider(jar, sub) {
    const isBack = (url) => url.startsWith(`${gate}/sign-in/real/callback`);
    let page = await jar.follow(`${gate}/sign-in/real`, { stop: isBack });
    for (const form of [{ prompt: "login", login: sub, password: "any" }, { prompt: "consent" }]) {
      if (page.location && isBack(page.location)) break;
      const action = /<form[^>]* action="([^"]+)"/.exec(page.text)[1];
      page = await jar.follow(new URL(action, page.url).href, { form, stop: isBack });
    }
    assert.ok(page.location && isBack(page.location), page.text);
    return page.location;
  }

  /** The way through a liar. */
  async function through(id, jar = new Jar()) {
    const answer = await jar.follow(`${gate}/sign-in/${id}`, { stop: (url) => new URL(url).pathname.endsWith("/callback") });
    assert.ok(answer.location, `${answer.status} ${answer.text}`);
    return { jar, callback: answer.location, answer: await jar.send(answer.location) };
  }

  async function finishSignUp(jar) {
    const page = await jar.send(`${gate}/finish-sign-up`);
    assert.equal(page.status, 200, page.text);
    const form = { ...hidden(page.text, "/finish-sign-up"), name: "Grace", org_name: "Engines", accept_terms: "true" };
    const answer = await jar.send(`${gate}/finish-sign-up`, { form });
    assert.equal(answer.status, 303, answer.text);
    return me(jar);
  }

  async function me(jar) {
    const answer = await jar.send(`${gate}/v1/me`);
    assert.equal(answer.status, 200, answer.text);
    return JSON.parse(answer.text);
  }

  const isSignedIn = (jar) => jar.cookies(gate).has(SESSION);

  async function signUpWithPassword(email) {
    const body = { email, password: PASSWORD, name: "Ada", org_name: "Engines", accept_terms: true };
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${gate}/v1/signup`, { method: "POST", headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 201);
    return answer.json();
  }

  /** As the account that has signed up. */
  async function verifyEmail(email, { session }) {
    let mail;
    for (let tries = 0; !mail && tries < 200; tries += 1) {
      mail = mails.find(({ to, text }) => to === email && /token=/.test(decode(text)));
      if (!mail) await sleep(50);
    }
    const token = /token=([a-z0-9_]+)/.exec(decode(mail.text))[1];
    const headers = { "content-type": "application/json", authorization: `Bearer ${session.token}` };
    const answer = await fetch(`${gate}/v1/email/verify`, { method: "POST", headers, body: JSON.stringify({ token }) });
    assert.equal(answer.status, 204, await answer.text());
  }

  /** A mail's body, whichever of the two encodings it is in. */
  function decode(mail) {
    const [head, ...rest] = mail.split("\r\n\r\n");
    const body = rest.join("\r\n\r\n");
    return /base64/i.test(head)
      ? Buffer.from(body, "base64").toString()
      : body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  }

  test("C3: signing up and in again by oidc-provider, terms accepted, email proven", async () => {
    const [sub, jar] = [unique(), new Jar()];
    const back = await jar.send(await throughProvider(jar, sub));
    assert.equal(back.status, 303, back.text);
    assert.ok(!isSignedIn(jar), "nobody is signed in before the terms are accepted");
    assert.ok(!jar.cookies(gate).has(ATTEMPT), "the attempt is over");
    const first = await finishSignUp(jar);
    assert.equal(first.user.email, `${sub}@example.com`);
    const account = JSON.parse((await jar.send(`${gate}/v1/account`)).text);
    assert.equal(account.email_verified, true);
    assert.equal(account.has_password, false);
    assert.deepEqual(account.identities.map(({ provider }) => provider), ["real"]);
    assert.ok(Date.parse(account.terms_accepted_at) > Date.now() - 60_000);

    const again = new Jar();
    assert.equal((await again.send(await throughProvider(again, sub))).status, 303);
    const second = await me(again);
    assert.deepEqual([second.user.id, second.org.id], [first.user.id, first.org.id]);
  });

  test("F9: a code serves once, and only the browser that asked for it", async () => {
    const [sub, jar] = [unique(), new Jar()];
    const callback = await throughProvider(jar, sub);
    const attempt = jar.cookies(gate).get(ATTEMPT);

    const stranger = new Jar();
    const stolen = await stranger.send(callback);
    assert.ok(stolen.status >= 400 && !isSignedIn(stranger), `${stolen.status}`);

    assert.equal((await jar.send(callback)).status, 303);
    const replayed = new Jar();
    replayed.cookies(gate).set(ATTEMPT, attempt);
    const second = await replayed.send(callback);
    assert.equal(second.status, 401, second.text);
    assert.ok(!isSignedIn(replayed) && !replayed.cookies(gate).has("__Host-sluicegate_pending"));

    // Nor does a code with another attempt's state.
    const other = new Jar();
    const begun = await other.send(`${gate}/sign-in/real`);
    assert.equal(begun.status, 303);
    const mixed = await other.send(callback);
    assert.ok(mixed.status >= 400 && !isSignedIn(other), `${mixed.status}`);
  });

  test("M9: asks for openid, email and profile and nothing else, with PKCE, state and nonce", async () => {
    await through("liar");
    const asked = liar.asked;
    assert.equal(asked.get("scope").split(" ").sort().join(" "), "email openid profile");
    assert.equal(asked.get("response_type"), "code");
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.equal(asked.get("redirect_uri"), `${gate}/sign-in/liar/callback`);
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok(asked.get(name).length >= 43, name);
    assert.equal(asked.get("access_type"), null);
    // RFC 6749, section 2.3.1: both halves form-encoded.
    const [, basic] = liar.redeemed.headers.authorization.split(" ");
    assert.equal(Buffer.from(basic, "base64").toString(), "sluicegate-test:liar%3A+secret%2F%2B");
    assert.ok(liar.redeemed.form.get("code_verifier").length >= 43);
  });

  const now = () => Math.floor(Date.now() / 1000);
  const LIES = {
    "a wrong nonce": () => ({ claims: { nonce: "A".repeat(43) } }),
    "no nonce": () => ({ claims: { nonce: null } }),
    "another's nonce": () => ({ claims: { nonce: trusted.asked?.get("nonce") ?? "x" } }),
    "a swapped issuer": () => ({ claims: { iss: trusted.url } }),
    "an issuer with a slash more": () => ({ claims: { iss: `${liar.url}/` } }),
    "an expired token": () => ({ claims: { exp: now() - 120, iat: now() - 420 } }),
    "a token from the future": () => ({ claims: { nbf: now() + 600 } }),
    "an old token": () => ({ claims: { iat: now() - 3600 } }),
    "another audience": () => ({ claims: { aud: "somebody-else" } }),
    "several audiences without azp": () => ({ claims: { aud: ["sluicegate-test", "somebody-else"] } }),
    "an azp of somebody else": () => ({ claims: { azp: "somebody-else" } }),
    "no subject": () => ({ claims: { sub: null } }),
    "an empty subject": () => ({ claims: { sub: "" } }),
    "alg none": () => ({ token: (claims) => new UnsecuredJWT(claims).encode() }),
    "alg NONE with a signature": () => ({
      token: async (claims) => {
        const [, payload, signature] = (await liar.sign(claims)).split(".");
        return `${Buffer.from('{"alg":"NONE"}').toString("base64url")}.${payload}.${signature}`;
      },
    }),
    "HS256 by the public key": () => ({
      token: async (claims) => {
        const pem = await exportSPKI(await importJWK(liar.key.jwk, "RS256", { extractable: true }));
        const head = Buffer.from(JSON.stringify({ alg: "HS256", kid: liar.key.kid })).toString("base64url");
        const body = `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
        return `${body}.${createHmac("sha256", pem).update(body).digest("base64url")}`;
      },
    }),
    "another key under the right kid": () => ({
      token: async (claims) => liar.sign(claims, {}, (await generateKeyPair("RS256")).privateKey),
    }),
    "a key that the token brings along": () => ({
      token: async (claims) => {
        const own = await Issuer.start();
        own.stop();
        return own.sign(claims, { kid: liar.key.kid, jwk: own.key.jwk });
      },
    }),
    "a signature cut short": () => ({ token: async (claims) => (await liar.sign(claims)).slice(0, -8) }),
    "changed claims": () => ({
      token: async (claims) => {
        const [head, , signature] = (await liar.sign(claims)).split(".");
        return [head, Buffer.from(JSON.stringify({ ...claims, sub: "admin" })).toString("base64url"), signature].join(".");
      },
    }),
    "no token at all": () => ({ token: () => "" }),
    "a token of 1 MB": () => ({ token: () => "a".repeat(1 << 20) }),
    "a state that is not ours": () => ({ callback: { state: "A".repeat(43) } }),
    "no state": () => ({ callback: { state: null } }),
    "another issuer in the callback": () => ({ callback: { iss: "https://accounts.google.com" } }),
    "a made-up code": () => ({ callback: { code: "made-up" } }),
    "a denial": () => ({ callback: { code: null, error: "access_denied" } }),
  };

  test("F9: every lie is refused, opens no session and leaves no account", async (t) => {
    for (const [name, lie] of Object.entries(LIES)) {
      await t.test(name, async () => {
        Object.assign(liar, lie());
        const { jar, answer } = await through("liar");
        assert.ok(answer.status >= 400 && answer.status < 503, `${answer.status} ${answer.text}`);
        assert.deepEqual([...jar.cookies(gate).keys()], [], "no cookie is left");
        assert.ok(!answer.text.includes("made-up") && !answer.text.includes("access_denied"), "nothing is echoed");
      });
    }
  });

  test("keys that were rotated are fetched again, and a forged kid makes us ask no more than once a minute", async () => {
    const before = liar.keysFetched;
    liar.claims = { sub: unique(), email: `${unique()}@example.com` };
    assert.equal((await through("liar")).answer.status, 303);
    liar.token = (claims) => liar.sign(claims, { kid: "unknown" });
    for (let tries = 0; tries < 5; tries += 1) assert.equal((await through("liar")).answer.status, 401);
    assert.ok(liar.keysFetched - before <= 2, `${liar.keysFetched - before} fetches`);
  });

  test("an unverified email takes over nothing", async () => {
    const email = `${unique()}@example.com`;
    await verifyEmail(email, await signUpWithPassword(email));
    for (const unverified of [false, null, "false", 0, "yes"]) {
      Object.assign(trusted, { claims: { sub: unique(), email, email_verified: unverified } });
      const { jar, answer } = await through("trusted");
      assert.ok(answer.status >= 400, `${unverified}: ${answer.status}`);
      assert.ok(!isSignedIn(jar), String(unverified));
    }
  });

  test("nor does an account that has not proven its email take over who comes by a provider", async () => {
    // Somebody has signed up with an address that is not theirs; then its owner comes by the provider.
    const email = `${unique()}@example.com`;
    await signUpWithPassword(email);
    trusted.claims = { sub: unique(), email };
    const { jar, answer } = await through("trusted");
    assert.equal(answer.status, 409, answer.text);
    assert.ok(!isSignedIn(jar));
  });

  test("both proven: linked where the operator trusts the provider, and only there", async () => {
    const email = `${unique()}@example.com`;
    const signedUp = await signUpWithPassword(email);
    await verifyEmail(email, signedUp);
    liar.claims = { sub: unique(), email };
    assert.equal((await through("liar")).answer.status, 409);
    trusted.claims = { sub: unique(), email };
    const { jar, answer } = await through("trusted");
    assert.equal(answer.status, 303, answer.text);
    assert.equal((await me(jar)).user.id, signedUp.user.id);
    // From now on by the subject, whatever the email says.
    trusted.claims = { ...trusted.claims, email: `${unique()}@example.com`, email_verified: false };
    const again = await through("trusted");
    assert.equal((await me(again.jar)).user.id, signedUp.user.id);
  });

  test("a provider that is not configured is not there", async () => {
    assert.equal((await new Jar().send(`${gate}/sign-in/google`)).status, 404);
    assert.equal((await new Jar().send(`${gate}/sign-in/google/callback?code=a&state=b`)).status, 404);
  });

  test("a provider that is down is said to be", async () => {
    const gone = trusted.server;
    trusted.stop();
    await sleep(50);
    const jar = new Jar();
    // The metadata may still be in memory: then it is the exchange that fails, which needs the browser to get there.
    const answer = await jar.send(`${gate}/sign-in/trusted`);
    assert.ok([303, 502].includes(answer.status), `${answer.status}`);
    assert.ok(!gone.listening);
  });
});
