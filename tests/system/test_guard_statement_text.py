# SPDX-License-Identifier: PostgreSQL
"""A statement as the audit log keeps it: which one it was, without a value, a comment or a control character."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import psycopg
import pytest
from conftest import connect
from governed import Governed, act_as

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

# In each constant stands `canary` or 4711, or its letters in some other form.
TEXTS = {
    "text": ("SELECT 'canary'", "SELECT $1"),
    "quotes in a text": ("SELECT 'a''canary'''", "SELECT $1"),
    "escapes": (r"SELECT E'\'canary\x41'", "SELECT $1"),
    "dollar quotes": ("SELECT $$canary$$, $x$ $$ canary $x$", "SELECT $1, $2"),
    "unicode": (r"SELECT U&'\0063anary'", "SELECT $1"),
    "its escape": ("SELECT U&'!0063anary' UESCAPE '!'", "SELECT $1 UESCAPE $2"),
    "national": ("SELECT N'canary'", "SELECT N$1"),
    "bits": ("SELECT B'1001001100111', X'4711'", "SELECT $1, $2"),
    "two lines": ("SELECT 'can'\n'ary'", "SELECT $1"),
    "numbers": ("SELECT 4711, 47.11, .4711, 4711e4711, -4711", "SELECT $1, $2, $3, $4, -$5"),
    "a typed constant": ("SELECT date '4711-01-01'", "SELECT date $1"),
    "an interval": ("SELECT interval '4711' day", "SELECT interval $1 day"),
    "comments": ("SELECT /* canary /* 4711 */ */ 1 -- canary\n, 2", "SELECT $1 , $2"),
    "white space": ("  SELECT\t1\n\n  ,2 ", "SELECT $1 ,$2"),
    "parameters": ("SELECT $1, 'canary'", "SELECT $1, $2"),
    "names": ('SELECT "a b" FROM accounts', 'SELECT "a b" FROM accounts'),
    "a quoted name with a quote": ('SELECT "a""b"', 'SELECT "a""b"'),
    "operators": ("SELECT 1+-2<=3", "SELECT $1+-$2<=$3"),
    "control characters": ('SELECT "a\x1b[31m\x7fb"', 'SELECT "a[31mb"'),
    "direction marks": ('SELECT "a\u202e\u200b\u2066\ufeffb"', 'SELECT "ab"'),
    "letters": ('SELECT "ä\u4e2d"', 'SELECT "ä\u4e2d"'),
}  # fmt: skip


@pytest.fixture
def agent(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_agent_2")


def last_record(governed: Governed) -> tuple[str, bytes]:
    with connect() as session:
        row = session.execute(
            "SELECT l.statement, l.statement_hash FROM lakehouse.audit_log l"
            " JOIN lakehouse.tenants t ON t.id = l.tenant_id WHERE t.slug = %s"
            " ORDER BY l.seq DESC LIMIT 1",
            [governed.tenant],
        ).fetchone()
    assert row is not None
    return row


def audited(governed: Governed, agent: Connection, text: str) -> tuple[str, bytes]:
    """What stays of a statement that is refused for the function after it."""
    with pytest.raises(psycopg.Error):
        agent.execute(text.encode())
    return last_record(governed)


@pytest.mark.parametrize("name", TEXTS)
def test_no_value_is_kept(governed: Governed, agent: Connection, name: str) -> None:
    text, wanted = TEXTS[name]
    # Refused by its first name, whatever else is wrong with it.
    statement, _ = audited(governed, agent, f"WITH x AS (SELECT nosuch()) {text}")
    assert statement == f"WITH x AS (SELECT nosuch()) {wanted}"
    assert "canary" not in statement and "4711" not in statement


def test_a_long_statement_is_cut_at_a_whole_character(
    governed: Governed, agent: Connection
) -> None:
    text = "SELECT nosuch(), " + ", ".join(f'"ä{number}ä"' for number in range(3000))
    statement, kept = audited(governed, agent, text)
    assert 4090 <= len(statement.encode()) <= 4096
    assert text.startswith(statement)
    assert kept == hashlib.sha256(text.encode()).digest()


def test_a_long_value_leaves_room_for_the_rest(
    governed: Governed, agent: Connection
) -> None:
    text = f"SELECT nosuch('{'canary' * 100000}', 'b')"
    assert audited(governed, agent, text)[0] == "SELECT nosuch($1, $2)"


def test_values_decide_the_hash_alone(governed: Governed, agent: Connection) -> None:
    first, second = (
        audited(governed, agent, f"SELECT nosuch('{value}')") for value in ("a", "b")
    )
    assert first[0] == second[0] and first[1] != second[1]


def test_bytes_that_are_no_text_reach_no_log(
    governed: Governed, agent: Connection
) -> None:
    audited(governed, agent, "SELECT nosuch('before')")
    before = last_record(governed)
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
        agent.execute(b"SELECT nosuch('\xff\xfe')")
    assert last_record(governed) == before
