-- SPDX-License-Identifier: PostgreSQL
-- What the tour finds: tenant acme with a sample CRM, its sign-ins, and an OAuth client for agents. May run twice.
\set QUIET on
\getenv admin_password DEMO_ADMIN_PASSWORD
\getenv member_password DEMO_MEMBER_PASSWORD
\getenv agent_password DEMO_AGENT_PASSWORD

SELECT lakehouse.create_tenant('acme', if_not_exists => true);
SELECT * FROM lakehouse.load_sample_crm('acme');
SELECT lakehouse.create_user('acme', 'ada@acme.example', 'Ada Admin', 'admin', :'admin_password', if_not_exists => true);
SELECT lakehouse.create_user('acme', 'sam@acme.example', 'Sam Seller', 'member', :'member_password', if_not_exists => true);
SELECT lakehouse.create_user('acme', 'robin@acme.example', 'Robin Agent', 'agent', :'agent_password', if_not_exists => true);
SELECT client_id FROM lakehouse.create_oauth_client('acme', 'Demo agent', ARRAY['http://localhost/callback'],
    scopes => ARRAY['crm:read', 'crm:write', 'warehouse:query'], is_public => true, if_not_exists => true);
