//! Code, issues, content, media, identity.

use super::standard::STANDARD_PARTS;
use super::{BODY, PROVIDER, STRIPE_LIKE, hex, milliseconds, pairs};
use crate::provider::{
    Algorithm, Binding, Encoding, Field, Jwt, KeyFormat, Part, Parts, Provider, Scheme, Signature, Tested,
};

pub(super) const ATLASSIAN_CONNECT: Provider = Provider {
    id: "atlassian-connect",
    name: "Atlassian Connect",
    docs: "https://developer.atlassian.com/cloud/jira/platform/understanding-jwt-for-connect-apps/",
    secret_hint: "sharedSecret of the app's installed callback. The app's baseUrl must be this URL's origin, without a path.",
    tested: Tested::Sdk,
    caveat: Some(
        "Atlassian signs method, path and query, and not the body: whoever holds a request that was sent within its few \
         minutes can change its content.",
    ),
    scheme: Scheme::Jwt(Jwt {
        header: "authorization",
        prefix: "JWT ",
        binds: Binding::QueryHash,
        lifetime_seconds: 600,
    }),
    event_type: &[Field::Json(&["webhookEvent"]), Field::Json(&["event"])],
    ..PROVIDER
};

pub(super) const BITBUCKET: Provider = Provider {
    id: "bitbucket",
    name: "Bitbucket",
    docs: "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    secret_hint: "Repository settings → Webhooks → Secret, as you set it.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-hub-signature"], "sha256="), ..BODY }),
    // Cloud's name, then Data Center's.
    event_id: &[Field::Header("x-request-uuid"), Field::Header("x-request-id")],
    event_type: &[Field::Header("x-event-key")],
    ..PROVIDER
};

pub(super) const CONTENTFUL: Provider = Provider {
    id: "contentful",
    name: "Contentful",
    docs: "https://www.contentful.com/developers/docs/webhooks/request-verification/",
    secret_hint: "Settings → Webhooks → Settings → Signing secret (64 characters).",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: hex(&["x-contentful-signature"], ""),
        signed: &[
            Part::Method,
            Part::Text("\n"),
            Part::Path,
            Part::Text("\n"),
            Part::ListedHeaders("x-contentful-signed-headers"),
            Part::Text("\n"),
            Part::Body,
        ],
        timestamp: Some(milliseconds(Field::Header("x-contentful-timestamp"), 30)),
        ..BODY
    }),
    event_id: &[Field::Header("x-contentful-idempotency-key")],
    event_type: &[Field::Header("x-contentful-topic")],
    ..PROVIDER
};

pub(super) const GITHUB: Provider = Provider {
    id: "github",
    name: "GitHub",
    docs: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    secret_hint: "Settings → Webhooks → Secret, as you set it.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts { signature: hex(&["x-hub-signature-256"], "sha256="), ..BODY }),
    event_id: &[Field::Header("x-github-delivery")],
    event_type: &[Field::Header("x-github-event")],
    ..PROVIDER
};

pub(super) const GITLAB: Provider = Provider {
    id: "gitlab",
    name: "GitLab",
    docs: "https://docs.gitlab.com/user/project/integrations/webhooks/",
    secret_hint: "Settings → Webhooks → Signing token (whsec_…), or Secret token, as you set it.",
    tested: Tested::Vector,
    caveat: Some(
        "With a secret token GitLab sends the secret itself: it says who calls and protects neither content nor time. \
         Take a signing token instead where your GitLab has it.",
    ),
    scheme: Scheme::FirstOf(&[
        Parts { key: KeyFormat::Base64IfPrefixed { prefix: "whsec_" }, ..STANDARD_PARTS },
        Parts {
            algorithm: Algorithm::Token,
            key: KeyFormat::Base64IfPrefixed { prefix: "whsec_" },
            signature: Signature { encoding: Encoding::Text, ..hex(&["x-gitlab-token"], "") },
            signed: &[],
            ..BODY
        },
    ]),
    event_id: &[Field::Header("webhook-id"), Field::Header("idempotency-key")],
    event_type: &[Field::Header("x-gitlab-event"), Field::Json(&["object_kind"])],
    ..PROVIDER
};

pub(super) const JIRA: Provider = Provider {
    id: "jira",
    name: "Jira",
    docs: "https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks",
    secret_hint: "System → WebHooks → Secret, as you set it or as Jira made it.",
    scheme: Scheme::Parts(Parts { signature: hex(&["x-hub-signature"], "sha256="), ..BODY }),
    event_id: &[Field::Header("x-atlassian-webhook-identifier")],
    event_type: &[Field::Json(&["webhookEvent"])],
    ..PROVIDER
};

pub(super) const LINEAR: Provider = Provider {
    id: "linear",
    name: "Linear",
    docs: "https://linear.app/developers/webhooks#securing-webhooks",
    secret_hint: "Settings → API → Webhooks → your webhook → Signing secret: lin_wh_…",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: hex(&["linear-signature"], ""),
        timestamp: Some(milliseconds(Field::Json(&["webhookTimestamp"]), 60)),
        ..BODY
    }),
    event_id: &[Field::Header("linear-delivery")],
    event_type: &[Field::Json(&["type"])],
    ..PROVIDER
};

pub(super) const MUX: Provider = Provider {
    id: "mux",
    name: "Mux",
    docs: "https://www.mux.com/docs/core/verify-webhook-signatures",
    secret_hint: "Dashboard → Settings → Webhooks → your webhook → Signing secret.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts { signature: pairs(&["mux-signature"], "t", ",", "v1"), ..STRIPE_LIKE }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["type"])],
    ..PROVIDER
};

pub(super) const SANITY: Provider = Provider {
    id: "sanity",
    name: "Sanity",
    docs: "https://www.sanity.io/docs/webhooks",
    secret_hint: "Manage → API → Webhooks → Secret, as you set it.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: Signature {
            encoding: Encoding::Base64Url,
            ..pairs(&["sanity-webhook-signature"], "t", ",", "v1")
        },
        timestamp: Some(milliseconds(Field::SignaturePair, 300)),
        ..STRIPE_LIKE
    }),
    event_id: &[Field::Header("idempotency-key")],
    event_type: &[Field::Header("sanity-operation")],
    ..PROVIDER
};

pub(super) const WEBFLOW: Provider = Provider {
    id: "webflow",
    name: "Webflow",
    docs: "https://developers.webflow.com/data/docs/working-with-webhooks",
    secret_hint: "Webhooks made by an app: its client secret. Made in the site's settings: the key shown once.",
    scheme: Scheme::Parts(Parts {
        signature: hex(&["x-webflow-signature"], ""),
        signed: &[Part::Timestamp, Part::Text(":"), Part::Body],
        timestamp: Some(milliseconds(Field::Header("x-webflow-timestamp"), 300)),
        ..BODY
    }),
    event_type: &[Field::Json(&["triggerType"])],
    tested: Tested::Sdk,
    ..PROVIDER
};

pub(super) const WORKOS: Provider = Provider {
    id: "workos",
    name: "WorkOS",
    docs: "https://workos.com/docs/events/data-syncing/webhooks",
    secret_hint: "Dashboard → Webhooks → your endpoint → Signing secret.",
    tested: Tested::Sdk,
    scheme: Scheme::Parts(Parts {
        signature: pairs(&["workos-signature"], "t", ", ", "v1"),
        timestamp: Some(milliseconds(Field::SignaturePair, 180)),
        ..STRIPE_LIKE
    }),
    event_id: &[Field::Json(&["id"])],
    event_type: &[Field::Json(&["event"])],
    ..PROVIDER
};
