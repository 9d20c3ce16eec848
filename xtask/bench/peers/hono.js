/**
 * Peer `hono`: the same routes by Hono's own middleware, put together as its documentation shows.
 *
 * - `secureHeaders` with the values of our header set; its further defaults (X-XSS-Protection and such), which ours does
 *   not send, are off: https://hono.dev/docs/middleware/builtin/secure-headers
 * - `requestId`, since our answers carry one: https://hono.dev/docs/middleware/builtin/request-id
 * - `csrf` on everything: https://hono.dev/docs/middleware/builtin/csrf
 * - `rateLimiter` of hono-rate-limiter, which Hono's list of third-party middleware names, with its default memory store:
 *   one limit, by client address. Ours counts two. https://github.com/rhinobase/hono-rate-limiter
 * - `jwt` (HS256) as the credential: https://hono.dev/docs/middleware/builtin/jwt. It verifies by WebCrypto on each
 *   request; Hono has no middleware that remembers a verified credential.
 * - The webhook by WebCrypto, then one RPC call of a SQLite Durable Object; Hono has no middleware for either.
 */
import { Hono } from "hono";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { jwt } from "hono/jwt";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { rateLimiter } from "hono-rate-limiter";
import {
  Events, FEATURES_OFF, LIMIT, STRICT_TRANSPORT_SECURITY, WINDOW_MS, hmacKey, isSigned, principal, problem,
} from "./common.js";

const app = new Hono();

app.use(requestId());
app.use(
  secureHeaders({
    strictTransportSecurity: STRICT_TRANSPORT_SECURITY,
    xFrameOptions: "DENY",
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    permissionsPolicy: Object.fromEntries(FEATURES_OFF.map((feature) => [feature, false])),
    originAgentCluster: false,
    xPermittedCrossDomainPolicies: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xXssProtection: false,
  }),
);
app.use(csrf());
// Made in the first request: its memory store starts a timer, which the platform allows in a request alone.
let limiter;
app.use((c, next) => {
  limiter ??= rateLimiter({
    windowMs: WINDOW_MS,
    limit: LIMIT,
    standardHeaders: "draft-7",
    keyGenerator: (c) => c.req.header("cf-connecting-ip") ?? "",
  });
  return limiter(c, next);
});
app.use(async (c, next) => {
  c.header("Cache-Control", "no-store");
  await next();
});
let bearer;
app.use("/v1/*", (c, next) => {
  bearer ??= jwt({ secret: c.env.JWT_SECRET, alg: "HS256" });
  return bearer(c, next);
});

app.get("/healthz", (c) => c.json({ status: "ok" }));
app.get("/v1/auth/check", (c) => c.json(principal(c.get("jwtPayload"))));

let key;
app.post("/in/:source", async (c) => {
  const body = await c.req.arrayBuffer();
  key ??= hmacKey(c.env.WEBHOOK_SECRET);
  if (!(await isSigned(key, c.req.header("x-hub-signature-256"), body))) throw new HTTPException(401);
  const events = c.env.EVENTS.get(c.env.EVENTS.idFromName(c.req.param("source")));
  const headers = JSON.stringify([...c.req.raw.headers]);
  return c.json(await events.store(c.req.header("x-github-delivery"), headers, body));
});

app.onError((error, c) => {
  if (!(error instanceof HTTPException)) throw error;
  c.header("WWW-Authenticate", "Bearer");
  return c.json(problem(c.get("requestId")), error.status, { "Content-Type": "application/problem+json" });
});

export { Events };
export default app;
