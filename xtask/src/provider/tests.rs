use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const SECRET: &str = "fake-client-secret";

fn provider() -> Provider {
    let options = Options { client_secret: SECRET.to_owned(), access_token_life: Duration::from_secs(60) };
    Provider::start(0, options).unwrap()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into()
}

fn post(url: &str, form: &[(&str, &str)]) -> (u16, Option<String>, Value) {
    let mut response = agent().post(url).send_form(form.iter().copied()).unwrap();
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let body = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), location, serde_json::from_str(&body).unwrap_or_default())
}

fn code(provider: &Provider, challenge: &str) -> String {
    let asked = [
        ("client_id", "c"),
        ("redirect_uri", "http://localhost/cb"),
        ("state", "s"),
        ("scope", "a b"),
        ("code_challenge", challenge),
        ("decision", "allow"),
    ];
    let (status, location, _) = post(&format!("{}/oauth/authorize", provider.origin()), &asked);
    assert_eq!(status, 303);
    let location = location.unwrap();
    location.strip_prefix("http://localhost/cb?state=s&code=").expect(&location).to_owned()
}

fn exchange(provider: &Provider, form: &[(&str, &str)]) -> (u16, Value) {
    let form: Vec<_> = form.iter().copied().chain([("client_id", "c"), ("client_secret", SECRET)]).collect();
    let (status, _, body) = post(&format!("{}/oauth/token", provider.origin()), &form);
    (status, body)
}

#[test]
fn a_code_serves_once_and_takes_its_verifier() {
    let provider = provider();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("verifier"));
    let take = |code: &str, verifier: &str| {
        exchange(
            &provider,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", "http://localhost/cb"),
                ("code_verifier", verifier),
            ],
        )
    };
    let code = code(&provider, &challenge);
    let (status, granted) = take(&code, "verifier");
    assert_eq!((status, granted["scope"].as_str()), (200, Some("a b")));
    assert_eq!(take(&code, "verifier").0, 400);
    let other = super::tests::code(&provider, &challenge);
    assert_eq!(take(&other, "another").1["error"], "invalid_grant");
}

#[test]
fn a_refresh_token_that_comes_again_ends_the_grant() {
    let provider = provider();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("verifier"));
    let code = code(&provider, &challenge);
    let (_, granted) = exchange(
        &provider,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", "http://localhost/cb"),
            ("code_verifier", "verifier"),
        ],
    );
    let refresh =
        |token: &str| exchange(&provider, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let first = granted["refresh_token"].as_str().unwrap();
    let (status, second) = refresh(first);
    assert_eq!(status, 200);
    assert_eq!(refresh(first).1["error"], "invalid_grant");
    assert_eq!(refresh(second["refresh_token"].as_str().unwrap()).1["error"], "invalid_grant");
    assert_eq!(provider.counts(), Counts { refreshes: 1, refused: 2, ..Counts::default() });
}
