-- SPDX-License-Identifier: PostgreSQL
-- Sample users, accounts, contacts and leads. See 30_sample_crm.sql for the rules.

CREATE FUNCTION lakehouse.sample_users(tenant text)
RETURNS TABLE (n integer, email text, full_name text, title text, role text) LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT u.n, u.local_part || '@' || replace(tenant, '_', '-') || '.example', u.full_name, u.title, u.role
    FROM (VALUES (1, 'astrid.lindqvist', 'Astrid Lindqvist', 'Head of Sales', 'admin'),
                 (2, 'marcus.bell', 'Marcus Bell', 'Account Executive', 'member'),
                 (3, 'leila.farahani', 'Leila Farahani', 'Account Executive', 'member'),
                 (4, 'tomas.herrera', 'Tomás Herrera', 'Account Executive', 'member'),
                 (5, 'joanna.kowalska', 'Joanna Kowalska', 'Account Executive', 'member'),
                 (6, 'peter.odhiambo', 'Peter Odhiambo', 'Sales Development', 'member'),
                 (7, 'mei.lin', 'Mei Lin', 'Service Engineer', 'member'),
                 (8, 'hugo.brandt', 'Hugo Brandt', 'Service Engineer', 'member')) AS u (n, local_part, full_name, title, role);
END;
COMMENT ON FUNCTION lakehouse.sample_users(text) IS 'The eight people of the sample: 1 leads sales, 2 to 5 sell, 6 works on leads, 7 and 8 on cases.';

CREATE FUNCTION lakehouse.load_sample_users(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'users';
    INSERT INTO users (id, email, full_name, title, role, manager_id, created_at, updated_at, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'user', u.n), u.email, u.full_name, u.title, u.role,
           CASE WHEN u.n BETWEEN 2 AND 6 THEN lakehouse.sample_id(tenant, 'user', 1) END,
           lakehouse.sample_today() - interval '2 years', lakehouse.sample_today() - interval '2 years', 'import'
    FROM lakehouse.sample_users(tenant) u
    ORDER BY u.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_users(text) IS 'Part of load_sample_crm: users, none of whom can sign in.';

CREATE FUNCTION lakehouse.sample_countries()
RETURNS TABLE (nation integer, country text, city text, calling_code text) LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES (0, 'Algeria', 'Oran', '213'), (1, 'Argentina', 'Córdoba', '54'), (2, 'Brazil', 'Curitiba', '55'),
           (3, 'Canada', 'Hamilton', '1'), (4, 'Egypt', 'Alexandria', '20'), (5, 'Ethiopia', 'Adama', '251'),
           (6, 'France', 'Lyon', '33'), (7, 'Germany', 'Stuttgart', '49'), (8, 'India', 'Pune', '91'),
           (9, 'Indonesia', 'Surabaya', '62'), (10, 'Iran', 'Isfahan', '98'), (11, 'Iraq', 'Basra', '964'),
           (12, 'Japan', 'Nagoya', '81'), (13, 'Jordan', 'Amman', '962'), (14, 'Kenya', 'Mombasa', '254'),
           (15, 'Morocco', 'Casablanca', '212'), (16, 'Mozambique', 'Beira', '258'), (17, 'Peru', 'Arequipa', '51'),
           (18, 'China', 'Suzhou', '86'), (19, 'Romania', 'Cluj-Napoca', '40'), (20, 'Saudi Arabia', 'Dammam', '966'),
           (21, 'Vietnam', 'Haiphong', '84'), (22, 'Russia', 'Kazan', '7'), (23, 'United Kingdom', 'Sheffield', '44'),
           (24, 'United States', 'Cleveland', '1');
END;
COMMENT ON FUNCTION lakehouse.sample_countries() IS 'The 25 nations of TPC-H by key, with a city and the telephone code.';

-- 25 first words times 12 second words make 300 different names; 133 has no factor in common with
-- 300, so that neighbours don't look alike.
CREATE FUNCTION lakehouse.sample_company(n integer)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (ARRAY['Alder', 'Aurora', 'Beacon', 'Brightwater', 'Cedar', 'Copper', 'Crescent', 'Delta', 'Falcon', 'Granite', 'Harbor', 'Helix',
              'Iron Bridge', 'Juniper', 'Kestrel', 'Lumen', 'Meridian', 'Northgate', 'Orchard', 'Pioneer', 'Quarry', 'Redwood',
              'Silverline', 'Summit', 'Vanguard'])[1 + n * 133 % 300 % 25]
       || ' ' ||
       (ARRAY['Automotive', 'Chemicals', 'Components', 'Energy', 'Foods', 'Instruments', 'Logistics', 'Machinery', 'Mills',
              'Packaging', 'Pharma', 'Plastics'])[1 + n * 133 % 300 / 25];
COMMENT ON FUNCTION lakehouse.sample_company(integer) IS 'Name of the n-th sample company, n from 1 to 300; its last word is the line of business.';

CREATE FUNCTION lakehouse.load_sample_accounts(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'accounts';
    INSERT INTO accounts (id, name, domain, account_number, type, industry, employees, revenue, phone, website, billing_street,
                          billing_city, country, owner_id, description, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'account', a.n), a.name, a.domain, a.account_number, 'customer', a.industry, a.employees,
           a.employees::numeric * (60 + lakehouse.sample_number('account.revenue', a.n, 190)) * 1000,
           format('+%s 555 %s', c.calling_code, lpad(a.n::text, 4, '0')), 'https://www.' || a.domain,
           format('%s %s', 1 + lakehouse.sample_number('account.street', a.n, 180), lakehouse.sample_pick(
               ARRAY['Canal Street', 'Dock Road', 'Foundry Lane', 'Market Square', 'Mill Road', 'Park Avenue', 'Station Road'], 'street', a.n)),
           c.city, c.country, a.owner_id, format('%s company from %s, customer since %s.', a.industry, c.city, extract(year FROM a.since)),
           a.since, a.owner_id, a.since + make_interval(days => lakehouse.sample_number('account.updated', a.n, 365)), a.owner_id, 'import'
    FROM (SELECT g.n, lakehouse.sample_company(g.n) AS name, lakehouse.sample_account_number(g.n) AS account_number,
                 lower(replace(lakehouse.sample_company(g.n), ' ', '-')) || '.example' AS domain,
                 regexp_replace(lakehouse.sample_company(g.n), '^.* ', '') AS industry,
                 (12 * power(10, lakehouse.sample_number('account.size', g.n, 280) / 100.0))::integer AS employees,
                 lakehouse.sample_id(tenant, 'user', 2 + lakehouse.sample_number('account.owner', g.n, 4)) AS owner_id,
                 lakehouse.sample_today() - make_interval(days => 366 + lakehouse.sample_number('account.since', g.n, 1100)) AS since
          FROM generate_series(1, 300) AS g (n)) a
    JOIN lakehouse.sample_nations() k USING (account_number)
    JOIN lakehouse.sample_countries() c USING (nation)
    ORDER BY a.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;

    object := 'contacts';
    -- Three per account: the first decides, the other two report to the first.
    INSERT INTO contacts (id, account_id, first_name, last_name, email, phone, title, department, reports_to_id, owner_id,
                          email_opt_out, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'contact', g.n), a.id, p.first_name, p.last_name,
           lower(p.first_name || '.' || replace(p.last_name, '''', '')) || '@' || a.domain, a.phone || '-' || (10 + g.n % 3), j.title, j.department,
           CASE WHEN g.n % 3 <> 1 THEN lakehouse.sample_id(tenant, 'contact', g.n - (g.n + 2) % 3) END, a.owner_id,
           lakehouse.sample_number('contact.opt_out', g.n, 20) = 0, a.created_at + interval '1 hour', a.owner_id,
           a.updated_at + interval '1 hour', a.owner_id, 'import'
    FROM generate_series(1, 900) AS g (n)
    JOIN accounts a ON a.id = lakehouse.sample_id(tenant, 'account', (g.n + 2) / 3)
    CROSS JOIN LATERAL lakehouse.sample_person(g.n) p
    CROSS JOIN LATERAL (
        SELECT split_part(t.job, '/', 1) AS title, split_part(t.job, '/', 2) AS department
        FROM (SELECT CASE g.n % 3
            WHEN 1 THEN lakehouse.sample_pick(ARRAY['Chief Operating Officer/Management', 'Managing Director/Management',
                'VP Operations/Operations', 'VP Procurement/Procurement', 'Chief Financial Officer/Finance'], 'contact.job', g.n)
            WHEN 2 THEN lakehouse.sample_pick(ARRAY['Procurement Manager/Procurement', 'Plant Manager/Operations',
                'Maintenance Manager/Maintenance', 'Head of Engineering/Engineering'], 'contact.job', g.n)
            ELSE lakehouse.sample_pick(ARRAY['Process Engineer/Engineering', 'Buyer/Procurement', 'Shift Supervisor/Operations',
                'Maintenance Technician/Maintenance', 'Controller/Finance'], 'contact.job', g.n) END) AS t (job)) j
    ORDER BY g.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_accounts(text) IS 'Part of load_sample_crm: accounts and contacts.';

CREATE FUNCTION lakehouse.load_sample_leads(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'leads';
    -- The first 40 became an opportunity: name and company are those of its primary contact.
    INSERT INTO leads (id, first_name, last_name, company, title, email, phone, country, source, status, rating, score, owner_id,
                       description, converted_at, converted_account_id, converted_contact_id, converted_opportunity_id,
                       created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'lead', l.n), coalesce(c.first_name, p.first_name), coalesce(c.last_name, p.last_name), coalesce(a.name, l.company),
           coalesce(c.title, lakehouse.sample_pick(ARRAY['Buyer', 'Plant Manager', 'Project Engineer', 'Owner'], 'lead.title', l.n)),
           coalesce(c.email, lower(p.first_name || '.' || p.last_name) || '@' || lower(replace(l.company, ' ', '-')) || '.example'),
           coalesce(c.phone, format('+%s 555 %s', k.calling_code, 5000 + l.n)), coalesce(a.country, k.country), l.source, l.status,
           CASE WHEN l.score >= 70 THEN 'hot' WHEN l.score >= 40 THEN 'warm' ELSE 'cold' END, l.score, l.owner_id,
           lakehouse.sample_pick(ARRAY['Asked for a price list.', 'Wants to replace two ageing pumps.', 'Compares monitoring offers.',
               'Met at the trade fair, wants a visit.', 'Plans a second production line.'], 'lead.wish', l.n),
           o.created_at, o.account_id, c.id, o.id, l.created_at, l.owner_id,
           coalesce(o.created_at, least(l.created_at + make_interval(days => lakehouse.sample_number('lead.updated', l.n, 30)), lakehouse.sample_today())),
           l.owner_id, 'import'
    FROM (SELECT g.n, lakehouse.sample_id(tenant, 'user', 6) AS owner_id,
                 lakehouse.sample_pick(ARRAY['web', 'referral', 'trade_fair', 'partner', 'outbound'], 'lead.source', g.n) AS source,
                 CASE WHEN g.n <= 40 THEN 'qualified'
                      ELSE (ARRAY['new', 'new', 'working', 'working', 'nurturing', 'qualified', 'unqualified'])[1 + lakehouse.sample_number('lead.status', g.n, 7)]
                 END AS status,
                 CASE WHEN g.n <= 40 THEN 60 + lakehouse.sample_number('lead.score', g.n, 41) ELSE lakehouse.sample_number('lead.score', g.n, 95) END AS score,
                 (SELECT last_name FROM lakehouse.sample_person(4000 + g.n)) || ' ' ||
                     lakehouse.sample_pick(ARRAY['Works', 'Industries', 'Brothers', 'Engineering', 'Systems', 'Trading'], 'lead.company', g.n) AS company,
                 coalesce(s.created_at - interval '9 days', lakehouse.sample_today() - make_interval(hours => 5 + lakehouse.sample_number('lead.age', g.n, 8700))) AS created_at
          FROM generate_series(1, 250) AS g (n)
          LEFT JOIN lakehouse.sample_opportunities() s ON g.n <= 40 AND s.n = g.n * 7) l
    CROSS JOIN LATERAL lakehouse.sample_person(3000 + l.n) p
    JOIN lakehouse.sample_countries() k ON k.nation = lakehouse.sample_number('lead.nation', l.n, 25)
    LEFT JOIN opportunities o ON l.n <= 40 AND o.id = lakehouse.sample_id(tenant, 'opportunity', l.n * 7)
    LEFT JOIN accounts a ON a.id = o.account_id
    LEFT JOIN opportunity_contacts oc ON oc.opportunity_id = o.id AND oc.is_primary
    LEFT JOIN contacts c ON c.id = oc.contact_id
    ORDER BY l.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_leads(text) IS 'Part of load_sample_crm: leads, 40 of them converted; needs the opportunities.';

REVOKE ALL ON FUNCTION
    lakehouse.sample_users(text),
    lakehouse.load_sample_users(text),
    lakehouse.sample_countries(),
    lakehouse.sample_company(integer),
    lakehouse.load_sample_accounts(text),
    lakehouse.load_sample_leads(text)
FROM PUBLIC;
