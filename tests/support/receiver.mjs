/** The other side of deliveries: a server that records what it gets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 20_000;

/** A receiver of deliveries: records each with the bytes of its body. */
export class Receiver {
  static async start(answer = (response) => response.writeHead(204).end()) {
    const receiver = new Receiver();
    receiver.deliveries = [];
    receiver.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url, headers } = request;
      receiver.deliveries.push({ at: Date.now(), method, url, headers, body: Buffer.concat(chunks) });
      answer(response, receiver.deliveries.length);
    });
    receiver.server.listen(0, "127.0.0.1");
    await once(receiver.server, "listening");
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}`;
    return receiver;
  }

  /** The deliveries, once there are so many. */
  async received(count) {
    await until(() => this.deliveries.length >= count);
    return this.deliveries;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** The condition's value, once it has one. */
export async function until(condition, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, "waited in vain");
    await sleep(50);
  }
}
