-- SPDX-License-Identifier: PostgreSQL
-- Rate limits: buckets of tokens in the server's shared memory, and how much a tenant may ask for.

-- No pinned search_path: they look nothing up, and run before every request.
CREATE FUNCTION lakehouse.take_tokens(keys text[], per_minute float8[], burst float8[])
RETURNS float8 LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'lakehouse_take_tokens';
COMMENT ON FUNCTION lakehouse.take_tokens(text[], float8[], float8[]) IS
'Takes a token from the bucket of each key, or from none. 0: taken; else the seconds after which the same call would take them. per_minute: tokens that flow into each bucket; burst: how many a full one holds. At most 16 keys, each once. Counts for every session of the server, and is not undone by ROLLBACK. Raises 22023 for what can''t be a rate or a burst, 55000 where lakehouse is not in shared_preload_libraries.';

CREATE FUNCTION lakehouse.tokens_wait(keys text[], per_minute float8[], burst float8[])
RETURNS float8 LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'lakehouse_tokens_wait';
COMMENT ON FUNCTION lakehouse.tokens_wait(text[], float8[], float8[]) IS
'What lakehouse.take_tokens() would answer; takes nothing.';

CREATE FUNCTION lakehouse.return_tokens(keys text[], per_minute float8[])
RETURNS void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'lakehouse_return_tokens';
COMMENT ON FUNCTION lakehouse.return_tokens(text[], float8[]) IS
'Puts one token back into the bucket of each key, as where only failures are to be counted: take before the attempt, return after success. per_minute: as it was taken with.';

CREATE TABLE lakehouse.tenant_limits (
    tenant_id uuid PRIMARY KEY REFERENCES lakehouse.tenants ON DELETE CASCADE,
    client_per_minute integer NOT NULL DEFAULT 600 CHECK (client_per_minute BETWEEN 1 AND 1000000),
    tenant_per_minute integer NOT NULL DEFAULT 3000 CHECK (tenant_per_minute BETWEEN 1 AND 1000000),
    recipient_per_minute integer NOT NULL DEFAULT 3000 CHECK (recipient_per_minute BETWEEN 1 AND 1000000)
);
COMMENT ON TABLE lakehouse.tenant_limits IS 'Requests a minute that a tenant may make, where it is not the default; set by lakehouse.set_tenant_limits()';
COMMENT ON COLUMN lakehouse.tenant_limits.tenant_id IS 'The tenant';
COMMENT ON COLUMN lakehouse.tenant_limits.client_per_minute IS 'Requests a minute of one client';
COMMENT ON COLUMN lakehouse.tenant_limits.tenant_per_minute IS 'Requests a minute of all its clients together';
COMMENT ON COLUMN lakehouse.tenant_limits.recipient_per_minute IS 'Requests a minute of one recipient of its shares';
REVOKE ALL ON lakehouse.tenant_limits FROM PUBLIC;
GRANT SELECT ON lakehouse.tenant_limits TO lakehouse_worker;
SELECT pg_catalog.pg_extension_config_dump('lakehouse.tenant_limits', '');

CREATE FUNCTION lakehouse.set_tenant_limits(
    tenant text, client_per_minute integer DEFAULT 600, tenant_per_minute integer DEFAULT 3000,
    recipient_per_minute integer DEFAULT 3000)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO lakehouse.tenant_limits AS l (tenant_id, client_per_minute, tenant_per_minute, recipient_per_minute)
    VALUES (lakehouse.find_tenant(tenant), set_tenant_limits.client_per_minute, set_tenant_limits.tenant_per_minute,
            set_tenant_limits.recipient_per_minute)
    ON CONFLICT (tenant_id) DO UPDATE
    SET client_per_minute = EXCLUDED.client_per_minute, tenant_per_minute = EXCLUDED.tenant_per_minute,
        recipient_per_minute = EXCLUDED.recipient_per_minute;
END
$$;
COMMENT ON FUNCTION lakehouse.set_tenant_limits(text, integer, integer, integer) IS
'Sets how many requests a minute each client of a tenant, and all of them together, may make, over MCP, REST and assistant; and each recipient of its shares. Half of it may come at once. Holds from the next request on. Raises undefined_object for an unknown tenant, check_violation for a number out of 1 to 1000000.';

-- The one place that says what a request costs. PL/pgSQL keeps the plan, which a function in SQL makes anew each time.
CREATE FUNCTION lakehouse.take_request_tokens(tenant_id uuid, client_id text)
RETURNS float8 LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    client_per_minute float8 := 600;
    tenant_per_minute float8 := 3000;
    own record;
BEGIN
    SELECT l.client_per_minute AS of_client, l.tenant_per_minute AS of_tenant INTO own
    FROM lakehouse.tenant_limits l WHERE l.tenant_id = take_request_tokens.tenant_id;
    IF FOUND THEN
        client_per_minute := own.of_client;
        tenant_per_minute := own.of_tenant;
    END IF;
    RETURN lakehouse.take_tokens(
        ARRAY['client:' || tenant_id || ':' || client_id, 'tenant:' || tenant_id],
        ARRAY[client_per_minute, tenant_per_minute],
        ARRAY[greatest(client_per_minute * 0.5, 1), greatest(tenant_per_minute * 0.5, 1)]);
END
$$;
COMMENT ON FUNCTION lakehouse.take_request_tokens(uuid, text) IS
'Counts one request of a client against its own limit and its tenant''s. 0: go on; else the seconds after which it would be let in.';

-- Not out of the tenant's own bucket: whoever reads its shares must not hold up its agents.
CREATE FUNCTION lakehouse.take_recipient_token(tenant_id uuid, recipient_id uuid)
RETURNS float8 LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    per_minute CONSTANT float8 := coalesce((
        SELECT l.recipient_per_minute FROM lakehouse.tenant_limits l WHERE l.tenant_id = take_recipient_token.tenant_id), 3000);
BEGIN
    RETURN lakehouse.take_tokens(
        ARRAY['client:' || tenant_id || ':recipient ' || recipient_id], ARRAY[per_minute], ARRAY[greatest(per_minute * 0.5, 1)]);
END
$$;
COMMENT ON FUNCTION lakehouse.take_recipient_token(uuid, uuid) IS
'Counts one request of a recipient against its limit. 0: go on; else the seconds after which it would be let in.';

REVOKE ALL ON FUNCTION
    lakehouse.take_tokens(text[], float8[], float8[]),
    lakehouse.tokens_wait(text[], float8[], float8[]),
    lakehouse.return_tokens(text[], float8[]),
    lakehouse.set_tenant_limits(text, integer, integer, integer),
    lakehouse.take_request_tokens(uuid, text),
    lakehouse.take_recipient_token(uuid, uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.take_tokens(text[], float8[], float8[]),
    lakehouse.tokens_wait(text[], float8[], float8[]),
    lakehouse.return_tokens(text[], float8[]),
    lakehouse.take_request_tokens(uuid, text),
    lakehouse.take_recipient_token(uuid, uuid)
TO lakehouse_worker;
