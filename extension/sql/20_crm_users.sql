-- SPDX-License-Identifier: PostgreSQL
-- A CRM user: a row of <tenant>.users bound to a PostgreSQL login role.
-- Passwords go to PostgreSQL's own SCRAM store and nowhere else; no message of ours holds one.

CREATE FUNCTION lakehouse.create_user(
    tenant text, email text, full_name text, role text DEFAULT 'member', password text DEFAULT NULL,
    if_not_exists boolean DEFAULT false)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET password_encryption = 'scram-sha-256'
-- The server logs the statement of a failed call, and with it a password written as a literal.
SET log_min_error_statement = panic
AS $$
DECLARE
    user_id uuid;
    login_role name;
BEGIN
    PERFORM lakehouse.find_tenant(tenant);
    EXECUTE format('SELECT id FROM %I.users WHERE lower(email) = lower($1)', tenant) INTO user_id USING create_user.email;
    IF user_id IS NOT NULL AND if_not_exists THEN
        RETURN user_id;
    ELSIF user_id IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" already exists in tenant "%"', email, tenant
            USING ERRCODE = 'duplicate_object', HINT = 'Pass if_not_exists => true to keep it as it is.';
    ELSIF role IS NULL OR role NOT IN ('admin', 'member', 'readonly', 'agent') THEN
        RAISE EXCEPTION 'role "%" is not a role of a tenant', role
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Roles are admin, member, readonly and agent.';
    END IF;

    login_role := lakehouse.choose_login_role(tenant, email);
    EXECUTE format('INSERT INTO %I.users (email, full_name, role, pg_role) VALUES ($1, $2, $3, $4) RETURNING id', tenant)
        INTO user_id USING create_user.email, create_user.full_name, create_user.role, login_role;

    EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', login_role);
    EXECUTE format('COMMENT ON ROLE %I IS %L', login_role, 'Lakehouse login role of tenant ' || tenant);
    EXECUTE format('GRANT %I TO %I', tenant || '_' || role, login_role);
    -- The group gives this right already. Given to the role itself it also tells PostgreSQL that this
    -- database needs the role, so that drop_tenant in a copy of the database leaves it alone.
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', tenant, login_role);
    -- So that the worker can run a call as the user; it inherits nothing of it.
    EXECUTE format('GRANT %I TO lakehouse_worker', login_role);
    IF password IS NOT NULL THEN
        PERFORM lakehouse.set_login_password(login_role, password);
    END IF;
    RETURN user_id;
END
$$;
COMMENT ON FUNCTION lakehouse.create_user(text, text, text, text, text, boolean) IS
'Creates a CRM user and the PostgreSQL role it signs in with: <tenant>_<part of the address before @>, see users.pg_role. role: admin, member, readonly or agent. password: plain, or a SCRAM-SHA-256 verifier; NULL for none yet. Send a plain one as a bound parameter: a literal shows in pg_stat_activity and, if statements are logged, in the log. Returns the user''s id.';

CREATE FUNCTION lakehouse.choose_login_role(tenant text, email text)
RETURNS name LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    local_part CONSTANT text := trim('_' FROM regexp_replace(lower(split_part(email, '@', 1)), '[^a-z0-9]+', '_', 'g'));
    -- A name holds 63 bytes; the last few are kept for the number that tells namesakes apart.
    stem CONSTANT text := left(tenant || '_' || coalesce(nullif(local_part, ''), 'user'), 57);
    candidate text := stem;
    namesakes integer := 1;
BEGIN
    WHILE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = candidate) LOOP
        namesakes := namesakes + 1;
        candidate := stem || '_' || namesakes;
    END LOOP;
    RETURN candidate;
END
$$;
COMMENT ON FUNCTION lakehouse.choose_login_role(text, text) IS
'Part of create_user: a free role name made of the tenant and the address.';

CREATE FUNCTION lakehouse.set_login_password(login_role name, password text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET password_encryption = 'scram-sha-256'
SET log_min_error_statement = panic
AS $$
DECLARE
    code text;
    message text;
BEGIN
    EXECUTE format('ALTER ROLE %I PASSWORD %L', login_role, password);
EXCEPTION WHEN OTHERS THEN
    -- The error's context quotes the statement, so a new error takes its place.
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    RAISE EXCEPTION 'could not set the password of role "%"', login_role
        USING ERRCODE = code,
              DETAIL = CASE WHEN password = '' OR strpos(message, password) = 0 THEN format('The server said: %s.', message)
                            ELSE 'What the server said is left out because it quotes the password.' END,
              HINT = 'Choose another password, or leave it out and set it with \password in psql.';
END
$$;
COMMENT ON FUNCTION lakehouse.set_login_password(name, text) IS
'Part of create_user: sets a role''s password; its errors never hold the password.';

REVOKE ALL ON FUNCTION
    lakehouse.create_user(text, text, text, text, text, boolean),
    lakehouse.choose_login_role(text, text),
    lakehouse.set_login_password(name, text)
FROM PUBLIC;
