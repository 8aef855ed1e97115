-- SPDX-License-Identifier: PostgreSQL
-- Honest questions that join the CRM with the warehouse: one a paragraph, named by the line above it. An account's
-- number is the warehouse's customer key.

-- accounts_with_order_value
SELECT a.name, count(o.o_orderkey) AS orders, coalesce(sum(o.o_totalprice), 0) AS value, max(o.o_orderdate) AS latest
FROM accounts a LEFT JOIN orders o ON o.o_custkey = a.account_number WHERE a.account_number < 150
GROUP BY a.id, a.name ORDER BY value DESC, a.name

-- pipeline_against_orders
SELECT a.industry, sum(p.open) AS pipeline, sum(w.ordered) AS ordered,
       round(sum(p.open) / nullif(sum(w.ordered), 0), 4) AS ratio
FROM accounts a
LEFT JOIN (SELECT account_id, sum(amount) AS open FROM opportunities WHERE NOT is_closed GROUP BY 1) p
       ON p.account_id = a.id
LEFT JOIN (SELECT o_custkey, sum(o_totalprice) AS ordered FROM orders WHERE o_orderdate >= '1998-01-01' GROUP BY 1) w
       ON w.o_custkey = a.account_number
GROUP BY a.industry ORDER BY a.industry

-- open_deals_with_open_orders
SELECT a.name, o.name AS deal, o.amount, count(*) AS open_orders, sum(r.o_totalprice) AS on_order
FROM opportunities o JOIN accounts a ON a.id = o.account_id JOIN orders r ON r.o_custkey = a.account_number
WHERE NOT o.is_closed AND r.o_orderstatus = 'O' AND r.o_orderdate >= '1997-06-01'
GROUP BY a.name, o.id, o.name, o.amount ORDER BY o.amount DESC, o.name, o.id LIMIT 25

-- usage_of_customers_with_renewals
SELECT a.name, o.close_date, u.plan, u.active_seats, (u.limits ->> 'seats')::int AS seat_limit
FROM opportunities o JOIN accounts a ON a.id = o.account_id JOIN usage u ON u.customer_key = a.account_number
WHERE o.type = 'renewal' AND NOT o.is_closed AND u.usage_date = date '2026-10-31'
ORDER BY o.close_date, a.name, o.id LIMIT 50

-- renewals_at_risk
WITH trend AS (
    SELECT customer_key, regr_slope(api_calls, extract(epoch FROM usage_date) / 86400) AS slope FROM usage
    WHERE usage_date >= '2026-05-01' GROUP BY customer_key
)
SELECT a.name, o.amount, o.stage, round(t.slope::numeric, 2) AS calls_a_day FROM opportunities o
JOIN accounts a ON a.id = o.account_id JOIN trend t ON t.customer_key = a.account_number
WHERE o.type IN ('renewal', 'expansion') AND NOT o.is_closed AND t.slope < 0 ORDER BY t.slope, o.name, o.id LIMIT 30

-- expansion_candidates
SELECT a.name, u.active_seats, u.limits ->> 'seats' AS seats FROM accounts a
JOIN usage u ON u.customer_key = a.account_number AND u.usage_date = '2026-10-31'
WHERE u.active_seats > 0.5 * (u.limits ->> 'seats')::numeric
  AND NOT EXISTS (SELECT FROM opportunities o WHERE o.account_id = a.id AND o.type = 'expansion' AND NOT o.is_closed)
ORDER BY a.name, a.id LIMIT 40

-- errors_and_cases
SELECT CASE WHEN u.error_rate >= 0.02 THEN 'high' WHEN u.error_rate >= 0.01 THEN 'middle' ELSE 'low' END AS errors,
       count(DISTINCT a.id) AS accounts, count(c.id) AS cases,
       round(count(c.id)::numeric / count(DISTINCT a.id), 3) AS each
FROM accounts a JOIN usage u ON u.customer_key = a.account_number AND u.usage_date = '2026-10-31'
LEFT JOIN cases c ON c.account_id = a.id AND c.opened_at >= '2026-07-01' GROUP BY 1 ORDER BY 1

-- cases_beside_usage_of_the_month
SELECT date_trunc('month', c.opened_at)::date AS month, count(DISTINCT c.id) AS cases, sum(u.api_calls) AS calls
FROM cases c JOIN accounts a ON a.id = c.account_id
JOIN usage u ON u.customer_key = a.account_number
            AND u.usage_date = (date_trunc('month', c.opened_at) + interval '1 month - 1 day')::date
GROUP BY 1 ORDER BY 1

-- plan_and_win_rate
SELECT u.plan, count(*) AS deals, avg(CASE WHEN o.is_won THEN 1.0 ELSE 0.0 END)::numeric(5, 3) AS win_rate
FROM opportunities o JOIN accounts a ON a.id = o.account_id
JOIN usage u ON u.customer_key = a.account_number AND u.usage_date = '2026-10-31'
WHERE o.is_closed GROUP BY u.plan ORDER BY u.plan

-- country_agrees_with_nation
SELECT a.country, n.n_name, count(*) FROM accounts a JOIN customer c ON c.c_custkey = a.account_number
JOIN nation n ON n.n_nationkey = c.c_nationkey GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 60

-- accounts_missing_or_in_debt
SELECT a.name, a.account_number FROM accounts a LEFT JOIN customer c ON c.c_custkey = a.account_number
WHERE c.c_custkey IS NULL OR c.c_acctbal < -900 ORDER BY a.name, a.id

-- customers_missing_in_the_crm
SELECT c.c_custkey, c.c_name FROM customer c WHERE c.c_custkey <= 1200 AND c.c_custkey NOT IN
       (SELECT account_number FROM accounts WHERE account_number IS NOT NULL) ORDER BY c.c_custkey LIMIT 40

-- segment_and_industry
SELECT c.c_mktsegment, a.industry, count(*) AS accounts, sum(a.revenue) AS revenue,
       avg(c.c_acctbal)::numeric(12, 2) AS balance
FROM accounts a JOIN customer c ON c.c_custkey = a.account_number GROUP BY ROLLUP (1, 2)
ORDER BY 1 NULLS LAST, 2 NULLS LAST

-- owners_by_warehouse_revenue
SELECT u.full_name, count(DISTINCT a.id) AS accounts, sum(r.o_totalprice) AS revenue,
       rank() OVER (ORDER BY sum(r.o_totalprice) DESC) AS place
FROM users u JOIN accounts a ON a.owner_id = u.id JOIN orders r ON r.o_custkey = a.account_number
WHERE r.o_orderdate BETWEEN '1997-01-01' AND '1997-12-31' GROUP BY u.id, u.full_name ORDER BY place, u.full_name

-- last_touch_and_last_order
SELECT a.name, t.touched::date, r.ordered, (t.touched::date - date '2026-01-01') AS days_into_year FROM accounts a
JOIN LATERAL (SELECT max(completed_at) AS touched FROM activities WHERE account_id = a.id) t ON t.touched IS NOT NULL
JOIN (SELECT o_custkey, max(o_orderdate) AS ordered FROM orders GROUP BY o_custkey) r
       ON r.o_custkey = a.account_number
WHERE a.account_number < 120 ORDER BY a.name, a.id

-- activities_of_the_heaviest_users
WITH heavy AS (SELECT customer_key FROM usage WHERE usage_date = '2026-10-31'
    ORDER BY api_calls DESC, customer_key LIMIT 200)
SELECT v.type, count(*) FROM activities v JOIN accounts a ON a.id = v.account_id
WHERE a.account_number IN (SELECT customer_key FROM heavy) GROUP BY v.type ORDER BY v.type

-- health_score
WITH score AS (
    SELECT a.id, a.name, 40 * least(1, coalesce(u.active_seats, 0) / nullif((u.limits ->> 'seats')::numeric, 0))
           + 30 * (1 - least(1, coalesce(u.error_rate, 0) * 20))::numeric
           + 30 * (SELECT count(*) = 0 FROM cases c
                   WHERE c.account_id = a.id AND c.status IN ('new', 'open', 'waiting'))::int AS score
    FROM accounts a JOIN usage u ON u.customer_key = a.account_number WHERE u.usage_date = '2026-10-31'
)
SELECT width_bucket(score, 0, 100, 5) AS class, count(*), min(round(score, 1)), max(round(score, 1)) FROM score
GROUP BY 1 ORDER BY 1

-- account_card_as_json
SELECT jsonb_build_object(
           'name', a.name, 'plan', u.plan,
           'orders', (SELECT count(*) FROM orders r WHERE r.o_custkey = a.account_number),
           'deals', (SELECT json_agg(json_build_object('name', o.name, 'amount', o.amount) ORDER BY o.name, o.id)
                     FROM opportunities o WHERE o.account_id = a.id)) AS card
FROM accounts a LEFT JOIN usage u ON u.customer_key = a.account_number AND u.usage_date = '2026-10-31'
WHERE a.account_number < 25 ORDER BY a.name, a.id

-- contacts_of_big_spenders
SELECT c.last_name, c.email, s.value FROM contacts c JOIN accounts a ON a.id = c.account_id
JOIN (SELECT o_custkey, sum(o_totalprice) AS value FROM orders WHERE o_orderdate >= '1998-01-01' GROUP BY o_custkey
      HAVING sum(o_totalprice) > 500000) s ON s.o_custkey = a.account_number
WHERE NOT c.do_not_call AND c.deleted_at IS NULL ORDER BY s.value DESC, c.last_name, c.id LIMIT 30

-- union_of_events
SELECT * FROM (
    SELECT a.name, 'order' AS event, r.o_orderdate::timestamptz AS at FROM accounts a
    JOIN orders r ON r.o_custkey = a.account_number
    WHERE a.account_number = 1
    UNION ALL
    SELECT a.name, 'case', c.opened_at FROM accounts a JOIN cases c ON c.account_id = a.id WHERE a.account_number < 30
    UNION ALL
    SELECT a.name, v.type, v.completed_at FROM accounts a JOIN activities v ON v.account_id = a.id
    WHERE a.account_number = 4) e
WHERE at IS NOT NULL ORDER BY at, event, name LIMIT 60

-- deal_amount_against_average_order
SELECT o.stage, round(avg(o.amount / w.average), 3) AS deals_in_orders FROM opportunities o
JOIN accounts a ON a.id = o.account_id
JOIN (SELECT o_custkey, avg(o_totalprice) AS average FROM orders WHERE o_custkey <= 2000 GROUP BY 1) w
       ON w.o_custkey = a.account_number
GROUP BY o.stage ORDER BY o.stage

-- market_basket_of_accounts
SELECT p.p_brand, count(DISTINCT a.id) AS accounts, sum(l.l_quantity) AS pieces FROM accounts a
JOIN orders r ON r.o_custkey = a.account_number JOIN lineitem l ON l.l_orderkey = r.o_orderkey
JOIN part p ON p.p_partkey = l.l_partkey
WHERE r.o_orderdate >= '1998-07-01' AND l.l_shipdate >= '1998-07-01' GROUP BY p.p_brand
ORDER BY pieces DESC, p.p_brand

-- seats_lost_since_last_quarter
SELECT a.name, b.active_seats AS before, n.active_seats AS now, b.active_seats - n.active_seats AS lost
FROM accounts a
JOIN usage b ON b.customer_key = a.account_number AND b.usage_date = '2026-07-31'
JOIN usage n ON n.customer_key = a.account_number AND n.usage_date = '2026-10-31'
WHERE n.active_seats < b.active_seats ORDER BY lost DESC, a.name, a.id FETCH FIRST 30 ROWS ONLY

-- customers_of_two_lists
SELECT account_number FROM accounts WHERE industry = 'Pharma'
INTERSECT SELECT customer_key FROM usage WHERE plan = 'enterprise' EXCEPT SELECT c_custkey FROM customer
    WHERE c_acctbal < 0
ORDER BY 1
