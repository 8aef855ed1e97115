# SPDX-License-Identifier: PostgreSQL
"""The audit log in a running server: what was answered is there, whatever dies or is missing."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest import connect
from psycopg import sql
from warehouse import wait_until

Connection = psycopg.Connection[tuple]
CLIENT = Path(__file__).with_name("audit_client.py")
BACK_S = 20.0


class Tenant:
    def __init__(self, session: Connection, slug: str) -> None:
        self.slug = slug
        self._session = session
        found = session.execute("SELECT lakehouse.create_tenant(%s)", [slug]).fetchone()
        row = session.execute("SHOW data_directory").fetchone()
        assert found is not None and row is not None
        self.id = str(found[0])
        self._data = Path(row[0])

    def client(self, count: int) -> subprocess.Popen[str]:
        """The program is given on standard input: the server's user may not read this folder."""
        socket = str(self._data / "lakehouse" / "worker.sock")
        owner = self._data.stat().st_uid
        client = subprocess.Popen(
            ["/usr/bin/env", "python3", "-", socket, self.id, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
            user=owner if os.getuid() == 0 else None,
            cwd="/",
        )
        assert client.stdin is not None
        client.stdin.write(CLIENT.read_text(encoding="utf-8"))
        client.stdin.close()
        return client

    def record(self, count: int) -> list[str]:
        with self.client(count) as client:
            assert client.stdout is not None
            return client.stdout.read().splitlines()

    def verify(self) -> tuple:
        row = self._session.execute(
            "SELECT intact, records, first_bad, reason FROM lakehouse.verify_audit(%s)", [self.slug]
        ).fetchone()
        assert row is not None
        return row

    def seqs(self) -> set[int]:
        rows = self._session.execute(
            "SELECT seq FROM lakehouse.audit_log WHERE tenant_id = %s", [self.id]
        )
        return {row[0] for row in rows.fetchall()}


@pytest.fixture
def recorded(session: Connection) -> Iterator[Tenant]:
    slug = "a" + secrets.token_hex(4)
    yield Tenant(session, slug)
    session.execute("SELECT lakehouse.drop_tenant(%s, if_exists => true)", [slug])


def said_by(client: subprocess.Popen[str]) -> list[str]:
    assert client.stdout is not None
    return client.stdout.read().splitlines()


def worker_pid(session: Connection) -> int | None:
    row = session.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    return row[0] if row else None


def become(session: Connection, role: str) -> None:
    session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


def test_answered_records_form_an_intact_chain(recorded: Tenant) -> None:
    assert recorded.record(5) == ["1", "2", "3", "4", "5"]
    assert recorded.verify() == (True, 5, None, None)


def test_admin_reads_and_verifies_its_own_tenant_alone(
    session: Connection, recorded: Tenant
) -> None:
    recorded.record(2)
    other = Tenant(session, "b" + secrets.token_hex(4))
    try:
        other.record(3)
        become(session, f"{recorded.slug}_admin")
        assert session.execute("SELECT count(*) FROM lakehouse.audit_log").fetchone() == (2,)
        assert recorded.verify()[0] is True
        with pytest.raises(psycopg.errors.UndefinedObject):
            other.verify()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT lakehouse.check_audit_chain(%s)", [other.id])
    finally:
        session.execute("RESET ROLE")
        session.execute("SELECT lakehouse.drop_tenant(%s)", [other.slug])


REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
CHANGES = [
    "UPDATE lakehouse.audit_log SET statement = ''",
    "DELETE FROM lakehouse.audit_log",
    "TRUNCATE lakehouse.audit_log",
    "DELETE FROM lakehouse.audit_heads",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["admin", "member", "readonly", "agent", "worker"])
def test_nobody_changes_a_record(recorded: Tenant, role: str, change: str) -> None:
    recorded.record(1)
    # A session of its own: an agent may not even RESET its role.
    with connect() as acting:
        become(acting, "lakehouse_worker" if role == "worker" else f"{recorded.slug}_{role}")
        with pytest.raises(REFUSED):
            acting.execute(change)
    assert recorded.verify()[0] is True


def test_admin_writes_no_record(session: Connection, recorded: Tenant) -> None:
    recorded.record(1)
    become(session, f"{recorded.slug}_admin")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("INSERT INTO lakehouse.audit_log SELECT * FROM lakehouse.audit_log")
    session.execute("RESET ROLE")


def test_cut_tail_is_found_even_with_a_head_that_fits(
    session: Connection, recorded: Tenant
) -> None:
    recorded.record(4)
    session.execute(
        "DELETE FROM lakehouse.audit_log WHERE tenant_id = %s AND seq > 2", [recorded.id]
    )
    session.execute(
        "UPDATE lakehouse.audit_heads h SET seq = l.seq, hash = l.hash FROM lakehouse.audit_log l"
        " WHERE l.tenant_id = h.tenant_id AND h.tenant_id = %s AND l.seq = 2",
        [recorded.id],
    )
    assert recorded.verify() == (False, 2, 3, "record 3 is missing")


def test_missing_table_is_a_failure(session: Connection, recorded: Tenant) -> None:
    session.execute("ALTER TABLE lakehouse.audit_log RENAME TO away")
    try:
        assert recorded.record(1) == ["failure could not write the audit log"]
    finally:
        session.execute("ALTER TABLE lakehouse.away RENAME TO audit_log")
    assert recorded.record(1) == ["1"]


def test_unknown_tenant_is_a_failure(recorded: Tenant, session: Connection) -> None:
    session.execute("SELECT lakehouse.drop_tenant(%s)", [recorded.slug])
    assert recorded.record(1) == ["failure could not write the audit log"]


def test_dropped_tenant_takes_its_records_along(session: Connection, recorded: Tenant) -> None:
    recorded.record(3)
    session.execute("SELECT lakehouse.drop_tenant(%s)", [recorded.slug])
    assert recorded.seqs() == set()


@pytest.mark.parametrize(
    "after", [1, 20, 60, *[pytest.param(n, marks=pytest.mark.long) for n in range(100, 200)]]
)
def test_killed_worker_loses_no_answered_record(recorded: Tenant, after: int) -> None:
    with connect() as watching:
        clients = [recorded.client(8_000) for _ in range(3)]
        try:
            wait_until(lambda: len(recorded.seqs()) >= after, BACK_S, "records have come")
            pid = worker_pid(watching)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            answers = [said_by(client) for client in clients]
        finally:
            for client in clients:
                client.kill()
                client.wait()
        answered = {int(line) for lines in answers for line in lines if line.isdecimal()}
        assert answered, answers
        wait_until(lambda: worker_pid(watching) is not None, BACK_S, "the worker is back")
        assert answered <= recorded.seqs()
        intact, records, first_bad, reason = recorded.verify()
        assert intact, (first_bad, reason)
        assert records >= len(answered)
        assert recorded.record(1) == [str(records + 1)]
