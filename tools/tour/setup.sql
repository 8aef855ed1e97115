-- SPDX-License-Identifier: PostgreSQL
-- What the tour finds: tenant acme with a sample CRM and its sign-ins. May run twice.
\set QUIET on
\getenv admin_password DEMO_ADMIN_PASSWORD
\getenv member_password DEMO_MEMBER_PASSWORD

SELECT lakehouse.create_tenant('acme', if_not_exists => true);
SELECT * FROM lakehouse.load_sample_crm('acme');
SELECT lakehouse.create_user('acme', 'ada@acme.example', 'Ada Admin', 'admin', :'admin_password', if_not_exists => true);
SELECT lakehouse.create_user('acme', 'sam@acme.example', 'Sam Seller', 'member', :'member_password', if_not_exists => true);
