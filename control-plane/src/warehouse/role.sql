-- What would let the role write, itself or by SET ROLE, were the transaction not read-only: the first that is found, or ''.
-- Run in the read-only transaction; its snapshot is also what makes `transaction_read_only` final.
WITH role AS (
  SELECT oid, rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication AS has_attribute
  FROM pg_catalog.pg_roles
  WHERE pg_catalog.pg_has_role(oid, 'MEMBER')
),
relation AS (
  SELECT c.oid, c.relkind, c.relowner
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
)
SELECT CASE
  WHEN pg_catalog.current_setting('transaction_read_only') <> 'on' THEN 'not_read_only'
  WHEN EXISTS (SELECT FROM role WHERE has_attribute) THEN 'attribute'
  WHEN EXISTS (
    SELECT FROM role
    WHERE rolname IN (
      'pg_write_all_data', 'pg_write_server_files', 'pg_read_server_files', 'pg_execute_server_program',
      'pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_maintain', 'pg_create_subscription'
    )
  ) THEN 'predefined_role'
  WHEN EXISTS (
    SELECT FROM role, pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database()
      AND (d.datdba = role.oid OR pg_catalog.has_database_privilege(role.oid, d.oid, 'CREATE'))
  ) THEN 'database'
  WHEN EXISTS (
    SELECT FROM role, pg_catalog.pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
      AND (n.nspowner = role.oid OR pg_catalog.has_schema_privilege(role.oid, n.oid, 'CREATE'))
  ) THEN 'schema'
  WHEN EXISTS (
    SELECT FROM role, relation r
    WHERE r.relowner = role.oid
      OR (r.relkind <> 'S' AND pg_catalog.has_table_privilege(role.oid, r.oid, 'DELETE, TRUNCATE'))
      OR (r.relkind <> 'S' AND pg_catalog.has_any_column_privilege(role.oid, r.oid, 'INSERT, UPDATE'))
  ) THEN 'table'
  WHEN EXISTS (
    SELECT FROM role, relation r
    WHERE CASE WHEN r.relkind = 'S' THEN pg_catalog.has_sequence_privilege(role.oid, r.oid, 'USAGE, UPDATE') END
  ) THEN 'sequence'
  ELSE ''
END
