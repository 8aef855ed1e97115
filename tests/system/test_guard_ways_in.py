# SPDX-License-Identifier: PostgreSQL
"""Every way into a governed table, for everything that is hidden: refused, or visible data alone.

`ways_in.py` has the matrix; a cell is one test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from fast_path import call_fast_path
from governed import Governed, act_as
from recording import keep_answer
from refusal import describe
from ways_in import TARGETS, WAYS, Target, Way

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

CELLS = [
    (way, target, kind)
    for way in WAYS
    for target in TARGETS
    for kind in ("member", "agent")
    # A function that runs as its owner, a superuser, is a member's to call.
    if (target, kind) != ("function", "member")
    if TARGETS[target].table or not WAYS[way].needs_table()
]


@pytest.fixture(scope="module", autouse=True)
def hidden_things(governed: Governed) -> None:
    """What TARGETS names. Roles get SELECT on whole tables, so that no missing right helps the guard."""
    schema = governed.tenant
    with connect() as superuser:
        superuser.execute(
            f"CREATE FOREIGN TABLE {schema}.ledger (note text OPTIONS (column_type 'string'))"
            f" SERVER {schema}_wh OPTIONS (schema '{governed.remote_schema}', table_name 'sales')"
        )
        superuser.execute(
            f"CREATE FUNCTION {schema}.leak() RETURNS text LANGUAGE sql SECURITY DEFINER"
            f" AS $$ SELECT max(secret) FROM {schema}.sales $$"
        )
        superuser.execute(
            f"GRANT SELECT ON {schema}.sales, {schema}.ledger TO {schema}_member, {schema}_agent"
        )


class Cell:
    """One way with its target filled in."""

    def __init__(self, way: Way, target: Target, schema: str) -> None:
        self.way = way
        names = {"s": schema, "w": f"{schema}_way"}
        names["r"] = target.read.format(**names)
        names["t"] = (target.table or "").format(**names)
        self._names = names

    def fill(self, texts: list[str]) -> list[str]:
        return [text.format(**self._names) for text in texts]

    def make(self, superuser: Connection) -> None:
        schema = self._names["w"]
        superuser.execute(f"CREATE SCHEMA {schema}")
        superuser.execute(f"GRANT USAGE ON SCHEMA {schema} TO PUBLIC")
        for statement in self.fill(self.way.make):
            superuser.execute(statement)

    def undo(self, superuser: Connection) -> None:
        for statement in self.fill(self.way.undo):
            superuser.execute(statement)
        superuser.execute(f"DROP SCHEMA {self._names['w']} CASCADE")

    def walk(self, session: Connection) -> Iterator[str]:
        """Whatever comes out; raises what the server raises."""
        for _ in range(self.way.times):
            for statement in self.fill(self.way.statements):
                yield from outputs(session, statement, self.way.parameters)
        if self.way.fast_path:
            yield self.call(session)

    def call(self, session: Connection) -> str:
        name = self.way.fast_path.format(**self._names)
        with connect() as superuser:
            (oid,) = superuser.execute(f"SELECT '{name}'::regprocedure::oid::int").fetchone()
        answer = call_fast_path(session, oid).decode(errors="replace")
        if "SERROR" in answer:
            raise psycopg.Error(answer)
        return answer


def outputs(session: Connection, statement: str, parameters: list[object] | None) -> Iterator[str]:
    if statement.startswith("COPY"):
        with psycopg.Cursor(session).copy(statement) as copy:
            for block in copy:
                keep_answer(bytes(block))
                yield bytes(block).decode()
        return
    cursor = session.execute(statement, parameters, prepare=parameters is not None)
    if cursor.description is not None:
        yield str(cursor.fetchall())


def refusals(way: Way, target: Target, kind: str) -> set[str]:
    """The codes that are right, of the way or of what lies behind it; none: it is open."""
    closed = way.agent if kind == "agent" else way.member
    return {code for code in (closed, target.code) if code}


@pytest.mark.parametrize(("way", "target", "kind"), CELLS)
def test_a_way_shows_nothing_hidden(
    governed: Governed, new_session: NewSession, way: str, target: str, kind: str
) -> None:
    session = new_session()
    cell = Cell(WAYS[way], TARGETS[target], governed.tenant)
    for statement in cell.way.before:
        session.execute(statement)
    act_as(session, f"{governed.tenant}_{kind}_2")
    told: list[str] = []
    session.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    codes = refusals(cell.way, TARGETS[target], kind)
    with connect() as superuser:
        cell.make(superuser)
        try:
            told.extend(cell.walk(session))
            assert not codes, told
            assert cell.way.shows in str(told), told
        except psycopg.Error as error:
            told.append(describe(error) + str(error))
            assert any(code in told[-1] for code in codes), told
        finally:
            session.close()
            cell.undo(superuser)
    assert not [canary for canary in governed.canaries if canary in str(told)]
