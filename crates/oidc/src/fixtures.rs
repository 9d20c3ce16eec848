//! A made-up provider for the tests.

use crate::{Attempt, Client, Issuer, Metadata, Purpose, ReturnPath, SignedIn, Transport};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const CLIENT_ID: &str = "fake-client";
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn metadata_with(name: &str, value: Value) -> Metadata {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize?p=1",
        "token_endpoint": "https://token.example.com/?x=1",
        "jwks_uri": "https://keys.example.com/jwks",
    });
    document[name] = value;
    let issuer = Issuer::parse(ISSUER, Transport::Https).unwrap();
    Metadata::parse(&issuer, document.to_string().as_bytes()).unwrap()
}

pub(crate) fn metadata() -> Metadata {
    metadata_with("token_endpoint", json!("https://token.example.com/"))
}

pub(crate) fn client() -> Client {
    Client {
        id: CLIENT_ID.to_owned(),
        secret: "fake-secret".to_owned().into(),
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
    }
}

pub(crate) fn signed_in() -> SignedIn {
    SignedIn {
        user: "usr_01jxt21q000w3ge1r70w3ge1r7".to_owned(),
        org: "org_e1jxt21q000w3ge1r70w3ge1r7".to_owned(),
        session: "ses_01jxt21q000w3ge1r70w3ge1r7".to_owned(),
    }
}

pub(crate) fn attempt_for(purpose: Purpose) -> Attempt {
    let return_to = ReturnPath::parse("/connections?page=2").unwrap();
    Attempt::new("example", &metadata(), purpose, return_to, NOW).unwrap()
}

pub(crate) fn attempt() -> Attempt {
    attempt_for(Purpose::SignIn)
}
