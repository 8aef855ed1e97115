-- SPDX-License-Identifier: PostgreSQL
-- The contract: what a new share holds. Views in the tenant's schema, over live rows, with columns that stay as they are
-- within one version of the contract. They belong to the tenant's admins, who may replace them.

CREATE FUNCTION lakehouse.share_contract_version()
RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN 1;
COMMENT ON FUNCTION lakehouse.share_contract_version() IS
'Version of the default tables of shares: grows when a column goes or changes its name, type or meaning.';

-- Not a column of lakehouse.tenants: the view's owner reads it, and nobody else.
CREATE FUNCTION lakehouse.create_share_options(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    CREATE TABLE share_options (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        salt text NOT NULL DEFAULT ''
    );
    INSERT INTO share_options DEFAULT VALUES;
    COMMENT ON TABLE share_options IS 'Options of what is shared: one row';
    COMMENT ON COLUMN share_options.only_row IS 'True: there is one row';
    COMMENT ON COLUMN share_options.salt IS 'Comes before each value of a contact that is hashed; lakehouse.set_share_salt() sets it';
    EXECUTE format('GRANT SELECT, UPDATE (salt) ON share_options TO %I', slug || '_admin');
END
$$;
COMMENT ON FUNCTION lakehouse.create_share_options(text) IS 'Part of create_tenant: the salt of hashed contacts, empty.';

CREATE FUNCTION lakehouse.contract_columns(table_name text)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE table_name
    WHEN 'accounts' THEN 'id, organization_id, name, domain, industry, employees, revenue, country, created_at, updated_at'
    WHEN 'contacts' THEN 'id, account_id, first_name, last_name, '
        'encode(sha256(convert_to((SELECT o.salt FROM %1$I.share_options o) || lower(btrim(email)), ''UTF8'')), ''hex'') AS email_hash, '
        'CASE WHEN phone ~ ''[0-9]'' THEN encode(sha256(convert_to((SELECT o.salt FROM %1$I.share_options o) || '
        'CASE WHEN regexp_replace(phone, ''[^0-9+]'', '''', ''g'') LIKE ''+%%'' THEN ''+'' ELSE '''' END || '
        'regexp_replace(phone, ''[^0-9]'', '''', ''g''), ''UTF8'')), ''hex'') END AS phone_hash, '
        'title, owner_id, created_at, updated_at'
    WHEN 'leads' THEN 'id, organization_id, source, status, owner_id, score, created_at, updated_at'
    WHEN 'opportunities' THEN 'id, account_id, name, stage, amount, close_date, owner_id, won_at, lost_reason, created_at, updated_at'
    WHEN 'activities' THEN 'id, related_to_type, related_to_id, type, subject, completed_at, owner_id, created_at'
    WHEN 'cases' THEN 'id, account_id, contact_id, status, priority, queue, sla_due_at, resolved_at, created_at, updated_at'
END;
COMMENT ON FUNCTION lakehouse.contract_columns(text) IS
'Part of create_share: the select list of a default table, a format for the tenant''s schema. A hash is the lower-case hex of SHA-256 over the salt and the value: an e-mail address trimmed and in lower case; of a phone number its digits, after a + where it begins with one. NULL where there is no address or no digit.';

CREATE FUNCTION lakehouse.create_contract_view(tenant text, table_name text)
RETURNS regclass LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    view_name CONSTANT text := format('%I.%I', tenant, 'published_' || table_name);
    base CONSTANT regclass := format('%I.%I', tenant, table_name);
    described record;
BEGIN
    IF to_regclass(view_name) IS NOT NULL THEN
        RETURN view_name;
    END IF;
    EXECUTE format('CREATE VIEW %s AS SELECT ' || replace(lakehouse.contract_columns(table_name), '%1$I', '%3$I')
                   || ' FROM %2$s AS live WHERE deleted_at IS NULL', view_name, base, tenant);
    EXECUTE format('COMMENT ON VIEW %s IS %L', view_name, format('Live %s as shares show them, contract version %s',
                   table_name, lakehouse.share_contract_version()));
    FOR described IN
        SELECT v.attname, CASE v.attname
            WHEN 'email_hash' THEN 'SHA-256 of salt and e-mail address, which is trimmed and in lower case; lower-case hex'
            WHEN 'phone_hash' THEN 'SHA-256 of salt and office phone, of which digits and a leading + count; lower-case hex'
            ELSE col_description(base, b.attnum) END AS remark
        FROM pg_attribute v LEFT JOIN pg_attribute b ON b.attrelid = base AND b.attname = v.attname
        WHERE v.attrelid = view_name::regclass AND v.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', view_name, described.attname, described.remark);
    END LOOP;
    EXECUTE format('ALTER VIEW %s OWNER TO %I', view_name, tenant || '_admin');
    RETURN view_name;
END
$$;
COMMENT ON FUNCTION lakehouse.create_contract_view(text, text) IS
'Part of create_share: makes the view <tenant>.published_<table> of the contract, unless there is one of that name.';

REVOKE ALL ON FUNCTION
    lakehouse.share_contract_version(),
    lakehouse.create_share_options(text),
    lakehouse.contract_columns(text),
    lakehouse.create_contract_view(text, text)
FROM PUBLIC;
