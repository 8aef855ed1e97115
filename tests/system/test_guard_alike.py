# SPDX-License-Identifier: PostgreSQL
"""Denied and missing answer an agent alike: code, words and way out, whatever the statement does with the name."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from governed import Governed, act_as
from refusal import describe

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]
Answer = dict[str, str]

FIELDS = (
    "severity sqlstate message_primary message_detail message_hint context statement_position"
    " schema_name table_name column_name datatype_name source_file source_function source_line"
).split()
NAME = "<name>"


@pytest.fixture
def agent(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_agent_2")


@pytest.fixture(scope="module")
def other(governed: Governed) -> Iterator[str]:
    """A schema of an admin's with a table, a function, an operator and types that are no agent's."""
    name = "o" + secrets.token_hex(4)
    with connect() as session:
        session.execute(f"CREATE SCHEMA {name}")
        session.execute(f"GRANT USAGE ON SCHEMA {name} TO PUBLIC")
        session.execute(f"CREATE TABLE {name}.there (id int)")
        session.execute(f"CREATE TYPE {name}.there_type AS ENUM ('a')")
        session.execute(
            f"CREATE FUNCTION {name}.there_function(int) RETURNS int LANGUAGE sql AS 'SELECT 1'"
        )
        session.execute(
            f"CREATE FUNCTION {name}.there_sum(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1'"
        )
        session.execute(
            f"CREATE OPERATOR {name}.@#@ (FUNCTION = {name}.there_sum, LEFTARG = int, RIGHTARG = int)"
        )
        session.execute(
            f"CREATE TEXT SEARCH CONFIGURATION {name}.there_search (COPY = simple)"
        )
        session.execute(f"CREATE COLLATION {name}.there_collation FROM \"C\"")
    yield name
    with connect() as session:
        session.execute(f"DROP SCHEMA {name} CASCADE")


def answer(session: Connection, query: str, name: str) -> Answer:
    """All that the session is told, the name taken out."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query.replace(NAME, name))
    diagnosis = caught.value.diag
    return {field: str(getattr(diagnosis, field)).replace(name, NAME) for field in FIELDS}


def verdict(session: Connection, query: str, name: str) -> list[str]:
    """What explain_guard() says, the name taken out."""
    (row,) = session.execute(
        "SELECT * FROM lakehouse.explain_guard(%s)", [query.replace(NAME, name)]
    ).fetchall()
    return [str(value).replace(name, NAME) for value in row]


# {t} is the governed table. Its column `secret` is hidden, of type text, and `zzzzzz` is missing.
WITH_COLUMNS = {
    "target": "SELECT <name> FROM {t}",
    "qualified": "SELECT s.<name> FROM {t} s",
    "schema": "SELECT {t}.<name> FROM {t}",
    "quoted": 'SELECT "<name>" FROM {t}',
    "where": "SELECT id FROM {t} WHERE <name> = 'x'",
    "type mismatch": "SELECT id FROM {t} WHERE <name> = 5",
    "no such operator": "SELECT id FROM {t} WHERE <name> + true",
    "no boolean": "SELECT id FROM {t} WHERE <name>",
    "bad literal": "SELECT id FROM {t} WHERE id = 'x' AND <name> = 'y'",
    "ambiguous": "SELECT <name> FROM {t} a, {t} b",
    "group by": "SELECT <name>, count(*) FROM {t} GROUP BY id",
    "grouped": "SELECT count(*) FROM {t} GROUP BY <name>",
    "order by": "SELECT id FROM {t} ORDER BY <name>",
    "order by expression": "SELECT id FROM {t} ORDER BY lower(<name>)",
    "distinct on": "SELECT DISTINCT ON (<name>) id FROM {t}",
    "having": "SELECT count(*) FROM {t} HAVING max(<name>) = 'x'",
    "window": "SELECT rank() OVER (PARTITION BY <name>) FROM {t}",
    "filter": "SELECT count(*) FILTER (WHERE <name> = 'x') FROM {t}",
    "using": "SELECT count(*) FROM {t} a JOIN {t} b USING (<name>)",
    "using another's": "SELECT count(*) FROM {t} a JOIN (SELECT 'x' AS <name>) b USING (<name>)",
    "natural": "SELECT a.id FROM {t} a NATURAL JOIN (SELECT 'x'::text AS <name>) b",
    "natural mismatch": "SELECT a.id FROM {t} a NATURAL JOIN (SELECT 1 AS <name>) b",
    "on": "SELECT count(*) FROM {t} a JOIN {t} b ON a.<name> = b.<name>",
    "field": "SELECT (s).<name> FROM {t} s",
    "as a function": "SELECT <name>(s) FROM {t} s",
    "of a star": "SELECT <name> FROM (SELECT * FROM {t}) s",
    "sub-select": "SELECT (SELECT <name> FROM {t} LIMIT 1)",
    "correlated": "SELECT (SELECT s.<name>) FROM {t} s",
    "lateral": "SELECT x.v FROM {t} s, LATERAL (SELECT s.<name> AS v) x",
    "cte": "WITH c AS (SELECT <name> FROM {t}) SELECT count(*) FROM c",
    "of a cte": "WITH c AS (SELECT id FROM {t}) SELECT <name> FROM c, {t} s",
    "union": "SELECT id FROM {t} UNION SELECT <name> FROM {t}",
    "union of types": "SELECT 1 UNION SELECT <name> FROM {t}",
    "case": "SELECT CASE WHEN id = 1 THEN 1 ELSE <name> END FROM {t}",
    "array": "SELECT ARRAY[1, <name>] FROM {t}",
    "aggregate in where": "SELECT id FROM {t} WHERE max(<name>) = 'x'",
    "after a missing function": "SELECT nosuch_function(1), <name> FROM {t}",
    "in a missing function": "SELECT nosuch_function(<name>) FROM {t}",
    "in a denied function": "SELECT pg_sleep(<name>) FROM {t}",
    "with no such overload": "SELECT abs(<name>) FROM {t}",
    "cast to a denied type": "SELECT <name>::regclass FROM {t}",
    "of a missing table too": "SELECT <name> FROM {t}, nosuch_table",
    "locked": "SELECT <name> FROM {t} FOR UPDATE",
    "explained": "EXPLAIN SELECT <name> FROM {t}",
    "changed": "UPDATE {t} SET <name> = 'x'",
    "into": "SELECT <name> INTO x FROM {t}",
    "copied": "COPY (SELECT <name> FROM {t}) TO STDOUT",
    "prepared": "PREPARE p AS SELECT <name> FROM {t}",
    "two statements": "SELECT <name> FROM {t}; SELECT 1",
    "parameter": "SELECT <name>, $1 FROM {t}",
    "join alias": "SELECT j.<name> FROM ({t} a CROSS JOIN {t} b) AS j",
    "alias list": "SELECT <name> FROM {t} AS s(a, b)",
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_COLUMNS)
def test_a_hidden_column_answers_as_a_missing_one(
    governed: Governed, agent: Connection, session: Connection, name: str
) -> None:
    query = WITH_COLUMNS[name].format(t=governed.table)
    hidden = answer(agent, query, "secret")
    assert hidden == answer(agent, query, "zzzzzz")
    assert hidden["message_hint"] != "None" or hidden["sqlstate"] == "22P02", hidden
    assert verdict(session, query, "secret") == verdict(session, query, "zzzzzz")


def test_the_hint_says_which_columns_there_are(
    governed: Governed, agent: Connection
) -> None:
    found = answer(agent, f"SELECT {NAME} FROM {governed.table}", "secre")
    assert found["message_primary"] == f'column "{NAME}" is refused (COLUMN_NOT_ALLOW_LISTED)'
    assert found["message_hint"] == "sales has id, amount, region, note."
    found = answer(agent, f"SELECT amoun FROM {governed.table}", "nothing")
    assert '"sales.amount"' in found["message_hint"]
    found = answer(agent, f"SELECT {NAME} FROM {governed.tenant}.accounts", "zzzzzz")
    assert "industry" in found["message_hint"]


# Statements that count the columns of {t}, which shows four of five. None names the hidden one.
COUNTING = [
    "SELECT * FROM {t}",
    "TABLE {t}",
    "SELECT s.* FROM {t} s",
    "SELECT s FROM {t} s",
    "SELECT count(s) FROM {t} s",
    "SELECT count(*) FROM {t} s WHERE s IS NOT NULL",
    "SELECT id FROM {t} NATURAL JOIN {t} b",
    "SELECT * FROM {t} AS s(a, b)",
    "SELECT a FROM {t} AS s(a, b, c, d, e)",
    "SELECT e FROM {t} AS s(a, b, c, d, e)",
    "SELECT e FROM {t} AS s(a, b, c, d, e, f)",
    "SELECT 1 WHERE ROW('1', 2, '3', '4') IN (SELECT * FROM {t})",
    "SELECT 1 WHERE ROW('1', 2, '3', '4', '5') IN (SELECT * FROM {t})",
    "SELECT * FROM {t} UNION ALL SELECT 1, 2, '3', '4'",
    "SELECT * FROM {t} UNION ALL SELECT 1, 2, '3', '4', '5'",
    "SELECT * FROM {t} UNION ALL SELECT 1, 2, '3', '4', '5', '6'",
    "SELECT (SELECT * FROM {t})",
    "SELECT id FROM {t} ORDER BY 2",
    "SELECT * FROM {t} ORDER BY 5",
    "SELECT * FROM {t} ORDER BY 6",
]


@pytest.mark.parametrize("query", COUNTING)
def test_no_error_tells_how_many_columns_are_hidden(
    governed: Governed, agent: Connection, query: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        agent.execute(query.format(t=governed.table))
    text = describe(caught.value)
    assert "secret" not in text
    assert "5 columns available" not in text and "has 5 columns" not in text


def test_fifth_and_sixth_column_answer_alike(
    governed: Governed, agent: Connection
) -> None:
    def told(query: str) -> Answer:
        return answer(agent, query.format(t=governed.table), "nothing")

    assert told("SELECT * FROM {t} ORDER BY 5") == told("SELECT * FROM {t} ORDER BY 6") | {
        "message_primary": "ORDER BY position 5 is not in select list"
    }
    union = "SELECT * FROM {t} UNION ALL SELECT 1, 2, '3', '4', 5"
    assert told(union) == told(union + ", 6")


# {o} is the admin's schema; the first name is there, the second is not.
OTHERS = {
    "table": ("SELECT 1 FROM {o}.<name>", "there", "zzzzzz"),
    "table's column": ("SELECT nosuch_column FROM {o}.<name>", "there", "zzzzzz"),
    "table's row type": ("SELECT NULL::{o}.<name>", "there", "zzzzzz"),
    "integration table": ("SELECT nosuch_column FROM {s}.<name>", "data_sources", "zzzzzz"),
    "system table": ("SELECT nosuch_column FROM pg_catalog.<name>", "pg_authid", "pg_nosuch"),
    "type": ("SELECT 'a'::{o}.<name>", "there_type", "zzzzzz"),
    "array of a type": ("SELECT '{{a}}'::{o}.<name>[]", "there_type", "zzzzzz"),
    "system type": ("SELECT 'a'::<name>", "regclass", "zzzzzz"),
    "function": ("SELECT {o}.<name>(1)", "there_function", "zzzzzz"),
    "function's arguments": ("SELECT {o}.<name>(1, 2)", "there_function", "zzzzzz"),
    "function in from": ("SELECT * FROM {o}.<name>(1)", "there_function", "zzzzzz"),
    "function's column": ("SELECT nosuch_column FROM {o}.<name>(1)", "there_function", "zzzzzz"),
    "system function": ("SELECT <name>(1)", "pg_sleep", "pg_nosuch"),
    "system function's arguments": ("SELECT <name>(1, 2, 3)", "pg_sleep", "pg_nosuch"),
    "function beside a column": ("SELECT <name>(1), nosuch_column", "pg_sleep", "pg_nosuch"),
    "operator": ("SELECT 1 OPERATOR({o}.<name>) 2", "@#@", "@|@"),
    "operator's operands": ("SELECT 1 OPERATOR({o}.<name>) true", "@#@", "@|@"),
    "system operator": ("SELECT 1 <name> 2", "<^", "<^^"),
    "collation": ("SELECT 'a' COLLATE {o}.<name>", "there_collation", "zzzzzz"),
    "text search": ("SELECT to_tsvector('{o}.<name>', 'a')", "there_search", "zzzzzz"),
    "schema of a text search": ("SELECT to_tsvector('<name>.simple', 'a')", "pg_toast", "zzzzzz"),
    "schema of a table": ("SELECT 1 FROM <name>.nosuch", "{o}", "zzzzzz"),
    "schema without usage": ("SELECT 1 FROM <name>.nosuch", "pg_toast", "zzzzzz"),
    "schema of a function": ("SELECT <name>.nosuch(1)", "{o}", "zzzzzz"),
    "schema of a type": ("SELECT 'a'::<name>.nosuch", "pg_toast", "zzzzzz"),
    "schema of an operator": ("SELECT 1 OPERATOR(<name>.+) 2", "pg_toast", "zzzzzz"),
    "schema of a collation": ('SELECT \'a\' COLLATE <name>."C"', "pg_toast", "zzzzzz"),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_denied_answers_as_what_is_missing(
    governed: Governed, other: str, agent: Connection, session: Connection, kind: str
) -> None:
    query, there, missing = (
        text.format(o=other, s=governed.tenant) for text in OTHERS[kind]
    )
    denied = answer(agent, query, there)
    assert denied == answer(agent, query, missing)
    assert denied["sqlstate"] == "42501" and denied["message_hint"] != "None", denied
    assert verdict(session, query, there) == verdict(session, query, missing)


@pytest.mark.parametrize("word", ["session_user", "current_role", "user", "current_schema"])
def test_a_refused_keyword_is_named(agent: Connection, word: str) -> None:
    assert f'"{word}"' in answer(agent, f"SELECT {word}", "nothing")["message_primary"]


@pytest.mark.parametrize("level", ["log", "fatal", "panic"])
def test_nothing_is_told_when_errors_are_not_logged(
    governed: Governed, new_session: NewSession, level: str
) -> None:
    """Errors are rewritten on their way to the log; no setting of an administrator's opens a way around."""
    quiet = new_session()
    quiet.execute(f"SET log_min_messages = {level}")
    quiet.execute("SET client_min_messages = debug5")
    act_as(quiet, f"{governed.tenant}_agent_2")
    for query in (
        f"SELECT secre FROM {governed.table}",
        f"SELECT secret FROM {governed.table}",
        "SELECT 'canary'::int",
        "SELECT 1 FROM nosuch",
        "SELECT 'canary",
    ):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as caught:
            quiet.execute(query)
        assert caught.value.diag.message_hint == "Set log_min_messages to error or lower."
        assert caught.value.diag.message_detail is None


def test_other_sessions_errors_are_their_own(new_session: NewSession) -> None:
    """A superuser's, whether they are logged or not."""
    plain = new_session()
    for level in ("error", "panic"):
        plain.execute(f"SET log_min_messages = {level}")
        with pytest.raises(psycopg.errors.UndefinedTable) as caught:
            plain.execute("SELECT 1 FROM nosuch")
        assert caught.value.diag.message_primary == 'relation "nosuch" does not exist'


def test_a_session_goes_on_after_refusals(
    governed: Governed, agent: Connection
) -> None:
    """Also inside of transactions, and with statements that are sent in parts."""
    for _ in range(200):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            agent.execute(f"SELECT nosuch FROM {governed.table}")
    agent.execute("BEGIN")
    agent.execute("SAVEPOINT a")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        agent.execute(f"SELECT nosuch, %s FROM {governed.table}", [1])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        agent.execute("SELECT nosuch")
    agent.execute("ROLLBACK TO a")
    assert agent.execute("SELECT %s::int", [7]).fetchone() == (7,)
    agent.execute("COMMIT")


def test_a_missing_thing_is_counted_and_audited_as_a_denied_one(
    governed: Governed, agent: Connection, session: Connection
) -> None:
    def seen() -> list[tuple]:
        return session.execute(
            "SELECT count(*), (SELECT count FROM lakehouse.stat_guard"
            " WHERE code = 'COLUMN_NOT_ALLOW_LISTED') FROM lakehouse.audit_log"
            " WHERE phase = 'refusal' AND code = 'COLUMN_NOT_ALLOW_LISTED'"
        ).fetchall()

    for name in ("secret", "zzzzzz"):
        ((records, refusals),) = seen()
        answer(agent, f"SELECT {NAME} FROM {governed.table}", name)
        assert seen() == [(records + 1, refusals + 1)]


def test_a_session_can_be_ended_after_refusals(new_session: NewSession, governed: Governed) -> None:
    """A second reading that fails happens while errors are reported, where interrupts are held."""
    agent = act_as(new_session(), f"{governed.tenant}_agent_2")
    for text in (f"SELECT secret FROM {governed.table}", "SELECT * FROM nowhere", "SELECT nothing()"):
        with pytest.raises(psycopg.Error):
            agent.execute(text)
    with connect() as session:
        pid = agent.info.backend_pid
        session.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
        left = session.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
        assert left.fetchone() == (0,)
