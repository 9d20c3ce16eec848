/** People: members, invitations, sessions, passwords and the second factor, by the pages alone and without JavaScript. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { suite, test } from "node:test";
import { assertAccessible } from "../support/accessible.mjs";
import { useBrowser, WITH_CHROMIUM } from "../support/chromium.mjs";
import {
  createConnection,
  createKey,
  fillCode,
  invite,
  row,
  signIn,
  signOut,
  signUp,
  startSecondFactor,
  submit,
} from "../support/pages.mjs";
import { totp } from "../support/totp.mjs";
import { call, PASSWORD } from "../support/workspace.mjs";

const NO_SCRIPT = { javaScriptEnabled: false };

const address = () => `${randomBytes(8).toString("hex")}@example.com`;
const pathOf = (page) => new URL(page.url()).pathname + new URL(page.url()).search;
const title = (page) => page.getByRole("heading", { level: 1 }).textContent();
const said = (page) => page.getByRole("status").textContent();
const isSignedOut = async (page) =>
  assert.ok(await page.getByRole("region", { name: "Sign in" }).isVisible(), "the sign-in form");

/** Presses the button that leads to the next page. */
const press = (page, name, within = page) => submit(page, within.getByRole("button", { name }));

/** Takes an invitation's link as somebody new. */
async function joinAsNew(page, link, { name, email }) {
  await page.goto(link);
  assert.equal(await page.getByLabel("Email").inputValue(), email, "nobody types their address again");
  const form = page.getByRole("region", { name: "I am new here" });
  await form.getByLabel("Your name").fill(name);
  await form.getByLabel("Password").fill(PASSWORD);
  await form.getByLabel("I accept the terms").check();
  await press(page, "Create account and join", form);
}

suite("people", WITH_CHROMIUM, () => {
  const open = useBrowser();

  async function visitor(options = NO_SCRIPT) {
    const context = await open(options);
    return { context, page: await context.newPage() };
  }

  test("N2, N8, N9: somebody is invited, joins, is made an admin and is removed", async () => {
    const admin = await visitor();
    const guest = await visitor();
    await signUp(admin.page, { workspace: "Difference Engines" });
    const email = address();
    const link = await invite(admin.page, { email });
    assert.match(link, /\/join\?token=/);
    await admin.page.goto("/members");
    assert.ok(!(await admin.page.content()).includes(new URL(link).searchParams.get("token")), "shown once");
    assert.match(await row(admin.page, email).textContent(), /pending/);

    await guest.page.goto(link);
    assert.equal(pathOf(guest.page), "/join", "the token has left the address");
    assert.ok(!(await guest.page.content()).includes(new URL(link).searchParams.get("token")));
    const offered = await guest.page.getByRole("main").textContent();
    assert.match(offered, /Ada Lovelace invites .* to the workspace Difference Engines as member\. A member sees/s);
    await joinAsNew(guest.page, link, { name: "Grace Hopper", email });
    assert.equal(await title(guest.page), "Difference Engines");
    assert.match(await said(guest.page), /you have joined/);

    // A member sees the lists, and no form but the way out.
    await guest.page.goto("/members");
    assert.ok(await row(guest.page, "Grace Hopper").isVisible());
    assert.equal(await guest.page.getByRole("main").locator("form").count(), 0);
    await guest.page.goto("/keys");
    assert.match(await guest.page.getByRole("main").textContent(), /Your role does not include/);

    // The role counts from the next request on. Nobody is offered their own.
    await admin.page.goto("/members");
    assert.match(await row(admin.page, "Grace Hopper").textContent(), new RegExp(email));
    await row(admin.page, "Grace Hopper").getByRole("combobox").selectOption("org_admin");
    await press(admin.page, "Change role of Grace Hopper");
    assert.equal(await said(admin.page), "The role is changed.");
    assert.equal(await row(admin.page, "(you)").getByRole("combobox").count(), 0);
    const key = await createKey(guest.page, { name: "Made by Grace" });
    assert.equal((await call("GET", "/v1/connections", { token: key })).status, 200);

    // Removal asks first, says what ends, and ends it at once.
    await admin.page.goto("/members");
    await submit(admin.page, admin.page.getByRole("link", { name: "Remove Grace Hopper" }));
    assert.match(await admin.page.getByRole("main").textContent(), /One API key that they made ends with it/);
    await press(admin.page, "Remove Grace Hopper");
    assert.match(await said(admin.page), /removed/);
    assert.equal(await row(admin.page, "(you)").count(), 1);
    await guest.page.goto("/connections");
    await isSignedOut(guest.page);
    assert.equal((await call("GET", "/v1/connections", { token: key })).status, 401);

    await guest.context.close();
    await admin.context.close();
  });

  test("an invitation for somebody with an account is accepted after signing in, and both workspaces stay", async () => {
    const admin = await visitor();
    const guest = await visitor();
    await signUp(admin.page, { workspace: "Inviting" });
    const email = await signUp(guest.page, { name: "Alan", workspace: "Own" });
    await signOut(guest.page);
    await guest.page.goto(await invite(admin.page, { email }));
    await submit(guest.page, guest.page.getByRole("link", { name: "Sign in" }));
    await signIn(guest.page, email);
    assert.equal(pathOf(guest.page), "/join", "signing in leads back to the invitation");
    await press(guest.page, `Join as ${email}`);
    assert.equal(await title(guest.page), "Inviting");

    await submit(guest.page, guest.page.getByRole("banner").getByRole("link", { name: "Inviting" }));
    assert.equal(pathOf(guest.page), "/account");
    await press(guest.page, "Go to Own");
    assert.equal(await title(guest.page), "Own");

    await guest.page.goto("/account");
    await press(guest.page, "Go to Inviting");
    await guest.page.goto("/members/leave");
    await press(guest.page, "Leave");
    assert.match(await said(guest.page), /left the workspace/);
    await isSignedOut(guest.page);
    await guest.context.close();
    await admin.context.close();
  });

  test("an invitation taken back, and one for somebody else, let nobody in", async () => {
    const admin = await visitor();
    const guest = await visitor();
    await signUp(admin.page);
    const email = address();
    const link = await invite(admin.page, { email });
    await signUp(guest.page, { name: "Mallory" });
    await guest.page.goto(link);
    assert.match(await guest.page.getByRole("main").textContent(), /The invitation is for another email address/);
    assert.equal(await guest.page.getByRole("button", { name: /^Join/ }).count(), 0);
    await signOut(guest.page);

    await admin.page.goto("/members");
    await press(admin.page, `Take back ${email}`);
    assert.match(await said(admin.page), /taken back/);
    await guest.page.goto(link);
    assert.match(await title(guest.page), /not, or no longer, valid/, "said before anything is typed");
    await guest.context.close();
    await admin.context.close();
  });

  test("C4: an authenticator app is set up, asked for at sign-in, and replaced once by a recovery code", async (t) => {
    // With scripts, since axe-core is one.
    const { context, page } = await visitor({});
    const email = await signUp(page);
    const secret = await startSecondFactor(page);
    assert.ok(await page.getByRole("img", { name: "QR code for your authenticator app" }).isVisible());
    await fillCode(page, "000000");
    await press(page, "Confirm");
    assert.match(await page.getByRole("alert").textContent(), /code is wrong/);
    assert.ok(!(await page.content()).includes(secret), "the secret is shown once");
    await fillCode(page, totp(secret));
    await press(page, "Confirm");
    const codes = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
    assert.equal(codes.length, 10);
    await assertAccessible(page, "recovery codes", t);
    await page.goto("/account");
    assert.match(await page.getByRole("main").textContent(), /10 recovery codes are left/);

    await signOut(page);
    await signIn(page, email);
    assert.equal(pathOf(page), "/sign-in/code");
    assert.deepEqual((await context.cookies()).map(({ name, httpOnly }) => [name, httpOnly]), [["__Host-sluicegate_challenge", true]]);
    await assertAccessible(page, "code", t);
    // The password alone opens nothing.
    await page.goto("/connections");
    await isSignedOut(page);
    await page.goto("/sign-in/code");
    await fillCode(page, "000000");
    await press(page, "Sign in");
    assert.match(await page.getByRole("alert").textContent(), /code is wrong/);
    await fillCode(page, totp(secret, 1));
    await press(page, "Sign in");
    assert.equal(await title(page), "Connections", "the page that was asked for");
    assert.deepEqual((await context.cookies()).map(({ name }) => name), ["__Host-sluicegate_session"]);

    for (const works of [true, false]) {
      await signOut(page);
      await signIn(page, email);
      await page.getByText("The app is not at hand").click();
      await page.getByLabel("Recovery code").fill(codes[0].trim());
      await press(page, "Use the recovery code");
      if (works) assert.equal(await title(page), "Analytical Engines");
      else assert.match(await page.getByRole("alert").textContent(), /code is wrong/);
    }
    await context.close();
  });

  test("a page that was asked for is there after signing in with a second factor", async () => {
    const { context, page } = await visitor();
    const email = await signUp(page);
    const secret = await startSecondFactor(page);
    await fillCode(page, totp(secret));
    await press(page, "Confirm");
    await signOut(page);
    await page.goto("/audit?verify=1");
    await isSignedOut(page);
    // On the page itself: `signIn` would ask for another one.
    const form = page.getByRole("region", { name: "Sign in" });
    await form.getByLabel("Email").fill(email);
    await form.getByLabel("Password").fill(PASSWORD);
    await press(page, "Sign in", form);
    await fillCode(page, totp(secret, 1));
    await press(page, "Sign in");
    assert.equal(pathOf(page), "/audit?verify=1");
    // It has served: the next time is the overview again.
    assert.ok(!(await context.cookies()).some(({ name }) => name.endsWith("_asked")));
    await context.close();
  });

  test("C4: who sits there is confirmed by the password, and a wrong one says so", async () => {
    const { context, page } = await visitor();
    await signUp(page);
    await page.goto("/confirm");
    await page.getByLabel("Password").fill("not the password");
    await press(page, "Confirm");
    assert.match(await page.getByRole("alert").textContent(), /wrong/);
    await page.getByLabel("Password").fill(PASSWORD);
    await press(page, "Confirm");
    assert.equal(await said(page), "Confirmed: you can make the change now.");
    await context.close();
  });

  test("M4: sessions are listed, and the others end: one, all, and by a new password", async () => {
    const here = await visitor();
    const there = await visitor();
    const email = await signUp(here.page);
    const sessions = () => here.page.getByRole("region", { name: "Sessions", exact: true }).getByRole("row");
    const again = async (password) => {
      await signIn(there.page, email, password);
      await there.page.goto("/");
      assert.equal(await title(there.page), "Analytical Engines");
      await here.page.goto("/account");
      assert.equal(await sessions().count(), 3, "the head and two sessions");
      assert.match(await row(here.page, "this one").first().textContent(), /Chrom/);
    };
    const hasEnded = async () => {
      await there.page.goto("/account");
      await isSignedOut(there.page);
    };

    await again();
    await press(here.page, /^End /, sessions().filter({ hasNotText: "this one" }));
    assert.equal(await said(here.page), "The session has ended.");
    await hasEnded();

    await again();
    await press(here.page, "End every other session, in every workspace");
    assert.equal(await said(here.page), "Every other session has ended.");
    await hasEnded();

    await again();
    const password = randomBytes(12).toString("base64url");
    await here.page.getByLabel("Current password").fill(PASSWORD);
    await here.page.getByLabel("New password").fill(password);
    await press(here.page, "Change password");
    assert.match(await said(here.page), /password is changed/);
    await hasEnded();
    await signIn(there.page, email);
    assert.match(await there.page.getByRole("alert").textContent(), /wrong/);
    await again(password);
    await there.context.close();
    await here.context.close();
  });

  test("a link for a forgotten password is promised in the same words to anybody", async () => {
    const { context, page } = await visitor();
    const known = await signUp(page);
    await signOut(page);
    const answers = [];
    for (const email of [known, address()]) {
      await page.goto("/");
      await submit(page, page.getByRole("link", { name: "Forgot your password?" }));
      await page.getByLabel("Email").fill(email);
      await press(page, "Send the link");
      answers.push(await page.getByRole("main").textContent());
    }
    assert.equal(answers[0], answers[1]);
    assert.match(await said(page), /on its way/);
    await context.close();
  });

  test("N3: usage is told as it is now", async () => {
    const { context, page } = await visitor();
    await signUp(page);
    const line = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "Connections", exact: true }) });
    const connections = async () => {
      await page.goto("/usage");
      const [, used] = await line.getByRole("cell").allTextContents();
      return used;
    };
    assert.equal(await connections(), "0");
    await createConnection(page, { name: "Counted" });
    assert.equal(await connections(), "1");
    assert.ok(await line.getByRole("meter", { name: "Connections" }).isVisible());
    await context.close();
  });

  test("N7: a rotated key's new secret is shown once, and the old one works on for its grace", async () => {
    const { context, page } = await visitor();
    await signUp(page);
    const old = await createKey(page, { name: "Rotated" });
    const rotate = async (grace) => {
      await page.goto("/keys");
      await submit(page, row(page, "Rotated").getByRole("link", { name: "Rotate Rotated" }));
      await page.getByRole("combobox").selectOption(grace);
      await press(page, "Rotate Rotated");
      return (await page.getByLabel("API key", { exact: true }).textContent()).trim();
    };
    const status = async (token) => (await call("GET", "/v1/connections", { token })).status;
    const next = await rotate("3600");
    assert.notEqual(next, old);
    assert.deepEqual([await status(old), await status(next)], [200, 200]);
    await page.goto("/keys");
    assert.match(await row(page, "Rotated").textContent(), /the key before it until/);
    const last = await rotate("0");
    assert.deepEqual([await status(next), await status(last)], [401, 200]);
    await context.close();
  });
});
