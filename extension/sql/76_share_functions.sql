-- SPDX-License-Identifier: PostgreSQL
-- Shares: made, filled, granted, dropped. These functions run with the caller's rights; policies and the triggers of
-- published_tables say what those reach.

CREATE FUNCTION lakehouse.find_share(tenant text, name text)
RETURNS uuid LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    share uuid := (SELECT s.id FROM lakehouse.shares s WHERE s.tenant_id = owner AND lower(s.name) = lower(find_share.name));
BEGIN
    IF share IS NULL THEN
        RAISE EXCEPTION 'share "%" of tenant "%" does not exist', name, tenant
            USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM lakehouse.shares lists them; lakehouse.create_share() makes one.';
    END IF;
    RETURN share;
END
$$;
COMMENT ON FUNCTION lakehouse.find_share(text, text) IS 'The id of a tenant''s share, whatever the case of its name. Raises undefined_object when there is none.';

CREATE FUNCTION lakehouse.check_shared_name(kind text, name text)
RETURNS void LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (name ~ '^[^[:space:][:cntrl:]/]{1,255}$' AND (kind = 'share' OR name !~ '[.]')) IS NOT TRUE THEN
        RAISE EXCEPTION '"%" can''t be the name of a %', name, kind
            USING ERRCODE = 'invalid_name',
                  HINT = 'Names have 1 to 255 characters, without blanks, slashes and control characters; those of schemas and tables also without dots.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_shared_name(text, text) IS
'Raises invalid_name for what recipients could not name. kind: share, schema or table.';

CREATE FUNCTION lakehouse.create_share(tenant text, name text, default_tables boolean DEFAULT true, if_not_exists boolean DEFAULT false)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    share uuid := (SELECT s.id FROM lakehouse.shares s WHERE s.tenant_id = owner AND lower(s.name) = lower(create_share.name));
    table_name text;
BEGIN
    IF share IS NOT NULL AND if_not_exists THEN
        RETURN share;
    ELSIF share IS NOT NULL THEN
        RAISE EXCEPTION 'share "%" of tenant "%" already exists', name, tenant
            USING ERRCODE = 'duplicate_object', HINT = 'Pass if_not_exists => true to keep it as it is.';
    END IF;
    PERFORM lakehouse.check_shared_name('share', name);
    INSERT INTO lakehouse.shares AS s (tenant_id, name) VALUES (owner, create_share.name) RETURNING s.id INTO share;
    IF default_tables THEN
        FOREACH table_name IN ARRAY ARRAY['accounts', 'contacts', 'leads', 'opportunities', 'activities', 'cases'] LOOP
            PERFORM lakehouse.add_table_to_share(tenant, name, lakehouse.create_contract_view(tenant, table_name),
                                                 table_name => table_name, changes_of => format('%I.%I', tenant, table_name));
        END LOOP;
    END IF;
    RETURN share;
END
$$;
COMMENT ON FUNCTION lakehouse.create_share(text, text, boolean, boolean) IS
'Makes a share, with the six default tables of the CRM in its schema crm, or empty. Recipients see the tables after the first publish. Returns the share''s id. Raises duplicate_object, or invalid_name for a name recipients could not use.';

CREATE FUNCTION lakehouse.publish_source(
    tenant text, source regclass, key text[], changes_of regclass)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    published record;
    published_id uuid;
BEGIN
    SELECT p.id, p.key_columns, p.changes_of INTO published
    FROM lakehouse.published_tables p WHERE p.tenant_id = owner AND p.source = publish_source.source;
    IF NOT FOUND THEN
        INSERT INTO lakehouse.published_tables AS p (tenant_id, source, key_columns, changes_of)
        VALUES (owner, publish_source.source, key, publish_source.changes_of) RETURNING p.id INTO published_id;
        RETURN published_id;
    ELSIF key <> published.key_columns OR changes_of <> published.changes_of THEN
        RAISE EXCEPTION '"%" is published already, in another way', source
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('Its key is (%s), the table whose changes are captured: %s.', array_to_string(published.key_columns, ', '),
                                  coalesce(published.changes_of::text, 'none')),
                  HINT = 'Leave key and changes_of out, or remove it from its shares first.';
    END IF;
    RETURN published.id;
END
$$;
COMMENT ON FUNCTION lakehouse.publish_source(text, regclass, text[], regclass) IS
'Part of add_table_to_share: the published table of a source, made if need be.';

CREATE FUNCTION lakehouse.add_table_to_share(
    tenant text, share text, source regclass, schema_name text DEFAULT 'crm', table_name text DEFAULT NULL,
    key text[] DEFAULT NULL, changes_of regclass DEFAULT NULL, with_history boolean DEFAULT true,
    description text DEFAULT NULL, if_not_exists boolean DEFAULT false)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    share_found CONSTANT uuid := lakehouse.find_share(tenant, share);
    shown_as CONSTANT text := coalesce(table_name, (SELECT c.relname FROM pg_class c WHERE c.oid = source));
    present record;
    published_id uuid;
BEGIN
    SELECT t.table_id, p.source INTO present FROM lakehouse.share_tables t JOIN lakehouse.published_tables p ON p.id = t.table_id
    WHERE t.share_id = share_found AND (p.source = add_table_to_share.source
          OR lower(t.schema_name) = lower(add_table_to_share.schema_name) AND lower(t.name) = lower(shown_as));
    IF FOUND AND present.source = source AND if_not_exists THEN
        RETURN present.table_id;
    ELSIF FOUND THEN
        RAISE EXCEPTION '%', CASE WHEN present.source = source THEN format('"%s" is already in share "%s"', source, share)
                                  ELSE format('share "%s" already has a table "%s.%s"', share, schema_name, shown_as) END
            USING ERRCODE = 'duplicate_object',
                  HINT = CASE WHEN present.source = source THEN 'Pass if_not_exists => true to keep it as it is.'
                              ELSE 'Pass another table_name or schema_name.' END;
    END IF;
    published_id := lakehouse.publish_source(tenant, source, key, changes_of);
    PERFORM lakehouse.check_shared_name('schema', schema_name);
    PERFORM lakehouse.check_shared_name('table', shown_as);
    INSERT INTO lakehouse.share_tables (share_id, schema_name, name, table_id, with_history, description)
    VALUES (share_found, add_table_to_share.schema_name, shown_as, published_id,
            add_table_to_share.with_history, add_table_to_share.description);
    RETURN published_id;
END
$$;
COMMENT ON FUNCTION lakehouse.add_table_to_share(text, text, regclass, text, text, text[], regclass, boolean, text, boolean) IS
'Shows a table, view or materialized view in a share as schema_name.table_name (default: its own name). key: columns that tell its rows apart; default: the primary key. changes_of: for a view, the table whose row with the same primary key makes its row; then changes are captured, else the view is compared as a whole at each publish. with_history: recipients may read older versions and changes. Waits for writers of a table whose changes are to be captured. Returns the published table''s id. Raises what speaks against it: 42809, 42501, 0A000, 22023, 42703, 42804, 42602, 42701, 42710, 55000.';

CREATE FUNCTION lakehouse.remove_table_from_share(
    tenant text, share text, table_name text, schema_name text DEFAULT 'crm', if_exists boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    share_found CONSTANT uuid := lakehouse.find_share(tenant, share);
BEGIN
    DELETE FROM lakehouse.share_tables t WHERE t.share_id = share_found
        AND lower(t.schema_name) = lower(remove_table_from_share.schema_name) AND lower(t.name) = lower(table_name);
    IF NOT FOUND AND NOT if_exists THEN
        RAISE EXCEPTION 'share "%" has no table "%.%"', share, schema_name, table_name
            USING ERRCODE = 'undefined_object', HINT = 'SELECT schema_name, name FROM lakehouse.share_tables lists them.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.remove_table_from_share(text, text, text, text, boolean) IS
'Takes a table out of a share, by the name recipients know it by. In no other share, it is published no more: triggers, versions and, soon after, its folder go. Waits for a publish under way. Raises undefined_object.';

CREATE FUNCTION lakehouse.drop_share(tenant text, name text, if_exists boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
BEGIN
    IF NOT if_exists THEN
        PERFORM lakehouse.find_share(tenant, name);
    END IF;
    DELETE FROM lakehouse.shares s WHERE s.tenant_id = owner AND lower(s.name) = lower(drop_share.name);
END
$$;
COMMENT ON FUNCTION lakehouse.drop_share(text, text, boolean) IS
'Removes a share with its grants; tables that are in no other share are published no more. The views stay. Waits for a publish under way. Raises undefined_object.';

CREATE FUNCTION lakehouse.restart_publishing(tenant text, source regclass)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    published lakehouse.published_tables;
    shown lakehouse.share_tables[];
BEGIN
    SELECT * INTO published FROM lakehouse.published_tables p WHERE p.tenant_id = owner AND p.source = restart_publishing.source;
    IF NOT FOUND THEN
        RAISE EXCEPTION '"%" is not published by tenant "%"', source, tenant
            USING ERRCODE = 'undefined_object', HINT = 'SELECT source FROM lakehouse.published_tables lists what is.';
    END IF;
    shown := (SELECT array_agg(t) FROM lakehouse.share_tables t WHERE t.table_id = published.id);
    -- That takes the published table along.
    DELETE FROM lakehouse.share_tables t WHERE t.table_id = published.id;
    published.id := lakehouse.publish_source(tenant, source, published.key_columns, published.changes_of);
    INSERT INTO lakehouse.share_tables (share_id, schema_name, name, table_id, with_history, description)
    SELECT t.share_id, t.schema_name, t.name, published.id, t.with_history, t.description FROM unnest(shown) AS t;
    RETURN published.id;
END
$$;
COMMENT ON FUNCTION lakehouse.restart_publishing(text, regclass) IS
'Publishes a table anew, as another Delta table in another folder, from version 0; it stays in its shares, without its history. For a log that others have written to or that is damaged. Waits for a publish under way. Returns the new id. Raises undefined_object.';

CREATE FUNCTION lakehouse.find_recipient(tenant text, name text)
RETURNS uuid LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    recipient uuid := (SELECT r.id FROM lakehouse.recipients r
                       WHERE r.tenant_id = owner AND lower(r.name) = lower(find_recipient.name) AND r.revoked_at IS NULL);
BEGIN
    IF recipient IS NULL THEN
        RAISE EXCEPTION 'recipient "%" of tenant "%" does not exist', name, tenant
            USING ERRCODE = 'undefined_object', HINT = 'lakehouse.create_recipient() makes one; a revoked one is gone.';
    END IF;
    RETURN recipient;
END
$$;
COMMENT ON FUNCTION lakehouse.find_recipient(text, text) IS
'The id of a tenant''s recipient that is not revoked, whatever the case of its name. Raises undefined_object when there is none.';

CREATE FUNCTION lakehouse.grant_share(tenant text, share text, recipient text)
RETURNS void LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO lakehouse.share_grants (share_id, recipient_id)
    VALUES (lakehouse.find_share(tenant, share), lakehouse.find_recipient(tenant, recipient)) ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION lakehouse.grant_share(text, text, text) IS
'Lets a recipient read every table of a share, those that come later included. Granting again changes nothing. Raises undefined_object.';

CREATE FUNCTION lakehouse.revoke_share(tenant text, share text, recipient text)
RETURNS void LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM lakehouse.share_grants g
    WHERE g.share_id = lakehouse.find_share(tenant, share) AND g.recipient_id = lakehouse.find_recipient(tenant, recipient)
$$;
COMMENT ON FUNCTION lakehouse.revoke_share(text, text, text) IS
'Ends what grant_share began, links that were handed out included. Revoking again changes nothing. Raises undefined_object.';

CREATE FUNCTION lakehouse.set_share_salt(tenant text, salt text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lakehouse.find_tenant(tenant);
    EXECUTE format('UPDATE %I.share_options SET salt = $1', tenant) USING salt;
END
$$;
COMMENT ON FUNCTION lakehouse.set_share_salt(text, text) IS
'Sets what comes before a contact''s e-mail address and phone number when they are hashed; '''' for nothing. The next publish writes all contacts anew.';

REVOKE ALL ON FUNCTION
    lakehouse.find_share(text, text),
    lakehouse.check_shared_name(text, text),
    lakehouse.create_share(text, text, boolean, boolean),
    lakehouse.publish_source(text, regclass, text[], regclass),
    lakehouse.add_table_to_share(text, text, regclass, text, text, text[], regclass, boolean, text, boolean),
    lakehouse.remove_table_from_share(text, text, text, text, boolean),
    lakehouse.drop_share(text, text, boolean),
    lakehouse.restart_publishing(text, regclass),
    lakehouse.find_recipient(text, text),
    lakehouse.grant_share(text, text, text),
    lakehouse.revoke_share(text, text, text),
    lakehouse.set_share_salt(text, text)
FROM PUBLIC;
