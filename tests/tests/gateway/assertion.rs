//! Who the upstream is told that the caller is, verified as an upstream does: by the published keys, issuer and audience.

use super::{BRAND, Behind, STALENESS_SECONDS, callers, echoed, fresh};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Gate, Org, now_ms};
use jwt_simple::algorithms::{Ed25519PublicKey, EdDSAPublicKeyLike as _};
use jwt_simple::common::VerificationOptions;
use jwt_simple::prelude::Duration;
use serde_json::{Value, json};
use std::collections::HashSet;

/// The claims of an assertion that is good for `audience` at an upstream which knows this server's JWK set alone.
pub(super) fn verify(gate: &Gate, assertion: &str, audience: &str) -> Result<Value, String> {
    let set = gate.client().get("/.well-known/jwks.json").send();
    assert_eq!(set.header("content-type"), Some("application/jwk-set+json"), "{set}");
    let set: Value = serde_json::from_slice(&set.body).unwrap();
    let [head, payload, _] =
        assertion.split('.').collect::<Vec<_>>().try_into().map_err(|_| "not three parts")?;
    let head = decoded(head)?;
    if head["alg"] != "EdDSA" {
        return Err(format!("alg is {}", head["alg"]));
    }
    let keys = set["keys"].as_array().expect("keys");
    let key = keys.iter().find(|key| key["kid"] == head["kid"]).ok_or("no such key")?;
    let key = Ed25519PublicKey::from_jwk(&key.to_string()).map_err(|error| error.to_string())?;
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from(["sluicegate".to_owned()])),
        allowed_audiences: Some(HashSet::from([audience.to_owned()])),
        time_tolerance: Some(Duration::from_secs(0)),
        ..VerificationOptions::default()
    };
    key.verify_token::<Value>(assertion, Some(options)).map_err(|error| error.to_string())?;
    decoded(payload)
}

fn decoded(part: &str) -> Result<Value, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// The one assertion of an echoed request.
pub(super) fn assertion_of(echo: &Value) -> String {
    match echoed(echo, "sluicegate-assertion")[..] {
        [assertion] => assertion.to_owned(),
        _ => panic!("not one assertion: {echo}"),
    }
}

#[test]
fn a_gateway_route_says_who_is_calling() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    for (kind, client, subject) in callers(&org) {
        println!("{kind}");
        let echo = client.get(&fresh()).send_to_app().ok(200);
        let claims = verify(&behind.gate, &assertion_of(&echo), "app").unwrap();
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("sluicegate"), &json!("app")));
        assert_eq!((&claims["sub"], &claims["org"]), (&json!(subject), &json!(org.id)));
        assert_eq!(claims["role"], if kind == "key" { "" } else { "org_admin" });
        let (issued, ends) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
        assert!(issued.abs_diff(now_ms() / 1000) < 30, "{claims}");
        // Its life is the control plane's to decide, by the configuration that this server was started with.
        assert_eq!(ends - issued, u64::from(STALENESS_SECONDS) + 60);
    }
}

#[test]
fn an_assertion_is_for_its_routes_audience_alone() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let app = assertion_of(&org.get("/app/").send_to_app().ok(200));
    let other = assertion_of(&org.get("/other/").send_to_app().ok(200));
    assert!(verify(&behind.gate, &app, "app").is_ok() && verify(&behind.gate, &other, "other").is_ok());
    assert!(verify(&behind.gate, &app, "other").is_err() && verify(&behind.gate, &other, "app").is_err());
    // Another server's is signed by another key.
    assert!(verify(Gate::shared(), &app, "app").is_err());
    assert_eq!(behind.other.heads().first().map(|head| head.first.as_str()), Some("GET /other/ HTTP/1.1"));
}

/// What an upstream was shown opens nothing here, and what opens the door here is no identity there.
#[test]
fn an_assertion_is_no_session_and_a_session_is_no_assertion() {
    let behind = Behind::shared();
    let org = Org::sign_up(&behind.gate);
    let assertion = assertion_of(&org.get(&fresh()).send_to_app().ok(200));
    let replays = [org.anonymous().bearer(&assertion), org.anonymous().cookie(&assertion)];
    for replayed in &replays {
        for target in ["/v1/me", "/v1/api-keys", "/v1/auth/check", "/app/", "/other/"] {
            replayed.get(target).send().problem("unauthenticated");
        }
    }
    for audience in ["app", "other"] {
        assert!(verify(&behind.gate, &org.token, audience).is_err());
    }
    // The check would take a session for what it is: it is the audience that differs.
    assert!(verify(&behind.gate, &org.token, "sluicegate").is_ok());
}

/// Edge and control plane enforce the configuration that the server was started with, not the one of the build.
#[test]
fn a_given_configuration_is_enforced_and_shown() {
    let behind = Behind::shared();
    let page = behind.gate.client().get("/security").send().text();
    let escaped = BRAND.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    assert!(page.contains(&escaped), "{page}");
    assert!(page.contains(&format!("{STALENESS_SECONDS} seconds")), "{page}");
    let built = Gate::shared().client();
    assert!(!built.get("/security").send().text().contains(&escaped));
    built.get("/app/").send().problem("not_found");
}
