-- SPDX-License-Identifier: PostgreSQL
-- Slow statements of agents: started by one call, asked for and cancelled by others, on whichever worker. A statement that
-- runs is its session's: where the session is gone, the statement is. The worker that runs it ends it when its row says so.

CREATE UNLOGGED TABLE lakehouse.started_queries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    user_id uuid NOT NULL,
    client_id text NOT NULL,
    token_id bigint NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    result text,
    error jsonb,
    backend_pid integer,
    backend_start timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CHECK ((state = 'done') = (result IS NOT NULL) AND (state = 'failed') = (error IS NOT NULL))
);
CREATE INDEX started_queries_tenant_idx ON lakehouse.started_queries (tenant_id, user_id) WHERE state = 'running';
COMMENT ON TABLE lakehouse.started_queries IS 'Statements that agents started and poll for; an hour after its end a row goes, after a crash of the server all do';
COMMENT ON COLUMN lakehouse.started_queries.id IS 'What the agent polls by';
COMMENT ON COLUMN lakehouse.started_queries.tenant_id IS 'The user''s tenant';
COMMENT ON COLUMN lakehouse.started_queries.user_id IS 'The user, who alone may ask for it or cancel it';
COMMENT ON COLUMN lakehouse.started_queries.client_id IS 'The OAuth client that started it';
COMMENT ON COLUMN lakehouse.started_queries.token_id IS 'The access token that started it: if that is revoked, it is cancelled';
COMMENT ON COLUMN lakehouse.started_queries.state IS 'running, done, failed or cancelled';
COMMENT ON COLUMN lakehouse.started_queries.result IS 'JSON: columns, rows, row_count, truncated, as_of';
COMMENT ON COLUMN lakehouse.started_queries.error IS 'JSON: code, message, details, hint';
COMMENT ON COLUMN lakehouse.started_queries.backend_pid IS 'Process of the session that runs it';
COMMENT ON COLUMN lakehouse.started_queries.backend_start IS 'When that session began';
COMMENT ON COLUMN lakehouse.started_queries.started_at IS 'When it was started';
COMMENT ON COLUMN lakehouse.started_queries.ended_at IS 'When it ended';
REVOKE ALL ON lakehouse.started_queries FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON lakehouse.started_queries TO lakehouse_worker;

CREATE FUNCTION lakehouse.sweep_started_queries()
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lakehouse.started_queries q
    SET state = 'failed', ended_at = now(),
        error = jsonb_build_object('code', 'UNAVAILABLE', 'message', 'the query was lost with the worker that ran it',
                                   'hint', 'Start it again.')
    WHERE q.state = 'running'
      AND CASE WHEN q.backend_pid IS NULL THEN q.started_at < now() - interval '2 minutes'
               ELSE q.started_at < now() - interval '20 minutes' OR NOT EXISTS (
                   SELECT FROM pg_stat_activity a WHERE a.pid = q.backend_pid AND a.backend_start = q.backend_start) END;
    DELETE FROM lakehouse.started_queries q WHERE q.ended_at < now() - interval '1 hour';
END
$$;
COMMENT ON FUNCTION lakehouse.sweep_started_queries() IS
'Marks started queries whose session is gone as failed, and forgets those that ended an hour ago.';

CREATE FUNCTION lakehouse.add_started_query(tenant_id uuid, user_id uuid, client_id text, token_id bigint)
RETURNS uuid LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most_of_user CONSTANT integer := 4;
    most_of_tenant CONSTANT integer := 16;
    added uuid;
BEGIN
    PERFORM lakehouse.sweep_started_queries();
    PERFORM pg_advisory_xact_lock(hashtextextended('lakehouse.started_queries ' || tenant_id, 0));
    IF (SELECT count(*) >= most_of_tenant OR count(*) FILTER (WHERE q.user_id = add_started_query.user_id) >= most_of_user
        FROM lakehouse.started_queries q WHERE q.tenant_id = add_started_query.tenant_id AND q.state = 'running') THEN
        RAISE EXCEPTION 'too many started queries are running'
            USING ERRCODE = 'configuration_limit_exceeded',
                  DETAIL = format('A user may have %s, a tenant %s.', most_of_user, most_of_tenant),
                  HINT = 'Wait for one of them to end, or cancel one.';
    END IF;
    INSERT INTO lakehouse.started_queries AS q (tenant_id, user_id, client_id, token_id)
    VALUES (add_started_query.tenant_id, add_started_query.user_id, add_started_query.client_id, add_started_query.token_id)
    RETURNING q.id INTO added;
    RETURN added;
END
$$;
COMMENT ON FUNCTION lakehouse.add_started_query(uuid, uuid, text, bigint) IS
'A row for a query that is about to start. Raises 53400 where the user or the tenant has too many that run.';

CREATE FUNCTION lakehouse.cancel_started_query(id text, tenant_id uuid, user_id uuid)
RETURNS text LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id CONSTANT uuid := (
        SELECT q.id FROM lakehouse.started_queries q
        WHERE q.id::text = lower(cancel_started_query.id)
              AND q.tenant_id = cancel_started_query.tenant_id AND q.user_id = cancel_started_query.user_id);
BEGIN
    PERFORM lakehouse.sweep_started_queries();
    UPDATE lakehouse.started_queries q SET state = 'cancelled', ended_at = now() WHERE q.id = found_id AND q.state = 'running';
    RETURN (SELECT q.state FROM lakehouse.started_queries q WHERE q.id = found_id);
END
$$;
COMMENT ON FUNCTION lakehouse.cancel_started_query(text, uuid, uuid) IS
'The state of a user''s query after what runs was cancelled; NULL if the user has no such query.';

CREATE FUNCTION lakehouse.ended_queries(ids uuid[])
RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- An expired token is no revoked one: its user may sign in again and ask for the result.
    UPDATE lakehouse.started_queries q SET state = 'cancelled', ended_at = now()
    WHERE q.id = ANY (ids) AND q.state = 'running' AND NOT EXISTS (
        SELECT FROM lakehouse.oauth_access_tokens t
        JOIN lakehouse.oauth_grants g ON g.id = t.grant_id
        JOIN lakehouse.oauth_clients c ON c.client_id = g.client_id
        WHERE t.id = q.token_id AND t.revoked_at IS NULL AND g.revoked_at IS NULL AND c.revoked_at IS NULL);
    RETURN QUERY SELECT k.id FROM unnest(ids) AS k (id)
                 WHERE NOT EXISTS (SELECT FROM lakehouse.started_queries q WHERE q.id = k.id AND q.state = 'running');
END
$$;
COMMENT ON FUNCTION lakehouse.ended_queries(uuid[]) IS
'Those of the given queries that may not go on: cancelled, gone, or begun with a token that is revoked by now; the last become cancelled.';

REVOKE ALL ON FUNCTION
    lakehouse.sweep_started_queries(), lakehouse.add_started_query(uuid, uuid, text, bigint),
    lakehouse.cancel_started_query(text, uuid, uuid), lakehouse.ended_queries(uuid[])
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.sweep_started_queries(), lakehouse.add_started_query(uuid, uuid, text, bigint),
    lakehouse.cancel_started_query(text, uuid, uuid), lakehouse.ended_queries(uuid[])
TO lakehouse_worker;
