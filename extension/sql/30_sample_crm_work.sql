-- SPDX-License-Identifier: PostgreSQL
-- Sample cases and activities: what the people of the sample do all year.

CREATE FUNCTION lakehouse.load_sample_cases(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'cases';
    INSERT INTO cases (id, account_id, contact_id, subject, status, priority, origin, queue, owner_id, opened_at, sla_due_at, resolved_at,
                       closed_at, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'case', c.n), lakehouse.sample_id(tenant, 'account', c.account_n),
           lakehouse.sample_id(tenant, 'contact', c.account_n * 3 - lakehouse.sample_number('case.contact', c.n, 3)), c.subject, c.status,
           c.priority, lakehouse.sample_pick(ARRAY['email', 'phone', 'web', 'chat'], 'case.origin', c.n), c.queue,
           CASE WHEN c.status <> 'new' THEN c.owner_id END, c.opened_at, c.opened_at + c.allowed,
           CASE WHEN c.status IN ('resolved', 'closed') THEN c.done_at END, CASE WHEN c.status = 'closed' THEN c.done_at + interval '5 days' END,
           c.opened_at, c.owner_id,
           CASE c.status WHEN 'closed' THEN c.done_at + interval '5 days' WHEN 'resolved' THEN c.done_at ELSE c.opened_at END, c.owner_id, 'import'
    FROM (
        SELECT d.*, CASE WHEN d.done_at + interval '5 days' < lakehouse.sample_today() THEN 'closed'
                         WHEN d.done_at < lakehouse.sample_today() THEN 'resolved'
                         ELSE (ARRAY['new', 'open', 'open', 'waiting'])[1 + lakehouse.sample_number('case.status', d.n, 4)] END AS status
        FROM (
            SELECT b.*, b.opened_at + b.allowed * (20 + lakehouse.sample_number('case.pace', b.n, 120)) / 100 AS done_at
            FROM (
                SELECT g.n, 1 + lakehouse.sample_number('case.account', g.n, 300) AS account_n, p.priority, p.allowed, s.subject, s.queue,
                       lakehouse.sample_id(tenant, 'user', 7 + lakehouse.sample_number('case.owner', g.n, 2)) AS owner_id,
                       -- Every fifth is from the last two weeks, so that there is a queue to look at.
                       lakehouse.sample_today() - make_interval(hours => 2 + lakehouse.sample_number('case.age', g.n, CASE WHEN g.n % 5 = 0 THEN 330 ELSE 8700 END)) AS opened_at
                FROM generate_series(1, 200) AS g (n)
                JOIN (VALUES (0, 'urgent', interval '1 day'), (1, 'high', interval '3 days'), (2, 'normal', interval '7 days'), (3, 'normal', interval '7 days'),
                             (4, 'low', interval '14 days')) AS p (k, priority, allowed) ON p.k = lakehouse.sample_number('case.priority', g.n, 5)
                JOIN (VALUES (0, 'Pump vibrates under load', 'Field service'), (1, 'Valve does not close fully', 'Field service'),
                             (2, 'Sensor shows no data', 'Remote support'), (3, 'Gateway lost its connection', 'Remote support'),
                             (4, 'Invoice does not match the order', 'Billing'), (5, 'Delivery came short', 'Orders'),
                             (6, 'When does our order ship?', 'Orders'), (7, 'Spare part wanted', 'Orders'),
                             (8, 'Dashboard is slow', 'Remote support')) AS s (k, subject, queue) ON s.k = lakehouse.sample_number('case.subject', g.n, 9)
            ) b
        ) d
    ) c
    ORDER BY c.opened_at, c.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_cases(text) IS 'Part of load_sample_crm: cases of the last year.';

-- What an activity is about, when it happens and of which type. Seven in ten belong to a deal and
-- fall between its begin and its end; what would come after today is still to do.
CREATE FUNCTION lakehouse.sample_activities()
RETURNS TABLE (n integer, about text, about_n integer, account_n integer, at timestamptz, type text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH target AS (
        SELECT g.n, CASE WHEN g.n % 10 < 7 THEN 'opportunity' WHEN g.n % 10 = 7 THEN 'account' WHEN g.n % 10 = 8 THEN 'case' ELSE 'lead' END AS about,
               1 + lakehouse.sample_number('activity.about', g.n, CASE WHEN g.n % 10 < 7 THEN 600 WHEN g.n % 10 = 7 THEN 300 WHEN g.n % 10 = 8 THEN 200 ELSE 250 END) AS about_n
        FROM generate_series(1, 3000) AS g (n)
    ), timed AS (
        SELECT t.n, t.about, t.about_n, coalesce(s.account_n, t.about_n) AS account_n,
               CASE WHEN s.n IS NOT NULL
                    THEN s.created_at + (coalesce(s.ended_at, lakehouse.sample_today() + interval '21 days') - s.created_at) * lakehouse.sample_number('activity.when', t.n, 1000) / 1000
                    ELSE lakehouse.sample_today() + make_interval(hours => 240 - lakehouse.sample_number('activity.when', t.n, 8000)) END AS at
        FROM target t
        LEFT JOIN lakehouse.sample_opportunities() s ON t.about = 'opportunity' AND s.n = t.about_n
    )
    SELECT d.n, d.about, d.about_n, d.account_n, d.at,
           CASE WHEN d.at > lakehouse.sample_today() THEN lakehouse.sample_pick(ARRAY['task', 'task', 'event'], 'activity.type', d.n)
                ELSE lakehouse.sample_pick(ARRAY['call', 'call', 'call', 'email', 'email', 'email', 'task', 'task', 'event', 'note'], 'activity.type', d.n) END
    FROM timed d;
END;
COMMENT ON FUNCTION lakehouse.sample_activities() IS 'The 3000 sample activities: about what, when, of which type.';

CREATE FUNCTION lakehouse.load_sample_activities(tenant text)
RETURNS TABLE (object text, rows bigint) LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(tenant) || ', pg_temp', true);
    object := 'activities';
    INSERT INTO activities (id, type, subject, priority, due_at, starts_at, ends_at, completed_at, direction, duration_s, contact_id, lead_id,
                            account_id, opportunity_id, case_id, owner_id, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT lakehouse.sample_id(tenant, 'activity', a.n), a.type,
           CASE a.type
               WHEN 'call' THEN lakehouse.sample_pick(ARRAY['Call about delivery time', 'Call about the offer', 'First call', 'Follow-up call'], 'activity.subject', a.n)
               WHEN 'email' THEN lakehouse.sample_pick(ARRAY['Offer sent', 'Data sheets sent', 'Question about prices', 'Thanks for the visit'], 'activity.subject', a.n)
               WHEN 'task' THEN lakehouse.sample_pick(ARRAY['Prepare the offer', 'Check stock', 'Update the forecast', 'Call back'], 'activity.subject', a.n)
               WHEN 'event' THEN lakehouse.sample_pick(ARRAY['Plant visit', 'Online demonstration', 'Contract meeting'], 'activity.subject', a.n)
               ELSE lakehouse.sample_pick(ARRAY['Budget is approved', 'New plant manager', 'Competitor has made an offer'], 'activity.subject', a.n) END,
           lakehouse.sample_pick(ARRAY['low', 'normal', 'normal', 'normal', 'high'], 'activity.priority', a.n),
           CASE WHEN a.type = 'task' THEN a.at END, CASE WHEN a.type = 'event' THEN a.at END, CASE WHEN a.type = 'event' THEN a.at + interval '1 hour' END,
           -- Of the tasks that are due, one in eight is late.
           CASE WHEN a.at <= lakehouse.sample_today() AND (a.type <> 'task' OR lakehouse.sample_number('activity.late', a.n, 8) > 0) THEN a.at END,
           CASE WHEN a.type IN ('call', 'email') THEN lakehouse.sample_pick(ARRAY['inbound', 'outbound', 'outbound'], 'activity.direction', a.n) END,
           CASE a.type WHEN 'call' THEN 60 + lakehouse.sample_number('activity.duration', a.n, 1500) WHEN 'event' THEN 3600 END,
           CASE WHEN a.about IN ('opportunity', 'account') THEN lakehouse.sample_id(tenant, 'contact', a.account_n * 3 - lakehouse.sample_number('activity.contact', a.n, 3))
                ELSE c.contact_id END,
           CASE WHEN a.about = 'lead' THEN lakehouse.sample_id(tenant, 'lead', a.about_n) END,
           CASE WHEN a.about = 'account' THEN lakehouse.sample_id(tenant, 'account', a.about_n) END,
           CASE WHEN a.about = 'opportunity' THEN lakehouse.sample_id(tenant, 'opportunity', a.about_n) END,
           c.id, w.owner_id, w.written_at, w.owner_id, w.written_at, w.owner_id, 'import'
    FROM lakehouse.sample_activities() a
    LEFT JOIN cases c ON a.about = 'case' AND c.id = lakehouse.sample_id(tenant, 'case', a.about_n)
    LEFT JOIN accounts x ON a.about IN ('opportunity', 'account') AND x.id = lakehouse.sample_id(tenant, 'account', a.account_n)
    CROSS JOIN LATERAL (SELECT coalesce(x.owner_id, c.owner_id, lakehouse.sample_id(tenant, 'user', CASE a.about WHEN 'case' THEN 7 ELSE 6 END)) AS owner_id,
                               least(a.at, lakehouse.sample_today() - interval '1 hour') AS written_at) w
    ORDER BY a.n
    ON CONFLICT (id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;

    object := 'activity_contacts';
    -- To events about a deal or an account comes one more person of the same account.
    INSERT INTO activity_contacts (activity_id, contact_id, created_at, created_by, updated_at, updated_by, actor_kind)
    SELECT a.id, lakehouse.sample_id(tenant, 'contact', s.account_n * 3 - (lakehouse.sample_number('activity.contact', s.n, 3) + 1) % 3),
           a.created_at, a.owner_id, a.created_at, a.owner_id, 'import'
    FROM lakehouse.sample_activities() s
    JOIN activities a ON a.id = lakehouse.sample_id(tenant, 'activity', s.n)
    WHERE s.type = 'event' AND s.about IN ('opportunity', 'account')
    ORDER BY s.n
    ON CONFLICT (activity_id, contact_id) DO NOTHING;
    GET DIAGNOSTICS rows = ROW_COUNT;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION lakehouse.load_sample_activities(text) IS 'Part of load_sample_crm: activities; needs accounts, opportunities, leads and cases.';

REVOKE ALL ON FUNCTION
    lakehouse.load_sample_cases(text),
    lakehouse.sample_activities(),
    lakehouse.load_sample_activities(text)
FROM PUBLIC;
