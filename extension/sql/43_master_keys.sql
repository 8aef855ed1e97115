-- SPDX-License-Identifier: PostgreSQL
-- Master keys, as far as the database knows them: their ids. The keys themselves are with the worker alone.
-- A key that was retired never encrypts a stored secret again: that is checked here, in the transaction that stores it,
-- so that no worker with an old key can slip a secret in behind the count that allowed the retirement.

CREATE FUNCTION lakehouse.sealing_key_id(envelope bytea)
RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN octet_length(envelope) >= 8
            THEN (get_byte(envelope, 4)::bigint << 24) + (get_byte(envelope, 5) << 16)
                 + (get_byte(envelope, 6) << 8) + get_byte(envelope, 7) END;
COMMENT ON FUNCTION lakehouse.sealing_key_id(bytea) IS
'The id of the master key that encrypted a secret, from the header of its envelope; NULL if it is too short to be one.';

-- No unique constraint: a worker may write while pg_restore fills the table, and neither may fail.
CREATE TABLE lakehouse.master_key_log (
    key_id bigint NOT NULL CHECK (key_id BETWEEN 1 AND 4294967295),
    event text NOT NULL CHECK (event IN ('added', 'retired')),
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lakehouse.master_key_log IS 'What happened to master keys; written by the worker, only ever appended to';
COMMENT ON COLUMN lakehouse.master_key_log.key_id IS 'Id of the key';
COMMENT ON COLUMN lakehouse.master_key_log.event IS 'added: a worker has it. retired: no secret needs it, and none will be encrypted with it again';
COMMENT ON COLUMN lakehouse.master_key_log.at IS 'When';
SELECT pg_catalog.pg_extension_config_dump('lakehouse.master_key_log', '');

CREATE VIEW lakehouse.master_keys AS
SELECT k.key_id,
       min(k.at) FILTER (WHERE k.event = 'added') AS since,
       max(k.at) FILTER (WHERE k.event = 'retired') AS retired_at,
       count(*) FILTER (WHERE k.event = 'secret') AS secrets
FROM (SELECT l.key_id, l.event, l.at FROM lakehouse.master_key_log l
      UNION ALL
      SELECT lakehouse.sealing_key_id(c.secret), 'secret', NULL FROM lakehouse.warehouse_connections c
      WHERE lakehouse.sealing_key_id(c.secret) IS NOT NULL
      UNION ALL
      SELECT lakehouse.sealing_key_id(s.secret), 'secret', NULL FROM lakehouse.stores s
      WHERE lakehouse.sealing_key_id(s.secret) IS NOT NULL) k
GROUP BY k.key_id;
COMMENT ON VIEW lakehouse.master_keys IS 'Master keys and how many stored secrets need each: the progress of a rotation';
COMMENT ON COLUMN lakehouse.master_keys.key_id IS 'Id of the key; the highest encrypts, see lakehouse.worker_status.key_id';
COMMENT ON COLUMN lakehouse.master_keys.since IS 'When a worker first had it';
COMMENT ON COLUMN lakehouse.master_keys.retired_at IS 'When it was retired; NULL: it may be needed';
COMMENT ON COLUMN lakehouse.master_keys.secrets IS 'Stored secrets encrypted with it now';

-- SECURITY DEFINER: a tenant's admin stores secrets, and has no rights on the log of keys.
CREATE FUNCTION lakehouse.refuse_retired_key()
RETURNS trigger LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    used_key_id CONSTANT bigint := lakehouse.sealing_key_id(NEW.secret);
BEGIN
    -- Held until the end of the transaction; a retirement takes a stronger one before it counts.
    LOCK TABLE lakehouse.master_key_log IN ROW SHARE MODE;
    IF EXISTS (SELECT FROM lakehouse.master_key_log l WHERE l.key_id = used_key_id AND l.event = 'retired') THEN
        RAISE EXCEPTION 'secret is encrypted with master key %, which was retired', used_key_id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run the statement again in a few seconds: the worker then has the new key.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.refuse_retired_key() IS 'Trigger: no secret is stored under a retired master key. Raises 55000.';
CREATE TRIGGER refuse_retired_key_insert BEFORE INSERT ON lakehouse.warehouse_connections
    FOR EACH ROW WHEN (NEW.secret IS NOT NULL) EXECUTE FUNCTION lakehouse.refuse_retired_key();
CREATE TRIGGER refuse_retired_key_update BEFORE UPDATE ON lakehouse.warehouse_connections
    FOR EACH ROW WHEN (NEW.secret IS NOT NULL AND NEW.secret IS DISTINCT FROM OLD.secret)
    EXECUTE FUNCTION lakehouse.refuse_retired_key();
CREATE TRIGGER refuse_retired_key_insert BEFORE INSERT ON lakehouse.stores
    FOR EACH ROW WHEN (NEW.secret IS NOT NULL) EXECUTE FUNCTION lakehouse.refuse_retired_key();
CREATE TRIGGER refuse_retired_key_update BEFORE UPDATE ON lakehouse.stores
    FOR EACH ROW WHEN (NEW.secret IS NOT NULL AND NEW.secret IS DISTINCT FROM OLD.secret)
    EXECUTE FUNCTION lakehouse.refuse_retired_key();

REVOKE ALL ON FUNCTION lakehouse.sealing_key_id(bytea), lakehouse.refuse_retired_key() FROM PUBLIC;
REVOKE ALL ON lakehouse.master_key_log, lakehouse.master_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.sealing_key_id(bytea) TO lakehouse_worker, pg_monitor;
-- UPDATE is never made: LOCK TABLE wants it.
GRANT SELECT, INSERT, UPDATE ON lakehouse.master_key_log TO lakehouse_worker;
GRANT SELECT ON lakehouse.master_keys TO lakehouse_worker, pg_monitor;
