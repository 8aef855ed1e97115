-- SPDX-License-Identifier: PostgreSQL
-- Sample products, price book, opportunities with line items and a year of stage history.

CREATE FUNCTION lakehouse.sample_products()
RETURNS TABLE (n integer, sku text, name text, family text, unit_price numeric, usual_quantity integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES (1, 'PMP-100', 'Process pump P100', 'Pumps', 4200.00, 6), (2, 'PMP-250', 'Process pump P250', 'Pumps', 9800.00, 4),
           (3, 'PMP-900', 'High-pressure pump P900', 'Pumps', 31500.00, 2), (4, 'VLV-010', 'Control valve set', 'Valves', 1150.00, 20),
           (5, 'VLV-020', 'Safety valve set', 'Valves', 1680.00, 12), (6, 'SNS-001', 'Vibration sensor', 'Sensors', 240.00, 60),
           (7, 'SNS-002', 'Flow sensor', 'Sensors', 410.00, 40), (8, 'GTW-001', 'Plant gateway', 'Sensors', 2900.00, 3),
           (9, 'SFT-STD', 'Condition monitoring, yearly', 'Software', 12000.00, 1), (10, 'SFT-ENT', 'Plant analytics, yearly', 'Software', 48000.00, 1),
           (11, 'SRV-INS', 'Installation day', 'Services', 1400.00, 8), (12, 'SRV-MNT', 'Maintenance contract, yearly', 'Services', 18500.00, 1);
END;
COMMENT ON FUNCTION lakehouse.sample_products() IS 'The twelve sample products with list price and the quantity they usually sell in.';

CREATE FUNCTION lakehouse.load_sample_products(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    since CONSTANT timestamptz := lakehouse.sample_today() - interval '2 years';
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'products';
    INSERT INTO products (id, sku, name, family, created_at, updated_at, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'product', p.n), p.sku, p.name, p.family, since, since, 'import'
    FROM lakehouse.sample_products() p ORDER BY p.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;

    object := 'price_books';
    INSERT INTO price_books (id, name, is_default, created_at, updated_at, actor_kind)
    VALUES (lakehouse.sample_id(tenant, 'price_book', 1), 'List prices', NOT EXISTS (SELECT FROM price_books WHERE is_default), since, since, 'import')
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;

    object := 'price_book_entries';
    INSERT INTO price_book_entries (id, price_book_id, product_id, unit_price, created_at, updated_at, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'price', p.n), lakehouse.sample_id(tenant, 'price_book', 1),
           lakehouse.sample_id(tenant, 'product', p.n), p.unit_price, since, since, 'import'
    FROM lakehouse.sample_products() p ORDER BY p.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_products(text) IS 'Part of load_sample_crm: products and one price book.';

-- The course of each deal. A deal takes its cycle of 30 to 119 days; older ones have ended, won or lost.
CREATE FUNCTION lakehouse.sample_opportunities()
RETURNS TABLE (n integer, account_n integer, created_at timestamptz, ended_at timestamptz, outcome text, reached integer, due date)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH course AS (
        SELECT g.n, 1 + floor(300 * power(lakehouse.sample_number('deal.account', g.n, 1000) / 1000.0, 1.25))::integer AS account_n,
               lakehouse.sample_today() - make_interval(days => lakehouse.sample_number('deal.age', g.n, 364), hours => 6 + lakehouse.sample_number('deal.hour', g.n, 10)) AS created_at,
               30 + lakehouse.sample_number('deal.cycle', g.n, 90) AS cycle,
               lakehouse.sample_number('deal.fate', g.n, 100) AS fate
        FROM generate_series(1, 600) AS g (n)
    ), ended AS (
        -- One deal in seven drags on past its cycle and is still open.
        SELECT c.*, CASE WHEN c.created_at + make_interval(days => c.cycle) >= lakehouse.sample_today() OR c.fate >= 86 THEN 'open'
                         WHEN c.fate < 40 THEN 'won' ELSE 'lost' END AS outcome
        FROM course c
    )
    SELECT e.n, e.account_n, e.created_at, CASE WHEN e.outcome <> 'open' THEN e.created_at + make_interval(days => e.cycle) END, e.outcome,
           CASE WHEN e.outcome = 'won' THEN 5 WHEN e.outcome = 'lost' OR e.fate >= 86 THEN 1 + lakehouse.sample_number('deal.reached', e.n, 5)
                ELSE least(5, 1 + floor(extract(epoch FROM lakehouse.sample_today() - e.created_at) / (86400.0 * e.cycle) * 5))::integer END,
           CASE WHEN e.outcome <> 'open' THEN (e.created_at + make_interval(days => e.cycle)) AT TIME ZONE 'UTC'
                WHEN e.fate < 86 THEN (e.created_at + make_interval(days => e.cycle + 7)) AT TIME ZONE 'UTC'
                ELSE lakehouse.sample_today() AT TIME ZONE 'UTC' + make_interval(days => lakehouse.sample_number('deal.slip', e.n, 60) - 15) END::date
    FROM ended e;
END;
COMMENT ON FUNCTION lakehouse.sample_opportunities() IS
'How each of the 600 sample deals went: when it began and ended, how (open, won, lost), the last open stage it reached (1 to 5), and its close date.';

CREATE FUNCTION lakehouse.sample_line_items()
RETURNS TABLE (deal integer, line integer, product integer, quantity integer, unit_price numeric, discount_pct integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- Every third deal has one to four lines, each of another product.
    SELECT d.n * 3, l.n, p.n, greatest(1, p.usual_quantity * (50 + lakehouse.sample_number('line.quantity', d.n * 10 + l.n, 150)) / 100), p.unit_price,
           (ARRAY[0, 0, 0, 5, 10, 15])[1 + lakehouse.sample_number('line.discount', d.n * 10 + l.n, 6)]
    FROM generate_series(1, 200) AS d (n)
    CROSS JOIN LATERAL generate_series(1, 1 + lakehouse.sample_number('line.count', d.n, 4)) AS l (n)
    JOIN lakehouse.sample_products() p ON p.n = 1 + (lakehouse.sample_number('line.product', d.n, 12) + l.n * 5) % 12;
END;
COMMENT ON FUNCTION lakehouse.sample_line_items() IS 'Line items of the sample deals.';

CREATE FUNCTION lakehouse.load_sample_opportunities(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'opportunities';
    -- History is loaded below with the times the deals really moved, not with today's.
    ALTER TABLE opportunities DISABLE TRIGGER record_first_stage;
    INSERT INTO opportunities (id, account_id, name, stage, amount, close_date, closed_at, won_at, lost_reason, type, lead_source, next_step,
                               price_book_id, owner_id, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'opportunity', s.n), a.id, a.name || ': ' || k.title,
           CASE s.outcome WHEN 'won' THEN 'Closed Won' WHEN 'lost' THEN 'Closed Lost'
                ELSE (ARRAY['Qualification', 'Discovery', 'Proposal', 'Negotiation', 'Contract'])[s.reached] END,
           coalesce(t.total, (6 + lakehouse.sample_number('deal.amount', s.n, 40) * (1 + lakehouse.sample_number('deal.scale', s.n, 5))) * 1000),
           s.due, s.ended_at, CASE WHEN s.outcome = 'won' THEN s.ended_at END,
           CASE WHEN s.outcome = 'lost' THEN lakehouse.sample_pick(ARRAY['Price', 'Competitor', 'No decision', 'Budget cut', 'Timing', 'Missing feature'], 'deal.lost', s.n) END,
           k.type, lakehouse.sample_pick(ARRAY['web', 'referral', 'trade_fair', 'partner', 'outbound'], 'deal.source', s.n),
           CASE WHEN s.outcome = 'open' THEN (ARRAY['Qualify budget and timing', 'Visit the plant', 'Send the offer', 'Agree on discount and delivery', 'Get the contract signed'])[s.reached] END,
           CASE WHEN t.total IS NOT NULL THEN lakehouse.sample_id(tenant, 'price_book', 1) END,
           a.owner_id, s.created_at, a.owner_id,
           coalesce(s.ended_at, s.created_at + (lakehouse.sample_today() - s.created_at) * (s.reached - 1) / s.reached), a.owner_id, 'import'
    FROM lakehouse.sample_opportunities() s
    JOIN accounts a ON a.id = lakehouse.sample_id(tenant, 'account', s.account_n)
    CROSS JOIN LATERAL (SELECT split_part(x.kind, '/', 1) AS type, split_part(x.kind, '/', 2) AS title FROM (SELECT lakehouse.sample_pick(ARRAY[
        'new/pump replacement', 'new/condition monitoring pilot', 'new/valve modernisation', 'new/second line', 'expansion/sensor roll-out',
        'expansion/plant analytics', 'expansion/spare pumps', 'renewal/maintenance contract', 'renewal/monitoring subscription'], 'deal.kind', s.n)) AS x (kind)) k
    LEFT JOIN (SELECT i.deal, sum(round(i.quantity * i.unit_price * (100 - i.discount_pct) / 100, 2)) AS total
               FROM lakehouse.sample_line_items() i GROUP BY i.deal) t ON t.deal = s.n
    ORDER BY s.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    ALTER TABLE opportunities ENABLE TRIGGER record_first_stage;
    RETURN NEXT;

    RETURN QUERY SELECT * FROM lakehouse.load_sample_history(tenant);

    object := 'opportunity_line_items';
    INSERT INTO opportunity_line_items (id, opportunity_id, product_id, sort_order, quantity, unit_price, discount_pct, created_at, created_by,
                                        updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'line', i.deal * 10 + i.line), o.id, lakehouse.sample_id(tenant, 'product', i.product), i.line, i.quantity,
           i.unit_price, i.discount_pct, o.created_at, o.owner_id, o.created_at, o.owner_id, 'import'
    FROM lakehouse.sample_line_items() i
    JOIN opportunities o ON o.id = lakehouse.sample_id(tenant, 'opportunity', i.deal)
    ORDER BY i.deal, i.line
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;

    object := 'opportunity_contacts';
    -- The account's first contact decides; in every second deal its second contact evaluates.
    INSERT INTO opportunity_contacts (opportunity_id, contact_id, role, is_primary, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT o.id, lakehouse.sample_id(tenant, 'contact', s.account_n * 3 - 3 + r.n), r.role, r.n = 1, o.created_at, o.owner_id, o.created_at, o.owner_id, 'import'
    FROM lakehouse.sample_opportunities() s
    JOIN opportunities o ON o.id = lakehouse.sample_id(tenant, 'opportunity', s.n)
    JOIN (VALUES (1, 'decision_maker'), (2, 'evaluator')) AS r (n, role) ON r.n = 1 OR s.n % 2 = 0
    ORDER BY s.n, r.n
    ON CONFLICT (opportunity_id, contact_id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_opportunities(text) IS 'Part of load_sample_crm: opportunities, their history, line items and contacts.';

CREATE FUNCTION lakehouse.load_sample_history(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'opportunity_stage_history';
    -- A deal passes its open stages at even steps between its begin and its end, or today.
    INSERT INTO opportunity_stage_history (id, opportunity_id, from_stage_id, from_stage, to_stage_id, to_stage, amount, close_date,
                                           changed_at, changed_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'move', s.n * 10 + m.step), o.id, f.id, f.name, t.id, t.name, o.amount, o.close_date,
           CASE WHEN m.step > s.reached THEN s.ended_at
                ELSE s.created_at + (coalesce(s.ended_at, lakehouse.sample_today()) - s.created_at) * (m.step - 1) / s.reached END,
           o.owner_id, 'import'
    FROM lakehouse.sample_opportunities() s
    JOIN opportunities o ON o.id = lakehouse.sample_id(tenant, 'opportunity', s.n)
    CROSS JOIN LATERAL generate_series(1, s.reached + CASE WHEN s.outcome = 'open' THEN 0 ELSE 1 END) AS m (step)
    JOIN pipeline_stages t ON t.pipeline_id = o.pipeline_id
         AND CASE WHEN m.step > s.reached THEN t.name = CASE s.outcome WHEN 'won' THEN 'Closed Won' ELSE 'Closed Lost' END ELSE t.sort_order = m.step END
    LEFT JOIN pipeline_stages f ON f.pipeline_id = o.pipeline_id AND f.sort_order = m.step - 1
    ORDER BY s.n, m.step
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_history(text) IS 'Part of load_sample_crm: how the opportunities got to their stage.';

REVOKE ALL ON FUNCTION
    lakehouse.sample_products(),
    lakehouse.load_sample_products(text),
    lakehouse.sample_opportunities(),
    lakehouse.sample_line_items(),
    lakehouse.load_sample_opportunities(text),
    lakehouse.load_sample_history(text)
FROM PUBLIC;
