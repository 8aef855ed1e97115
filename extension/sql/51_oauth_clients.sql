-- SPDX-License-Identifier: PostgreSQL
-- OAuth clients: the programs that may ask a user for access. A client of a tenant is made here, by its admin; others
-- register themselves (RFC 7591) or are a document at their own URL (Client ID Metadata Document), and belong to no tenant.

-- What the worker's sessions carry is secret: passwords, hashes of tokens, what users ask. The server must log none of it,
-- whatever postgresql.conf says. auto_explain would print bound values as part of a plan.
ALTER ROLE lakehouse_worker SET log_parameter_max_length = 0;
ALTER ROLE lakehouse_worker SET log_parameter_max_length_on_error = 0;
ALTER ROLE lakehouse_worker SET debug_print_plan = off;
ALTER ROLE lakehouse_worker SET auto_explain.log_min_duration = -1;

CREATE FUNCTION lakehouse.is_redirect_uri(uri text)
RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT length(uri) <= 2000 AND uri ~ '^[!-~]+$' AND uri !~ '[]["<>\\^`{|}#*]' AND CASE
        WHEN uri ~* '^https:' THEN uri ~ '^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^ ]*)?([?].*)?$'
        WHEN uri ~* '^http:' THEN uri ~ '^http://(127[.]0[.]0[.]1|localhost)(:[0-9]{1,5})?(/[^ ]*)?([?].*)?$'
        -- An app's own scheme (RFC 8252, section 7.1); never one that a browser runs or opens itself.
        ELSE uri ~ '^[a-z][a-z0-9+.-]+:/' AND
             split_part(uri, ':', 1) NOT IN ('javascript', 'vbscript', 'data', 'file', 'blob', 'about', 'ftp', 'ws', 'wss',
                                             'mailto', 'tel', 'view-source', 'filesystem', 'chrome', 'resource')
    END OR uri ~ '^http://\[::1\](:[0-9]{1,5})?(/[!$-;=?-Z_a-z~%&]*)?$'
$$;
COMMENT ON FUNCTION lakehouse.is_redirect_uri(text) IS
'Whether users may be sent there after consent: https, http on a loopback host, or an app''s own scheme; no fragment, no wildcard, printable ASCII alone.';

CREATE TABLE lakehouse.oauth_clients (
    client_id text PRIMARY KEY,
    tenant_id uuid REFERENCES lakehouse.tenants ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '[^[:space:]]' AND length(name) <= 200 AND name !~ '[[:cntrl:]]'),
    kind text NOT NULL CHECK (kind IN ('confidential', 'public', 'dynamic', 'metadata_document')),
    secret_hash bytea CHECK (length(secret_hash) = 32),
    redirect_uris text[] NOT NULL CHECK (cardinality(redirect_uris) BETWEEN 1 AND 20),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND
                                  scopes <@ ARRAY['crm:read', 'crm:write', 'erp:read', 'warehouse:query']),
    allow_refresh_tokens boolean NOT NULL DEFAULT false,
    registered_from text,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CHECK (client_id ~ CASE WHEN kind = 'metadata_document' THEN '^https?://' ELSE '^crm_[0-9a-f]{32}$' END),
    CHECK ((tenant_id IS NULL) = (kind IN ('dynamic', 'metadata_document'))),
    CHECK (CASE kind WHEN 'confidential' THEN secret_hash IS NOT NULL WHEN 'dynamic' THEN true ELSE secret_hash IS NULL END)
);
CREATE UNIQUE INDEX oauth_clients_name_key ON lakehouse.oauth_clients (tenant_id, name) WHERE revoked_at IS NULL AND tenant_id IS NOT NULL;
CREATE INDEX oauth_clients_registered_idx ON lakehouse.oauth_clients (created_at) WHERE kind = 'dynamic';
COMMENT ON TABLE lakehouse.oauth_clients IS 'OAuth clients: programs that may ask users for access to the CRM';
COMMENT ON COLUMN lakehouse.oauth_clients.client_id IS 'crm_ and 32 hex digits, or the URL of the client''s metadata document';
COMMENT ON COLUMN lakehouse.oauth_clients.tenant_id IS 'The tenant whose users it may ask; NULL: any, for clients that registered themselves';
COMMENT ON COLUMN lakehouse.oauth_clients.name IS 'Name that users see when they are asked';
COMMENT ON COLUMN lakehouse.oauth_clients.kind IS 'confidential (has a secret), public (has none), dynamic (registered itself) or metadata_document';
COMMENT ON COLUMN lakehouse.oauth_clients.secret_hash IS 'SHA-256 of the client''s secret; NULL: it has none';
COMMENT ON COLUMN lakehouse.oauth_clients.redirect_uris IS 'Where users may be sent back to, compared character by character; a loopback address with any port';
COMMENT ON COLUMN lakehouse.oauth_clients.scopes IS 'The most the client may ask for';
COMMENT ON COLUMN lakehouse.oauth_clients.allow_refresh_tokens IS 'Gets refresh tokens: access for up to 90 days without asking the user again';
COMMENT ON COLUMN lakehouse.oauth_clients.registered_from IS 'Network address that a dynamic client registered from';
COMMENT ON COLUMN lakehouse.oauth_clients.created_at IS 'When the client was made, or first used';
COMMENT ON COLUMN lakehouse.oauth_clients.revoked_at IS 'When it was revoked: from then on none of its tokens is good';

SELECT pg_catalog.pg_extension_config_dump('lakehouse.oauth_clients', '');

REVOKE ALL ON lakehouse.oauth_clients FROM PUBLIC;
GRANT SELECT, INSERT, DELETE, UPDATE (name, redirect_uris) ON lakehouse.oauth_clients TO lakehouse_worker;
ALTER TABLE lakehouse.oauth_clients ENABLE ROW LEVEL SECURITY;
CREATE POLICY oauth_clients_admin ON lakehouse.oauth_clients USING (
    EXISTS (SELECT FROM lakehouse.tenants t WHERE t.id = tenant_id AND pg_has_role(t.slug || '_admin', 'USAGE')));
COMMENT ON POLICY oauth_clients_admin ON lakehouse.oauth_clients IS 'An admin sees and makes the clients of the own tenant';
CREATE POLICY oauth_clients_worker ON lakehouse.oauth_clients TO lakehouse_worker USING (true) WITH CHECK (tenant_id IS NULL);
COMMENT ON POLICY oauth_clients_worker ON lakehouse.oauth_clients IS 'The worker serves every client, and makes those that register themselves';

CREATE FUNCTION lakehouse.make_client_secret()
RETURNS text LANGUAGE c VOLATILE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_make_client_secret';
COMMENT ON FUNCTION lakehouse.make_client_secret() IS
'A new client secret: lkh_cs_, 256 random bits in base64url, a checksum.';

-- A CHECK can hold no subquery, and an array's elements need one.
CREATE FUNCTION lakehouse.check_redirect_uris(uris text[])
RETURNS void LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bad text := (SELECT u FROM unnest(uris) AS u WHERE lakehouse.is_redirect_uri(u) IS NOT TRUE LIMIT 1);
BEGIN
    IF cardinality(uris) > 0 AND bad IS NULL AND array_position(uris, NULL) IS NULL THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'redirect URI can''t be used'
        USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %L.', left(bad, 200)),
              HINT = 'Give https URLs, http URLs on 127.0.0.1, [::1] or localhost, or an app''s own scheme; without fragment or wildcard.';
END
$$;
COMMENT ON FUNCTION lakehouse.check_redirect_uris(text[]) IS
'Raises invalid_parameter_value unless there is at least one URI and users may be sent to each of them.';

CREATE FUNCTION lakehouse.create_oauth_client(
    tenant text, name text, redirect_uris text[], scopes text[] DEFAULT ARRAY['crm:read'], is_public boolean DEFAULT false,
    allow_refresh_tokens boolean DEFAULT false, if_not_exists boolean DEFAULT false,
    OUT client_id text, OUT client_secret text)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
BEGIN
    client_id := (SELECT c.client_id FROM lakehouse.oauth_clients c
                  WHERE c.tenant_id = owner AND c.name = create_oauth_client.name AND c.revoked_at IS NULL);
    IF client_id IS NOT NULL AND if_not_exists THEN
        RETURN;
    ELSIF client_id IS NOT NULL THEN
        RAISE EXCEPTION 'OAuth client "%" of tenant "%" already exists', name, tenant
            USING ERRCODE = 'duplicate_object', HINT = 'Pass if_not_exists => true to keep it as it is, without a new secret.';
    END IF;
    PERFORM lakehouse.check_redirect_uris(redirect_uris);
    client_id := 'crm_' || replace(gen_random_uuid()::text, '-', '');
    IF NOT is_public THEN
        client_secret := lakehouse.make_client_secret();
    END IF;
    INSERT INTO lakehouse.oauth_clients
        (client_id, tenant_id, name, kind, secret_hash, redirect_uris, scopes, allow_refresh_tokens)
    VALUES (create_oauth_client.client_id, owner, create_oauth_client.name,
            CASE WHEN is_public THEN 'public' ELSE 'confidential' END, sha256(convert_to(client_secret, 'UTF8')),
            create_oauth_client.redirect_uris, ARRAY(SELECT DISTINCT s FROM unnest(create_oauth_client.scopes) AS s ORDER BY s),
            create_oauth_client.allow_refresh_tokens);
END
$$;
COMMENT ON FUNCTION lakehouse.create_oauth_client(text, text, text[], text[], boolean, boolean, boolean) IS
'Makes an OAuth client of a tenant; for the tenant''s admins. Returns client_id and client_secret; the secret is shown this once, the database keeps its hash. is_public: for programs on users'' own machines, which can keep no secret. allow_refresh_tokens: access for up to 90 days without asking the user again. Raises duplicate_object, or invalid_parameter_value for a redirect URI that can''t be used.';

CREATE FUNCTION lakehouse.revoke_oauth_client(client_id text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lakehouse.oauth_clients c SET revoked_at = coalesce(c.revoked_at, now())
    WHERE c.client_id = revoke_oauth_client.client_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'OAuth client "%" does not exist', client_id USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.revoke_oauth_client(text) IS
'Ends a client: its tokens are refused from the next request on, and it gets no new ones. Revoking again changes nothing. Raises undefined_object.';

-- The limits are exact, since registrations wait for each other.
CREATE FUNCTION lakehouse.register_oauth_client(
    name text, redirect_uris text[], scopes text[], secret_hash bytea, address text, OUT client_id text, OUT refusal text)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    per_address_and_hour CONSTANT integer := 20;
    per_hour CONSTANT integer := 200;
    most CONSTANT integer := 10000;
    lately record;
BEGIN
    IF current_setting('lakehouse.oauth_dynamic_registration') <> 'on' THEN
        refusal := 'off';
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('lakehouse.register_oauth_client', 0));
    DELETE FROM lakehouse.oauth_clients c
    WHERE c.kind = 'dynamic' AND c.created_at < now() - interval '1 day'
          AND NOT EXISTS (SELECT FROM lakehouse.oauth_grants g WHERE g.client_id = c.client_id);
    SELECT count(*) FILTER (WHERE c.registered_from = address) AS of_address, count(*) AS of_all INTO lately
    FROM lakehouse.oauth_clients c WHERE c.kind = 'dynamic' AND c.created_at > now() - interval '1 hour';
    IF lately.of_address >= per_address_and_hour OR lately.of_all >= per_hour
       OR (SELECT count(*) FROM lakehouse.oauth_clients c WHERE c.kind = 'dynamic') >= most THEN
        refusal := 'limited';
        RETURN;
    END IF;
    PERFORM lakehouse.check_redirect_uris(redirect_uris);
    client_id := 'crm_' || replace(gen_random_uuid()::text, '-', '');
    INSERT INTO lakehouse.oauth_clients (client_id, name, kind, secret_hash, redirect_uris, scopes, registered_from)
    VALUES (register_oauth_client.client_id, register_oauth_client.name, 'dynamic', register_oauth_client.secret_hash,
            register_oauth_client.redirect_uris, register_oauth_client.scopes, address);
END
$$;
COMMENT ON FUNCTION lakehouse.register_oauth_client(text, text[], text[], bytea, text) IS
'For the worker: registers a client by its own request (RFC 7591). refusal: off (see lakehouse.oauth_dynamic_registration), limited (20 an hour from one address, 200 an hour, 10,000 in all), or NULL. Registrations nobody used within a day are forgotten.';

CREATE FUNCTION lakehouse.set_refresh_tokens(client_id text, allowed boolean)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lakehouse.oauth_clients c SET allow_refresh_tokens = allowed WHERE c.client_id = set_refresh_tokens.client_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'OAuth client "%" does not exist', client_id USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.set_refresh_tokens(text, boolean) IS
'Whether a client gets refresh tokens. Taking the right away ends those it has. Raises undefined_object.';

CREATE FUNCTION lakehouse.grant_oauth_privileges(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    admin CONSTANT text := quote_ident(slug || '_admin');
BEGIN
    EXECUTE format('GRANT SELECT (client_id, tenant_id, name, kind, redirect_uris, scopes, allow_refresh_tokens, created_at, revoked_at), '
                   'INSERT (client_id, tenant_id, name, kind, secret_hash, redirect_uris, scopes, allow_refresh_tokens), '
                   'UPDATE (allow_refresh_tokens, revoked_at) ON lakehouse.oauth_clients TO %s', admin);
    EXECUTE format('GRANT SELECT, UPDATE (revoked_at) ON lakehouse.oauth_grants TO %s', admin);
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.is_redirect_uri(text), lakehouse.check_redirect_uris(text[]), '
                   'lakehouse.make_client_secret(), lakehouse.revoke_oauth_client(text), lakehouse.set_refresh_tokens(text, boolean), '
                   'lakehouse.create_oauth_client(text, text, text[], text[], boolean, boolean, boolean), '
                   'lakehouse.revoke_oauth_grants(text, text, text) TO %s', admin);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO lakehouse_worker', slug);
    EXECUTE format('GRANT SELECT (id, email, full_name, role, pg_role, is_active) ON %I.users TO lakehouse_worker', slug);
END
$$;
COMMENT ON FUNCTION lakehouse.grant_oauth_privileges(text) IS
'Part of create_tenant: lets the admin govern the tenant''s clients and grants, and the worker know its users.';

REVOKE ALL ON FUNCTION
    lakehouse.is_redirect_uri(text),
    lakehouse.check_redirect_uris(text[]),
    lakehouse.make_client_secret(),
    lakehouse.create_oauth_client(text, text, text[], text[], boolean, boolean, boolean),
    lakehouse.revoke_oauth_client(text),
    lakehouse.set_refresh_tokens(text, boolean),
    lakehouse.register_oauth_client(text, text[], text[], bytea, text),
    lakehouse.grant_oauth_privileges(text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.is_redirect_uri(text), lakehouse.check_redirect_uris(text[]),
    lakehouse.register_oauth_client(text, text[], text[], bytea, text) TO lakehouse_worker;
