/** What the browser itself enforces: the content policy, the cookie's attributes, origins, framing (claims M4, M5). */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, suite, test } from "node:test";
import { useBrowser, WITH_CHROMIUM } from "../support/chromium.mjs";
import { GATE } from "../support/gate.mjs";
import { send } from "../support/http.mjs";
import { createConnection, createKey, createSource, row, signUp, submit } from "../support/pages.mjs";

const PAGES = [
  ...["/", "/connections", "/keys", "/sources", "/events", "/members", "/members/leave", "/usage", "/account"],
  ...["/providers", "/endpoints", "/messages", "/event-types", "/portal-links"],
  ...["/confirm", "/forgot-password", "/audit", "/audit?verify=1", "/security"],
];
/** Shows up as a dialog, a global, a request or an element, wherever it is not escaped. */
const XSS = `"><img src=x onerror=hacked=1><script>hacked=1</script>'{{7*7}}`;
const COOKIE = "__Host-sluicegate_session";

suite("what the browser enforces", WITH_CHROMIUM, () => {
  const open = useBrowser();
  let context, page;
  const complaints = [];
  before(async () => {
    context = await open();
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        console.error(`CSP: ${violatedDirective} ${blockedURI}`),
      );
    });
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
    page = await context.newPage();
  });
  after(() => context?.close());

  test("M5: no page makes the browser complain, or loads anything besides itself", async () => {
    await page.goto("/");
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    await signUp(page);
    await createConnection(page, { name: "Complaints" });
    await createKey(page, { name: "Complaints" });
    const secret = "not-a-secret";
    const url = await createSource(page, { name: "Complaints", provider: "GitHub", secret });
    const { sign } = await import("@octokit/webhooks-methods");
    const headers = { "x-hub-signature-256": await sign(secret, "{}"), "x-github-event": "push" };
    assert.equal((await send(url, { headers, body: "{}" })).status, 200);
    for (const path of PAGES) {
      const response = await page.goto(path);
      assert.equal(response.status(), 200, path);
    }
    await page.goto("/events");
    await submit(page, row(page, "push").getByRole("link"));
    assert.deepEqual(complaints, []);
    const others = requests.filter((url) => {
      const { origin, pathname } = new URL(url);
      return origin !== GATE || !(/^\/(events|sources)\//.test(pathname) || ["/sign-up", ...PAGES].includes(pathname));
    });
    assert.deepEqual(others, []);
  });

  test("M5: a script that gets onto a page does not run", async () => {
    await page.goto("/");
    const violations = await page.evaluate(async () => {
      const violations = [];
      document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
      const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
      add("script", { textContent: "globalThis.hacked = 1" });
      add("script", { src: "/openapi.json" });
      add("img", { src: "https://example.com/x.png" });
      add("iframe", { src: "https://example.com/" });
      document.body.setAttribute("onclick", "globalThis.hacked = 1");
      document.body.click();
      document.body.setAttribute("style", "color: red");
      await fetch("/v1/me").catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return violations;
    });
    for (const directive of ["script-src-elem", "script-src-attr", "img-src", "frame-src", "style-src-attr", "connect-src"]) {
      assert.ok(violations.includes(directive), `${directive} of ${violations}`);
    }
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
    complaints.length = 0;
  });

  test("M4: the session's cookie is out of every script's reach and bound to this host", async () => {
    assert.equal(await page.evaluate(() => document.cookie), "");
    const [cookie, ...others] = await context.cookies();
    assert.deepEqual(others, []);
    const { name, path, secure, httpOnly, sameSite } = cookie;
    assert.deepEqual([name, path, secure, httpOnly, sameSite], [COOKIE, "/", true, true, "Lax"]);
    // `__Host-`: no domain but the very host.
    assert.equal(cookie.domain, new URL(GATE).hostname);
  });

  test("what is typed as markup is shown as text on every page", async () => {
    const own = await open();
    const page = await own.newPage();
    const dialogs = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      dialog.dismiss();
    });
    await signUp(page, { name: XSS, workspace: XSS });
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), XSS);
    await createConnection(page, { name: XSS });
    assert.ok((await page.getByRole("table").textContent()).includes(XSS));
    await createKey(page, { name: XSS });
    assert.ok((await page.getByRole("main").textContent()).includes(XSS));
    const secret = "not-a-secret";
    const url = await createSource(page, { name: XSS, provider: "GitHub", secret });
    const body = JSON.stringify({ text: XSS });
    const { sign } = await import("@octokit/webhooks-methods");
    const type = "<script>hacked=1</script>";
    const headers = {
      "x-hub-signature-256": await sign(secret, body),
      "x-github-event": type,
      "x-github-delivery": "a1",
      "x-other": XSS,
    };
    assert.equal((await send(url, { headers, body })).status, 200);
    // Refused, so what was typed is written into its form again.
    await createConnection(page, { name: XSS, baseUrl: "https://localhost:1/a?b" });
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), XSS);

    for (const path of [...PAGES, "/events", "/keys?done=%3Cscript%3Ehacked%3D1%3C/script%3E"]) {
      await page.goto(path);
      await expectHarmless(page, path);
    }
    await page.goto("/events");
    await row(page, type).getByRole("link").click();
    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), type);
    assert.equal(await page.getByLabel("Body").textContent(), body);
    await expectHarmless(page, "an event");
    assert.deepEqual(dialogs, []);
    await own.close();
  });

  test("M5: another site's form changes nothing", async () => {
    const csrf = await page.evaluate(() => document.querySelector("[name=csrf_token]").value);
    const before = (await page.goto("/connections")) && (await page.getByRole("row").count());
    // Another site, for which the cookie stays away; another port of this one, where the browser sends it along, even
    // with a token that was somehow learnt.
    const gate = new URL(GATE);
    for (const hostname of ["localhost", gate.hostname]) {
      for (const token of ["", csrf]) {
        const attacker = await serve(`<form method="post" action="${GATE}/connections">
          <input name="csrf_token" value="${token}"><input name="action" value="create"><input name="name" value="planted">
          <input name="base_url" value="https://evil.example.com/"><input name="auth_type" value="bearer">
          <input name="token" value="planted"></form><script>document.forms[0].submit()</script>`);
        const victim = await context.newPage();
        const answered = victim.waitForResponse((response) => response.url().startsWith(`${GATE}/connections`));
        await victim.goto(`http://${hostname}:${attacker.port}/`, { waitUntil: "commit" });
        const response = await answered;
        const sent = await response.request().allHeaders();
        assert.equal(response.status(), 403, hostname);
        assert.equal(Boolean(sent.cookie), hostname === gate.hostname, "whether the cookie came along");
        assert.match(await response.text(), /Cross-origin requests are refused/);
        await victim.close();
        attacker.close();
      }
    }
    await page.goto("/connections");
    assert.equal(await page.getByRole("row").count(), before);
  });

  test("M5: another site's script reads nothing", async () => {
    const attacker = await serve("<title>attacker</title>");
    const victim = await context.newPage();
    await victim.goto(`http://${new URL(GATE).hostname}:${attacker.port}/`);
    const outcomes = await victim.evaluate(async (gate) => {
      const outcome = (options) => fetch(`${gate}/v1/me`, options).then((r) => r.text()).catch(() => "refused");
      return [
        await outcome({ credentials: "include" }),
        await outcome({ credentials: "include", method: "POST", headers: { "content-type": "application/json" } }),
        await outcome({ credentials: "include", mode: "no-cors" }),
      ];
    }, GATE);
    assert.deepEqual(outcomes, ["refused", "refused", "refused"]);
    await victim.close();
    attacker.close();
  });

  test("no page can be framed", async () => {
    const attacker = await serve(
      ["/", "/connections", "/security", "/openapi.json"].map((path) => `<iframe src="${GATE}${path}"></iframe>`).join(""),
    );
    const victim = await context.newPage();
    await victim.goto(`http://${new URL(GATE).hostname}:${attacker.port}/`, { waitUntil: "load" });
    const frames = victim.frames().slice(1);
    assert.equal(frames.length, 4);
    for (const frame of frames) assert.equal(frame.url(), "chrome-error://chromewebdata/");
    await victim.close();
    attacker.close();
  });
});

async function expectHarmless(page, where) {
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined, where);
  assert.equal(await page.locator("script, img, [onerror]").count(), 0, where);
}

/** Another origin with one page. */
async function serve(html) {
  const server = createServer((request, response) => {
    if (request.url !== "/") return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html>${html}`);
  });
  // Both of 127.0.0.1 and localhost lead here, whatever localhost resolves to first.
  await new Promise((resolve) => server.listen(0, resolve));
  return { port: server.address().port, close: () => server.closeAllConnections() ?? server.close() };
}
