-- SPDX-License-Identifier: PostgreSQL
-- Honest questions to the CRM alone: one a paragraph, named by the line above it, at most 200 rows each.

-- pipeline_by_stage
SELECT s.name, s.sort_order, count(o.id) AS deals, sum(o.amount) AS amount, round(avg(o.amount), 2) AS average,
       sum(o.expected_revenue) AS weighted
FROM pipeline_stages s LEFT JOIN opportunities o ON o.stage_id = s.id AND o.deleted_at IS NULL
GROUP BY s.id, s.name, s.sort_order ORDER BY s.sort_order

-- pipeline_by_owner_and_month
SELECT u.full_name, date_trunc('month', o.close_date)::date AS month, count(*) AS deals, sum(o.amount) AS amount
FROM opportunities o JOIN users u ON u.id = o.owner_id
WHERE NOT o.is_closed GROUP BY u.full_name, 2 ORDER BY 1, 2

-- win_rate_by_quarter
SELECT extract(year FROM close_date)::int AS year, extract(quarter FROM close_date)::int AS quarter,
       count(*) FILTER (WHERE is_won) AS won, count(*) FILTER (WHERE NOT is_won) AS lost,
       round(100.0 * count(*) FILTER (WHERE is_won) / nullif(count(*), 0), 1) AS win_rate
FROM opportunities WHERE is_closed GROUP BY 1, 2 ORDER BY 1, 2

-- win_rate_by_source_and_type_with_totals
SELECT coalesce(lead_source, 'all sources') AS source, coalesce(type, 'all types') AS type,
       avg(is_won::int)::numeric(5, 3) AS win_rate, count(*) AS deals, grouping(lead_source, type) AS level
FROM opportunities WHERE is_closed AND lead_source IS NOT NULL AND type IS NOT NULL
GROUP BY CUBE (lead_source, type) ORDER BY level, 1, 2

-- revenue_rollup_by_country_and_industry
SELECT a.country, a.industry, sum(o.amount) AS won FROM opportunities o JOIN accounts a ON a.id = o.account_id
WHERE o.is_won AND a.country IN ('CANADA', 'Canada', 'Egypt', 'Jordan', 'China')
GROUP BY ROLLUP (a.country, a.industry) ORDER BY a.country NULLS LAST, a.industry NULLS LAST

-- won_by_month_with_running_total
SELECT month, won, sum(won) OVER (ORDER BY month) AS running,
       round(avg(won) OVER (ORDER BY month ROWS BETWEEN 2 PRECEDING AND CURRENT ROW), 2) AS moving_average,
       won - lag(won) OVER (ORDER BY month) AS change
FROM (SELECT date_trunc('month', won_at) AS month, sum(amount) AS won FROM opportunities WHERE is_won GROUP BY 1) m
ORDER BY month

-- growth_over_previous_month
WITH monthly AS (
    SELECT to_char(close_date, 'YYYY-MM') AS month, sum(amount) AS won FROM opportunities WHERE is_won GROUP BY 1
)
SELECT month, won, round(100 * (won / nullif(lag(won) OVER w, 0) - 1), 1) AS growth_pct,
       lead(won, 1, 0.0) OVER w AS next
FROM monthly WINDOW w AS (ORDER BY month) ORDER BY month

-- top_three_deals_of_each_owner
SELECT full_name, name, amount, place FROM (
    SELECT u.full_name, o.name, o.amount,
           row_number() OVER (PARTITION BY u.id ORDER BY o.amount DESC NULLS LAST, o.name, o.id) AS place
    FROM opportunities o JOIN users u ON u.id = o.owner_id WHERE NOT o.is_closed) ranked
WHERE place <= 3 ORDER BY full_name, place

-- deal_size_percentiles
SELECT type, percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) AS median,
       percentile_cont(ARRAY[0.25, 0.75, 0.9]) WITHIN GROUP (ORDER BY amount) AS quartiles,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY close_date) AS middle_day, mode() WITHIN
           GROUP (ORDER BY stage) AS stage
FROM opportunities GROUP BY type ORDER BY type

-- sales_cycle_in_days
SELECT lead_source, round(avg(extract(epoch FROM won_at - created_at) / 86400)::numeric, 1) AS days,
       min(won_at - created_at) AS fastest, max(age(won_at, created_at)) AS slowest,
       stddev_samp(amount)::numeric(18, 2)
FROM opportunities WHERE is_won GROUP BY lead_source ORDER BY lead_source

-- days_in_each_stage
SELECT to_stage, count(*) AS visits, round(avg(days)::numeric, 2) AS mean, round(max(days)::numeric, 2) AS longest
FROM (SELECT to_stage,
             extract(epoch FROM lead(changed_at) OVER (PARTITION BY opportunity_id ORDER BY changed_at,
             id) - changed_at) / 86400.0 AS days
      FROM opportunity_stage_history) h
WHERE days IS NOT NULL GROUP BY to_stage ORDER BY mean DESC, to_stage

-- stage_funnel
WITH reached AS (
    SELECT DISTINCT h.opportunity_id, s.sort_order, s.name
    FROM opportunity_stage_history h JOIN pipeline_stages s ON s.id = h.to_stage_id
), funnel AS (SELECT sort_order, name, count(*) AS deals FROM reached GROUP BY sort_order, name)
SELECT name, deals, round(100.0 * deals / first_value(deals) OVER (ORDER BY sort_order), 1) AS of_first,
       round(100.0 * deals / lag(deals) OVER (ORDER BY sort_order), 1) AS of_previous
FROM funnel ORDER BY sort_order

-- deals_that_stand_still
SELECT o.name, o.stage, max(h.changed_at)::date AS since, date '2026-11-01' - max(h.changed_at)::date AS days
FROM opportunities o JOIN opportunity_stage_history h ON h.opportunity_id = o.id WHERE NOT o.is_closed
GROUP BY o.id, o.name, o.stage HAVING max(h.changed_at) < timestamptz '2026-11-01' - interval '30 days'
ORDER BY days DESC, o.name, o.id LIMIT 20

-- stage_conversions_as_a_matrix
SELECT from_stage, count(*) FILTER (WHERE to_stage = 'Proposal') AS proposal,
       count(*) FILTER (WHERE to_stage = 'Negotiation') AS negotiation,
       count(*) FILTER (WHERE to_stage = 'Closed Won') AS won,
       count(*) FILTER (WHERE to_stage = 'Closed Lost') AS lost
FROM opportunity_stage_history WHERE from_stage IS NOT NULL GROUP BY from_stage ORDER BY from_stage

-- path_of_stages
SELECT string_agg(to_stage, ' > ' ORDER BY changed_at, id) AS path, count(*) OVER () AS deals
FROM opportunity_stage_history GROUP BY opportunity_id ORDER BY path, opportunity_id LIMIT 30

-- forecast_categories
SELECT forecast_category, count(*), sum(amount), sum(amount * probability / 100.0)::numeric(18, 2) AS weighted,
       round(100 * sum(amount) / sum(sum(amount)) OVER (), 2) AS share
FROM opportunities WHERE deleted_at IS NULL GROUP BY forecast_category ORDER BY 1

-- accounts_without_open_deal
SELECT a.name, a.industry FROM accounts a
WHERE NOT EXISTS (SELECT 1 FROM opportunities o WHERE o.account_id = a.id AND NOT o.is_closed) AND a.type = 'customer'
ORDER BY a.name, a.id LIMIT 50

-- accounts_with_a_case_and_a_deal
SELECT name FROM accounts WHERE id IN (SELECT account_id FROM cases WHERE status <> 'closed')
INTERSECT
SELECT name FROM accounts WHERE id = ANY (SELECT account_id FROM opportunities WHERE NOT is_closed) ORDER BY 1

-- accounts_with_cases_but_no_deal
SELECT account_id FROM cases EXCEPT SELECT account_id FROM opportunities ORDER BY 1

-- people_of_both_kinds
SELECT 'contact' AS kind, lower(last_name) AS name, count(*) FROM contacts WHERE last_name ~ '^[A-C]' GROUP BY 2
UNION ALL
SELECT 'lead', lower(last_name), count(*) FROM leads WHERE last_name ~ '^[A-C]' GROUP BY 2 ORDER BY 1, 2

-- revenue_bands
SELECT width_bucket(revenue, 0, 1000000000, 10) AS band, count(*), min(revenue), max(revenue) FROM accounts
WHERE revenue IS NOT NULL GROUP BY 1 ORDER BY 1

-- employee_bands
SELECT CASE WHEN employees < 100 THEN 'small' WHEN employees BETWEEN 100
       AND 999 THEN 'medium' ELSE 'large' END AS size,
       count(*), sum(revenue), round(corr(employees, revenue)::numeric, 4) AS correlation
FROM accounts GROUP BY 1 ORDER BY 1

-- revenue_trend_by_regression
SELECT industry, regr_count(revenue, employees), round(regr_slope(revenue, employees)::numeric, 2) AS slope,
       round(regr_intercept(revenue, employees)::numeric, 2) AS intercept,
       round(regr_r2(revenue, employees)::numeric, 4)
FROM accounts GROUP BY industry HAVING count(*) > 5 ORDER BY industry

-- ranks_of_industries
SELECT industry, sum(revenue) AS revenue, rank() OVER (ORDER BY sum(revenue) DESC),
       dense_rank() OVER (ORDER BY count(*) DESC), percent_rank() OVER (ORDER BY sum(revenue)),
       cume_dist() OVER (ORDER BY sum(revenue)), ntile(4) OVER (ORDER BY sum(revenue))
FROM accounts GROUP BY industry ORDER BY industry

-- hypothetical_rank_of_a_deal
SELECT stage, rank(100000) WITHIN GROUP (ORDER BY amount DESC), dense_rank(100000) WITHIN
GROUP (ORDER BY amount DESC),
       round(percent_rank(100000) WITHIN GROUP (ORDER BY amount)::numeric, 4),
       round(cume_dist(100000) WITHIN GROUP (ORDER BY amount)::numeric, 4)
FROM opportunities GROUP BY stage ORDER BY stage

-- first_and_last_deal_of_each_account
SELECT DISTINCT a.name, first_value(o.name) OVER w, last_value(o.name) OVER w, nth_value(o.amount, 2) OVER w
FROM accounts a JOIN opportunities o ON o.account_id = a.id WHERE a.account_number < 200
WINDOW w AS (PARTITION BY a.id ORDER BY o.created_at, o.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
ORDER BY a.name

-- latest_activity_of_each_account
SELECT DISTINCT ON (a.id) a.name, v.type, v.subject, v.completed_at FROM accounts a
JOIN activities v ON v.account_id = a.id
WHERE v.completed_at IS NOT NULL ORDER BY a.id, v.completed_at DESC, v.id LIMIT 100

-- latest_two_activities_by_lateral
SELECT a.name, v.subject, v.completed_at FROM accounts a
CROSS JOIN LATERAL (SELECT subject, completed_at, id FROM activities WHERE account_id = a.id AND status = 'completed'
                    ORDER BY completed_at DESC, id FETCH FIRST 2 ROWS ONLY) v
WHERE a.account_number <= 300 ORDER BY a.name, v.completed_at DESC, v.id LIMIT 60

-- activity_mix_by_weekday
SELECT extract(isodow FROM completed_at)::int AS weekday, to_char(completed_at, 'Dy') AS name, type, count(*)
FROM activities WHERE completed_at IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 3

-- activity_by_hour
SELECT date_part('hour', completed_at AT TIME ZONE 'Europe/Berlin') AS hour, count(*),
       sum(coalesce(duration_s, 0)) / 60 AS minutes, make_interval(secs => sum(duration_s)) AS time
FROM activities WHERE type IN ('call', 'event') GROUP BY 1 ORDER BY 1 NULLS LAST

-- activity_gaps
SELECT account_id, max(gap) AS longest FROM (
    SELECT account_id, completed_at - lag(completed_at) OVER (PARTITION BY account_id ORDER BY completed_at) AS gap
    FROM activities WHERE completed_at IS NOT NULL) g
GROUP BY account_id HAVING max(gap) > interval '60 days' ORDER BY longest DESC, account_id LIMIT 40

-- overdue_tasks
SELECT u.full_name, count(*) AS overdue, min(v.due_at) AS oldest,
       justify_interval(timestamptz '2026-11-01' - min(v.due_at)) AS waiting
FROM activities v JOIN users u ON u.id = v.owner_id
WHERE v.type = 'task' AND v.status = 'open' AND v.due_at < timestamptz '2026-11-01' GROUP BY u.full_name
ORDER BY 2 DESC, 1

-- cases_by_priority_and_state
SELECT priority, status, count(*), round(avg(extract(epoch FROM resolved_at - opened_at)) / 3600, 1) AS hours
FROM cases GROUP BY GROUPING SETS ((priority, status), (priority), ()) ORDER BY priority NULLS LAST, status NULLS LAST

-- sla_kept
SELECT queue, count(*) AS resolved, count(*) FILTER (WHERE resolved_at <= sla_due_at) AS in_time,
       bool_and(resolved_at <= sla_due_at) AS always, bool_or(resolved_at > sla_due_at) AS ever_late,
       every(resolved_at IS NOT NULL) AS all_done
FROM cases WHERE resolved_at IS NOT NULL GROUP BY queue ORDER BY queue

-- cases_opened_each_week
SELECT date_trunc('week', opened_at)::date AS week, count(*) AS opened,
       sum(count(*)) OVER (ORDER BY date_trunc('week', opened_at) RANGE BETWEEN interval '21 days' PRECEDING
       AND CURRENT ROW)
FROM cases GROUP BY date_trunc('week', opened_at) ORDER BY 1

-- open_cases_each_month_end
SELECT day::date, count(c.id) AS open
FROM generate_series(timestamp '2026-01-31', timestamp '2026-10-31', interval '1 month') day
LEFT JOIN cases c ON c.opened_at <= day AND (c.closed_at IS NULL OR c.closed_at > day) GROUP BY day ORDER BY day

-- lead_funnel_by_source
SELECT source, count(*) AS leads, count(converted_at) AS converted,
       (100.0 * count(converted_at) / count(*))::numeric(5, 1) AS rate, round(avg(score), 1) AS score
FROM leads GROUP BY source ORDER BY rate DESC, source

-- lead_score_histogram
SELECT score / 10 * 10 AS bucket, count(*), array_agg(DISTINCT rating ORDER BY rating) AS ratings FROM leads
GROUP BY 1 ORDER BY 1

-- leads_of_known_domains
SELECT l.company, l.email, a.name FROM leads l JOIN accounts a ON lower(split_part(l.email, '@', 2)) = lower(a.domain)
ORDER BY l.email, a.name LIMIT 50

-- cohort_of_accounts_by_first_deal
WITH first_deal AS (SELECT account_id, date_trunc('quarter', min(created_at)) AS cohort FROM opportunities GROUP BY 1)
SELECT f.cohort::date,
       (extract(year FROM age(date_trunc('quarter', o.created_at), f.cohort)) * 4 + extract(month
       FROM age(date_trunc('quarter', o.created_at), f.cohort)) / 3)::int AS quarters_later,
       count(DISTINCT o.account_id) AS accounts, sum(o.amount) AS amount
FROM opportunities o JOIN first_deal f USING (account_id) GROUP BY 1, 2 ORDER BY 1, 2

-- deals_with_most_products
SELECT o.name, count(*) AS lines, sum(i.total) AS total,
       string_agg(DISTINCT p.family, ', ' ORDER BY p.family) AS families
FROM opportunities o JOIN opportunity_line_items i ON i.opportunity_id = o.id JOIN products p ON p.id = i.product_id
GROUP BY o.id, o.name ORDER BY lines DESC, total DESC, o.name, o.id LIMIT 15

-- products_sold_together
SELECT p.sku, q.sku AS with_sku, count(DISTINCT i.opportunity_id) AS deals
FROM opportunity_line_items i JOIN opportunity_line_items j ON j.opportunity_id = i.opportunity_id
       AND i.product_id < j.product_id
JOIN products p ON p.id = i.product_id JOIN products q ON q.id = j.product_id
GROUP BY p.sku, q.sku HAVING count(DISTINCT i.opportunity_id) >= 1 ORDER BY deals DESC, p.sku, q.sku LIMIT 40

-- discount_against_list_price
SELECT p.sku, round(avg(i.discount_pct), 2) AS discount,
       round(avg(i.unit_price / e.unit_price - 1) * 100, 2) AS deviation,
       greatest(max(i.discount_pct), 0) AS highest, least(min(i.unit_price), 999999) AS lowest
FROM opportunity_line_items i JOIN products p ON p.id = i.product_id JOIN price_book_entries e ON e.product_id = p.id
WHERE i.quantity > 0 GROUP BY p.sku ORDER BY p.sku

-- contacts_by_email_domain
SELECT substring(email FROM '@(.+)$') AS domain, count(*) FROM contacts WHERE email LIKE '%@%.%' AND NOT email_opt_out
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20

-- contacts_formatted
SELECT upper(left(last_name, 1)) || lower(substr(last_name, 2)) || ', ' || initcap(first_name) AS person,
       regexp_replace(coalesce(phone, mobile, ''), '[^0-9+]', '', 'g') AS digits, length(email) AS length,
       concat_ws(' / ', title, department) AS position
FROM contacts WHERE last_name ILIKE 'm%' ORDER BY last_name, first_name, id LIMIT 40

-- titles_of_decision_makers
SELECT title, count(*) FROM contacts
WHERE title ~* '(chief|director|vp|head)' OR title SIMILAR TO '%(Manager|Lead)%' GROUP BY title ORDER BY 2 DESC, 1

-- roles_on_won_deals
SELECT c.role, count(*) AS seats, count(*) FILTER (WHERE c.is_primary) AS primary_seats,
       avg(o.is_won::int)::numeric(6, 4)
FROM opportunity_contacts c JOIN opportunities o ON o.id = c.opportunity_id GROUP BY c.role ORDER BY c.role

-- reports_of_each_manager
SELECT m.full_name AS manager, array_to_string(array_agg(u.full_name ORDER BY u.full_name), '; ') AS team, count(*)
FROM users u JOIN users m ON m.id = u.manager_id GROUP BY m.id, m.full_name ORDER BY 1

-- quota_attainment
WITH quota (email, amount) AS (SELECT email, 250000.0 + 10000 * row_number() OVER (ORDER BY email) FROM users)
SELECT u.full_name, coalesce(sum(o.amount) FILTER (WHERE o.is_won), 0) AS won, q.amount AS quota,
       round(coalesce(sum(o.amount) FILTER (WHERE o.is_won), 0) / q.amount * 100, 1) AS pct
FROM users u JOIN quota q USING (email) LEFT JOIN opportunities o ON o.owner_id = u.id
GROUP BY u.id, u.full_name, q.amount ORDER BY pct DESC, u.full_name
