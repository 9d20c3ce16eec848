//! What a caller may try, and which roles are refused, against a real PostgreSQL.

use super::*;
use crate::warehouse::Writable;

/// What a caller may try in the statement. The role may write here, so that nothing but the statement's form and the
/// transaction keeps it from doing so.
#[test]
fn no_statement_writes_even_where_the_role_may() {
    let cluster = cluster!();
    let state = || {
        cluster.admin(
            "SELECT count(*), sum(id), (SELECT last_value FROM counter), to_regclass('fresh'), \
             (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), \
             (SELECT count(*) FROM pg_largeobject_metadata) FROM items",
        )
    };
    let before = state();
    for sql in [
        "1) q; DROP TABLE items; --",
        "SELECT 1) q; DROP TABLE items; --",
        "SELECT 1) q; COMMIT; DELETE FROM items; --",
        "SELECT 1) q, (SELECT 2",
        "SELECT 1) q UNION ALL SELECT 'x' FROM (SELECT 2",
        "SELECT 1; DELETE FROM items",
        "SELECT 1; COMMIT",
        "SELECT 1 --\n) q; DELETE FROM items --",
        "SELECT 1 /*",
        "SELECT 1 */ DELETE FROM items /*",
        "SELECT $$",
        "SELECT $a$ ) AS q $b$",
        "SELECT '",
        "SELECT \"",
        "SELECT U&'\\0027) q; DELETE FROM items --",
        "SELECT '\\') q; DELETE FROM items --'",
        "DELETE FROM items",
        "DELETE FROM items RETURNING *",
        "INSERT INTO items VALUES (3) RETURNING id",
        "UPDATE items SET id = 9 RETURNING id",
        "WITH gone AS (DELETE FROM items RETURNING *) SELECT * FROM gone",
        "SELECT * FROM (WITH gone AS (DELETE FROM items RETURNING *) SELECT * FROM gone) x",
        "SELECT 1 INTO fresh",
        "CREATE TABLE fresh AS SELECT 1",
        "TRUNCATE items",
        "LOCK TABLE items",
        "COPY items TO STDOUT",
        "COPY items TO PROGRAM 'touch /tmp/pwned'",
        "DO $$ BEGIN DELETE FROM items; END $$",
        "CALL x()",
        "EXPLAIN ANALYZE DELETE FROM items",
        "PREPARE x AS DELETE FROM items",
        "DECLARE x CURSOR FOR SELECT 1",
        "SET transaction_read_only = off",
        "SET ROLE admin",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "LISTEN x",
        "NOTIFY x",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT set_config('transaction_read_only', 'off', true), (SELECT count(*) FROM items)",
        "SELECT set_config('role', 'admin', false)",
        "SELECT set_config('session_authorization', 'admin', false)",
        "SELECT * FROM items FOR UPDATE",
        "SELECT nextval('counter')",
        "SELECT setval('counter', 99)",
        "SELECT lo_export(1, '/tmp/pwned')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_ls_dir('/')",
        "SELECT pg_reload_conf()",
        "SELECT * FROM pg_authid",
        "",
    ] {
        let Ok(query) = Query::new(sql, Vec::new(), None) else { continue };
        let result = ask_as(cluster, "writer", true, &query, MAX_BYTES);
        assert!(matches!(result, Err(Failure::Postgres(_))), "{sql}: {result:?}");
        assert_eq!(state(), before, "{sql}");
    }
    // These run, and leave nothing behind: the transaction is never committed and the session ends.
    for sql in [
        "SELECT E'\\') q; DELETE FROM items --'",
        "SELECT $a$) AS q; DELETE FROM items --$a$ AS b",
        "SELECT pg_advisory_lock(1)::text",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "SELECT set_config('statement_timeout', '0', false)",
        "SELECT pg_notify('x', 'y')::text",
        "SELECT lo_creat(-1)::text",
    ] {
        let _ = ask_as(cluster, "writer", true, &Query::new(sql, Vec::new(), None).unwrap(), MAX_BYTES);
        wait_until(|| state() == before, sql);
    }
}

#[test]
fn a_role_that_may_write_is_refused_unless_allowed() {
    let cluster = cluster!();
    cluster.admin(&format!(
        "CREATE ROLE p_super LOGIN SUPERUSER; CREATE ROLE p_createdb LOGIN CREATEDB; CREATE ROLE p_files LOGIN; \
         GRANT pg_read_server_files TO p_files; CREATE ROLE p_all LOGIN; GRANT pg_write_all_data TO p_all; \
         CREATE ROLE p_database LOGIN; GRANT CREATE ON DATABASE postgres TO p_database; \
         CREATE ROLE p_schema LOGIN; CREATE SCHEMA s; GRANT CREATE ON SCHEMA s TO p_schema; \
         CREATE ROLE p_owner LOGIN; CREATE TABLE s.owned (id int); ALTER TABLE s.owned OWNER TO p_owner; \
         REVOKE ALL ON s.owned FROM p_owner; \
         CREATE ROLE p_truncate LOGIN; GRANT TRUNCATE ON items TO p_truncate; \
         CREATE ROLE p_column LOGIN; GRANT UPDATE (name) ON items TO p_column; \
         CREATE ROLE p_view LOGIN; CREATE VIEW shown AS SELECT id FROM items; GRANT INSERT ON shown TO p_view; \
         CREATE ROLE p_sequence LOGIN; GRANT USAGE ON SEQUENCE counter TO p_sequence; \
         CREATE ROLE p_member LOGIN NOINHERIT; GRANT writer TO p_member; \
         {}",
        ["super", "createdb", "files", "all", "database", "schema", "owner", "truncate", "column", "view", "sequence", "member"]
            .map(|name| format!("ALTER ROLE p_{name} PASSWORD '{PASSWORD}'; "))
            .concat()
    ));
    for (user, writable) in [
        ("p_super", Writable::Attribute),
        ("p_createdb", Writable::Attribute),
        ("p_files", Writable::PredefinedRole),
        ("p_all", Writable::PredefinedRole),
        ("p_database", Writable::Database),
        ("p_schema", Writable::Schema),
        ("p_owner", Writable::Table),
        ("p_truncate", Writable::Table),
        ("p_column", Writable::Table),
        ("p_view", Writable::Table),
        ("p_sequence", Writable::Sequence),
        ("p_member", Writable::Table),
        ("writer", Writable::Table),
    ] {
        let begin = |may_write| {
            block_on(async { signed_in(cluster, user).await?.begin(may_write, STATEMENT_MS).await })
        };
        assert_eq!(begin(false), Err(Failure::RoleMayWrite(writable)), "{user}");
        assert_eq!(begin(true), Ok(()), "{user}");
    }
    assert_eq!(
        block_on(async { signed_in(cluster, "reader").await?.begin(false, STATEMENT_MS).await }),
        Ok(())
    );
}

/// A function of the server's that opens a connection of its own is outside of our transaction: the role's own rights are
/// what bounds it.
#[test]
fn dblink_gets_no_further_than_the_role() {
    let cluster = cluster!();
    if cluster.admin("SELECT count(*) FROM pg_available_extensions WHERE name = 'dblink'") == "0" {
        return;
    }
    cluster.admin("CREATE EXTENSION IF NOT EXISTS dblink");
    let sql = "SELECT dblink_exec('host=127.0.0.1 dbname=postgres user=reader password=' || $1 || ' port=' || $2, \
               'DELETE FROM items')";
    let refused = ask(cluster, sql, json!([PASSWORD, cluster.port.to_string()]));
    assert_eq!(sqlstate(refused), "42501");
}
