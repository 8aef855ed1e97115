# SPDX-License-Identifier: PostgreSQL
"""A tenant that publishes several times, with changes between; what SQL says of each version is kept. Its tables lie in
a folder, or in a bucket, whose readers get temporary credentials."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import s3_service
from deltalake import DeltaTable
from psycopg import sql
from psycopg.rows import dict_row
from rows import Row, plain_rows

kLocal = pytest.mark.parametrize("history", ["local"], indirect=True)
kShare = "crm"
kContract = ("accounts", "contacts", "leads", "opportunities", "activities", "cases")
# A table of the tenant's own beside the contract's, with a key and types that those don't have.
kOwn = "readings"
kMakeOwn = """
CREATE TABLE readings (
    id bigint PRIMARY KEY,
    taken_at timestamptz NOT NULL,
    day date,
    amount numeric(20,6),
    ratio double precision,
    small smallint,
    is_good boolean,
    remark text,
    raw bytea,
    tags text[],
    counts integer[]
);
INSERT INTO readings
SELECT n, '2026-01-01Z'::timestamptz + n * interval '1.000001 hours', date '2026-01-01' + n, n * 1.000001, n / 7.0,
       n % 100, n % 2 = 0, CASE WHEN n % 3 > 0 THEN 'Grüße, "' || n || '"' END, decode(lpad(to_hex(n), 8, '0'), 'hex'),
       ARRAY['a' || n, NULL, ''], ARRAY[n, -n]
FROM generate_series(1, 500) n;
"""
kEdits = (
    # Inserts alone.
    """
    INSERT INTO accounts (organization_id, owner_id, name, country, revenue)
    SELECT a.organization_id, a.owner_id, 'Newcomer ' || n, 'NL', n * 1000.5
    FROM (SELECT organization_id, owner_id FROM accounts ORDER BY id LIMIT 1) a, generate_series(1, 3) n;
    INSERT INTO readings (id, taken_at, amount) SELECT n, '2026-06-01Z', n FROM generate_series(501, 510) n;
    """,
    # Updates, deletes, rows that leave the view, and all of it at once.
    """
    UPDATE accounts SET revenue = revenue * 2, name = name || ' Ltd' WHERE country = 'NL';
    UPDATE accounts SET deleted_at = now() WHERE name = 'Newcomer 2 Ltd';
    UPDATE opportunities SET amount = amount + 0.01 WHERE NOT is_closed;
    UPDATE contacts SET title = 'Head of ' || coalesce(title, 'nothing')
    WHERE id IN (SELECT id FROM contacts ORDER BY id LIMIT 5);
    DELETE FROM readings WHERE id % 10 = 0;
    UPDATE readings SET remark = 'changed', tags = '{}', counts = NULL WHERE id % 10 = 1;
    UPDATE readings SET id = id + 10000 WHERE id % 10 = 2;
    INSERT INTO readings (id, taken_at) VALUES (-9, '1999-12-31 23:59:59.999999Z');
    """,
    # Every row goes; one comes back as it was, and one anew.
    """
    TRUNCATE activities CASCADE;
    UPDATE accounts SET deleted_at = NULL WHERE name = 'Newcomer 2 Ltd';
    UPDATE accounts SET revenue = revenue WHERE country = 'NL';
    UPDATE readings SET id = 20 WHERE id = 1;
    """,
    # The table gets another column.
    """
    ALTER TABLE readings ADD COLUMN unit text;
    UPDATE readings SET unit = 'K' WHERE id < 50;
    """,
)


@dataclass
class Table:
    """A shared table, with the rows that SQL had for each version."""

    name: str
    id: str = ""
    location: str = ""
    versions: dict[int, list[Row]] = field(default_factory=dict)
    committed: dict[int, datetime] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        return max(self.versions)

    @property
    def rows(self) -> list[Row]:
        return self.versions[self.newest]

    @property
    def last_of_first_columns(self) -> int:
        """The newest version with the columns of the first; an empty one has any."""
        columns = set(self.versions[0][0])
        return max(v for v, rows in self.versions.items() if not rows or set(rows[0]) == columns)


class History:
    def __init__(self, folder: Path, service: s3_service.Service | None) -> None:
        """Without a service the tables lie where the server keeps them."""
        self.tenant = "r" + secrets.token_hex(4)
        self.profile = folder / "profile.share"
        self.tables = {name: Table(name) for name in (*kContract, kOwn)}
        self._service = service
        self._session = psycopg.connect(autocommit=True, options="-c statement_timeout=2min")

    def ask(self, query: str, *values: object) -> list[Row]:
        with self._session.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def call(self, function: str, *arguments: object) -> Any:
        marks = ", ".join(["%s"] * (len(arguments) + 1))
        query = f"SELECT lakehouse.{function}({marks}) AS answer"
        return self.ask(query, self.tenant, *arguments)[0]["answer"]

    def make(self) -> None:
        self.call("create_tenant")
        self.call("load_sample_crm")
        self._session.execute(
            sql.SQL("SET search_path = {}, public").format(sql.Identifier(self.tenant))
        )
        self._session.execute(kMakeOwn)
        if self._service:
            self._use_bucket(self._service)
        self.call("create_share", kShare)
        self.call("add_table_to_share", kShare, f"{self.tenant}.{kOwn}")
        self.call("set_share_salt", "pepper")
        self.publish()
        for edit in kEdits:
            self.edit(edit)

    def edit(self, statements: str) -> None:
        self._session.execute(statements)
        self.publish()

    def _use_bucket(self, service: s3_service.Service) -> None:
        service.bucket(self.tenant)
        key = (s3_service.kKey, s3_service.kSecret)
        url = f"s3://{self.tenant}/prod/crm"
        self.call("use_s3", url, s3_service.kRegion, *key, service.endpoint, s3_service.kRole)

    def publish(self) -> None:
        self.ask("SELECT * FROM lakehouse.publish_now(%s)", self.tenant)
        for made in self.ask(
            "SELECT p.id::text, p.location, s.url, p.last_error,"
            " split_part(p.source::text, 'published_', 2) AS name, v.*"
            " FROM lakehouse.published_tables p JOIN lakehouse.tenants t ON t.id = p.tenant_id"
            " LEFT JOIN lakehouse.stores s ON s.id = p.store_id"
            " LEFT JOIN LATERAL (SELECT version, committed_ms FROM lakehouse.published_versions WHERE table_id = p.id"
            " AND version <= p.stored_version ORDER BY version DESC LIMIT 1) v ON true WHERE t.slug = %s",
            self.tenant,
        ):
            assert made["last_error"] is None, made
            self.keep(self.tables[made["name"] or kOwn], made)

    def keep(self, table: Table, made: Row) -> None:
        """A version that brought no other rows, such as one of OPTIMIZE alone, has those of the one before."""
        source = table.name if table.name == kOwn else f"published_{table.name}"
        assert (made["url"] is None) == (self._service is None)
        table.id = made["id"]
        table.location = f"{made['url'] or delta_directory(self._session)}/{made['location']}"
        rows = plain_rows(self.ask(f'SELECT * FROM "{source}"'))
        for version in range(max(table.versions, default=-1) + 1, made["version"] + 1):
            table.versions[version] = rows
            table.committed[version] = datetime.fromtimestamp(made["committed_ms"] / 1000, UTC)

    def open_profile(self) -> Path:
        """The profile of a recipient, made when it is first wanted."""
        if not self.profile.exists():
            self.fetch_profile(self.profile, "readers")
        return self.profile

    def fetch_profile(self, file: Path, recipient: str, *options: object) -> None:
        """Of a new recipient. `options`: as create_recipient() takes them after its name."""
        link = self.call("create_recipient", recipient, *options)
        self.call("grant_share", kShare, recipient)
        command = ["tools/share-profile", str(file)]
        subprocess.run(command, env={**os.environ, "SHARE_LINK": link}, check=True, timeout=60)

    def open_table(self, name: str, version: int | None = None) -> DeltaTable:
        """By deltalake, in a bucket with temporary credentials."""
        location = self.tables[name].location
        options = self._options(name, location) if self._service else None
        return DeltaTable(location, version=version, storage_options=options)

    def _options(self, name: str, location: str) -> dict[str, str]:
        assert self._service
        profile = json.loads(self.open_profile().read_text())
        answer = requests.post(
            f"{profile['endpoint']}/shares/{kShare}/schemas/crm/tables/{name}/temporary-table-credentials",
            headers={"Authorization": f"Bearer {profile['bearerToken']}"},
            json={},
            timeout=20,
        )
        assert answer.status_code == 200, answer.text
        given = answer.json()["credentials"]
        assert given["location"] == location
        keys = given["awsTempCredentials"]
        return {
            "AWS_ENDPOINT_URL": self._service.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": s3_service.kRegion,
            "AWS_ACCESS_KEY_ID": keys["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["secretAccessKey"],
            "AWS_SESSION_TOKEN": keys["sessionToken"],
        }

    def drop(self) -> None:
        self._session.execute("RESET search_path")
        self.call("drop_tenant")
        self._session.close()


def delta_directory(session: psycopg.Connection) -> Path:
    """Where local tables lie."""
    cursor = session.cursor(row_factory=dict_row).execute(
        "SELECT current_setting('lakehouse.delta_directory') AS set, current_setting('data_directory') AS data"
    )
    [found] = cursor.fetchall()
    return Path(found["data"]) / (found["set"] or "lakehouse_delta")
