-- SPDX-License-Identifier: PostgreSQL
-- Signing in to the worker's own pages: the password check, its lockout, and the state between a client's request and
-- the user's consent.

CREATE FUNCTION lakehouse.is_role_password(role name, password text)
RETURNS boolean LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_is_role_password';
COMMENT ON FUNCTION lakehouse.is_role_password(name, text) IS
'Whether this is the role''s password, by its stored verifier; false as well for a role without LOGIN, without a password or with an expired one, and for NULL. Takes as long for a role that does not exist.';

CREATE TABLE lakehouse.oauth_attempts (
    subject bytea PRIMARY KEY,
    failures integer NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    locked_until timestamptz
);
COMMENT ON TABLE lakehouse.oauth_attempts IS 'Failed attempts to sign in, or to authenticate as a client';
COMMENT ON COLUMN lakehouse.oauth_attempts.subject IS 'SHA-256 of what is counted: an account, a network address, a client at an address';
COMMENT ON COLUMN lakehouse.oauth_attempts.failures IS 'Failures since the last success, or the last quarter of an hour without one';
COMMENT ON COLUMN lakehouse.oauth_attempts.last_at IS 'When the last attempt was';
COMMENT ON COLUMN lakehouse.oauth_attempts.locked_until IS 'Until when attempts are refused unseen';

-- Counted as a failure before the password is looked at, so that attempts made at once count as well.
CREATE FUNCTION lakehouse.begin_attempt(subject text, free_attempts integer)
RETURNS integer LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    forgotten_after CONSTANT interval := interval '15 minutes';
    key CONSTANT bytea := sha256(convert_to(subject, 'UTF8'));
    attempts lakehouse.oauth_attempts;
BEGIN
    INSERT INTO lakehouse.oauth_attempts (subject) VALUES (key) ON CONFLICT DO NOTHING;
    SELECT * INTO attempts FROM lakehouse.oauth_attempts a WHERE a.subject = key FOR UPDATE;
    IF attempts.locked_until > clock_timestamp() THEN
        RETURN ceil(extract(epoch FROM attempts.locked_until - clock_timestamp()));
    END IF;
    attempts.failures := CASE WHEN attempts.last_at < clock_timestamp() - forgotten_after THEN 1 ELSE attempts.failures + 1 END;
    -- 30 s after the last free one, then twice as long each time, up to a quarter of an hour.
    UPDATE lakehouse.oauth_attempts a
    SET failures = attempts.failures, last_at = clock_timestamp(),
        locked_until = CASE WHEN attempts.failures >= free_attempts THEN
            clock_timestamp() + least(forgotten_after, interval '30 seconds' * 2 ^ least(attempts.failures - free_attempts, 10)) END
    WHERE a.subject = key;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION lakehouse.begin_attempt(text, integer) IS
'For the worker: counts an attempt. Returns 0, or the seconds to wait while the subject is locked; then the attempt must not be looked at.';

CREATE FUNCTION lakehouse.lock_seconds(subject text)
RETURNS integer LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(ceil(extract(epoch FROM max(a.locked_until) - clock_timestamp())), 0)::integer
    FROM lakehouse.oauth_attempts a
    WHERE a.subject = sha256(convert_to(lock_seconds.subject, 'UTF8')) AND a.locked_until > clock_timestamp();
$$;
COMMENT ON FUNCTION lakehouse.lock_seconds(text) IS
'For the worker: for how many seconds more attempts of a subject are refused; 0 if they are not.';

CREATE FUNCTION lakehouse.forgive_attempt(subject text, is_known boolean)
RETURNS void LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE lakehouse.oauth_attempts a
    SET failures = CASE WHEN is_known THEN 0 ELSE greatest(a.failures - 1, 0) END, locked_until = NULL
    WHERE a.subject = sha256(convert_to(forgive_attempt.subject, 'UTF8'));
$$;
COMMENT ON FUNCTION lakehouse.forgive_attempt(text, boolean) IS
'For the worker: the attempt just counted succeeded. is_known: it proves that the earlier ones were the subject''s own mistakes, so they are forgotten too.';

CREATE FUNCTION lakehouse.network_of(address text)
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- One customer has a whole /64 of IPv6.
    RETURN CASE family(address::inet) WHEN 6 THEN network(set_masklen(address::inet, 64))::text ELSE host(address::inet) END;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN address;
END
$$;
COMMENT ON FUNCTION lakehouse.network_of(text) IS
'What counts as one address for limits: an IPv4 address, or the /64 of an IPv6 address.';

CREATE FUNCTION lakehouse.verify_sign_in(
    tenant text, email text, password text, address text,
    OUT outcome text, OUT user_id uuid, OUT tenant_id uuid, OUT retry_seconds integer)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account CONSTANT text := format('account %s %s', tenant, lower(email));
    source CONSTANT text := 'address ' || lakehouse.network_of(coalesce(address, ''));
    login_role name;
BEGIN
    -- In this order always, so that two attempts never wait for each other.
    retry_seconds := greatest(lakehouse.begin_attempt(account, 5), lakehouse.begin_attempt(source, 30));
    IF retry_seconds > 0 THEN
        outcome := 'locked';
        RETURN;
    END IF;
    tenant_id := (SELECT t.id FROM lakehouse.tenants t WHERE t.slug = tenant);
    IF tenant_id IS NOT NULL THEN
        EXECUTE format('SELECT u.id, u.pg_role FROM %I.users u JOIN pg_roles r ON r.rolname = u.pg_role '
                       'WHERE lower(u.email) = lower($1) AND u.is_active AND NOT r.rolsuper '
                       'AND pg_has_role(''lakehouse_worker'', r.oid, ''MEMBER'')', tenant)
            INTO user_id, login_role USING email;
    END IF;
    IF lakehouse.is_role_password(login_role, password) THEN
        outcome := 'admitted';
        PERFORM lakehouse.forgive_attempt(account, true), lakehouse.forgive_attempt(source, false);
    ELSE
        outcome := 'denied';
        user_id := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.verify_sign_in(text, text, text, text) IS
'For the worker: whether this is the password of the tenant''s user with this e-mail address. outcome: admitted, denied, or locked for retry_seconds: after 5 failures of an account, or 30 from an address, for 30 s, doubling up to 15 min. Unknown tenants and users are denied, counted and timed alike.';

CREATE TABLE lakehouse.oauth_sign_ins (
    handle_hash bytea PRIMARY KEY,
    browser_hash bytea NOT NULL,
    client_id text NOT NULL,
    client_name text NOT NULL,
    is_document boolean NOT NULL,
    redirect_uri text NOT NULL,
    state text,
    scopes text[] NOT NULL,
    resource text NOT NULL,
    code_challenge text NOT NULL,
    tenant text,
    tenant_id uuid,
    user_id uuid,
    email text,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '10 minutes'
);
CREATE INDEX oauth_sign_ins_expires_idx ON lakehouse.oauth_sign_ins (expires_at);
COMMENT ON TABLE lakehouse.oauth_sign_ins IS 'Users about to sign in or to agree: at most ten minutes each';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.handle_hash IS 'SHA-256 of what the pages carry in a hidden field';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.browser_hash IS 'SHA-256 of the cookie of the browser that began';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.client_id IS 'The client that asks';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.client_name IS 'Its name, as shown';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.is_document IS 'The client is a metadata document at its own URL';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.redirect_uri IS 'Where the user goes afterwards';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.state IS 'What the client wants back with the answer';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.scopes IS 'What the client asks for';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.resource IS 'The MCP server it asks for';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.code_challenge IS 'The client''s challenge (RFC 7636, S256)';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.tenant IS 'Slug of the tenant if client or host name it; NULL: the user does';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.tenant_id IS 'The tenant of the user who signed in';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.user_id IS 'The user who signed in; NULL before';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.email IS 'What the user signed in with';
COMMENT ON COLUMN lakehouse.oauth_sign_ins.expires_at IS 'When it is too late';

REVOKE ALL ON lakehouse.oauth_attempts, lakehouse.oauth_sign_ins FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON lakehouse.oauth_attempts, lakehouse.oauth_sign_ins TO lakehouse_worker;

CREATE FUNCTION lakehouse.answer_sign_in(
    handle bytea, browser bytea, tenant text, email text, password text, address text,
    OUT outcome text, OUT retry_seconds integer)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    begun lakehouse.oauth_sign_ins;
    verdict record;
BEGIN
    SELECT * INTO begun FROM lakehouse.oauth_sign_ins s
    WHERE s.handle_hash = handle AND s.browser_hash = browser AND s.expires_at > now();
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    SELECT * INTO verdict FROM lakehouse.verify_sign_in(coalesce(begun.tenant, answer_sign_in.tenant), email, password, address);
    outcome := verdict.outcome;
    retry_seconds := verdict.retry_seconds;
    UPDATE lakehouse.oauth_sign_ins s SET user_id = verdict.user_id, tenant_id = verdict.tenant_id, email = answer_sign_in.email
    WHERE s.handle_hash = handle AND verdict.outcome = 'admitted';
END
$$;
COMMENT ON FUNCTION lakehouse.answer_sign_in(bytea, bytea, text, text, text, text) IS
'For the worker: verify_sign_in() for a begun sign-in, which then is this user''s. outcome: also unknown, for a sign-in that is over or another browser''s.';

CREATE FUNCTION lakehouse.finish_sign_in(
    handle bytea, browser bytea, code_hash bytea, code_seconds integer,
    OUT outcome text, OUT redirect_uri text, OUT state text)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended lakehouse.oauth_sign_ins;
    new_grant uuid;
BEGIN
    DELETE FROM lakehouse.oauth_sign_ins s
    WHERE s.handle_hash = handle AND s.browser_hash = browser AND s.expires_at > now()
          AND (s.user_id IS NOT NULL OR code_hash IS NULL)
    RETURNING * INTO ended;
    outcome := 'unknown';
    IF ended.handle_hash IS NULL THEN
        RETURN;
    END IF;
    redirect_uri := ended.redirect_uri;
    state := ended.state;
    IF code_hash IS NULL THEN
        outcome := 'denied';
        RETURN;
    END IF;
    IF ended.is_document THEN
        INSERT INTO lakehouse.oauth_clients AS c (client_id, name, kind, redirect_uris, scopes)
        VALUES (ended.client_id, ended.client_name, 'metadata_document', ARRAY[ended.redirect_uri],
                ARRAY['crm:read', 'crm:write', 'erp:read', 'warehouse:query'])
        ON CONFLICT ON CONSTRAINT oauth_clients_pkey DO UPDATE SET name = excluded.name, redirect_uris = excluded.redirect_uris;
    END IF;
    INSERT INTO lakehouse.oauth_grants (client_id, tenant_id, user_id, scopes, resource)
    SELECT c.client_id, ended.tenant_id, ended.user_id, ended.scopes, ended.resource
    FROM lakehouse.oauth_clients c WHERE c.client_id = ended.client_id AND c.revoked_at IS NULL
    RETURNING id INTO new_grant;
    IF new_grant IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO lakehouse.oauth_codes (code_hash, grant_id, redirect_uri, code_challenge, expires_at)
    VALUES (finish_sign_in.code_hash, new_grant, ended.redirect_uri, ended.code_challenge, now() + make_interval(secs => code_seconds));
    outcome := 'granted';
END
$$;
COMMENT ON FUNCTION lakehouse.finish_sign_in(bytea, bytea, bytea, integer) IS
'For the worker: ends a sign-in. With a code''s hash: the user agreed; makes the grant and the code. Without: the user refused. outcome: granted, denied, or unknown for a sign-in that is over, another browser''s, or of nobody yet.';

REVOKE ALL ON FUNCTION
    lakehouse.is_role_password(name, text),
    lakehouse.begin_attempt(text, integer),
    lakehouse.lock_seconds(text),
    lakehouse.forgive_attempt(text, boolean),
    lakehouse.network_of(text),
    lakehouse.verify_sign_in(text, text, text, text),
    lakehouse.answer_sign_in(bytea, bytea, text, text, text, text),
    lakehouse.finish_sign_in(bytea, bytea, bytea, integer)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.is_role_password(name, text),
    lakehouse.begin_attempt(text, integer),
    lakehouse.lock_seconds(text),
    lakehouse.forgive_attempt(text, boolean),
    lakehouse.network_of(text),
    lakehouse.verify_sign_in(text, text, text, text),
    lakehouse.answer_sign_in(bytea, bytea, text, text, text, text),
    lakehouse.finish_sign_in(bytea, bytea, bytea, integer)
TO lakehouse_worker;
