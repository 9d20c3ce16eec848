/**
 * xtask/runtime.js, the guard between the platform and the Wasm, on a stub of the glue: no call runs on, or waits for, an
 * instance that has trapped. (The e2e tests trap a real one.)
 */
import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { beforeEach, suite, test } from "node:test";

/** What the `worker` crate's and wasm-bindgen's glue export; each test has its own. */
let glue;
globalThis.glueUnderTest = () => glue;
const STUB = `data:text/javascript,${encodeURIComponent(`
  export const __worker_init_state = () => glueUnderTest().initState();
  export const __wbg_reset_state = () => glueUnderTest().reset();
  export class Thing { constructor(...args) { return glueUnderTest().construct(...args); } }
`)}`;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "sluicegate:wasm" ? { url: STUB, shortCircuit: true } : next(specifier, context),
});

/** Wasm exports of an instance that counts itself, as the `worker` crate's start function does. */
class Glue {
  state = { instanceId: 1, criticalError: false };
  resets = 0;
  built = [];

  initState() {
    return this.state;
  }

  reset() {
    this.resets += 1;
    this.state.instanceId += 1;
  }

  construct(state, env) {
    const object = { state, env, instance: this.state.instanceId, fetch: this.fetch, alarm: async () => "alarm" };
    this.built.push(object);
    return object;
  }

  fetch = async (request) => `answer to ${request}`;
}

const trap = () => new WebAssembly.RuntimeError("unreachable");
const overflow = () => new RangeError("Maximum call stack size exceeded");

let runtime, raise, logged, loads = 0;
beforeEach(async (t) => {
  glue = new Glue();
  globalThis.addEventListener = (type, listener) => {
    assert.equal(type, "error");
    raise = (error) => listener({ error });
  };
  logged = t.mock.method(console, "error", () => {});
  loads += 1;
  runtime = await import(`../../xtask/runtime.js?${loads}`);
});

suite("guard", () => {
  test("a call gets its arguments and gives its result, at once or later", async () => {
    assert.equal(runtime.guard((a, b) => a + b)(1, 2), 3);
    assert.equal(await runtime.guard(async (a) => a)(4), 4);
    await assert.rejects(runtime.guard(async () => Promise.reject(new Error("no")))(), /no/);
    assert.equal(glue.resets, 0);
  });

  for (const [name, error] of Object.entries({ "a trap": trap, "a stack overflow": overflow })) {
    test(`${name} in a call rejects it, every call in flight, and no later one`, async () => {
      const hanging = runtime.guard(() => new Promise(() => {}))();
      const failing = runtime.guard(() => {
        throw error();
      });
      assert.throws(failing, (thrown) => thrown.message === error().message);
      await assert.rejects(hanging, /replaced during this call/);
      assert.equal(glue.resets, 1);
      assert.equal(logged.mock.callCount(), 1);

      assert.equal(await runtime.guard(async () => "sound")(), "sound");
      assert.equal(glue.resets, 1);
    });
  }

  test("a trap while a future is polled, which only the error event tells of, rejects every call in flight", async () => {
    const hanging = [1, 2].map(() => runtime.guard(() => new Promise(() => {}))());
    raise(trap());
    for (const call of hanging) await assert.rejects(call, /replaced during this call/);
    assert.equal(glue.resets, 1);
  });

  test("an error that is no trap leaves the instance and the calls in flight alone", async () => {
    let finish;
    const slow = runtime.guard(() => new Promise((resolve) => (finish = resolve)))();
    for (const error of [new Error("ours"), new RangeError("Invalid array length"), new TypeError("x"), undefined]) {
      assert.throws(runtime.guard(() => {
        throw error;
      }));
      raise(error);
    }
    finish("done");
    assert.equal(await slow, "done");
    assert.equal(glue.resets, 0);
  });

  test("a panic outside of every call is noticed before the next one starts", async () => {
    const hanging = runtime.guard(() => new Promise(() => {}))();
    glue.state.criticalError = true;
    const instance = runtime.guard(() => glue.state.instanceId)();
    assert.equal(instance, 2);
    assert.equal(glue.state.criticalError, false);
    await assert.rejects(hanging, /replaced during this call/);
  });

  test("an instance that the glue has replaced by itself is not replaced again", async () => {
    const hanging = runtime.guard(() => new Promise(() => {}))();
    glue.state.instanceId += 1;
    assert.equal(runtime.guard(() => "sound")(), "sound");
    await assert.rejects(hanging, /replaced during this call/);
    assert.equal(glue.resets, 0);
  });
});

suite("durableObject", () => {
  /** A Durable Object's state that counts what the platform is asked for. */
  const newState = () => ({
    aborted: [],
    abort(reason) {
      this.aborted.push(reason);
    },
  });

  test("an object is built once, from its state and environment, and called", async () => {
    const [state, env] = [newState(), {}];
    const object = new (runtime.durableObject("Thing"))(state, env);
    assert.equal(await object.fetch("a"), "answer to a");
    assert.equal(await object.alarm(), "alarm");
    assert.deepEqual(glue.built.map(({ state, env }) => [state, env]), [[state, env]]);
  });

  test("a trap during a call aborts the object, so that nothing unconfirmed stays written", async () => {
    const states = [newState(), newState(), newState()];
    const [trapping, waiting, idle] = states.map((state) => new (runtime.durableObject("Thing"))(state, {}));
    glue.built[1].fetch = () => new Promise(() => {});
    const call = waiting.fetch("x");
    glue.built[0].fetch = () => {
      throw trap();
    };
    await assert.rejects(trapping.fetch("x"), WebAssembly.RuntimeError);
    await assert.rejects(call, /replaced during this call/);
    assert.deepEqual(states.map(({ aborted }) => aborted.length), [1, 1, 0]);

    // The one that did nothing goes on, on the new instance.
    assert.equal(await idle.fetch("y"), "answer to y");
    assert.equal(glue.built.at(-1).instance, 2);
    assert.equal(states[2].aborted.length, 0);
  });

  test("an error of the object's own aborts nothing", async () => {
    const state = newState();
    const object = new (runtime.durableObject("Thing"))(state, {});
    glue.built[0].fetch = async () => Promise.reject(new Error("ours"));
    await assert.rejects(object.fetch("x"), /ours/);
    assert.deepEqual(state.aborted, []);
    assert.equal(glue.built.length, 1);
  });
});
