/** A browser as far as signing in needs one: cookies by origin, redirects by hand, forms. */
import assert from "node:assert/strict";

export class Jar {
  #cookies = new Map();

  /** One request, no redirect followed. `form`: fields of a POST. */
  async send(url, { form, headers = {} } = {}) {
    const { origin } = new URL(url);
    const cookies = this.cookies(origin);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      method: form ? "POST" : "GET",
      redirect: "manual",
      headers: {
        ...(cookie && { cookie }),
        ...(form && { "content-type": "application/x-www-form-urlencoded", origin }),
        ...headers,
      },
      body: form && new URLSearchParams(form).toString(),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(";");
      const equals = pair.indexOf("=");
      const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
      const gone = value === "" || attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute));
      if (gone) cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get("location");
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location && new URL(location, url).href,
    };
  }

  /** Follows redirects until an answer is none, or `stop` says so of the next address. */
  async follow(url, { stop = () => false, ...options } = {}) {
    let answer = await this.send(url, options);
    for (let hops = 0; answer.location && !stop(answer.location); hops += 1) {
      assert.ok(hops < 20, "too many redirects");
      url = answer.location;
      answer = await this.send(url);
    }
    return { ...answer, url };
  }

  /** By name, to be looked at and changed. */
  cookies(origin) {
    if (!this.#cookies.has(origin)) this.#cookies.set(origin, new Map());
    return this.#cookies.get(origin);
  }
}

/** The hidden fields of a page's form with this action. */
export function hidden(html, action) {
  const form = html.split("<form").find((part) => part.includes(`action="${action}"`));
  assert.ok(form, `no form for ${action} in ${html.slice(0, 2000)}`);
  const inputs = form.split("</form>")[0].matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...inputs].map(([, name, value]) => [name, value]));
}
