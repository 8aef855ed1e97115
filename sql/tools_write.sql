-- SPDX-License-Identifier: PostgreSQL
-- Every tool that writes: before and after, versions, one answer per idempotency key, the CRM's own rules, and who may not.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT lakehouse.create_tenant('rt_tools') IS NOT NULL AS created;
SELECT lakehouse.create_user('rt_tools', r || '@tools.example', initcap(r), r) IS NOT NULL AS created FROM unnest('{member,readonly,agent}'::text[]) r;
SELECT lakehouse.create_user('rt_tools', 'second@tools.example', 'Second') IS NOT NULL AS created;
SET search_path = rt_tools, pg_temp;
SET ROLE rt_tools_member_2;
\a \t on

-- a new account: nothing before, its owner is who made it
SELECT lakehouse.create_account('{"name": "Northwind", "domain": "northwind.example", "custom": {"tier": "gold", "seats": 12}, "external_ids": {"erp": "C-1"}}') AS made \gset
SELECT made ->> 'kind', made -> 'version', made -> 'before', made #>> '{after,owner_name}', made #>> '{after,actor_kind}', made ->> 'title'
FROM (SELECT :'made'::jsonb AS made) m;
SELECT :'made'::jsonb ->> 'id' AS account \gset

-- its fields, its own and those of other systems, find it
SELECT lakehouse.get_record('{"kind": "account", "external_id": "erp:C-1"}') ->> 'title';
SELECT f.filter, lakehouse.count_records(jsonb_build_object('kind', 'account', 'filter', f.filter::jsonb)) -> 'total'
FROM (VALUES ('{"field": "custom.tier", "value": "gold"}'), ('{"field": "custom.seats", "op": "ge", "value": 12}'), ('{"field": "custom.seats", "op": "gt", "value": 12}'),
             ('{"field": "custom.tier", "op": "in", "value": ["gold", "silver"]}'), ('{"field": "custom.nothing", "op": "is_null"}'),
             ('{"field": "external_ids.erp", "op": "starts_with", "value": "c-"}')) AS f (filter);
SELECT (lakehouse.list_records('{"kind": "account", "fields": ["custom.tier", "custom.seats"], "sort": ["-custom.tier"]}') #> '{records,0}') - '{id,url}'::text[];
SELECT lakehouse.describe_object('{"kind": "account"}') -> 'custom';
\set VERBOSITY terse
SELECT lakehouse.create_account('{"name": "Twin", "domain": "NORTHWIND.example"}');
SELECT lakehouse.get_record('{"kind": "account", "external_id": "erp:C-2"}');
\set VERBOSITY default

-- an update with the version that was read; custom fields are merged, null removes
SELECT u -> 'version', u #> '{before,custom}', u #> '{after,custom}', u #>> '{before,industry}', u #>> '{after,industry}'
FROM lakehouse.update_record(jsonb_build_object('kind', 'account', 'id', :'account', 'expected_version', 1,
     'values', '{"industry": "Trade", "custom": {"tier": "silver", "seats": null, "region": "N"}}'::jsonb)) u;
\set VERBOSITY sqlstate
SELECT lakehouse.update_record(jsonb_build_object('kind', 'account', 'id', :'account', 'expected_version', 1, 'values', '{"industry": "Mining"}'::jsonb));
\set VERBOSITY default
SELECT u -> 'version', u #> '{after,industry}' IS NULL FROM lakehouse.update_record(jsonb_build_object('kind', 'account', 'id', :'account', 'values', '{"industry": null}'::jsonb)) u;

-- the same key and arguments: the same answer and one record; other arguments, or another tool: refused; another user: not the same key
SELECT lakehouse.create_contact(jsonb_build_object('last_name', 'Fox', 'email', 'fox@northwind.example', 'account_id', :'account', 'idempotency_key', 'k-1')) AS made \gset
SELECT lakehouse.create_contact(jsonb_build_object('idempotency_key', 'k-1', 'last_name', 'Fox', 'email', 'fox@northwind.example', 'account_id', :'account')) = :'made' AS same,
       (SELECT count(*) FROM contacts) AS contacts;
SELECT lakehouse.create_contact('{"last_name": "Wolf", "idempotency_key": "k-1"}');
SELECT lakehouse.create_lead('{"last_name": "Wolf", "company": "Wolf", "idempotency_key": "k-1"}');
SELECT key, tool FROM tool_answers;
SET ROLE rt_tools_second;
SELECT lakehouse.create_contact('{"last_name": "Fox", "email": "FOX@northwind.example", "idempotency_key": "k-1"}') -> 'possible_duplicates' @> jsonb_build_array(jsonb_build_object('id', :'made'::jsonb -> 'id'));
SELECT count(*) AS own_answers FROM tool_answers;
INSERT INTO tool_answers (role_name, key, tool, arguments_hash, answer) VALUES ('rt_tools_member_2', 'k-2', 'create_lead', '', '{}');
SET ROLE rt_tools_member_2;
-- what failed is not kept
\set VERBOSITY terse
SELECT lakehouse.create_lead('{"last_name": "Wolf", "company": "Wolf", "rating": "hot", "email": "nowhere", "idempotency_key": "k-3"}');
\set VERBOSITY default
SELECT lakehouse.create_lead('{"last_name": "Wolf", "company": "Wolf", "rating": "hot", "idempotency_key": "k-3"}') #>> '{after,rating}';

-- a lead becomes account, contact and opportunity, once
SELECT id AS lead FROM leads WHERE company = 'Wolf' \gset
SELECT lakehouse.convert_lead(jsonb_build_object('id', :'lead', 'close_date', '2027-03-31', 'amount', 1200, 'stage', 'Discovery')) AS turned \gset
SELECT t #>> '{before,status}', t #>> '{after,status}', t #> '{after,converted_account_id}' = t -> 'account_id',
       (SELECT concat_ws(' ', o.name, o.stage, o.amount, o.close_date, a.name, c.last_name, oc.is_primary) FROM opportunities o JOIN accounts a ON a.id = o.account_id
        JOIN opportunity_contacts oc ON oc.opportunity_id = o.id JOIN contacts c ON c.id = oc.contact_id WHERE o.id = (t ->> 'opportunity_id')::uuid)
FROM (SELECT :'turned'::jsonb) AS t (t);
\set VERBOSITY sqlstate
SELECT lakehouse.convert_lead(jsonb_build_object('id', :'lead', 'close_date', '2027-03-31'));
\set VERBOSITY default
SELECT lakehouse.create_lead('{"last_name": "Bear", "company": "Northwind"}') ->> 'id' AS lead \gset
SELECT t ->> 'account_id' = :'account', (SELECT count(*) FROM accounts WHERE name = 'Northwind')
FROM lakehouse.convert_lead(jsonb_build_object('id', :'lead', 'account_id', :'account', 'close_date', '2027-03-31')) t;

-- the stage moves a deal and takes the rest along
SELECT lakehouse.create_opportunity(jsonb_build_object('account_id', :'account', 'name', 'Big deal', 'close_date', '2027-06-30', 'amount', 5000.5,
       'primary_contact_id', (SELECT id FROM contacts WHERE last_name = 'Fox' AND account_id IS NOT NULL))) AS made \gset
SELECT :'made'::jsonb ->> 'id' AS deal \gset
SELECT m #>> '{after,stage}', m #>> '{after,probability}', m #>> '{after,amount}' FROM (SELECT :'made'::jsonb) AS t (m);
SELECT u #>> '{before,stage}', u #>> '{after,stage}', u #>> '{after,probability}', u #>> '{after,forecast_category}'
FROM lakehouse.update_opportunity_stage(jsonb_build_object('id', :'deal', 'stage', 'proposal', 'next_step', 'Visit', 'expected_version', 1)) u;
SELECT u #>> '{after,stage}', u #> '{after,is_won}', u #>> '{after,lost_reason}'
FROM lakehouse.update_opportunity_stage(jsonb_build_object('id', :'deal', 'stage', 'Closed Lost', 'lost_reason', 'Price')) u;
SELECT lakehouse.update_opportunity_stage(jsonb_build_object('id', :'deal', 'stage', 'Signed'));
SELECT lakehouse.update_record(jsonb_build_object('kind', 'opportunity', 'id', :'deal', 'values', '{"probability": 99}'::jsonb));
SELECT from_stage, to_stage FROM opportunity_stage_history WHERE opportunity_id = :'deal' ORDER BY changed_at;

-- work
SELECT lakehouse.create_activity(jsonb_build_object('type', 'task', 'subject', 'Call back', 'body', 'Ask for Fox', 'opportunity_id', :'deal', 'due_at', '2027-01-01T09:00:00Z')) ->> 'id' AS task \gset
SELECT u #>> '{after,status}', u #>> '{after,completed_at}', u #>> '{after,body}'
FROM lakehouse.complete_activity(jsonb_build_object('id', :'task', 'outcome', 'Agreed', 'completed_at', '2026-12-31T10:00:00Z')) u;
\set VERBOSITY sqlstate
SELECT lakehouse.create_activity('{"type": "event", "subject": "Visit"}');
\set VERBOSITY default
SELECT u #>> '{after,status}', u #>> '{after,priority}', u #>> '{after,account_name}'
FROM lakehouse.create_case(jsonb_build_object('subject', 'Pump leaks', 'priority', 'urgent', 'account_id', :'account')) u;
SELECT u #>> '{after,sku}' FROM lakehouse.create_record('{"kind": "product", "values": {"sku": "P-1", "name": "Pump", "description": null}}') u;
SELECT u #>> '{after,total}' FROM lakehouse.create_record(jsonb_build_object('kind', 'line_item', 'values', jsonb_build_object(
    'opportunity_id', :'deal', 'product_id', (SELECT id FROM products), 'quantity', 2, 'unit_price', 10.5))) u;

-- a currency is whole, and no longer one is cut
SELECT u #>> '{after,currency}' FROM lakehouse.create_account('{"name": "Euro", "currency": "EUR"}') u;
SELECT u #>> '{after,currency}' FROM lakehouse.update_record(jsonb_build_object('kind', 'opportunity', 'id', :'deal', 'values', '{"currency": "CHF"}'::jsonb)) u;
SELECT lakehouse.create_account('{"name": "Euros", "currency": "EUROS"}');

-- what can't be written, and what is said about it
SELECT lakehouse.create_record('{"kind": "user", "values": {"email": "x@x.example"}}');
SELECT lakehouse.create_record('{"kind": "lead", "values": {"lastname": "X"}}');
SELECT lakehouse.create_record('{"kind": "lead", "values": {"last_name": "X", "company": "X", "rating": "boiling"}}');
SELECT lakehouse.create_record('{"kind": "lead", "values": {"last_name": "X", "company": "X", "score": "many"}}');
SELECT lakehouse.create_record('{"kind": "lead", "values": {"last_name": null}}');
SELECT lakehouse.create_record('{"kind": "lead", "values": {"last_name": "X", "company": "X", "organization_id": "00000000-0000-0000-0000-000000000000"}}');
SELECT lakehouse.create_case('{"subject": "X", "account_id": "00000000-0000-0000-0000-000000000000"}');
SELECT lakehouse.update_record('{"kind": "case", "id": "00000000-0000-0000-0000-000000000000", "values": {"queue": "x"}}');
SELECT lakehouse.update_record(jsonb_build_object('kind', 'lead', 'id', :'lead', 'values', '{"converted_at": null}'::jsonb));
SELECT lakehouse.complete_activity('{"id": "no uuid"}');

-- a reader's role decides: every tool that writes is refused, and nothing is written
CREATE TEMP TABLE attempt (tool text, arguments jsonb);
GRANT SELECT ON attempt TO PUBLIC;
INSERT INTO attempt VALUES
    ('create_record', '{"kind": "lead", "values": {"last_name": "X", "company": "X"}}'), ('create_lead', '{"last_name": "X", "company": "X"}'),
    ('convert_lead', jsonb_build_object('id', :'lead', 'close_date', '2027-01-01')), ('create_account', '{"name": "X"}'), ('create_contact', '{"last_name": "X"}'),
    ('create_opportunity', jsonb_build_object('account_id', :'account', 'name', 'X', 'close_date', '2027-01-01', 'idempotency_key', 'r-1')),
    ('update_opportunity_stage', jsonb_build_object('id', :'deal', 'stage', 'Discovery')),
    ('update_record', jsonb_build_object('kind', 'account', 'id', :'account', 'values', '{"name": "X"}'::jsonb)),
    ('create_activity', '{"type": "note", "subject": "X"}'), ('complete_activity', jsonb_build_object('id', :'task')), ('create_case', '{"subject": "X"}');
CREATE FUNCTION pg_temp.try_all() RETURNS TABLE (tool text, state text) LANGUAGE plpgsql AS $$
DECLARE
    a attempt;
BEGIN
    FOR a IN SELECT * FROM attempt LOOP
        BEGIN
            EXECUTE format('SELECT lakehouse.%I($1)', a.tool) USING a.arguments;
            RETURN QUERY SELECT a.tool, 'written';
        EXCEPTION WHEN OTHERS THEN
            RETURN QUERY SELECT a.tool, sqlstate;
        END;
    END LOOP;
END
$$;
SET ROLE rt_tools_readonly_2;
SELECT * FROM pg_temp.try_all();

\a \t off
RESET ROLE;
RESET search_path;
DISCARD TEMP;
SELECT lakehouse.drop_tenant('rt_tools');
