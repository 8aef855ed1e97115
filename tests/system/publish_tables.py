# SPDX-License-Identifier: PostgreSQL
"""Three small tables of one tenant that change together, and what readers may find of them while a
publish is struck down: all of the publish before, or all of the one after."""

from __future__ import annotations

import secrets
from collections import Counter

from delta_folder import DeltaFolder
from published_rows import Rows, difference
from publishing import Publishing

TABLES = """
CREATE SCHEMA IF NOT EXISTS {0};
CREATE TABLE {0}.first (id bigint PRIMARY KEY, change bigint NOT NULL, filling text);
CREATE TABLE {0}.second (LIKE {0}.first INCLUDING ALL);
CREATE VIEW {0}.both AS SELECT f.id, f.change, s.change AS other
    FROM {0}.first f LEFT JOIN {0}.second s USING (id);
INSERT INTO {0}.first SELECT n, 0, repeat('x', 100) FROM generate_series(1, 300) n;
INSERT INTO {0}.second SELECT * FROM {0}.first;
"""
LOG_ENDS = (".json", ".parquet", "_last_checkpoint")
# Some of each: changed, gone, new. Every row of a change bears its number.
CHANGE = """
UPDATE {0} SET change = {1} WHERE id % 7 = {1} % 7;
DELETE FROM {0} WHERE id % 97 = {1} % 97;
INSERT INTO {0} SELECT 1000 * {1} + n, {1}, 'new' FROM generate_series(1, 5) n;
"""


class SmallTables:
    """All truth is what SQL says; `stored` is what sharing clients are shown."""

    def __init__(self, publishing: Publishing) -> None:
        self.publishing = publishing
        self.tenant = "c" + secrets.token_hex(4)
        self.sources = tuple(f"{self.tenant}.{name}" for name in ("first", "second", "both"))
        self._number = 0
        publishing.make_tenant(self.tenant)
        session = publishing.session
        session.execute(TABLES.format(self.tenant))
        session.execute(
            "SELECT lakehouse.create_share(%s, 'crash', default_tables => false)", [self.tenant]
        )
        for source in self.sources:
            session.execute(
                "SELECT lakehouse.add_table_to_share(%s, 'crash', %s::regclass, key => ARRAY['id'])",
                [self.tenant, source],
            )

    def change(self) -> None:
        """In one transaction, all tables."""
        self._number += 1
        with self.publishing.session.transaction():
            for source in self.sources[:2]:
                self.publishing.session.execute(CHANGE.format(source, self._number))

    def change_little(self) -> None:
        """So that the first table gets a version."""
        source = self.sources[0]
        self.publishing.session.execute(
            f"UPDATE {source} SET change = -change - 1 WHERE id = (SELECT max(id) FROM {source})"
        )

    def truth(self) -> dict[str, Rows]:
        return {source: self.publishing.rows(source) for source in self.sources}

    def folder(self, source: str) -> DeltaFolder:
        return self.publishing.folder(source)

    def stored(self) -> tuple[int, ...]:
        """Versions that sharing clients see now."""
        found = self.publishing.session.execute(
            "SELECT stored_version FROM lakehouse.published_tables"
            " WHERE tenant_id = lakehouse.find_tenant(%s) ORDER BY source::text",
            [self.tenant],
        ).fetchall()
        return tuple(version for (version,) in found)

    def shown(self) -> dict[str, Rows]:
        """Rows of the versions that sharing clients see now."""
        return {
            source: self.folder(source).rows(version)
            for source, version in zip(sorted(self.sources), self.stored(), strict=True)
        }

    def check_whole(self, *choices: dict[str, Rows]) -> None:
        """Sharing clients see one of these publishes, all tables of it; a folder has some of them."""
        shown = self.shown()
        assert shown in choices, [
            [difference(shown[source], choice[source]) for source in self.sources] for choice in choices
        ]
        for source in self.sources:
            assert self.folder(source).rows() in [choice[source] for choice in choices], source

    def check_nothing_dangles(self) -> None:
        """The folders have the files that the rows name, and no other; nor does the log name others."""
        for source in self.sources:
            folder = self.folder(source)
            recorded = self._recorded(source)
            stored = folder.stored_files()
            assert stored == recorded, (sorted(stored - recorded), sorted(recorded - stored))
            assert {file["path"] for file in folder.live_files()} <= stored
            strange = [name for name in folder.log() if not name.endswith(LOG_ENDS)]
            assert strange == []

    def _recorded(self, source: str) -> set[str]:
        found = self.publishing.session.execute(
            "SELECT f.path FROM lakehouse.published_files f JOIN lakehouse.published_tables t"
            " ON t.id = f.table_id WHERE t.source = %(source)s::regclass"
            " UNION ALL SELECT f.path FROM lakehouse.published_change_files f"
            " JOIN lakehouse.published_tables t ON t.id = f.table_id"
            " WHERE t.source = %(source)s::regclass",
            {"source": source},
        ).fetchall()
        return {path for (path,) in found}

    def check_changes(self, before: dict[str, Rows], versions: tuple[int, ...]) -> None:
        """From those versions, which had these rows, the changes lead to what is there now."""
        truth = self.truth()
        for source, version in zip(sorted(self.sources), versions, strict=True):
            folder = self.folder(source)
            rows = Counter(before[source])
            for change in folder.changes(version + 1, folder.version()).values():
                assert change.taken <= rows, source
                rows = rows - change.taken + change.given
            assert rows == truth[source], f"{source}: {difference(rows, truth[source])}"
