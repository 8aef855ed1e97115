# SPDX-License-Identifier: PostgreSQL
"""Runs last: nothing that left the system during the run bears the mark of a hidden value or a secret.

The scan proves itself: tokens that a governed session sends on purpose are found where they should be.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from canary import forms_of, page, processes_with, snapshot
from conftest import connect
from governed import Governed, act_as
from ledger import MARK, NUMBER, master_keys
from recording import keep, keep_relations, kept
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]
Needle = str | bytes

# What a whole run leaves at the least, in bytes. A place with less was not looked at, or not filled.
FLOORS = {
    "sessions": 300_000,
    "logs": 800_000,
    "relations": 20_000_000,
    "pages": 1_000,
    "received": 10_000_000,
    "files": 300_000,
}
KINDS = ("admin", "member", "readonly", "agent")


@dataclass(frozen=True)
class Planted:
    """Tokens that leave on purpose: by a governed session's answers and by what it sends on."""

    row: str
    notice: str
    error: str
    name: str
    parameter: str
    unrecorded: str

    @staticmethod
    def new() -> Planted:
        return Planted(*(secrets.token_hex(16) for _ in range(6)))


@pytest.fixture(scope="module")
def planted(governed: Governed) -> Planted:
    tokens = Planted.new()
    with connect() as session:
        session.execute(f"SELECT '{tokens.unrecorded}'")
        act_as(session, f"{governed.tenant}_member_2")
        session.execute(f"SELECT {joined(tokens.row)}")
        session.execute(f"DO $$ BEGIN RAISE NOTICE '%', {joined(tokens.notice)}; END $$")
        with contextlib.suppress(psycopg.errors.RaiseException):
            session.execute(f"DO $$ BEGIN RAISE EXCEPTION '%', {joined(tokens.error)}; END $$")
        session.execute(f'SELECT note AS "{tokens.name}" FROM {governed.table}')
        session.execute(f"SELECT id FROM {governed.table} WHERE note = {joined(tokens.parameter)}")
    return tokens


def joined(token: str) -> str:
    """SQL that makes the token, so that it stands in the answer and not in the text that asks."""
    return f"'{token[:16]}' || '{token[16:]}'"


@pytest.fixture(scope="module")
def places(planted: Planted) -> dict[str, list[Path]]:
    """Where something may have left, and the files that hold it."""
    root = Path(os.environ["PGHOST"]).parent
    with connect() as session:
        keep_relations(session)
    for name in ("metrics", "live", "ready"):
        keep("pages", name, page(f"{os.environ['LAKEHOUSE_URL']}/{name}"))
    keep("received", "main", Warehouse.of_environment().received())
    for path, data in snapshot(root / "data", is_open).items():
        keep("files", "-".join(path.parts), data)
    return {
        "sessions": kept("sessions"),
        "logs": [*kept("logs"), *sorted((root / "log").glob("*.log"))],
        "relations": kept("relations"),
        "pages": kept("pages"),
        "received": kept("received"),
        "files": kept("files"),
    }


def is_open(path: Path) -> bool:
    """Tables and their log hold what an admin's ANALYZE sampled; the key file holds the key."""
    if path.parts[0] in ("base", "pg_wal"):
        return "pgsql_tmp" in path.parts
    return path != Path("lakehouse", "master.key")


@pytest.fixture(scope="module")
def never() -> list[Needle]:
    data = Path(os.environ["PGHOST"]).parent / "data"
    return [MARK, bytes.fromhex(MARK), str(NUMBER), *master_keys(data)]


def found(files: Iterable[Path], needles: Iterable[Needle]) -> list[str]:
    """Where a needle stands, with what stands around it."""
    forms = [form for needle in needles for form in forms_of(needle)]
    return [f"{path}: {hit}" for path in files for hit in hits(content(path), forms)]


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return came(data) if path.parent.name == "sessions" else data


def came(trace: bytes) -> bytes:
    """What a session received, as libpq traced it, and again with its \\xNN read as bytes.

    What it sent is left out: who connects a warehouse sends a secret.
    """
    told = b"".join(re.findall(rb"^B\t.*?(?=^[FB]\t\d|\Z)", trace, re.DOTALL | re.MULTILINE))
    plain = re.sub(rb"\\x([0-9a-f]{2})", lambda code: bytes.fromhex(code[1].decode()), told)
    return told + plain


def hits(data: bytes, forms: list[bytes]) -> Iterator[str]:
    for form in forms:
        place = data.find(form)
        if place >= 0:
            yield repr(data[max(0, place - 200) : place + 200])


@pytest.mark.parametrize("place", FLOORS)
def test_nothing_hidden_has_left(place: str, places: dict[str, list[Path]], never: list[Needle]) -> None:
    assert sum(len(content(path)) for path in places[place]) >= FLOORS[place]
    left = found(places[place], never)
    assert not left, "\n".join(left)


def test_no_process_shows_a_secret(session: Connection) -> None:
    row = session.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
    assert row is not None
    data = Path(os.environ["PGHOST"]).parent / "data"
    server = int((data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
    assert processes_with([MARK, str(NUMBER)], {row[0], server}) == []


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_of_each_kind_were_recorded(kind: str, places: dict[str, list[Path]]) -> None:
    assert [path for path in places["sessions"] if f"_{kind}" in path.name]


@pytest.mark.parametrize(
    ("token", "place"),
    [
        ("row", "sessions"),
        ("notice", "sessions"),
        ("error", "sessions"),
        ("error", "logs"),
        ("name", "relations"),
        ("parameter", "received"),
    ],
)
def test_what_left_on_purpose_is_found(
    token: str, place: str, planted: Planted, places: dict[str, list[Path]]
) -> None:
    assert found(places[place], [getattr(planted, token)])


def test_a_superusers_session_is_not_recorded(planted: Planted, places: dict[str, list[Path]]) -> None:
    assert found(places["sessions"], [planted.unrecorded]) == []


@pytest.mark.parametrize("place", FLOORS)
def test_a_token_in_a_copy_is_found_in_every_form(
    place: str, places: dict[str, list[Path]], never: list[Needle], tmp_path: Path
) -> None:
    largest = max(places[place], key=lambda path: path.stat().st_size)
    (tmp_path / place).mkdir()
    copy = tmp_path / place / "copy"
    for needle in never:
        for form in forms_of(needle):
            copy.write_bytes(largest.read_bytes()[: 1 << 20] + b"\nB\t9\tDataRow\t" + form + b"\n")
            assert found([copy], [needle])


def test_a_file_that_goes_or_moves_during_the_scan_stops_nothing(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)

    def read(path: Path) -> bytes:
        if (tmp_path / "b").exists():
            (tmp_path / "b").rename(tmp_path / "A")  # a name that comes before those already read
            (tmp_path / "c").unlink()
        return path.read_bytes()

    assert b"b" in snapshot(tmp_path, lambda path: True, read).values()


def test_what_hides_bears_the_mark(governed: Governed) -> None:
    """The other way round: the superuser, who sees all, finds the mark in each hidden row and value."""
    with connect() as session:
        rows = session.execute(
            f"SELECT id::text, note, secret FROM {governed.table} WHERE region <> 'EU'"
        ).fetchall()
    assert len(rows) == 60
    assert all(number.startswith(str(NUMBER)) and MARK in note and MARK in secret for number, note, secret in rows)
