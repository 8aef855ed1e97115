-- SPDX-License-Identifier: PostgreSQL
-- What users have granted, and the codes and tokens that came of it: hashes alone. A grant is the family of everything
-- issued after one consent; revoking it ends all of that. What must happen exactly once happens in one statement here, so
-- any number of workers may serve the same client.

CREATE TABLE lakehouse.oauth_grants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    client_id text NOT NULL REFERENCES lakehouse.oauth_clients ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    user_id uuid NOT NULL,  -- of <tenant>.users
    scopes text[] NOT NULL,
    resource text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '90 days',
    revoked_at timestamptz,
    revoked_because text CHECK (revoked_because IN ('admin', 'client', 'code replayed', 'refresh token replayed'))
);
CREATE INDEX oauth_grants_client_idx ON lakehouse.oauth_grants (client_id);
CREATE INDEX oauth_grants_tenant_idx ON lakehouse.oauth_grants (tenant_id, user_id);
COMMENT ON TABLE lakehouse.oauth_grants IS 'Consents of users: what a client may do on whose behalf';
COMMENT ON COLUMN lakehouse.oauth_grants.id IS 'Id';
COMMENT ON COLUMN lakehouse.oauth_grants.client_id IS 'The client';
COMMENT ON COLUMN lakehouse.oauth_grants.tenant_id IS 'The user''s tenant';
COMMENT ON COLUMN lakehouse.oauth_grants.user_id IS 'The user, of <tenant>.users';
COMMENT ON COLUMN lakehouse.oauth_grants.scopes IS 'What the user agreed to';
COMMENT ON COLUMN lakehouse.oauth_grants.resource IS 'The MCP server that its tokens are good for (RFC 8707)';
COMMENT ON COLUMN lakehouse.oauth_grants.created_at IS 'When the user agreed';
COMMENT ON COLUMN lakehouse.oauth_grants.expires_at IS 'When the user must be asked again';
COMMENT ON COLUMN lakehouse.oauth_grants.revoked_at IS 'When it was revoked';
COMMENT ON COLUMN lakehouse.oauth_grants.revoked_because IS 'Why: admin, client (RFC 7009), or a code or refresh token that came a second time';

CREATE TABLE lakehouse.oauth_codes (
    code_hash bytea PRIMARY KEY,
    grant_id uuid NOT NULL REFERENCES lakehouse.oauth_grants ON DELETE CASCADE,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX oauth_codes_grant_idx ON lakehouse.oauth_codes (grant_id);
COMMENT ON TABLE lakehouse.oauth_codes IS 'Authorization codes: good once, for a minute; kept for a day to notice one that comes again';
COMMENT ON COLUMN lakehouse.oauth_codes.code_hash IS 'SHA-256 of the code';
COMMENT ON COLUMN lakehouse.oauth_codes.grant_id IS 'The consent it came of';
COMMENT ON COLUMN lakehouse.oauth_codes.redirect_uri IS 'Where it was sent; the client must name the same';
COMMENT ON COLUMN lakehouse.oauth_codes.code_challenge IS 'What the client''s verifier must hash to (RFC 7636, S256)';
COMMENT ON COLUMN lakehouse.oauth_codes.expires_at IS 'When it ends';
COMMENT ON COLUMN lakehouse.oauth_codes.used_at IS 'When it was redeemed';

CREATE TABLE lakehouse.oauth_access_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    grant_id uuid NOT NULL REFERENCES lakehouse.oauth_grants ON DELETE CASCADE,
    scopes text[] NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX oauth_access_tokens_grant_idx ON lakehouse.oauth_access_tokens (grant_id);
CREATE INDEX oauth_access_tokens_expires_idx ON lakehouse.oauth_access_tokens (expires_at);
COMMENT ON TABLE lakehouse.oauth_access_tokens IS 'Access tokens';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.id IS 'Number that names the token in logs and audit';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.token_hash IS 'SHA-256 of the token';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.grant_id IS 'The consent it came of';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.scopes IS 'What it allows';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.issued_at IS 'When it was issued';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.expires_at IS 'When it ends';
COMMENT ON COLUMN lakehouse.oauth_access_tokens.revoked_at IS 'When the client gave it back';

CREATE TABLE lakehouse.oauth_refresh_tokens (
    token_hash bytea PRIMARY KEY,
    grant_id uuid NOT NULL REFERENCES lakehouse.oauth_grants ON DELETE CASCADE,
    issued_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    rotated_at timestamptz,
    grace_uses integer NOT NULL DEFAULT 0
);
CREATE INDEX oauth_refresh_tokens_grant_idx ON lakehouse.oauth_refresh_tokens (grant_id);
CREATE INDEX oauth_refresh_tokens_expires_idx ON lakehouse.oauth_refresh_tokens (expires_at);
COMMENT ON TABLE lakehouse.oauth_refresh_tokens IS 'Refresh tokens: each use gives the next one';
COMMENT ON COLUMN lakehouse.oauth_refresh_tokens.token_hash IS 'SHA-256 of the token';
COMMENT ON COLUMN lakehouse.oauth_refresh_tokens.grant_id IS 'The consent it came of';
COMMENT ON COLUMN lakehouse.oauth_refresh_tokens.issued_at IS 'When it was issued';
COMMENT ON COLUMN lakehouse.oauth_refresh_tokens.expires_at IS 'When it ends';
COMMENT ON COLUMN lakehouse.oauth_refresh_tokens.rotated_at IS 'When it was first used, and replaced';
COMMENT ON COLUMN lakehouse.oauth_refresh_tokens.grace_uses IS 'How often it was used again within the grace window';

REVOKE ALL ON lakehouse.oauth_grants, lakehouse.oauth_codes, lakehouse.oauth_access_tokens, lakehouse.oauth_refresh_tokens FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON lakehouse.oauth_grants, lakehouse.oauth_codes, lakehouse.oauth_access_tokens,
    lakehouse.oauth_refresh_tokens TO lakehouse_worker;
ALTER TABLE lakehouse.oauth_grants ENABLE ROW LEVEL SECURITY;
CREATE POLICY oauth_grants_admin ON lakehouse.oauth_grants USING (
    EXISTS (SELECT FROM lakehouse.tenants t WHERE t.id = tenant_id AND pg_has_role(t.slug || '_admin', 'USAGE')));
COMMENT ON POLICY oauth_grants_admin ON lakehouse.oauth_grants IS 'An admin sees and revokes the grants of the own tenant''s users';
CREATE POLICY oauth_grants_worker ON lakehouse.oauth_grants TO lakehouse_worker USING (true);
COMMENT ON POLICY oauth_grants_worker ON lakehouse.oauth_grants IS 'The worker serves every tenant';

CREATE FUNCTION lakehouse.revoke_oauth_grants(tenant text, client_id text DEFAULT NULL, email text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    giver uuid;
    revoked bigint;
BEGIN
    IF email IS NOT NULL THEN
        EXECUTE format('SELECT id FROM %I.users WHERE lower(email) = lower($1)', tenant) INTO giver USING email;
        IF giver IS NULL THEN
            RAISE EXCEPTION 'user "%" does not exist in tenant "%"', email, tenant USING ERRCODE = 'undefined_object';
        END IF;
    END IF;
    UPDATE lakehouse.oauth_grants g SET revoked_at = now(), revoked_because = 'admin'
    WHERE g.tenant_id = owner AND g.revoked_at IS NULL
          AND (revoke_oauth_grants.client_id IS NULL OR g.client_id = revoke_oauth_grants.client_id)
          AND (revoke_oauth_grants.email IS NULL OR g.user_id = giver);
    GET DIAGNOSTICS revoked = ROW_COUNT;
    RETURN revoked;
END
$$;
COMMENT ON FUNCTION lakehouse.revoke_oauth_grants(text, text, text) IS
'Takes back what users of a tenant granted: to one client, by one user (e-mail address), or all. Their tokens are refused from the next request on. Returns the number of grants revoked.';

CREATE FUNCTION lakehouse.issue_oauth_tokens(grant_id uuid, scopes text[], access_hash bytea, access_seconds integer, refresh_hash bytea)
RETURNS void LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO lakehouse.oauth_access_tokens (token_hash, grant_id, scopes, expires_at)
    SELECT access_hash, g.id, issue_oauth_tokens.scopes, least(now() + make_interval(secs => access_seconds), g.expires_at)
    FROM lakehouse.oauth_grants g WHERE g.id = grant_id;
    INSERT INTO lakehouse.oauth_refresh_tokens (token_hash, grant_id, expires_at)
    SELECT refresh_hash, g.id, least(now() + interval '30 days', g.expires_at)
    FROM lakehouse.oauth_grants g JOIN lakehouse.oauth_clients c ON c.client_id = g.client_id
    WHERE g.id = grant_id AND c.allow_refresh_tokens;
$$;
COMMENT ON FUNCTION lakehouse.issue_oauth_tokens(uuid, text[], bytea, integer, bytea) IS
'For the worker: stores an access token, and a refresh token if the client gets any.';

-- Outcomes, not errors: an error would roll back what a failed attempt must leave behind.
CREATE FUNCTION lakehouse.redeem_oauth_code(
    code_hash bytea, client_id text, redirect_uri text, code_challenge text, resource text,
    access_hash bytea, access_seconds integer, refresh_hash bytea,
    OUT outcome text, OUT scope text, OUT has_refresh_token integer)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    UPDATE lakehouse.oauth_codes k SET used_at = now()
    FROM lakehouse.oauth_grants g JOIN lakehouse.oauth_clients c ON c.client_id = g.client_id
    WHERE k.code_hash = redeem_oauth_code.code_hash AND k.used_at IS NULL
          AND g.id = k.grant_id AND g.client_id = redeem_oauth_code.client_id
    RETURNING k.redirect_uri, k.code_challenge, k.expires_at, g.id AS grant_id, g.scopes, g.resource,
              c.allow_refresh_tokens, g.revoked_at IS NULL AND c.revoked_at IS NULL AS is_live INTO taken;
    IF NOT FOUND THEN
        UPDATE lakehouse.oauth_grants g SET revoked_at = now(), revoked_because = 'code replayed'
        FROM lakehouse.oauth_codes k
        WHERE k.code_hash = redeem_oauth_code.code_hash AND k.used_at IS NOT NULL AND g.id = k.grant_id
              AND g.client_id = redeem_oauth_code.client_id AND g.revoked_at IS NULL;
        outcome := CASE WHEN FOUND THEN 'replayed' ELSE 'unknown' END;
    ELSIF taken.expires_at <= now() OR NOT taken.is_live THEN
        outcome := 'unknown';
    ELSIF taken.redirect_uri IS DISTINCT FROM redeem_oauth_code.redirect_uri THEN
        outcome := 'other_redirect';
    ELSIF taken.code_challenge IS DISTINCT FROM redeem_oauth_code.code_challenge THEN
        outcome := 'other_verifier';
    ELSIF taken.resource <> coalesce(redeem_oauth_code.resource, taken.resource) THEN
        outcome := 'other_resource';
    ELSE
        outcome := 'ok';
        scope := array_to_string(taken.scopes, ' ');
        has_refresh_token := taken.allow_refresh_tokens::integer;
        PERFORM lakehouse.issue_oauth_tokens(taken.grant_id, taken.scopes, access_hash, access_seconds, refresh_hash);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.redeem_oauth_code(bytea, text, text, text, text, bytea, integer, bytea) IS
'For the worker: an authorization code for tokens, once. A second attempt revokes the grant. outcome: ok, unknown, replayed, other_redirect, other_verifier or other_resource; each but the first ends the code all the same.';

CREATE FUNCTION lakehouse.rotate_oauth_token(
    token_hash bytea, client_id text, scopes text[], resource text, access_hash bytea, access_seconds integer, refresh_hash bytea,
    OUT outcome text, OUT scope text)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Programs with several connections use the same token at once when an access token ends, and again when an answer was
    -- lost. For them a replaced token stays good this long and this often; after that its use means that it was stolen.
    grace CONSTANT interval := interval '120 seconds';
    most_grace_uses CONSTANT integer := 10;
    token record;
BEGIN
    SELECT r.token_hash, r.expires_at, r.rotated_at, r.grace_uses, g.id AS grant_id, g.scopes, g.resource,
           g.revoked_at IS NULL AND c.revoked_at IS NULL AND c.allow_refresh_tokens AND g.expires_at > now() AS is_live
    INTO token
    FROM lakehouse.oauth_refresh_tokens r JOIN lakehouse.oauth_grants g ON g.id = r.grant_id
    JOIN lakehouse.oauth_clients c ON c.client_id = g.client_id
    WHERE r.token_hash = rotate_oauth_token.token_hash AND g.client_id = rotate_oauth_token.client_id
    FOR UPDATE OF r;
    IF NOT FOUND OR NOT token.is_live OR token.expires_at <= now() THEN
        outcome := 'unknown';
    ELSIF token.rotated_at < now() - grace OR token.grace_uses >= most_grace_uses THEN
        UPDATE lakehouse.oauth_grants g SET revoked_at = now(), revoked_because = 'refresh token replayed' WHERE g.id = token.grant_id;
        outcome := 'replayed';
    ELSIF NOT coalesce(rotate_oauth_token.scopes, token.scopes) <@ token.scopes THEN
        outcome := 'wider_scope';
    ELSIF token.resource <> coalesce(rotate_oauth_token.resource, token.resource) THEN
        outcome := 'other_resource';
    ELSE
        outcome := 'ok';
        scope := array_to_string(coalesce(rotate_oauth_token.scopes, token.scopes), ' ');
        UPDATE lakehouse.oauth_refresh_tokens r
        SET rotated_at = coalesce(r.rotated_at, now()), grace_uses = r.grace_uses + (r.rotated_at IS NOT NULL)::integer
        WHERE r.token_hash = token.token_hash;
        PERFORM lakehouse.issue_oauth_tokens(token.grant_id, coalesce(rotate_oauth_token.scopes, token.scopes),
                                             access_hash, access_seconds, refresh_hash);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.rotate_oauth_token(bytea, text, text[], text, bytea, integer, bytea) IS
'For the worker: a refresh token for an access token and the next refresh token. A replaced one stays good for 120 s and 10 uses; after that its use revokes the grant. scopes: fewer than granted, or NULL. outcome: ok, unknown, replayed, wider_scope or other_resource.';

CREATE FUNCTION lakehouse.revoke_oauth_token(token_hash bytea, client_id text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lakehouse.oauth_access_tokens t SET revoked_at = now() FROM lakehouse.oauth_grants g
    WHERE t.token_hash = revoke_oauth_token.token_hash AND g.id = t.grant_id AND g.client_id = revoke_oauth_token.client_id
          AND t.revoked_at IS NULL;
    UPDATE lakehouse.oauth_grants g SET revoked_at = now(), revoked_because = 'client' FROM lakehouse.oauth_refresh_tokens r
    WHERE r.token_hash = revoke_oauth_token.token_hash AND g.id = r.grant_id AND g.client_id = revoke_oauth_token.client_id
          AND g.revoked_at IS NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.revoke_oauth_token(bytea, text) IS
'For the worker: a client gives a token back (RFC 7009). An access token ends alone, a refresh token with everything of its grant. A token of another client, or none, changes nothing.';

CREATE FUNCTION lakehouse.admit(
    token_hash bytea,
    OUT outcome text, OUT wait_ms bigint, OUT client_id text, OUT client_name text, OUT tenant_id text, OUT tenant text,
    OUT user_id text, OUT email text, OUT full_name text, OUT role text, OUT scope text, OUT resource text,
    OUT token_id bigint, OUT expires_at bigint)
RETURNS record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    token record;
    person record;
BEGIN
    outcome := 'refused';
    SELECT t.id, t.scopes, t.expires_at, g.tenant_id, g.user_id, g.resource, c.client_id, c.name, n.slug INTO token
    FROM lakehouse.oauth_access_tokens t
    JOIN lakehouse.oauth_grants g ON g.id = t.grant_id
    JOIN lakehouse.oauth_clients c ON c.client_id = g.client_id
    JOIN lakehouse.tenants n ON n.id = g.tenant_id
    WHERE t.token_hash = admit.token_hash AND t.expires_at > now()
          AND t.revoked_at IS NULL AND g.revoked_at IS NULL AND c.revoked_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT u.email, u.full_name, u.pg_role FROM %I.users u WHERE u.id = $1 AND u.is_active', token.slug)
        INTO person USING token.user_id;
    -- A statement of its own, whose plan is kept: the one above is planned each time.
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = person.pg_role AND r.rolcanlogin AND NOT r.rolsuper) THEN
        RETURN;
    END IF;
    wait_ms := ceil(1000 * lakehouse.take_request_tokens(token.tenant_id, token.client_id));
    outcome := CASE WHEN wait_ms = 0 THEN 'admitted' ELSE 'limited' END;
    client_id := token.client_id;
    client_name := token.name;
    tenant_id := token.tenant_id;
    tenant := token.slug;
    user_id := token.user_id;
    email := person.email;
    full_name := person.full_name;
    role := person.pg_role;
    scope := array_to_string(token.scopes, ' ');
    resource := token.resource;
    token_id := token.id;
    expires_at := floor(extract(epoch FROM token.expires_at));
END
$$;
COMMENT ON FUNCTION lakehouse.admit(bytea) IS
'For the worker: who calls with the access token of this SHA-256, after a request was taken from the limits of client and tenant. outcome: admitted; refused (no such token, expired, revoked, or its user is no longer active); limited (then wait_ms says how long).';

CREATE FUNCTION lakehouse.forget_oauth_leftovers()
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Expired rows are kept a while: a code or token that comes back late should still be known as replayed.
    kept CONSTANT interval := interval '1 day';
    most CONSTANT integer := 100;
BEGIN
    DELETE FROM lakehouse.oauth_codes WHERE code_hash IN (
        SELECT k.code_hash FROM lakehouse.oauth_codes k WHERE k.expires_at < now() - kept LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM lakehouse.oauth_access_tokens WHERE id IN (
        SELECT t.id FROM lakehouse.oauth_access_tokens t WHERE t.expires_at < now() - kept LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM lakehouse.oauth_refresh_tokens WHERE token_hash IN (
        SELECT r.token_hash FROM lakehouse.oauth_refresh_tokens r WHERE r.expires_at < now() - kept LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM lakehouse.oauth_grants WHERE id IN (
        SELECT g.id FROM lakehouse.oauth_grants g
        WHERE g.created_at < now() - kept
              AND NOT EXISTS (SELECT FROM lakehouse.oauth_codes k WHERE k.grant_id = g.id)
              AND NOT EXISTS (SELECT FROM lakehouse.oauth_access_tokens t WHERE t.grant_id = g.id)
              AND NOT EXISTS (SELECT FROM lakehouse.oauth_refresh_tokens r WHERE r.grant_id = g.id)
        LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM lakehouse.oauth_sign_ins WHERE handle_hash IN (
        SELECT s.handle_hash FROM lakehouse.oauth_sign_ins s WHERE s.expires_at < now() LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM lakehouse.oauth_attempts WHERE subject IN (
        SELECT a.subject FROM lakehouse.oauth_attempts a WHERE a.last_at < now() - kept LIMIT most FOR UPDATE SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION lakehouse.forget_oauth_leftovers() IS
'For the worker: deletes some of what expired long ago; called about once a minute.';

REVOKE ALL ON FUNCTION
    lakehouse.revoke_oauth_grants(text, text, text),
    lakehouse.issue_oauth_tokens(uuid, text[], bytea, integer, bytea),
    lakehouse.redeem_oauth_code(bytea, text, text, text, text, bytea, integer, bytea),
    lakehouse.rotate_oauth_token(bytea, text, text[], text, bytea, integer, bytea),
    lakehouse.revoke_oauth_token(bytea, text),
    lakehouse.admit(bytea),
    lakehouse.forget_oauth_leftovers()
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.issue_oauth_tokens(uuid, text[], bytea, integer, bytea),
    lakehouse.redeem_oauth_code(bytea, text, text, text, text, bytea, integer, bytea),
    lakehouse.rotate_oauth_token(bytea, text, text[], text, bytea, integer, bytea),
    lakehouse.revoke_oauth_token(bytea, text),
    lakehouse.admit(bytea),
    lakehouse.forget_oauth_leftovers()
TO lakehouse_worker;
