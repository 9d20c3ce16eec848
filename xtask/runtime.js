/**
 * What every JavaScript entry (`edge/entry.js`, `control-plane/entry.js`) puts between the platform and the Wasm.
 * esbuild resolves `sluicegate:runtime` to this file and `sluicegate:wasm` to the glue that wasm-bindgen made.
 *
 * Invariant: no call ever runs on, or waits for, a Wasm instance that has trapped. A panic aborts the instance: its
 * memory is in an unknown state, and the futures in it never finish. So the instance is replaced at once, each call
 * that was in flight on the old one is rejected, and each Durable Object with such a call is aborted: the platform
 * then discards what it had written and not yet confirmed, and builds the object anew.
 */
import * as wasm from "sluicegate:wasm";

/** Kept by the `worker` crate outside of Wasm: its start function counts the instances, its panic hook sets the flag. */
const init = wasm.__worker_init_state();

/** One `(error) => void` for each call in flight. */
const inFlight = new Set();

/** The instance that `inFlight` belongs to. */
let current = init.instanceId;

function isTrap(error) {
  return (
    error instanceof WebAssembly.RuntimeError ||
    // A stack overflow; other RangeErrors come from JavaScript APIs and leave the instance sound.
    (error instanceof RangeError && error.message.startsWith("Maximum call stack"))
  );
}

function replaceInstance(cause) {
  wasm.__wbg_reset_state();
  abandonCalls(cause);
}

function abandonCalls(cause) {
  init.criticalError = false;
  current = init.instanceId;
  console.error("Wasm instance replaced after a trap:", cause?.stack ?? cause);
  const calls = [...inFlight];
  inFlight.clear();
  for (const reject of calls) reject(new Error("the Wasm instance was replaced during this call"));
}

/** Makes sure that the next call starts on a sound instance: the glue writes arguments before it checks. */
function ensureSound() {
  // A trap inside a stream callback reaches neither `guard` nor the error event. Any call lets the glue notice it.
  wasm.__worker_init_state();
  if (init.criticalError) replaceInstance("panic outside of a guarded call");
  else if (init.instanceId !== current) abandonCalls("trap outside of a guarded call");
}

function trapped(error) {
  if (isTrap(error)) replaceInstance(error);
  else console.error("uncaught in Wasm:", error?.stack ?? error);
}

// What timers call.
addEventListener("error", (event) => {
  if (isTrap(event.error)) replaceInstance(event.error);
});

/**
 * Futures are polled in microtasks, and a future takes several. The platform's `queueMicrotask` makes a native function
 * of each: a promise's own microtask costs a fraction (measured: a tenth of a stored webhook's CPU time).
 */
const settled = Promise.resolve();
globalThis.queueMicrotask = (callback) => {
  settled.then(callback).then(undefined, trapped);
};

function settle(promise) {
  return new Promise((resolve, reject) => {
    inFlight.add(reject);
    promise.then(resolve, reject).finally(() => inFlight.delete(reject));
  });
}

/** Wraps an exported Wasm function, synchronous or async, so that a trap rejects the call and costs no later one. */
export function guard(call) {
  return (...args) => {
    ensureSound();
    try {
      const result = call(...args);
      return result instanceof Promise ? settle(result) : result;
    } catch (error) {
      if (isTrap(error)) replaceInstance(error);
      throw error;
    }
  };
}

/** The Durable Object class to export for the `#[durable_object]` struct of that name. */
export function durableObject(name) {
  return class {
    #state;
    #env;
    #object;
    #instance;

    constructor(state, env) {
      this.#state = state;
      this.#env = env;
      this.#build();
    }

    #build = guard(() => {
      if (this.#instance === init.instanceId) return;
      this.#object = new wasm[name](this.#state, this.#env);
      this.#instance = init.instanceId;
    });

    async #call(method, args) {
      this.#build();
      const instance = this.#instance;
      try {
        return await guard(() => this.#object[method](...args))();
      } catch (error) {
        if (instance !== init.instanceId) this.#state.abort("the Wasm instance was replaced during a call");
        throw error;
      }
    }

    fetch(...args) {
      return this.#call("fetch", args);
    }
    alarm(...args) {
      return this.#call("alarm", args);
    }
    webSocketMessage(...args) {
      return this.#call("webSocketMessage", args);
    }
    webSocketClose(...args) {
      return this.#call("webSocketClose", args);
    }
    webSocketError(...args) {
      return this.#call("webSocketError", args);
    }
  };
}
