//! Messages, files, forms, calendars, support, marketing.

use super::{BODY, PROVIDER, SLACK_LIKE, STRIPE_LIKE, base64, hex, milliseconds, pairs, rfc3339, seconds};
use crate::provider::{
    Algorithm, ChallengeAnswer, ChallengeRule, Field, Handshake, Part, Parts, Provider, Scheme, Tested,
    UrlCheck,
};

pub(super) const ASANA: Provider = Provider {
    id: "asana",
    name: "Asana",
    docs: "https://developers.asana.com/docs/webhooks-guide",
    secret_hint: "Nothing to paste: Asana sends the secret to the URL when the webhook is created.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-hook-signature"], ""), ..BODY }),
    handshake: Some(Handshake::EchoHeader("x-hook-secret")),
    ..PROVIDER
};

pub(super) const BOX: Provider = Provider {
    id: "box",
    name: "Box",
    docs: "https://developer.box.com/guides/webhooks/v2/signatures-v2",
    secret_hint: "Developer Console → your app → Webhooks → Manage signature keys: primary and secondary, one secret each.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: base64(&["box-signature-primary", "box-signature-secondary"], ""),
        signed: &[Part::Body, Part::Timestamp],
        timestamp: Some(rfc3339(Field::Header("box-delivery-timestamp"), 600)),
        ..BODY
    }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["trigger"])],
    ..PROVIDER
};

pub(super) const CAL_COM: Provider = Provider {
    id: "cal.com",
    name: "Cal.com",
    docs: "https://cal.com/docs/developing/guides/automation/webhooks",
    secret_hint: "Settings → Developer → Webhooks → Secret, as you set it.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-cal-signature-256"], ""), ..BODY }),
    event_type: &[Field::Json(&["triggerEvent"])],
    ..PROVIDER
};

pub(super) const CALENDLY: Provider = Provider {
    id: "calendly",
    name: "Calendly",
    docs: "https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures",
    secret_hint: "The signing_key you gave when you created the webhook subscription.",
    scheme: Scheme::Parts(Parts {
        signature: pairs(&["calendly-webhook-signature"], "t", ",", "v1"),
        ..STRIPE_LIKE
    }),
    event_type: &[Field::Json(&["event"])],
    ..PROVIDER
};

pub(super) const CLICKUP: Provider = Provider {
    id: "clickup",
    name: "ClickUp",
    docs: "https://developer.clickup.com/docs/webhooksignature",
    secret_hint: "webhook.secret in the answer to the request that created the webhook.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-signature"], ""), ..BODY }),
    event_type: &[Field::Json(&["event"])],
    ..PROVIDER
};

pub(super) const CUSTOMERIO: Provider = Provider {
    id: "customerio",
    name: "Customer.io",
    docs: "https://docs.customer.io/journeys/webhooks/",
    secret_hint: "Integrations → Reporting Webhooks → your webhook → Signing key.",
    scheme: Scheme::Parts(Parts {
        signature: hex(&["x-cio-signature"], ""),
        timestamp: Some(seconds(Field::Header("x-cio-timestamp"), 300)),
        ..SLACK_LIKE
    }),
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["metric"])],
    ..PROVIDER
};

pub(super) const DROPBOX: Provider = Provider {
    id: "dropbox",
    name: "Dropbox",
    docs: "https://www.dropbox.com/developers/reference/webhooks",
    secret_hint: "App Console → your app → App secret.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-dropbox-signature"], ""), ..BODY }),
    url_check: Some(UrlCheck::EchoQuery("challenge")),
    ..PROVIDER
};

pub(super) const HELPSCOUT: Provider = Provider {
    id: "helpscout",
    name: "Help Scout",
    docs: "https://developer.helpscout.com/webhooks/",
    secret_hint: "Manage → Apps → Webhooks → Secret key, as you set it.",
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        signature: base64(&["x-helpscout-signature"], ""),
        ..BODY
    }),
    event_type: &[Field::Header("x-helpscout-event")],
    ..PROVIDER
};

pub(super) const HUBSPOT: Provider = Provider {
    id: "hubspot",
    name: "HubSpot",
    docs: "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
    secret_hint: "Your app → Auth → Client secret.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: base64(&["x-hubspot-signature-v3"], ""),
        signed: &[Part::Method, Part::Url, Part::Body, Part::Timestamp],
        timestamp: Some(milliseconds(Field::Header("x-hubspot-request-timestamp"), 300)),
        ..BODY
    }),
    ..PROVIDER
};

pub(super) const INTERCOM: Provider = Provider {
    id: "intercom",
    name: "Intercom",
    docs: "https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
    secret_hint: "Developer Hub → your app → Basic information → Client secret.",
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        signature: hex(&["x-hub-signature"], "sha1="),
        ..BODY
    }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["topic"])],
    ..PROVIDER
};

pub(super) const LINE: Provider = Provider {
    id: "line",
    name: "LINE",
    docs: "https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
    secret_hint: "LINE Developers Console → your channel → Basic settings → Channel secret.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts { signature: base64(&["x-line-signature"], ""), ..BODY }),
    ..PROVIDER
};

/// The token that Meta repeats in its URL check is not compared: the answer discloses nothing, and events of another
/// app that points here fail for want of this app's secret.
pub(super) const META: Provider = Provider {
    id: "meta",
    name: "Meta",
    docs: "https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
    secret_hint: "App Dashboard → App settings → Basic → App secret.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-hub-signature-256"], "sha256="), ..BODY }),
    event_type: &[Field::Json(&["object"])],
    url_check: Some(UrlCheck::EchoQuery("hub.challenge")),
    ..PROVIDER
};

pub(super) const NOTION: Provider = Provider {
    id: "notion",
    name: "Notion",
    docs: "https://developers.notion.com/reference/webhooks",
    secret_hint: "The verification_token that Notion sends to the URL when the subscription is created: secret_…",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts { signature: hex(&["x-notion-signature"], "sha256="), ..BODY }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["type"])],
    handshake: Some(Handshake::BodyField("verification_token")),
    ..PROVIDER
};

pub(super) const SLACK: Provider = Provider {
    id: "slack",
    name: "Slack",
    docs: "https://docs.slack.dev/authentication/verifying-requests-from-slack",
    secret_hint: "Your app → Basic Information → App Credentials → Signing Secret (32 hex digits).",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: hex(&["x-slack-signature"], "v0="),
        timestamp: Some(seconds(Field::Header("x-slack-request-timestamp"), 300)),
        ..SLACK_LIKE
    }),
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["event", "type"]), Field::Json(&["type"])],
    challenge: &[ChallengeRule {
        kind: (&["type"], "url_verification"),
        unless: None,
        answer: ChallengeAnswer::Echo(&["challenge"]),
    }],
    ..PROVIDER
};

pub(super) const TRELLO: Provider = Provider {
    id: "trello",
    name: "Trello",
    docs: "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
    secret_hint: "Power-Up admin → your app → API key → Secret (OAuth 1.0).",
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        signature: base64(&["x-trello-webhook"], ""),
        signed: &[Part::Body, Part::Url],
        ..BODY
    }),
    event_id: &[Field::Json(&["action", "id"])],
    event_type: &[Field::Json(&["action", "type"])],
    url_check: Some(UrlCheck::Head),
    ..PROVIDER
};

pub(super) const TYPEFORM: Provider = Provider {
    id: "typeform",
    name: "Typeform",
    docs: "https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
    secret_hint: "Connect → Webhooks → Edit → Secret, as you set it.",
    scheme: Scheme::Parts(Parts { signature: base64(&["typeform-signature"], "sha256="), ..BODY }),
    event_id: &[Field::Json(&["event_id"])],
    event_type: &[Field::Json(&["event_type"])],
    ..PROVIDER
};

pub(super) const WEBEX: Provider = Provider {
    id: "webex",
    name: "Webex",
    docs: "https://developer.webex.com/docs/webhooks",
    secret_hint: "The secret you gave when you created the webhook.",
    scheme: Scheme::Parts(Parts {
        algorithm: Algorithm::HmacSha1,
        signature: hex(&["x-spark-signature"], ""),
        ..BODY
    }),
    event_type: &[Field::Json(&["resource"])],
    ..PROVIDER
};

pub(super) const WHATSAPP: Provider = Provider {
    id: "whatsapp",
    name: "WhatsApp",
    docs: "https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks",
    ..META
};

pub(super) const ZENDESK: Provider = Provider {
    id: "zendesk",
    name: "Zendesk",
    docs: "https://developer.zendesk.com/documentation/webhooks/verifying/",
    secret_hint: "Admin Center → Apps and integrations → Webhooks → your webhook → Reveal secret.",
    scheme: Scheme::Parts(Parts {
        signature: base64(&["x-zendesk-webhook-signature"], ""),
        signed: &[Part::Timestamp, Part::Body],
        timestamp: Some(rfc3339(Field::Header("x-zendesk-webhook-signature-timestamp"), 300)),
        ..BODY
    }),
    // Not the body's id: a trigger's body is the customer's own and may hold a ticket's.
    event_id: &[Field::Header("x-zendesk-webhook-invocation-id")],
    event_type: &[Field::Json(&["type"])],
    ..PROVIDER
};

pub(super) const ZOOM: Provider = Provider {
    id: "zoom",
    name: "Zoom",
    docs: "https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events",
    secret_hint: "App Marketplace → your app → Feature → Access → Secret token.",
    scheme: Scheme::Parts(Parts {
        signature: hex(&["x-zm-signature"], "v0="),
        timestamp: Some(seconds(Field::Header("x-zm-request-timestamp"), 300)),
        ..SLACK_LIKE
    }),
    event_type: &[Field::Json(&["event"])],
    challenge: &[ChallengeRule {
        kind: (&["event"], "endpoint.url_validation"),
        unless: None,
        answer: ChallengeAnswer::JsonMac {
            path: &["payload", "plainToken"],
            token: "plainToken",
            mac: "encryptedToken",
        },
    }],
    ..PROVIDER
};
