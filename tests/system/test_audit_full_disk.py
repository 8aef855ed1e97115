# SPDX-License-Identifier: PostgreSQL
"""The disk of the audit log is full: nothing governed runs; with room again everything goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from governed import Governed, act_as
from root_command import as_root

Connection = psycopg.Connection[tuple]
ROOM = 512 << 10
MOST_RECORDS = 20_000


def make_room(session: Connection) -> None:
    session.execute("ALTER TABLE lakehouse.audit_log SET TABLESPACE pg_default")


@pytest.fixture
def small_disk(session: Connection) -> Iterator[None]:
    """The audit log lies on a file system of its own, with room for some hundred records."""
    row = session.execute(
        "SELECT current_setting('data_directory'), pg_table_size('lakehouse.audit_log')"
    ).fetchone()
    assert row is not None
    data, size = Path(row[0]), row[1] + ROOM
    place, owner = data.parent / "small", data.stat().st_uid
    as_root("mkdir", str(place))
    as_root("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid={owner}", "tmpfs", str(place))
    try:
        session.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        session.execute("ALTER TABLE lakehouse.audit_log SET TABLESPACE small")
        yield
        make_room(session)
        session.execute("DROP TABLESPACE small")
    finally:
        as_root("umount", "--lazy", str(place))
        as_root("rmdir", str(place))


def refusal(agent: Connection, query: str) -> psycopg.Error:
    """Runs the query until it is refused."""
    for _ in range(MOST_RECORDS):
        try:
            agent.execute(query)
        except psycopg.Error as error:
            return error
    raise AssertionError(f"{MOST_RECORDS} statements found room for their records")


def test_full_disk_stops_governed_queries_until_there_is_room(
    governed: Governed,
    session: Connection,
    new_session: Callable[..., Connection],
    small_disk: None,
) -> None:
    agent = act_as(new_session(), f"{governed.tenant}_agent_2")
    query = f"SELECT count(*) FROM {governed.tenant}.accounts"
    error = refusal(agent, query)
    assert error.diag.message_primary == "could not write the audit log", error
    assert "No space left on device" in error.diag.message_detail
    for text in (query, f"SELECT note FROM {governed.table}", "SELECT pg_sleep(1)"):
        with pytest.raises(psycopg.Error):
            agent.execute(text)
    make_room(session)
    assert agent.execute(query).fetchone() == (0,)
    verdict = session.execute(
        "SELECT intact, reason FROM lakehouse.verify_audit(%s)", [governed.tenant]
    )
    assert verdict.fetchone() == (True, None)
