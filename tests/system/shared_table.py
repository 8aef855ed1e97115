# SPDX-License-Identifier: PostgreSQL
"""A published table with a history, made by hand: files by pyarrow, rows by SQL. So the server's
answers are tested without the publisher, and every version is known."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import Connection
from psycopg import sql

# Yesterday: so that retention keeps all of it.
FIRST = datetime.now(UTC).replace(
    hour=0, minute=0, second=0, microsecond=0
) - timedelta(days=1)
FIRST_MS = int(FIRST.timestamp()) * 1000
DAY, DAY_BEFORE = (f"{FIRST - timedelta(days=ago):%Y-%m-%d}" for ago in (0, 1))
HOUR_MS = 3_600_000

Row = tuple[int, str | None]

SCHEMA = {
    "type": "struct",
    "fields": [
        {"name": "id", "type": "long", "nullable": False, "metadata": {}},
        {"name": "Name", "type": "string", "nullable": True, "metadata": {}},
    ],
}


def statistics(rows: list[Row]) -> str:
    names = [name for _, name in rows if name is not None]
    return json.dumps(
        {
            "numRecords": len(rows),
            "minValues": {"id": min(i for i, _ in rows)}
            | ({"Name": min(names)} if names else {}),
            "maxValues": {"id": max(i for i, _ in rows)}
            | ({"Name": max(names)} if names else {}),
            "nullCount": {"id": 0, "Name": len(rows) - len(names)},
            "tightBounds": True,
        }
    )


@dataclass
class SharedTable:
    """Version n is committed n hours after the first."""

    session: Connection
    tenant: str
    name: str = "people"
    table_id: str = ""
    version: int = -1
    live: dict[str, list[Row]] = field(default_factory=dict)
    history: list[list[Row]] = field(default_factory=list)
    changes: list[list[tuple[str, int, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        relation = sql.Identifier(self.tenant, self.name)
        self.session.execute(
            sql.SQL('CREATE TABLE {} (id bigint PRIMARY KEY, "Name" text)').format(
                relation
            )
        )
        found = self.session.execute(
            "SELECT lakehouse.add_table_to_share(%s, 'sales', %s::regclass, schema_name => 'Crm')::text",
            [self.tenant, f"{self.tenant}.{self.name}"],
        ).fetchone()
        assert found
        self.table_id = found[0]
        setting = self.session.execute("SHOW lakehouse.delta_directory").fetchone()
        home = self.session.execute("SHOW data_directory").fetchone()
        location = self.session.execute(
            "SELECT location FROM lakehouse.published_tables WHERE id = %s",
            [self.table_id],
        ).fetchone()
        assert setting and home and location
        self.root = Path(setting[0] or home[0] + "/lakehouse_delta")
        self.folder = self.root / location[0]
        self.owner = Path(home[0]).stat()
        self.make_folder(self.folder)

    def make_folder(self, folder: Path) -> None:
        for place in [
            self.root,
            *reversed(folder.relative_to(self.root).parents),
            folder,
        ]:
            place = self.root / place
            if not place.exists():
                place.mkdir()
                os.chown(place, self.owner.st_uid, self.owner.st_gid)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, path: str, rows: list[Row], change: list[str] | None = None) -> int:
        columns: dict[str, pa.Array] = {
            "id": pa.array([i for i, _ in rows], pa.int64()),
            "Name": pa.array([name for _, name in rows], pa.string()),
        }
        if change is not None:
            columns["_change_type"] = pa.array(change, pa.string())
        target = self.folder / path
        self.make_folder(target.parent)
        pq.write_table(pa.table(columns), target, compression="zstd")
        target.chmod(0o644)
        return target.stat().st_size

    def commit(
        self,
        add: list[list[Row]],
        remove: list[str] | None = None,
        changes: list[tuple[str, int, str | None]] | None = None,
    ) -> list[str]:
        """A version of files that come and go; returns the paths of those that came."""
        self.version += 1
        at = FIRST_MS + self.version * HOUR_MS
        metadata = {
            "id": self.table_id,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps(SCHEMA),
            "partitionColumns": [],
            "configuration": {"delta.enableChangeDataFeed": "true"},
            "createdTime": FIRST_MS,
        }
        self.session.execute(
            "INSERT INTO lakehouse.published_versions (table_id, version, operation, snapshot_at,"
            " committed_ms, metadata, stored_at, total_rows, rows_added, rows_changed, rows_removed,"
            " files_added, files_removed, bytes_written, duration) VALUES"
            " (%s, %s, %s, now(), %s, %s, now(), 0, 0, 0, 0, 0, 0, 0, '0')",
            [
                self.table_id,
                self.version,
                "WRITE" if self.version else "CREATE",
                at,
                json.dumps(metadata) if self.version == 0 else None,
            ],
        )
        paths = [self.add_file(rows, at) for rows in add]
        for path in remove or []:
            del self.live[path]
            self.session.execute(
                "UPDATE lakehouse.published_files SET removed_version = %s,"
                " removed_with_change = true, removed_ms = %s WHERE table_id = %s AND path = %s",
                [self.version, at, self.table_id, path],
            )
        if changes:
            path = f"_change_data/cdc-{uuid.uuid4()}.zstd.parquet"
            size = self.write(
                path, [(i, n) for _, i, n in changes], [k for k, _, _ in changes]
            )
            self.session.execute(
                "INSERT INTO lakehouse.published_change_files VALUES (%s, %s, %s, %s, %s)",
                [self.table_id, self.version, path, size, len(changes)],
            )
        self.session.execute(
            "UPDATE lakehouse.published_tables SET version = %s, stored_version = %s WHERE id = %s",
            [self.version, self.version, self.table_id],
        )
        self.history.append(sorted(row for rows in self.live.values() for row in rows))
        self.changes.append(
            sorted(changes)
            if changes
            else sorted(("insert", *row) for rows in add for row in rows)
        )
        return paths

    def add_file(self, rows: list[Row], at: int) -> str:
        path = f"part-{uuid.uuid4()} ä.zstd.parquet"
        size = self.write(path, rows)
        self.session.execute(
            "INSERT INTO lakehouse.published_files (table_id, path, bytes, row_count, stats,"
            " added_version, added_with_change, added_ms, key_filter)"
            " VALUES (%s, %s, %s, %s, %s, %s, true, %s, '')",
            [self.table_id, path, size, len(rows), statistics(rows), self.version, at],
        )
        self.live[path] = rows
        return path


def make(session: Connection, tenant: str) -> SharedTable:
    """0: ids 0 to 29 in three files. 1: 30 to 39. 2: the first file rewritten: 0 gone, 1 renamed."""
    table = SharedTable(session, tenant)
    first = table.commit(
        [[(i, f"name {i}") for i in range(n, n + 10)] for n in (0, 10, 20)]
    )
    table.commit([[(i, None) for i in range(30, 40)]])
    table.commit(
        [[(1, "renamed")] + [(i, f"name {i}") for i in range(2, 10)]],
        remove=[first[0]],
        changes=[
            ("delete", 0, "name 0"),
            ("update_preimage", 1, "name 1"),
            ("update_postimage", 1, "renamed"),
        ],
    )
    return table
