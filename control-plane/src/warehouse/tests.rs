//! Against a real PostgreSQL, and against servers that are none.

/// The test's cluster, or the end of the test where there is none.
macro_rules! cluster {
    () => {
        match Cluster::shared(SETUP) {
            Some(cluster) => cluster,
            None => return,
        }
    };
}

mod attacks;
mod cluster;
mod hostile;

use super::*;
use cluster::Cluster;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;
use tokio::net::TcpStream;

const PASSWORD: &str = "fake-password-of-the-tests";
const MAX_BYTES: usize = 1 << 20;
const STATEMENT_MS: u32 = 30_000;

const SETUP: &str = "
CREATE TABLE items (id int PRIMARY KEY, name text, price numeric, tags text[], meta jsonb, made timestamptz);
INSERT INTO items VALUES
  (1, 'one', 1.10, '{a,b}', '{\"x\": [1, null]}', '2026-01-02 03:04:05+00'), (2, 'zw\u{f6}lf \"\"', 2, '{}', NULL, NULL);
CREATE SEQUENCE counter;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE ROLE reader LOGIN PASSWORD 'fake-password-of-the-tests';
GRANT SELECT ON items TO reader;
CREATE ROLE writer LOGIN PASSWORD 'fake-password-of-the-tests';
GRANT SELECT, INSERT, UPDATE, DELETE ON items TO writer;
GRANT USAGE ON SEQUENCE counter TO writer;
";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn login(user: &str, password: &str, database: &str) -> Login {
    Login::new(user, &SecretString::from(password), database).unwrap()
}

async fn signed_in(cluster: &Cluster, user: &str) -> Result<Session<TcpStream>, Failure> {
    let stream = TcpStream::connect(("127.0.0.1", cluster.port)).await.unwrap();
    Session::open(stream, true, &login(user, PASSWORD, "postgres"), [7; 18]).await
}

async fn all<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    mut rows: Rows<S>,
) -> Result<String, Failure> {
    let mut answer = Vec::new();
    while let Some(piece) = rows.next().await? {
        answer.extend_from_slice(&piece);
    }
    Ok(String::from_utf8(answer).unwrap())
}

fn parameters(values: Value) -> Vec<Parameter> {
    serde_json::from_value(values).unwrap()
}

fn ask_as(
    cluster: &Cluster,
    user: &str,
    may_write: bool,
    query: &Query,
    max_bytes: usize,
) -> Result<Value, Failure> {
    block_on(async {
        let mut session = signed_in(cluster, user).await?;
        session.begin(may_write, STATEMENT_MS).await?;
        let answer = all(session.query(query, max_bytes).await?).await?;
        Ok(serde_json::from_str(&answer).unwrap())
    })
}

/// As the role that may only read.
fn ask(cluster: &Cluster, sql: &str, values: Value) -> Result<Value, Failure> {
    ask_as(cluster, "reader", false, &Query::new(sql, parameters(values), None).unwrap(), MAX_BYTES)
}

fn sqlstate(result: Result<Value, Failure>) -> String {
    match result {
        Err(Failure::Postgres(error)) => error.sqlstate,
        other => panic!("PostgreSQL did not refuse: {other:?}"),
    }
}

#[test]
fn rows_come_as_json_with_columns_in_order() {
    let cluster = cluster!();
    let answer =
        ask(cluster, "SELECT name, id, price, tags, meta, made FROM items ORDER BY id", json!([])).unwrap();
    assert_eq!(answer["columns"], json!(["name", "id", "price", "tags", "meta", "made"]));
    let first = json!(["one", 1, 1.10, ["a", "b"], {"x": [1, null]}, "2026-01-02T03:04:05+00:00"]);
    assert_eq!(answer["rows"][0], first);
    assert_eq!(answer["rows"][1][0], "zw\u{f6}lf \"\"");
    assert_eq!(answer["row_count"], 2);
    assert_eq!(answer["truncated"], false);

    let twice = ask(cluster, "SELECT 1 AS a, 2 AS b, 3 AS a", json!([])).unwrap();
    assert_eq!((&twice["columns"], &twice["rows"]), (&json!(["a", "b", "a"]), &json!([[1, 2, 3]])));
    let none = ask(cluster, "SELECT id, name FROM items WHERE false;  ; \n", json!([])).unwrap();
    assert_eq!(none, json!({"columns": ["id", "name"], "rows": [], "row_count": 0, "truncated": false}));
    for sql in [
        "VALUES (1), (2)",
        "TABLE items",
        "WITH x AS (SELECT 1 AS y) SELECT * FROM x",
        "(SELECT 1)",
        "SELECT",
    ] {
        assert!(ask(cluster, sql, json!([])).is_ok(), "{sql}");
    }
}

#[test]
fn every_digit_of_a_number_is_kept() {
    let cluster = cluster!();
    let query = Query::new(
        "SELECT $1::numeric AS n",
        serde_json::from_str("[123456789012345678901234567890.123456789]").unwrap(),
        None,
    );
    let answer = block_on(async {
        let mut session = signed_in(cluster, "reader").await.unwrap();
        session.begin(false, STATEMENT_MS).await.unwrap();
        all(session.query(&query.unwrap(), MAX_BYTES).await.unwrap()).await.unwrap()
    });
    assert!(answer.contains("[[123456789012345678901234567890.123456789]]"), "{answer}");
}

#[test]
fn parameters_are_values_and_never_sql() {
    let cluster = cluster!();
    let values = json!([2, "' OR true; --", true, null, "happy", "2026-01-02"]);
    let sql =
        "SELECT $1::int AS i, $2::text AS t, $3::boolean AS b, $4::text AS n, $5::mood AS m, $6::date AS d";
    let answer = ask(cluster, sql, values).unwrap();
    assert_eq!(answer["rows"], json!([[2, "' OR true; --", true, null, "happy", "2026-01-02"]]));
    let answer = ask(cluster, "SELECT id FROM items WHERE name = $1", json!(["one' OR '1'='1"])).unwrap();
    assert_eq!(answer["row_count"], 0);
    assert_eq!(sqlstate(ask(cluster, "SELECT $1::int", json!(["1; DROP TABLE items"]))), "22P02");
    // Too few, too many.
    assert_eq!(sqlstate(ask(cluster, "SELECT $1::int, $2::int", json!([1]))), "08P01");
    assert_eq!(sqlstate(ask(cluster, "SELECT 1", json!([1]))), "08P01");
}

fn wait_until(mut holds: impl FnMut() -> bool, what: &str) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}");
}

#[test]
fn rows_and_bytes_are_capped() {
    let cluster = cluster!();
    let ask = |sql: &str, rows, bytes| {
        ask_as(cluster, "reader", false, &Query::new(sql, Vec::new(), Some(rows)).unwrap(), bytes).unwrap()
    };
    let many = "SELECT n FROM generate_series(1, 100000) n";
    let answer = ask(many, 10, MAX_BYTES);
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(10), &json!(true)));
    assert_eq!(answer["rows"].as_array().unwrap().len(), 10);
    let exactly = ask("SELECT n FROM generate_series(1, 10) n", 10, MAX_BYTES);
    assert_eq!((&exactly["row_count"], &exactly["truncated"]), (&json!(10), &json!(false)));

    let answer = ask(many, 10_000, 20_000);
    let rows = answer["rows"].as_array().unwrap().len();
    assert!((3000..4000).contains(&rows) && answer["truncated"] == true, "{rows}");
    assert_eq!(answer["row_count"], rows);
    // One row alone is more than there is room for, however little of it was sent.
    let answer = ask("SELECT repeat('x', 20000000) AS x", 10, 20_000);
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(0), &json!(true)));
}

#[test]
fn refusals_say_where_and_why_and_no_more() {
    let cluster = cluster!();
    for (sql, sqlstate, position) in [
        ("SELEC 1", "42601", Some(1)),
        ("SELECT nothing FROM items", "42703", Some(8)),
        ("SELECT '\u{e4}\u{e4}', nothing FROM items", "42703", Some(14)),
        ("SELECT 1)", "42601", Some(9)),
        ("SELECT 1/(id - 1) FROM items", "22012", None),
        ("SELECT * FROM pg_authid", "42501", None),
    ] {
        let Err(Failure::Postgres(error)) = ask(cluster, sql, json!([])) else { panic!("{sql}") };
        assert_eq!(
            (error.sqlstate.as_str(), error.position),
            (sqlstate, position),
            "{sql}: {}",
            error.message
        );
    }
}

#[test]
fn a_statement_that_fails_underway_leaves_the_answer_open() {
    let cluster = cluster!();
    let sql = "SELECT repeat('x', 100), 1 / (5000 - n) FROM generate_series(1, 9999) n";
    let query = Query::new(sql, Vec::new(), Some(10_000)).unwrap();
    let (read, end) = block_on(async {
        let mut session = signed_in(cluster, "reader").await.unwrap();
        session.begin(false, STATEMENT_MS).await.unwrap();
        let mut rows = session.query(&query, MAX_BYTES).await.unwrap();
        let mut read = Vec::new();
        loop {
            match rows.next().await {
                Ok(Some(piece)) => read.extend_from_slice(&piece),
                other => return (read, other),
            }
        }
    });
    assert!(matches!(end, Err(Failure::Postgres(error)) if error.sqlstate == "22012"));
    assert!(read.len() > 100_000 && serde_json::from_slice::<Value>(&read).is_err());
}

#[test]
fn the_server_ends_what_takes_too_long_or_is_given_up() {
    let cluster = cluster!();
    let running = || {
        cluster.admin("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%marker_4711%' AND pid <> pg_backend_pid()")
    };
    let settings = "SELECT name, setting FROM pg_settings WHERE name IN \
        ('statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout', 'transaction_read_only') ORDER BY name";
    let answer = ask(cluster, settings, json!([])).unwrap();
    let expected = json!([
        ["idle_in_transaction_session_timeout", "30000"],
        ["lock_timeout", "5000"],
        ["statement_timeout", STATEMENT_MS.to_string()],
        ["transaction_read_only", "on"]
    ]);
    assert_eq!(answer["rows"], expected);

    let late = block_on(async {
        let mut session = signed_in(cluster, "reader").await?;
        session.begin(false, 200).await?;
        // The limit stands from before the statement on: its own changes come too late.
        let sql = "SELECT set_config('statement_timeout', '0', false), pg_sleep(20)::text";
        all(session.query(&Query::new(sql, Vec::new(), None)?, MAX_BYTES).await?).await
    });
    assert!(matches!(late, Err(Failure::Postgres(error)) if error.sqlstate == "57014"));

    // The caller goes away: the connection is dropped, and the server notices while it computes.
    block_on(async {
        let mut session = signed_in(cluster, "reader").await.unwrap();
        session.begin(false, STATEMENT_MS).await.unwrap();
        let query = Query::new("SELECT pg_sleep(25)::text AS marker_4711", Vec::new(), None).unwrap();
        let asked = session.query(&query, MAX_BYTES);
        assert!(tokio::time::timeout(Duration::from_millis(300), asked).await.is_err());
    });
    wait_until(|| running() == "0", "the statement runs on");
}

#[test]
fn a_login_that_fails_says_why() {
    let cluster = cluster!();
    let open = |user: &str, password: &str, database: &str| {
        block_on(async {
            let stream = TcpStream::connect(("127.0.0.1", cluster.port)).await.unwrap();
            Session::open(stream, true, &login(user, password, database), [7; 18]).await.map(|_| ())
        })
    };
    assert_eq!(open("reader", PASSWORD, "postgres"), Ok(()));
    assert_eq!(open("reader", "fake-and-wrong", "postgres"), Err(Failure::BadPassword));
    assert_eq!(open("nobody", PASSWORD, "postgres"), Err(Failure::BadPassword));
    assert_eq!(open("reader", PASSWORD, "elsewhere"), Err(Failure::NoDatabase));
    cluster.admin("CREATE ROLE full_up LOGIN PASSWORD 'fake-password-of-the-tests' CONNECTION LIMIT 0");
    assert_eq!(open("full_up", PASSWORD, "postgres"), Err(Failure::Temporary));
}

#[test]
fn requests_are_checked_before_anything_is_connected_to() {
    let query = |sql: &str, values, rows| Query::new(sql, parameters(values), rows).map(|_| ());
    assert_eq!(query("SELECT 1", json!(["", 1.5, -3, true, false, null]), Some(10_000)), Ok(()));
    for sql in ["", " \n", ";", "SELECT '\0'", &"x".repeat(65_537)] {
        assert_eq!(query(sql, json!([]), None), Err(Failure::Sql));
    }
    assert_eq!(query("SELECT 1", json!(["\0"]), None), Err(Failure::Parameters));
    assert_eq!(query("SELECT 1", json!(vec![0; 101]), None), Err(Failure::Parameters));
    assert_eq!(query("SELECT 1", json!(["x".repeat(262_145)]), None), Err(Failure::Parameters));
    for rows in [0, 10_001, u32::MAX] {
        assert_eq!(query("SELECT 1", json!([]), Some(rows)), Err(Failure::MaxRows));
    }
    for value in [json!([[1]]), json!([{}])] {
        assert!(serde_json::from_value::<Vec<Parameter>>(value).is_err());
    }
    for (user, password, database) in
        [("", "p", "d"), ("u", "", "d"), ("u", "p", ""), ("u\0x", "p", "d"), ("u", "p\0", "d")]
    {
        assert!(matches!(Login::new(user, &password.into(), database), Err(Failure::Login)));
    }
    assert_eq!(format!("{:?}", login("fake", "fake", "fake")), "Login(…)");
}
