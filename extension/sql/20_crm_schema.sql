-- SPDX-License-Identifier: PostgreSQL
-- A tenant's CRM schema as a whole: the order its tables are made in, the sales pipeline it starts
-- with, and who may do what to which table.

CREATE FUNCTION lakehouse.create_crm_tables(tenant uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lakehouse.create_account_tables(slug);
    PERFORM lakehouse.create_people_tables(slug);
    PERFORM lakehouse.create_pipeline_tables(slug);
    PERFORM lakehouse.create_product_tables(slug);
    PERFORM lakehouse.create_opportunity_tables(slug);
    PERFORM lakehouse.create_opportunity_triggers(slug);
    PERFORM lakehouse.create_line_item_table(slug);
    PERFORM lakehouse.create_case_table(slug);
    PERFORM lakehouse.create_activity_tables(slug);
    PERFORM lakehouse.bind_organization(tenant, slug);
    PERFORM lakehouse.create_name_index(slug);
    PERFORM lakehouse.create_sales_pipeline(slug);
END
$$;
COMMENT ON FUNCTION lakehouse.create_crm_tables(uuid, text) IS
'Part of create_tenant: all CRM tables in the tenant''s schema, and its first pipeline.';

-- DDL takes no parameters, so the tenant's id gets into the default and the check as a literal.
CREATE FUNCTION lakehouse.bind_organization(tenant uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['accounts', 'leads'] LOOP
        EXECUTE format('ALTER TABLE %1$I.%2$I ALTER organization_id SET DEFAULT %3$L::uuid, '
                       'ADD CONSTRAINT %4$I CHECK (organization_id = %3$L::uuid)',
                       slug, table_name, tenant, table_name || '_organization_id_check');
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.bind_organization(uuid, text) IS
'Part of create_tenant: makes organization_id the tenant''s id, by default and by check.';

CREATE FUNCTION lakehouse.create_name_index(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trigrams text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
BEGIN
    IF trigrams IS NOT NULL THEN
        EXECUTE format('CREATE INDEX contacts_name_trigram_idx ON %I.contacts '
                       'USING gin ((coalesce(first_name, '''') || '' '' || last_name) %I.gin_trgm_ops)', slug, trigrams);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.create_name_index(text) IS
'Part of create_tenant: where pg_trgm is installed, an index for finding contacts by a part of their name.';

CREATE FUNCTION lakehouse.create_sales_pipeline(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sales uuid;
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);

    INSERT INTO pipelines (name, is_default) VALUES ('Sales', true) RETURNING id INTO sales;
    INSERT INTO pipeline_stages (pipeline_id, sort_order, name, default_probability, forecast_category, is_closed, is_won)
    SELECT sales, s.*
    FROM (VALUES (1, 'Qualification', 10, 'pipeline', false, false),
                 (2, 'Discovery', 20, 'pipeline', false, false),
                 (3, 'Proposal', 50, 'best_case', false, false),
                 (4, 'Negotiation', 70, 'most_likely', false, false),
                 (5, 'Contract', 90, 'commit', false, false),
                 (6, 'Closed Won', 100, 'closed', true, true),
                 (7, 'Closed Lost', 0, 'omitted', true, false)) AS s;
END
$$;
COMMENT ON FUNCTION lakehouse.create_sales_pipeline(text) IS
'Part of create_tenant: the default pipeline Sales with seven stages, for the tenant to change.';

CREATE FUNCTION lakehouse.grant_crm_privileges(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    admin CONSTANT text := quote_ident(slug || '_admin');
    member CONSTANT text := quote_ident(slug || '_member');
    readonly CONSTANT text := quote_ident(slug || '_readonly');
    agent CONSTANT text := quote_ident(slug || '_agent');
    records CONSTANT text := 'accounts, contacts, leads, opportunities, opportunity_contacts, opportunity_line_items, '
                             'activities, activity_contacts, cases';
    catalogue CONSTANT text := 'products, price_books, price_book_entries';
    configuration CONSTANT text := 'pipelines, pipeline_stages';
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s, %s, %s, %s', slug, admin, member, readonly, agent);
    EXECUTE format('GRANT SELECT ON users, opportunity_stage_history, %s, %s, %s TO %s, %s, %s, %s',
                   records, catalogue, configuration, admin, member, readonly, agent);
    -- Members and agents delete by setting deleted_at; only an admin can erase.
    EXECUTE format('GRANT INSERT, UPDATE ON %s TO %s, %s', records, member, agent);
    EXECUTE format('GRANT INSERT, UPDATE ON %s TO %s', catalogue, member);
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s, %s, %s TO %s', records, catalogue, configuration, admin);
    -- Never role and pg_role: who could write them could become anybody. lakehouse.create_user() does.
    EXECUTE format('GRANT INSERT (email, full_name, title, manager_id, is_active), '
                   'UPDATE (email, full_name, title, manager_id, is_active) ON users TO %s', admin);
END
$$;
COMMENT ON FUNCTION lakehouse.grant_crm_privileges(text) IS
'Part of create_tenant: what admin, member, readonly and agent may do to each CRM table.';

-- For tables that come later, above all imported warehouse tables: people read them, agents only
-- what is exposed to them.
REVOKE ALL ON FUNCTION
    lakehouse.create_crm_tables(uuid, text),
    lakehouse.bind_organization(uuid, text),
    lakehouse.create_name_index(text),
    lakehouse.create_sales_pipeline(text),
    lakehouse.grant_crm_privileges(text)
FROM PUBLIC;
