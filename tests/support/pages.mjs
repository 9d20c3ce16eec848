/** What a person does on the pages, by the words that they see. */
import { randomBytes } from "node:crypto";
import { PASSWORD } from "./workspace.mjs";

/** Signs up at `/` and returns the email. */
export async function signUp(page, { name = "Ada Lovelace", workspace = "Analytical Engines" } = {}) {
  const email = `${randomBytes(8).toString("hex")}@example.com`;
  await page.goto("/");
  const form = page.getByRole("region", { name: "Create a workspace" });
  await form.getByLabel("Your name").fill(name);
  await form.getByLabel("Workspace", { exact: true }).fill(workspace);
  await form.getByLabel("Email").fill(email);
  await form.getByLabel("Password").fill(PASSWORD);
  await form.getByLabel("I accept the terms").check();
  await submit(page, form.getByRole("button", { name: "Create workspace" }));
  return email;
}

/** Signs in at `/`. */
export async function signIn(page, email, password = PASSWORD) {
  await page.goto("/");
  const form = page.getByRole("region", { name: "Sign in" });
  await form.getByLabel("Email").fill(email);
  await form.getByLabel("Password").fill(password);
  await submit(page, form.getByRole("button", { name: "Sign in" }));
}

/** Stores a bearer token at `/connections`. */
export async function createConnection(page, { name, baseUrl = "https://api.example.com/v1", token = "not-a-secret" }) {
  await page.goto("/connections");
  const form = page.getByRole("region", { name: "New connection" });
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByLabel("Base URL").fill(baseUrl);
  await form.getByLabel("Bearer token").check();
  await form.getByLabel("Token", { exact: true }).fill(token);
  await submit(page, form.getByRole("button", { name: "Store connection" }));
}

/** Creates a key at `/keys` and returns it. */
export async function createKey(page, { name, scopes = ["connections:read"] }) {
  await page.goto("/keys");
  const form = page.getByRole("region", { name: "New key" });
  await form.getByLabel("Name", { exact: true }).fill(name);
  for (const scope of scopes) await form.getByLabel(scope).check();
  await submit(page, form.getByRole("button", { name: "Create key" }));
  return (await page.getByLabel("API key", { exact: true }).textContent()).trim();
}

/** Revokes a key at `/keys`, by the page that asks first. */
export async function revokeKey(page, name) {
  await page.goto("/keys");
  await submit(page, row(page, name).getByRole("link", { name: `Revoke ${name}` }));
  await submit(page, page.getByRole("button", { name: `Revoke ${name}` }));
}

/** Creates a source at `/sources` and returns its URL. */
export async function createSource(page, { name, provider = "Stripe", secret }) {
  await page.goto("/sources");
  const form = page.getByRole("region", { name: "New source" });
  await form.getByRole("combobox").selectOption({ label: provider });
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByLabel("Signing secret").fill(secret);
  await submit(page, form.getByRole("button", { name: "Create source" }));
  // The source's own page.
  await page.getByRole("heading", { level: 1, name }).waitFor();
  return (await page.getByRole("region", { name: "What to paste where" }).getByText("/in/src_").textContent()).trim();
}

/** Creates an endpoint at `/endpoints` and returns its secret. */
export async function createEndpoint(page, { url = "https://receiver.example.com/hooks", headers = "" } = {}) {
  await page.goto("/endpoints");
  const form = page.getByRole("region", { name: "New endpoint" });
  await form.getByLabel("URL").fill(url);
  await form.getByLabel("Headers").fill(headers);
  await submit(page, form.getByRole("button", { name: "Create endpoint" }));
  return (await page.getByLabel("Signing secret").textContent()).trim();
}

/** Invites at `/members` and returns the link, which is shown once. */
export async function invite(page, { email, role = "member" }) {
  await page.goto("/members");
  const form = page.getByRole("region", { name: "Invite somebody" });
  await form.getByLabel("Email").fill(email);
  await form.getByLabel("Role").selectOption(role);
  await submit(page, form.getByRole("button", { name: "Invite" }));
  return (await page.getByLabel("Invitation link").textContent()).trim();
}

/** Begins with an authenticator app at `/account` and returns its secret, which is shown once. */
export async function startSecondFactor(page) {
  await page.goto("/account");
  await submit(page, page.getByRole("button", { name: "Set up an authenticator app" }));
  return (await page.getByLabel("Secret", { exact: true }).textContent()).trim();
}

/** Types the code of an authenticator app, or a recovery code. */
export async function fillCode(page, code) {
  await page.getByRole("textbox", { name: /^Code/ }).fill(code);
}

/** Signs out, from any page of a signed-in person. */
export async function signOut(page) {
  await submit(page, page.getByRole("button", { name: "Sign out" }));
}

/** The table row with this text. */
export function row(page, text) {
  return page.getByRole("row").filter({ hasText: text });
}

/** Clicks a button that leads to a page, and waits until it is there: leaving earlier would cancel the request. */
export async function submit(page, button) {
  await Promise.all([page.waitForEvent("load"), button.click()]);
}
