-- SPDX-License-Identifier: PostgreSQL
-- Recipients: parties outside who read shares over Delta Sharing, each with credentials of its own. What is handed out is
-- shown once and kept as a hash; the worker asks admit_recipient() at each request, so what is revoked ends at once.

CREATE FUNCTION lakehouse.new_activation_link(recipient_id uuid)
RETURNS text LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    good_for CONSTANT interval := interval '24 hours';
    base CONSTANT text := rtrim(current_setting('lakehouse.delta_sharing_base_url'), '/');
    -- Random bits and their checksum are those of a client secret, under another prefix.
    code CONSTANT text := 'lkh_al_' || right(lakehouse.make_client_secret(), 49);
BEGIN
    IF base = '' THEN
        RAISE EXCEPTION 'Delta Sharing is switched off'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Set lakehouse.delta_sharing_base_url in postgresql.conf, for example to https://crm.example.com/delta-sharing, and reload.';
    END IF;
    UPDATE lakehouse.recipients r
    SET activation_hash = sha256(convert_to(code, 'UTF8')), activation_expires_at = now() + good_for
    WHERE r.id = new_activation_link.recipient_id;
    RETURN base || '/activate/' || code;
END
$$;
COMMENT ON FUNCTION lakehouse.new_activation_link(uuid) IS
'Part of create_recipient and rotate_recipient_token: a link that hands out the recipient''s profile once, within 24 hours. A link made before is worth nothing from then on. Raises 55000 where lakehouse.delta_sharing_base_url is not set.';

CREATE FUNCTION lakehouse.create_recipient(
    tenant text, name text, expires_in interval DEFAULT NULL, auth text DEFAULT 'token',
    allowed_networks cidr[] DEFAULT '{}', if_not_exists boolean DEFAULT false)
RETURNS text LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    new_id uuid;
BEGIN
    IF EXISTS (SELECT FROM lakehouse.recipients r WHERE r.tenant_id = owner AND lower(r.name) = lower(create_recipient.name)
                   AND r.revoked_at IS NULL) THEN
        IF if_not_exists THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION 'recipient "%" of tenant "%" already exists', name, tenant
            USING ERRCODE = 'duplicate_object',
                  HINT = 'lakehouse.rotate_recipient_token() makes a new link; if_not_exists => true keeps it as it is.';
    END IF;
    IF auth = 'oauth' AND expires_in IS NOT NULL THEN
        RAISE EXCEPTION 'expires_in is for bearer tokens' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Tokens of an OAuth client live an hour; rotate or revoke the recipient to end its secret.';
    END IF;
    new_id := gen_random_uuid();
    INSERT INTO lakehouse.recipients (id, tenant_id, name, auth, token_lifetime, allowed_networks)
    VALUES (new_id, owner, create_recipient.name, create_recipient.auth, expires_in, create_recipient.allowed_networks);
    RETURN lakehouse.new_activation_link(new_id);
END
$$;
COMMENT ON FUNCTION lakehouse.create_recipient(text, text, interval, text, cidr[], boolean) IS
'Makes a recipient of a tenant''s shares; for the tenant''s admins. Returns a link that hands out its profile once, within 24 hours; NULL where if_not_exists kept an old one. expires_in: how long its bearer token is good after activation; NULL: until it is revoked. auth: token, or oauth for client credentials (profile version 2). allowed_networks: where it may read from; empty: anywhere. It reads nothing before lakehouse.grant_share(). Raises duplicate_object, or 55000 where lakehouse.delta_sharing_base_url is not set.';

CREATE FUNCTION lakehouse.set_recipient_networks(tenant text, name text, allowed_networks cidr[])
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lakehouse.recipients r SET allowed_networks = set_recipient_networks.allowed_networks
    WHERE r.id = lakehouse.find_recipient(tenant, set_recipient_networks.name);
END
$$;
COMMENT ON FUNCTION lakehouse.set_recipient_networks(text, text, cidr[]) IS
'Sets the networks that a recipient may read from; empty: anywhere. Holds from the next request on. Raises undefined_object.';

CREATE FUNCTION lakehouse.rotate_recipient_token(tenant text, name text, grace interval DEFAULT '1 day')
RETURNS text LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rotated CONSTANT uuid := lakehouse.find_recipient(tenant, name);
    ends_at CONSTANT timestamptz := now() + greatest(grace, interval '0');
BEGIN
    UPDATE lakehouse.recipients r SET client_secret_expires_at = least(r.client_secret_expires_at, ends_at),
        old_client_secret_expires_at = least(r.old_client_secret_expires_at, ends_at)
    WHERE r.id = rotated;
    UPDATE lakehouse.recipient_tokens k SET expires_at = least(k.expires_at, ends_at),
        revoked_at = CASE WHEN ends_at <= now() THEN coalesce(k.revoked_at, now()) ELSE k.revoked_at END
    WHERE k.recipient_id = rotated;
    RETURN lakehouse.new_activation_link(rotated);
END
$$;
COMMENT ON FUNCTION lakehouse.rotate_recipient_token(text, text, interval) IS
'A new link for a recipient, as create_recipient returns. What it holds now ends after grace; with grace 0 at once, and URLs of files too. Raises undefined_object, or 55000 where lakehouse.delta_sharing_base_url is not set.';

CREATE FUNCTION lakehouse.revoke_recipient(tenant text, name text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lakehouse.recipients r SET revoked_at = now(), activation_hash = NULL, activation_expires_at = NULL
    WHERE r.id = lakehouse.find_recipient(tenant, revoke_recipient.name);
END
$$;
COMMENT ON FUNCTION lakehouse.revoke_recipient(text, text) IS
'Ends a recipient for good: its tokens, its link, its client secret, and within a second the URLs of files it was given. Its row stays, for the audit log; the name is free. Raises undefined_object.';

CREATE FUNCTION lakehouse.drop_recipient(tenant text, name text, if_exists boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM lakehouse.recipients r
    WHERE r.tenant_id = lakehouse.find_tenant(tenant) AND lower(r.name) = lower(drop_recipient.name);
    IF NOT FOUND AND NOT if_exists THEN
        RAISE EXCEPTION 'recipient "%" of tenant "%" does not exist', name, tenant USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_recipient(text, text, boolean) IS
'Removes a recipient, with those of the same name that were revoked before: rows, grants, tokens. Ends at once what revoke_recipient ends. Raises undefined_object unless if_exists.';

CREATE FUNCTION lakehouse.activate_recipient(
    activation_hash bytea, token_hash bytea, secret_hash bytea, OUT auth text, OUT client_id text, OUT expires_at bigint)
RETURNS record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    activated lakehouse.recipients;
    token_end timestamptz;
BEGIN
    -- Of two at once, the second waits for the row and then finds it without the hash.
    UPDATE lakehouse.recipients r SET activation_hash = NULL, activation_expires_at = NULL, activated_at = now()
    WHERE r.activation_hash = activate_recipient.activation_hash AND r.activation_expires_at > now() AND r.revoked_at IS NULL
    RETURNING r.* INTO activated;
    IF activated.id IS NULL THEN
        RETURN;
    END IF;
    auth := activated.auth;
    client_id := activated.id::text;
    IF auth = 'oauth' THEN
        UPDATE lakehouse.recipients r
        SET old_client_secret_hash = r.client_secret_hash, old_client_secret_expires_at = r.client_secret_expires_at,
            client_secret_hash = secret_hash, client_secret_expires_at = NULL
        WHERE r.id = activated.id;
    ELSE
        token_end := now() + activated.token_lifetime;
        INSERT INTO lakehouse.recipient_tokens (recipient_id, token_hash, expires_at)
        VALUES (activated.id, activate_recipient.token_hash, token_end);
        expires_at := extract(epoch FROM token_end);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.activate_recipient(bytea, bytea, bytea) IS
'For the worker: uses up an activation link, and gives the recipient its new token or client secret, by their hashes. auth NULL: the link is unknown, used or too old. expires_at: seconds since 1970; NULL: none.';

CREATE FUNCTION lakehouse.issue_recipient_token(
    client_id uuid, secret_hash bytea, token_hash bytea, address text, lifetime interval, OUT outcome text, OUT retry_seconds integer)
RETURNS record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    subject CONSTANT text := 'sharing ' || client_id || ' ' || lakehouse.network_of(address);
    kept_for CONSTANT interval := interval '1 day';
    client lakehouse.recipients;
    secret_end timestamptz;
BEGIN
    retry_seconds := lakehouse.lock_seconds(subject);
    IF retry_seconds > 0 THEN
        outcome := 'locked';
        RETURN;
    END IF;
    SELECT * INTO client FROM lakehouse.recipients r
    WHERE r.id = issue_recipient_token.client_id AND r.auth = 'oauth' AND r.revoked_at IS NULL;
    secret_end := CASE secret_hash WHEN client.client_secret_hash THEN coalesce(client.client_secret_expires_at, 'infinity')
                                   WHEN client.old_client_secret_hash THEN coalesce(client.old_client_secret_expires_at, 'infinity') END;
    IF (secret_end > now()) IS NOT TRUE THEN
        PERFORM lakehouse.begin_attempt(subject, 10);
        outcome := 'denied';
    ELSIF cardinality(client.allowed_networks) > 0 AND NOT address::inet <<= ANY (client.allowed_networks) THEN
        outcome := 'network';
    ELSE
        DELETE FROM lakehouse.recipient_tokens k WHERE k.recipient_id = client.id AND k.expires_at < now() - kept_for;
        INSERT INTO lakehouse.recipient_tokens (recipient_id, token_hash, expires_at)
        VALUES (client.id, issue_recipient_token.token_hash, least(secret_end, now() + lifetime));
        outcome := 'issued';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.issue_recipient_token(uuid, bytea, bytea, text, interval) IS
'For the worker: an access token for client credentials, by their hashes. outcome: issued; denied; network (asked from where it may not); locked for retry_seconds, after 10 failures of a client from one address.';

-- A whole request's question in one round trip. Kept in PL/pgSQL, which keeps its plans.
CREATE FUNCTION lakehouse.admit_recipient(
    token_hash bytea, address text, share text, schema_name text, table_name text,
    OUT outcome text, OUT recipient_id uuid, OUT recipient text, OUT tenant_id uuid, OUT token_id bigint, OUT token_expires_at bigint,
    OUT share_id uuid, OUT share_name text, OUT table_id uuid, OUT shown_schema text, OUT shown_name text, OUT description text,
    OUT with_history boolean, OUT start_version bigint, OUT stored_version bigint, OUT location text, OUT store_id uuid,
    OUT wait_ms bigint)
RETURNS record LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller record;
BEGIN
    SELECT r.id, r.name, r.tenant_id, r.auth, r.allowed_networks, r.last_used_at, r.last_limited_at, k.id AS token_id, k.expires_at INTO caller
    FROM lakehouse.recipient_tokens k JOIN lakehouse.recipients r ON r.id = k.recipient_id
    WHERE k.token_hash = admit_recipient.token_hash AND k.revoked_at IS NULL AND r.revoked_at IS NULL
          AND (k.expires_at > now()) IS NOT FALSE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    ELSIF cardinality(caller.allowed_networks) > 0 AND NOT address::inet <<= ANY (caller.allowed_networks) THEN
        outcome := 'network';
        RETURN;
    END IF;
    wait_ms := ceil(1000 * lakehouse.take_recipient_token(caller.tenant_id, caller.id));
    IF wait_ms > 0 THEN
        IF (caller.last_limited_at > now() - interval '1 minute') IS NOT TRUE THEN
            UPDATE lakehouse.recipients r SET last_limited_at = now()
            WHERE r.id = (SELECT l.id FROM lakehouse.recipients l WHERE l.id = caller.id FOR NO KEY UPDATE SKIP LOCKED);
        END IF;
        outcome := 'limited';
        RETURN;
    END IF;
    IF (caller.last_used_at > now() - interval '1 minute') IS NOT TRUE THEN
        -- Whoever else is at it writes the same; nobody waits.
        UPDATE lakehouse.recipients r SET last_used_at = now()
        WHERE r.id = (SELECT l.id FROM lakehouse.recipients l WHERE l.id = caller.id FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    outcome := 'admitted';
    recipient_id := caller.id;
    recipient := caller.name;
    tenant_id := caller.tenant_id;
    token_id := caller.token_id;
    -- An OAuth token's end is no end of what was listed with it.
    token_expires_at := CASE WHEN caller.auth = 'token' THEN extract(epoch FROM caller.expires_at)::bigint END;
    IF share IS NULL THEN
        RETURN;
    END IF;
    SELECT s.id, s.name INTO share_id, share_name
    FROM lakehouse.shares s JOIN lakehouse.share_grants g ON g.share_id = s.id AND g.recipient_id = caller.id
    WHERE s.tenant_id = caller.tenant_id AND lower(s.name) = lower(share);
    IF share_id IS NULL THEN
        outcome := 'no_share';
    ELSIF schema_name IS NOT NULL AND NOT EXISTS (SELECT FROM lakehouse.share_tables t WHERE t.share_id = admit_recipient.share_id
              AND lower(t.schema_name) = lower(admit_recipient.schema_name)) THEN
        outcome := 'no_schema';
    ELSIF table_name IS NOT NULL THEN
        SELECT t.table_id, t.schema_name, t.name, t.description, t.with_history, t.start_version, p.stored_version, p.location, p.store_id
        INTO table_id, shown_schema, shown_name, description, with_history, start_version, stored_version, location, store_id
        FROM lakehouse.share_tables t JOIN lakehouse.published_tables p ON p.id = t.table_id
        WHERE t.share_id = admit_recipient.share_id AND lower(t.schema_name) = lower(admit_recipient.schema_name)
              AND lower(t.name) = lower(admit_recipient.table_name);
        IF table_id IS NULL THEN
            outcome := 'no_table';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.admit_recipient(bytea, text, text, text, text) IS
'For the worker: whose token this is, and what it may see of the share, schema and table named. outcome: admitted, unknown, network (asked from where it may not), limited (asked too much, for wait_ms), no_share (also: not granted), no_schema, no_table. token_expires_at: seconds since 1970, of bearer tokens that end. Notes the use, to the minute.';

CREATE FUNCTION lakehouse.admit_file(
    token_id bigint, share_id uuid, table_id uuid, address text, OUT location text, OUT store_id uuid)
RETURNS record LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT p.location, p.store_id INTO location, store_id
    FROM lakehouse.recipient_tokens k
    JOIN lakehouse.recipients r ON r.id = k.recipient_id
    JOIN lakehouse.share_grants g ON g.recipient_id = r.id AND g.share_id = admit_file.share_id
    JOIN lakehouse.share_tables t ON t.share_id = g.share_id AND t.table_id = admit_file.table_id
    JOIN lakehouse.published_tables p ON p.id = t.table_id
    WHERE k.id = admit_file.token_id AND k.revoked_at IS NULL AND r.revoked_at IS NULL
          AND (r.auth = 'oauth' OR (k.expires_at > now()) IS NOT FALSE)
          AND (cardinality(r.allowed_networks) = 0 OR address::inet <<= ANY (r.allowed_networks));
END
$$;
COMMENT ON FUNCTION lakehouse.admit_file(bigint, uuid, uuid, text) IS
'For the worker: where a table''s files lie, if this token may still read them by this share. location NULL: it may not.';

-- Counts of what has been dropped meanwhile are left out; so many rows come at once that their locks have one order.
CREATE FUNCTION lakehouse.count_share_reads(
    share_ids uuid[], table_ids uuid[], recipient_ids uuid[], reads bigint[], bytes bigint[])
RETURNS void LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO lakehouse.share_reads AS r (share_id, table_id, recipient_id, reads, bytes_listed)
    SELECT n.share_id, n.table_id, n.recipient_id, n.reads, n.bytes
    FROM unnest(share_ids, table_ids, recipient_ids, count_share_reads.reads, count_share_reads.bytes)
         AS n (share_id, table_id, recipient_id, reads, bytes)
    JOIN lakehouse.shares s ON s.id = n.share_id
    JOIN lakehouse.published_tables p ON p.id = n.table_id
    JOIN lakehouse.recipients c ON c.id = n.recipient_id
    ORDER BY 2, 1, 3
    ON CONFLICT (table_id, share_id, recipient_id) DO UPDATE
    SET reads = r.reads + EXCLUDED.reads, bytes_listed = r.bytes_listed + EXCLUDED.bytes_listed, last_read_at = EXCLUDED.last_read_at;
$$;
COMMENT ON FUNCTION lakehouse.count_share_reads(uuid[], uuid[], uuid[], bigint[], bigint[]) IS
'For the worker: adds to what recipients have read; arrays of one length.';

CREATE FUNCTION lakehouse.grant_recipient_privileges(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    admin CONSTANT text := quote_ident(slug || '_admin');
BEGIN
    EXECUTE format('GRANT SELECT (id, tenant_id, name, auth, token_lifetime, allowed_networks, activation_expires_at, client_secret_expires_at, '
                   'old_client_secret_expires_at, created_at, activated_at, revoked_at, last_used_at, last_limited_at), '
                   'INSERT (id, tenant_id, name, auth, token_lifetime, allowed_networks), '
                   'UPDATE (allowed_networks, activation_hash, activation_expires_at, client_secret_expires_at, old_client_secret_expires_at, '
                   'revoked_at), DELETE ON lakehouse.recipients TO %s', admin);
    EXECUTE format('GRANT SELECT (id, recipient_id, created_at, expires_at, revoked_at), UPDATE (expires_at, revoked_at) '
                   'ON lakehouse.recipient_tokens TO %s', admin);
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.new_activation_link(uuid), '
                   'lakehouse.create_recipient(text, text, interval, text, cidr[], boolean), '
                   'lakehouse.set_recipient_networks(text, text, cidr[]), lakehouse.rotate_recipient_token(text, text, interval), '
                   'lakehouse.revoke_recipient(text, text), lakehouse.drop_recipient(text, text, boolean) TO %s', admin);
END
$$;
COMMENT ON FUNCTION lakehouse.grant_recipient_privileges(text) IS
'Part of create_tenant: lets the admin govern the tenant''s recipients.';

REVOKE ALL ON FUNCTION
    lakehouse.new_activation_link(uuid),
    lakehouse.create_recipient(text, text, interval, text, cidr[], boolean),
    lakehouse.set_recipient_networks(text, text, cidr[]),
    lakehouse.rotate_recipient_token(text, text, interval),
    lakehouse.revoke_recipient(text, text),
    lakehouse.drop_recipient(text, text, boolean),
    lakehouse.activate_recipient(bytea, bytea, bytea),
    lakehouse.issue_recipient_token(uuid, bytea, bytea, text, interval),
    lakehouse.admit_recipient(bytea, text, text, text, text),
    lakehouse.admit_file(bigint, uuid, uuid, text),
    lakehouse.count_share_reads(uuid[], uuid[], uuid[], bigint[], bigint[]),
    lakehouse.grant_recipient_privileges(text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.activate_recipient(bytea, bytea, bytea),
    lakehouse.issue_recipient_token(uuid, bytea, bytea, text, interval),
    lakehouse.admit_recipient(bytea, text, text, text, text),
    lakehouse.admit_file(bigint, uuid, uuid, text),
    lakehouse.count_share_reads(uuid[], uuid[], uuid[], bigint[], bigint[])
TO lakehouse_worker;
