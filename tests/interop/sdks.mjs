/**
 * The providers' own packages, each as a signer and as a receiver: the other side of every webhook test. Where a package
 * cannot sign, the request is signed here by the provider's documentation, and the package has to accept it first.
 */
import { sign as signGithub, verify as verifyGithub } from "@octokit/webhooks-methods";
import "@shopify/shopify-api/adapters/node";
import { ApiVersion, LogSeverity, shopifyApi } from "@shopify/shopify-api";
import bolt from "@slack/bolt";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";

const TAG_BYTES = 32;

/**
 * One package.
 *
 * @typedef {object} Sdk
 * @property {string} package
 * @property {string} provider the source's provider
 * @property {() => string} newSecret secrets are made when the tests run: none stands in the code
 * @property {Place & {encoding: "hex" | "base64"}} signature where the signature is
 * @property {Place} [time] where the signed time is; without it, the scheme has none
 * @property {string} [id] the header with the signed id
 * @property {(options: {secret: string, body: string, at: number}) => Promise<Record<string, string>>} sign
 * @property {(secret: string, request: Incoming, response, body: Buffer) => unknown} verify throws or returns false to refuse
 *
 * @typedef {{header: string, pattern: RegExp}} Place a part of a header
 */

/** @type {Sdk[]} */
export const SDKS = [
  {
    package: "stripe",
    provider: "stripe",
    newSecret: () => `whsec_${randomBytes(24).toString("hex")}`,
    signature: { header: "stripe-signature", pattern: /(?<=v1=)[0-9a-f]+/, encoding: "hex" },
    time: { header: "stripe-signature", pattern: /(?<=t=)\d+/ },
    sign: async ({ secret, body, at }) => ({
      "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at }),
    }),
    verify: (secret, { headers }, _, body) =>
      Stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret),
  },
  {
    package: "@octokit/webhooks-methods",
    provider: "github",
    newSecret: () => randomBytes(20).toString("hex"),
    signature: { header: "x-hub-signature-256", pattern: /(?<=sha256=)[0-9a-f]+/, encoding: "hex" },
    sign: async ({ secret, body }) => ({
      "x-hub-signature-256": await signGithub(secret, body),
      "x-github-event": "push",
      "x-github-delivery": randomUUID(),
    }),
    verify: (secret, { headers }, _, body) =>
      verifyGithub(secret, body.toString(), headers["x-hub-signature-256"]),
  },
  standard("standardwebhooks", "standard-webhooks", "webhook", StandardWebhook),
  standard("svix", "svix", "svix", SvixWebhook),
  {
    package: "@slack/bolt",
    provider: "slack",
    newSecret: () => randomBytes(16).toString("hex"),
    signature: { header: "x-slack-signature", pattern: /(?<=v0=)[0-9a-f]+/, encoding: "hex" },
    time: { header: "x-slack-request-timestamp", pattern: /.+/ },
    // https://docs.slack.dev/authentication/verifying-requests-from-slack
    sign: async ({ secret, body, at }) => ({
      "x-slack-request-timestamp": String(at),
      "x-slack-signature": `v0=${createHmac("sha256", secret).update(`v0:${at}:${body}`).digest("hex")}`,
    }),
    verify: (signingSecret, request, _, body) => {
      request.rawBody = body;
      const options = { enabled: true, signingSecret, logger: new bolt.HTTPReceiver({ signingSecret }).logger };
      return bolt.HTTPModuleFunctions.parseAndVerifyHTTPRequest(options, request);
    },
  },
  {
    package: "@shopify/shopify-api",
    provider: "shopify",
    newSecret: () => `shpss_${randomBytes(16).toString("hex")}`,
    signature: { header: "x-shopify-hmac-sha256", pattern: /.+/, encoding: "base64" },
    // https://shopify.dev/docs/apps/build/webhooks/subscribe/https
    sign: async ({ secret, body }) => ({
      "x-shopify-hmac-sha256": createHmac("sha256", secret).update(body).digest("base64"),
      "x-shopify-topic": "orders/create",
      "x-shopify-shop-domain": "example.myshopify.com",
      "x-shopify-api-version": "2026-10",
      "x-shopify-webhook-id": randomUUID(),
      "x-shopify-event-id": randomUUID(),
    }),
    verify: async (secret, rawRequest, rawResponse, body) => {
      const shopify = shopifyApi({
        apiKey: "app",
        apiSecretKey: secret,
        apiVersion: Object.values(ApiVersion).at(-1),
        hostName: "app.example.com",
        isEmbeddedApp: false,
        logger: { level: LogSeverity.Error },
      });
      const verdict = await shopify.webhooks.validate({ rawBody: body.toString(), rawRequest, rawResponse });
      // It asks for headers that nothing signs, after it has accepted the signature.
      return verdict.valid || verdict.reason === "missing_headers";
    },
  },
];

/** Standard Webhooks, under its own header names or Svix's. */
function standard(name, provider, prefix, Webhook) {
  const header = (part) => `${prefix}-${part}`;
  return {
    package: name,
    provider,
    newSecret: () => `whsec_${randomBytes(TAG_BYTES).toString("base64")}`,
    signature: { header: header("signature"), pattern: /(?<=v1,).+/, encoding: "base64" },
    time: { header: header("timestamp"), pattern: /.+/ },
    id: header("id"),
    sign: async ({ secret, body, at }) => {
      const id = `msg_${randomBytes(12).toString("hex")}`;
      return {
        [header("id")]: id,
        [header("timestamp")]: String(at),
        [header("signature")]: new Webhook(secret).sign(id, new Date(at * 1000), body),
      };
    },
    verify: (secret, { headers }, _, body) => {
      new Webhook(secret).verify(body, headers);
    },
  };
}

/** The version of an installed package. */
export function version({ package: name }) {
  const file = join(import.meta.dirname, "../../node_modules", name, "package.json");
  return JSON.parse(readFileSync(file, "utf8")).version;
}

/** A server that answers 200 to what the package accepts and 401 to what it refuses: it sees the very same requests. */
export async function receiver(sdk, secret) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const verdict = await sdk.verify(secret, request, response, Buffer.concat(chunks));
      response.writeHead(verdict === false ? 401 : 200).end();
    } catch {
      response.writeHead(401).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
