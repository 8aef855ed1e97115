# SPDX-License-Identifier: PostgreSQL
"""Where a function's result or time grows with an argument, an agent may pass a small constant and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

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
        ("('ab', 3)", "(repeat('ab', 1000), 3)"),
        ("('ab', 3)", "('ab', length(repeat('x', 1000000000)))"),
        ("('ab', 3)", "('ab', NULL)"),
    ],
    "lpad": [("('a', 10000)", "('a', 10001)"), ("('a', 9, '.')", "('a', 999999999, '.')")],
    "rpad": [("('a', 10000)", "('a', 10001)"), ("('a', 9, '.')", "('a', 999999999, '.')")],
    "generate_series": SPAN + [("(1, 9, 2)", "(1, 9000000, 2)")],
    "btrim": [("('a', ' ')", f"('a', {LONG})")],
    "ltrim": [("('a', ' ')", f"('a', {LONG})")],
    "rtrim": [("('a', ' ')", f"('a', {LONG})")],
    "translate": [("('a', 'b', 'c')", f"('a', {LONG}, 'c')"), ("('a', '', '')", "('a', now()::text, '')")],
    "strpos": [("('a', 'b')", f"('a', {LONG})"), ("('a', chr(10))", "('a', now()::text)")],
    "position": [("('b' IN 'a')", f"({LONG} IN 'a')")],
    "replace": [("('a', 'b', now()::text)", f"('a', {LONG}, 'c')")],
    "split_part": [("('a', '@', 1)", f"('a', {LONG}, 1)")],
    "string_to_array": [("('a', ',')", f"('a', {LONG})"), ("('a', ',', '')", f"('a', {LONG}, '')")],
    "string_to_table": [("('a', ',')", f"('a', {LONG})"), ("('a', ',', '')", f"('a', {LONG}, '')")],
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
    (part,) = re.findall(r"kBounds = (.*?)\}\);", DATA.read_text(encoding="utf-8"), re.DOTALL)
    assert set(CALLS) == set(re.findall(r"// \"?(\w+)\"?\(", part))


@pytest.mark.parametrize(("name", "fit", "unfit"), CASES)
def test_only_small_constants_pass(session: Connection, name: str, fit: str, unfit: str) -> None:
    assert verdict(session, name + fit)[0] == "pass"
    session.execute("SET statement_timeout = '500ms'")  # nothing is evaluated that was not checked
    assert verdict(session, name + unfit) == ("refused", "QUERY_TOO_COMPLEX")
