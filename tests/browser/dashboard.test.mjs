/** The pages in a browser that runs no script: everything is a link or a form. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, suite, test } from "node:test";
import Stripe from "stripe";
import { useBrowser, WITH_CHROMIUM } from "../support/chromium.mjs";
import { send } from "../support/http.mjs";
import { createConnection, createEndpoint, createKey, createSource, revokeKey, row, signIn, signUp } from "../support/pages.mjs";
import { call } from "../support/workspace.mjs";

suite("the dashboard without JavaScript", WITH_CHROMIUM, () => {
  const open = useBrowser();
  let context, page, email;
  before(async () => {
    context = await open({ javaScriptEnabled: false });
    page = await context.newPage();
  });
  after(() => context?.close());

  const main = () => page.getByRole("main").textContent();

  test("signing up leads to the new workspace", async () => {
    email = await signUp(page);
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Analytical Engines");
    assert.ok((await main()).includes(email));
    assert.equal(new URL(page.url()).pathname, "/");
    await page.reload();
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Analytical Engines");
  });

  test("M1: a connection is stored, and its token is not shown again", async () => {
    const token = randomBytes(16).toString("hex");
    await createConnection(page, { name: "Billing", token });
    assert.ok(await page.getByText("Connection created.").isVisible());
    const text = await row(page, "Billing").textContent();
    assert.ok(text.includes("https://api.example.com/v1") && text.includes("HTTP API"), text);
    assert.ok(!(await page.content()).includes(token));
    // Nothing is sent twice by a reload.
    await page.reload();
    assert.equal(await row(page, "Billing").count(), 1);
  });

  test("a refused form says why and keeps what was typed, its secret aside", async () => {
    const token = randomBytes(16).toString("hex");
    await createConnection(page, { name: "Inner", baseUrl: "https://user:pass@api.example.com/", token });
    assert.match(await page.getByRole("alert").textContent(), /base URL/i);
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Inner");
    assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), "");
    assert.ok(!(await page.content()).includes(token));
    assert.equal(await row(page, "Inner").count(), 0);
  });

  test("N7: a key is shown once, works at once and no more once it is revoked", async () => {
    const key = await createKey(page, { name: "Deploys" });
    assert.match(key, /^sgk_/);
    assert.equal((await call("GET", "/v1/connections", { token: key })).status, 200);
    await page.getByRole("link", { name: "Done" }).click();
    assert.ok(await row(page, "Deploys").isVisible());
    assert.ok(!(await page.content()).includes(key));
    await page.goto("/keys");
    assert.ok(!(await page.content()).includes(key));

    await revokeKey(page, "Deploys");
    assert.ok(await page.getByText("Key revoked.").isVisible());
    assert.equal((await call("GET", "/v1/connections", { token: key })).status, 401);
    assert.equal(await row(page, "Deploys").getByRole("link").count(), 0);
  });

  test("B6: a signed event arrives and can be read", async () => {
    const secret = `whsec_${randomBytes(24).toString("hex")}`;
    const url = await createSource(page, { name: "Payments", secret });
    assert.ok(!(await page.content()).includes(secret));
    const body = JSON.stringify({ id: "evt_browser", type: "invoice.paid", note: "<b>&amp; zażółć</b>" });
    const signed = { "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret }) };
    assert.equal((await send(url, { headers: signed, body })).status, 200);

    await page.getByRole("link", { name: "Events" }).click();
    const text = await row(page, "invoice.paid").textContent();
    assert.ok(text.includes("Stripe") && text.includes("evt_browser"), text);
    await row(page, "invoice.paid").getByRole("link").click();
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "invoice.paid");
    assert.equal(await page.getByLabel("Body").textContent(), body);
    assert.ok((await row(page, "stripe-signature").textContent()).includes("[redacted]"));
  });

  test("B6: a source says what to paste where, is paused, and goes on", async () => {
    await page.goto("/sources");
    await row(page, "Payments").getByRole("link", { name: "Payments" }).click();
    const text = await main();
    for (const said of ["/in/src_", "never to the sender", "cargo xtask listen --url http", "--source src_"]) assert.ok(text.includes(said), said);
    await page.getByRole("button", { name: "Pause forwarding" }).click();
    assert.match(await page.getByRole("status").textContent(), /^Paused/);
    await page.getByRole("button", { name: "Go on forwarding" }).click();
    assert.match(await page.getByRole("status").textContent(), /forwards again/);
  });

  test("M8: an endpoint is made, its secret shown once, and changed", async () => {
    const secret = await createEndpoint(page, { url: "https://receiver.example.com/hooks?key=hush", headers: "x-key: hush" });
    assert.match(secret, /^whsec_/);
    await page.getByRole("link", { name: "Done" }).click();
    assert.ok((await main()).includes("https://receiver.example.com/hooks?key=hush"));
    const html = await page.content();
    assert.ok(!html.includes(secret) && !html.includes("x-key: hush"));
    await page.getByLabel("Description").fill("Their billing");
    await page.getByRole("button", { name: "Save" }).click();
    assert.match(await page.getByRole("status").first().textContent(), /changes are saved/);
    await page.getByRole("button", { name: "Take it out of use" }).click();
    assert.ok((await main()).includes("Disabled since"));
    await page.getByRole("button", { name: "Put it back into use" }).click();
    assert.ok(!(await main()).includes("Disabled since"));
  });

  test("M8: a message is published as it was typed, and one that is no JSON is refused with what was typed", async () => {
    await page.goto("/messages");
    const form = page.getByRole("region", { name: "Publish a message" });
    await form.getByLabel("Event type").fill("invoice.paid");
    await form.getByLabel("Payload").fill('{"b": 1.0,');
    await form.getByRole("button", { name: "Publish" }).click();
    assert.match(await page.getByRole("alert").textContent(), /marked/);
    assert.equal(await form.getByLabel("Payload").getAttribute("aria-invalid"), "true");
    assert.equal(await form.getByLabel("Payload").inputValue(), '{"b": 1.0,');
    await form.getByLabel("Payload").fill('{"b": 1.0,\n "a": 2}');
    await form.getByRole("button", { name: "Publish" }).click();
    assert.match(await page.getByRole("status").first().textContent(), /is published/);
    assert.equal(await page.getByRole("link", { name: /^\d/ }).first().getAttribute("href"), "#attempts");
    assert.equal(await page.getByLabel("Payload").textContent(), '{"b": 1.0,\n "a": 2}');
  });

  test("B7: the audit trail holds all of it, and verifies", async () => {
    await page.getByRole("link", { name: "Audit" }).click();
    const text = await main();
    const made = ["connection.created", "api_key.created", "api_key.revoked", "source.created", "inbound_event.stored"];
    for (const action of made) assert.ok(text.includes(action), action);
    await page.getByRole("button", { name: "Verify the chain" }).click();
    assert.match(await page.getByRole("status").textContent(), /The chain is whole/);
  });

  test("C8: a connection is disconnected, and its receipt says what became of the credential", async () => {
    await page.goto("/connections");
    await row(page, "Billing").getByRole("link", { name: "Disconnect Billing" }).click();
    await page.getByRole("button", { name: "Disconnect Billing" }).click();
    assert.ok(await page.getByRole("heading", { name: "Disconnected: Billing" }).isVisible());
    assert.equal(await row(page, "Billing").count(), 1);
    await page.goto("/connections");
    assert.equal(await row(page, "Billing").count(), 0);
  });

  test("M4: signing out ends the session; its cookie is worth nothing", async () => {
    const cookies = await context.cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    assert.ok(await page.getByRole("heading", { name: "Sign in" }).isVisible());
    assert.deepEqual(await context.cookies(), []);
    await context.addCookies(cookies);
    await page.goto("/connections");
    assert.ok(await page.getByRole("heading", { name: "Sign in" }).isVisible());
    assert.deepEqual((await context.cookies()).map(({ name }) => name), ["__Host-sluicegate_asked"]);
  });

  test("a wrong password is an error, and says no more for an account that is there", async () => {
    await signIn(page, email, "not the password");
    const refused = await page.getByRole("alert").textContent();
    assert.match(refused, /Email or password is wrong/);
    const form = page.getByRole("region", { name: "Sign in" });
    assert.equal(await form.getByLabel("Email").inputValue(), email);
    assert.equal(await form.getByLabel("Password").inputValue(), "");
    await signIn(page, "nobody@example.com", "not the password");
    assert.equal(await page.getByRole("alert").textContent(), refused);
  });

  test("the right password signs in again, and leads to the page that was asked for", async () => {
    await signIn(page, email);
    assert.equal(new URL(page.url()).pathname, "/connections");
  });

  test("who is not signed in gets to the sign-in form from every page", async () => {
    const stranger = await open({ javaScriptEnabled: false });
    const page = await stranger.newPage();
    const pages = ["/connections", "/connectors", "/receipts", "/keys", "/sources", "/providers", "/events", "/endpoints", "/messages", "/event-types", "/portal-links", "/members", "/usage", "/workspace", "/admin/keys", "/account", "/confirm", "/audit"];
    for (const path of pages) {
      await page.goto(path);
      assert.ok(await page.getByRole("heading", { name: "Sign in" }).isVisible(), path);
    }
    await stranger.close();
  });
});
