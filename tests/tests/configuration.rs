//! The configuration that a server is started with. That it is enforced, the gateway's tests show: none of their routes is
//! in the build's own.

use crate::recovery::changed;
use e2e::{Gate, Org};
use serde_json::json;
use xtask::build::Worker;

/// A `CONFIG` that cannot be read is not as none: the control plane answers nothing. The edge reads its own before this,
/// which leaves no server to start; so it is whole here, and only the control plane's is broken on its way.
#[test]
fn a_configuration_that_cannot_be_read_stops_the_control_plane() {
    for (name, config) in [("config-whole", ""), ("config-broken", "{}")] {
        let call = "guard((request, env) => handle(request, env))";
        let given =
            format!("guard((request, env) => handle(request, {{ ...env, CONFIG: {} }}))", json!(config));
        let gate = Gate::start_with(name, |options| {
            options.build_dir = Some(changed(&options.data_dir, Worker::ControlPlane, call, &given));
        });
        if config.is_empty() {
            gate.client().get("/readyz").send().ok(200);
            Org::sign_up(&gate);
            continue;
        }
        gate.client().get("/readyz").send().problem("unavailable");
        let account = json!({
            "email": "ada@example.com", "password": "correct horse battery", "name": "Ada", "org_name": "Engines",
            "accept_terms": true,
        });
        gate.client().post("/v1/signup", &account).send().problem("internal");
        assert!(gate.log().contains("CONFIG is not a configuration"), "{}", gate.log());
    }
}
