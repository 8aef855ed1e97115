-- SPDX-License-Identifier: PostgreSQL
-- What is published as Delta tables: which tables, their versions and files, what changed since, the jobs that publish.
-- These rows are the truth; a table's log in the store is written from them. A version counts once its commit is in the
-- log: published_tables.stored_version.

CREATE TABLE lakehouse.published_tables (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    source regclass NOT NULL,
    key_columns text[] NOT NULL CHECK (cardinality(key_columns) BETWEEN 1 AND 8),
    changes_of regclass,
    store_id uuid REFERENCES lakehouse.stores,
    location text NOT NULL CHECK (location <> ''),
    columns jsonb,
    next_column_id integer NOT NULL DEFAULT 1,
    version bigint NOT NULL DEFAULT -1,
    stored_version bigint NOT NULL DEFAULT -1,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, source),
    CHECK (stored_version <= version)
);
COMMENT ON TABLE lakehouse.published_tables IS 'Tables and views that are published as Delta tables, each once whatever the number of shares it is in';
COMMENT ON COLUMN lakehouse.published_tables.id IS 'Also the id of the Delta table';
COMMENT ON COLUMN lakehouse.published_tables.tenant_id IS 'The tenant it belongs to';
COMMENT ON COLUMN lakehouse.published_tables.source IS 'The table or view whose rows are published';
COMMENT ON COLUMN lakehouse.published_tables.key_columns IS 'Columns that tell its rows apart';
COMMENT ON COLUMN lakehouse.published_tables.changes_of IS 'The table whose changes of a key are the changes of source; NULL: source is read and compared as a whole each time';
COMMENT ON COLUMN lakehouse.published_tables.store_id IS 'The object store its files lie in; NULL: the directory lakehouse.delta_directory';
COMMENT ON COLUMN lakehouse.published_tables.location IS 'Folder of the table in its store; never changes';
COMMENT ON COLUMN lakehouse.published_tables.columns IS 'Columns of the newest version: [{"name", "type", "id", "element_id", "nullable", "comment", "origin"}]; NULL before the first';
COMMENT ON COLUMN lakehouse.published_tables.next_column_id IS 'Field id that the next new column gets; none is given twice';
COMMENT ON COLUMN lakehouse.published_tables.version IS 'Newest version that is decided; -1: none yet';
COMMENT ON COLUMN lakehouse.published_tables.stored_version IS 'Newest version whose commit is in the log: what clients see; -1: none yet';
COMMENT ON COLUMN lakehouse.published_tables.last_error IS 'Why the last publish left this table where it was; NULL: it did not';
COMMENT ON COLUMN lakehouse.published_tables.created_at IS 'When it was first added to a share';

CREATE TABLE lakehouse.published_versions (
    table_id uuid NOT NULL REFERENCES lakehouse.published_tables ON DELETE CASCADE,
    version bigint NOT NULL CHECK (version >= 0),
    job_id bigint,
    operation text NOT NULL CHECK (operation IN ('CREATE', 'RELOAD', 'WRITE', 'OPTIMIZE')),
    snapshot_at timestamptz NOT NULL,
    committed_ms bigint NOT NULL,
    metadata jsonb,
    lines text,
    stored_at timestamptz,
    total_rows bigint NOT NULL,
    rows_added bigint NOT NULL,
    rows_changed bigint NOT NULL,
    rows_removed bigint NOT NULL,
    files_added integer NOT NULL,
    files_removed integer NOT NULL,
    bytes_written bigint NOT NULL,
    duration interval NOT NULL,
    PRIMARY KEY (table_id, version)
);
COMMENT ON TABLE lakehouse.published_versions IS 'Versions of published tables that can still be read';
COMMENT ON COLUMN lakehouse.published_versions.table_id IS 'The published table';
COMMENT ON COLUMN lakehouse.published_versions.version IS 'Version of the Delta table, from 0';
COMMENT ON COLUMN lakehouse.published_versions.job_id IS 'The job that made it';
COMMENT ON COLUMN lakehouse.published_versions.operation IS 'CREATE: the first. RELOAD: all rows anew. WRITE: what changed. OPTIMIZE: the same rows in fewer files';
COMMENT ON COLUMN lakehouse.published_versions.snapshot_at IS 'Its rows are those committed at this time';
COMMENT ON COLUMN lakehouse.published_versions.committed_ms IS 'Time of the commit, milliseconds since 1970; grows from version to version';
COMMENT ON COLUMN lakehouse.published_versions.metadata IS 'The metaData action, where this version has one';
COMMENT ON COLUMN lakehouse.published_versions.lines IS 'The commit as it is to be written to the log; NULL once it is there';
COMMENT ON COLUMN lakehouse.published_versions.stored_at IS 'When the commit was in the log; NULL: not yet';
COMMENT ON COLUMN lakehouse.published_versions.total_rows IS 'Rows of the table in this version';
COMMENT ON COLUMN lakehouse.published_versions.rows_added IS 'Rows that the version before did not have';
COMMENT ON COLUMN lakehouse.published_versions.rows_changed IS 'Rows that the version before had otherwise';
COMMENT ON COLUMN lakehouse.published_versions.rows_removed IS 'Rows that only the version before had';
COMMENT ON COLUMN lakehouse.published_versions.files_added IS 'Data files that came';
COMMENT ON COLUMN lakehouse.published_versions.files_removed IS 'Data files that went';
COMMENT ON COLUMN lakehouse.published_versions.bytes_written IS 'Bytes of data and change files written';
COMMENT ON COLUMN lakehouse.published_versions.duration IS 'How long this table took';

CREATE TABLE lakehouse.published_files (
    table_id uuid NOT NULL REFERENCES lakehouse.published_tables ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    path text NOT NULL,
    bytes bigint NOT NULL,
    row_count bigint NOT NULL,
    stats text NOT NULL,
    added_version bigint NOT NULL,
    added_with_change boolean NOT NULL,
    added_ms bigint NOT NULL,
    removed_version bigint,
    removed_with_change boolean,
    removed_ms bigint,
    key_filter bytea NOT NULL,
    PRIMARY KEY (table_id, id),
    UNIQUE (table_id, path)
);
ALTER TABLE lakehouse.published_files ALTER key_filter SET STORAGE EXTERNAL, ALTER stats SET STORAGE MAIN;
CREATE INDEX published_files_live_idx ON lakehouse.published_files (table_id, added_version) WHERE removed_version IS NULL;
CREATE INDEX published_files_removed_idx ON lakehouse.published_files (table_id, removed_version) WHERE removed_version IS NOT NULL;
COMMENT ON TABLE lakehouse.published_files IS 'Data files of published tables, live ones and those that older versions need';
COMMENT ON COLUMN lakehouse.published_files.table_id IS 'The published table';
COMMENT ON COLUMN lakehouse.published_files.id IS 'Number of the file';
COMMENT ON COLUMN lakehouse.published_files.path IS 'Path below the table''s folder, not encoded';
COMMENT ON COLUMN lakehouse.published_files.bytes IS 'Size';
COMMENT ON COLUMN lakehouse.published_files.row_count IS 'Number of rows';
COMMENT ON COLUMN lakehouse.published_files.stats IS 'Delta statistics as JSON';
COMMENT ON COLUMN lakehouse.published_files.added_version IS 'First version that has the file';
COMMENT ON COLUMN lakehouse.published_files.added_with_change IS 'dataChange of its add action';
COMMENT ON COLUMN lakehouse.published_files.added_ms IS 'When it was written, milliseconds since 1970';
COMMENT ON COLUMN lakehouse.published_files.removed_version IS 'First version that no longer has it; NULL: it is live';
COMMENT ON COLUMN lakehouse.published_files.removed_with_change IS 'dataChange of its remove action';
COMMENT ON COLUMN lakehouse.published_files.removed_ms IS 'When it was removed, milliseconds since 1970';
COMMENT ON COLUMN lakehouse.published_files.key_filter IS 'Which keys may be in the file; core/delta/key_filter';

CREATE TABLE lakehouse.published_change_files (
    table_id uuid NOT NULL,
    version bigint NOT NULL,
    path text NOT NULL,
    bytes bigint NOT NULL,
    row_count bigint NOT NULL,
    PRIMARY KEY (table_id, version, path),
    FOREIGN KEY (table_id, version) REFERENCES lakehouse.published_versions ON DELETE CASCADE
);
COMMENT ON TABLE lakehouse.published_change_files IS 'Change data files of published tables';
COMMENT ON COLUMN lakehouse.published_change_files.table_id IS 'The published table';
COMMENT ON COLUMN lakehouse.published_change_files.version IS 'The version whose changes it holds';
COMMENT ON COLUMN lakehouse.published_change_files.path IS 'Path below the table''s folder, not encoded';
COMMENT ON COLUMN lakehouse.published_change_files.bytes IS 'Size';
COMMENT ON COLUMN lakehouse.published_change_files.row_count IS 'Number of rows';

-- No constraint to the table: it is written by a trigger of every CRM write, and must be cheap. A heap, since
-- extension/publish/capture.cpp writes it below the executor; what an index on it may be, CatalogTupleInsert() says.
CREATE TABLE lakehouse.captured_changes (
    table_id uuid NOT NULL,
    key text[]
) USING heap;
CREATE INDEX captured_changes_table_idx ON lakehouse.captured_changes (table_id);
COMMENT ON TABLE lakehouse.captured_changes IS 'Keys of rows that may have changed since they were last published; a publish consumes those its snapshot sees, so that a transaction that commits late is never missed. The worker folds those of a table that are more than a million';
COMMENT ON COLUMN lakehouse.captured_changes.table_id IS 'The published table';
COMMENT ON COLUMN lakehouse.captured_changes.key IS 'Values of its key columns as text; NULL: every row may have changed';

CREATE TABLE lakehouse.publish_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed')),
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by name NOT NULL DEFAULT session_user,
    finished_at timestamptz,
    error text
);
CREATE INDEX publish_jobs_queued_idx ON lakehouse.publish_jobs (tenant_id) WHERE state = 'queued';
CREATE INDEX publish_jobs_finished_idx ON lakehouse.publish_jobs (finished_at);
COMMENT ON TABLE lakehouse.publish_jobs IS 'Requests to publish a tenant''s tables, until 30 days after their end. A worker at work holds the row''s lock, so a job whose worker died is free at once';
COMMENT ON COLUMN lakehouse.publish_jobs.id IS 'Number of the job';
COMMENT ON COLUMN lakehouse.publish_jobs.tenant_id IS 'The tenant';
COMMENT ON COLUMN lakehouse.publish_jobs.state IS 'queued (or being worked on: see progress_publish), done or failed';
COMMENT ON COLUMN lakehouse.publish_jobs.requested_at IS 'When it was asked for';
COMMENT ON COLUMN lakehouse.publish_jobs.requested_by IS 'Role that asked';
COMMENT ON COLUMN lakehouse.publish_jobs.finished_at IS 'When it ended';
COMMENT ON COLUMN lakehouse.publish_jobs.error IS 'Why it failed';

-- One row a tenant with shares. Its lock makes publishing one at a time, whatever the number of workers.
CREATE TABLE lakehouse.publishers (
    tenant_id uuid PRIMARY KEY REFERENCES lakehouse.tenants ON DELETE CASCADE
);
COMMENT ON TABLE lakehouse.publishers IS 'Tenants that publish; the row''s lock is held by the worker that does';
COMMENT ON COLUMN lakehouse.publishers.tenant_id IS 'The tenant';

CREATE UNLOGGED TABLE lakehouse.publish_steps (
    job_id bigint PRIMARY KEY,
    tenant_id uuid NOT NULL,
    table_id uuid,
    phase text NOT NULL,
    rows_done bigint NOT NULL DEFAULT 0,
    rows_expected bigint,
    tables_done integer NOT NULL DEFAULT 0,
    tables_total integer NOT NULL DEFAULT 0,
    bytes_written bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lakehouse.publish_steps IS 'How far running jobs are, written by their workers; read it as progress_publish';
COMMENT ON COLUMN lakehouse.publish_steps.job_id IS 'The job';
COMMENT ON COLUMN lakehouse.publish_steps.tenant_id IS 'The tenant';
COMMENT ON COLUMN lakehouse.publish_steps.table_id IS 'The table at work';
COMMENT ON COLUMN lakehouse.publish_steps.phase IS 'What is being done';
COMMENT ON COLUMN lakehouse.publish_steps.rows_done IS 'Rows of this table read so far';
COMMENT ON COLUMN lakehouse.publish_steps.rows_expected IS 'About how many there are; NULL: not known';
COMMENT ON COLUMN lakehouse.publish_steps.tables_done IS 'Tables finished';
COMMENT ON COLUMN lakehouse.publish_steps.tables_total IS 'Tables to publish';
COMMENT ON COLUMN lakehouse.publish_steps.bytes_written IS 'Bytes written so far';
COMMENT ON COLUMN lakehouse.publish_steps.started_at IS 'When the job began';
COMMENT ON COLUMN lakehouse.publish_steps.updated_at IS 'When this row was last written';

REVOKE ALL ON lakehouse.published_tables, lakehouse.published_versions, lakehouse.published_files, lakehouse.published_change_files,
    lakehouse.captured_changes, lakehouse.publish_jobs, lakehouse.publishers, lakehouse.publish_steps FROM PUBLIC;
GRANT SELECT, UPDATE ON lakehouse.published_tables, lakehouse.publish_jobs, lakehouse.publishers TO lakehouse_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON lakehouse.published_versions, lakehouse.published_files, lakehouse.published_change_files,
    lakehouse.publish_steps TO lakehouse_worker;
GRANT SELECT, INSERT, DELETE ON lakehouse.captured_changes TO lakehouse_worker;
GRANT INSERT, DELETE ON lakehouse.publish_jobs TO lakehouse_worker;

-- What a tenant's admins may see and make; 73_publish_sources.sql checks what they make.
CREATE FUNCTION lakehouse.administers(tenant_id uuid)
RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM lakehouse.tenants t WHERE t.id = tenant_id AND pg_has_role(to_regrole(t.slug || '_admin'), 'USAGE'))
$$;
COMMENT ON FUNCTION lakehouse.administers(uuid) IS 'Whether the caller is an admin of the tenant.';
REVOKE ALL ON FUNCTION lakehouse.administers(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.administers(uuid) TO lakehouse_worker;

ALTER TABLE lakehouse.published_tables ENABLE ROW LEVEL SECURITY;
CREATE POLICY published_tables_admin ON lakehouse.published_tables USING (lakehouse.administers(tenant_id));
CREATE POLICY published_tables_worker ON lakehouse.published_tables TO lakehouse_worker USING (true);
COMMENT ON POLICY published_tables_admin ON lakehouse.published_tables IS 'An admin sees and makes those of the own tenant';
COMMENT ON POLICY published_tables_worker ON lakehouse.published_tables IS 'The worker serves every tenant';
ALTER TABLE lakehouse.publish_jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY publish_jobs_admin ON lakehouse.publish_jobs USING (lakehouse.administers(tenant_id));
CREATE POLICY publish_jobs_worker ON lakehouse.publish_jobs TO lakehouse_worker USING (true);
COMMENT ON POLICY publish_jobs_admin ON lakehouse.publish_jobs IS 'An admin sees and makes those of the own tenant';
COMMENT ON POLICY publish_jobs_worker ON lakehouse.publish_jobs IS 'The worker serves every tenant';

-- Together they are one state: a dump that had only some of them would publish wrongly.
SELECT pg_catalog.pg_extension_config_dump('lakehouse.published_tables', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.published_versions', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.published_files', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.published_change_files', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.captured_changes', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.publish_jobs', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.publishers', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.published_files_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.publish_jobs_id_seq', '');
