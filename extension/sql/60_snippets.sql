-- SPDX-License-Identifier: PostgreSQL
-- What an administrator pastes into an agent's settings: a client made with that agent's redirect address, and the text.

-- A tenant's admin may not read where the certificate is, and needs to know whether there is one.
CREATE FUNCTION lakehouse.serves_tls()
RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_serves_tls';
COMMENT ON FUNCTION lakehouse.serves_tls() IS 'The worker''s HTTP server has a certificate: it speaks https.';

CREATE FUNCTION lakehouse.public_origin(slug text)
RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    configured CONSTANT text := coalesce(current_setting('lakehouse.public_url', true), '');
    scheme CONSTANT text := CASE WHEN lakehouse.serves_tls() THEN 'https' ELSE 'http' END;
    -- Every address is this machine's for who is on it; a scheme's own port is not written.
    address CONSTANT text := regexp_replace(regexp_replace(current_setting('lakehouse.listen', true), '^([*]|0[.]0[.]0[.]0|\[::\]):', 'localhost:'),
                                            CASE scheme WHEN 'https' THEN ':443$' ELSE ':80$' END, '');
BEGIN
    IF configured <> '' THEN
        RETURN replace(rtrim(configured, '/'), '{org-slug}', replace(slug, '_', '-'));
    END IF;
    IF coalesce(address, '') = '' THEN
        RAISE EXCEPTION 'clients can''t reach the worker'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Set lakehouse.listen, and lakehouse.public_url.';
    END IF;
    RETURN scheme || '://' || address;
END
$$;
COMMENT ON FUNCTION lakehouse.public_origin(text) IS
'Where a tenant''s clients reach the worker: of lakehouse.public_url, or the address it listens on.';

-- Where each agent takes its codes, by its own documentation.
CREATE TABLE lakehouse.agent_presets (
    agent text PRIMARY KEY,
    title text NOT NULL,
    redirect_uris text[] NOT NULL,
    is_public boolean NOT NULL,
    template text NOT NULL
);
COMMENT ON TABLE lakehouse.agent_presets IS 'Agents that lakehouse.agent_snippet knows';
COMMENT ON COLUMN lakehouse.agent_presets.agent IS 'Name to ask for it by';
COMMENT ON COLUMN lakehouse.agent_presets.title IS 'Its name';
COMMENT ON COLUMN lakehouse.agent_presets.redirect_uris IS 'Addresses that it receives codes at; {workspace_url} stands for the workspace''s';
COMMENT ON COLUMN lakehouse.agent_presets.is_public IS 'It keeps no secret';
COMMENT ON COLUMN lakehouse.agent_presets.template IS 'Text to paste, with {url}, {client_id}, {client_secret}, {tenant}, {scopes}, {issuer}, {workspace_url}';
REVOKE ALL ON lakehouse.agent_presets FROM PUBLIC;

INSERT INTO lakehouse.agent_presets (agent, title, redirect_uris, is_public, template) VALUES
('claude', 'Claude', '{https://claude.ai/api/mcp/auth_callback,https://claude.com/api/mcp/auth_callback}', false,
'Claude: Settings > Connectors > Add custom connector
  Name: crm
  Remote MCP server URL: {url}
  Advanced settings > OAuth Client ID: {client_id}
  Advanced settings > OAuth Client Secret: {client_secret}
'),
('claude_code', 'Claude Code', '{http://localhost:8765/callback}', true,
'claude mcp add --transport http --client-id {client_id} --callback-port 8765 crm {url}
claude /mcp   # signs in
'),
('cursor', 'Cursor', '{cursor://anysphere.cursor-mcp/oauth/callback}', true,
'~/.cursor/mcp.json:
{
  "mcpServers": {
    "crm": { "url": "{url}", "auth": { "CLIENT_ID": "{client_id}", "scopes": [{scopes_json}] } }
  }
}
'),
('chatgpt', 'ChatGPT', '{https://chatgpt.com/connector_platform_oauth_redirect}', false,
'ChatGPT: Settings > Apps & Connectors > Create
  MCP server URL: {url}
  Authentication: OAuth, client ID {client_id}, client secret {client_secret}
'),
('databricks', 'Databricks', '{"{workspace_url}/api/2.0/agent/mcp/callback"}', false,
'# 1. Once, in a shell with the Databricks CLI: the secret goes into a secret scope, not into the notebook.
databricks secrets create-scope lakehouse-{tenant}
databricks secrets put-secret lakehouse-{tenant} client-secret   # paste: {client_secret}

# 2. In a notebook: a Unity Catalog HTTP connection to the MCP server, with sign-in for each user.
spark.sql(f"""
CREATE CONNECTION IF NOT EXISTS lakehouse_{tenant} TYPE HTTP
OPTIONS (
  host ''{issuer}'',
  base_path ''/mcp'',
  client_id ''{client_id}'',
  client_secret ''{dbutils.secrets.get("lakehouse-{tenant}", "client-secret")}'',
  oauth_scope ''{scopes}'',
  authorization_endpoint ''{issuer}/oauth/authorize'',
  token_endpoint ''{issuer}/oauth/token'',
  is_mcp_connection ''true''
)""")

# 3. Agents reach it at {workspace_url}/api/2.0/mcp/external/lakehouse_{tenant}
');

CREATE FUNCTION lakehouse.agent_snippet(tenant text, agent text, workspace_url text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    scopes CONSTANT text[] := ARRAY['crm:read', 'crm:write', 'erp:read', 'warehouse:query'];
    preset lakehouse.agent_presets;
    workspace CONSTANT text := rtrim(workspace_url, '/');
    issuer CONSTANT text := lakehouse.public_origin(tenant);
    uris text[];
    made record;
    place record;
    written text;
BEGIN
    SELECT * INTO preset FROM lakehouse.agent_presets p WHERE p.agent = agent_snippet.agent;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'agent "%" is not known', left(agent, 100)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Agents: %s. For another one use lakehouse.create_oauth_client().',
                                (SELECT string_agg(p.agent, ', ' ORDER BY p.agent) FROM lakehouse.agent_presets p));
    ELSIF preset.redirect_uris::text LIKE '%{workspace_url}%' AND workspace IS NULL THEN
        RAISE EXCEPTION '% needs the address of its workspace', preset.title
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass workspace_url => ''https://...''.';
    END IF;
    uris := ARRAY(SELECT replace(u, '{workspace_url}', coalesce(workspace, '')) FROM unnest(preset.redirect_uris) u);
    made := lakehouse.create_oauth_client(tenant, format('%s %s', preset.title, to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.US')),
                                          uris, scopes, preset.is_public);
    written := preset.template;
    FOR place IN SELECT * FROM (VALUES ('{url}', issuer || '/mcp'), ('{issuer}', issuer), ('{tenant}', tenant), ('{client_id}', made.client_id),
                                       ('{client_secret}', coalesce(made.client_secret, '')), ('{scopes}', array_to_string(scopes, ' ')),
                                       ('{scopes_json}', '"' || array_to_string(scopes, '", "') || '"'),
                                       ('{workspace_url}', coalesce(workspace, ''))) AS v (name, value) LOOP
        written := replace(written, place.name, place.value);
    END LOOP;
    RETURN written;
END
$$;
COMMENT ON FUNCTION lakehouse.agent_snippet(text, text, text) IS
'Makes an OAuth client for an agent (see lakehouse.agent_presets) and returns what to paste there, its secret included: shown this once. workspace_url: of Databricks. For the tenant''s admins. Raises invalid_parameter_value for an unknown agent or a workspace that can''t be used.';

CREATE FUNCTION lakehouse.databricks_agent_snippet(tenant text, workspace_url text)
RETURNS text LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN lakehouse.agent_snippet(tenant, 'databricks', workspace_url);
COMMENT ON FUNCTION lakehouse.databricks_agent_snippet(text, text) IS
'agent_snippet for Databricks: the redirect address of the workspace, all scopes; notebook code and secret-scope commands.';

CREATE FUNCTION lakehouse.grant_snippets(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON lakehouse.agent_presets TO %I', slug || '_admin');
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.serves_tls(), lakehouse.public_origin(text), lakehouse.agent_snippet(text, text, text), '
                   'lakehouse.databricks_agent_snippet(text, text) TO %I', slug || '_admin');
END
$$;
COMMENT ON FUNCTION lakehouse.grant_snippets(text) IS 'Part of create_tenant: a tenant''s admins make snippets for its agents.';

REVOKE ALL ON FUNCTION
    lakehouse.serves_tls(),
    lakehouse.public_origin(text),
    lakehouse.agent_snippet(text, text, text),
    lakehouse.databricks_agent_snippet(text, text),
    lakehouse.grant_snippets(text)
FROM PUBLIC;
