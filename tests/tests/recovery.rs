//! After a trap in Wasm (a panic, say) the next request is served. The Workers are the built ones, but for one line of their
//! JavaScript each, by which a request can ask for a trap. The trap is real: an allocation that cannot be made aborts, and
//! the instance that it leaves behind is as broken as after a panic.

use e2e::{Gate, Org};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use xtask::build::{Worker, out_dir};
use xtask::serve::PROFILE;

const TRAP: &str = "wasm.__wbindgen_malloc(-1, 1)";

/// A trap at the edge costs the request that caused it a plain 500, and nobody else more than a repetition.
#[test]
fn a_trap_at_the_edge_costs_one_request() {
    let decide = "ret = wasm.decide(ptr0, len0, val2);";
    let trapping = format!(r#"if (head.includes("\nx-trap:")) {TRAP}; {decide}"#);
    let gate = Gate::start_with("trap-edge", |options| {
        options.build_dir = Some(changed(&options.data_dir, Worker::Edge, decide, &trapping));
    });
    let client = gate.client();
    for _ in 0..5 {
        client.get("/healthz").send().ok(200);
        client.get("/healthz").header("x-trap", "1").send().problem("internal");
    }
    let org = Org::sign_up(&gate);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    // In flight on an instance that another request breaks: it may fail, never hang or answer wrongly.
                    let response = org.get("/v1/me").send();
                    match response.status {
                        200 => assert_eq!(response.ok(200)["org"]["id"], org.id.as_str()),
                        _ => drop(response.problem("internal")),
                    }
                }
            });
        }
        for _ in 0..10 {
            client.get("/healthz").header("x-trap", "1").send().problem("internal");
        }
    });
    org.get("/v1/me").send().ok(200);
    assert!(gate.log().contains("Wasm instance replaced after a trap"));
}

/// B7: a trap in an org's object after it has written and before it has answered leaves all of the change or nothing of it,
/// and the next call is served.
#[test]
fn b7_a_trap_in_the_middle_of_a_change_leaves_nothing_half_done() {
    let call = "return await guard(() => this.#object[method](...args))();";
    let trapping = format!(
        r#"const answer = await guard(() => this.#object[method](...args))();
        if (args[0].headers.get("sluicegate-call").includes('"idempotency_key":"trap"')) guard(() => {TRAP})();
        return answer;"#
    );
    let gate = Gate::start_with("trap-object", |options| {
        options.build_dir = Some(changed(&options.data_dir, Worker::ControlPlane, call, &trapping));
    });
    let (org, other) = (Org::sign_up(&gate), Org::sign_up(&gate));
    for round in 0..5 {
        let body = json!({ "name": round.to_string(), "scopes": ["audit:read"] });
        let response = org.post("/v1/api-keys", &body).header("idempotency-key", "trap").send();
        assert!([500, 503].contains(&response.status), "{response}");
        other.get("/v1/me").send().ok(200);
        let keys = org.list("/v1/api-keys");
        let events = org.list("/v1/audit");
        let created = events.iter().filter(|event| event["action"] == "api_key.created").count();
        assert_eq!(keys.len(), created, "{keys:?} {events:?}");
        assert_eq!(keys, Vec::<Value>::new(), "what was not answered was not kept");
        assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
    }
    org.api_key(&["audit:read"]).get("/v1/audit").send().ok(200);
}

/// A copy of the built Workers in which one place of one script is another.
pub(super) fn changed(data_dir: &Path, worker: Worker, find: &str, replace: &str) -> PathBuf {
    let copy = data_dir.join("build");
    for each in Worker::ALL {
        let (from, to) = (out_dir(PROFILE, each), copy.join(each.name()));
        fs::create_dir_all(&to).unwrap();
        for file in ["index.js", "index_bg.wasm"] {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
    let script = copy.join(worker.name()).join("index.js");
    let text = fs::read_to_string(&script).unwrap();
    assert_eq!(text.matches(find).count(), 1, "{find} in {}", script.display());
    fs::write(&script, text.replace(find, replace)).unwrap();
    copy
}
