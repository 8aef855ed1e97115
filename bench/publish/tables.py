# SPDX-License-Identifier: PostgreSQL
"""Tables like a CRM's activities, of any size, in the order in which their rows were made."""

from __future__ import annotations

import psycopg

Connection = psycopg.Connection[tuple]
TENANT = "bench_publish"

MAKE_TABLE = """
CREATE TABLE {table} (
    id uuid PRIMARY KEY, related_to_type text, related_to_id uuid, type text NOT NULL, subject text NOT NULL,
    completed_at timestamptz, owner_id uuid, amount numeric(18,2), created_at timestamptz NOT NULL);
INSERT INTO {table}
SELECT md5('id ' || n)::uuid, (ARRAY['opportunity', 'account', 'case', 'lead'])[n % 4 + 1],
    md5('related ' || n % 50000)::uuid,
    (ARRAY['task', 'call', 'email', 'event', 'note'])[n % 5 + 1],
    (ARRAY['Call about the offer', 'Send the contract', 'Follow up', 'Renewal', 'Visit'])[n % 5 + 1] || ' no. ' || n,
    CASE WHEN n % 3 > 0 THEN timestamptz '2020-01-01' + n * interval '7 s' END, md5('owner ' || n % 40)::uuid,
    CASE WHEN n % 7 > 0 THEN n % 100000 / 4.0 END, timestamptz '2020-01-01' + n * interval '6 s'
FROM generate_series(1, {rows}) n;
CREATE INDEX ON {table} (created_at);
ANALYZE {table};
"""
CHANGE_RECENT = """UPDATE {table} SET subject = subject || '.', completed_at = now()
WHERE id IN (SELECT id FROM {table} ORDER BY created_at DESC LIMIT {count})"""
CHANGE_RANDOM = """UPDATE {table} SET subject = subject || '.', completed_at = now()
WHERE id IN (SELECT id FROM {table} TABLESAMPLE SYSTEM_ROWS({count}))"""


def prepare(session: Connection) -> None:
    """A tenant with a share that is empty."""
    session.execute("CREATE EXTENSION IF NOT EXISTS tsm_system_rows")
    session.execute("SELECT lakehouse.create_tenant(%s)", [TENANT])
    session.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {TENANT} GRANT SELECT ON TABLES TO {TENANT}_admin")
    session.execute("SELECT lakehouse.create_share(%s, 'bench', default_tables => false)", [TENANT])


def make_table(session: Connection, rows: int) -> str:
    table = f"{TENANT}.rows_{rows}"
    session.execute(MAKE_TABLE.format(table=table, rows=rows))
    return table


def share(session: Connection, table: str) -> None:
    session.execute("SELECT lakehouse.add_table_to_share(%s, 'bench', %s::regclass)", [TENANT, table])


def unshare(session: Connection, table: str) -> None:
    name = table.split(".")[1]
    session.execute("SELECT lakehouse.remove_table_from_share(%s, 'bench', %s)", [TENANT, name])
