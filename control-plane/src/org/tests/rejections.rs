//! Refused requests: shown, counted, bounded, and told once when they are too many.

use super::*;
use crate::org::notices::{Facts, Notice, NoticeMail, address, prepare_notice_mail};
use crate::org::outbox::{Task, done, failed, next};
use protocol::call::Rejections;

const PERIOD: u64 = 300_000;

impl Tenant {
    fn reject(&self, source: &SourceId, ip: &str, reason: &str, count: u64) -> Result<Reply, AppError> {
        let report = Rejections {
            source: source.clone(),
            code: "signature_invalid".into(),
            reason: reason.into(),
            count,
        };
        let mut call = call(Principal::Anonymous, Operation::RecordRejections(Box::new(report)));
        call.client.ip = ip.into();
        handle(self.context(&call), b"")
    }

    fn rejections(&self, source: &SourceId) -> Json {
        let page = Page { limit: Some(Page::MAX), cursor: None };
        self.ok(Operation::ListRejections { id: source.clone(), page }, &Json::Null)["data"].take()
    }

    fn source_json(&self, source: &SourceId) -> Json {
        self.ok(Operation::GetSource { id: source.clone() }, &Json::Null)
    }
}

fn alerts(tenant: &Tenant) -> u64 {
    let count = "SELECT COUNT(*) FROM audit WHERE action = 'source.signature_failures'";
    tenant.sql.exec(count, &[]).unwrap()[0].number(0).unwrap()
}

#[test]
fn requests_of_one_cause_and_sender_are_one_row_a_minute() {
    let mut tenant = Tenant::new(1);
    let id = tenant.new_source();
    tenant.reject(&id, "192.0.2.7", "no signature", 1).unwrap();
    tenant.now_ms += 1000;
    tenant.reject(&id, "192.0.2.7", "no signature", 4).unwrap();
    tenant.reject(&id, "192.0.2.8", "no signature", 1).unwrap();
    tenant.reject(&id, "192.0.2.7", "another secret", 1).unwrap();
    tenant.now_ms += 60_000;
    tenant.reject(&id, "192.0.2.7", "no signature", 1).unwrap();
    let rows = tenant.rejections(&id);
    let seen: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["ip"].clone(), row["count"].clone())).collect();
    let expected = [("192.0.2.7", 1), ("192.0.2.7", 1), ("192.0.2.8", 1), ("192.0.2.7", 5)];
    assert_eq!(seen, expected.map(|(ip, count)| (json!(ip), json!(count))));
    assert_eq!(rows[3]["at"], protocol::time::rfc3339(NOW + 1000), "of the last one");
    assert_eq!((&rows[3]["user_agent"], &rows[3]["code"]), (&json!("test"), &json!("signature_invalid")));
    let source = tenant.source_json(&id);
    assert_eq!((&source["rejected_count"], &source["alerting_since"]), (&json!(8), &Json::Null));
    assert_eq!(source["last_rejected_at"], protocol::time::rfc3339(NOW + 61_000));
}

#[test]
fn a_flood_is_bounded_in_rows_text_and_work() {
    let tenant = Tenant::new(1);
    let (id, other) = (tenant.new_source(), tenant.new_source());
    tenant.reject(&other, "192.0.2.1", "untouched", 1).unwrap();
    let mut worst = 0;
    for number in 0..300 {
        let before = tenant.sql.cost();
        tenant.reject(&id, &format!("2001:db8::{number:x}"), &"x".repeat(5000), u64::MAX).unwrap();
        let after = tenant.sql.cost();
        if number > 120 {
            assert!(after.0 - before.0 <= 5, "statements");
            worst = worst.max(after.1 - before.1);
        }
    }
    assert!(worst < 6_000, "{worst} steps");
    assert_eq!(tenant.count("rejections"), 101);
    let rows = tenant.rejections(&id);
    assert_eq!(
        (rows[0]["ip"].as_str(), rows[99]["ip"].as_str()),
        (Some("2001:db8::12b"), Some("2001:db8::c8"))
    );
    assert_eq!(rows[0]["reason"].as_str().unwrap().len(), 300);
    assert_eq!(rows[0]["count"], 1_000_000);
}

#[test]
fn c6_too_many_are_told_once_until_a_period_has_passed_without() {
    let mut tenant = Tenant::new(1);
    let id = tenant.new_source();
    tenant.ok(Operation::CreateEndpoint, &json!({ "url": "https://hooks.example.com/own" }));
    for _ in 0..10 {
        tenant.reject(&id, "192.0.2.7", "x", 1).unwrap();
    }
    assert_eq!((alerts(&tenant), tenant.count("outbox"), tenant.count("messages")), (0, 0, 0));
    assert!(take_detected(&tenant.limits).is_empty());
    tenant.reject(&id, "192.0.2.7", "x", 1).unwrap();
    assert_eq!((alerts(&tenant), tenant.count("outbox"), tenant.count("messages")), (1, 1, 1));
    let event = tenant.last_event();
    assert_eq!((&event["actor"], &event["metadata"]["count"]), (&json!(id), &json!(11)));
    let lines = take_detected(&tenant.limits);
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0]["detection"], &lines[0]["org"], &lines[0]["source"], &lines[0]["count"]),
        (&json!("webhook_signature_failures"), &json!(tenant.org), &json!(id), &json!(11))
    );
    assert_eq!(tenant.source_json(&id)["alerting_since"], protocol::time::rfc3339(NOW));

    // It goes on for an hour: nobody is told again.
    for _ in 0..360 {
        tenant.now_ms += 10_000;
        tenant.reject(&id, "192.0.2.7", "x", 1).unwrap();
    }
    assert_eq!((alerts(&tenant), tenant.count("outbox"), tenant.count("messages")), (1, 1, 1));
    assert_eq!(tenant.source_json(&id)["alerting_since"], protocol::time::rfc3339(NOW));
    tenant.now_ms += PERIOD - 1;
    assert!(tenant.source_json(&id)["alerting_since"].is_string());
    tenant.now_ms += 1;
    assert!(tenant.source_json(&id)["alerting_since"].is_null(), "over, without anybody calling");

    // A few are nothing; many are a new alarm.
    tenant.now_ms += PERIOD;
    tenant.reject(&id, "192.0.2.7", "x", 5).unwrap();
    assert!(tenant.source_json(&id)["alerting_since"].is_null());
    tenant.reject(&id, "192.0.2.7", "x", 50).unwrap();
    assert_eq!((alerts(&tenant), tenant.count("outbox"), tenant.count("messages")), (2, 2, 2));
    assert_eq!(take_detected(&tenant.limits).len(), 1);
    // One that flares up again at once is a new alarm, but no new mail within the hour.
    tenant.now_ms += 3 * PERIOD;
    tenant.reject(&id, "192.0.2.7", "x", 50).unwrap();
    assert_eq!((alerts(&tenant), tenant.count("outbox"), tenant.count("messages")), (3, 2, 3));
    assert!(tenant.verify_audit().ok);
}

/// Mail about it is due at once, though the edge reports it and nobody calls.
#[test]
fn an_alarm_of_the_edges_wakes_the_object_for_its_mail() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    assert!(!leaves_work(&Operation::Me, &tenant.limits));
    tenant.reject(&id, "192.0.2.7", "x", 10).unwrap();
    assert!(!leaves_work(&Operation::Me, &tenant.limits), "nothing to do yet");
    let woken = new_tasks(&tenant.limits);
    tenant.reject(&id, "192.0.2.7", "x", 1).unwrap();
    assert_eq!(tenant.count("outbox"), 1);
    assert!(leaves_work(&Operation::Me, &tenant.limits));
    assert!(futures_util::FutureExt::now_or_never(woken).is_some(), "an alarm that is busy is told");
    assert!(!leaves_work(&Operation::Me, &tenant.limits), "once");
}

#[test]
fn every_administrator_gets_a_mail_of_their_own() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    tenant.add_admin(&user(8));
    tenant.add_member(&user(9));
    tenant.reject(&id, "192.0.2.7", "x", 11).unwrap();
    let call = call(Principal::Anonymous, Operation::Me);
    let (number, Task::MailNotice { notice }) = next(tenant.store(), NOW).unwrap().unwrap() else { panic!() };
    assert_eq!(notice, Notice::SignatureFailures { source: id.clone() });
    assert_eq!(
        notice.path(),
        format!("/sources/{id}#rejections"),
        "its own page, where the refused ones stand"
    );
    address(tenant.context(&call), &notice).unwrap();
    done(tenant.store(), number).unwrap();

    let mut mailed = Vec::new();
    while let Some((number, Task::MailNoticeTo { notice, user })) = next(tenant.store(), NOW).unwrap() {
        let mail = prepare_notice_mail(tenant.context(&call), &notice, &user).unwrap().unwrap();
        let facts = Facts::SignatureFailures { source: "s".into(), provider: "GitHub".into() };
        assert_eq!(mail, NoticeMail { to: mail.to.clone(), workspace: "Acme".into(), facts });
        mailed.push(mail.to);
        // One that cannot be sent is given up after a day.
        failed(tenant.store(), number, NOW + DAY - 1, false).unwrap();
        assert!(tenant.count("outbox") >= 1);
        failed(tenant.store(), number, NOW + DAY, false).unwrap();
    }
    mailed.sort();
    assert_eq!(mailed, [user(1).email, user(8).email]);
    assert_eq!(tenant.count("outbox"), 0);
    // Who is no administrator any more, or of what is no more, gets none.
    let prepare = |user: &UserId| prepare_notice_mail(tenant.context(&call), &notice, user).unwrap();
    assert_eq!(prepare(&user(9).id), None);
    tenant.ok(Operation::DeleteSource { id }, &Json::Null);
    assert_eq!(prepare(&user(1).id), None);
}

#[test]
fn the_mail_of_a_disabled_endpoint_says_why_while_it_is_disabled() {
    let tenant = Tenant::new(1);
    let created =
        tenant.ok(Operation::CreateEndpoint, &json!({ "url": "https://hooks.example.com/secret-path" }));
    let endpoint = protocol::EndpointId::parse(created["id"].as_str().unwrap()).unwrap();
    let notice = Notice::EndpointDisabled { endpoint };
    let call = call(Principal::Anonymous, Operation::Me);
    let facts = || {
        let mail = prepare_notice_mail(tenant.context(&call), &notice, &user(1).id).unwrap();
        mail.map(|mail| mail.facts)
    };
    assert_eq!(facts(), None);
    for (reason, is_gone) in [("gone", true), ("failing", false)] {
        let disable = "UPDATE endpoints SET disabled_at = 1, disabled_reason = ?";
        tenant.sql.exec(disable, &[reason.into()]).unwrap();
        let host = "hooks.example.com".to_owned();
        assert_eq!(facts(), Some(Facts::EndpointDisabled { host, is_gone }));
    }
}

#[test]
fn an_installation_without_mail_leaves_no_task() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    let report = Rejections { source: id, code: "signature_invalid".into(), reason: "x".into(), count: 50 };
    let call = call(Principal::Anonymous, Operation::RecordRejections(Box::new(report)));
    handle(Context { mail_enabled: false, ..tenant.context(&call) }, b"").unwrap();
    assert_eq!((alerts(&tenant), tenant.count("outbox")), (1, 0));
}

#[test]
fn only_the_edge_reports_and_only_of_a_source_that_is_there() {
    let (tenant, other) = (Tenant::new(1), Tenant::new(2));
    let id = tenant.new_source();
    assert_eq!(code(other.reject(&id, "192.0.2.1", "x", 1)), Code::NotFound);
    let report = Rejections { source: id.clone(), code: "anything <b>".into(), reason: "x".into(), count: 0 };
    let record = Operation::RecordRejections(Box::new(report));
    assert_eq!(code(tenant.call(&tenant.founder, record.clone(), &Json::Null)), Code::Forbidden);
    tenant.call(&Principal::Anonymous, record, &Json::Null).unwrap();
    let row = tenant.rejections(&id)[0].take();
    assert_eq!((&row["code"], &row["count"]), (&json!("signature_invalid"), &json!(1)));
    let list = Operation::ListRejections { id, page: Page::default() };
    assert_eq!(code(other.call(&other.founder, list, &Json::Null)), Code::NotFound);
}

#[test]
fn refusals_past_their_retention_go() {
    let mut tenant = Tenant::new(1);
    let id = tenant.new_source();
    tenant.reject(&id, "192.0.2.1", "x", 1).unwrap();
    tenant.now_ms += (u64::from(tenant.config.retention.inbound_events_days) + 1) * DAY;
    tenant.founder = tenant.sign_in(&user(1));
    assert_eq!(tenant.rejections(&id), json!([]));
    let call = call(Principal::Anonymous, Operation::Me);
    purge(tenant.context(&call)).unwrap();
    assert_eq!(tenant.count("rejections"), 0);
}
