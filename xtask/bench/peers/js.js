/**
 * Peer `js`: the least plain JavaScript that does the same, written to be fast. No framework, no Wasm.
 *
 * - Security headers: one `Headers` made once and copied into each answer, as ours does.
 * - Credential: a JWT (HS256) verified by WebCrypto at first sight and then remembered by its text until it ends, as ours
 *   remembers an API key by its hash. Forged ones are verified each time, as ours are.
 * - Limiter: a fixed window by client address in a `Map`. One limit; ours counts two, by GCRA.
 * - Webhook: WebCrypto, then one RPC call of a SQLite Durable Object.
 */
import {
  Events, FEATURES_OFF, HMAC_SHA256, LIMIT, STRICT_TRANSPORT_SECURITY, WINDOW_MS, WRONG, hmacKey, isSigned, principal, problem,
} from "./common.js";

const HEADERS = new Headers({
  "content-type": "application/json",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": FEATURES_OFF.map((feature) => `${feature}=()`).join(", "),
  "referrer-policy": "no-referrer",
  "strict-transport-security": STRICT_TRANSPORT_SECURITY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
});
const POLICY = `${LIMIT};w=${WINDOW_MS / 1000}`;
const MOST_REMEMBERED = 4096;

const windows = new Map();
const verified = new Map();
let jwtKey;
let webhookKey;

function answer(status, body, requestId, spent) {
  const response = new Response(JSON.stringify(body), { status, headers: HEADERS });
  const { headers } = response;
  headers.set("x-request-id", requestId);
  headers.set("ratelimit-policy", POLICY);
  headers.set("ratelimit", `limit=${LIMIT}, remaining=${LIMIT - spent.hits}, reset=${Math.ceil((spent.end - Date.now()) / 1000)}`);
  if (status === 401) {
    headers.set("content-type", "application/problem+json");
    headers.set("www-authenticate", `Bearer error="invalid_token", error_description="${WRONG}"`);
  }
  return response;
}

function count(ip) {
  const now = Date.now();
  let spent = windows.get(ip);
  if (!spent || spent.end <= now) {
    if (windows.size >= MOST_REMEMBERED) windows.clear();
    windows.set(ip, (spent = { hits: 0, end: now + WINDOW_MS }));
  }
  spent.hits += 1;
  return spent;
}

async function verify(token, env) {
  try {
    const [header, payload, signature] = token.split(".");
    if (JSON.parse(atob(header)).alg !== "HS256") return null;
    jwtKey ??= hmacKey(env.JWT_SECRET);
    const signed = new TextEncoder().encode(`${header}.${payload}`);
    const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    if (!(await crypto.subtle.verify(HMAC_SHA256.name, await jwtKey, bytes, signed))) return null;
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(payload, { alphabet: "base64url" })));
    if (claims.exp * 1000 <= Date.now()) return null;
    if (verified.size >= MOST_REMEMBERED) verified.clear();
    verified.set(token, claims);
    return claims;
  } catch {
    return null;
  }
}

async function check(token, env, requestId, spent) {
  const claims = await verify(token, env);
  return claims ? answer(200, principal(claims), requestId, spent) : answer(401, problem(requestId), requestId, spent);
}

async function receive(request, source, env, requestId, spent) {
  const body = await request.arrayBuffer();
  webhookKey ??= hmacKey(env.WEBHOOK_SECRET);
  if (!(await isSigned(webhookKey, request.headers.get("x-hub-signature-256"), body))) {
    return answer(401, problem(requestId), requestId, spent);
  }
  const events = env.EVENTS.get(env.EVENTS.idFromName(source));
  const headers = JSON.stringify([...request.headers]);
  const stored = await events.store(request.headers.get("x-github-delivery"), headers, body);
  return answer(200, stored, requestId, spent);
}

export { Events };

export default {
  fetch(request, env) {
    const requestId = crypto.randomUUID();
    const spent = count(request.headers.get("cf-connecting-ip"));
    if (spent.hits > LIMIT) return new Response(null, { status: 429, headers: HEADERS });
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path === "/healthz") return answer(200, { status: "ok" }, requestId, spent);
    if (path === "/v1/auth/check") {
      const token = request.headers.get("authorization")?.slice(7) ?? "";
      const claims = verified.get(token);
      if (claims && claims.exp * 1000 > Date.now()) return answer(200, principal(claims), requestId, spent);
      return check(token, env, requestId, spent);
    }
    if (path.startsWith("/in/") && request.method === "POST") {
      return receive(request, path.slice(4), env, requestId, spent);
    }
    return new Response(null, { status: 404, headers: HEADERS });
  },
};
