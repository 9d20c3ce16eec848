/**
 * Stands in front of an OAuth server and spoils what passes between its token endpoint and whoever refreshes a token.
 *
 * Everything but refreshes passes as it is; requests to the provider's API are answered here, for whoever has a token that
 * the provider knows. Counts what came: how many refreshes, how many of them the provider granted, how many at once. Keeps
 * every code and token that the provider hands out, for a search of where they may not be.
 */
import { once } from "node:events";
import { createServer, request as send } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export class FaultyProxy {
  /** Refreshes that came here. */
  asked = 0;
  /** Refreshes that the provider granted, whether or not anybody heard of it. */
  granted = 0;
  /** The most refreshes that were here at once. */
  mostAtOnce = 0;
  /** The refresh tokens that were sent, in order. */
  sent = [];
  /** Every code, access token and refresh token that has passed. */
  secrets = new Set();
  /** Seconds that the clock in the `Date` header is ahead. */
  dateAheadSeconds = 0;
  /** What an API request meets before it is answered. */
  beforeApi = async () => {};
  #api;
  #faults = [];
  #atOnce = 0;
  #server;
  #upstream;

  /** @param {Record<string, (who: string, token: string) => unknown>} api what the provider's API answers, by path */
  static async start(api) {
    const proxy = new FaultyProxy();
    proxy.#api = api;
    proxy.#server = createServer((request, response) => {
      proxy.#serve(request, response).catch(() => response.destroy());
    });
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.port = proxy.#server.address().port;
    proxy.origin = `http://127.0.0.1:${proxy.port}`;
    return proxy;
  }

  /** @param {import("./oauth-provider.mjs").OAuthProvider} provider */
  to(provider) {
    this.#upstream = provider;
  }

  /** What the next refreshes meet, one each; those after them meet nothing. Counts begin again. */
  plan(...faults) {
    this.#faults = faults;
    Object.assign(this, { asked: 0, granted: 0, mostAtOnce: 0, sent: [] });
  }

  /** Nobody answers here: connections are refused. */
  async down() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async up() {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** The last token of a kind that the provider has handed out. */
  last = { access_token: undefined, refresh_token: undefined };

  async #serve(request, response) {
    const body = await read(request);
    const { pathname } = new URL(request.url, this.origin);
    if (this.#api[pathname]) return this.#answerApi(this.#api[pathname], request, response);
    const form = new URLSearchParams(body.toString());
    const exchange = new Exchange(this, request, body, response);
    if (form.get("grant_type") !== "refresh_token") return exchange.answer(await exchange.ask());

    this.asked += 1;
    this.sent.push(form.get("refresh_token"));
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    // Over when it is answered, or when who asked has gone.
    response.once("close", () => (this.#atOnce -= 1));
    exchange.onAnswer = ({ status }) => (this.granted += status === 200 ? 1 : 0);
    await (this.#faults.shift() ?? pass)(exchange);
  }

  async #answerApi(fixture, request, response) {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    await this.beforeApi();
    const who = token && (await this.#upstream.whose(token));
    const [status, body] = who
      ? [200, fixture(who, token)]
      : [401, { message: "401 Unauthorized", error_description: `${token} is over` }];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  /** @internal */
  async forward(request, body) {
    const options = { port: this.#upstream.port, method: request.method, path: request.url, headers: request.headers };
    const sent = send({ host: "127.0.0.1", ...options });
    sent.end(body);
    const [answer] = await once(sent, "response");
    const text = await read(answer);
    this.#keepSecrets(answer.headers, text);
    const headers = { ...answer.headers };
    delete headers["transfer-encoding"];
    delete headers.connection;
    headers.date = new Date(new Date(answer.headers.date).getTime() + this.dateAheadSeconds * 1000).toUTCString();
    return { status: answer.statusCode, headers, body: text };
  }

  #keepSecrets({ location, "content-type": type = "" }, text) {
    const code = location && URL.canParse(location) && new URL(location).searchParams.get("code");
    if (code) this.secrets.add(code);
    if (!type.startsWith("application/json")) return;
    const answer = JSON.parse(text);
    for (const kind of ["access_token", "refresh_token"]) {
      if (typeof answer[kind] !== "string") continue;
      this.secrets.add(answer[kind]);
      this.last[kind] = answer[kind];
    }
  }
}

/** A request on its way to the provider, and the way back. */
class Exchange {
  onAnswer = () => {};
  #proxy;
  #request;
  #body;
  #response;

  constructor(proxy, request, body, response) {
    this.#proxy = proxy;
    this.#request = request;
    this.#body = body;
    this.#response = response;
  }

  /** Whether who asked is still there. */
  get isWaitedFor() {
    return !this.#response.destroyed;
  }

  /** Has the provider answer. */
  async ask() {
    const answer = await this.#proxy.forward(this.#request, this.#body);
    this.onAnswer(answer);
    return answer;
  }

  /** Gives an answer. */
  answer({ status, headers = {}, body = "" }) {
    const { "content-length": _, ...others } = headers;
    this.#response.writeHead(status, { ...others, "content-length": Buffer.byteLength(body) }).end(body);
  }

  /** Gives the first half of an answer and hangs up. */
  cut({ status, headers, body }) {
    this.#response.writeHead(status, { ...headers, "content-length": body.length });
    this.#response.write(body.subarray(0, body.length / 2), () => this.drop());
  }

  /** Hangs up. */
  drop() {
    this.#response.destroy();
  }
}

/** Nothing happens. */
export const pass = async (exchange) => exchange.answer(await exchange.ask());

/** The provider acts, and nobody hears of it. */
export const lost = async (exchange) => {
  await exchange.ask();
  exchange.drop();
};

/** The provider acts, and half of its answer arrives. */
export const cut = async (exchange) => exchange.cut(await exchange.ask());

/** The provider does not get to see it: somebody in front of it says this instead. */
export const instead = (status, headers = {}, body = "") => async (exchange) => exchange.answer({ status, headers, body });

/** The provider acts, and this arrives. */
export const garbled = (status, headers = {}, body = "") => async (exchange) => {
  await exchange.ask();
  exchange.answer({ status, headers, body });
};

/** The provider acts at once, and takes so long to say so. */
export const slowToAnswer = (ms) => async (exchange) => {
  const answer = await exchange.ask();
  await sleep(ms);
  if (exchange.isWaitedFor) exchange.answer(answer);
};

/** The request takes so long on its way, and does not arrive where nobody waits for it any more. */
export const slowToArrive = (ms) => async (exchange) => {
  await sleep(ms);
  if (exchange.isWaitedFor) await pass(exchange);
};

/** The provider says something else of its token. */
export const told = (change) => async (exchange) => {
  const answer = await exchange.ask();
  const body = JSON.stringify({ ...JSON.parse(answer.body), ...change });
  exchange.answer({ ...answer, body });
};

/**
 * The request stays here until `release()`: before the provider sees it or, `afterwards`, when the provider has acted.
 * `reached` is when it came so far. If nobody waits for it any more by then, it goes no further.
 */
export function held({ afterwards }) {
  const [reached, released] = [Promise.withResolvers(), Promise.withResolvers()];
  const fault = async (exchange) => {
    const answer = afterwards ? await exchange.ask() : null;
    reached.resolve();
    await released.promise;
    if (exchange.isWaitedFor) exchange.answer(answer ?? (await exchange.ask()));
  };
  return Object.assign(fault, { reached: reached.promise, release: released.resolve });
}

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
