# SPDX-License-Identifier: PostgreSQL
"""Whether a governed role's answer is right, judged by the oracle's answer to the same text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

import psycopg
from canary import found_in
from outcome import Outcome, Row
from walled_tenant import CANARIES, CANARY_NUMBERS

Connection = psycopg.Connection[tuple]

MAX_ROWS = 200  # of an agent's answer; lakehouse.max_rows
_CODE = re.compile(r"is refused \((\w+)\)")
# An answer that came too late, or needed too much, says nothing.
_GIVEN_UP = ("57014", "53200", "54001")


class Verdict(Enum):
    SAME_ROWS = "the same rows"
    SAME_ERROR = "the same error"
    REFUSED = "refused"
    GIVEN_UP = "not decided: time or memory ran out"
    UNSENDABLE = "a value computed here that the warehouse can't hold: docs/troubleshoot.md, HV004"
    OTHER_ERROR = "another error of a value's, or one for the oracle alone"
    RAISED_ALONE = "an error of a value's, and rows for the oracle"
    WRONG = "wrong"


@dataclass
class Reader:
    """A session, and every word it gets beside the rows."""

    connection: Connection
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection.add_notice_handler(lambda notice: self.heard.extend(_words_of(notice)))

    def ask(self, query: str) -> Outcome:
        self.heard.clear()
        try:
            return Outcome(rows=_rows_of(self.connection.execute(query.encode())))
        except psycopg.Error as error:
            if self.connection.broken:
                raise AssertionError(f"the session broke: {error}\n{query}") from error
            self.heard.extend(_words_of(error.diag))
            return Outcome(sqlstate=error.sqlstate, message=error.diag.message_primary or "")


def _rows_of(cursor: psycopg.Cursor[tuple]) -> tuple[Row, ...]:
    """As the server wrote them: Python knows few of the types that sqlsmith does."""
    result = cursor.pgresult
    assert result is not None
    cells = range(result.nfields)
    values = ([result.get_value(row, cell) for cell in cells] for row in range(result.ntuples))
    return tuple(tuple(None if v is None else v.decode() for v in row) for row in values)


def _words_of(diagnosis: psycopg.errors.Diagnostic) -> list[str]:
    values = [getattr(diagnosis, name) for name in dir(diagnosis) if not name.startswith("_")]
    return [value for value in values if isinstance(value, str)]


def code_of(outcome: Outcome) -> str | None:
    match = _CODE.search(outcome.message)
    return match[1] if match else None


def has_given_up(outcome: Outcome) -> bool:
    return outcome.sqlstate in _GIVEN_UP


def leaked(reader: Reader, outcome: Outcome, query: str) -> list[str]:
    """The canaries in what the session got, save those the query itself spelled."""
    text = "\n".join([*reader.heard, *(str(row) for row in outcome.rows or ())])
    data = text.encode()
    tokens = [token for token in CANARIES if found_in(data, [token])]
    tokens += [token for token in CANARY_NUMBERS if token.encode() in data]
    return [token for token in tokens if token not in query]


def judge(wanted: Outcome, got: Outcome, *, is_ordered: bool, is_agent: bool) -> Verdict:
    """`wanted` is the oracle's. The governed role may be refused, but never differ."""
    if code_of(got) is not None:
        return Verdict.REFUSED
    if has_given_up(got) or has_given_up(wanted):
        return Verdict.GIVEN_UP
    if got.sqlstate == "HV004":
        return Verdict.UNSENDABLE
    if wanted.rows is None and got.rows is None:
        return Verdict.SAME_ERROR if _alike(wanted, got) else Verdict.OTHER_ERROR
    if wanted.rows is None:
        is_value = (wanted.sqlstate or "").startswith(("21", "22"))
        return Verdict.OTHER_ERROR if is_value else Verdict.WRONG
    if got.rows is None:
        # A hidden row's value may not raise, and of the visible ones' hardly any plan raises more.
        is_value = (got.sqlstate or "").startswith(("21", "22"))
        return Verdict.RAISED_ALONE if is_value else Verdict.WRONG
    rows = wanted.rows
    if is_agent and len(rows) > MAX_ROWS:
        if len(got.rows) != MAX_ROWS:
            return Verdict.WRONG
        rows = rows[:MAX_ROWS] if is_ordered else rows
        if not is_ordered:
            is_part = not _count(got.rows) - _count(rows)
            return Verdict.SAME_ROWS if is_part else Verdict.WRONG
    return Verdict.SAME_ROWS if _agree(rows, got.rows, is_ordered) else Verdict.WRONG


def _alike(wanted: Outcome, got: Outcome) -> bool:
    return (wanted.sqlstate or "")[:2] == (got.sqlstate or "")[:2]


def _agree(left: tuple[Row, ...], right: tuple[Row, ...], is_ordered: bool) -> bool:
    """Numbers of one value may tie in an order although they are written differently."""
    if is_ordered:
        return left == right or [*map(_plain, left)] == [*map(_plain, right)]
    return _count(left) == _count(right)


def _count(rows: tuple[Row, ...]) -> Counter[Row]:
    return Counter(map(_plain, rows))


def _plain(row: Row) -> Row:
    return tuple(
        cell.rstrip("0").rstrip(".") if cell and re.fullmatch(r"-?\d+\.\d+", cell) else cell
        for cell in row
    )
