/**
 * The providers' own packages as the other side of the signature table: each signs a request, or takes one that was signed
 * here by the provider's documentation, and says whether it accepts it.
 *
 * @typedef {object} Case
 * @property {string} package whose verdict it is
 * @property {string} provider of the table
 * @property {() => Keys} newKeys made when the tests run: no secret stands in the code
 * @property {string[]} signed headers that the verdict depends on
 * @property {number} [tolerance] seconds that the signed time may be away from now; without it there is none
 * @property {(id: string) => string} [body] where it cannot be just any JSON
 * @property {boolean} [url_signed] whether the URL is signed to the letter
 * @property {Record<string, (body: string) => string>} [body_changes] what can be done to a body of which not everything is
 *   signed; empty: none of it is
 * @property {(options: {keys: Keys, url: string, body: string, at: number}) => Signed | Promise<Signed>} sign
 * @property {(options: {keys: Keys, url: string, headers: Record<string, string>, body: string}) => unknown} accepts
 *   throws or returns false to refuse
 *
 * @typedef {{source: {secret?: string, public_key?: string}, private?: import("node:crypto").KeyObject, secret?: string}} Keys
 * @typedef {{headers: Record<string, string>, body?: string, query?: string}} Signed
 */
import hmacValidator from "@adyen/api-library/lib/src/utils/hmacValidator.js";
import Anthropic from "@anthropic-ai/sdk";
import { verifyWebhook as verifyClerk } from "@clerk/backend/webhooks";
import { signRequest, verifyRequest } from "@contentful/node-apps-toolkit";
import { Signature as HubSpot } from "@hubspot/api-client";
import { validateSignature as validateLine } from "@line/bot-sdk";
import { LinearWebhookClient } from "@linear/sdk/webhooks";
import Mux from "@mux/mux-node";
import { signWebhookPayload as signNotion, verifyWebhookSignature as verifyNotion } from "@notionhq/client";
import { Paddle } from "@paddle/paddle-node-sdk";
import { validateEvent, WebhookVerificationError } from "@polar-sh/sdk/webhooks";
import { encodeSignatureHeader, isValidSignature } from "@sanity/webhook";
import sendgrid from "@sendgrid/eventwebhook";
import { WorkOS } from "@workos-inc/node";
import * as atlassian from "atlassian-jwt";
import { WebhooksManager } from "box-node-sdk/managers/webhooks";
import braintree from "braintree";
import coinbase from "coinbase-commerce-node";
import { verifyKey } from "discord-interactions";
import DodoPayments from "dodopayments";
import * as gocardless from "gocardless-nodejs";
import { AccessToken, WebhookReceiver } from "livekit-server-sdk";
import { createHash, createHmac, generateKeyPairSync, randomBytes, randomUUID, sign as signWith } from "node:crypto";
import mailgun from "mailgun-js";
import OpenAI from "openai";
import Razorpay from "razorpay";
import { validateWebhook as validateReplicate } from "replicate";
import { Resend } from "resend";
import { WebhooksHelper as Square } from "square";
import Telnyx from "telnyx";
import twilio from "twilio";
import { WebflowClient } from "webflow-api";

const hex = (bytes) => () => shared(randomBytes(bytes).toString("hex"));
const whsec = () => shared(`whsec_${randomBytes(32).toString("base64")}`);
const shared = (secret) => ({ source: { secret }, secret });
const hmac = (key, text, encoding, hash = "sha256") => createHmac(hash, key).update(text).digest(encoding);

/** @type {Case[]} */
export const CASES = [
  {
    package: "twilio",
    provider: "twilio",
    newKeys: hex(16),
    url_signed: true,
    signed: ["x-twilio-signature"],
    body: (id) => new URLSearchParams({ MessageSid: id, Body: "zażółć & 🎉", From: "+15005550006" }).toString(),
    sign: ({ keys, url, body }) => ({
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": twilio.getExpectedTwilioSignature(keys.secret, url, Object.fromEntries(new URLSearchParams(body))),
      },
    }),
    accepts: ({ keys, url, headers, body }) =>
      twilio.validateRequest(keys.secret, headers["x-twilio-signature"] ?? "", url, Object.fromEntries(new URLSearchParams(body))),
  },
  {
    package: "twilio (JSON)",
    provider: "twilio",
    newKeys: hex(16),
    url_signed: true,
    signed: ["x-twilio-signature"],
    sign: ({ keys, url, body }) => {
      const query = `bodySHA256=${twilio.getExpectedBodyHash(body)}`;
      const signature = twilio.getExpectedTwilioSignature(keys.secret, `${url}?${query}`, {});
      return { query, headers: { "content-type": "application/json", "x-twilio-signature": signature } };
    },
    accepts: ({ keys, url, headers, body }) =>
      twilio.validateRequestWithBody(keys.secret, headers["x-twilio-signature"] ?? "", url, body),
  },
  {
    package: "@hubspot/api-client",
    provider: "hubspot",
    newKeys: hex(18),
    url_signed: true,
    signed: ["x-hubspot-signature-v3", "x-hubspot-request-timestamp"],
    tolerance: 300,
    sign: ({ keys, url, body, at }) => {
      const timestamp = at * 1000;
      const options = { clientSecret: keys.secret, requestBody: body, url, timestamp };
      return {
        headers: {
          "x-hubspot-signature-v3": HubSpot.getSignature("POST", "v3", options),
          "x-hubspot-request-timestamp": String(timestamp),
        },
      };
    },
    accepts: ({ keys, url, headers, body }) =>
      HubSpot.isValid({
        signatureVersion: "v3",
        method: "POST",
        clientSecret: keys.secret,
        requestBody: body,
        url,
        signature: headers["x-hubspot-signature-v3"],
        timestamp: Number(headers["x-hubspot-request-timestamp"]),
      }),
  },
  {
    package: "discord-interactions",
    provider: "discord",
    newKeys: ed25519((raw) => raw.toString("hex")),
    signed: ["x-signature-ed25519", "x-signature-timestamp"],
    // https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint-validating-security-request-headers
    sign: ({ keys, body, at }) => ({
      headers: {
        "x-signature-ed25519": signWith(null, Buffer.from(`${at}${body}`), keys.private).toString("hex"),
        "x-signature-timestamp": String(at),
      },
    }),
    accepts: ({ keys, headers, body }) =>
      verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], keys.source.public_key),
  },
  {
    package: "telnyx",
    provider: "telnyx",
    newKeys: ed25519((raw) => raw.toString("base64")),
    signed: ["telnyx-signature-ed25519", "telnyx-timestamp"],
    tolerance: 300,
    // https://developers.telnyx.com/docs/messaging/webhooks#verify-signatures
    sign: ({ keys, body, at }) => ({
      headers: {
        "telnyx-signature-ed25519": signWith(null, Buffer.from(`${at}|${body}`), keys.private).toString("base64"),
        "telnyx-timestamp": String(at),
      },
    }),
    accepts: ({ keys, headers, body }) =>
      new Telnyx({ apiKey: "none", publicKey: keys.source.public_key }).webhooks.unwrap(body, { headers }),
  },
  {
    package: "@sendgrid/eventwebhook",
    provider: "sendgrid",
    newKeys: () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const public_key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
      return { source: { public_key }, private: privateKey };
    },
    signed: ["x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"],
    // https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
    sign: ({ keys, body, at }) => ({
      headers: {
        "x-twilio-email-event-webhook-signature": signWith("sha256", Buffer.from(`${at}${body}`), keys.private).toString("base64"),
        "x-twilio-email-event-webhook-timestamp": String(at),
      },
    }),
    accepts: ({ keys, headers, body }) => {
      const webhook = new sendgrid.EventWebhook();
      const key = webhook.convertPublicKeyToECDSA(keys.source.public_key);
      const [signature, at] = ["signature", "timestamp"].map((part) => headers[`x-twilio-email-event-webhook-${part}`]);
      return webhook.verifySignature(key, body, signature, at);
    },
  },
  {
    package: "square",
    provider: "square",
    newKeys: hex(16),
    url_signed: true,
    signed: ["x-square-hmacsha256-signature"],
    // https://developer.squareup.com/docs/webhooks/step3validate
    sign: ({ keys, url, body }) => ({
      headers: { "x-square-hmacsha256-signature": hmac(keys.secret, url + body, "base64") },
    }),
    accepts: ({ keys, url, headers, body }) =>
      Square.verifySignature({
        requestBody: body,
        signatureHeader: headers["x-square-hmacsha256-signature"],
        signatureKey: keys.secret,
        notificationUrl: url,
      }),
  },
  {
    package: "@paddle/paddle-node-sdk",
    provider: "paddle",
    newKeys: () => shared(`pdl_ntfset_${randomBytes(20).toString("hex")}`),
    signed: ["paddle-signature"],
    tolerance: 5,
    // https://developer.paddle.com/webhooks/signature-verification
    sign: ({ keys, body, at }) => ({
      headers: { "paddle-signature": `ts=${at};h1=${hmac(keys.secret, `${at}:${body}`, "hex")}` },
    }),
    accepts: ({ keys, headers, body }) =>
      new Paddle("none").webhooks.isSignatureValid(body, keys.secret, headers["paddle-signature"]),
  },
  {
    package: "@mux/mux-node",
    provider: "mux",
    newKeys: hex(16),
    signed: ["mux-signature"],
    tolerance: 300,
    // https://www.mux.com/docs/core/verify-webhook-signatures
    sign: ({ keys, body, at }) => ({
      headers: { "mux-signature": `t=${at},v1=${hmac(keys.secret, `${at}.${body}`, "hex")}` },
    }),
    accepts: ({ keys, headers, body }) =>
      new Mux({ tokenId: "none", tokenSecret: "none" }).webhooks.verifySignature(body, headers, keys.secret),
  },
  {
    package: "@workos-inc/node",
    provider: "workos",
    newKeys: hex(16),
    signed: ["workos-signature"],
    tolerance: 180,
    // https://workos.com/docs/events/data-syncing/webhooks
    sign: ({ keys, body, at }) => ({
      headers: { "workos-signature": `t=${at}000, v1=${hmac(keys.secret, `${at}000.${body}`, "hex")}` },
    }),
    accepts: ({ keys, headers, body }) =>
      // Of the parsed body: it writes it out again, so bodies here are as JSON.stringify writes them.
      new WorkOS("none").webhooks.verifyHeader({
        payload: JSON.parse(body),
        sigHeader: headers["workos-signature"],
        secret: keys.secret,
      }),
  },
  {
    package: "@sanity/webhook",
    provider: "sanity",
    newKeys: hex(16),
    signed: ["sanity-webhook-signature"],
    tolerance: 300,
    sign: async ({ keys, body, at }) => ({
      headers: { "sanity-webhook-signature": await encodeSignatureHeader(body, at * 1000, keys.secret) },
    }),
    accepts: ({ keys, headers, body }) => isValidSignature(body, headers["sanity-webhook-signature"], keys.secret),
  },
  {
    package: "@contentful/node-apps-toolkit",
    provider: "contentful",
    newKeys: hex(32),
    signed: ["x-contentful-signature", "x-contentful-timestamp", "x-contentful-signed-headers"],
    tolerance: 300,
    sign: ({ keys, url, body, at }) => {
      const headers = { "x-contentful-topic": "ContentManagement.Entry.publish", "content-type": "application/json" };
      const { pathname: path } = new URL(url);
      const signature = signRequest(keys.secret, { method: "POST", path, headers, body }, at * 1000);
      return { headers: { ...headers, ...lowerCase(signature) } };
    },
    accepts: ({ keys, url, headers, body }) =>
      verifyRequest(keys.secret, { method: "POST", path: new URL(url).pathname, headers, body }, 300),
  },
  {
    package: "@line/bot-sdk",
    provider: "line",
    newKeys: hex(16),
    signed: ["x-line-signature"],
    // https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/
    sign: ({ keys, body }) => ({ headers: { "x-line-signature": hmac(keys.secret, body, "base64") } }),
    accepts: ({ keys, headers, body }) => validateLine(body, keys.secret, headers["x-line-signature"]),
  },
  {
    package: "razorpay",
    provider: "razorpay",
    newKeys: hex(16),
    signed: ["x-razorpay-signature"],
    // https://razorpay.com/docs/webhooks/validate-test/
    sign: ({ keys, body }) => ({ headers: { "x-razorpay-signature": hmac(keys.secret, body, "hex") } }),
    accepts: ({ keys, headers, body }) =>
      Razorpay.validateWebhookSignature(body, headers["x-razorpay-signature"], keys.secret),
  },
  {
    package: "gocardless-nodejs",
    provider: "gocardless",
    newKeys: hex(20),
    signed: ["webhook-signature"],
    // https://developer.gocardless.com/api-reference/#webhooks-overview
    sign: ({ keys, body }) => ({ headers: { "webhook-signature": hmac(keys.secret, body, "hex") } }),
    accepts: ({ keys, headers, body }) => gocardless.verifySignature(body, keys.secret, headers["webhook-signature"]),
  },
  {
    package: "coinbase-commerce-node",
    provider: "coinbase-commerce",
    newKeys: hex(18),
    signed: ["x-cc-webhook-signature"],
    sign: ({ keys, body }) => ({
      headers: { "x-cc-webhook-signature": coinbase.Webhook.computeSignature(body, keys.secret) },
    }),
    accepts: ({ keys, headers, body }) =>
      coinbase.Webhook.verifySigHeader(body, headers["x-cc-webhook-signature"] ?? "", keys.secret),
  },
  {
    package: "@adyen/api-library (payments)",
    provider: "adyen",
    newKeys: hex(32),
    signed: [],
    body: (id) =>
      JSON.stringify({
        live: "false",
        notificationItems: [
          {
            NotificationRequestItem: {
              additionalData: {},
              amount: { currency: "EUR", value: 1130 },
              pspReference: id,
              originalReference: "",
              eventCode: "AUTHORISATION",
              merchantAccountCode: "TestMerchant",
              merchantReference: "TestPayment-1407325143704",
              success: "true",
            },
          },
        ],
      }),
    sign: ({ keys, body }) => {
      const notification = JSON.parse(body);
      const item = notification.notificationItems[0].NotificationRequestItem;
      item.additionalData.hmacSignature = new Adyen().calculateHmac(item, keys.secret);
      return { headers: {}, body: JSON.stringify(notification) };
    },
    accepts: ({ keys, body }) =>
      new Adyen().validateHMAC(JSON.parse(body).notificationItems[0].NotificationRequestItem, keys.secret),
    body_changes: {
      amount: (body) => body.replace("1130", "1131"),
      currency: (body) => body.replace("EUR", "USD"),
      success: (body) => body.replace('"success":"true"', '"success":"false"'),
      reference: (body) => body.replace("TestPayment-", "TestPayment_"),
      account: (body) => body.replace("TestMerchant", "TestMerchants"),
      event: (body) => body.replace("AUTHORISATION", "CAPTURE"),
      signature: (body) => body.replace('"hmacSignature":"', '"hmacSignature":"A'),
      "no signature": (body) => body.replace("hmacSignature", "hmacSignatures"),
      empty: () => "",
      "two items": (body) => body.replace(/\[(.*)\]/, "[$1,$1]").replace("1130", "9999"),
    },
  },
  {
    package: "@adyen/api-library (platform)",
    provider: "adyen",
    newKeys: hex(32),
    signed: ["hmacsignature"],
    sign: ({ keys, body }) => ({ headers: { hmacsignature: new Adyen().calculateHmac(body, keys.secret) } }),
    accepts: ({ keys, headers, body }) => new Adyen().validateHMACSignature(keys.secret, headers.hmacsignature, body),
  },
  {
    package: "braintree",
    provider: "braintree",
    newKeys: () => {
      const [publicKey, privateKey] = [randomBytes(8).toString("hex"), randomBytes(16).toString("hex")];
      return { ...shared(privateKey), publicKey, privateKey };
    },
    signed: [],
    sign: ({ keys }) => {
      const kind = braintree.WebhookNotification.Kind.SubscriptionWentPastDue;
      const form = gateway(keys).webhookTesting.sampleNotification(kind, randomUUID());
      return { headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(form).toString() };
    },
    accepts: ({ keys, body }) => {
      const form = new URLSearchParams(body);
      return gateway(keys).webhookNotification.parse(form.get("bt_signature"), form.get("bt_payload"));
    },
  },
  {
    package: "livekit-server-sdk",
    provider: "livekit",
    newKeys: () => {
      const [key, secret] = [`API${randomBytes(6).toString("hex")}`, randomBytes(24).toString("base64url")];
      return { ...shared(secret), key };
    },
    signed: ["authorization"],
    body: (id) => JSON.stringify({ event: "room_started", id, createdAt: "1" }),
    sign: async ({ keys, body, at }) => {
      const token = new AccessToken(keys.key, keys.secret, { ttl: 300 });
      token.sha256 = createHash("sha256").update(body).digest("base64");
      void at;
      return { headers: { authorization: await token.toJwt() } };
    },
    accepts: ({ keys, headers, body }) => new WebhookReceiver(keys.key, keys.secret).receive(body, headers.authorization),
  },
  {
    package: "mailgun-js",
    provider: "mailgun",
    newKeys: hex(16),
    signed: [],
    tolerance: 300,
    // https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    sign: ({ keys, body, at }) => {
      const [timestamp, token] = [String(at), randomBytes(25).toString("hex")];
      const signature = { timestamp, token, signature: hmac(keys.secret, timestamp + token, "hex") };
      return { headers: {}, body: JSON.stringify({ signature, "event-data": JSON.parse(body) }) };
    },
    accepts: ({ keys, body }) => {
      const { timestamp, token, signature } = JSON.parse(body).signature;
      return mailgun({ apiKey: keys.secret, domain: "example.com", mute: true }).validateWebhook(timestamp, token, signature);
    },
    // What an event says is not signed: Mailgun's own scheme.
    body_changes: {
      token: (body) => body.replace('"token":"', '"token":"0'),
      signature: (body) => body.replace('"signature":"', '"signature":"0'),
      "no signature": (body) => body.replace('"signature":"', '"unsigned":"'),
      "signature twice": (body) => body.replace('"signature":{', '"signature":{"signature":"0",'),
      empty: () => "",
    },
  },
  {
    package: "@notionhq/client",
    provider: "notion",
    newKeys: () => shared(`secret_${randomBytes(24).toString("hex")}`),
    signed: ["x-notion-signature"],
    sign: async ({ keys, body }) => ({
      headers: { "x-notion-signature": await signNotion({ body, verificationToken: keys.secret }) },
    }),
    accepts: ({ keys, headers, body }) =>
      verifyNotion({ body, signature: headers["x-notion-signature"], verificationToken: keys.secret }),
  },
  {
    package: "@linear/sdk",
    provider: "linear",
    newKeys: () => shared(`lin_wh_${randomBytes(20).toString("hex")}`),
    signed: ["linear-signature"],
    tolerance: 60,
    // https://linear.app/developers/webhooks#securing-webhooks
    sign: ({ keys, body, at }) => {
      const timed = JSON.stringify({ ...JSON.parse(body), webhookTimestamp: at * 1000 });
      return { headers: { "linear-signature": hmac(keys.secret, timed, "hex") }, body: timed };
    },
    accepts: ({ keys, headers, body }) =>
      new LinearWebhookClient(keys.secret).verify(
        Buffer.from(body),
        headers["linear-signature"],
        JSON.parse(body).webhookTimestamp,
      ),
  },
  standard("resend", "svix", whsec, ({ keys, headers, body }) =>
    new Resend("re_none").webhooks.verify({
      payload: body,
      headers: { id: headers["svix-id"], timestamp: headers["svix-timestamp"], signature: headers["svix-signature"] },
      webhookSecret: keys.secret,
    }),
  ),
  standard("openai", "webhook", whsec, ({ keys, headers, body }) =>
    new OpenAI({ apiKey: "none" }).webhooks.verifySignature(body, headers, keys.secret),
  ),
  {
    ...standard("anthropic", "webhook", whsec, ({ keys, headers, body }) =>
      new Anthropic({ apiKey: "none" }).beta.webhooks.unwrap(body, { headers, key: keys.secret }),
    ),
    package: "@anthropic-ai/sdk",
  },
  {
    ...standard("clerk", "svix", whsec, ({ keys, url, headers, body }) =>
      verifyClerk(new Request(url, { method: "POST", headers, body }), { signingSecret: keys.secret }),
    ),
    package: "@clerk/backend",
  },
  {
    ...standard("polar", "webhook", hex(24), ({ keys, headers, body }) => {
      try {
        validateEvent(body, headers, keys.secret);
      } catch (error) {
        // It knows its own events, and has looked at the signature before it looks for them.
        if (error instanceof WebhookVerificationError) throw error;
      }
    }),
    package: "@polar-sh/sdk",
    key: ({ secret }) => secret,
  },
  standard("replicate", "webhook", whsec, ({ keys, headers, body }) => validateReplicate({ headers, body }, keys.secret)),
  {
    ...standard("dodo", "webhook", whsec, ({ keys, headers, body }) =>
      new DodoPayments({ bearerToken: "none" }).webhooks.unwrap(body, { headers, key: keys.secret }),
    ),
    package: "dodopayments",
  },
  {
    package: "atlassian-jwt",
    provider: "atlassian-connect",
    newKeys: hex(24),
    signed: ["authorization"],
    sign: ({ keys, url, at }) => {
      const request = atlassian.fromMethodAndUrl("POST", url);
      const claims = { iss: "client-key", iat: at, exp: at + 180, qsh: qsh(request) };
      return { headers: { authorization: `JWT ${atlassian.encodeSymmetric(claims, keys.secret)}` } };
    },
    accepts: ({ keys, url, headers }) => {
      const token = headers.authorization?.replace(/^JWT /, "");
      const claims = atlassian.decodeSymmetric(token, keys.secret, atlassian.SymmetricAlgorithm.HS256);
      return claims.exp > Date.now() / 1000 && claims.qsh === qsh(atlassian.fromMethodAndUrl("POST", url));
    },
    url_signed: true,
    // A Connect token is for a URL; it says nothing of the body.
    body_changes: {},
  },
  {
    package: "webflow-api",
    provider: "webflow",
    newKeys: hex(32),
    signed: ["x-webflow-signature", "x-webflow-timestamp"],
    tolerance: 300,
    // https://developers.webflow.com/data/docs/working-with-webhooks
    sign: ({ keys, body, at }) => ({
      headers: {
        "x-webflow-signature": hmac(keys.secret, `${at}000:${body}`, "hex"),
        "x-webflow-timestamp": `${at}000`,
      },
    }),
    accepts: ({ keys, headers, body }) =>
      new WebflowClient({ accessToken: "none" }).webhooks.verifySignature({ headers, body, secret: keys.secret }),
  },
  {
    package: "box-node-sdk",
    provider: "box",
    newKeys: hex(16),
    signed: ["box-signature-primary", "box-delivery-timestamp"],
    tolerance: 600,
    // https://developer.box.com/guides/webhooks/v2/signatures-v2
    sign: ({ keys, body, at }) => {
      const time = new Date(at * 1000).toISOString().replace(".000Z", "Z");
      return {
        headers: {
          "box-signature-version": "1",
          "box-signature-algorithm": "HmacSHA256",
          "box-signature-primary": hmac(keys.secret, body + time, "base64"),
          "box-delivery-timestamp": time,
        },
      };
    },
    accepts: ({ keys, headers, body }) => WebhooksManager.validateMessage(body, headers, keys.secret),
  },
];

/** A sender of Standard Webhooks, with the specification's header names or Svix's. */
function standard(provider, prefix, newKeys, accepts) {
  const key = ({ secret }) => Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return {
    package: provider,
    provider,
    newKeys,
    signed: [`${prefix}-id`, `${prefix}-timestamp`, `${prefix}-signature`],
    tolerance: 300,
    sign({ keys, body, at }) {
      const id = `msg_${randomBytes(12).toString("hex")}`;
      const signature = hmac((this.key ?? key)(keys), `${id}.${at}.${body}`, "base64");
      return {
        headers: { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: String(at), [`${prefix}-signature`]: `v1,${signature}` },
      };
    },
    accepts,
  };
}

function ed25519(write) {
  return () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    return { source: { public_key: write(raw) }, private: privateKey };
  };
}

const Adyen = hmacValidator.default;

function gateway({ publicKey, privateKey }) {
  const environment = braintree.Environment.Sandbox;
  return new braintree.BraintreeGateway({ environment, merchantId: "merchant", publicKey, privateKey });
}

const qsh = (request) => atlassian.createQueryStringHash(request, false);

const lowerCase = (headers) => Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), String(v)]));
