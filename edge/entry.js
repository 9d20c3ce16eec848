/**
 * The edge's JavaScript: one synchronous call into Wasm with the request's head, one string back. What that says is
 * either the answer or leave to go on with the async handler. No policy stands here.
 *
 * Invariant: every response is built by `respond`, on a set of security headers that the Wasm made (`headerSets`), the
 * bare 500 for whatever goes wrong included; no error's text reaches a client.
 */
import { guard } from "sluicegate:runtime";
import * as wasm from "sluicegate:wasm";

const decide = guard(wasm.decide);
const handle = guard(wasm.handle);
const configure = guard(wasm.configure);

/** One `Headers` for each kind of answer, made once. */
const SETS = wasm
  .headerSets()
  .split("\n\n")
  .map((set) => new Headers(set.split("\n").map(nameAndValue)));

function nameAndValue(line) {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1)];
}

/** Method, URL, and a line a header: neither a URL nor a header can hold a line feed. */
function headOf(request) {
  let head = request.method + "\n" + request.url;
  for (const [name, value] of request.headers) head += "\n" + name + ":" + value;
  return head;
}

function judge(request, env) {
  const head = headOf(request);
  const verdict = decide(head, Date.now());
  if (verdict !== "") return verdict;
  // A new instance, or one that replaces an instance after a trap.
  const optional = (name) => env[name] ?? "";
  configure(
    optional("SESSION_JWKS"),
    optional("API_KEY_MAC_KEY"),
    optional("CSRF_KEY"),
    optional("CLIENT_IP_HEADER"),
    optional("CLIENT_COUNTRY_HEADER"),
    optional("PUBLIC_ORIGIN"),
    optional("CONFIG"),
    optional("RATE_LIMIT_SCALE"),
  );
  return decide(head, Date.now());
}

/** `verdict`: `status kind`, a line a header, an empty line, the body. `source` is a response whose body it takes. */
function respond(verdict, source) {
  const end = verdict.indexOf("\n\n");
  const [first, ...lines] = verdict.slice(0, end).split("\n");
  const [status, kind] = first.split(" ", 2);
  const body = source ? source.body : verdict.slice(end + 2) || null;
  const response = new Response(body, {
    status: Number(status),
    headers: SETS[kind],
    webSocket: source?.webSocket,
  });
  for (const line of lines) {
    const [name, value] = nameAndValue(line);
    if (name === "set-cookie") response.headers.append(name, value);
    else response.headers.set(name, value);
  }
  return response;
}

async function goOn(request, env, invocation, requestId) {
  try {
    const outcome = await handle(request, env, invocation);
    return typeof outcome === "string" ? respond(outcome) : respond(outcome[0], outcome[1]);
  } catch (error) {
    return broken(error, requestId);
  }
}

/** The answer when nothing else works. */
function broken(error, requestId = newRequestId()) {
  console.error(JSON.stringify({ level: "error", code: "internal", status: 500, request_id: requestId }), error);
  const problem = {
    type: "urn:sluicegate:problem:internal",
    title: "Something went wrong on our side",
    status: 500,
    code: "internal",
    request_id: requestId,
  };
  return respond(`500 0\nx-request-id:${requestId}\n\n${JSON.stringify(problem)}`);
}

/** `req_` and 26 characters of Crockford base32, as `protocol::RequestId`. */
function newRequestId() {
  const random = crypto.getRandomValues(new Uint8Array(26));
  random[0] &= 7;
  return "req_" + Array.from(random, (byte) => "0123456789abcdefghjkmnpqrstvwxyz"[byte & 31]).join("");
}

export default {
  fetch(request, env, invocation) {
    try {
      const verdict = judge(request, env);
      return verdict[0] === ">" ? goOn(request, env, invocation, verdict.slice(1)) : respond(verdict);
    } catch (error) {
      return broken(error);
    }
  },
};
