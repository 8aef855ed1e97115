# SPDX-License-Identifier: PostgreSQL
"""Honest analytics pass the guard: over exposed tables an agent gets, row for row, what a superuser gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from local_copy import foreign_tables
from outcome import Outcome, load_as_text, run
from psycopg import sql

Connection = psycopg.Connection[tuple]

FOLDER = Path(__file__).parent
MAX_ROWS = 200  # of an agent's answer; lakehouse.max_rows

# Honest queries that the guard refuses nevertheless: the query's name, and why that is right.
FALSE_REFUSALS: dict[str, str] = {
    "full_text_query_in_from": "ts_rank takes the square of its query's length and can't be"
    " cancelled, so the query must be a constant where it is ranked by",
}
MOST_FALSE_REFUSALS = 0.01


def read_queries(path: Path) -> dict[str, str]:
    """One a paragraph, named by the comment above it."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(
        r"^-- (\w+)\n(.+?)(?:\n\n|\n?\Z)", text, re.DOTALL | re.MULTILINE
    )
    queries = dict(found)
    assert len(queries) == len(found), f"two queries of {path} have one name"
    return queries


OWN = {
    name: query
    for path in sorted((FOLDER / "guard_queries").glob("*.sql"))
    for name, query in read_queries(path).items()
}
TPCH = read_queries(FOLDER / "tpch_queries.sql")
ALL = OWN | TPCH


@dataclass(frozen=True)
class Readers:
    """Sessions of a superuser and of an agent, that find the same tables under the same names."""

    superuser: Connection
    agent: Connection

    answers: dict[str, Outcome] = field(default_factory=dict)

    def wanted(self, name: str) -> Outcome:
        """The superuser's answer, asked for once."""
        if name not in self.answers:
            self.answers[name] = run(self.superuser, ALL[name])
        return self.answers[name]


@pytest.fixture(scope="module")
def readers(imported: Callable[[str], str], tenant: str) -> Iterator[Readers]:
    schemas = (imported("tpch"), imported("product"))
    with psycopg.connect(autocommit=True) as admin:
        role = make_agent(admin, tenant)
        for schema in schemas:
            expose_all(admin, tenant, schema, role)
    path = ",".join((*schemas, tenant))
    options = f"-c jit=off -c statement_timeout=2min -c search_path={path}"
    with (
        psycopg.connect(autocommit=True, options=options) as superuser,
        psycopg.connect(autocommit=True, options=options, user=role) as agent,
    ):
        yield Readers(load_as_text(superuser), load_as_text(agent))
    with psycopg.connect(autocommit=True) as admin:
        admin.execute("SELECT lakehouse.unexpose(id) FROM lakehouse.data_sources")
        for schema in schemas:
            revoke = sql.SQL("REVOKE USAGE ON SCHEMA {} FROM {}")
            admin.execute(revoke.format(sql.Identifier(schema), sql.Identifier(role)))


def make_agent(admin: Connection, tenant: str) -> str:
    """An agent's login role."""
    email = "analyst@agents.example"
    admin.execute(
        "SELECT lakehouse.create_user(%s, %s, 'Analyst', 'agent', if_not_exists => true)",
        [tenant, email],
    )
    users = sql.SQL("SELECT pg_role::text FROM {} WHERE email = %s")
    (role,) = admin.execute(
        users.format(sql.Identifier(tenant, "users")), [email]
    ).fetchone()
    return role


def expose_all(admin: Connection, tenant: str, schema: str, role: str) -> None:
    """Every table whole, so that both roles should see the same."""
    grant = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}")
    admin.execute(grant.format(sql.Identifier(schema), sql.Identifier(role)))
    for table in foreign_tables(admin, schema):
        admin.execute(
            "SELECT lakehouse.expose(%s, %s::regclass)", [tenant, f"{schema}.{table}"]
        )
        admin.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))


def test_there_are_enough_queries() -> None:
    assert len(OWN) >= 100 and len(TPCH) == 22
    assert set(FALSE_REFUSALS) <= set(ALL)
    assert len(FALSE_REFUSALS) <= MOST_FALSE_REFUSALS * len(ALL), FALSE_REFUSALS


@pytest.mark.parametrize("name", ALL)
def test_query_has_an_answer(readers: Readers, name: str) -> None:
    wanted = readers.wanted(name)
    assert wanted.rows, f"a query without rows proves nothing: {wanted}"
    assert (
        len(wanted.rows) <= MAX_ROWS or "ORDER BY" in ALL[name]
    ), "which rows are cut is chance"


@pytest.mark.parametrize("name", ALL)
def test_agent_gets_the_same_rows(readers: Readers, name: str) -> None:
    got = run(readers.agent, ALL[name])
    if name in FALSE_REFUSALS:
        assert got.sqlstate, "it passes; take it off the list of false refusals"
        return
    assert got.rows is not None, f"refused: {got.sqlstate} {got.message}"
    wanted = Outcome(rows=readers.wanted(name).rows[:MAX_ROWS])
    assert got.agrees(wanted, in_order="ORDER BY" in ALL[name]), got.difference(wanted)
