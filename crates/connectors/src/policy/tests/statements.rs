//! SOQL in a parameter, SQL in a body.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use url::form_urlencoded;

use super::decide;
use crate::catalogue::SoqlObject;
use crate::policy::soql::{self, SoqlProblem};
use crate::policy::sql;

fn objects() -> BTreeMap<String, SoqlObject> {
    let list = |fields: &[&str]| SoqlObject {
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        only: BTreeMap::new(),
    };
    BTreeMap::from([
        ("Case".to_owned(), list(&["Id", "Status", "CreatedDate"])),
        ("CaseHistory".to_owned(), list(&["Id", "Field"])),
    ])
}

fn soql(text: &str) -> Result<String, SoqlProblem> {
    soql::checked(text, &objects())
}

#[test]
fn a_plain_read_passes_in_one_spelling() {
    for (query, sent) in [
        ("SELECT Id FROM Case", "SELECT Id FROM Case"),
        ("  select id ,STATUS  from   case ", "SELECT Id, Status FROM Case"),
        ("SELECT COUNT() FROM CaseHistory", "SELECT COUNT() FROM CaseHistory"),
        (
            "SELECT Status, count(Id), MAX(CreatedDate) FROM Case GROUP BY Status ORDER BY COUNT(Id) DESC NULLS LAST, Status ASC",
            "SELECT Status, COUNT(Id), MAX(CreatedDate) FROM Case GROUP BY Status ORDER BY COUNT(Id) DESC NULLS LAST, Status ASC",
        ),
        (
            "SELECT Id FROM Case WHERE CreatedDate>=2026-01-31T00:00:00Z AND (Status IN('New','It''s') OR NOT Status LIKE 'a%') LIMIT 200 OFFSET 10",
            "",
        ),
        (
            r"SELECT Id FROM Case WHERE Status = 'It\'s \\ \u00e9 -- FROM Contact' AND CreatedDate = LAST_N_DAYS:30",
            r"SELECT Id FROM Case WHERE Status = 'It\'s \\ \u00e9 -- FROM Contact' AND CreatedDate = LAST_N_DAYS:30",
        ),
        (
            "SELECT Id FROM Case WHERE (NOT(Status!=NULL)) and CreatedDate < this_month",
            "SELECT Id FROM Case WHERE (NOT (Status != NULL)) AND CreatedDate < this_month",
        ),
    ] {
        // Two strings in a row are no SOQL.
        let expected = if sent.is_empty() { Err(SoqlProblem::Grammar) } else { Ok(sent.to_owned()) };
        assert_eq!(soql(query), expected, "{query}");
        if let Ok(sent) = soql(query) {
            assert_eq!(soql(&sent), Ok(sent.clone()), "not in its own form");
        }
    }
    assert_eq!(
        decide("GET", "/v1/query?q=select+Id%2CStatus+from+Case+where+Status%3D'New'", Some(b"")).unwrap().1,
        "/v1/query?q=SELECT%20Id%2C%20Status%20FROM%20Case%20WHERE%20Status%20%3D%20%27New%27"
    );
}

#[test]
fn t2_whatever_reads_more_is_refused() {
    for query in [
        "",
        "SELECT",
        "SELECT FROM Case",
        "SELECT * FROM Case",
        "SELECT Id FROM",
        "SELECT Id, FROM Case",
        "SELECT Id Status FROM Case",
        "SELECT Id s FROM Case",
        "SELECT COUNT(Id) total FROM Case",
        "SELECT Id FROM Case c",
        "SELECT Id FROM Case AS c",
        "SELECT c.Id FROM Case c",
        "SELECT Id FROM Case, Case.Contact",
        "SELECT Id FROM Case; DELETE",
        "SELECT Owner.Name FROM Case",
        "SELECT Id FROM Case WHERE Owner.Name = 'a'",
        "SELECT (SELECT Id FROM Case) FROM Case",
        "SELECT Id, (SELECT Field FROM CaseHistory) FROM Case",
        "SELECT Id FROM Case WHERE Id IN (SELECT Id FROM CaseHistory)",
        "SELECT Id FROM Case FOR UPDATE",
        "SELECT Id FROM Case FOR VIEW",
        "SELECT Id FROM Case FOR REFERENCE",
        "SELECT Id FROM Case UPDATE TRACKING",
        "SELECT Id FROM Case USING SCOPE everything",
        "SELECT Id FROM Case WITH SECURITY_ENFORCED",
        "SELECT Id FROM Case GROUP BY Status HAVING COUNT(Id) > 1",
        "SELECT Id FROM Case GROUP BY ROLLUP(Status)",
        "SELECT Id FROM Case LIMIT 1 ALL ROWS",
        "SELECT Id FROM Case LIMIT -1",
        "SELECT Id FROM Case LIMIT 1.5",
        "SELECT Id FROM Case LIMIT :n",
        "SELECT Id FROM Case WHERE Status = :bound",
        "SELECT Id FROM Case WHERE Status = Id",
        "SELECT Id FROM Case WHERE Status = 'a",
        r"SELECT Id FROM Case WHERE Status = 'a\'",
        r"SELECT Id FROM Case WHERE Status = 'a\q'",
        r"SELECT Id FROM Case WHERE Status = 'a\u12'",
        "SELECT Id FROM Case WHERE Status = 'a' 'b'",
        "SELECT Id FROM Case WHERE Status = \"a\"",
        "SELECT Id FROM Case WHERE Status = 'a' -- more",
        "SELECT Id /* x */ FROM Case",
        "SELECT Id FROM Case // x",
        "SELECT Id\u{a0}FROM Case",
        "SELECT Id\u{3000}FROM Case",
        "SELECT Id\tFROM Case",
        "SELECT Id FROM Case WHERE Status == 'a'",
        "SELECT Id FROM Case WHERE Status <> 'a'",
        "SELECT Id FROM Case WHERE Status IN ()",
        "SELECT Id FROM Case WHERE Status IN 'a'",
        "SELECT Id FROM Case WHERE (Status = 'a'",
        "SELECT Id FROM Case WHERE Status = 'a')",
        "SELECT Id FROM Case WHERE",
        "SELECT Id FROM Case WHERE CreatedDate = 2026-1-1",
        "SELECT Id FROM Case WHERE CreatedDate = LAST_N_DAYS:",
        "SELECT Id FROM Case WHERE CreatedDate = LAST_N_DAYS:x",
        "SELECT Id FROM Case WHERE CreatedDate = SOME_N_DAYS:1",
        "SELECT TYPEOF What WHEN Case THEN Id END FROM Case",
        "FIND {x} IN ALL FIELDS RETURNING Case",
    ] {
        // Where it is no grammar it may also be a name that is not listed.
        assert!(soql(query).is_err(), "{query}");
    }
    for query in [
        "SELECT Description FROM Case",
        "SELECT FIELDS(ALL) FROM Case",
        "SELECT MAX(Description) FROM Case",
        "SELECT toLabel(Status) FROM Case",
        "SELECT Id FROM Case WHERE Description LIKE 's%'",
        "SELECT Id FROM Case WHERE DISTANCE(Status, 'a') < 1",
        "SELECT Id FROM Case ORDER BY Description",
        "SELECT Id FROM Case GROUP BY Description",
        "SELECT Status FROM CaseHistory",
    ] {
        assert!(matches!(soql(query), Err(SoqlProblem::Field { .. })), "{query}");
    }
    // A homoglyph, and objects that are not listed.
    assert_eq!(soql("SELECT I\u{501} FROM Case"), Err(SoqlProblem::Grammar));
    for query in
        ["SELECT Id FROM Contact", "SELECT Id FROM Cases", "SELECT Id FROM FROM", "SELECT Id FROM User"]
    {
        assert!(matches!(soql(query), Err(SoqlProblem::Object(_))), "{query}");
    }
    let nested = |depth: usize| {
        format!("SELECT Id FROM Case WHERE {}Id = 'a'{}", "(".repeat(depth), ")".repeat(depth))
    };
    assert!(soql(&nested(8)).is_ok());
    assert_eq!(soql(&nested(9)), Err(SoqlProblem::Size));
    assert_eq!(soql(&nested(1800)), Err(SoqlProblem::Size));
    assert_eq!(soql(&nested(4000)), Err(SoqlProblem::Size));
}

#[test]
fn t2_a_history_is_read_for_the_bound_fields_alone() {
    let object: SoqlObject = serde_json::from_value(json!({
        "fields": ["Id", "Field", "OldValue"], "only": { "Field": ["Status", "Priority"] },
    }))
    .unwrap();
    let objects = BTreeMap::from([("CaseHistory".to_owned(), object)]);
    let read = |condition: &str| {
        soql::checked(&format!("SELECT OldValue FROM CaseHistory{condition}"), &objects).map(drop)
    };
    for condition in [
        " WHERE Field = 'Status'",
        " WHERE Id != 'a' AND field in ('Priority','Status') AND (Id = 'b' OR (NOT Id = 'c')) LIMIT 5",
    ] {
        assert_eq!(read(condition), Ok(()), "{condition}");
    }
    for condition in [
        "",
        " LIMIT 1",
        " WHERE Field != 'Status'",
        " WHERE Field > 'Status'",
        " WHERE Field LIKE 'Status'",
        " WHERE Field = 'status'",
        " WHERE Field = 'Subject'",
        " WHERE Field = NULL",
        " WHERE Field IN ('Status', 'Subject')",
        " WHERE Field NOT IN ('Status')",
        " WHERE Field INCLUDES ('Status')",
        " WHERE NOT Field = 'Status'",
        " WHERE NOT Id = 'a' AND Field = 'Status'",
        " WHERE (Field = 'Status')",
        " WHERE (NOT Field = 'Status')",
        " WHERE Field = 'Status' OR Id = 'a'",
        " WHERE Id = 'a' OR Field = 'Status'",
        " WHERE Field = 'Status' AND Id = 'a' OR Id = 'b'",
        " WHERE (Field = 'Status' AND Id = 'a') OR Id != 'b'",
        " WHERE OldValue = 'Status'",
    ] {
        assert!(matches!(read(condition), Err(SoqlProblem::Unbound(_))), "{condition}");
    }
}

fn words(alphabet: &'static [&'static str], length: usize) -> impl Strategy<Value = String> {
    let glue = prop::sample::select(vec![" ", "", " "]);
    prop::collection::vec((prop::sample::select(alphabet), glue), 0..length)
        .prop_map(|parts| parts.into_iter().map(|(word, glue)| format!("{word}{glue}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn t2_a_query_that_passes_names_listed_fields_alone(
        middle in words(&[
            "Id", "Status", "Description", "Owner.Name", ",", "(", ")", "SELECT", "FROM", "Case", "User", "COUNT", "WHERE",
            "=", "LIKE", "'a'", "'", "\\", "\\'", "AND", "OR", "NOT", "IN", "NULL", "TODAY", "GROUP BY", "ORDER BY", "LIMIT",
            "1", "--", "/*", "FOR UPDATE", "alias", ".", ":", "é",
        ], 9),
        is_condition in any::<bool>(),
    ) {
        let query = if is_condition {
            format!("SELECT Id FROM Case WHERE Status = 'a' AND {middle}")
        } else {
            format!("SELECT Id{middle} FROM Case")
        };
        if let Ok(sent) = soql(&query) {
            prop_assert_eq!(soql(&sent), Ok(sent.clone()));
            // Outside strings: keywords, and the names that are listed.
            let outside: String = sent.replace("\\'", "").split('\'').step_by(2).collect::<Vec<_>>().join(" ");
            for word in outside.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
                let known = [
                    "SELECT", "FROM", "WHERE", "Case", "Id", "Status", "COUNT", "LIKE", "AND", "OR", "NOT", "IN", "NULL",
                    "TODAY", "GROUP", "ORDER", "BY", "LIMIT", "1",
                ];
                prop_assert!(known.contains(&word), "{} in {}", word, sent);
            }
            prop_assert_eq!(sent.matches("SELECT").count(), 1);
        }
    }
}

#[test]
fn a_reading_statement_passes() {
    for statement in [
        "SELECT 1",
        "select a, count(*) from t where b = 'x; drop table t' and c = 'It''s' group by a order by a desc limit 10;",
        "\n\tWITH x AS (SELECT a.\"update\" FROM \"delete\" a) SELECT * FROM x WHERE y = $1 AND z = ? AND w = :name AND v = @p;\n",
        "SELECT `my-project.data.table_*`.id, replace(a, 'b', 'c'), 1.5e10, 2e-3 FROM t",
        "SHOW TABLES LIKE 'a%'",
        "DESCRIBE TABLE t",
        "EXPLAIN SELECT 1",
        "SELECT updated_at, last_update, created FROM t WHERE a - b > 1 / 2",
    ] {
        assert_eq!(sql::check(statement), Ok(()), "{statement}");
    }
}

#[test]
fn t4_a_statement_that_could_write_is_refused() {
    for statement in [
        "",
        " ",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT 1;;",
        "SELECT 1; --",
        "INSERT INTO t VALUES (1)",
        "insert into t values (1)",
        "(SELECT 1)",
        "'SELECT'",
        "\"SELECT\" 1",
        "VALUES (1)",
        "BEGIN; DROP TABLE t; END",
        "SELECT * INTO t2 FROM t",
        "SELECT 1INTO t2",
        "SELECT 1e5INTO t2",
        "SELECT 1.INTO t2",
        "SELECT $1INTO t2",
        "SELECT 0x1F",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "WITH x AS (SELECT 1)MERGE INTO t USING x ON 1=1 WHEN MATCHED THEN DELETE",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "SELECT * FROM t FOR UPDATE",
        "SHOW TABLES ->> CALL p()",
        "CALL p()",
        "COPY INTO t FROM @stage",
        "PUT file:///etc/passwd @stage",
        "GET @stage file:///tmp",
        "EXECUTE IMMEDIATE 'drop table t'",
        "SELECT SYSTEM$CANCEL_ALL_QUERIES(1)",
        "SELECT $$ a $$",
        "SELECT $x$ a $x$",
        "SELECT 1 -- ; DROP TABLE t",
        "SELECT 1 /* */",
        "SELECT 1 /*! DROP TABLE t */",
        "SELECT 1 # x",
        "SELECT 1 // x",
        "SELECT 'a",
        "SELECT \"a",
        "SELECT `a",
        "SELECT 'a\\'; DROP TABLE t; --'",
        "SELECT '''' ''' ; DROP TABLE t --'",
        "SELECT \"\"\"a\"\"\"",
        "SELECT 1 `; DROP TABLE t; SELECT `",
        "SELECT 1 ` INTO t `",
        "SELECT a\u{37e} b",
        "SELECT 1\u{a0}INTO t",
        "\u{feff}SELECT 1",
        "SELECT 'a\0'",
    ] {
        assert!(sql::check(statement).is_err(), "{statement}");
    }
    assert!(sql::check(&format!("SELECT {}", "a,".repeat(20_000))).is_err());
}

#[test]
fn a_statement_is_a_string_beside_listed_fields() {
    let post = |body: serde_json::Value| {
        decide("POST", "/v1/statements", Some(body.to_string().as_bytes())).map(|(rule, _)| rule)
    };
    assert_eq!(post(json!({ "statement": "SELECT 1", "timeout": 60 })), Ok("statement".to_owned()));
    assert_eq!(post(json!({ "statement": "SELECT 1; SELECT 2" })), Err("statement_not_allowed"));
    for statement in [json!(null), json!(["SELECT 1"]), json!(1)] {
        assert_eq!(post(json!({ "statement": statement })), Err("statement_not_allowed"));
    }
    assert_eq!(post(json!({ "timeout": 1 })), Err("statement_not_allowed"));
    let multi = json!({ "statement": "SELECT 1", "parameters": { "MULTI_STATEMENT_COUNT": 0 } });
    assert_eq!(post(multi), Err("field_not_listed"));
}

/// A warehouse's own view of a statement: what stands outside its strings, quoted names and comments.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    backslash: bool,
    triple: bool,
    dollar: bool,
    backquote: bool,
    line_comments: &'static [&'static str],
}

const DIALECTS: [Dialect; 4] = [
    // PostgreSQL, Snowflake, BigQuery, MySQL.
    Dialect { backslash: false, triple: false, dollar: true, backquote: false, line_comments: &["--"] },
    Dialect { backslash: true, triple: false, dollar: true, backquote: false, line_comments: &["--", "//"] },
    Dialect { backslash: true, triple: true, dollar: false, backquote: true, line_comments: &["--", "#"] },
    Dialect { backslash: true, triple: false, dollar: false, backquote: true, line_comments: &["--", "#"] },
];

impl Dialect {
    fn outside(self, statement: &str) -> String {
        let mut out = String::new();
        let mut rest = statement;
        while let Some(first) = rest.chars().next() {
            let one = &rest[..first.len_utf8()];
            let skip = if let Some(mark) = self.line_comments.iter().find(|mark| rest.starts_with(**mark)) {
                rest.find('\n').unwrap_or(rest.len()).max(mark.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |at| at + 2)
            } else if self.dollar && rest.starts_with("$$") {
                rest[2..].find("$$").map_or(rest.len(), |at| at + 4)
            } else if self.triple && (rest.starts_with("'''") || rest.starts_with("\"\"\"")) {
                self.end(&rest[3..], &rest[..3]) + 3
            } else if matches!(first, '\'' | '"') || (self.backquote && first == '`') {
                self.end(&rest[1..], one) + 1
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            out.push(' ');
            rest = &rest[skip.min(rest.len())..];
        }
        out
    }

    fn end(self, text: &str, quote: &str) -> usize {
        let mut at = 0;
        while at < text.len() {
            if self.backslash && text[at..].starts_with('\\') {
                at += 2;
            } else if text[at..].starts_with(quote) {
                return at + quote.len();
            } else {
                at += 1;
            }
        }
        text.len()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn t4_no_dialect_sees_a_second_statement_or_a_write_in_what_passes(
        tail in words(&[
            "'", "''", "'''", "\"", "\"\"", "`", "\\", "\\'", "$$", "$", "--", "/*", "*/", "#", "//", "\n", ";", "DROP", "INTO",
            "1", "a", "1e", "(", ")", "$1", "E", "r",
        ], 14),
    ) {
        let statement = format!("SELECT {tail}");
        if sql::check(&statement).is_ok() {
            for dialect in DIALECTS {
                let outside = dialect.outside(&statement);
                prop_assert!(!outside.trim_end().trim_end_matches(';').contains(';'), "{dialect:?} {statement}");
                for word in outside.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                    // Some read `1e1INTO` as a number and a word.
                    let digits = |c: char| c.is_ascii_digit();
                    let word = word.trim_start_matches(digits);
                    let word = word.strip_prefix('e').map_or(word, |rest| rest.trim_start_matches(digits));
                    prop_assert!(!matches!(word, "DROP" | "INTO"), "{dialect:?} {statement}");
                }
            }
        }
    }

    #[test]
    fn any_text_in_a_parameter_is_decided_on(text in "\\PC{0,200}") {
        let _ = soql(&text);
        let _ = sql::check(&text);
        let query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let _ = decide("GET", &format!("/v1/query?q={query}"), Some(b""));
    }
}
