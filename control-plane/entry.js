/** The control plane's entry: every call goes through the guard that replaces a trapped Wasm instance. */
import { WorkerEntrypoint } from "cloudflare:workers";
import { durableObject, guard } from "sluicegate:runtime";
import * as wasm from "sluicegate:wasm";

const handle = guard((request, env) => wasm.handle(request, env));

export default class extends WorkerEntrypoint {
  fetch(request) {
    return handle(request, this.env);
  }
}

export const OrgDo = durableObject("OrgDo");
export const AccountDo = durableObject("AccountDo");
export const IdentityDo = durableObject("IdentityDo");
export const LimiterDo = durableObject("LimiterDo");
export const RegistryDo = durableObject("RegistryDo");
