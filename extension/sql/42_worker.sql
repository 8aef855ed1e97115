-- SPDX-License-Identifier: PostgreSQL
-- What the worker says of itself.

CREATE FUNCTION lakehouse.worker_report(
    OUT is_running boolean, OUT pid integer, OUT version text, OUT started_at timestamptz, OUT listen text,
    OUT database_ok boolean, OUT open_scans bigint, OUT scans bigint, OUT failed_scans bigint, OUT rows bigint,
    OUT bytes_received bigint, OUT http_requests bigint, OUT http_retries bigint, OUT key_id bigint)
RETURNS record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_worker_report';
COMMENT ON FUNCTION lakehouse.worker_report() IS
'One row: what the worker of this server says of itself; is_running is false, and the rest NULL, when there is none.';

CREATE VIEW lakehouse.worker_status AS
SELECT is_running, pid, version, started_at, listen, database_ok, open_scans, scans, failed_scans, rows,
       bytes_received, http_requests, http_retries, key_id
FROM lakehouse.worker_report();
COMMENT ON VIEW lakehouse.worker_status IS 'The worker of this server: is it there, and what has it done since its start';
COMMENT ON COLUMN lakehouse.worker_status.is_running IS 'A worker answers on the socket';
COMMENT ON COLUMN lakehouse.worker_status.pid IS 'Its process id';
COMMENT ON COLUMN lakehouse.worker_status.version IS 'Its version';
COMMENT ON COLUMN lakehouse.worker_status.started_at IS 'When it started';
COMMENT ON COLUMN lakehouse.worker_status.listen IS 'Address and port of its HTTP server';
COMMENT ON COLUMN lakehouse.worker_status.database_ok IS 'It can reach this database';
COMMENT ON COLUMN lakehouse.worker_status.open_scans IS 'Foreign scans now running';
COMMENT ON COLUMN lakehouse.worker_status.scans IS 'Foreign scans so far';
COMMENT ON COLUMN lakehouse.worker_status.failed_scans IS 'Of those, the ones that ended in an error';
COMMENT ON COLUMN lakehouse.worker_status.rows IS 'Rows delivered to backends';
COMMENT ON COLUMN lakehouse.worker_status.bytes_received IS 'Bytes received from warehouses, as they came over the wire';
COMMENT ON COLUMN lakehouse.worker_status.http_requests IS 'HTTP requests made';
COMMENT ON COLUMN lakehouse.worker_status.http_retries IS 'HTTP requests made again after a passing failure';
COMMENT ON COLUMN lakehouse.worker_status.key_id IS 'Id of the master key that encrypts new secrets';

REVOKE ALL ON FUNCTION lakehouse.worker_report() FROM PUBLIC;
REVOKE ALL ON lakehouse.worker_status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.worker_report() TO pg_monitor;
GRANT SELECT ON lakehouse.worker_status TO pg_monitor;
GRANT USAGE ON SCHEMA lakehouse TO pg_monitor;
