//! Calls, text messages, mail, video: many of them by key pairs, forms or tokens.

use super::{BODY, PROVIDER, base64, hex, seconds};
use crate::provider::{
    Algorithm, Binding, ChallengeAnswer, ChallengeRule, Encoding, Field, Grammar, JsonValue, Jwt, KeyFormat,
    Part, Parts, Place, Provider, Scheme, Signature, Tested,
};

pub(super) const DISCORD: Provider = Provider {
    id: "discord",
    name: "Discord",
    docs: "https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint",
    secret_hint: "Developer Portal → your app → General Information → Public Key (64 hex digits).",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::Ed25519,
        key: KeyFormat::Ed25519Hex,
        signature: hex(&["x-signature-ed25519"], ""),
        signed: &[Part::Timestamp, Part::Body],
        timestamp: Some(seconds(Field::Header("x-signature-timestamp"), 300)),
    }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["event", "type"]), Field::Json(&["type"])],
    // Type 1 is a question among interactions and an event among event webhooks, whose own question is type 0.
    challenge: &[
        ChallengeRule {
            kind: (&["type"], "1"),
            unless: Some(&["event", "type"]),
            answer: ChallengeAnswer::Fixed(r#"{"type":1}"#),
        },
        ChallengeRule { kind: (&["type"], "0"), unless: None, answer: ChallengeAnswer::Nothing },
    ],
    ..PROVIDER
};

pub(super) const LIVEKIT: Provider = Provider {
    id: "livekit",
    name: "LiveKit",
    docs: "https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events/",
    secret_hint: "Settings → API keys → the secret of the key that the webhook is signed with.",
    tested: Tested::Sdk,
    scheme: Scheme::Jwt(Jwt {
        header: "authorization",
        prefix: "",
        binds: Binding::BodyHash,
        lifetime_seconds: 3600,
    }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["event"])],
    ..PROVIDER
};

/// The SDK's JSON form of `signature`; of the older form fields nothing can be verified here.
pub(super) const MAILGUN: Provider = Provider {
    id: "mailgun",
    name: "Mailgun",
    docs: "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
    secret_hint: "Account → API security → HTTP webhook signing key.",
    tested: Tested::Sdk,
    caveat: Some(
        "Mailgun signs a time and a token, and not the event: the signature says that the request comes from Mailgun \
         and is new, and whoever can read one before it arrives can change its content.",
    ),
    scheme: Scheme::Parts(Parts {
        signature: Signature {
            place: Place::Json(&["signature", "signature"]),
            grammar: Grammar::One { prefix: "" },
            encoding: Encoding::Hex,
        },
        signed: &[Part::Timestamp, Part::Json { path: &["signature", "token"], value: JsonValue::Id }],
        timestamp: Some(seconds(Field::Json(&["signature", "timestamp"]), 300)),
        ..BODY
    }),
    event_id: &[Field::Json(&["signature", "token"])],
    event_type: &[Field::Json(&["event-data", "event"])],
    ..PROVIDER
};

pub(super) const MANDRILL: Provider = Provider {
    id: "mandrill",
    name: "Mandrill (Mailchimp Transactional)",
    docs: "https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests",
    secret_hint: "Settings → Webhooks → View key.",
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        signature: base64(&["x-mandrill-signature"], ""),
        signed: &[Part::Url, Part::SortedForm { body_hash: None }],
        ..BODY
    }),
    event_id: &[Field::SignatureHash],
    ..PROVIDER
};

pub(super) const SENDGRID: Provider = Provider {
    id: "sendgrid",
    name: "SendGrid",
    docs: "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
    secret_hint: "Settings → Mail Settings → Event Webhook → Signature verification → Public key (base64, MFkwEw…).",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::EcdsaP256,
        key: KeyFormat::P256Spki,
        signature: base64(&["x-twilio-email-event-webhook-signature"], ""),
        signed: &[Part::Timestamp, Part::Body],
        timestamp: Some(seconds(Field::Header("x-twilio-email-event-webhook-timestamp"), 300)),
    }),
    event_id: &[Field::Json(&["[]", "sg_event_id"])],
    event_type: &[Field::Json(&["[]", "event"])],
    ..PROVIDER
};

pub(super) const TELNYX: Provider = Provider {
    id: "telnyx",
    name: "Telnyx",
    docs: "https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks#webhook-signing",
    secret_hint: "Mission Control → Account → Keys & credentials → Public key (base64).",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::Ed25519,
        key: KeyFormat::Ed25519Base64,
        signature: base64(&["telnyx-signature-ed25519"], ""),
        signed: &[Part::Timestamp, Part::Text("|"), Part::Body],
        timestamp: Some(seconds(Field::Header("telnyx-timestamp"), 300)),
    }),
    event_id: &[Field::Json(&["data", "id"])],
    event_type: &[Field::Json(&["data", "event_type"])],
    ..PROVIDER
};

pub(super) const TWILIO: Provider = Provider {
    id: "twilio",
    name: "Twilio",
    docs: "https://www.twilio.com/docs/usage/webhooks/webhooks-security",
    secret_hint: "Console → Account Info → Auth Token (the primary one).",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        signature: base64(&["x-twilio-signature"], ""),
        signed: &[Part::UrlAnyPort, Part::SortedForm { body_hash: Some("bodySHA256") }],
        ..BODY
    }),
    // A form can be spelled in several ways under one signature.
    event_id: &[Field::SignatureHash],
    ..PROVIDER
};
