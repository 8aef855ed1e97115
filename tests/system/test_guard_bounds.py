# SPDX-License-Identifier: PostgreSQL
"""Where a function's result or time grows with its arguments, an agent's are small.

Either they are constants, or what the query computes is measured before the call.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

Connection = psycopg.Connection[tuple]

DATA = Path(__file__).parents[2] / "extension" / "guard" / "allow_list_data.inc"

# For each bounded function, calls with a fitting argument and with ones that don't fit.
LONG = "'" + "a" * 600 + "'"
SPAN = [
    ("(1, 1000001)", "(0, 1000001)"),
    ("(-5, 5)", "(1, length(now()::text))"),
    ("(1, 5)", "(-9000000000000000000, 9000000000000000000)"),
]
CALLS: dict[str, list[tuple[str, str]]] = {
    "repeat": [
        ("('=', 1000)", "('=', 1001)"),
        ("('=', 2 + 3)", "('=', length(now()::text))"),
        ("('ab', 3)", "('ab', length(repeat('x', 1000000000)))"),
        ("('ab', 3)", "('ab', NULL)"),
    ],
    "lpad": [("('a', 10000)", "('a', 10001)"), ("('a', 9, '.')", "('a', 999999999, '.')")],
    "rpad": [("('a', 10000)", "('a', 10001)"), ("('a', 9, '.')", "('a', 999999999, '.')")],
    "generate_series": SPAN + [("(1, 9, 2)", "(1, 9000000, 2)")],
    "to_date": [("('2026', 'YYYY')", f"('2026', {LONG})")],
    "to_timestamp": [("('2026', 'YYYY')", f"('2026', {LONG})")],
    "to_number": [("('2026', '9999')", f"('2026', {LONG})")],
    "ts_rank": [
        ("(to_tsvector('a'), to_tsquery('simple', 'a & b'))", "(to_tsvector('a'), to_tsquery(now()::text))"),
        ("(to_tsvector('a'), to_tsquery('simple', 'a'), 1)", f"(to_tsvector('a'), to_tsquery('simple', {LONG}), 1)"),
        ("('{1,1,1,1}', to_tsvector('a'), 'a'::tsquery)", "('{1,1,1,1}', to_tsvector('a'), to_tsquery('a'))"),
    ],
    "ts_rank_cd": [
        ("(to_tsvector('a'), to_tsquery('simple', 'a & b'))", "(to_tsvector('a'), to_tsquery(now()::text))"),
    ],
}  # fmt: skip
CASES = [(name, fit, unfit) for name, pairs in CALLS.items() for fit, unfit in pairs]


def verdict(session: Connection, call: str) -> tuple[str, str | None]:
    """What the guard would say to an agent: verdict and code."""
    (row,) = session.execute(
        "SELECT verdict, code FROM lakehouse.explain_guard(%s)", [f"SELECT {call}"]
    ).fetchall()
    return row


def test_every_bounded_function_is_tried() -> None:
    (part,) = re.findall(
        r"kBounds = (.*?)\}\);", DATA.read_text(encoding="utf-8"), re.DOTALL
    )
    assert set(CALLS) == set(re.findall(r"// \"?(\w+)\"?\(", part))


@pytest.mark.parametrize(("name", "fit", "unfit"), CASES)
def test_only_small_constants_pass(
    session: Connection, name: str, fit: str, unfit: str
) -> None:
    assert verdict(session, name + fit)[0] == "pass"
    session.execute(
        "SET statement_timeout = '500ms'"
    )  # nothing is evaluated that was not checked
    assert verdict(session, name + unfit) == ("refused", "QUERY_TOO_COMPLEX")


# The values that each must not touch: long ones, computed by the query.
LONG_TEXT = (
    "WITH t AS (SELECT string_agg('a', '') AS x FROM generate_series(1, 100000)) SELECT"
)
LONG_ARRAY = (
    "WITH t AS (SELECT array_agg(n) AS a, array_agg(-n) AS b, jsonb_agg(n::text) AS j, array_agg((-n)::text) AS k"
    " FROM generate_series(1, 100000) n) SELECT"
)
LONG_LIST = (
    "WITH t AS (SELECT string_agg(repeat('1,', 1000), '') AS x FROM generate_series(1, 9000)) SELECT"
)
SLOW = [
    "SELECT repeat(repeat(repeat('x', 1000), 1000), 500)",
    "SELECT length(repeat(string_agg(name, ''), 1000)) FROM accounts",
    *(f"{LONG_TEXT} count(*) FROM t WHERE x || x {operator} '%' || x || 'b%'"
      for operator in ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")),
    f"{LONG_TEXT} count(*) FROM t WHERE NOT (x || x LIKE '%' || x || 'b%')",
    f"{LONG_TEXT} count(*) FROM t WHERE (x || x)::bpchar LIKE '%' || x || 'b%'",
    f"{LONG_TEXT} count(*) FROM t WHERE x || x LIKE ANY (ARRAY['%' || x || 'b%'])",
    f"{LONG_TEXT} count(*) FROM t WHERE 'a' LIKE ANY (SELECT x FROM t)",
    f"{LONG_TEXT} count(*) FROM t JOIN t AS s ON t.x LIKE s.x",
    f"{LONG_TEXT} strpos(x || x, 'b' || x) FROM t",
    f"{LONG_TEXT} position('b' || x IN x || x) FROM t",
    f"{LONG_TEXT} replace(x || x, 'b' || x, '') FROM t",
    f"{LONG_TEXT} split_part(x || x, 'b' || x, 2) FROM t",
    f"{LONG_TEXT} string_to_array(x || x, 'b' || x) FROM t",
    f"{LONG_TEXT} count(*) FROM t, string_to_table(x || x, 'b' || x)",
    f"{LONG_TEXT} translate(x || x, replace(x, 'a', 'b') || 'a', 'c') FROM t",
    *(f"{LONG_TEXT} trim({side} replace(x, 'a', 'b') || 'a' FROM x || x) FROM t"
      for side in ("both", "leading", "trailing")),
    f"{LONG_TEXT} count(*) FROM t GROUP BY x || x LIKE '%' || x || 'b%'",
    f"{LONG_TEXT} (SELECT x || x LIKE '%' || x || 'b%') FROM t",
    *(f"{LONG_ARRAY} {condition} FROM t"
      for condition in ("a @> a", "a <@ a", "a && b", "to_jsonb(a) @> to_jsonb(a)",
                        "to_jsonb(a) <@ to_jsonb(a)", "j ?| k", "j ?& k", "j - k")),
    *(f"{LONG_LIST} {conversion} FROM t"
      for conversion in ("count(('[' || x || '1]')::json)", "count(('[' || x || '1]')::jsonb)",
                         "count(('{' || x || '1}')::int[])", "length(array_agg(x)::text)")),
]  # fmt: skip
QUICK = [
    "SELECT repeat(name, 3), repeat(left(name, 2), 100), repeat('=', 40) FROM products",
    "SELECT count(*) FROM accounts WHERE name LIKE '%a%' AND description LIKE '%' || industry || '%'",
    "SELECT count(*) FROM accounts a JOIN products p ON a.name ILIKE '%' || left(p.name, 4) || '%'",
    "SELECT replace(string_agg(name, ',' ORDER BY id), lower('A'), 'b') FROM accounts",
    "SELECT string_to_array(string_agg(name, ',' ORDER BY id), NULL) FROM products",
    "SELECT split_part(domain, right(domain, 1), 1), translate(name, left(name, 3), 'x') FROM accounts",
    "SELECT array_agg(type) @> array_agg(DISTINCT type), array_agg(id) && array_agg(parent_id) FROM accounts",
    "SELECT name LIKE 'A%', count(*) FROM accounts GROUP BY name LIKE 'A%'",
    "SELECT left(name, 2) LIKE 'A' || '%', count(*) FROM accounts GROUP BY left(name, 2) LIKE 'A' || '%'"
    " HAVING left(name, 2) LIKE 'A' || '%'",
    "SELECT count(*) FROM accounts WHERE name LIKE ANY (ARRAY['A%', lower('B') || '%'])",
]


@pytest.fixture(scope="module")
def agent(tenant: str) -> Iterator[Connection]:
    email = "bounded@agents.example"
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(
            "SELECT lakehouse.create_user(%s, %s, 'Bounded', 'agent', if_not_exists => true)",
            [tenant, email],
        )
        users = sql.SQL("SELECT pg_role::text FROM {} WHERE email = %s")
        row = admin.execute(
            users.format(sql.Identifier(tenant, "users")), [email]
        ).fetchone()
    assert row is not None
    options = f"-c statement_timeout=1s -c search_path={tenant}"
    with psycopg.connect(autocommit=True, options=options, user=row[0]) as connection:
        yield connection


@pytest.mark.parametrize("query", SLOW)
def test_long_values_are_refused_before_they_take_time(
    agent: Connection, query: str
) -> None:
    started = time.monotonic()
    with pytest.raises(psycopg.Error) as raised:
        agent.execute(query.encode())
    assert raised.value.sqlstate == "54001", raised.value
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("query", QUICK)
def test_short_values_give_what_they_give_a_superuser(
    agent: Connection, session: Connection, tenant: str, query: str
) -> None:
    session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(tenant)))
    wanted = session.execute(query.encode()).fetchall()
    assert wanted
    assert sorted(agent.execute(query.encode()).fetchall()) == sorted(wanted[:200])
