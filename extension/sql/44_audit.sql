-- SPDX-License-Identifier: PostgreSQL
-- The audit log of the query-guard: who ran what on governed tables, and what was refused. The worker alone writes, in
-- transactions of its own, one chain of records a tenant; each record carries a keyed hash over itself and the one
-- before, made with a key that the database does not hold. docs/audit.md says what that proves.

CREATE TABLE lakehouse.audit_log (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    at timestamptz NOT NULL,
    audit_id uuid NOT NULL,
    phase text NOT NULL CHECK (phase IN ('intent', 'outcome', 'refusal')),
    session_role text NOT NULL,
    role text NOT NULL,
    application_name text NOT NULL,
    statement_hash bytea NOT NULL,
    statement text NOT NULL,
    relations text[] NOT NULL,
    policy_epoch bigint NOT NULL,
    code text,
    sqlstate text,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    duration_us bigint NOT NULL,
    remote_query_ids text[] NOT NULL,
    key_id bigint NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX ON lakehouse.audit_log (tenant_id, audit_id);

COMMENT ON TABLE lakehouse.audit_log IS 'What was run on governed tables and what was refused: a chain of records for each tenant, checked by lakehouse.verify_audit()';
COMMENT ON COLUMN lakehouse.audit_log.tenant_id IS 'The tenant whose data the statement asked for';
COMMENT ON COLUMN lakehouse.audit_log.seq IS 'Place in the tenant''s chain: 1, 2, 3 and so on without a gap';
COMMENT ON COLUMN lakehouse.audit_log.at IS 'When it happened, by the clock of the session''s server';
COMMENT ON COLUMN lakehouse.audit_log.audit_id IS 'The statement: its intent and its outcome share it, and the error that a guarded session sees names it';
COMMENT ON COLUMN lakehouse.audit_log.phase IS 'intent: before the statement ran; outcome: after it; refusal: it was not let run';
COMMENT ON COLUMN lakehouse.audit_log.session_role IS 'The role that signed in';
COMMENT ON COLUMN lakehouse.audit_log.role IS 'The role that the statement ran as';
COMMENT ON COLUMN lakehouse.audit_log.application_name IS 'What the client says of itself';
COMMENT ON COLUMN lakehouse.audit_log.statement_hash IS 'SHA-256 of the statement''s text as it was sent';
COMMENT ON COLUMN lakehouse.audit_log.statement IS 'The statement, up to 4 kB of it, with a parameter sign in place of each constant';
COMMENT ON COLUMN lakehouse.audit_log.relations IS 'Qualified names of the tables and views it names';
COMMENT ON COLUMN lakehouse.audit_log.policy_epoch IS 'The policy''s epoch that it was judged by';
COMMENT ON COLUMN lakehouse.audit_log.code IS 'The guard''s code of a refusal; NULL: none';
COMMENT ON COLUMN lakehouse.audit_log.sqlstate IS 'SQLSTATE of the error it ended with; NULL: none';
COMMENT ON COLUMN lakehouse.audit_log.rows IS 'Rows that went to the client';
COMMENT ON COLUMN lakehouse.audit_log.bytes IS 'Bytes that went to the client';
COMMENT ON COLUMN lakehouse.audit_log.duration_us IS 'How long it ran, in microseconds';
COMMENT ON COLUMN lakehouse.audit_log.remote_query_ids IS 'Ids of the warehouse statements that it made';
COMMENT ON COLUMN lakehouse.audit_log.key_id IS 'Id of the master key that the hash was made with';
COMMENT ON COLUMN lakehouse.audit_log.previous_hash IS 'Hash of the record before; zeros in the first';
COMMENT ON COLUMN lakehouse.audit_log.hash IS 'HMAC-SHA-256 over all other columns';

CREATE TABLE lakehouse.audit_heads (
    tenant_id uuid PRIMARY KEY,
    seq bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
);
COMMENT ON TABLE lakehouse.audit_heads IS 'The last record of each tenant''s audit log; its row is locked by the worker that appends';
COMMENT ON COLUMN lakehouse.audit_heads.tenant_id IS 'The tenant';
COMMENT ON COLUMN lakehouse.audit_heads.seq IS 'seq of the last record; 0: none yet';
COMMENT ON COLUMN lakehouse.audit_heads.hash IS 'hash of the last record; zeros: none yet';

-- Nobody but their owner can change or remove a record.
REVOKE ALL ON lakehouse.audit_log, lakehouse.audit_heads FROM PUBLIC;
GRANT SELECT, INSERT ON lakehouse.audit_log TO lakehouse_worker;
GRANT SELECT, UPDATE (seq, hash) ON lakehouse.audit_heads TO lakehouse_worker;

ALTER TABLE lakehouse.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY audit_log_own ON lakehouse.audit_log FOR SELECT
    USING (tenant_id IN (SELECT t.id FROM lakehouse.tenants t WHERE pg_has_role(t.slug || '_admin', 'USAGE')));
COMMENT ON POLICY audit_log_own ON lakehouse.audit_log IS 'An admin reads the records of its own tenant';
CREATE POLICY audit_log_worker_reads ON lakehouse.audit_log FOR SELECT TO lakehouse_worker USING (true);
COMMENT ON POLICY audit_log_worker_reads ON lakehouse.audit_log IS 'The worker verifies every tenant''s chain';
CREATE POLICY audit_log_worker_appends ON lakehouse.audit_log FOR INSERT TO lakehouse_worker WITH CHECK (true);
COMMENT ON POLICY audit_log_worker_appends ON lakehouse.audit_log IS 'The worker appends for every tenant';

-- The rows are the user's data: pg_dump keeps them.
SELECT pg_catalog.pg_extension_config_dump('lakehouse.audit_log', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.audit_heads', '');

CREATE FUNCTION lakehouse.create_audit_chain(tenant_id uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    admin CONSTANT text := slug || '_admin';
BEGIN
    INSERT INTO lakehouse.audit_heads AS h (tenant_id) VALUES (create_audit_chain.tenant_id);
    EXECUTE format('GRANT SELECT ON lakehouse.audit_log TO %I', admin);
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.verify_audit(text), lakehouse.check_audit_chain(uuid) TO %I', admin);
END
$$;
COMMENT ON FUNCTION lakehouse.create_audit_chain(uuid, text) IS
'Part of create_tenant: begins the tenant''s audit log and lets its admin read it.';

CREATE FUNCTION lakehouse.drop_audit_chain(tenant_id uuid)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The head first, as a worker that appends locks them.
    DELETE FROM lakehouse.audit_heads h WHERE h.tenant_id = drop_audit_chain.tenant_id;
    DELETE FROM lakehouse.audit_log l WHERE l.tenant_id = drop_audit_chain.tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_audit_chain(uuid) IS
'Part of drop_tenant: removes the tenant''s audit log.';

CREATE FUNCTION lakehouse.check_audit_chain(
    tenant_id uuid, OUT intact boolean, OUT records bigint, OUT first_bad bigint, OUT reason text)
RETURNS record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_check_audit_chain';
COMMENT ON FUNCTION lakehouse.check_audit_chain(uuid) IS
'Part of verify_audit: has the worker read and check the chain. Raises 42501 unless the caller is a superuser or an admin of the tenant.';

CREATE FUNCTION lakehouse.verify_audit(
    tenant text, OUT intact boolean, OUT records bigint, OUT first_bad bigint, OUT reason text)
RETURNS record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT c.intact, c.records, c.first_bad, c.reason INTO intact, records, first_bad, reason
    FROM lakehouse.check_audit_chain(lakehouse.find_tenant(tenant)) c;
END
$$;
COMMENT ON FUNCTION lakehouse.verify_audit(text) IS
'Checks a tenant''s audit log from the first record to the last: finds an edit, a deletion, a change of order, a duplicate and a cut tail. intact: nothing was found. records: how many were read. first_bad: seq of the first record that is wrong or missing. reason: what is wrong, or what an intact log could not be compared with. For superusers and the tenant''s admin. Raises 08001 when no worker runs.';

REVOKE ALL ON FUNCTION
    lakehouse.create_audit_chain(uuid, text),
    lakehouse.drop_audit_chain(uuid),
    lakehouse.check_audit_chain(uuid),
    lakehouse.verify_audit(text)
FROM PUBLIC;
