//! One vector or more for every provider, independent of [`crate::sign`].
//!
//! Published ones: GitHub, Slack and Svix from their documentation, Box and Sanity from their SDKs' tests. The others
//! were computed with Python's `hmac` from the string each provider documents, under secrets made up here.

use super::{URL, key};
use crate::*;

struct Vector {
    provider: &'static str,
    secret: &'static str,
    now_ms: u64,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    event_id: Option<&'static str>,
    event_type: Option<&'static str>,
}

/// N4: what the provider signs is accepted, and nothing else is: not one byte more, not under another key.
#[test]
fn vectors_are_accepted_and_their_near_misses_refused() {
    for vector in VECTORS {
        let provider = provider(vector.provider).unwrap();
        let check = |secret: SecretKey, body: &[u8]| {
            let request = Request { method: "POST", url: URL, headers: vector.headers, body };
            verify(provider, &[secret], &request, vector.now_ms, None)
        };
        let secret = || provider.parse_secret(vector.secret).unwrap();

        let verified = check(secret(), vector.body.as_bytes());
        let verified = verified.unwrap_or_else(|refusal| panic!("{}: {refusal}", provider.id));
        assert_eq!(verified.event_id.as_deref(), vector.event_id, "{}", provider.id);
        assert_eq!(verified.event_type.as_deref(), vector.event_type, "{}", provider.id);
        assert_eq!(
            verified.timestamp_ms.is_some(),
            provider.tolerance_seconds().is_some(),
            "{}",
            provider.id
        );

        let longer = [vector.body.as_bytes(), b" "].concat();
        assert_eq!(check(secret(), &longer), Err(Refusal::SignatureInvalid), "{}", provider.id);
        assert_eq!(check(key(9), vector.body.as_bytes()), Err(Refusal::SignatureInvalid), "{}", provider.id);
    }
}

#[test]
fn every_provider_has_a_vector() {
    for provider in providers() {
        assert!(VECTORS.iter().any(|vector| vector.provider == provider.id), "{}", provider.id);
    }
}

#[rustfmt::skip]
const VECTORS: &[Vector] = &[
    Vector {
        provider: "asana", secret: "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81", now_ms: 1760000000000,
        headers: &[("x-hook-signature", "ddbf1ac025be9285b81c2504ac5e9f1d5c4199e648b294a017f620620aeaeb5d")],
        body: r#"{"events":[{"action":"changed","resource":{"gid":"1201","resource_type":"task"}}]}"#,
        event_id: None, event_type: None,
    },
    Vector {
        provider: "github", secret: "It's a Secret to Everybody", now_ms: 1760000000000,
        headers: &[("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"), ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"), ("x-github-event", "issues")],
        body: "Hello, World!",
        event_id: Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"), event_type: Some("issues"),
    },
    Vector {
        provider: "slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", now_ms: 1531420618000,
        headers: &[("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"), ("x-slack-request-timestamp", "1531420618")],
        body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        event_id: None, event_type: None,
    },
    Vector {
        provider: "box", secret: "SamplePrimaryKey", now_ms: 1577862000000,
        headers: &[("box-delivery-timestamp", "2020-01-01T00:00:00-07:00"), ("box-signature-primary", "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI="), ("box-signature-secondary", "v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo=")],
        body: r#"{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}"#,
        event_id: None, event_type: Some("FILE.UPLOADED"),
    },
    Vector {
        provider: "box", secret: "SampleSecondaryKey", now_ms: 1577862000000,
        headers: &[("box-delivery-timestamp", "2020-01-01T00:00:00-07:00"), ("box-signature-primary", "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI="), ("box-signature-secondary", "v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo=")],
        body: r#"{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}"#,
        event_id: None, event_type: Some("FILE.UPLOADED"),
    },
    Vector {
        provider: "sanity", secret: "test", now_ms: 1633519811129,
        headers: &[("sanity-webhook-signature", "t=1633519811129,v1=tLa470fx7qkLLEcMOcEUFuBbRSkGujyskxrNXcoh0N0"), ("idempotency-key", "idem_1"), ("sanity-operation", "update")],
        body: r#"{"_id":"resume"}"#,
        event_id: Some("idem_1"), event_type: Some("update"),
    },
    Vector {
        provider: "standard-webhooks", secret: concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), now_ms: 1614265330000,
        headers: &[("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("webhook-timestamp", "1614265330"), ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")],
        body: r#"{"test": 2432232314}"#,
        event_id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"), event_type: None,
    },
    Vector {
        provider: "svix", secret: concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), now_ms: 1614265330000,
        headers: &[("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("svix-timestamp", "1614265330"), ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")],
        body: r#"{"test": 2432232314}"#,
        event_id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"), event_type: None,
    },
    Vector {
        provider: "dodo", secret: concat!("whsec", "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), now_ms: 1760000000000,
        headers: &[("webhook-id", "msg_1"), ("webhook-timestamp", "1760000000"), ("webhook-signature", "v1,1dLePt77RCtoXGvtvLiSvb896e/5f3o9t3QgD5oMBvc=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "replicate", secret: concat!("whsec", "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), now_ms: 1760000000000,
        headers: &[("webhook-id", "msg_1"), ("webhook-timestamp", "1760000000"), ("webhook-signature", "v1,1dLePt77RCtoXGvtvLiSvb896e/5f3o9t3QgD5oMBvc=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "openai", secret: concat!("whsec", "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), now_ms: 1760000000000,
        headers: &[("webhook-id", "msg_1"), ("webhook-timestamp", "1760000000"), ("webhook-signature", "v1,1dLePt77RCtoXGvtvLiSvb896e/5f3o9t3QgD5oMBvc=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "openai", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("webhook-id", "msg_1"), ("webhook-timestamp", "1760000000"), ("webhook-signature", "v1,GTGlF8TyK0Uy6oz7Dk4z+0vs4/n2+AVwqaOERGMAtfA=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "polar", secret: "polar_whs_fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("webhook-id", "msg_1"), ("webhook-timestamp", "1760000000"), ("webhook-signature", "v1,xyPFaiP/NsTYes2LqTbFVBt4rEsHtLY4yixZewRkLag=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "clerk", secret: concat!("whsec", "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), now_ms: 1760000000000,
        headers: &[("svix-id", "msg_1"), ("svix-timestamp", "1760000000"), ("svix-signature", "v1,1dLePt77RCtoXGvtvLiSvb896e/5f3o9t3QgD5oMBvc=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "resend", secret: concat!("whsec", "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), now_ms: 1760000000000,
        headers: &[("svix-id", "msg_1"), ("svix-timestamp", "1760000000"), ("svix-signature", "v1,1dLePt77RCtoXGvtvLiSvb896e/5f3o9t3QgD5oMBvc=")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("msg_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "anthropic", secret: concat!("whsec", "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), now_ms: 1760000000000,
        headers: &[("webhook-id", "msg_1"), ("webhook-timestamp", "1760000000"), ("webhook-signature", "v1,ne0R1vBPLsS889gRlMKJBRV58BydsMQjW8A6YH6j3sY=")],
        body: r#"{"type":"event","id":"event_1","data":{"type":"session.status_idled"}}"#,
        event_id: Some("msg_1"), event_type: Some("session.status_idled"),
    },
    Vector {
        provider: "stripe", secret: concat!("whsec", "_fake-secret-for-tests"), now_ms: 1760000000000,
        headers: &[("stripe-signature", "t=1760000000,v1=c6d8bf1d65a283e58680f6c68646c20d6ff532c37bffa86f5bf9725075a28d79,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("evt_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "mux", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("mux-signature", "t=1760000000,v1=57b10f6020456ca9d0281f04ca9980b26472eae559700c86cea5ba75032dbd25")],
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        event_id: Some("evt_1"), event_type: Some("invoice.paid"),
    },
    Vector {
        provider: "calendly", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("calendly-webhook-signature", "t=1760000000,v1=b31b8a72ef7c3b5d26032aa6217b2e826bab128333b08e1275351f12e0977004")],
        body: r#"{"event":"invitee.created","payload":{}}"#,
        event_id: None, event_type: Some("invitee.created"),
    },
    Vector {
        provider: "workos", secret: "fake-secret-for-tests", now_ms: 1760000000123,
        headers: &[("workos-signature", "t=1760000000123, v1=ceb11bb3fa0ed9ff901d66d4d2d2ac29fb1134c9af298329c7eaa47476fca0a6")],
        body: r#"{"id":"event_01","event":"dsync.user.created"}"#,
        event_id: Some("event_01"), event_type: Some("dsync.user.created"),
    },
    Vector {
        provider: "paddle", secret: "pdl_ntfset_fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("paddle-signature", "ts=1760000000;h1=eec53f6852e83ad7a185e21b08f0986c6a6a6788b78077f2c8a0a76a4df856c0")],
        body: r#"{"event_id":"evt_1","event_type":"transaction.paid"}"#,
        event_id: Some("evt_1"), event_type: Some("transaction.paid"),
    },
    Vector {
        provider: "slack", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-slack-signature", "v0=f36226b8551bdb7580bd6b09f78153930929c1907e598e1f692d31d494a20ce7"), ("x-slack-request-timestamp", "1760000000")],
        body: r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}"#,
        event_id: Some("Ev1"), event_type: Some("message"),
    },
    Vector {
        provider: "zoom", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-zm-signature", "v0=08bcb080298c856d1aaa76d32c159129cd6deeb04494127b7872deb23bd0276b"), ("x-zm-request-timestamp", "1760000000")],
        body: r#"{"event":"meeting.started","payload":{}}"#,
        event_id: None, event_type: Some("meeting.started"),
    },
    Vector {
        provider: "customerio", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-cio-signature", "706486864266ea786d4cb823fb9cd52029e987b2e04d5a1c7e1cf43932c93d21"), ("x-cio-timestamp", "1760000000")],
        body: r#"{"event_id":"01E4","metric":"delivered"}"#,
        event_id: Some("01E4"), event_type: Some("delivered"),
    },
    Vector {
        provider: "webflow", secret: "fake-secret-for-tests", now_ms: 1760000000123,
        headers: &[("x-webflow-signature", "3581a8f77906576fbf70e78ddef976d47740be81593b5ac6abfb35c3123a504a"), ("x-webflow-timestamp", "1760000000123")],
        body: r#"{"triggerType":"form_submission","payload":{}}"#,
        event_id: None, event_type: Some("form_submission"),
    },
    Vector {
        provider: "hubspot", secret: "fake-secret-for-tests", now_ms: 1760000000123,
        headers: &[("x-hubspot-signature-v3", "oo6UqykLiyhXR4pFt/m99YgRnE7uyhUeQqd2HjiwHzc="), ("x-hubspot-request-timestamp", "1760000000123")],
        body: r#"[{"eventId":1,"subscriptionType":"contact.creation"}]"#,
        event_id: None, event_type: None,
    },
    Vector {
        provider: "zendesk", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-zendesk-webhook-signature", "OC4yr0AjnJj2gObMzRwEcE5ImXD6jGnzn/ksogvRsMY="), ("x-zendesk-webhook-signature-timestamp", "2025-10-09T08:53:20Z"), ("x-zendesk-webhook-invocation-id", "01FHE")],
        body: r#"{"type":"zen:event-type:user.created"}"#,
        event_id: Some("01FHE"), event_type: Some("zen:event-type:user.created"),
    },
    Vector {
        provider: "square", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-square-hmacsha256-signature", "yMA9T6INHFRaueB2U1XLee6E6n6isO3i1UmNFLrTAUA=")],
        body: r#"{"event_id":"sq_1","type":"payment.updated"}"#,
        event_id: Some("sq_1"), event_type: Some("payment.updated"),
    },
    Vector {
        provider: "trello", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-trello-webhook", "yTAQK32fnWnFeaEViGA7ZPQzrKo=")],
        body: r#"{"action":{"id":"act_1","type":"updateCard"}}"#,
        event_id: Some("act_1"), event_type: Some("updateCard"),
    },
    Vector {
        provider: "linear", secret: "lin_wh_fake-secret-for-tests", now_ms: 1760000000123,
        headers: &[("linear-signature", "db4654c6d7d11415694f65dfb0a85b7af20ef9a6a40854ca64f1766817173080"), ("linear-delivery", "234d1a4e")],
        body: r#"{"action":"update","type":"Issue","webhookTimestamp":1760000000123}"#,
        event_id: Some("234d1a4e"), event_type: Some("Issue"),
    },
    Vector {
        provider: "shopify", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-shopify-hmac-sha256", "VZ5L5VvmEBPgqPCggcT346mpbUuaoHHOJJg7tkINUBQ="), ("x-shopify-topic", "orders/paid"), ("x-shopify-event-id", "98880550"), ("x-shopify-webhook-id", "b54557e4")],
        body: r#"{"a":1}"#,
        event_id: Some("98880550"), event_type: Some("orders/paid"),
    },
    Vector {
        provider: "shopify", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-shopify-hmac-sha256", "VZ5L5VvmEBPgqPCggcT346mpbUuaoHHOJJg7tkINUBQ="), ("x-shopify-topic", "orders/paid"), ("x-shopify-webhook-id", "b54557e4")],
        body: r#"{"a":1}"#,
        event_id: Some("b54557e4"), event_type: Some("orders/paid"),
    },
    Vector {
        provider: "typeform", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("typeform-signature", "sha256=+XJd8RHsVumt9EoGlSoe8D9gGJTxWvX68/6oB++XG4g=")],
        body: r#"{"event_id":"tf_1","event_type":"form_response"}"#,
        event_id: Some("tf_1"), event_type: Some("form_response"),
    },
    Vector {
        provider: "intercom", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-hub-signature", "sha1=6d4f830f8728fcb38ec24e7698c459a8370ae966")],
        body: r#"{"id":"notif_1","topic":"contact.created"}"#,
        event_id: Some("notif_1"), event_type: Some("contact.created"),
    },
    Vector {
        provider: "jira", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-hub-signature", "sha256=5e6014b1f7e668129f6ffdc7a9b52116a0196873c893b64da5c4ce58e1379ac2"), ("x-atlassian-webhook-identifier", "j_1")],
        body: r#"{"webhookEvent":"jira:issue_created"}"#,
        event_id: Some("j_1"), event_type: Some("jira:issue_created"),
    },
    Vector {
        provider: "bitbucket", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-hub-signature", "sha256=f7c685e0bb41dd817155ebf4833e10dfe935c2ba5db09da9d6ba7772171db6d5"), ("x-request-uuid", "u_1"), ("x-event-key", "repo:push")],
        body: r#"{"push":{}}"#,
        event_id: Some("u_1"), event_type: Some("repo:push"),
    },
    Vector {
        provider: "notion", secret: "secret_fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-notion-signature", "sha256=d701cc79491b9256fac30c8c1f4fc42626b1cd6ca2bffe1920a01c80f729ad69")],
        body: r#"{"id":"n_1","type":"page.created"}"#,
        event_id: Some("n_1"), event_type: Some("page.created"),
    },
    Vector {
        provider: "meta", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-hub-signature-256", "sha256=1208bdc5a6c58116f0ccf48bdc2139870a55e488ad73b8dd17b0acc89d4d0d3f")],
        body: r#"{"object":"page","entry":[]}"#,
        event_id: None, event_type: Some("page"),
    },
    Vector {
        provider: "whatsapp", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-hub-signature-256", "sha256=1208bdc5a6c58116f0ccf48bdc2139870a55e488ad73b8dd17b0acc89d4d0d3f")],
        body: r#"{"object":"page","entry":[]}"#,
        event_id: None, event_type: Some("page"),
    },
    Vector {
        provider: "line", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-line-signature", "BZ8uiLqZgTR1VQoR8Ymn2QSIWnpvW7j9yYY/WJQYyKE=")],
        body: r#"{"destination":"U1","events":[]}"#,
        event_id: None, event_type: None,
    },
    Vector {
        provider: "razorpay", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-razorpay-signature", "5024d7b5a9a83261e41ea3c28da618eb23b7985bbd7bd25b1ad3eba0c9f002e1"), ("x-razorpay-event-id", "rzp_1")],
        body: r#"{"event":"payment.captured"}"#,
        event_id: Some("rzp_1"), event_type: Some("payment.captured"),
    },
    Vector {
        provider: "gocardless", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("webhook-signature", "5f0ce8d74c76a90daf5df96b0dd602f9b271dd683e736227098409f88d9cccca")],
        body: r#"{"events":[],"meta":{"webhook_id":"WB1"}}"#,
        event_id: Some("WB1"), event_type: None,
    },
    Vector {
        provider: "coinbase-commerce", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-cc-webhook-signature", "31d78ec8e6c6ad573639a2c6dc06bd52708f4f147224ef7218697f41ac54cb79")],
        body: r#"{"id":1,"event":{"id":"cc_1","type":"charge:confirmed"}}"#,
        event_id: Some("cc_1"), event_type: Some("charge:confirmed"),
    },
    Vector {
        provider: "dropbox", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-dropbox-signature", "626347d7195ffe37a1d959fb1d7d1d4e9b9129fcdc100a573a9f34c2bbbf180c")],
        body: r#"{"list_folder":{"accounts":[]}}"#,
        event_id: None, event_type: None,
    },
    Vector {
        provider: "cal.com", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-cal-signature-256", "aee237eee4a59feff2ba50deb9bf28b6bdb8db4326b1cdeb711c0c2323a52401")],
        body: r#"{"triggerEvent":"BOOKING_CREATED"}"#,
        event_id: None, event_type: Some("BOOKING_CREATED"),
    },
    Vector {
        provider: "clickup", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-signature", "c3b7438d52556453373ef6592eb0a8ea1262bdc8f2f2f65f09497fd5a4cc5794")],
        body: r#"{"event":"taskCreated"}"#,
        event_id: None, event_type: Some("taskCreated"),
    },
    Vector {
        provider: "lemonsqueezy", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-signature", "2da813eeb4f71c2d708236668b844c9126d93a7a043499fb069a0808cb48fff2")],
        body: r#"{"meta":{"event_name":"order_created"}}"#,
        event_id: None, event_type: Some("order_created"),
    },
    Vector {
        provider: "helpscout", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-helpscout-signature", "/fo5Sq2ug4Pa6Y6ujKgv/nXhkvM="), ("x-helpscout-event", "convo.created")],
        body: r#"{"id":7}"#,
        event_id: None, event_type: Some("convo.created"),
    },
    Vector {
        provider: "webex", secret: "fake-secret-for-tests", now_ms: 1760000000000,
        headers: &[("x-spark-signature", "c94da0a82a8a09714d78151d14e8de4b8e35d04a")],
        body: r#"{"id":"the webhook","resource":"messages","event":"created"}"#,
        event_id: None, event_type: Some("messages"),
    },
    Vector {
        provider: "onfleet", secret: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", now_ms: 1760000000000,
        headers: &[("x-onfleet-signature", "acd4e0adcb8d0bdaa176a3bc2bd5fdda3433b30e94c9fe1aef0fadf45f9e6bd7a498b1b982f2b3a8f13f5b6fa654157749993758bc6d7b239713ec3ceea73215")],
        body: r#"{"triggerName":"taskCompleted"}"#,
        event_id: None, event_type: Some("taskCompleted"),
    },
];
