/** Mistakes that people make on pages: the field is marked, what acts for good asks first, nobody is lost. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, suite, test } from "node:test";
import { useBrowser, WITH_CHROMIUM } from "../support/chromium.mjs";
import { GATE } from "../support/gate.mjs";
import { createKey, row, signUp, submit } from "../support/pages.mjs";

suite("mistakes on pages", WITH_CHROMIUM, () => {
  const open = useBrowser();
  let context, page;
  before(async () => {
    context = await open({ javaScriptEnabled: false, viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    await signUp(page);
  });
  after(() => context?.close());

  /** What a screen reader says of a field besides its label. */
  const description = async (field) => page.locator(`[id="${await field.getAttribute("aria-describedby")}"]`).textContent();

  test("D13: a wrong field is marked and says what it must be; what was typed stays", async () => {
    await page.goto("/keys");
    const form = page.getByRole("region", { name: "New key" });
    await form.getByLabel("Name", { exact: true }).fill("Kept");
    await form.getByLabel("audit:read").check();
    await form.getByLabel("Allowed networks").fill("203.0.113.0/99");
    await submit(page, form.getByRole("button", { name: "Create key" }));
    const field = form.getByLabel("Allowed networks");
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.match(await description(field), /network|CIDR|address/i);
    assert.equal(await page.locator("[aria-invalid]").count(), 1);
    assert.equal(await field.inputValue(), "203.0.113.0/99");
    assert.equal(await form.getByLabel("Name", { exact: true }).inputValue(), "Kept");
    assert.ok(await form.getByLabel("audit:read").isChecked());
    assert.match(await page.getByRole("alert").textContent(), /marked/);
  });

  test("D2: Rotate and Revoke ask first; a day of overlap is what Rotate offers", async () => {
    const key = await createKey(page, { name: "Careful" });
    // D14: the command works as it stands, on a shell.
    const command = await page.getByLabel("Command that tries the key").textContent();
    const answer = JSON.parse(execFileSync("sh", ["-c", `${command} --silent`], { encoding: "utf8" }));
    assert.equal(answer.auth, "api_key");
    assert.ok(command.startsWith(`curl ${GATE}`), command);
    for (const [ask, keep] of [["Rotate", "Keep the secret"], ["Revoke", "Keep the key"]]) {
      await page.goto("/keys");
      await submit(page, row(page, "Careful").getByRole("link", { name: `${ask} Careful` }));
      assert.ok(await page.getByRole("heading", { name: `${ask} Careful?` }).isVisible());
      if (ask === "Rotate") assert.equal(await page.getByRole("combobox").inputValue(), "86400");
      await submit(page, page.getByRole("link", { name: keep }));
    }
    const status = (await fetch(`${GATE}/v1/me`, { headers: { authorization: `Bearer ${key}` } })).status;
    assert.equal(status, 200);
  });

  test("D1: nothing of a table is out of sight at 1440 px", async () => {
    for (const path of ["/keys", "/providers"]) {
      await page.goto(path);
      const [needed, there] = await page.locator(".scroll").evaluate((table) => [table.scrollWidth, table.clientWidth]);
      assert.ok(needed <= there, `${path}: ${needed} px in ${there}`);
    }
  });

  test("D15: a page that is not there keeps the navigation; the operators' page says what makes one", async () => {
    const answer = await page.goto("/no-such-page");
    assert.equal(answer.status(), 404);
    await submit(page, page.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: "API keys" }));
    assert.ok(await row(page, "Careful").isVisible());
    await page.goto("/admin/keys");
    assert.match(await page.getByRole("main").textContent(), /operators\.super_admins.*second factor/);
    assert.ok(await page.getByRole("navigation", { name: "Workspace" }).isVisible());
  });
});
