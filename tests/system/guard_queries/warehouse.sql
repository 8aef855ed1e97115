-- SPDX-License-Identifier: PostgreSQL
-- Honest questions to warehouse tables alone: one a paragraph, named by the line above it, at most 200 rows each.

-- orders_by_year_and_status
SELECT extract(year FROM o_orderdate) AS year, o_orderstatus, count(*), sum(o_totalprice) FROM orders
WHERE o_orderdate >= '1996-01-01' GROUP BY 1, 2 ORDER BY 1, 2

-- revenue_by_month_with_year_over_year
WITH monthly AS (
    SELECT date_trunc('month', o_orderdate)::date AS month, sum(o_totalprice) AS revenue FROM orders
    WHERE o_orderdate >= date '1995-01-01' AND o_orderdate < date '1998-01-01' GROUP BY 1
)
SELECT month, revenue, round(revenue / lag(revenue, 12) OVER (ORDER BY month) - 1, 4) AS yoy FROM monthly
ORDER BY month

-- revenue_by_quarter_as_columns
SELECT extract(year FROM o_orderdate)::int AS year,
       sum(CASE WHEN extract(quarter FROM o_orderdate) = 1 THEN o_totalprice ELSE 0 END) AS q1,
       sum(o_totalprice) FILTER (WHERE extract(quarter FROM o_orderdate) = 2) AS q2,
       sum(o_totalprice) FILTER (WHERE date_part('quarter', o_orderdate) = 3) AS q3,
       sum(o_totalprice) FILTER (WHERE to_char(o_orderdate, 'Q') = '4') AS q4
FROM orders WHERE o_orderdate >= '1996-01-01' GROUP BY 1 ORDER BY 1

-- top_customers_by_segment
SELECT c_mktsegment, c_name, revenue, place FROM (
    SELECT c.c_mktsegment, c.c_name, sum(o.o_totalprice) AS revenue,
           rank() OVER (PARTITION BY c.c_mktsegment ORDER BY sum(o.o_totalprice) DESC) AS place
    FROM customer c JOIN orders o ON o.o_custkey = c.c_custkey WHERE o.o_orderdate >= '1998-01-01'
    GROUP BY c.c_mktsegment, c.c_custkey, c.c_name) ranked
WHERE place <= 5 ORDER BY c_mktsegment, place, c_name

-- share_of_each_nation
SELECT n.n_name, sum(c.c_acctbal) AS balance,
       round(100 * sum(c.c_acctbal) / sum(sum(c.c_acctbal)) OVER (), 2) AS share,
       round(100 * sum(c.c_acctbal) / sum(sum(c.c_acctbal)) OVER (PARTITION BY r.r_name), 2) AS share_of_region
FROM customer c JOIN nation n ON n.n_nationkey = c.c_nationkey JOIN region r ON r.r_regionkey = n.n_regionkey
GROUP BY n.n_name, r.r_name ORDER BY n.n_name

-- balances_in_deciles
SELECT decile, count(*), min(c_acctbal), max(c_acctbal), round(avg(c_acctbal), 2) FROM (
    SELECT c_acctbal, ntile(10) OVER (ORDER BY c_acctbal, c_custkey) AS decile FROM customer
    WHERE c_custkey <= 3000) d
GROUP BY decile ORDER BY decile

-- balance_statistics
SELECT c_mktsegment, count(*), round(avg(c_acctbal), 2) AS mean, round(stddev(c_acctbal), 2) AS deviation,
       round(stddev_pop(c_acctbal), 2), round(variance(c_acctbal), 2), round(var_pop(c_acctbal), 2),
       round(var_samp(c_acctbal), 2),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY c_acctbal) AS p95
FROM customer GROUP BY c_mktsegment ORDER BY c_mktsegment

-- outliers_by_z_score
WITH measured AS (SELECT avg(o_totalprice) AS mean, stddev(o_totalprice) AS deviation FROM orders
    WHERE o_orderdate >= '1998-06-01')
SELECT o_orderkey, o_totalprice, round((o_totalprice - mean) / deviation, 2) AS z FROM orders, measured
WHERE o_orderdate >= '1998-06-01' AND abs(o_totalprice - mean) > 2.5 * deviation ORDER BY z DESC, o_orderkey LIMIT 50

-- late_lines_by_ship_mode
SELECT l_shipmode, count(*) AS lines, sum((l_receiptdate > l_commitdate)::int) AS late,
       round(avg(l_receiptdate - l_shipdate), 2) AS transit_days, max(l_receiptdate - l_commitdate) AS worst
FROM lineitem WHERE l_shipdate >= '1998-09-01' GROUP BY l_shipmode ORDER BY l_shipmode

-- discounts_and_quantities
SELECT l_discount, count(*), sum(l_extendedprice * l_discount)::numeric(18, 2) AS given,
       round(corr(l_quantity::float8, l_extendedprice::float8)::numeric, 6) AS correlation,
       round(covar_pop(l_quantity, l_discount)::numeric, 6), round(covar_samp(l_quantity, l_discount)::numeric, 6)
FROM lineitem WHERE l_shipdate >= '1998-10-01' GROUP BY l_discount ORDER BY l_discount

-- first_order_of_each_customer
SELECT DISTINCT ON (o_custkey) o_custkey, o_orderdate, o_totalprice FROM orders WHERE o_custkey < 300
ORDER BY o_custkey, o_orderdate, o_orderkey

-- days_between_orders
SELECT o_custkey, count(*), round(avg(gap), 1) AS mean_gap, max(gap) AS longest_gap FROM (
    SELECT o_custkey,
           o_orderdate - lag(o_orderdate) OVER (PARTITION BY o_custkey ORDER BY o_orderdate, o_orderkey) AS gap
    FROM orders WHERE o_custkey <= 200) g
WHERE gap IS NOT NULL GROUP BY o_custkey ORDER BY o_custkey

-- recency_frequency_value
SELECT o_custkey, date '1998-08-03' - max(o_orderdate) AS recency, count(*) AS frequency, sum(o_totalprice) AS value,
       ntile(5) OVER (ORDER BY max(o_orderdate) DESC, o_custkey) AS r,
       ntile(5) OVER (ORDER BY count(*), o_custkey) AS f,
       ntile(5) OVER (ORDER BY sum(o_totalprice), o_custkey) AS m
FROM orders WHERE o_custkey <= 250 GROUP BY o_custkey ORDER BY o_custkey

-- customers_gained_and_kept_by_year
WITH years AS (SELECT DISTINCT o_custkey, extract(year FROM o_orderdate)::int AS year FROM orders
    WHERE o_custkey <= 2000)
SELECT y.year, count(*) AS active, count(p.o_custkey) AS kept, count(*) - count(p.o_custkey) AS gained
FROM years y LEFT JOIN years p ON p.o_custkey = y.o_custkey AND p.year = y.year - 1 GROUP BY y.year ORDER BY y.year

-- customers_without_orders
SELECT c_custkey, c_name FROM customer c
WHERE c_custkey < 300 AND NOT EXISTS (SELECT FROM orders o WHERE o.o_custkey = c.c_custkey)
ORDER BY c_custkey LIMIT 100

-- customers_above_their_nations_average
SELECT c.c_custkey, c.c_acctbal FROM customer c
WHERE c.c_custkey <= 40 AND c.c_acctbal > 1.2 * (SELECT avg(d.c_acctbal) FROM customer d
                                               WHERE d.c_nationkey = c.c_nationkey AND d.c_custkey <= 500)
ORDER BY c.c_custkey LIMIT 40

-- segments_above_the_mean
SELECT c_mktsegment, sum(c_acctbal) FROM customer GROUP BY c_mktsegment
HAVING sum(c_acctbal) > (SELECT sum(c_acctbal) / 5 FROM customer) ORDER BY 1

-- pareto_of_suppliers
SELECT * FROM (
    SELECT s_suppkey, s_acctbal,
           sum(s_acctbal) OVER (ORDER BY s_acctbal DESC, s_suppkey) / sum(s_acctbal) OVER () AS running
    FROM supplier WHERE s_acctbal > 0) p
WHERE running <= 0.2 ORDER BY running, s_suppkey

-- cheapest_supplier_of_a_part
SELECT p.p_partkey, p.p_name, s.s_name, x.ps_supplycost FROM part p
JOIN LATERAL (SELECT ps_suppkey, ps_supplycost FROM partsupp WHERE ps_partkey = p.p_partkey
              ORDER BY ps_supplycost, ps_suppkey LIMIT 1) x ON true
JOIN supplier s ON s.s_suppkey = x.ps_suppkey WHERE p.p_partkey <= 12 ORDER BY p.p_partkey

-- parts_by_words_in_name
SELECT word, count(*) FROM part, regexp_split_to_table(p_name, '\s+') AS word WHERE p_partkey <= 2000
GROUP BY word ORDER BY 2 DESC, 1 LIMIT 20

-- parts_by_brand_and_size
SELECT p_brand, count(DISTINCT p_type) AS types, array_agg(DISTINCT p_size ORDER BY p_size DESC) AS sizes,
       avg(p_retailprice)
FROM part WHERE p_partkey <= 400 GROUP BY p_brand ORDER BY p_brand

-- containers_taken_apart
SELECT split_part(p_container, ' ', 1) AS size, split_part(p_container, ' ', 2) AS form, count(*) FROM part
WHERE p_container LIKE 'SM %' OR p_container LIKE 'LG %' GROUP BY 1, 2 ORDER BY 1, 2

-- phones_by_country_code
SELECT left(c_phone, 2)::int AS code, count(*), min(replace(c_phone, '-', '')) AS first,
       count(*) FILTER (WHERE position('-9' IN c_phone) > 0) AS nines
FROM customer WHERE c_custkey <= 5000 GROUP BY 1 ORDER BY 1

-- comments_that_mention_requests
SELECT o_orderpriority, count(*) AS orders,
       sum((length(o_comment) - length(replace(o_comment, 'special', ''))) / 7) AS mentions
FROM orders WHERE o_comment LIKE '%special%requests%' AND o_orderdate >= '1998-01-01' GROUP BY 1 ORDER BY 1

-- full_text_in_comments
SELECT o_orderkey,
       ts_rank(to_tsvector('english', o_comment), plainto_tsquery('english', 'pending deposits'))::numeric(6, 4) AS rank
FROM orders WHERE o_orderdate >= '1998-07-01'
  AND to_tsvector('english', o_comment) @@ plainto_tsquery('english', 'pending deposits')
ORDER BY rank DESC, o_orderkey LIMIT 20

-- full_text_query_in_from
SELECT o_orderkey, round(ts_rank(to_tsvector('english', o_comment), q)::numeric, 4) AS rank
FROM orders, websearch_to_tsquery('english', 'pending deposits') q
WHERE o_orderdate >= '1998-07-01' AND to_tsvector('english', o_comment) @@ q ORDER BY rank DESC, o_orderkey LIMIT 20

-- usage_by_plan
SELECT plan, count(DISTINCT customer_key) AS customers, sum(api_calls) AS calls,
       avg(active_seats)::numeric(10, 2) AS seats,
       sum(storage_gb) AS storage, round(avg(error_rate)::numeric, 6) AS errors
FROM usage WHERE usage_date = '2026-10-31' GROUP BY plan ORDER BY calls DESC

-- usage_trend
SELECT usage_date, sum(api_calls) AS calls, sum(sum(api_calls)) OVER (ORDER BY usage_date) AS running,
       round(sum(api_calls)::numeric / first_value(sum(api_calls)) OVER (ORDER BY usage_date), 4) AS indexed
FROM usage GROUP BY usage_date ORDER BY usage_date

-- seats_against_limit
SELECT plan, count(*) AS customers,
       count(*) FILTER (WHERE active_seats >= 0.8 * (limits ->> 'seats')::int) AS nearly_full,
       max(active_seats * 100 / nullif((limits ->> 'seats')::int, 0)) AS fullest
FROM usage WHERE usage_date = '2026-10-31' GROUP BY plan ORDER BY plan

-- features_in_use
SELECT feature, count(DISTINCT customer_key) AS customers FROM usage, jsonb_array_elements_text(features) AS feature
WHERE usage_date = '2026-10-31' GROUP BY feature ORDER BY customers DESC, feature

-- customers_with_two_features
SELECT count(*) FILTER (WHERE features ? 'sso') AS sso, count(*) FILTER (WHERE features @> '["api"]') AS api,
       count(*) FILTER (WHERE features ?& ARRAY['api', 'sso']) AS both,
       count(*) FILTER (WHERE features ?| ARRAY['api', 'sso'])
FROM usage WHERE usage_date = '2026-09-30'

-- limits_as_rows
SELECT l.key, count(*), min(l.value::int), max(l.value::int), avg(l.value::int)::numeric(10, 2)
FROM usage u, jsonb_each_text(u.limits) AS l WHERE u.usage_date = '2026-08-31' GROUP BY l.key ORDER BY l.key

-- tiers_and_regions
SELECT profile ->> 'tier' AS tier, profile #>> '{region}' AS region, count(*),
       jsonb_array_length(jsonb_agg(DISTINCT plan)) AS plans
FROM usage WHERE usage_date = '2026-10-31' GROUP BY 1, 2 ORDER BY 1, 2

-- churn_risk
WITH last_two AS (
    SELECT customer_key, max(api_calls) FILTER (WHERE usage_date = '2026-10-31') AS now,
           max(api_calls) FILTER (WHERE usage_date = '2026-07-31') AS before
    FROM usage WHERE usage_date IN ('2026-07-31', '2026-10-31') GROUP BY customer_key
)
SELECT customer_key, before, now, round(1 - now::numeric / before, 3) AS drop FROM last_two
WHERE before > 1000 AND now < before / 4 ORDER BY drop DESC, customer_key LIMIT 50

-- moves_in_and_out_of_trial
SELECT plan, before, trial, count(*) FROM (
    SELECT plan, trial, lag(trial) OVER (PARTITION BY customer_key ORDER BY usage_date) AS before FROM usage) m
WHERE before IS DISTINCT FROM trial AND before IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- streaks_of_low_errors
WITH marked AS (
    SELECT customer_key, usage_date, extract(year FROM usage_date) * 12 + extract(month FROM usage_date)
           - row_number() OVER (PARTITION BY customer_key ORDER BY usage_date) AS island
    FROM usage WHERE error_rate < 0.01
)
SELECT customer_key, min(usage_date) AS since, count(*) AS months FROM marked
GROUP BY customer_key, island HAVING count(*) >= 6 ORDER BY months DESC, customer_key, since LIMIT 30

-- activity_by_hour_of_day
SELECT date_trunc('hour', last_event_at)::time AS hour, count(*) FROM usage WHERE usage_date = '2026-10-31' GROUP BY 1
ORDER BY 1

-- trial_conversion
WITH firsts AS (SELECT customer_key, min(usage_date) FILTER (WHERE trial) AS trial,
       min(usage_date) FILTER (WHERE NOT trial) AS paid
                FROM usage GROUP BY customer_key)
SELECT count(trial) AS trials, count(*) FILTER (WHERE paid > trial) AS converted,
       avg(paid - trial)::numeric(8, 2) AS days FROM firsts

-- storage_growth_rate
SELECT plan, round((power(sum(storage_gb) FILTER (WHERE usage_date = '2026-10-31')
                          / sum(storage_gb) FILTER (WHERE usage_date = '2025-11-30'), 1.0 / 11) - 1) * 100, 3) AS pct
FROM usage GROUP BY plan ORDER BY plan

-- calls_on_a_log_scale
SELECT floor(log(api_calls))::int AS digits, count(*), round(exp(avg(ln(api_calls)))::numeric, 0) AS geometric_mean
FROM usage WHERE api_calls > 0 AND usage_date = '2026-10-31' GROUP BY 1 ORDER BY 1
