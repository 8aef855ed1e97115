-- SPDX-License-Identifier: PostgreSQL
-- Asking for a publish, watching it, and who may: the part of publishing that tenants' admins see.

CREATE FUNCTION lakehouse.publish(tenant text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner uuid;
    job bigint;
BEGIN
    FOR owner IN SELECT DISTINCT p.tenant_id FROM lakehouse.published_tables p JOIN lakehouse.tenants t ON t.id = p.tenant_id
                 WHERE t.slug = tenant OR tenant IS NULL
    LOOP
        -- A job that nobody works on yet will see all there is to see. The lock keeps it so until this transaction ends.
        job := (SELECT j.id FROM lakehouse.publish_jobs j WHERE j.tenant_id = owner AND j.state = 'queued'
                ORDER BY j.id DESC LIMIT 1 FOR KEY SHARE SKIP LOCKED);
        IF job IS NULL THEN
            INSERT INTO lakehouse.publish_jobs AS j (tenant_id) VALUES (owner) RETURNING j.id INTO job;
        END IF;
    END LOOP;
    IF job IS NULL AND tenant IS NOT NULL THEN
        PERFORM lakehouse.find_tenant(tenant);
        RAISE EXCEPTION 'tenant "%" publishes no table', tenant
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Make a share with lakehouse.create_share() first.';
    END IF;
    PERFORM pg_notify('lakehouse_publish', '');
    RETURN job;
END
$$;
COMMENT ON FUNCTION lakehouse.publish(text) IS
'Has a worker publish what changed in the tables of a tenant''s shares; NULL: of every tenant that the caller administers. Returns at once, with the job''s number (of the last of several, NULL of none); a job that nobody works on yet is not doubled. Ends in publish_history, or in stat_publish.last_error. Raises 55000 when the tenant publishes no table.';

CREATE FUNCTION lakehouse.read_as_tenant(tenant_id uuid)
RETURNS void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_read_as_tenant';
COMMENT ON FUNCTION lakehouse.read_as_tenant(uuid) IS
'For the worker: from here to the end of the transaction the session has the rights of the tenant''s admins, as in a security-restricted operation, writes nothing, and can''t change that. So a view that a tenant wrote does nothing that its admins could not do. Raises undefined_object.';

CREATE VIEW lakehouse.publish_history WITH (security_barrier) AS
SELECT t.slug AS tenant, p.source, v.version, v.operation, v.snapshot_at, v.total_rows, v.rows_added, v.rows_changed, v.rows_removed,
       v.bytes_written, v.files_added, v.files_removed, v.duration, v.job_id, v.stored_at
FROM lakehouse.published_versions v
JOIN lakehouse.published_tables p ON p.id = v.table_id
JOIN lakehouse.tenants t ON t.id = p.tenant_id
WHERE pg_has_role(to_regrole(t.slug || '_admin'), 'USAGE') OR pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW lakehouse.publish_history IS 'Versions of published tables, as long as they can be read: of the own tenant, to members of pg_monitor of all';
COMMENT ON COLUMN lakehouse.publish_history.tenant IS 'The tenant';
COMMENT ON COLUMN lakehouse.publish_history.source IS 'The table or view';
COMMENT ON COLUMN lakehouse.publish_history.version IS 'Version of the Delta table, from 0';
COMMENT ON COLUMN lakehouse.publish_history.operation IS 'CREATE: the first. RELOAD: all rows anew. WRITE: what changed. OPTIMIZE: the same rows in fewer files';
COMMENT ON COLUMN lakehouse.publish_history.snapshot_at IS 'Its rows are those committed at this time';
COMMENT ON COLUMN lakehouse.publish_history.total_rows IS 'Rows of the table in this version';
COMMENT ON COLUMN lakehouse.publish_history.rows_added IS 'Rows that the version before did not have';
COMMENT ON COLUMN lakehouse.publish_history.rows_changed IS 'Rows that the version before had otherwise';
COMMENT ON COLUMN lakehouse.publish_history.rows_removed IS 'Rows that only the version before had';
COMMENT ON COLUMN lakehouse.publish_history.bytes_written IS 'Bytes of data and change files written';
COMMENT ON COLUMN lakehouse.publish_history.files_added IS 'Data files that came';
COMMENT ON COLUMN lakehouse.publish_history.files_removed IS 'Data files that went';
COMMENT ON COLUMN lakehouse.publish_history.duration IS 'How long this table took';
COMMENT ON COLUMN lakehouse.publish_history.job_id IS 'The job that made it';
COMMENT ON COLUMN lakehouse.publish_history.stored_at IS 'When recipients could read it; NULL: not yet';

CREATE VIEW lakehouse.progress_publish WITH (security_barrier) AS
SELECT s.job_id, t.slug AS tenant, p.source, s.phase, s.rows_done, s.rows_expected, s.tables_done, s.tables_total, s.bytes_written,
       s.started_at, s.updated_at
FROM lakehouse.publish_steps s
LEFT JOIN lakehouse.publish_jobs j ON j.id = s.job_id
JOIN lakehouse.tenants t ON t.id = s.tenant_id
LEFT JOIN lakehouse.published_tables p ON p.id = s.table_id
-- A job of publish_now is seen by others only once it is over.
WHERE (j.id IS NULL OR j.state = 'queued') AND (pg_has_role(to_regrole(t.slug || '_admin'), 'USAGE') OR pg_has_role('pg_monitor', 'USAGE'));
COMMENT ON VIEW lakehouse.progress_publish IS 'Jobs at work, one row each: of the own tenant, to members of pg_monitor of all';
COMMENT ON COLUMN lakehouse.progress_publish.job_id IS 'The job';
COMMENT ON COLUMN lakehouse.progress_publish.tenant IS 'The tenant';
COMMENT ON COLUMN lakehouse.progress_publish.source IS 'The table or view at work';
COMMENT ON COLUMN lakehouse.progress_publish.phase IS 'What is being done';
COMMENT ON COLUMN lakehouse.progress_publish.rows_done IS 'Rows of it read so far';
COMMENT ON COLUMN lakehouse.progress_publish.rows_expected IS 'About how many there are; NULL: not known';
COMMENT ON COLUMN lakehouse.progress_publish.tables_done IS 'Tables finished';
COMMENT ON COLUMN lakehouse.progress_publish.tables_total IS 'Tables to publish';
COMMENT ON COLUMN lakehouse.progress_publish.bytes_written IS 'Bytes written so far';
COMMENT ON COLUMN lakehouse.progress_publish.started_at IS 'When the job began';
COMMENT ON COLUMN lakehouse.progress_publish.updated_at IS 'When this was last told; at work it is less than a few seconds ago';

CREATE VIEW lakehouse.stat_publish WITH (security_barrier) AS
SELECT t.slug AS tenant, p.source, p.id AS table_id, p.version, p.stored_version, newest.total_rows, live.files, live.bytes,
       pending.changes AS pending_changes, newest.snapshot_at AS published_at, p.last_error, by_recipients.reads,
       by_recipients.bytes_listed, by_recipients.last_read_at
FROM lakehouse.published_tables p
JOIN lakehouse.tenants t ON t.id = p.tenant_id
LEFT JOIN lakehouse.published_versions newest ON newest.table_id = p.id AND newest.version = p.version
CROSS JOIN LATERAL (SELECT count(*) AS files, coalesce(sum(f.bytes), 0)::bigint AS bytes FROM lakehouse.published_files f
                    WHERE f.table_id = p.id AND f.removed_version IS NULL) AS live
CROSS JOIN LATERAL (SELECT count(*) AS changes FROM lakehouse.captured_changes c WHERE c.table_id = p.id) AS pending
CROSS JOIN LATERAL (SELECT coalesce(sum(r.reads), 0)::bigint AS reads, coalesce(sum(r.bytes_listed), 0)::bigint AS bytes_listed,
                           max(r.last_read_at) AS last_read_at
                    FROM lakehouse.share_reads r WHERE r.table_id = p.id) AS by_recipients
WHERE pg_has_role(to_regrole(t.slug || '_admin'), 'USAGE') OR pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW lakehouse.stat_publish IS 'Published tables as they are now: of the own tenant, to members of pg_monitor of all';
COMMENT ON COLUMN lakehouse.stat_publish.tenant IS 'The tenant';
COMMENT ON COLUMN lakehouse.stat_publish.source IS 'The table or view';
COMMENT ON COLUMN lakehouse.stat_publish.table_id IS 'Id of the Delta table';
COMMENT ON COLUMN lakehouse.stat_publish.version IS 'Newest version that is decided; -1: none yet';
COMMENT ON COLUMN lakehouse.stat_publish.stored_version IS 'Newest version that recipients read; -1: none yet';
COMMENT ON COLUMN lakehouse.stat_publish.total_rows IS 'Rows of the newest version';
COMMENT ON COLUMN lakehouse.stat_publish.files IS 'Its data files';
COMMENT ON COLUMN lakehouse.stat_publish.bytes IS 'Their size';
COMMENT ON COLUMN lakehouse.stat_publish.pending_changes IS 'Changes captured since';
COMMENT ON COLUMN lakehouse.stat_publish.published_at IS 'The rows of the newest version are those committed at this time';
COMMENT ON COLUMN lakehouse.stat_publish.last_error IS 'Why the last publish left this table where it was; NULL: it did not';
COMMENT ON COLUMN lakehouse.stat_publish.reads IS 'Queries and requests for changes by recipients';
COMMENT ON COLUMN lakehouse.stat_publish.bytes_listed IS 'Bytes of the files that recipients were told of';
COMMENT ON COLUMN lakehouse.stat_publish.last_read_at IS 'When a recipient last read it; NULL: none yet';

CREATE FUNCTION lakehouse.grant_publish_privileges(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    admin CONSTANT text := quote_ident(slug || '_admin');
BEGIN
    -- Rows of the own tenant: see the policies. What is not named here the triggers fill in.
    EXECUTE format('GRANT SELECT, INSERT (tenant_id, name), DELETE ON lakehouse.shares TO %s', admin);
    EXECUTE format('GRANT SELECT, INSERT (share_id, schema_name, name, table_id, with_history, description), DELETE '
                   'ON lakehouse.share_tables TO %s', admin);
    EXECUTE format('GRANT SELECT, INSERT (share_id, recipient_id), DELETE ON lakehouse.share_grants TO %s', admin);
    EXECUTE format('GRANT SELECT (id, tenant_id, name, revoked_at) ON lakehouse.recipients TO %s', admin);
    EXECUTE format('GRANT SELECT, INSERT (tenant_id, source, key_columns, changes_of) ON lakehouse.published_tables TO %s', admin);
    -- UPDATE: to lock a job.
    EXECUTE format('GRANT SELECT, INSERT (tenant_id), UPDATE (requested_at) ON lakehouse.publish_jobs TO %s', admin);
    EXECUTE format('GRANT SELECT ON lakehouse.publish_history, lakehouse.progress_publish, lakehouse.stat_publish TO %s', admin);
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.administers(uuid), lakehouse.publishable_type(regtype, integer), '
                   'lakehouse.published_columns(regclass), lakehouse.check_published_column(regclass, text, text, text, text[]), '
                   'lakehouse.relations_below(regclass), lakehouse.check_readable(regclass), lakehouse.check_source(text, regclass), '
                   'lakehouse.primary_key_of(regclass), '
                   'lakehouse.has_unique_key(regclass, text[]), lakehouse.check_key(regclass, text[]), '
                   'lakehouse.check_changes_of(text, regclass, text[], regclass), lakehouse.notice_other_tables(text, regclass, regclass) TO %s', admin);
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.share_contract_version(), lakehouse.contract_columns(text), '
                   'lakehouse.create_contract_view(text, text), lakehouse.find_share(text, text), lakehouse.check_shared_name(text, text), '
                   'lakehouse.create_share(text, text, boolean, boolean), lakehouse.publish_source(text, regclass, text[], regclass), '
                   'lakehouse.add_table_to_share(text, text, regclass, text, text, text[], regclass, boolean, text, boolean), '
                   'lakehouse.remove_table_from_share(text, text, text, text, boolean), lakehouse.drop_share(text, text, boolean), '
                   'lakehouse.restart_publishing(text, regclass), lakehouse.find_recipient(text, text), '
                   'lakehouse.grant_share(text, text, text), lakehouse.revoke_share(text, text, text), '
                   'lakehouse.set_share_salt(text, text), lakehouse.publish(text), lakehouse.publish_now(text), '
                   'lakehouse.publish_and_wait(uuid) TO %s', admin);
END
$$;
COMMENT ON FUNCTION lakehouse.grant_publish_privileges(text) IS
'Part of create_tenant: a tenant''s admins share and publish its tables, and see how that goes.';

-- The locks are taken in the order in which a publish takes them.
CREATE FUNCTION lakehouse.drop_publishing(tenant_id uuid)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM lakehouse.publishers p WHERE p.tenant_id = drop_publishing.tenant_id FOR UPDATE;
    DELETE FROM lakehouse.shares s WHERE s.tenant_id = drop_publishing.tenant_id;
    DELETE FROM lakehouse.published_tables p WHERE p.tenant_id = drop_publishing.tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_publishing(uuid) IS
'Part of drop_tenant: its shares, published tables and their triggers. Waits for a publish under way.';

REVOKE ALL ON lakehouse.publish_history, lakehouse.progress_publish, lakehouse.stat_publish FROM PUBLIC;
GRANT SELECT ON lakehouse.publish_history, lakehouse.progress_publish, lakehouse.stat_publish TO pg_monitor;
REVOKE ALL ON FUNCTION
    lakehouse.publish(text),
    lakehouse.read_as_tenant(uuid),
    lakehouse.grant_publish_privileges(text),
    lakehouse.drop_publishing(uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.read_as_tenant(uuid) TO lakehouse_worker;
