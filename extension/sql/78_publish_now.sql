-- SPDX-License-Identifier: PostgreSQL
-- publish_now(): a publish that is waited for. And the folders of tables that are published no more, for the worker to empty.

CREATE FUNCTION lakehouse.publish_and_wait(
    tenant_id uuid, OUT table_name text, OUT version bigint, OUT operation text, OUT rows_added bigint, OUT rows_changed bigint,
    OUT rows_removed bigint, OUT bytes_written bigint, OUT duration_ms double precision)
RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_publish_and_wait';
COMMENT ON FUNCTION lakehouse.publish_and_wait(uuid) IS
'Part of publish_now: has the worker publish the tenant''s tables. Raises 42501 unless the caller is an admin of the tenant.';

CREATE FUNCTION lakehouse.publish_now(
    tenant text, OUT table_name text, OUT version bigint, OUT operation text, OUT rows_added bigint, OUT rows_changed bigint,
    OUT rows_removed bigint, OUT bytes_written bigint, OUT duration_ms double precision)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM lakehouse.publish_and_wait(lakehouse.find_tenant(tenant));
END
$$;
COMMENT ON FUNCTION lakehouse.publish_now(text) IS
'Publishes what has changed in the tables of a tenant''s shares and waits for it: a row for each new version, none if nothing had changed. It sees what is committed, not what the caller''s own transaction has done. A cancelled call ends the publish. If a table can''t be published the others are, and the error is raised. Raises undefined_object, 42501 unless the caller is an admin of the tenant, 08001 without a worker.';

CREATE TABLE lakehouse.abandoned_folders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    store_id uuid,
    location text NOT NULL,
    abandoned_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lakehouse.abandoned_folders IS 'Folders of tables that are published no more, until the worker has emptied them';
COMMENT ON COLUMN lakehouse.abandoned_folders.id IS 'Number of the row';
COMMENT ON COLUMN lakehouse.abandoned_folders.tenant_id IS 'The tenant, which may be gone';
COMMENT ON COLUMN lakehouse.abandoned_folders.store_id IS 'The object store; NULL: the directory lakehouse.delta_directory';
COMMENT ON COLUMN lakehouse.abandoned_folders.location IS 'The folder in its store';
COMMENT ON COLUMN lakehouse.abandoned_folders.abandoned_at IS 'Since when';
REVOKE ALL ON lakehouse.abandoned_folders FROM PUBLIC;
-- UPDATE: to lock a row.
GRANT SELECT, UPDATE, DELETE ON lakehouse.abandoned_folders TO lakehouse_worker;
SELECT pg_catalog.pg_extension_config_dump('lakehouse.abandoned_folders', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.abandoned_folders_id_seq', '');

-- SECURITY DEFINER: whoever takes a table out of its last share has no right on abandoned_folders.
CREATE FUNCTION lakehouse.abandon_folder()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO lakehouse.abandoned_folders (tenant_id, store_id, location) VALUES (OLD.tenant_id, OLD.store_id, OLD.location);
    PERFORM pg_notify('lakehouse_publish', '');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.abandon_folder() IS 'Trigger: notes the folder of a table that is published no more.';
CREATE TRIGGER abandon_folder AFTER DELETE ON lakehouse.published_tables
    FOR EACH ROW EXECUTE FUNCTION lakehouse.abandon_folder();

REVOKE ALL ON FUNCTION
    lakehouse.publish_and_wait(uuid),
    lakehouse.publish_now(text),
    lakehouse.abandon_folder()
FROM PUBLIC;
