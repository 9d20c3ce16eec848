/**
 * What both peers share, so that they differ in how they work and in nothing else: the constants of their answers, and
 * the Durable Object in which they store webhooks.
 */
import { DurableObject } from "cloudflare:workers";

/** The features that the Permissions-Policy of every answer turns off: ours (`edge/src/security_headers.rs`). */
export const FEATURES_OFF = [
  "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "clipboard-read", "display-capture",
  "encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone",
  "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "web-share",
  "xr-spatial-tracking",
];

export const STRICT_TRANSPORT_SECURITY = "max-age=63072000; includeSubDomains; preload";

/** Never reached: a limiter counts every request and refuses none. */
export const LIMIT = 1_000_000;
export const WINDOW_MS = 60_000;

/** The answer's fields for a credential that stands: as many bytes as ours. */
export function principal(claims) {
  return { org_id: claims.org, subject: claims.sub, scopes: claims.scopes };
}

/** What ours says of a key that it does not know. */
export const WRONG = "this API key is not known here: copy it again, whole, or make a new one";

export function problem(requestId) {
  return {
    type: "urn:sluicegate:problem:unauthenticated",
    title: "A valid credential is required",
    status: 401,
    code: "unauthenticated",
    detail: WRONG,
    request_id: requestId,
  };
}

export const HMAC_SHA256 = { name: "HMAC", hash: "SHA-256" };

/** A WebCrypto key, imported once per isolate. */
export function hmacKey(secret) {
  return crypto.subtle.importKey("raw", new TextEncoder().encode(secret), HMAC_SHA256, false, ["verify"]);
}

/**
 * Whether `header`, GitHub's `X-Hub-Signature-256`, signs the body. WebCrypto compares in constant time.
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#javascript-example
 */
export async function isSigned(key, header, body) {
  if (!header?.startsWith("sha256=") || header.length !== 71) return false;
  return crypto.subtle.verify("HMAC", await key, Uint8Array.fromHex(header.slice(7)), body);
}

/** A source's events. One statement stores an event once, by the delivery's id: less work than ours, which seals and audits it. */
export class Events extends DurableObject {
  #sql;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS events (delivery TEXT PRIMARY KEY, id TEXT NOT NULL, received_at INTEGER NOT NULL, " +
        "duplicates INTEGER NOT NULL DEFAULT 0, headers TEXT NOT NULL, body BLOB NOT NULL)",
    );
  }

  store(delivery, headers, body) {
    // As long as ours.
    const id = "ine_" + crypto.randomUUID().slice(10);
    const [row] = this.#sql.exec(
      "INSERT INTO events (delivery, id, received_at, headers, body) VALUES (?, ?, ?, ?, ?) " +
        "ON CONFLICT (delivery) DO UPDATE SET duplicates = duplicates + 1 RETURNING id",
      delivery, id, Date.now(), headers, body,
    );
    return { id: row.id, duplicate: row.id !== id };
  }
}
