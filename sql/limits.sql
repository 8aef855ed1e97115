-- SPDX-License-Identifier: PostgreSQL
-- Rate limits: all keys or none, an honest wait, numbers that can be a rate, and each tenant's own limits.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
\set VERBOSITY terse
-- Buckets outlive a run: each has keys of its own. One token a minute: none flows in while this runs.
SELECT gen_random_uuid()::text AS run \gset

-- a full bucket holds `burst` tokens, then says when the next flows in
SELECT lakehouse.take_tokens(ARRAY['rt:a' || :'run'], ARRAY[1.0], ARRAY[3.0]) AS taken FROM generate_series(1, 3);
SELECT lakehouse.take_tokens(ARRAY['rt:a' || :'run'], ARRAY[1.0], ARRAY[3.0]) BETWEEN 55 AND 60 AS waits_for_one_token;
SELECT lakehouse.take_tokens(ARRAY['rt:a' || :'run'], ARRAY[1.0], ARRAY[3.0]) BETWEEN 55 AND 60 AS refusal_costs_nothing;

-- a look takes nothing
SELECT lakehouse.tokens_wait(ARRAY['rt:b' || :'run'], ARRAY[1.0], ARRAY[1.0]) AS wait FROM generate_series(1, 3);
SELECT lakehouse.take_tokens(ARRAY['rt:b' || :'run'], ARRAY[1.0], ARRAY[1.0]) AS taken;
SELECT lakehouse.tokens_wait(ARRAY['rt:b' || :'run'], ARRAY[1.0], ARRAY[1.0]) BETWEEN 55 AND 60 AS waits;

-- all keys or none, and the longest wait of all
SELECT lakehouse.take_tokens(ARRAY['rt:c' || :'run'], ARRAY[0.5], ARRAY[1.0]) AS first_is_empty_now;
SELECT lakehouse.take_tokens(ARRAY['rt:c' || :'run', 'rt:d' || :'run'], ARRAY[0.5, 1], ARRAY[1.0, 1]) BETWEEN 115 AND 120 AS refused;
SELECT lakehouse.take_tokens(ARRAY['rt:d' || :'run'], ARRAY[1.0], ARRAY[1.0]) AS second_was_not_touched;

-- what is returned can be taken again, and no more than that
SELECT lakehouse.return_tokens(ARRAY['rt:d' || :'run'], ARRAY[1.0]);
SELECT lakehouse.return_tokens(ARRAY['rt:d' || :'run'], ARRAY[1.0]);
SELECT lakehouse.take_tokens(ARRAY['rt:d' || :'run'], ARRAY[1.0], ARRAY[1.0]) AS taken_again;
SELECT lakehouse.take_tokens(ARRAY['rt:d' || :'run'], ARRAY[1.0], ARRAY[1.0]) > 0 AS refused;

-- a transaction that is rolled back has taken its tokens
BEGIN;
SELECT lakehouse.take_tokens(ARRAY['rt:e' || :'run'], ARRAY[1.0], ARRAY[1.0]) AS taken;
ROLLBACK;
SELECT lakehouse.take_tokens(ARRAY['rt:e' || :'run'], ARRAY[1.0], ARRAY[1.0]) > 0 AS refused;

-- no key, no limit; NULL is no answer
SELECT lakehouse.take_tokens('{}', '{}', '{}') AS taken;
SELECT lakehouse.take_tokens(NULL, '{}', '{}') IS NULL AS unknown;

-- what can't be a limit
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY[0.0], ARRAY[1.0]);
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY[-1.0], ARRAY[1.0]);
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY['NaN'::float8], ARRAY[1.0]);
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY['Infinity'::float8], ARRAY[1.0]);
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY[60.0], ARRAY[0.5]);
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY[60.0], ARRAY['NaN'::float8]);
SELECT lakehouse.take_tokens(ARRAY['k'], ARRAY[0.001], ARRAY[1000000.0]);
SELECT lakehouse.take_tokens(ARRAY['k', 'k'], ARRAY[60.0, 60], ARRAY[1.0, 1]);
SELECT lakehouse.take_tokens(ARRAY['k', 'l'], ARRAY[60.0], ARRAY[1.0, 1]);
SELECT lakehouse.take_tokens(ARRAY['k', NULL], ARRAY[60.0, 60], ARRAY[1.0, 1]);
SELECT lakehouse.take_tokens(ARRAY[['k', 'l']], ARRAY[60.0, 60], ARRAY[1.0, 1]);
SELECT lakehouse.take_tokens(array_agg('k' || i), array_agg(60.0::float8), array_agg(1.0::float8)) FROM generate_series(1, 17) AS i;

-- a tenant's limits: the default, then its own; half may come at once
SELECT lakehouse.create_tenant('rt_limits') AS tenant \gset
SELECT count(*) BETWEEN 300 AND 320 AS about_half_a_minutes FROM generate_series(1, 400) WHERE lakehouse.take_request_tokens(:'tenant', 'crm_a') = 0;
SELECT lakehouse.set_tenant_limits('rt_limits', client_per_minute => 4, tenant_per_minute => 6, recipient_per_minute => 2);
SELECT client_per_minute, tenant_per_minute FROM lakehouse.tenant_limits WHERE tenant_id = :'tenant';
SELECT lakehouse.take_request_tokens(:'tenant', 'crm_a') > 1 AS refused_by_the_new_limit;
SELECT lakehouse.take_recipient_token(:'tenant', :'tenant') = 0 AS one_at_once, lakehouse.take_recipient_token(:'tenant', :'tenant') BETWEEN 29 AND 30 AS then_half_a_minute;
SELECT lakehouse.set_tenant_limits('rt_limits', 0);
SELECT lakehouse.set_tenant_limits('rt_nowhere');
SELECT lakehouse.drop_tenant('rt_limits');
SELECT count(*) FROM lakehouse.tenant_limits WHERE tenant_id = :'tenant';

-- the worker's alone
SET ROLE pg_monitor;
SELECT lakehouse.take_tokens('{}', '{}', '{}');
RESET ROLE;
SELECT r.function, has_function_privilege('public', r.function, 'EXECUTE') AS public, has_function_privilege('lakehouse_worker', r.function, 'EXECUTE') AS worker
FROM (VALUES ('lakehouse.take_tokens(text[], float8[], float8[])'), ('lakehouse.tokens_wait(text[], float8[], float8[])'),
             ('lakehouse.return_tokens(text[], float8[])'), ('lakehouse.take_request_tokens(uuid, text)'),
             ('lakehouse.take_recipient_token(uuid, uuid)'), ('lakehouse.set_tenant_limits(text, integer, integer, integer)')) AS r (function);
