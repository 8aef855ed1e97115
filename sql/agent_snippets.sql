-- SPDX-License-Identifier: PostgreSQL
-- What an administrator pastes into an agent: every preset makes a client that fits its text; who may, and what is refused.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
SELECT lakehouse.create_tenant(slug) IS NOT NULL AS created FROM unnest('{rt_snippets,rt_snippets_other}'::text[]) slug;
SELECT lakehouse.create_user('rt_snippets', r || '@snippets.example', initcap(r), r) IS NOT NULL AS created FROM unnest('{admin,member,readonly,agent}'::text[]) r;
SELECT lakehouse.create_user('rt_snippets_other', 'admin@other.example', 'Admin', 'admin') IS NOT NULL AS created;

-- an admin makes one for every agent
SET ROLE rt_snippets_admin_2;
CREATE TEMP TABLE snippets AS
SELECT p.agent, lakehouse.agent_snippet('rt_snippets', p.agent, 'https://adb-1.azuredatabricks.net/') AS text FROM lakehouse.agent_presets p;
RESET ROLE;

-- each names its own client and no other, which is as the agent needs it
SELECT s.agent, c.kind, c.redirect_uris, c.scopes = '{crm:read,crm:write,erp:read,warehouse:query}' AS all_scopes, c.allow_refresh_tokens AS refresh,
       left(c.name, strpos(c.name, ' 2') - 1) AS name
FROM snippets s LEFT JOIN lakehouse.oauth_clients c ON strpos(s.text, c.client_id) > 0 ORDER BY s.agent COLLATE "C";
SELECT count(*) AS clients FROM lakehouse.oauth_clients WHERE tenant_id = lakehouse.find_tenant('rt_snippets');

-- nothing is left to fill in; the secret is the client's, and only those that keep one have one
SELECT s.agent FROM snippets s WHERE s.text ~ '\{[a-z_]+\}' OR s.text ~ 'lkh_cs_' <> EXISTS (
    SELECT FROM lakehouse.oauth_clients c WHERE strpos(s.text, c.client_id) > 0
           AND c.secret_hash = sha256(convert_to(substring(s.text FROM 'lkh_cs_[A-Za-z0-9_-]+'), 'UTF8')));

-- the texts
\pset format unaligned
\pset tuples_only on
SELECT regexp_replace(regexp_replace(replace(s.text, lakehouse.public_origin('rt_snippets'), '<origin>'),
                                     'crm_[0-9a-f]{32}', '<client id>', 'g'), 'lkh_cs_[A-Za-z0-9_-]+', '<secret>', 'g')
FROM snippets s ORDER BY s.agent COLLATE "C";
\pset format aligned
\pset tuples_only off

-- Cursor's is JSON after its first line
SELECT substr(text, strpos(text, '{'))::jsonb #>> '{mcpServers,crm,url}' = lakehouse.public_origin('rt_snippets') || '/mcp' AS url FROM snippets WHERE agent = 'cursor';

-- asked again, it is another client; the one for Databricks has a function of its own
SET ROLE rt_snippets_admin_2;
SELECT lakehouse.agent_snippet('rt_snippets', 'claude') <> text AS another FROM snippets WHERE agent = 'claude';
SELECT lakehouse.databricks_agent_snippet('rt_snippets', 'https://adb-2.azuredatabricks.net') ~ 'https://adb-2[.]azuredatabricks[.]net/api/2[.]0/mcp/external/lakehouse_rt_snippets' AS workspace;
SELECT count(*) AS clients FROM lakehouse.oauth_clients;

-- what is refused; a refusal makes no client
SELECT lakehouse.agent_snippet('rt_snippets', 'nosuch');
SELECT lakehouse.agent_snippet('rt_snippets', 'databricks');
SELECT lakehouse.agent_snippet('rt_snippets', 'databricks', 'ftp://workspace.example');
SELECT lakehouse.databricks_agent_snippet('rt_snippets', NULL);
SELECT lakehouse.agent_snippet('rt_snippets_other', 'claude');
SELECT count(*) AS clients FROM lakehouse.oauth_clients;
SET ROLE rt_snippets_other_admin_2;
SELECT lakehouse.agent_snippet('rt_snippets', 'claude');
SET ROLE rt_snippets_member_2;
SELECT lakehouse.agent_snippet('rt_snippets', 'claude');
SELECT agent FROM lakehouse.agent_presets;
RESET ROLE;

SET client_min_messages = warning;
DROP TABLE snippets;
SELECT lakehouse.drop_tenant(slug) FROM unnest('{rt_snippets,rt_snippets_other}'::text[]) slug;
