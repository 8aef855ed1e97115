-- SPDX-License-Identifier: PostgreSQL
-- The stage drives an opportunity: probability, forecast, closed and won follow, history remembers.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET datestyle = ISO;
SELECT lakehouse.create_tenant('rt_stages') IS NOT NULL AS created;
SELECT lakehouse.create_user('rt_stages', 'mia@stages.example', 'Mia Moor') IS NOT NULL AS created;
SELECT lakehouse.create_user('rt_stages', 'abe@stages.example', 'Abe Admin', 'admin') IS NOT NULL AS created;
SET search_path = rt_stages;
INSERT INTO accounts (name, owner_id) SELECT 'Buyer', id FROM users WHERE pg_role = 'rt_stages_mia';
CREATE VIEW pg_temp.deal AS
SELECT name, stage, probability AS prob, forecast_category AS forecast, is_closed, is_won, won_at IS NOT NULL AS won_at,
       closed_at IS NOT NULL AS closed_at, lost_reason, row_version AS v
FROM opportunities;
CREATE VIEW pg_temp.moves AS
SELECT o.name, h.from_stage, h.to_stage, h.amount, u.full_name AS changed_by, h.actor_kind
FROM opportunity_stage_history h JOIN opportunities o ON o.id = h.opportunity_id LEFT JOIN users u ON u.id = h.changed_by
ORDER BY o.name, h.changed_at, h.from_stage NULLS FIRST;
GRANT SELECT ON pg_temp.deal, pg_temp.moves TO PUBLIC;

SELECT sort_order, name, default_probability, forecast_category, is_closed, is_won FROM pipeline_stages ORDER BY sort_order;

SET ROLE rt_stages_mia;

-- without a stage it starts in the default pipeline's first open one, owned by its maker
INSERT INTO opportunities (account_id, name, amount, close_date) SELECT id, 'Pumps', 1000, current_date + 30 FROM accounts;
SELECT * FROM pg_temp.deal;
SELECT u.full_name AS owner, c.full_name AS created_by, o.actor_kind, o.expected_revenue
FROM opportunities o JOIN users u ON u.id = o.owner_id JOIN users c ON c.id = o.created_by;

-- the stage moves by name, whatever its case, or by id
UPDATE opportunities SET stage = 'proposal';
SELECT * FROM pg_temp.deal;
UPDATE opportunities SET stage_id = (SELECT id FROM pipeline_stages WHERE name = 'Contract');
SELECT * FROM pg_temp.deal;

-- what follows from the stage can't be typed against it
UPDATE opportunities SET is_won = true;
UPDATE opportunities SET is_closed = true;
UPDATE opportunities SET probability = 99;
UPDATE opportunities SET forecast_category = 'closed';
UPDATE opportunities SET won_at = now();
UPDATE opportunities SET stage = 'Discovery', is_won = true;
INSERT INTO opportunities (account_id, name, close_date, is_closed) SELECT id, 'Closed at birth', current_date, true FROM accounts;
-- but saying what the stage says is no error
UPDATE opportunities SET stage = 'Negotiation', probability = 70, is_closed = false;

-- stages that don't exist, are elsewhere, contradict each other or are null
UPDATE opportunities SET stage = 'Handshake';
UPDATE opportunities SET stage_id = (SELECT id FROM pipeline_stages WHERE name = 'Closed Won'), stage = 'Closed Lost';
UPDATE opportunities SET stage = NULL;
SELECT * FROM pg_temp.deal;

-- winning early pulls the close date to today
SELECT close_date > current_date AS later FROM opportunities;
UPDATE opportunities SET stage = 'Closed Won';
SELECT close_date = current_date AS today, won_at = updated_at AS now FROM opportunities;
SELECT * FROM pg_temp.deal;

-- a won deal that is reopened and lost has a reason, and loses it when it is reopened again
\set VERBOSITY terse
UPDATE opportunities SET stage = 'Proposal', lost_reason = 'Price';
\set VERBOSITY default
UPDATE opportunities SET stage = 'Proposal';
SELECT * FROM pg_temp.deal;
UPDATE opportunities SET stage = 'Closed Lost', lost_reason = 'Price';
SELECT * FROM pg_temp.deal;
UPDATE opportunities SET stage = 'Proposal';
SELECT * FROM pg_temp.deal;

-- each move is in the history once, other changes are not
UPDATE opportunities SET amount = 1200, next_step = 'Call';
SELECT * FROM pg_temp.moves;

-- nobody bends history: a member has no right to, the owner of the table is refused
UPDATE opportunity_stage_history SET to_stage = 'Closed Won';
INSERT INTO opportunity_stage_history SELECT * FROM opportunity_stage_history;
RESET ROLE;
UPDATE opportunity_stage_history SET to_stage = 'Closed Won';
DELETE FROM opportunity_stage_history;
TRUNCATE opportunity_stage_history;

-- an import may bring the time of winning, and the close date never comes after it
INSERT INTO opportunities (account_id, owner_id, name, stage, close_date, won_at, actor_kind)
SELECT id, owner_id, 'Old deal', 'Closed Won', '2026-12-31', '2026-03-05 12:00+00', 'import' FROM accounts;
SELECT close_date, closed_at = won_at AS same_time, actor_kind, created_by IS NULL AS nobody FROM opportunities WHERE name = 'Old deal';
INSERT INTO opportunities (account_id, owner_id, name, stage, close_date, won_at)
SELECT id, owner_id, 'Won while open', 'Proposal', '2026-12-31', '2026-03-05 12:00+00' FROM accounts;

-- a stage belongs to one pipeline: rule and composite foreign key agree
SET ROLE rt_stages_abe;
INSERT INTO pipelines (name) VALUES ('Renewals');
INSERT INTO pipelines (name, is_default) VALUES ('Two defaults', true);
INSERT INTO pipeline_stages (pipeline_id, name, sort_order, default_probability, forecast_category)
SELECT id, v.name, v.n, v.p, 'pipeline' FROM pipelines, (VALUES ('Due', 1, 60), ('Proposal', 2, 80)) AS v (name, n, p) WHERE pipelines.name = 'Renewals';
UPDATE opportunities SET stage = 'Due' WHERE name = 'Pumps';
UPDATE opportunities SET pipeline_id = (SELECT id FROM pipelines WHERE name = 'Renewals') WHERE name = 'Pumps';
SELECT * FROM pg_temp.deal WHERE name = 'Pumps';
UPDATE opportunities SET pipeline_id = (SELECT id FROM pipelines WHERE name = 'Sales'), stage = 'Contract' WHERE name = 'Pumps';
INSERT INTO opportunities (account_id, name, close_date, pipeline_id)
SELECT a.id, 'Renewal', '2026-12-31', p.id FROM accounts a, pipelines p WHERE p.name = 'Renewals';
INSERT INTO opportunities (account_id, name, close_date, stage_id)
SELECT a.id, 'By stage id', '2026-12-31', s.id FROM accounts a, pipeline_stages s WHERE s.name = 'Due';
SELECT d.*, p.name AS pipeline FROM pg_temp.deal d JOIN opportunities o USING (name) JOIN pipelines p ON p.id = o.pipeline_id
WHERE d.name IN ('Pumps', 'Renewal', 'By stage id') ORDER BY d.name;
INSERT INTO pipelines (name) VALUES ('Empty');
INSERT INTO opportunities (account_id, name, close_date, pipeline_id)
SELECT a.id, 'No stage there', '2026-12-31', p.id FROM accounts a, pipelines p WHERE p.name = 'Empty';
RESET ROLE;
ALTER TABLE opportunities DISABLE TRIGGER choose_stage;
\set VERBOSITY terse
UPDATE opportunities SET stage_id = (SELECT id FROM pipeline_stages WHERE name = 'Due') WHERE name = 'Pumps';
\set VERBOSITY default
ALTER TABLE opportunities ENABLE TRIGGER choose_stage;
SET ROLE rt_stages_abe;

-- opportunities follow when their stage is renamed or gets another probability; the move is none
UPDATE pipeline_stages SET name = 'Signing', default_probability = 95 WHERE name = 'Contract';
SELECT * FROM pg_temp.deal WHERE name = 'Pumps';
SELECT count(*) FROM pg_temp.moves WHERE to_stage = 'Signing';
-- a stage in use keeps its meaning and can't go; an unused one can change
UPDATE pipeline_stages SET is_closed = true WHERE name = 'Signing';
\set VERBOSITY terse
DELETE FROM pipeline_stages WHERE name = 'Signing';
UPDATE pipeline_stages SET is_won = true WHERE name = 'Qualification';
UPDATE pipeline_stages SET default_probability = 101 WHERE name = 'Signing';
\set VERBOSITY default
UPDATE pipeline_stages SET is_closed = true, is_won = true WHERE name = 'Qualification' RETURNING name;
UPDATE pipeline_stages SET is_closed = false, is_won = false WHERE name = 'Qualification' RETURNING name;
-- an inactive stage takes nobody in
UPDATE pipeline_stages SET is_active = false WHERE name = 'Discovery';
UPDATE opportunities SET stage = 'Discovery' WHERE name = 'Pumps';
-- without a default pipeline an opportunity must name one
UPDATE pipelines SET is_default = false;
INSERT INTO opportunities (account_id, name, close_date) SELECT id, 'Nowhere', '2026-12-31' FROM accounts;

-- erasing an opportunity is for admins, and takes its history along
SET ROLE rt_stages_mia;
DELETE FROM opportunities WHERE name = 'Pumps';
SET ROLE rt_stages_abe;
DELETE FROM opportunities WHERE name = 'Pumps';
SELECT name, to_stage FROM pg_temp.moves;

RESET ROLE;
RESET search_path;
DROP VIEW pg_temp.moves, pg_temp.deal;
SELECT lakehouse.drop_tenant('rt_stages');
