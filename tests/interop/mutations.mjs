/**
 * What can be done to a signed request: changes that no receiver may accept (claim N4), and others that every receiver must.
 *
 * A change gets a {@link Signed} request and returns another one, or undefined where the scheme has nothing to change.
 *
 * @typedef {{headers: Record<string, string | string[]>, body: Buffer}} Signed
 * @typedef {import("./sdks.mjs").Sdk} Sdk
 */

/** On both sides of the tolerance of every scheme tested, in seconds. */
const INSIDE = 285;
const OUTSIDE = 315;

/** The text that every signed body holds, for the changes that look for something to change. */
export const MARK = "\uFFFD";

const INVALID = "signature_invalid";
const OUT_OF_TOLERANCE = "timestamp_out_of_tolerance";

/**
 * Changes to be refused, with the code that the sender gets.
 *
 * @param {Sdk} sdk
 * @param {(options: {at?: number, otherSecret?: boolean}) => Promise<Signed>} sign
 * @returns {AsyncGenerator<{name: string, code: string, request: Signed}>}
 */
export async function* refused(sdk, sign) {
  for (const [name, change] of Object.entries({ ...BODY, ...signature(sdk), ...time(sdk), ...id(sdk) })) {
    const request = change(await sign({}));
    if (request) yield { name, code: INVALID, request };
  }
  yield { name: "wrong secret", code: INVALID, request: await sign({ otherSecret: true }) };
  if (!sdk.time) return;
  const now = Math.floor(Date.now() / 1000);
  yield { name: "signed too long ago", code: OUT_OF_TOLERANCE, request: await sign({ at: now - OUTSIDE }) };
  yield { name: "signed years ago", code: OUT_OF_TOLERANCE, request: await sign({ at: 1_000_000_000 }) };
  yield { name: "signed in the future", code: OUT_OF_TOLERANCE, request: await sign({ at: now + OUTSIDE }) };
  // Only who holds a valid signature is told about the time.
  const old = await sign({ at: now - OUTSIDE, otherSecret: true });
  yield { name: "wrong secret, too long ago", code: INVALID, request: old };
}

/** Changes to be accepted: what senders and networks do. */
export async function* accepted(sdk, sign) {
  const { header } = sdk.signature;
  const upper = await sign({});
  const headers = Object.entries(upper.headers).map(([name, value]) => [name.toUpperCase(), value]);
  yield { name: "header names in upper case", request: { ...upper, headers: Object.fromEntries(headers) } };

  const more = await sign({});
  yield { name: "more headers", request: { ...more, headers: { ...more.headers, "x-other": ["a", "b"] } } };

  const spaced = set(await sign({}), header, (value) => `  ${value} \t`);
  yield { name: "spaces around the value", request: spaced };

  if (sdk.time) {
    const now = Math.floor(Date.now() / 1000);
    yield { name: "signed within the tolerance", request: await sign({ at: now - INSIDE }) };
  }
  for (const [name, value] of Object.entries(rotation(sdk))) {
    yield { name, request: set(await sign({}), header, value) };
  }
}

/** During a rotation of secrets, a sender signs with both. */
function rotation(sdk) {
  const wrong = "0".repeat(64);
  switch (sdk.provider) {
    case "stripe":
      return {
        "a second signature, last": (value) => `${value},v1=${wrong}`,
        "a second signature, first": (value) => value.replace(",v1=", `,v1=${wrong},v1=`),
        "a signature of another scheme": (value) => `${value},v0=${wrong}`,
      };
    case "standard-webhooks":
    case "svix": {
      const other = `v1,${Buffer.alloc(32).toString("base64")}`;
      return {
        "a second signature, last": (value) => `${value} ${other}`,
        "a second signature, first": (value) => `${other} ${value}`,
        "a signature of another scheme": (value) => `v1a,${Buffer.alloc(64).toString("base64")} ${value}`,
      };
    }
    default:
      return {};
  }
}

const BODY = {
  "body: a bit of its first byte": (signed) => bytes(signed, (body) => flip(body, 0)),
  "body: a bit of a byte in it": (signed) => bytes(signed, (body) => flip(body, body.length >> 1)),
  "body: a bit of its last byte": (signed) => bytes(signed, (body) => flip(body, body.length - 1)),
  "body: a line feed more": (signed) => bytes(signed, (body) => Buffer.concat([body, Buffer.from("\n")])),
  "body: a space before it": (signed) => bytes(signed, (body) => Buffer.concat([Buffer.from(" "), body])),
  "body: a byte order mark before it": (signed) => bytes(signed, (body) => Buffer.from(`\uFEFF${body}`)),
  "body: a NUL after it": (signed) => bytes(signed, (body) => Buffer.concat([body, Buffer.alloc(1)])),
  "body: a byte less": (signed) => bytes(signed, (body) => body.subarray(0, -1)),
  "body: none": (signed) => bytes(signed, () => Buffer.alloc(0)),
  "body: written again with spaces": (signed) =>
    bytes(signed, (body) => Buffer.from(JSON.stringify(JSON.parse(body), null, 2))),
  // U+FFFD is what a decoder makes of a byte that is no UTF-8.
  "body: other bytes that decode to the same text": (signed) =>
    bytes(signed, (body) => Buffer.from(body.toString("latin1").replace("\xEF\xBF\xBD", "\xFF"), "latin1")),
  "body: a member that JSON parsers overwrite": (signed) =>
    bytes(signed, (body) => Buffer.from(body.toString().replace("{", '{"id":"other",'))),
};

function signature({ signature: { header, pattern, encoding } }) {
  const value = (change) => (signed) => {
    const changed = set(signed, header, change);
    return changed.headers[header] === signed.headers[header] ? undefined : changed;
  };
  const tag = (change) => value((text) => text.replace(pattern, change));
  const recoded = (change) => tag((text) => change(Buffer.from(text, encoding)).toString(encoding));
  return {
    "signature: a bit of its first byte": recoded((bytes) => flip(bytes, 0)),
    "signature: a bit of its last byte": recoded((bytes) => flip(bytes, bytes.length - 1)),
    "signature: half of it": recoded((bytes) => bytes.subarray(0, 16)),
    "signature: a byte less": recoded((bytes) => bytes.subarray(0, -1)),
    "signature: a byte more": recoded((bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
    "signature: none of its bytes": tag(() => ""),
    "signature: a character less": tag((text) => text.slice(0, -1)),
    // Hexadecimal in its other case is the same bytes.
    "signature: its other case": tag((text) => (encoding === "hex" ? text : text.replace(/[a-z]/gi, swapCase))),
    "signature: in the other encoding": tag((text) =>
      Buffer.from(text, encoding).toString(encoding === "hex" ? "base64" : "hex"),
    ),
    "signature: in quotes": tag((text) => `"${text}"`),
    "signature: followed by =": tag((text) => `${text}=`),
    "signature: followed by what is no part of it": tag((text) => `${text}=00`),
    "signature: without padding": tag((text) => text.replace(/=+$/, "")),
    "signature: in the URL alphabet": tag((text) => text.replace(/\+/g, "-").replace(/\//g, "_")),
    "signature: with other bits after its end": tag((text) => (encoding === "base64" ? afterEnd(text) : text)),
    "signature header: empty": value(() => ""),
    "signature header: missing": ({ headers: { [header]: _, ...headers }, body }) => ({ headers, body }),
    "signature header: doubled": value((text) => [text, text]),
    "signature header: doubled, a wrong one first": value((text) => [text.replace(pattern, spoil), text]),
    "signature header: doubled, a wrong one last": value((text) => [text, text.replace(pattern, spoil)]),
    "signature header: doubled with an empty one": value((text) => [text, ""]),
    "signature header: twice in one, by a comma": value((text) => `${text},${text}`),
    "signature header: without its scheme": value((text) => text.match(pattern)[0]),
    "signature header: of an unknown scheme": value((text) => text.replace(/v1|v0|sha256/, "v9")),
    "signature header: 17 signatures": value((text) => {
      if (text.startsWith("v1,")) return `${`${text.replace(pattern, spoil)} `.repeat(16)}${text}`;
      return text.startsWith("t=") ? `${text}${`,v1=${spoil(text.match(pattern)[0])}`.repeat(16)}` : `${text} ${text}`;
    }),
  };
}

function time({ time: place }) {
  if (!place) return {};
  const at = (change) => (signed) =>
    set(signed, place.header, (value) => value.replace(place.pattern, change));
  const changes = {
    "time: a second later": at((text) => String(Number(text) + 1)),
    "time: a second earlier": at((text) => String(Number(text) - 1)),
    "time: in milliseconds": at((text) => `${text}000`),
    "time: none": at(() => ""),
    "time: no number": at(() => "now"),
    "time: a zero before it": at((text) => `0${text}`),
    "time: a plus before it": at((text) => `+${text}`),
    "time: minus": at((text) => `-${text}`),
    "time: a fraction": at((text) => `${text}.0`),
    "time: an exponent": at((text) => `${text}e0`),
    "time: in hexadecimal": at((text) => `0x${Number(text).toString(16)}`),
    "time: a letter after it": at((text) => `${text}x`),
  };
  if (place.pattern.source === ".+") {
    changes["time header: missing"] = ({ headers: { [place.header]: _, ...headers }, body }) => ({ headers, body });
    changes["time header: doubled"] = (signed) => set(signed, place.header, (text) => [text, text]);
    changes["time header: doubled, an old one first"] = (signed) =>
      set(signed, place.header, (text) => ["1000000000", text]);
  } else {
    changes["time: twice"] = at((text) => `${text},t=${text}`);
    changes["time: an old one first"] = at((text) => `1000000000,t=${text}`);
    changes["time: an old one last"] = at((text) => `${text},t=1000000000`);
  }
  return changes;
}

function id({ id: header, time: place }) {
  if (!header) return {};
  return {
    "id: another": (signed) => set(signed, header, (text) => `${text}0`),
    "id: none": (signed) => set(signed, header, () => ""),
    "id header: missing": ({ headers: { [header]: _, ...headers }, body }) => ({ headers, body }),
    "id header: doubled": (signed) => set(signed, header, (text) => [text, text]),
    // `{id}.{time}.{body}` cut elsewhere.
    "id: takes in the time": (signed) => {
      const taken = `${signed.headers[header]}.${signed.headers[place.header]}`;
      return set(signed, header, () => taken);
    },
  };
}

function set({ headers, body }, header, change) {
  return { headers: { ...headers, [header]: change(headers[header]) }, body };
}

function bytes({ headers, body }, change) {
  return { headers, body: change(body) };
}

function flip(bytes, index) {
  const copy = Buffer.from(bytes);
  copy[index] ^= 1;
  return copy;
}

function spoil(text) {
  return (text[0] === "0" ? "1" : "0") + text.slice(1);
}

function swapCase(letter) {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

/** 32 bytes leave two bits of the last base64 digit unused. */
function afterEnd(text) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return text.replace(/(.)=$/, (_, last) => `${digits[digits.indexOf(last) | 1]}=`);
}
