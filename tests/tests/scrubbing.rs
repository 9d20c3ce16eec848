//! A secret that an upstream gives back does not reach the caller (claims B2, N5).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use e2e::secrets::spellings;
use e2e::{Gate, Org, Response, Upstream, random};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use serde_json::json;
use std::io::Write as _;
use std::sync::Arc;

/// B2: raw, encoded, escaped, split over chunks, in headers, compressed: what comes back says `[redacted]`.
#[test]
fn b2_an_echoed_secret_comes_back_redacted() {
    let org = Org::sign_up(Gate::shared());
    let secret: Arc<str> = random::text("s3cret+/=&\"").into();
    let told = secret.clone();
    let upstream = Upstream::start(move |call| {
        let text = |spelling: &str| format!("before {spelling} after").into_bytes();
        match call.target() {
            "/raw" => call.answer("200 OK", &[], &text(&told)),
            "/base64" => call.answer("200 OK", &[], &text(&STANDARD.encode(&*told))),
            "/base64url" => call.answer("200 OK", &[], &text(&URL_SAFE_NO_PAD.encode(&*told))),
            "/inside-base64" => {
                call.answer("200 OK", &[], &text(&STANDARD.encode(format!("{{\"t\":\"{told}\"}}"))))
            }
            "/percent" => call.answer("200 OK", &[], &text(&percent(&told))),
            "/json" => call.answer("200 OK", &[], &text(json!(*told).to_string().trim_matches('"'))),
            "/chunks" => {
                call.begin("200 OK", &[])?;
                for byte in text(&told) {
                    call.chunk(&[byte])?;
                }
                call.chunk(b"")
            }
            "/twice" => call.answer("200 OK", &[], &text(&format!("{told}{told} {told}"))),
            "/error" => call.answer("500 Broken", &[], &text(&told)),
            "/gzip" => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
                gzip.write_all(&text(&told))?;
                call.answer("200 OK", &[("content-encoding", "gzip")], &gzip.finish()?)
            }
            "/headers" => {
                let values =
                    [("x-ratelimit-resource", &*told), ("etag", &format!("\"{}\"", STANDARD.encode(&*told)))];
                let location = format!("/next?token={}", percent(&told));
                let headers = [values[0], values[1], ("location", location.as_str())];
                call.answer("201 Created", &headers, &text(&told))
            }
            _ => call.answer("404 Not Found", &[], b""),
        }
    });
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": &*secret }));
    let get = |path: &str| org.get(&format!("/v1/connections/{id}/proxy{path}")).send();

    for path in ["/raw", "/base64", "/base64url", "/percent", "/json", "/chunks", "/error", "/gzip"] {
        let response = get(path);
        assert_eq!(response.text(), "before [redacted] after", "{path}: {response}");
        assert_clean(&response, &secret);
    }
    let response = get("/inside-base64");
    assert!(response.text().contains("[redacted]"), "{response}");
    assert_clean(&response, &secret);
    let response = get("/twice");
    assert!(!response.text().contains(&secret[3..]), "{response}");
    assert_clean(&response, &secret);
    let response = get("/headers");
    assert_eq!(response.status, 201);
    assert_eq!(response.header("x-ratelimit-resource"), Some("[redacted]"));
    assert_eq!(response.header("etag"), Some("\"[redacted]\""));
    let next = format!("{}/next?token=[redacted]", upstream.url());
    assert_eq!(response.header("location"), Some(&*next));
    assert_clean(&response, &secret);
}

/// The password of basic authentication alone, the pair, and its base64.
#[test]
fn b2_basic_credentials_are_redacted_in_each_form() {
    let org = Org::sign_up(Gate::shared());
    let password = random::text("p4ss-");
    let pair = format!("ada:{password}");
    let answer = format!("{password} {pair} {}", STANDARD.encode(&pair));
    let upstream = Upstream::start(move |call| call.answer("200 OK", &[], answer.as_bytes()));
    let id =
        org.connection(&upstream.url(), &json!({ "type": "basic", "username": "ada", "password": password }));
    let response = org.get(&format!("/v1/connections/{id}/proxy/")).send();
    assert_eq!(response.text(), "[redacted] [redacted] [redacted]");
}

/// What cannot be read cannot be scrubbed, so it does not pass; and no range request gets at a secret in pieces.
#[test]
fn an_answer_that_cannot_be_scrubbed_does_not_pass() {
    let org = Org::sign_up(Gate::shared());
    let secret: Arc<str> = random::text("s3cret-").into();
    let told = secret.clone();
    let upstream = Upstream::start(move |call| {
        let coding = call.target().trim_start_matches('/').to_owned();
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(told.as_bytes())?;
        call.answer("200 OK", &[("content-encoding", &coding)], &deflate.finish()?)
    });
    let id = org.connection(&upstream.url(), &json!({ "type": "bearer", "token": &*secret }));
    for coding in ["deflate", "zstd", "compress", "x-unknown", "gzip,deflate", "gzip,%20gzip"] {
        let response =
            org.get(&format!("/v1/connections/{id}/proxy/{coding}")).header("range", "bytes=0-3").send();
        response.problem("upstream_unreachable");
        assert_clean(&response, &secret);
    }
    let heads = upstream.heads();
    assert!(heads.iter().all(|head| head.all("accept-encoding").eq(["identity"])), "{heads:?}");
    assert!(heads.iter().all(|head| head.all("range").next().is_none()), "{heads:?}");
}

fn assert_clean(response: &Response, secret: &str) {
    let everything = format!("{:?}\n{}", response.head, response.text());
    for spelling in
        spellings(secret.as_bytes()).into_iter().filter_map(|spelling| String::from_utf8(spelling).ok())
    {
        assert!(!everything.contains(&spelling), "{spelling} in {response}");
    }
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
