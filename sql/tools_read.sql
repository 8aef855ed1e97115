-- SPDX-License-Identifier: PostgreSQL
-- Every tool that reads, as its user calls it; filters, sorting, cursors. The sample has the same ids and times in every run.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT lakehouse.create_tenant('rt_tools') IS NOT NULL AS created;
SELECT count(*) FROM lakehouse.load_sample_crm('rt_tools');
SELECT lakehouse.create_user('rt_tools', 'reader@tools.example', 'Rita Reader', 'readonly') IS NOT NULL AS created;
SET search_path = rt_tools, pg_temp;
SET ROLE rt_tools_reader;
\a \t on

-- who calls, and what there is
SELECT lakehouse.whoami('{}') - '{as_of,version,access}'::text[] #- '{user,id}';
SELECT a.key, a.value FROM jsonb_each(lakehouse.whoami('{}') -> 'access') a WHERE a.key IN ('account', 'stage', 'user') ORDER BY 1;
SELECT o ->> 'kind', o ->> 'total', o ->> 'total_is_estimate' FROM jsonb_array_elements(lakehouse.list_objects(NULL) -> 'objects') o;
SELECT lakehouse.describe_object('{"kind": "lead"}') #>> '{fields,10}';
SELECT lakehouse.describe_object('{"kind": "contact"}') -> 'fields' @> '[{"name": "account_id", "refers_to": "account"}]',
       lakehouse.describe_object('{"kind": "contact"}') -> 'related', lakehouse.describe_object('{"kind": "contact"}') -> 'access';
SELECT p ->> 'name', s ->> 'name', s ->> 'probability' FROM jsonb_array_elements(lakehouse.list_pipelines('{}') -> 'pipelines') p, jsonb_array_elements(p -> 'stages') s;
SELECT u ->> 'full_name', u ->> 'role' FROM jsonb_array_elements(lakehouse.list_users('{"query": "READER"}') -> 'records') u;
SELECT p ->> 'sku', p ->> 'prices' FROM jsonb_array_elements(lakehouse.list_products('{"family": "Sensors"}') -> 'records') p;
SELECT lakehouse.list_warehouse_tables('{}') -> 'tables';

-- a record with what belongs to it, by its id, by another system's, as a text
SELECT id AS account FROM accounts WHERE name = 'Harbor Pharma' \gset
SELECT jsonb_pretty(lakehouse.get_account(jsonb_build_object('id', :'account')) - '{as_of,related}'::text[] #- '{record,owner_id}' #- '{record,created_by}' #- '{record,updated_by}');
SELECT r.key, jsonb_array_length(r.value) FROM jsonb_each(lakehouse.get_account(jsonb_build_object('id', :'account')) -> 'related') r ORDER BY 1;
SELECT c ->> 'last_name' FROM jsonb_array_elements(lakehouse.get_account(jsonb_build_object('id', :'account')) #> '{related,contacts}') c;
SELECT lakehouse.get_record(jsonb_build_object('kind', 'account', 'id', :'account', 'fields', '["name", "owner_name"]'::jsonb, 'related', '[]'::jsonb)) - '{as_of,url}'::text[];
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(lakehouse.get_contact((SELECT jsonb_build_object('id', id) FROM contacts ORDER BY id LIMIT 1)) -> 'related') k;
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(lakehouse.get_lead((SELECT jsonb_build_object('id', id) FROM leads ORDER BY id LIMIT 1)) -> 'related') k;
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(lakehouse.get_opportunity((SELECT jsonb_build_object('id', id) FROM opportunities ORDER BY id LIMIT 1)) -> 'related') k;
SELECT lakehouse.get_opportunity((SELECT jsonb_build_object('id', opportunity_id) FROM opportunity_contacts WHERE is_primary ORDER BY 1 LIMIT 1))
       #>> '{related,contacts,0,contact_role}' LIKE 'primary%';
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(lakehouse.get_case((SELECT jsonb_build_object('id', id) FROM cases ORDER BY id LIMIT 1)) -> 'related') k;
SELECT lakehouse.fetch(jsonb_build_object('id', 'account:' || :'account')) ->> 'title',
       split_part(lakehouse.fetch(jsonb_build_object('id', 'account:' || :'account')) ->> 'text', E'\n', 2);

-- search
SELECT h ->> 'kind', h ->> 'title' FROM jsonb_array_elements(lakehouse.search_crm('{"query": "harbor pharma", "limit": 3}') -> 'records') h;
SELECT h ->> 'title' FROM jsonb_array_elements(lakehouse.search_crm('{"query": "harbor pha", "kinds": ["account"]}') -> 'records') h;
SELECT h ->> 'title' FROM jsonb_array_elements(lakehouse.search_crm('{"query": "harbor -pharma", "kinds": ["account"], "limit": 2}') -> 'records') h;
SELECT lakehouse.search_crm('{"query": "&|!:*()"}') ->> 'total';
SELECT r ->> 'title', r ->> 'id' = 'account:' || :'account', r ->> 'url' = '/records/account/' || :'account'
FROM jsonb_array_elements(lakehouse.search('{"query": "\"Harbor Pharma\" customer"}') -> 'results') r WHERE r ->> 'id' LIKE 'account:%';

-- counts and sums
SELECT lakehouse.count_records('{"kind": "lead", "group_by": "rating"}') - '{as_of,notice}'::text[];
SELECT lakehouse.summarize_pipeline('{"status": "won", "group_by": "forecast_category"}') - '{as_of,notice}'::text[];
SELECT (lakehouse.summarize_pipeline('{"status": "all"}') #>> '{totals,0,amount}')::numeric = (SELECT sum(amount) FROM opportunities);
SELECT jsonb_array_length(lakehouse.summarize_pipeline('{"status": "all", "group_by": "month", "close_from": "2026-01-01", "close_to": "2026-03-31"}') -> 'groups');

-- every operator, on every type it compares; each count is the same by hand
CREATE FUNCTION pg_temp.counted(kind text, filter jsonb) RETURNS bigint LANGUAGE sql
RETURN (lakehouse.count_records(jsonb_build_object('kind', kind, 'filter', filter)) ->> 'total')::bigint;
SELECT f.filter, pg_temp.counted(f.kind, f.filter::jsonb) = f.by_hand AS agrees, f.by_hand > 0 AS says_something
FROM (VALUES
    ('account', '{"field": "country", "op": "eq", "value": "China"}', (SELECT count(*) FROM accounts WHERE country = 'China')),
    ('account', '{"field": "domain", "value": "HARBOR-PHARMA.example"}', (SELECT count(*) FROM accounts WHERE lower(domain) = 'harbor-pharma.example')),
    ('account', '{"field": "country", "op": "ne", "value": "China"}', (SELECT count(*) FROM accounts WHERE country IS DISTINCT FROM 'China')),
    ('account', '{"field": "employees", "op": "lt", "value": 100}', (SELECT count(*) FROM accounts WHERE employees < 100)),
    ('account', '{"field": "employees", "op": "ge", "value": "100"}', (SELECT count(*) FROM accounts WHERE employees >= 100)),
    ('account', '{"field": "revenue", "op": "between", "value": [1000000, 9030000.00]}', (SELECT count(*) FROM accounts WHERE revenue BETWEEN 1000000 AND 9030000)),
    ('account', '{"field": "name", "op": "contains", "value": "ARBOR"}', (SELECT count(*) FROM accounts WHERE name ILIKE '%arbor%')),
    ('account', '{"field": "name", "op": "starts_with", "value": "h"}', (SELECT count(*) FROM accounts WHERE name ILIKE 'h%')),
    ('account', '{"field": "owner_name", "op": "eq", "value": "Leila Farahani"}',
     (SELECT count(*) FROM accounts a JOIN users u ON u.id = a.owner_id WHERE u.full_name = 'Leila Farahani')),
    ('lead', '{"field": "status", "op": "in", "value": ["new", "working"]}', (SELECT count(*) FROM leads WHERE status IN ('new', 'working'))),
    ('lead', '{"field": "rating", "op": "not_in", "value": ["hot"]}', (SELECT count(*) FROM leads WHERE rating IS DISTINCT FROM 'hot')),
    ('lead', '{"field": "converted_at", "op": "is_null"}', (SELECT count(*) FROM leads WHERE converted_at IS NULL)),
    ('lead', '{"field": "converted_at", "op": "is_null", "value": false}', (SELECT count(*) FROM leads WHERE converted_at IS NOT NULL)),
    ('opportunity', '{"field": "is_won", "op": "eq", "value": true}', (SELECT count(*) FROM opportunities WHERE is_won)),
    ('opportunity', '{"field": "close_date", "op": "le", "value": "2026-03-31"}', (SELECT count(*) FROM opportunities WHERE close_date <= '2026-03-31')),
    ('opportunity', '{"field": "created_at", "op": "gt", "value": "2026-03-31T12:00:00Z"}', (SELECT count(*) FROM opportunities WHERE created_at > '2026-03-31 12:00+00')),
    ('opportunity', '{"and": [{"field": "stage", "value": "Proposal"}, {"or": [{"field": "amount", "op": "gt", "value": 50000}, {"not": {"field": "currency", "value": "USD"}}]}]}',
     (SELECT count(*) FROM opportunities WHERE stage = 'Proposal' AND (amount > 50000 OR currency <> 'USD'))),
    ('opportunity', '{"not": {"field": "lost_reason", "op": "eq", "value": "Price"}}', (SELECT count(*) FROM opportunities WHERE lost_reason IS DISTINCT FROM 'Price')),
    ('activity', '{"field": "happens_at", "op": "lt", "value": "2026-06-01"}',
     (SELECT count(*) FROM activities WHERE coalesce(starts_at, completed_at, due_at, created_at) < '2026-06-01')),
    ('product', '{"and": []}', (SELECT count(*) FROM products)),
    ('product', '{"not": {"or": []}}', (SELECT count(*) FROM products))) AS f (kind, filter, by_hand);

-- sorting and paging: each record once, whatever the order, records without a value last
SELECT r ->> 'name' FROM jsonb_array_elements(lakehouse.list_records('{"kind": "account", "sort": ["-revenue", "name"], "limit": 2, "fields": ["name"]}') -> 'records') r;
CREATE FUNCTION pg_temp.paged(arguments jsonb) RETURNS TABLE (n bigint, id text) LANGUAGE plpgsql AS $$
DECLARE
    page jsonb;
BEGIN
    LOOP
        page := lakehouse.list_records(arguments);
        RETURN QUERY SELECT row_number() OVER (), r ->> 'id' FROM jsonb_array_elements(page -> 'records') r;
        EXIT WHEN NOT (page ->> 'has_more')::boolean;
        arguments := arguments || jsonb_build_object('cursor', page -> 'next_cursor');
    END LOOP;
END
$$;
SELECT s.sort, count(*) = (SELECT count(*) FROM leads) AS all_of_them, count(DISTINCT p.id) = count(*) AS each_once,
       array_agg(p.id ORDER BY p.place) = CASE s.sort
           WHEN '["-updated_at"]' THEN (SELECT array_agg(id::text ORDER BY updated_at DESC, id DESC) FROM leads)
           WHEN '["score"]' THEN (SELECT array_agg(id::text ORDER BY score NULLS LAST, id) FROM leads)
           WHEN '["-converted_at", "company"]' THEN (SELECT array_agg(id::text ORDER BY converted_at DESC NULLS LAST, company, id) FROM leads)
           WHEN '["-rating", "-score"]' THEN (SELECT array_agg(id::text ORDER BY rating DESC NULLS LAST, score DESC NULLS LAST, id DESC) FROM leads) END AS in_order
FROM (VALUES ('["-updated_at"]'), ('["score"]'), ('["-converted_at", "company"]'), ('["-rating", "-score"]')) AS s (sort),
     LATERAL (SELECT row_number() OVER () AS place, p.id FROM pg_temp.paged(jsonb_build_object('kind', 'lead', 'limit', 40, 'sort', s.sort::jsonb)) p) p
GROUP BY s.sort ORDER BY 1;

-- a cursor belongs to its list; its total comes along
SELECT lakehouse.list_records('{"kind": "lead", "limit": 5}') ->> 'next_cursor' AS cursor \gset
SELECT lakehouse.list_records(jsonb_build_object('kind', 'lead', 'limit', 5, 'cursor', :'cursor')) - '{as_of,records,next_cursor,notice}'::text[];
SELECT lakehouse.list_records(jsonb_build_object('kind', 'case', 'limit', 5, 'cursor', :'cursor'));
SELECT lakehouse.list_records(jsonb_build_object('kind', 'lead', 'sort', '["score"]'::jsonb, 'cursor', :'cursor'));
SELECT lakehouse.list_records(jsonb_build_object('kind', 'lead', 'cursor', overlay(:'cursor' PLACING 'A' FROM 30 FOR 1)));
SELECT lakehouse.list_records(jsonb_build_object('kind', 'lead', 'cursor', left(:'cursor', 40)));
SELECT lakehouse.list_records('{"kind": "lead", "cursor": "!"}');
SELECT lakehouse.list_records('{"kind": "lead", "cursor": ""}');

-- a timeline: an account's is also that of its deals, cases and people
SELECT lakehouse.list_activities(jsonb_build_object('record_kind', 'account', 'record_id', :'account')) ->> 'total',
       (SELECT count(*) FROM activities a WHERE a.account_id = :'account' OR a.opportunity_id IN (SELECT id FROM opportunities WHERE account_id = :'account')
        OR a.case_id IN (SELECT id FROM cases WHERE account_id = :'account') OR a.contact_id IN (SELECT id FROM contacts WHERE account_id = :'account'));
SELECT lakehouse.list_activities('{"type": "call", "status": "completed", "since": "2026-10-01", "until": "2026-11-01T00:00:00Z"}') ->> 'total',
       (SELECT count(*) FROM activities WHERE type = 'call' AND status = 'completed' AND coalesce(starts_at, completed_at, due_at, created_at) BETWEEN '2026-10-01' AND '2026-10-31 24:00');

-- resources, prompts, completion
SELECT r ->> 'uri', r ->> 'mimeType' FROM jsonb_array_elements(lakehouse.list_resources('{crm:read}')) r;
SELECT c ->> 'uri', (c ->> 'text')::jsonb #>> '{kinds,0,kind}' FROM jsonb_array_elements(lakehouse.read_resource('crm://schema') -> 'contents') c;
SELECT (lakehouse.read_resource('crm://pipelines') #>> '{contents,0,text}')::jsonb #>> '{pipelines,0,name}';
SELECT d ->> 'name' FROM jsonb_array_elements((lakehouse.read_resource('crm://dashboards') #>> '{contents,0,text}')::jsonb -> 'dashboards') d;
SELECT lakehouse.read_resource('crm://nothing');
SELECT p ->> 'name', p -> 'arguments' FROM jsonb_array_elements(lakehouse.list_prompts('{crm:read}')) p;
SELECT left(lakehouse.get_prompt('meeting_preparation', '{"contact": "Ann {{topic}} \"x\""}') #>> '{messages,0,content,text}', 80);
SELECT lakehouse.get_prompt('meeting_preparation', '{}');
SELECT lakehouse.get_prompt('no_such_prompt');
SELECT lakehouse.complete('{"type": "ref/prompt", "name": "account_brief"}', '{"name": "account", "value": "harbor p"}');
SELECT lakehouse.complete('{"type": "ref/prompt", "name": "meeting_preparation"}', '{"name": "topic", "value": "x"}');

-- deleted records are seen by no tool; text that hides itself is shown
RESET ROLE;
UPDATE accounts SET deleted_at = now() WHERE id = :'account';
UPDATE accounts SET description = U&'plain\202Eesrever\200Bhidden\+0E0041' || repeat('x', 600) WHERE name = 'Harbor Energy';
SET ROLE rt_tools_reader;
SELECT lakehouse.get_account(jsonb_build_object('id', :'account')) IS NULL;
SELECT lakehouse.count_records('{"kind": "account", "filter": {"field": "name", "value": "Harbor Pharma"}}') ->> 'total',
       lakehouse.search_crm('{"query": "Harbor Pharma", "kinds": ["account"]}') ->> 'total';
SELECT left(r #>> '{records,0,description}', 20), length(r #>> '{records,0,description}'), r -> 'truncated'
FROM lakehouse.list_records('{"kind": "account", "filter": {"field": "name", "value": "Harbor Energy"}, "fields": ["description"]}') r;

-- a search path without a tenant
SET search_path = pg_catalog;
SELECT lakehouse.whoami('{}');

\a \t off
RESET ROLE;
RESET search_path;
DISCARD TEMP;
SELECT lakehouse.drop_tenant('rt_tools');
