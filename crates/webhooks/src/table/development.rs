//! Code, issues, content, media, identity.

use super::{BODY, STRIPE_LIKE, hex, milliseconds, pairs};
use crate::provider::{Encoding, Field, Grammar, Part, Provider, Signature};

pub(super) const BITBUCKET: Provider = Provider {
    id: "bitbucket",
    name: "Bitbucket",
    docs: "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    secret_hint: "Repository settings → Webhooks → Secret, as you set it.",
    signature: hex(&["x-hub-signature"], "sha256="),
    // Cloud's name, then Data Center's.
    event_id: &[Field::Header("x-request-uuid"), Field::Header("x-request-id")],
    event_type: &[Field::Header("x-event-key")],
    ..BODY
};

pub(super) const GITHUB: Provider = Provider {
    id: "github",
    name: "GitHub",
    docs: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    secret_hint: "Settings → Webhooks → Secret, as you set it.",
    signature: hex(&["x-hub-signature-256"], "sha256="),
    event_id: &[Field::Header("x-github-delivery")],
    event_type: &[Field::Header("x-github-event")],
    ..BODY
};

pub(super) const JIRA: Provider = Provider {
    id: "jira",
    name: "Jira",
    docs: "https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks",
    secret_hint: "System → WebHooks → Secret, as you set it or as Jira made it.",
    signature: hex(&["x-hub-signature"], "sha256="),
    event_id: &[Field::Header("x-atlassian-webhook-identifier")],
    event_type: &[Field::Json(&["webhookEvent"])],
    ..BODY
};

pub(super) const LINEAR: Provider = Provider {
    id: "linear",
    name: "Linear",
    docs: "https://linear.app/developers/webhooks#securing-webhooks",
    secret_hint: "Settings → API → Webhooks → your webhook → Signing secret: lin_wh_…",
    signature: hex(&["linear-signature"], ""),
    timestamp: Some(milliseconds(Field::Json(&["webhookTimestamp"]), 60)),
    event_id: &[Field::Header("linear-delivery")],
    event_type: &[Field::Json(&["type"])],
    ..BODY
};

pub(super) const MUX: Provider = Provider {
    id: "mux",
    name: "Mux",
    docs: "https://www.mux.com/docs/core/verify-webhook-signatures",
    secret_hint: "Dashboard → Settings → Webhooks → your webhook → Signing secret.",
    signature: pairs(&["mux-signature"], "t", ",", "v1"),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["type"])],
    ..STRIPE_LIKE
};

pub(super) const SANITY: Provider = Provider {
    id: "sanity",
    name: "Sanity",
    docs: "https://www.sanity.io/docs/webhooks",
    secret_hint: "Manage → API → Webhooks → Secret, as you set it.",
    signature: Signature {
        headers: &["sanity-webhook-signature"],
        grammar: Grammar::Pairs { separator: ",", timestamp: "t", signature: "v1" },
        encoding: Encoding::Base64Url,
    },
    timestamp: Some(milliseconds(Field::SignaturePair, 300)),
    event_id: &[Field::Header("idempotency-key")],
    event_type: &[Field::Header("sanity-operation")],
    ..STRIPE_LIKE
};

pub(super) const WEBFLOW: Provider = Provider {
    id: "webflow",
    name: "Webflow",
    docs: "https://developers.webflow.com/data/docs/working-with-webhooks",
    secret_hint: "Webhooks made by an app: its client secret. Made in the site's settings: the key shown once.",
    signature: hex(&["x-webflow-signature"], ""),
    signed: &[Part::Timestamp, Part::Text(":"), Part::Body],
    timestamp: Some(milliseconds(Field::Header("x-webflow-timestamp"), 300)),
    event_type: &[Field::Json(&["triggerType"])],
    ..BODY
};

pub(super) const WORKOS: Provider = Provider {
    id: "workos",
    name: "WorkOS",
    docs: "https://workos.com/docs/events/data-syncing/webhooks",
    secret_hint: "Dashboard → Webhooks → your endpoint → Signing secret.",
    signature: pairs(&["workos-signature"], "t", ", ", "v1"),
    timestamp: Some(milliseconds(Field::SignaturePair, 180)),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["event"])],
    ..STRIPE_LIKE
};
