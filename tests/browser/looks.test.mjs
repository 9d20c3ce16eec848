/**
 * Every page, light, dark and on a phone: no serious accessibility problem by axe-core, nothing wider than the screen, and
 * a screenshot in `target/screenshots/` for people to judge.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, suite, test } from "node:test";
import Stripe from "stripe";
import { assertAccessible } from "../support/accessible.mjs";
import { screenshot, useBrowser, WITH_CHROMIUM } from "../support/chromium.mjs";
import { send } from "../support/http.mjs";
import {
  createConnection,
  createEndpoint,
  createKey,
  createSource,
  fillCode,
  invite,
  revokeKey,
  row,
  signIn,
  signUp,
  startSecondFactor,
  submit,
} from "../support/pages.mjs";

const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  mobile: { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** By name: how to get there. */
const PAGES = {
  overview: (page) => page.goto("/"),
  connections: (page) => page.goto("/connections"),
  "connection-api-key": async (page) => {
    await page.goto("/connections");
    await page.getByRole("radio", { name: "API key" }).check();
  },
  "connection-refused": (page) => createConnection(page, { name: "Refused", baseUrl: "https://user@example.com/" }),
  keys: (page) => page.goto("/keys"),
  "key-revoke": async (page) => {
    await page.goto("/keys");
    await submit(page, row(page, "Deploys").getByRole("link", { name: "Revoke" }));
  },
  "key-refused": async (page) => {
    await page.goto("/keys");
    await page.getByLabel("Name", { exact: true }).fill("Without a scope");
    await submit(page, page.getByRole("button", { name: "Create key" }));
  },
  "key-created": (page) => createKey(page, { name: "For a screenshot" }),
  sources: (page) => page.goto("/sources"),
  source: async (page) => {
    await page.goto("/sources");
    await submit(page, row(page, "Payments").getByRole("link", { name: "Payments" }));
  },
  "source-generic": (page) => page.goto("/sources?provider=generic"),
  providers: (page) => page.goto("/providers"),
  endpoints: (page) => page.goto("/endpoints"),
  "endpoint-created": (page) => createEndpoint(page),
  endpoint: async (page) => {
    await page.goto("/endpoints");
    await submit(page, row(page, "receiver.example.com").first().getByRole("link"));
  },
  messages: (page) => page.goto("/messages"),
  "event-types": (page) => page.goto("/event-types"),
  "portal-links": (page) => page.goto("/portal-links"),
  events: (page) => page.goto("/events"),
  "events-filtered": (page) => page.goto("/events?event_type=invoice.paid&since=2026-01-01T00%3A00"),
  event: async (page) => {
    await page.goto("/events");
    await submit(page, row(page, "invoice.paid").getByRole("link"));
  },
  "event-missing": (page) => page.goto("/events/ine_00000000000000000000000000"),
  members: (page) => page.goto("/members"),
  "member-invited": (page) => invite(page, { email: "grace@example.com" }),
  "members-leave": (page) => page.goto("/members/leave"),
  usage: (page) => page.goto("/usage"),
  account: (page) => page.goto("/account"),
  "second-factor": (page) => startSecondFactor(page),
  "second-factor-refused": async (page) => {
    await startSecondFactor(page);
    await fillCode(page, "000000");
    await submit(page, page.getByRole("button", { name: "Confirm" }));
  },
  confirm: (page) => page.goto("/confirm"),
  "join-signed-in": (page) => page.goto(invitation),
  "verify-email": (page) => page.goto("/verify-email?token=a-screenshot"),
  "forgot-password": (page) => page.goto("/forgot-password"),
  audit: (page) => page.goto("/audit"),
  "audit-verified": async (page) => {
    await page.goto("/audit");
    await submit(page, page.getByRole("button", { name: "Verify the chain" }));
  },
  security: (page) => page.goto("/security"),
};
/** Of a workspace with nothing in it. */
const EMPTY = {
  "overview-empty": (page) => page.goto("/"),
  "connections-empty": (page) => page.goto("/connections"),
  "keys-empty": (page) => page.goto("/keys"),
  "sources-empty": (page) => page.goto("/sources"),
  "events-empty": (page) => page.goto("/events"),
  "endpoints-empty": (page) => page.goto("/endpoints"),
  "messages-empty": (page) => page.goto("/messages"),
};
const SIGNED_OUT = {
  "sign-in": (page) => page.goto("/"),
  "forgot-password-signed-out": (page) => page.goto("/forgot-password"),
  "reset-password": (page) => page.goto("/reset-password?token=a-screenshot"),
  "verify-email-signed-out": (page) => page.goto("/verify-email?token=a-screenshot"),
  join: (page) => page.goto(invitation),
  "link-dead": (page) => page.goto("/sign-in/code"),
  "sign-in-refused": (page) => signIn(page, "nobody@example.com", "not the password"),
};

/** A link to join another workspace. */
let invitation;

suite("looks", WITH_CHROMIUM, () => {
  const open = useBrowser();
  let full, empty;
  before(async () => {
    empty = await profile("Empty Workspace", async () => {});
    full = await profile("Analytical Engines", fill);
    await profile("Difference Engines", async (page) => {
      invitation = await invite(page, { email: "alan@example.com" });
    });
  });

  /** The cookies of a new workspace. */
  async function profile(workspace, work) {
    const context = await open();
    const page = await context.newPage();
    await signUp(page, { workspace });
    await work(page);
    const state = await context.storageState();
    await context.close();
    return state;
  }

  for (const [look, options] of Object.entries(LOOKS)) {
    test(look, async (t) => {
      const groups = [
        [SIGNED_OUT, undefined],
        [EMPTY, empty],
        [PAGES, full],
      ];
      for (const [pages, storageState] of groups) {
        const context = await open({ ...options, storageState });
        const page = await context.newPage();
        for (const [name, go] of Object.entries(pages)) {
          await go(page);
          await screenshot(page, `${name}-${look}`);
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(width <= options.viewport.width, `${name} is ${width} wide`);
          if (!options.isMobile) assert.deepEqual(await cutOff(page), [], name);
          await assertAccessible(page, name, t);
        }
        await context.close();
      }
    });
  }
});

/** The tables that hide a column until one scrolls sideways. */
function cutOff(page) {
  return page.locator(".scroll").evaluateAll((tables) =>
    tables.filter((table) => table.scrollWidth > table.clientWidth).map((table) => table.getAttribute("aria-label")),
  );
}

async function fill(page) {
  await createConnection(page, { name: "Billing API", baseUrl: "https://api.billing.example.com/v1" });
  await createConnection(page, { name: "Search", baseUrl: "https://search.internal.example.com/indexes/production/v2" });
  await createKey(page, { name: "Deploys", scopes: ["connections:read", "connections:write", "sources:read"] });
  await createKey(page, { name: "Old laptop" });
  await revokeKey(page, "Old laptop");
  const secret = `whsec_${randomBytes(24).toString("hex")}`;
  const url = await createSource(page, { name: "Payments", secret });
  await createSource(page, { name: "Repositories", provider: "GitHub", secret });
  await createEndpoint(page, { headers: "x-key: not-a-secret" });
  for (const type of ["customer.created", "invoice.paid", "invoice.payment_failed"]) {
    const body = JSON.stringify({ id: `evt_${randomBytes(12).toString("hex")}`, object: "event", type, livemode: false }, null, 2);
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret }),
    };
    for (let i = 0; i < (type === "invoice.paid" ? 2 : 1); i += 1) {
      assert.equal((await send(url, { headers, body })).status, 200);
    }
  }
}
