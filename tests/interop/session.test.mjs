/** Session tokens are plain JWTs: any library verifies them by the published keys alone (claims M4, F9). */
import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { createRemoteJWKSet, decodeProtectedHeader, errors, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from "jose";
import { GATE } from "../support/gate.mjs";
import { call, Workspace } from "../support/workspace.mjs";

const JWKS = `${GATE}/.well-known/jwks.json`;
/** What a relying party checks. */
const EXPECTED = { issuer: "sluicegate", audience: "sluicegate", algorithms: ["EdDSA"] };

suite("jose", () => {
  const keys = createRemoteJWKSet(new URL(JWKS));
  let workspace;
  before(async () => {
    workspace = await Workspace.create();
  });

  test("M4: a session token verifies by /.well-known/jwks.json", async () => {
    const { payload, protectedHeader } = await jwtVerify(workspace.token, keys, { ...EXPECTED, typ: "JWT" });
    assert.equal(payload.sub, workspace.user.id);
    assert.equal(payload.org, workspace.org.id);
    assert.equal(payload.role, "org_admin");
    assert.match(payload.sid, /^ses_/);
    assert.equal(payload.exp - payload.iat, 600);
    assert.deepEqual(Object.keys(protectedHeader).sort(), ["alg", "kid", "typ"]);
  });

  test("a token for someone else, from someone else, or of another time is refused", async () => {
    const wrong = [
      [{ issuer: "other" }, errors.JWTClaimValidationFailed],
      [{ audience: "other" }, errors.JWTClaimValidationFailed],
      [{ algorithms: ["RS256"] }, errors.JOSEAlgNotAllowed],
      [{ currentDate: new Date(Date.now() + 601_000) }, errors.JWTExpired],
    ];
    for (const [change, error] of wrong) {
      await assert.rejects(jwtVerify(workspace.token, keys, { ...EXPECTED, ...change }), error, JSON.stringify(change));
    }
    const [header, payload, signature] = workspace.token.split(".");
    const admin = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, "base64url")), role: "super_admin" }));
    const changed = [header, admin.toString("base64url"), signature].join(".");
    await assert.rejects(jwtVerify(changed, keys, EXPECTED), errors.JWSSignatureVerificationFailed);
    assert.equal((await call("GET", "/v1/me", { token: changed })).status, 401);
  });

  test("the published set holds public Ed25519 keys for signatures and nothing else", async () => {
    const response = await fetch(JWKS);
    assert.equal(response.headers.get("content-type"), "application/jwk-set+json");
    assert.match(response.headers.get("cache-control"), /max-age=\d+/);
    const set = await response.json();
    assert.ok(set.keys.length > 0);
    for (const jwk of set.keys) {
      assert.deepEqual([jwk.kty, jwk.crv, jwk.d], ["OKP", "Ed25519", undefined]);
      assert.equal((await importJWK(jwk, "EdDSA")).type, "public");
    }
    assert.ok(set.keys.some(({ kid }) => kid === decodeProtectedHeader(workspace.token).kid));
  });

  test("a token that jose makes is refused, whatever key it names", async () => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const { kid } = decodeProtectedHeader(workspace.token);
    const { payload } = await jwtVerify(workspace.token, keys, EXPECTED);
    const jwk = await exportJWK(publicKey);
    const headers = [
      { alg: "EdDSA", typ: "JWT", kid },
      { alg: "EdDSA", typ: "JWT", kid: "mine" },
      { alg: "EdDSA", typ: "JWT", kid, jwk },
      { alg: "EdDSA", typ: "JWT", kid, jku: "https://example.com/jwks.json" },
      { alg: "EdDSA", typ: "JWT" },
    ];
    for (const header of headers) {
      const forged = await new SignJWT(payload).setProtectedHeader(header).sign(privateKey);
      assert.equal((await call("GET", "/v1/me", { token: forged })).status, 401, JSON.stringify(header));
    }
    // A MAC under the public key, as the published set spells it.
    const [published] = (await (await fetch(JWKS)).json()).keys;
    for (const secret of [Buffer.from(published.x, "base64url"), Buffer.from(JSON.stringify(published))]) {
      const forged = await new SignJWT(payload).setProtectedHeader({ alg: "HS256", typ: "JWT", kid }).sign(secret);
      assert.equal((await call("GET", "/v1/me", { token: forged })).status, 401);
    }
    assert.equal((await workspace.call("GET", "/v1/me")).status, 200);
  });
});
