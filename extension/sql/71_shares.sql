-- SPDX-License-Identifier: PostgreSQL
-- Shares: what of the published tables is shown, under which names; recipients: who may read them.

CREATE TABLE lakehouse.shares (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Delta Sharing protocol, "Names": no space, slash, control character or DEL; at most 255 characters.
    CONSTRAINT shares_name_check CHECK (name ~ '^[^[:space:][:cntrl:]/]{1,255}$')
);
CREATE UNIQUE INDEX shares_name_key ON lakehouse.shares (tenant_id, lower(name));
COMMENT ON TABLE lakehouse.shares IS 'Collections of tables that recipients are granted as a whole';
COMMENT ON COLUMN lakehouse.shares.id IS 'Share id';
COMMENT ON COLUMN lakehouse.shares.tenant_id IS 'The tenant whose data it is';
COMMENT ON COLUMN lakehouse.shares.name IS 'Name, unique in its tenant whatever its case';
COMMENT ON COLUMN lakehouse.shares.created_at IS 'When it was made';

CREATE TABLE lakehouse.share_tables (
    share_id uuid NOT NULL REFERENCES lakehouse.shares ON DELETE CASCADE,
    schema_name text NOT NULL,
    name text NOT NULL,
    table_id uuid NOT NULL REFERENCES lakehouse.published_tables ON DELETE CASCADE,
    with_history boolean NOT NULL DEFAULT true,
    start_version bigint NOT NULL DEFAULT 0,
    description text,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (share_id, table_id),
    CONSTRAINT share_tables_schema_name_check CHECK (schema_name ~ '^[^[:space:][:cntrl:]/.]{1,255}$'),
    CONSTRAINT share_tables_name_check CHECK (name ~ '^[^[:space:][:cntrl:]/.]{1,255}$')
);
CREATE UNIQUE INDEX share_tables_name_key ON lakehouse.share_tables (share_id, lower(schema_name), lower(name));
CREATE INDEX share_tables_table_idx ON lakehouse.share_tables (table_id);
COMMENT ON TABLE lakehouse.share_tables IS 'Tables of shares';
COMMENT ON COLUMN lakehouse.share_tables.share_id IS 'The share';
COMMENT ON COLUMN lakehouse.share_tables.schema_name IS 'Schema under which recipients see it';
COMMENT ON COLUMN lakehouse.share_tables.name IS 'Name under which recipients see it, unique in share and schema whatever its case';
COMMENT ON COLUMN lakehouse.share_tables.table_id IS 'The published table';
COMMENT ON COLUMN lakehouse.share_tables.with_history IS 'Whether recipients may read older versions and changes';
COMMENT ON COLUMN lakehouse.share_tables.start_version IS 'Oldest version of which they may';
COMMENT ON COLUMN lakehouse.share_tables.description IS 'What recipients read about the table';
COMMENT ON COLUMN lakehouse.share_tables.added_at IS 'When it was added';

CREATE TABLE lakehouse.recipients (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 255),
    auth text NOT NULL DEFAULT 'token' CHECK (auth IN ('token', 'oauth')),
    token_lifetime interval CHECK (token_lifetime > interval '0'),
    allowed_networks cidr[] NOT NULL DEFAULT '{}',
    activation_hash bytea UNIQUE,
    activation_expires_at timestamptz,
    client_secret_hash bytea,
    client_secret_expires_at timestamptz,
    old_client_secret_hash bytea,
    old_client_secret_expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    last_limited_at timestamptz
);
CREATE UNIQUE INDEX recipients_name_key ON lakehouse.recipients (tenant_id, lower(name)) WHERE revoked_at IS NULL;
COMMENT ON TABLE lakehouse.recipients IS 'Who reads shares: one row for each party outside, with credentials of its own';
COMMENT ON COLUMN lakehouse.recipients.id IS 'Recipient id; with auth oauth also the client id';
COMMENT ON COLUMN lakehouse.recipients.tenant_id IS 'The tenant that shares';
COMMENT ON COLUMN lakehouse.recipients.name IS 'Name, unique among the tenant''s recipients that are not revoked, whatever its case';
COMMENT ON COLUMN lakehouse.recipients.auth IS 'token: a bearer token in a profile. oauth: client credentials, tokens of an hour';
COMMENT ON COLUMN lakehouse.recipients.token_lifetime IS 'How long a bearer token is good after activation; NULL: until it is revoked';
COMMENT ON COLUMN lakehouse.recipients.allowed_networks IS 'Addresses it may come from; empty: any';
COMMENT ON COLUMN lakehouse.recipients.activation_hash IS 'SHA-256 of the secret in the activation link; NULL: used, or none';
COMMENT ON COLUMN lakehouse.recipients.activation_expires_at IS 'Until when the activation link is good';
COMMENT ON COLUMN lakehouse.recipients.client_secret_hash IS 'SHA-256 of the client secret, with auth oauth';
COMMENT ON COLUMN lakehouse.recipients.client_secret_expires_at IS 'Until when the client secret is good; NULL: until it is rotated or revoked';
COMMENT ON COLUMN lakehouse.recipients.old_client_secret_hash IS 'SHA-256 of the client secret before it; NULL: none';
COMMENT ON COLUMN lakehouse.recipients.old_client_secret_expires_at IS 'Until when the client secret before it is good';
COMMENT ON COLUMN lakehouse.recipients.created_at IS 'When it was made';
COMMENT ON COLUMN lakehouse.recipients.activated_at IS 'When its profile was last fetched';
COMMENT ON COLUMN lakehouse.recipients.revoked_at IS 'When it was revoked; NULL: it is good';
COMMENT ON COLUMN lakehouse.recipients.last_used_at IS 'When it last asked for something, to the minute';
COMMENT ON COLUMN lakehouse.recipients.last_limited_at IS 'When it was last told to wait, having asked too much, to the minute';

CREATE TABLE lakehouse.recipient_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient_id uuid NOT NULL REFERENCES lakehouse.recipients ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX recipient_tokens_recipient_idx ON lakehouse.recipient_tokens (recipient_id);
COMMENT ON TABLE lakehouse.recipient_tokens IS 'Tokens of recipients, hashed: bearer tokens of profiles and access tokens of OAuth clients';
COMMENT ON COLUMN lakehouse.recipient_tokens.id IS 'Number of the token';
COMMENT ON COLUMN lakehouse.recipient_tokens.recipient_id IS 'Whose it is';
COMMENT ON COLUMN lakehouse.recipient_tokens.token_hash IS 'SHA-256 of the token';
COMMENT ON COLUMN lakehouse.recipient_tokens.created_at IS 'When it was made';
COMMENT ON COLUMN lakehouse.recipient_tokens.expires_at IS 'Until when it is good; NULL: until it is revoked';
COMMENT ON COLUMN lakehouse.recipient_tokens.revoked_at IS 'When it was revoked; NULL: it was not';

CREATE TABLE lakehouse.share_grants (
    share_id uuid NOT NULL REFERENCES lakehouse.shares ON DELETE CASCADE,
    recipient_id uuid NOT NULL REFERENCES lakehouse.recipients ON DELETE CASCADE,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (share_id, recipient_id)
);
CREATE INDEX share_grants_recipient_idx ON lakehouse.share_grants (recipient_id);
COMMENT ON TABLE lakehouse.share_grants IS 'Which recipient may read which share';
COMMENT ON COLUMN lakehouse.share_grants.share_id IS 'The share';
COMMENT ON COLUMN lakehouse.share_grants.recipient_id IS 'The recipient';
COMMENT ON COLUMN lakehouse.share_grants.granted_at IS 'When it was granted';

CREATE TABLE lakehouse.share_reads (
    share_id uuid NOT NULL REFERENCES lakehouse.shares ON DELETE CASCADE,
    table_id uuid NOT NULL REFERENCES lakehouse.published_tables ON DELETE CASCADE,
    recipient_id uuid NOT NULL REFERENCES lakehouse.recipients ON DELETE CASCADE,
    reads bigint NOT NULL DEFAULT 0,
    bytes_listed bigint NOT NULL DEFAULT 0,
    last_read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_id, share_id, recipient_id)
);
COMMENT ON TABLE lakehouse.share_reads IS 'How much recipients have read of which table; written by the worker every second';
COMMENT ON COLUMN lakehouse.share_reads.share_id IS 'The share it was read by';
COMMENT ON COLUMN lakehouse.share_reads.table_id IS 'The published table';
COMMENT ON COLUMN lakehouse.share_reads.recipient_id IS 'Who read';
COMMENT ON COLUMN lakehouse.share_reads.reads IS 'Number of queries, and of requests for changes';
COMMENT ON COLUMN lakehouse.share_reads.bytes_listed IS 'Bytes of the files that these were told of';
COMMENT ON COLUMN lakehouse.share_reads.last_read_at IS 'When it was last read';
CREATE INDEX share_reads_recipient_idx ON lakehouse.share_reads (recipient_id);
CREATE INDEX share_reads_share_idx ON lakehouse.share_reads (share_id);
REVOKE ALL ON lakehouse.share_reads FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON lakehouse.share_reads TO lakehouse_worker;
SELECT pg_catalog.pg_extension_config_dump('lakehouse.share_reads', '');

REVOKE ALL ON lakehouse.shares, lakehouse.share_tables, lakehouse.recipients, lakehouse.recipient_tokens, lakehouse.share_grants FROM PUBLIC;
GRANT SELECT ON lakehouse.shares, lakehouse.share_tables, lakehouse.share_grants TO lakehouse_worker;
GRANT SELECT, UPDATE ON lakehouse.recipients, lakehouse.recipient_tokens TO lakehouse_worker;
GRANT INSERT, DELETE ON lakehouse.recipient_tokens TO lakehouse_worker;

-- An admin's reach ends at the own tenant; the worker serves every one.
ALTER TABLE lakehouse.shares ENABLE ROW LEVEL SECURITY;
CREATE POLICY shares_admin ON lakehouse.shares USING (lakehouse.administers(tenant_id));
CREATE POLICY shares_worker ON lakehouse.shares TO lakehouse_worker USING (true);
COMMENT ON POLICY shares_admin ON lakehouse.shares IS 'An admin sees and makes those of the own tenant';
COMMENT ON POLICY shares_worker ON lakehouse.shares IS 'The worker serves every tenant';
ALTER TABLE lakehouse.share_tables ENABLE ROW LEVEL SECURITY;
CREATE POLICY share_tables_admin ON lakehouse.share_tables USING (
    EXISTS (SELECT FROM lakehouse.shares s JOIN lakehouse.published_tables p ON p.tenant_id = s.tenant_id
            WHERE s.id = share_id AND p.id = table_id AND lakehouse.administers(s.tenant_id)));
CREATE POLICY share_tables_worker ON lakehouse.share_tables TO lakehouse_worker USING (true);
COMMENT ON POLICY share_tables_admin ON lakehouse.share_tables IS 'An admin shows tables of the own tenant in its shares';
COMMENT ON POLICY share_tables_worker ON lakehouse.share_tables IS 'The worker serves every tenant';
ALTER TABLE lakehouse.recipients ENABLE ROW LEVEL SECURITY;
CREATE POLICY recipients_admin ON lakehouse.recipients USING (lakehouse.administers(tenant_id));
CREATE POLICY recipients_worker ON lakehouse.recipients TO lakehouse_worker USING (true);
COMMENT ON POLICY recipients_admin ON lakehouse.recipients IS 'An admin sees and makes those of the own tenant';
COMMENT ON POLICY recipients_worker ON lakehouse.recipients IS 'The worker serves every tenant';
ALTER TABLE lakehouse.recipient_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY recipient_tokens_admin ON lakehouse.recipient_tokens USING (
    EXISTS (SELECT FROM lakehouse.recipients r WHERE r.id = recipient_id AND lakehouse.administers(r.tenant_id)));
CREATE POLICY recipient_tokens_worker ON lakehouse.recipient_tokens TO lakehouse_worker USING (true);
COMMENT ON POLICY recipient_tokens_admin ON lakehouse.recipient_tokens IS 'An admin sees and ends those of the own tenant''s recipients';
COMMENT ON POLICY recipient_tokens_worker ON lakehouse.recipient_tokens IS 'The worker serves every tenant';
ALTER TABLE lakehouse.share_grants ENABLE ROW LEVEL SECURITY;
CREATE POLICY share_grants_admin ON lakehouse.share_grants USING (
    EXISTS (SELECT FROM lakehouse.shares s JOIN lakehouse.recipients r ON r.tenant_id = s.tenant_id
            WHERE s.id = share_id AND r.id = recipient_id AND lakehouse.administers(s.tenant_id)));
CREATE POLICY share_grants_worker ON lakehouse.share_grants TO lakehouse_worker USING (true);
COMMENT ON POLICY share_grants_admin ON lakehouse.share_grants IS 'An admin grants shares of the own tenant to its recipients';
COMMENT ON POLICY share_grants_worker ON lakehouse.share_grants IS 'The worker serves every tenant';

SELECT pg_catalog.pg_extension_config_dump('lakehouse.shares', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.share_tables', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.recipients', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.recipient_tokens', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.share_grants', '');
SELECT pg_catalog.pg_extension_config_dump('lakehouse.recipient_tokens_id_seq', '');
