use super::*;
use crate::tests::fetched::{EXPIRED, GOOD, NOW, OTHER, check, pem, pending, sign, sign_expired};
use serde_json::{Value, json};

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:MyTopic";
const URL: &str =
    "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem";
/// Made with OpenSSL over strings put together by Python.
const SHA256: &str = "ctz66vAy8UrE054W6p6f29EWhRS9Ft78p7PRAna5ii+OmOj8CsN+kZY2PzP1lWtlS/eP8WPyzWnGcbMKR+L8meWYAS9KBCChFxySLrqRbxbD1zuMmcZg6tEWrYbwLue9L941oRp3xVpRn3JiuEfxWdYXPbi5TWPjoUxlblNIoieXuiX/F+kggDKbJoVpBtkpgo1Xv1aqS3F/7zwX2/gFE1xtiWsQtYw7BAV6iJzfNyGGwNIVTbipKshrPIkHmRmXNuzC6OkYfHsZ5NprJycmlMEPoeNdRs9VswfMzC22KPBaRMs4QL7uO16BzOYYkoiaQlD1nn9i+wlHAdduqy9KOA==";
const SHA1: &str = "qwolEDJ6cAF3fIM3GPeM2P7yzYu+kPB5iZbTBOe+mVlxKBC+MwDDTUumrlYG+9pdlQuj+Dh8zJ3CA+8IWZblkUi4pqZuwz5y2PGqGpJoeZ9zDkCKjdPDzYcOVSfYo0q5JvdY85ZJjTqsRXA/gujuFBrigV0Q3DytX2eEHFWcFgqGTGqHFWw6/SIPj4yTCu7bfE4Cid7lqMnMRdurOgC91aMjhtMVg4OTBIo1NviOe3u1ZveUx0G/Dof1nW8uiWGNCoOrdqacVw6IDY7/gpihYJ/qn7cuqlMwF6QBoTsAKDPL1DcaZo4fSlPsmdUOyS42LuR5Qvtex/ziqwb2lKRPqA==";
const WITHOUT_SUBJECT: &str = "miliUs8rcnbXickpNtSKqwkaOQB739Dn+NaOsJeV/9sWSfbBoltGN7f3bndkfgfm9H83nm3g2DI4rKePa5V3B0q4cWgYhVW0XlS5Vxuy+yzWcauKbvGtOIXx+clThQUqXn2dCE2ZHRDecVsrnsTBxJ79IHuwQDylbZTiYkqAmjzRovhB+PvHtyDmP1c0LNoO9T+YO4sc1mjgMt90SnkqezgppyUFVE72R6VO1tEloaQpiMc++ALDKq7F+cnUPR1Or3/SfAmpf87kjewNOjz7PaqYT/PVUMnNyev/0k+WQPrSTyq8UBJl1N4BpIDQgFJl2KplqVAYFtzvRa9E3g/zxw==";
const CONFIRMATION: &str = "VmpXOqEBDaVK+iscOU0Z0gDwoQCXCjLP6zVUAhebIKmqA/74wVTBchgChY4DYPK8RYUU0INFdD7Ub6GgUoxdZyVU6HG/m8Bb7cpj7trCO6AmhDfvS3tHrRZfLowSZZbfRh5RuOiRNQUJ6pCHV7JFX4xMe0EfM6TGKPHf8xLcXetPslWfK3jb70ThMvFsCNtwvS4eFvEtijzdm+qMkmQmGvDZniqpOUgtMKWGMFjiBfOtyaasQaGusBFZYGvgI4ekCH2fmwE3jicbp8vDyLetMRtrDbXu8lxPMyO8+H/1LvP8CvbSPEn44GOa0NkPUJKqK22Ml6Wk+r0e6R/xSPo/Qg==";

fn notification() -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "My First Message",
        "Message": "Hello\nworld \u{e9}!",
        "Timestamp": "2025-10-09T08:53:20.123Z",
        "SignatureVersion": "2",
        "Signature": SHA256,
        "SigningCertURL": URL,
        "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x",
    })
}

fn confirmation() -> Value {
    json!({
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe",
        "SubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f37",
        "Timestamp": "2025-10-09T08:53:20.123Z",
        "SignatureVersion": "2",
        "Signature": CONFIRMATION,
        "SigningCertURL": URL,
    })
}

fn ask(body: &Value) -> Result<crate::Verified, Refusal> {
    ask_at(body, NOW)
}

fn ask_at(body: &Value, now_ms: u64) -> Result<crate::Verified, Refusal> {
    check("aws-sns", &[TOPIC], &[], body.to_string().as_bytes(), &pem(GOOD), now_ms)
}

/// Signs again what was changed, as Amazon would.
fn signed(mut body: Value) -> Value {
    let envelope: Envelope = serde_json::from_value(body.clone()).unwrap();
    let signature = sign(envelope.signed().unwrap().as_bytes());
    body["Signature"] = Encoding::Base64.encode(&signature).into();
    body
}

#[test]
fn n4_messages_of_both_versions_are_verified() {
    let pending = pending("aws-sns", &[TOPIC], &[], notification().to_string().as_bytes()).unwrap();
    assert_eq!(pending.key, KeySource::Certificate(URL.into()));
    let verified = pending.verify(&pem(GOOD), NOW).unwrap();
    assert_eq!(verified.event_id.as_deref(), Some("22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"));
    assert_eq!((verified.event_type.as_deref(), verified.confirm_url), (Some("Notification"), None));
    assert!(verified.event_id_signed);

    let mut first = notification();
    first["SignatureVersion"] = "1".into();
    assert_eq!(ask(&first), Err(Refusal::SignatureInvalid), "a version is not another's");
    first["Signature"] = SHA1.into();
    assert!(ask(&first).is_ok());

    let mut plain = notification();
    plain.as_object_mut().unwrap().remove("Subject");
    plain["Signature"] = WITHOUT_SUBJECT.into();
    assert!(ask(&plain).is_ok());
    plain["Subject"] = Value::Null;
    assert!(ask(&plain).is_ok());
}

#[test]
fn a_subscription_is_confirmed_at_amazon_by_a_signed_url() {
    let verified = ask(&confirmation()).unwrap();
    assert_eq!(verified.confirm_url.as_deref(), confirmation()["SubscribeURL"].as_str());
    let mut changed = confirmation();
    changed["SubscribeURL"] =
        "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=x".into();
    assert_eq!(ask(&changed), Err(Refusal::SignatureInvalid));
    for url in [
        "http://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=x",
        "https://sns.us-west-2.amazonaws.com.evil.com/?Action=ConfirmSubscription&Token=x",
        "https://sns.s3-us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=x",
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x",
        "https://sns.us-west-2.amazonaws.com:444/?Action=ConfirmSubscription&Token=x",
        "https://evil.com/?Action=ConfirmSubscription&Token=x",
        "https://u@sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=x",
        "https://sns.us-west-2.amazonaws.com/x?Action=ConfirmSubscription&Token=x",
        "https://sns.us-west-2.amazonaws.com/?Action=DeleteTopic&Token=x",
        "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&x=<y>",
        "https://sns.us-west-2.amazonaws.com/",
    ] {
        let mut elsewhere = confirmation();
        elsewhere["SubscribeURL"] = url.into();
        // Even where it is signed: whoever has the key is not asked to fetch from elsewhere.
        assert_eq!(ask(&signed(elsewhere)), Err(Refusal::KeyUrlRefused), "{url}");
    }
    let mut ended = confirmation();
    ended["Type"] = "UnsubscribeConfirmation".into();
    assert_eq!(ask(&signed(ended)).unwrap().confirm_url, None, "is an event");
}

/// Each signed field, changed, missing, empty, of another type, or there twice.
#[test]
fn n4_a_message_that_was_changed_anywhere_is_refused() {
    for original in [notification(), confirmation()] {
        for field in original.as_object().unwrap().keys().filter(|field| *field != "UnsubscribeURL") {
            for value in ["", "x", "\n", "2025-10-09T08:53:21.123Z"].map(Value::from).into_iter().chain([
                Value::Null,
                json!(1),
                json!([original[field]]),
                json!({ "a": 1 }),
            ]) {
                let mut changed = original.clone();
                changed[field] = value.clone();
                assert!(ask(&changed).is_err(), "{field} {value}");
            }
            let mut without = original.clone();
            without.as_object_mut().unwrap().remove(field);
            assert!(ask(&without).is_err(), "{field}");
            let twice = original.to_string().replacen('{', &format!("{{\"{field}\":{},", original[field]), 1);
            let refused = check("aws-sns", &[TOPIC], &[], twice.as_bytes(), &pem(GOOD), NOW);
            assert_eq!(refused, Err(Refusal::SignatureMissing), "{field} twice");
        }
    }
    let refused = check("aws-sns", &[TOPIC], &[], notification().to_string().as_bytes(), &pem(OTHER), NOW);
    assert_eq!(refused, Err(Refusal::SignatureInvalid));
    for body in ["", "[]", "null", "raw message", "{}"] {
        let refused = check("aws-sns", &[TOPIC], &[], body.as_bytes(), &pem(GOOD), NOW);
        assert_eq!(refused, Err(Refusal::SignatureMissing), "{body}");
    }
}

/// The same signed string cut elsewhere: what was part of the message as fields of their own, and the other way round.
#[test]
fn n4_a_signed_string_can_be_read_in_one_way_alone() {
    let mut long = notification();
    long["Message"] = "a\nMessageId\nforged\nSubject\nb".into();
    let long = signed(long);
    assert!(ask(&long).is_ok());
    let mut cut = long.clone();
    cut["Message"] = "a".into();
    cut["MessageId"] = "forged\nSubject\nb\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324".into();
    assert!(ask(&cut).is_err());
    let mut subject = long.clone();
    subject["Message"] = "a".into();
    subject["MessageId"] = "forged".into();
    subject["Subject"] =
        "b\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nMy First Message".into();
    assert_eq!(ask(&subject), Err(Refusal::SignatureMalformed), "it would verify");
}

/// Everybody's topics are signed with the same keys.
#[test]
fn n4_a_genuine_message_of_another_topic_is_refused() {
    for topic in
        ["arn:aws:sns:us-west-2:123456789012:mytopic", "arn:aws:sns:us-west-2:999999999999:MyTopic", "*"]
    {
        let mut other = notification();
        other["TopicArn"] = topic.into();
        assert_eq!(ask(&signed(other)), Err(Refusal::AnotherTopic), "{topic}");
    }
    let other = "arn:aws:sns:us-west-2:123456789012:Other";
    let body = notification().to_string();
    let both = check("aws-sns", &[other, TOPIC], &[], body.as_bytes(), &pem(GOOD), NOW);
    assert_eq!(both.unwrap().secret_index, 1);
    assert_eq!(check("aws-sns", &[], &[], body.as_bytes(), &pem(GOOD), NOW), Err(Refusal::NoSecret));
}

#[test]
fn n4_a_certificate_is_fetched_from_the_service_alone() {
    for url in [
        "https://sns.us-west-2.amazonaws.com.evil.com/SimpleNotificationService-1.pem",
        "https://sns.evil.com/SimpleNotificationService-1.pem",
        "https://evil.com/SimpleNotificationService-1.pem",
        "https://user@sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com@evil.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com:443/SimpleNotificationService-1.pem",
        "http://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns..amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.amazonaws.com/SimpleNotificationService-1.pem",
        "https://xsns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com/other.pem",
        "https://sns.us-west-2.amazonaws.com/x/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem.exe",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem?x",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem#x",
        "https://sns.us-west-2.amazonaws.com/?Action=GetFile&x=SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com",
        "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.s3-website-us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com.cn/SimpleNotificationService-1.pem",
        "",
    ] {
        let mut elsewhere = notification();
        elsewhere["SigningCertURL"] = url.into();
        assert_eq!(ask(&elsewhere), Err(Refusal::KeyUrlRefused), "{url}");
    }
    for (topic, host) in [
        ("arn:aws-cn:sns:cn-north-1:123456789012:T.fifo", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:T", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws:sns:ap-southeast-5:123456789012:T", "sns.ap-southeast-5.amazonaws.com"),
    ] {
        assert_eq!(host_of(topic).as_deref(), Some(host));
        let url = ["https://", host, "/SimpleNotificationService-1.pem"].concat();
        assert_eq!(certificate_url(&url, host), Some(url));
    }
    for region in ["s3-us-west-2", "s3", "us-west-2.s3", "us-west", "us--2", "", "website-us-2"] {
        assert_eq!(host_of(&format!("arn:aws:sns:{region}:123456789012:T")), None, "{region}");
    }
}

#[test]
fn n4_time_certificate_and_version_are_checked() {
    let (hour, at) = (3_600_000, NOW + 123);
    assert!(ask_at(&notification(), at + hour).is_ok());
    assert_eq!(ask_at(&notification(), at + hour + 1), Err(Refusal::TimestampTooOld));
    assert!(ask_at(&notification(), at - 300_000).is_ok());
    assert_eq!(ask_at(&notification(), at - 300_001), Err(Refusal::TimestampInFuture));

    let mut old = notification();
    let envelope: Envelope = serde_json::from_value(old.clone()).unwrap();
    let signature = sign_expired(envelope.signed().unwrap().as_bytes());
    old["Signature"] = Encoding::Base64.encode(&signature).into();
    let refused = check("aws-sns", &[TOPIC], &[], old.to_string().as_bytes(), &pem(EXPIRED), NOW);
    assert_eq!(refused, Err(Refusal::KeyExpired));

    for version in ["0", "3", "", "02"] {
        let mut odd = notification();
        odd["SignatureVersion"] = version.into();
        assert_eq!(ask(&odd), Err(Refusal::AlgorithmRefused), "{version}");
    }
    let mut huge = notification();
    huge["Signature"] = "A".repeat(1 << 20).into();
    assert_eq!(ask(&huge), Err(Refusal::SignatureMalformed));
    let mut long = notification();
    long["Message"] = "x".repeat(256 * 1024).into();
    assert!(ask(&signed(long)).is_ok(), "SNS's longest");
}

#[test]
fn what_is_no_topic_is_refused_when_it_is_pasted() {
    let sns = crate::provider("aws-sns").unwrap();
    for pasted in [
        "MyTopic",
        "arn:aws:sqs:us-west-2:123456789012:q",
        "arn:aws:sns:us-west-2:123456789012:T:subscription",
        "arn:aws:sns::1:T",
    ] {
        assert!(sns.parse_secret(pasted).is_err(), "{pasted}");
    }
    assert!(sns.parse_secret("arn:aws-cn:sns:cn-north-1:123456789012:T.fifo").is_ok());
}
