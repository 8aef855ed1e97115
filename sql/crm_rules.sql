-- SPDX-License-Identifier: PostgreSQL
-- Rules of CRM rows: published columns, audit columns, versions, line items, soft delete, search, checks.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
SELECT lakehouse.create_tenant('rt_rules') IS NOT NULL AS created;
SELECT lakehouse.create_user('rt_rules', 'mia@rules.example', 'Mia Moor') IS NOT NULL AS created;
SELECT lakehouse.create_user('rt_rules', 'bot@rules.example', 'Helpful Bot', 'agent') IS NOT NULL AS created;
SET search_path = rt_rules;

-- the published columns answer by name
SELECT id, organization_id, name, domain, industry, employees, revenue, country, created_at, updated_at FROM accounts;
SELECT id, account_id, first_name, last_name, email, phone, title, owner_id, created_at, updated_at FROM contacts;
SELECT id, organization_id, source, status, owner_id, score, created_at, updated_at FROM leads;
SELECT id, account_id, name, stage, amount, close_date, owner_id, won_at, lost_reason, created_at, updated_at FROM opportunities;
SELECT id, related_to_type, related_to_id, type, subject, completed_at, owner_id, created_at FROM activities;
SELECT id, account_id, contact_id, status, priority, queue, sla_due_at, resolved_at, created_at, updated_at FROM cases;

-- organization_id is the tenant's id and nothing else
SET ROLE rt_rules_mia;
INSERT INTO accounts (name, domain, account_number, description) VALUES ('Mills', 'Mills.example', 7, 'Grinds wheat and rye');
INSERT INTO leads (last_name, company) VALUES ('Quinn', 'Quinn Works');
RESET ROLE;
SELECT a.organization_id = t.id AS account, l.organization_id = t.id AS lead FROM accounts a, leads l, lakehouse.tenants t WHERE t.slug = 'rt_rules';
\set VERBOSITY terse
UPDATE accounts SET organization_id = id;
\set VERBOSITY default

-- who wrote the row comes from the role, and a bound role can't say otherwise
CREATE VIEW pg_temp.audit AS
SELECT a.name, c.full_name AS created_by, u.full_name AS updated_by, a.actor_kind, a.row_version, a.updated_at > a.created_at AS later
FROM accounts a LEFT JOIN users c ON c.id = a.created_by LEFT JOIN users u ON u.id = a.updated_by ORDER BY a.name;
GRANT SELECT ON pg_temp.audit TO PUBLIC;
SET ROLE rt_rules_mia;
SELECT * FROM pg_temp.audit;
-- an agent's own SQL can't write: the guard would refuse this one
RESET ROLE;
REVOKE lakehouse_agent FROM rt_rules_agent;
SET ROLE rt_rules_bot;
UPDATE accounts SET employees = 40, actor_kind = 'user', created_by = NULL, created_at = '2000-01-01', updated_by = NULL, row_version = 90;
SELECT * FROM pg_temp.audit;
RESET ROLE;
UPDATE accounts SET employees = 41;
SELECT * FROM pg_temp.audit;
UPDATE accounts SET employees = 42, actor_kind = 'import', updated_by = (SELECT id FROM users WHERE full_name = 'Mia Moor');
SELECT * FROM pg_temp.audit;
INSERT INTO accounts (name, owner_id, actor_kind) SELECT 'From a script', id, 'user' FROM users WHERE full_name = 'Mia Moor';
SELECT * FROM pg_temp.audit WHERE name = 'From a script';

-- a writer that read an old version changes nothing
SET ROLE rt_rules_mia;
UPDATE accounts SET employees = 50 WHERE name = 'Mills' AND row_version = 1 RETURNING employees;
UPDATE accounts SET employees = 50 WHERE name = 'Mills' AND row_version = 4 RETURNING employees, row_version;

-- domain and account_number are unique among live accounts; deleting is setting deleted_at
\set VERBOSITY terse
INSERT INTO accounts (name, domain) VALUES ('Copy', 'MILLS.EXAMPLE');
INSERT INTO accounts (name, account_number) VALUES ('Copy', 7);
DELETE FROM accounts WHERE name = 'Mills';
UPDATE accounts SET deleted_at = now() WHERE name = 'Mills';
INSERT INTO accounts (name, domain, account_number) VALUES ('New Mills', 'mills.example', 7);
UPDATE accounts SET deleted_at = NULL WHERE name = 'Mills';
\set VERBOSITY default

-- full text finds words of name, domain and description, and follows changes
SELECT name FROM accounts WHERE search @@ websearch_to_tsquery('english', 'grinding rye') ORDER BY name;
UPDATE accounts SET description = 'Now bakes bread' WHERE name = 'Mills';
SELECT name FROM accounts WHERE search @@ websearch_to_tsquery('english', 'rye') ORDER BY name;
SELECT name FROM accounts WHERE search @@ websearch_to_tsquery('simple', 'mills') ORDER BY name;

-- line items make the amount; editing it by hand changes nothing and says so
INSERT INTO products (sku, name) VALUES ('A', 'Pump'), ('B', 'Valve');
INSERT INTO opportunities (account_id, name, amount, close_date) SELECT id, 'Deal', 5, '2027-01-31' FROM accounts WHERE name = 'New Mills';
UPDATE opportunities SET amount = 6;
INSERT INTO opportunity_line_items (opportunity_id, product_id, quantity, unit_price, discount_pct)
SELECT o.id, p.id, v.quantity, v.price, v.discount FROM opportunities o, products p JOIN (VALUES ('A', 3, 99.99, 10), ('B', 1.5, 10, 0)) AS v (sku, quantity, price, discount) USING (sku);
SELECT p.sku, l.total FROM opportunity_line_items l JOIN products p ON p.id = l.product_id ORDER BY p.sku;
SELECT amount, expected_revenue FROM opportunities;
UPDATE opportunities SET amount = 1000000, next_step = 'Call';
SELECT amount, next_step FROM opportunities;
UPDATE opportunities SET amount = 284.97;
UPDATE opportunity_line_items SET quantity = 1 WHERE unit_price = 10;
SELECT amount FROM opportunities;
UPDATE opportunity_line_items SET deleted_at = now() WHERE unit_price = 10;
SELECT amount FROM opportunities;
-- without live lines the last amount stays and can be edited again
UPDATE opportunity_line_items SET deleted_at = now();
SELECT amount FROM opportunities;
UPDATE opportunities SET amount = 7;
SELECT amount FROM opportunities;
\set VERBOSITY terse
INSERT INTO opportunity_line_items (opportunity_id, product_id, quantity, unit_price) SELECT o.id, p.id, 0, 1 FROM opportunities o, products p LIMIT 1;
INSERT INTO opportunity_line_items (opportunity_id, product_id, quantity, unit_price, discount_pct) SELECT o.id, p.id, 1, 1, 101 FROM opportunities o, products p LIMIT 1;

-- an activity has one person and one thing at most, and tells them as one pair
INSERT INTO contacts (account_id, first_name, last_name, email) SELECT id, 'Rosa', 'Reed', 'rosa@mills.example' FROM accounts WHERE name = 'New Mills';
INSERT INTO cases (account_id, subject) SELECT id, 'Leaks' FROM accounts WHERE name = 'New Mills';
INSERT INTO activities (type, subject, opportunity_id, contact_id) SELECT 'call', '1 about a deal', o.id, c.id FROM opportunities o, contacts c;
INSERT INTO activities (type, subject, case_id) SELECT 'note', '2 about a case', id FROM cases;
INSERT INTO activities (type, subject, account_id) SELECT 'email', '3 about an account', id FROM accounts WHERE name = 'New Mills';
INSERT INTO activities (type, subject, lead_id) SELECT 'task', '4 with a lead', id FROM leads;
INSERT INTO activities (type, subject, contact_id) SELECT 'task', '5 with a contact', id FROM contacts;
INSERT INTO activities (type, subject) VALUES ('task', '6 with nobody');
SELECT a.subject, a.related_to_type, a.status, a.completed_at IS NOT NULL AS done,
       a.related_to_id IN (SELECT id FROM opportunities UNION ALL SELECT id FROM cases UNION ALL SELECT id FROM accounts
                           UNION ALL SELECT id FROM leads UNION ALL SELECT id FROM contacts) AS found
FROM activities a ORDER BY a.subject;
INSERT INTO activities (type, subject, contact_id, lead_id) SELECT 'call', 'x', c.id, l.id FROM contacts c, leads l;
INSERT INTO activities (type, subject, opportunity_id, case_id) SELECT 'call', 'x', o.id, c.id FROM opportunities o, cases c;
INSERT INTO activities (type, subject) VALUES ('visit', 'x');
INSERT INTO activities (type, subject) VALUES ('event', 'x');
INSERT INTO activities (type, subject, starts_at, ends_at) VALUES ('event', 'x', '2026-11-02', '2026-11-01');
INSERT INTO activities (type, subject, starts_at, ends_at) VALUES ('event', '7 event', '2026-11-02', '2026-11-02');
INSERT INTO activities (type, subject, related_to_id) SELECT 'call', 'x', id FROM cases;

-- status and time of completion go together, whichever is written
UPDATE activities SET status = 'completed' WHERE subject LIKE '4%';
UPDATE activities SET completed_at = '2026-10-01' WHERE subject LIKE '5%';
SELECT subject, status, completed_at IS NOT NULL AS done FROM activities WHERE subject ~ '^[45]' ORDER BY subject;
UPDATE activities SET status = 'open' WHERE subject LIKE '4%';
UPDATE activities SET completed_at = NULL WHERE subject LIKE '5%';
SELECT subject, status, completed_at IS NOT NULL AS done FROM activities WHERE subject ~ '^[45]' ORDER BY subject;
UPDATE cases SET resolved_at = now();
SELECT subject, status, resolved_at IS NOT NULL AS resolved, closed_at IS NOT NULL AS closed FROM cases;
UPDATE cases SET status = 'closed';
SELECT subject, status, resolved_at IS NOT NULL AS resolved, closed_at IS NOT NULL AS closed FROM cases;
UPDATE cases SET status = 'open';
SELECT subject, status, resolved_at IS NOT NULL AS resolved, closed_at IS NOT NULL AS closed FROM cases;

-- one primary contact per deal, one default price book, conversions whole
INSERT INTO opportunity_contacts (opportunity_id, contact_id, is_primary) SELECT o.id, c.id, true FROM opportunities o, contacts c;
INSERT INTO contacts (last_name) VALUES ('Second');
INSERT INTO opportunity_contacts (opportunity_id, contact_id, is_primary) SELECT o.id, c.id, true FROM opportunities o, contacts c WHERE c.last_name = 'Second';
INSERT INTO price_books (name, is_default) VALUES ('One', true), ('Two', true);
UPDATE leads SET status = 'qualified', converted_at = now();
UPDATE leads SET converted_at = now(), converted_account_id = o.account_id, converted_contact_id = c.id, converted_opportunity_id = o.id
FROM opportunities o, contacts c WHERE c.last_name = 'Reed';
UPDATE leads SET status = 'qualified', converted_at = now(), converted_account_id = o.account_id, converted_contact_id = c.id, converted_opportunity_id = o.id
FROM opportunities o, contacts c WHERE c.last_name = 'Reed';
INSERT INTO contacts (last_name, email) VALUES ('Nobody', 'not an address');
INSERT INTO accounts (name, custom) VALUES ('Bad custom', '[]');

RESET ROLE;
RESET search_path;
DROP VIEW pg_temp.audit;
SELECT lakehouse.drop_tenant('rt_rules');
