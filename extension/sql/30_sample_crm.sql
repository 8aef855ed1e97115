-- SPDX-License-Identifier: PostgreSQL
-- Sample data for a tenant's CRM: the same rows in every run, as of one fixed day, and tied to the
-- TPC-H warehouse: accounts are TPC-H customers, by key and by country. Nothing here is random.

CREATE FUNCTION lakehouse.load_sample_crm(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
-- Ids are computed, which the planner can't estimate: its nested loops would compute them over and over.
SET enable_nestloop = off
SET jit = off
AS $$
BEGIN
    PERFORM lakehouse.find_tenant(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_users(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_accounts(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_products(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_opportunities(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_leads(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_cases(tenant);
    RETURN QUERY SELECT * FROM lakehouse.load_sample_activities(tenant);
    -- The next query plans with what is there now, not with an empty table's guess.
    PERFORM lakehouse.analyze_sample(tenant);
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_crm(text) IS
'Loads sample data into a tenant''s CRM, as of 2026-11-01: accounts with account_number = TPC-H customer key, and a year of selling and service. Returns for each table how many rows this call added: 0 where they were there already. Raises undefined_object for an unknown tenant.';

CREATE FUNCTION lakehouse.sample_today()
RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN timestamptz '2026-11-01 00:00:00+00';
COMMENT ON FUNCTION lakehouse.sample_today() IS 'The day the sample data is told from.';

CREATE FUNCTION lakehouse.sample_id(tenant text, kind text, n integer)
RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN md5(tenant || '/' || kind || '/' || n::text)::uuid;
COMMENT ON FUNCTION lakehouse.sample_id(text, text, integer) IS 'Id of the n-th sample record of a kind in a tenant.';

CREATE FUNCTION lakehouse.sample_number(topic text, n integer, bound integer)
RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ((('x' || substr(md5(topic || '/' || n::text), 1, 8))::bit(32))::bigint % bound)::integer;
COMMENT ON FUNCTION lakehouse.sample_number(text, integer, integer) IS
'A number from 0 to bound - 1 that looks picked at random and is always the same for a topic and n.';

CREATE FUNCTION lakehouse.sample_pick(choices text[], topic text, n integer)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN choices[1 + lakehouse.sample_number(topic, n, cardinality(choices))];
COMMENT ON FUNCTION lakehouse.sample_pick(text[], text, integer) IS 'One of the choices, always the same for a topic and n.';

-- TPC-H customers with a key divisible by 3 never order, so sample accounts skip those keys: 1, 2, 4, 5, 7 …
CREATE FUNCTION lakehouse.sample_account_number(n integer)
RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (n + (n - 1) / 2)::bigint;
COMMENT ON FUNCTION lakehouse.sample_account_number(integer) IS 'TPC-H customer key of the n-th sample account.';

-- TPC-H draws a customer's nation from one stream of the minimal standard generator (multiplier
-- 16807, modulus 2^31 - 1, this seed), one number per customer: so country here is nation there.
CREATE FUNCTION lakehouse.sample_nations()
RETURNS TABLE (account_number bigint, nation integer) LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE stream (account_number, state) AS (
        SELECT 1::bigint, 1489529863::bigint * 16807 % 2147483647
        UNION ALL
        SELECT s.account_number + 1, s.state * 16807 % 2147483647 FROM stream s WHERE s.account_number < 450
    )
    SELECT s.account_number, floor(s.state / 2147483647.0 * 25)::integer FROM stream s;
END;
COMMENT ON FUNCTION lakehouse.sample_nations() IS 'Nation key, 0 to 24, of the first 450 TPC-H customers.';

CREATE FUNCTION lakehouse.sample_person(n integer)
RETURNS TABLE (first_name text, last_name text) LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT lakehouse.sample_pick(ARRAY[
               'Aisha', 'Alejandro', 'Amara', 'Andrei', 'Anh', 'Beatriz', 'Camille', 'Chen', 'Clara', 'Daniel', 'Diego',
               'Elena', 'Farid', 'Fatima', 'Grace', 'Hana', 'Hassan', 'Ingrid', 'Isabel', 'Jakub', 'James', 'Kenji', 'Khalid',
               'Laila', 'Lucas', 'Mai', 'Maria', 'Mehdi', 'Minh', 'Nadia', 'Naomi', 'Olga', 'Omar', 'Paula', 'Priya', 'Rafael',
               'Ravi', 'Rosa', 'Samuel', 'Sofia', 'Tariq', 'Tereza', 'Thomas', 'Victor', 'Wanjiru', 'Wei', 'Yara', 'Yuki',
               'Zainab', 'Zoe'], 'person.first', n),
           lakehouse.sample_pick(ARRAY[
               'Abebe', 'Adams', 'Almeida', 'Anderson', 'Bauer', 'Benali', 'Bennett', 'Campbell', 'Chowdhury', 'Costa',
               'Diaz', 'Dubois', 'El-Sayed', 'Fischer', 'Fujita', 'Garcia', 'Georgescu', 'Haddad', 'Hartmann', 'Hoang',
               'Ibrahim', 'Ionescu', 'Ivanova', 'Jensen', 'Kamau', 'Karimi', 'Kaur', 'Kim', 'Laurent', 'Lim', 'Lopez', 'Macamo',
               'Mansour', 'Martin', 'Mehta', 'Mitchell', 'Moreau', 'Mwangi', 'Nakamura', 'Nguyen', 'Novak', 'Okafor', 'Oliveira',
               'Petrov', 'Pham', 'Quispe', 'Rahman', 'Reed', 'Rossi', 'Said', 'Santoso', 'Schmidt', 'Sharma', 'Silva', 'Tanaka',
               'Tessema', 'Torres', 'Turner', 'Vargas', 'Wagner', 'Wang', 'Wright', 'Yamada', 'Zhang'], 'person.last', n);
END;
COMMENT ON FUNCTION lakehouse.sample_person(integer) IS 'Name of the n-th sample person.';

CREATE FUNCTION lakehouse.analyze_sample(tenant text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    ANALYZE users, accounts, contacts, leads, pipelines, pipeline_stages, products, price_books, price_book_entries, opportunities,
        opportunity_contacts, opportunity_line_items, opportunity_stage_history, cases, activities, activity_contacts;
END
$$;
COMMENT ON FUNCTION lakehouse.analyze_sample(text) IS 'Part of load_sample_crm: planner statistics for the tenant''s CRM tables.';

REVOKE ALL ON FUNCTION
    lakehouse.load_sample_crm(text),
    lakehouse.sample_today(),
    lakehouse.sample_id(text, text, integer),
    lakehouse.sample_number(text, integer, integer),
    lakehouse.sample_pick(text[], text, integer),
    lakehouse.sample_account_number(integer),
    lakehouse.sample_nations(),
    lakehouse.sample_person(integer),
    lakehouse.analyze_sample(text)
FROM PUBLIC;
