/** A request as it is: `fetch` joins doubled headers and refuses odd ones, which is what some tests are about. */
import { request } from "node:http";

/**
 * Sends a request. A header whose value is an array is sent once for each of its values.
 *
 * @param {string} url
 * @param {{method?: string, headers?: Record<string, string | string[]>, body?: Buffer | string}} options
 * @returns {Promise<{status: number, headers: import("node:http").IncomingHttpHeaders, body: Buffer}>}
 */
export function send(url, { method = "POST", headers = {}, body = "" } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
    sent.once("error", reject);
    sent.once("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.end(body);
  });
}
