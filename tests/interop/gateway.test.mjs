/** The README's route and the README's app, as they stand there, behind a server of their own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, serve } from "../support/serve.mjs";

const ROOT = join(import.meta.dirname, "../..");
const SECTION = "## Protect your own app";

/** The one code block of the README's section in this language, with its example addresses replaced. */
function fromReadme(language, replacements) {
  const [section] = readFileSync(join(ROOT, "README.md"), "utf8").split(`\n${SECTION}\n`)[1].split("\n## ");
  const blocks = section.split(`\n\`\`\`${language}\n`).slice(1);
  assert.equal(blocks.length, 1, `${SECTION} has one block of ${language}`);
  return Object.entries(replacements).reduce((code, [example, actual]) => {
    assert.equal(code.split(example).length, 2, `${example} stands once in the block of ${language}`);
    return code.replace(example, actual);
  }, blocks[0].split("\n```")[0]);
}

suite("the README's app", () => {
  // Below the root, where `jose` is found.
  const dir = mkdtempSync(join(ROOT, "target/readme-"));
  const shown = [];
  const other = createServer((request, response) => {
    shown.push(request.headers["sluicegate-assertion"]);
    response.end();
  });
  let app, appUrl, cookie, gate, signedIn;

  before(async () => {
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const port = await freePort();
    appUrl = `http://127.0.0.1:${port}`;
    const config = [
      readFileSync(join(ROOT, "sluicegate.toml"), "utf8"),
      fromReadme("toml", { "https://app.internal.example.com": appUrl }),
      `[[routes]]\npath = "/other/"\nupstream = "http://127.0.0.1:${other.address().port}"\naudience = "other"\n`,
    ];
    writeFileSync(join(dir, "sluicegate.toml"), config.join("\n"));
    gate = await serve("--config", join(dir, "sluicegate.toml"));

    const code = fromReadme("js", { "https://gate.example.com": gate, 3000: String(port) });
    writeFileSync(join(dir, "app.mjs"), code);
    app = spawn(process.execPath, [join(dir, "app.mjs")], { stdio: ["ignore", "inherit", "inherit"] });
    while (!(await fetch(appUrl).catch(() => null))) {
      assert.equal(app.exitCode, null, "the app runs");
      await sleep(50);
    }

    const email = `${randomBytes(8).toString("hex")}@example.com`;
    const signUp = { email, password: randomBytes(12).toString("base64url"), name: "Ada", org_name: "Engines", accept_terms: true };
    const answer = await post("/v1/signup", signUp);
    assert.equal(answer.status, 201);
    signedIn = await answer.json();
    [cookie] = answer.headers.get("set-cookie").split(";");
  });
  after(() => {
    app?.kill();
    other.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const bearer = (token) => ({ authorization: `Bearer ${token}` });
  const post = (path, json, headers = {}) =>
    fetch(gate + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(json),
    });

  test("it is ten lines", () => {
    const lines = fromReadme("js", {}).split("\n").filter((line) => line.trim() !== "");
    assert.equal(lines.length, 10);
  });

  test("it knows who is calling, by session and by API key", async () => {
    const { user, org, session } = signedIn;
    const created = await post("/v1/api-keys", { name: "readme", scopes: ["connections:read"] }, bearer(session.token));
    const { id, key } = await created.json();
    const callers = [
      [bearer(session.token), user.id],
      [{ cookie }, user.id],
      [bearer(key), id],
    ];
    for (const [headers, subject] of callers) {
      const answer = await fetch(`${gate}/app/hello`, { headers });
      assert.equal(answer.status, 200);
      const text = await answer.text();
      assert.ok(text.includes(subject) && text.includes(org.id), text);
    }
    assert.equal((await fetch(`${gate}/app/hello`)).status, 401);
  });

  test("it refuses whoever comes past the gate, and stays up", async () => {
    const { token } = signedIn.session;
    await fetch(`${gate}/other/`, { headers: bearer(token) });
    const forOther = shown.at(-1);
    assert.equal(forOther.split(".").length, 3);
    const [header, payload] = forOther.split(".");
    const forged = [Buffer.from('{"alg":"none"}').toString("base64url"), payload, ""].join(".");
    for (const assertion of [undefined, "", "x", token, forOther, forged, `${header}.${payload}.AAAA`]) {
      const headers = assertion === undefined ? {} : { "sluicegate-assertion": assertion };
      assert.equal((await fetch(appUrl, { headers })).status, 401, assertion);
    }
    assert.equal(app.exitCode, null);
  });
});
