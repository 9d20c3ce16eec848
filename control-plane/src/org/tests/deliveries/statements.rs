//! What a delivery costs: few statements, each by an index, however much there is to deliver.

use super::*;
use crate::org::deliveries::{hold, rearm, release, reorder, skip};
use crate::store::Sql;

/// A database that keeps what was asked of it.
struct Watched<'a> {
    sql: &'a Native,
    asked: RefCell<Vec<(String, usize)>>,
}

impl Sql for Watched<'_> {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        self.asked.borrow_mut().push((statement.to_owned(), parameters.len()));
        self.sql.exec(statement, parameters)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), SqlError> {
        self.sql.atomically(body)
    }
}

impl Watched<'_> {
    /// Every statement that reads a table from its beginning to its end.
    fn scans(&self) -> Vec<String> {
        let asked: std::collections::BTreeSet<_> = self.asked.borrow().iter().cloned().collect();
        asked.into_iter().filter_map(|(statement, parameters)| self.scan(&statement, parameters)).collect()
    }

    fn scan(&self, statement: &str, parameters: usize) -> Option<String> {
        let nulls = vec![Value::Null; parameters];
        let plan = self.sql.exec(&format!("EXPLAIN QUERY PLAN {statement}"), &nulls).unwrap();
        let lines: Vec<_> = plan.iter().map(|row| row.text(3).unwrap().to_owned()).collect();
        let is_scan = |line: &String| {
            let known = ["CONSTANT ROW", "busy", "b", "org", "json_each", "audit"];
            line.strip_prefix("SCAN ").is_some_and(|rest| !known.contains(&rest.split(' ').next().unwrap()))
                && !line.starts_with("SCAN CONSTANT ROW")
        };
        lines.iter().any(is_scan).then(|| format!("{statement}\n{}", lines.join("\n")))
    }
}

/// Messages to all endpoints, and behind them so many more that do not open: to seal each takes time.
fn fill(tenant: &Tenant, real: usize, messages: usize) {
    let first = publish(tenant, real).remove(0);
    let copies = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages}) \
         INSERT INTO messages SELECT 'msg_' || printf('%026d', i), event_type, customer_id, NULL, size, created_at, sealed \
         FROM n, messages WHERE id = ?"
    );
    tenant.sql.exec(&copies, &[first.as_str().into()]).unwrap();
    let deliveries = "INSERT INTO deliveries (message_id, endpoint_id, lane, status, due_at) \
         SELECT m.id, e.id, '', 'pending', ? FROM messages m, endpoints e WHERE m.id < 'msg_00000000000000000001'";
    tenant.sql.exec(deliveries, &[NOW.into()]).unwrap();
}

#[test]
fn a_backlog_makes_no_statement_longer_and_none_more() {
    let cost = |messages| {
        let tenant = Tenant::new(1);
        for i in 0..20 {
            endpoint(&tenant, &format!("https://h{i}.example.com"));
        }
        fill(&tenant, 20, messages);
        let watched = Watched { sql: &tenant.sql, asked: RefCell::default() };
        let call = call(Principal::Anonymous, Operation::Me);
        let ctx = Context { store: Store::new(&watched), ..tenant.context(&call) };
        let receivers = Receivers::new(|_| status(200));
        assert!(receivers.run(deliver(ctx, &receivers), 60).is_none());
        let scans = watched.scans();
        assert!(scans.is_empty(), "{}", scans.join("\n\n"));
        (receivers.posts(), watched.asked.borrow().len())
    };
    let (few, many) = (cost(30), cost(10_000));
    assert_eq!(few, many);
    assert!(many.1 <= many.0 * 8 + 60, "8 a delivery, and a few for a turn: {many:?}");
}

#[test]
fn what_changes_a_queue_goes_by_an_index() {
    let tenant = Tenant::new(1);
    let source = tenant.ok(
        Operation::CreateSource,
        &json!({ "name": "s", "provider": "github", "secret": "fake-source-secret" }),
    );
    let source = SourceId::parse(source["id"].as_str().unwrap()).unwrap();
    let id = id_of(&create(
        &tenant,
        &json!({ "url": "https://example.com", "sources": [source], "ordered": true }),
    ));
    let own = endpoint(&tenant, "https://own.example.com");
    let watched = Watched { sql: &tenant.sql, asked: RefCell::default() };
    let call = call(Principal::Anonymous, Operation::Me);
    let ctx = Context { store: Store::new(&watched), ..tenant.context(&call) };
    let publish = |audience| {
        let id = MessageId::new(NOW, crate::context::random().unwrap());
        let content = Content::Payload("{}");
        ctx.store
            .transaction(|tx| {
                enqueue(ctx, tx, &Outgoing { id: &id, event_type: "test", audience, content, keep: true })?;
                tx.commit(&ctx.subject("system"), Event::new("test", ""), ())
            })
            .unwrap();
        id
    };
    publish(Audience::Customer(None));
    publish(Audience::Customer(Some("c")));
    publish(Audience::Endpoint { id: &own, customer: None });
    let message = publish(Audience::Source { id: &source, paused: false });
    ctx.store
        .transaction(|tx| {
            rearm(ctx, tx, &message, &id)?;
            hold(tx, &source)?;
            release(ctx, tx, &source)?;
            reorder(ctx, tx, &id)?;
            skip(ctx, tx, &message, &id)?;
            tx.commit(&ctx.subject("system"), Event::new("test", ""), ())
        })
        .unwrap();
    next_due(ctx.store).unwrap();
    let scans = watched.scans();
    // A pause looks at each endpoint once: it is rare, and who got the source's events before gets them no longer.
    let unexpected: Vec<_> = scans.iter().filter(|scan| !scan.contains("SCAN e")).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    assert!(scans.len() <= 2, "{scans:#?}");
}

#[test]
fn a_queue_is_put_in_order_in_one_pass_whichever_lanes_it_has() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    fill(&tenant, 1, 5_000);
    tenant.sql.exec("UPDATE deliveries SET lane = CAST(rowid % 3 AS TEXT)", &[]).unwrap();
    let oldest = "SELECT SUM(first) FROM (SELECT MIN(rowid) AS first FROM deliveries GROUP BY lane)";
    let oldest = number(&tenant, oldest);
    tenant.sql.exec("UPDATE endpoints SET ordered = 1", &[]).unwrap();
    let watched = Watched { sql: &tenant.sql, asked: RefCell::default() };
    let call = call(Principal::Anonymous, Operation::Me);
    let ctx = Context { store: Store::new(&watched), ..tenant.context(&call) };
    ctx.store
        .transaction(|tx| {
            reorder(ctx, tx, &id)?;
            tx.commit(&ctx.subject("system"), Event::new("test", ""), ())
        })
        .unwrap();
    let due = "SELECT COUNT(*), SUM(rowid) FROM deliveries WHERE due_at IS NOT NULL";
    let due = &tenant.sql.exec(due, &[]).unwrap()[0];
    assert_eq!((due.number(0), due.number(1)), (Ok(3), Ok(oldest)));

    let asked = watched.asked.borrow();
    let (hold, _) = asked.iter().find(|(statement, _)| statement.contains("GROUP BY lane")).unwrap();
    let plan = tenant.sql.exec(&format!("EXPLAIN QUERY PLAN {hold}"), &[id.as_str().into()]).unwrap();
    assert!(plan.iter().all(|row| !row.text(3).unwrap().contains("CORRELATED")));
}

/// `cargo test -p control-plane --lib throughput -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "native alone")]
fn throughput() {
    for messages in [100, 10_000] {
        let tenant = Tenant::new(1);
        for i in 0..20 {
            endpoint(&tenant, &format!("https://h{i}.example.com"));
        }
        fill(&tenant, 100, messages);
        let receivers = Receivers::new(|_| status(200));
        let begun = std::time::Instant::now();
        let call = call(Principal::Anonymous, Operation::Me);
        receivers.run(deliver(tenant.context(&call), &receivers), 1800);
        let per_second = receivers.posts() as f64 / begun.elapsed().as_secs_f64();
        println!("{messages} messages to 20 endpoints: {} sent, {per_second:.0} a second", receivers.posts());
    }
}
