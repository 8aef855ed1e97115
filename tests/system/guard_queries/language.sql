-- SPDX-License-Identifier: PostgreSQL
-- Honest queries that go through the language: one a paragraph, named by the line above it, at most 200 rows each.

-- values_as_a_table
SELECT v.band, v.low, count(a.id)
FROM (VALUES ('S', 0, 99), ('M', 100, 999), ('L', 1000, 1000000)) AS v (band, low, high)
LEFT JOIN accounts a ON a.employees BETWEEN v.low AND v.high GROUP BY 1, 2 ORDER BY 2

-- calendar_without_gaps
SELECT d::date AS day, count(c.id) FROM generate_series(date '2026-10-01', date '2026-10-31', interval '1 day') d
LEFT JOIN cases c ON c.opened_at::date = d::date GROUP BY d ORDER BY d

-- numbers_as_months
SELECT n, make_date(2026, n, 1) AS first,
       (make_date(2026, n, 1) + interval '1 month' - interval '1 day')::date AS last,
       count(o.id) FILTER (WHERE o.is_won) AS won
FROM generate_series(1, 12) AS n LEFT JOIN opportunities o ON extract(month FROM o.close_date) = n GROUP BY n
ORDER BY n

-- date_parts
SELECT DISTINCT extract(week FROM close_date) AS week, extract(doy FROM close_date) AS day,
       date_part('dow', close_date),
       close_date + 7 AS later, close_date - interval '1 month' AS earlier, to_char(close_date, 'FMMonth DD, YYYY')
FROM opportunities WHERE close_date BETWEEN '2026-06-01' AND '2026-06-30' ORDER BY day

-- date_arithmetic_with_today
SELECT count(*) FILTER (WHERE close_date < current_date) >= 0,
       count(*) FILTER (WHERE created_at < now() - interval '90 days') >= 0,
       count(*) FILTER (WHERE age(now(), created_at) > interval '1 year') >= 0,
       max(current_timestamp - created_at) > interval '0',
       min(localtimestamp::date - close_date) < 100000
FROM opportunities

-- date_bins_and_ranges
SELECT date_bin('15 days', opened_at, timestamptz '2026-01-01') AS bin, count(*) FROM cases
WHERE tstzrange(opened_at, closed_at) && tstzrange('2026-03-01', '2026-09-01') GROUP BY 1 ORDER BY 1

-- overlapping_events
SELECT count(*) FROM activities v JOIN activities w ON v.owner_id = w.owner_id AND v.id < w.id
WHERE v.type = 'event' AND w.type = 'event' AND (v.starts_at, v.ends_at) OVERLAPS (w.starts_at, w.ends_at)

-- parsed_dates
SELECT to_date('2026-' || lpad(n::text, 2, '0'), 'YYYY-MM') AS month,
       to_timestamp('01.02.2026 10:30', 'DD.MM.YYYY HH24:MI'),
       isfinite(date '2026-01-01'), make_timestamp(2026, n, 1, 12, 30, 0), date '2026-01-01' + n AS day
FROM generate_series(1, 6) n ORDER BY n

-- text_functions
SELECT name, upper(name), lower(name), initcap(lower(name)), length(name), char_length(name), left(name, 3),
       right(name, 3),
       reverse(name), rpad(name, 30, '.'), trim(both ' ' FROM name), ltrim(name, 'A'), strpos(name, ' '),
       overlay(name PLACING '***' FROM 2 FOR 3),
       translate(name, 'aeiou', '12345'), ascii(name), md5(name), repeat('=', 5), substring(name FROM 2 FOR 4),
       btrim(name), octet_length(name)
FROM accounts ORDER BY name, id LIMIT 20

-- regular_expressions
SELECT name, regexp_match(name, '(\w+)\s(\w+)'), regexp_count(name, 'a', 1, 'i'), regexp_instr(name, '\s'),
       regexp_like(name, '^H'),
       regexp_substr(name, '\w+$'), regexp_split_to_array(name, '\s+'), name ~ 'Energy$', name !~* 'pharma'
FROM accounts ORDER BY name, id LIMIT 20

-- patterns
SELECT count(*) FILTER (WHERE name LIKE 'S%'), count(*) FILTER (WHERE name NOT LIKE '%a%'),
       count(*) FILTER (WHERE name ILIKE '%ENERGY'),
       count(*) FILTER (WHERE name LIKE '%\_%' ESCAPE '\'), count(*) FILTER (WHERE starts_with(name, 'Be')),
       count(*) FILTER (WHERE name LIKE ANY (ARRAY['A%', 'B%'])), count(*) FILTER (WHERE name NOT SIMILAR TO '(A|B)%')
FROM accounts

-- numbers_formatted
SELECT to_char(amount, 'FM999,999,990.00') AS shown, to_char(probability, '990%'), to_number('1,234.5', '9,999.9'),
       round(amount, -3),
       trunc(amount / 7, 2), ceil(amount / 7), floor(amount / 7), mod(amount, 7), amount % 10, abs(-amount),
       sign(amount), sqrt(amount)::numeric(12, 4)
FROM opportunities WHERE amount IS NOT NULL ORDER BY amount DESC, id LIMIT 15

-- powers_and_logarithms
SELECT n, power(1.05, n)::numeric(12, 6) AS growth, (2::float8 ^ n)::numeric AS doubled, round(ln(n + 1.0), 6),
       round(log(2.0, n + 1), 6),
       round(exp(n / 10.0), 6), round(sin(n)::numeric, 6), round(degrees(atan2(n, 2))::numeric, 4), gcd(n, 12),
       lcm(n, 4), pi() > 3
FROM generate_series(1, 10) AS n ORDER BY n

-- nulls
SELECT coalesce(next_step, '-') AS step, nullif(stage, 'Proposal'), num_nulls(won_at, lost_reason),
       lost_reason IS NOT DISTINCT FROM 'Price',
       is_won IS NOT TRUE, (amount > 100000) IS UNKNOWN
FROM opportunities ORDER BY name, id LIMIT 25

-- cases_and_ranges
SELECT CASE stage WHEN 'Closed Won' THEN 'won' WHEN 'Closed Lost' THEN 'lost' ELSE 'open' END AS state,
       count(*), count(*) FILTER (WHERE amount BETWEEN SYMMETRIC 200000 AND 50000) AS middle
FROM opportunities GROUP BY 1 ORDER BY 1

-- arrays
SELECT industry, (array_agg(name ORDER BY revenue DESC NULLS LAST, name))[1:3] AS biggest,
       cardinality(array_agg(id)) AS n,
       array_length(array_agg(DISTINCT country), 1) AS countries,
       array_position(array_agg(name ORDER BY name, id), 'none'),
       'Egypt' = ANY (array_agg(country)) AS egypt, array_agg(DISTINCT type) && ARRAY['customer'] AS customers,
       array_agg(DISTINCT type) @> ARRAY['partner', 'customer'] AS both
FROM accounts GROUP BY industry ORDER BY industry

-- arrays_taken_apart
SELECT place, word, array_append(ARRAY[1, 2], 3) || 4 AS numbers,
       array_remove(string_to_array('a,b,a', ','), 'a') AS rest
FROM unnest(ARRAY['north', 'south', 'east']) WITH ORDINALITY AS t (word, place) ORDER BY place

-- array_of_subquery
SELECT p.family, ARRAY(SELECT q.sku FROM products q WHERE q.family = p.family ORDER BY q.sku) AS skus
FROM products p GROUP BY p.family ORDER BY p.family

-- json_built
SELECT json_build_object('industry', industry, 'accounts', count(*), 'top',
           json_agg(name ORDER BY name, id) FILTER (WHERE employees > 5000)),
       jsonb_object_agg(coalesce(type, '-'), 1), to_jsonb(sum(revenue)), jsonb_build_array(min(name), max(employees))
FROM accounts GROUP BY industry ORDER BY industry

-- json_rows
SELECT row_to_json(t) AS row, to_jsonb(t) ->> 'stage' AS stage FROM
       (SELECT stage, count(*) AS deals, sum(amount) AS amount FROM opportunities GROUP BY stage) t ORDER BY t.stage

-- json_of_a_whole_answer
SELECT json_agg(t ORDER BY t.month) FROM
       (SELECT to_char(close_date, 'YYYY-MM') AS month, sum(amount) AS won FROM opportunities WHERE is_won
           GROUP BY 1) t

-- json_taken_apart
SELECT k, j -> k AS value, jsonb_typeof(j -> k) AS type, j #>> ARRAY['b', 'c'] AS deep, j || '{"z": 1}' AS more,
       j - 'a' AS less
FROM (SELECT '{"a": 1, "b": {"c": [1, 2]}, "d": null}'::jsonb AS j) s, jsonb_object_keys(j) k ORDER BY k

-- full_text_search
SELECT name, round(ts_rank_cd(search, plainto_tsquery('simple', 'energy'))::numeric, 3) AS rank FROM accounts
WHERE search @@ plainto_tsquery('simple', 'energy') ORDER BY rank DESC, name, id LIMIT 20

-- subject_search
SELECT v.subject, count(*) FROM activities v
WHERE to_tsvector('english', v.subject) @@ to_tsquery('english', 'call | meeting | quote')
GROUP BY v.subject ORDER BY 2 DESC, 1 LIMIT 20

-- correlated_subquery
SELECT a.name, (SELECT count(*) FROM opportunities o WHERE o.account_id = a.id) AS deals,
       (SELECT max(amount) FROM opportunities o WHERE o.account_id = a.id AND o.is_won) AS biggest_won
FROM accounts a WHERE a.employees > 5000 ORDER BY deals DESC, a.name, a.id LIMIT 30

-- quantified_comparisons
SELECT name, amount FROM opportunities
WHERE amount >= ALL (SELECT amount FROM opportunities WHERE stage = 'Contract' AND amount IS NOT NULL)
  AND (stage, type) IN (SELECT stage, type FROM opportunities WHERE is_closed) ORDER BY amount DESC, name, id LIMIT 20

-- row_comparison
SELECT name, amount, close_date FROM opportunities WHERE (amount, close_date) > (150000, date '2026-10-01')
       AND NOT is_closed
ORDER BY amount, close_date, name, id LIMIT 20

-- chained_ctes
WITH won AS (SELECT account_id, sum(amount) AS won FROM opportunities WHERE is_won GROUP BY account_id),
     ranked AS MATERIALIZED (SELECT account_id, won, ntile(3) OVER (ORDER BY won, account_id) AS third FROM won),
     named AS NOT MATERIALIZED (SELECT r.*, a.industry FROM ranked r JOIN accounts a ON a.id = r.account_id)
SELECT third, industry, count(*), sum(won) FROM named GROUP BY third, industry ORDER BY third, industry

-- natural_and_using
SELECT count(*) FROM (SELECT id AS account_id, industry FROM accounts) a
NATURAL JOIN (SELECT account_id, amount FROM opportunities) o
JOIN (SELECT account_id, priority FROM cases) c USING (account_id)

-- full_join_of_aggregates
SELECT coalesce(o.owner_id, c.owner_id) AS owner, o.deals, c.cases
FROM (SELECT owner_id, count(*) AS deals FROM opportunities GROUP BY 1) o
FULL JOIN (SELECT owner_id, count(*) AS cases FROM cases GROUP BY 1) c ON c.owner_id = o.owner_id ORDER BY 1

-- cross_join_with_totals
SELECT stage, count(*), round(count(*) * 100.0 / t.total, 2) AS pct FROM opportunities
CROSS JOIN (SELECT count(*) AS total FROM opportunities) t GROUP BY stage, t.total ORDER BY stage

-- set_operations
(SELECT industry FROM accounts WHERE employees > 1000 EXCEPT ALL SELECT industry FROM accounts
    WHERE country = 'Egypt')
UNION (SELECT 'Other' INTERSECT ALL SELECT 'Other') ORDER BY 1

-- offset_paging
SELECT name, amount FROM opportunities ORDER BY amount DESC NULLS LAST, name COLLATE "C", id OFFSET 40 LIMIT 20

-- limit_with_ties
SELECT stage, amount FROM opportunities WHERE amount IS NOT NULL ORDER BY amount DESC, stage
FETCH FIRST 10 ROWS WITH TIES

-- window_frames
SELECT month, won, sum(won) OVER (ORDER BY month ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS around,
       avg(won) OVER (ORDER BY month GROUPS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)::int AS before,
       max(won) OVER (ORDER BY month RANGE BETWEEN 62 PRECEDING AND CURRENT ROW) AS recent, count(*) OVER () AS months
FROM (SELECT extract(doy FROM date_trunc('month', close_date))::int AS month, sum(amount) AS won
      FROM opportunities WHERE is_won GROUP BY 1) m
ORDER BY month

-- bits_and_booleans
SELECT bit_or(probability::int) AS any_bits, bit_and(probability::int) AS all_bits, bit_xor(probability::int),
       sum(is_won::int) AS won,
       count(*) FILTER (WHERE is_closed AND NOT is_won OR lost_reason IS NOT NULL) AS lost, max(probability & 6),
       min(probability << 1)
FROM opportunities

-- bytes_and_hashes
SELECT encode(sha256(convert_me::bytea), 'hex') AS hash, encode('lake'::bytea, 'base64') AS base64,
       length(decode('6c616b65', 'hex')) AS n
FROM (SELECT 'accounts' AS convert_me) s

-- uuids_compared
SELECT count(*) FROM accounts WHERE id > '80000000-0000-0000-0000-000000000000' AND id::text LIKE '%-%'
       AND id <> owner_id

-- json_as_a_table
SELECT r.sku, r.pieces, p.name, r.pieces * 2 AS doubled
FROM json_to_recordset('[{"sku": "?", "pieces": 3}, {"pieces": 4}]') AS r (sku text, pieces integer)
LEFT JOIN products p ON p.sku = r.sku ORDER BY r.pieces

-- star_of_a_crm_table
SELECT * FROM products ORDER BY sku

-- star_of_a_subquery
SELECT * FROM (SELECT id, name, amount FROM opportunities WHERE is_won) won ORDER BY amount DESC, name, id LIMIT 10

-- comments_and_quoting
SELECT /* the name */ "name" AS "Account name", -- a remark
       U&"\0069ndustry", E'it\'s', $$quoted$$ FROM "accounts" AS "a b" WHERE "a b"."type" = $q$customer$q$
ORDER BY "name", id LIMIT 5;

-- full_join_using
SELECT account_id IS NULL AS unknown, count(*), sum(amount), count(priority) FROM opportunities o
FULL JOIN cases c USING (account_id, owner_id) GROUP BY 1 ORDER BY 1
