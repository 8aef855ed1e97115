# SPDX-License-Identifier: PostgreSQL
"""From a SELECT governed roles get what an oracle gets from plain tables of the allowed rows.

Or they are refused, and only where that is right.

LAKEHOUSE_TEST_SEED draws other statements, or again those of a failure.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import smith
from outcome import Outcome
from select_generator import Drawn, SelectGenerator
from walled_answers import Reader, Verdict, code_of, has_given_up, judge, leaked
from walled_sources import SOURCES
from walled_tenant import walled_tenant
from warehouse import Warehouse

SEED = int(os.environ.get("LAKEHOUSE_TEST_SEED", "20261121"))
SECONDS = 5  # for one statement; a remote scan for each row of a join takes longer
GOVERNED = ("member", "agent")
MOST_TABLES = 8  # of a statement that sqlsmith made; those with more take their time
MOST_DROPPED = 10  # of its statements for one that is worth asking

# Reasons for which sqlsmith's statements may be refused although they name nothing hidden.
BOUNDS = {"QUERY_TOO_COMPLEX", "DML_FORBIDDEN", "TYPE_NOT_ALLOW_LISTED"}


@dataclass
class Readers:
    """A session of each role, and what became of the statements so far."""

    sessions: dict[str, Reader]
    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)

    def ask(self, role: str, text: str) -> Outcome:
        outcome = self.sessions[role].ask(text)
        tokens = leaked(self.sessions[role], outcome, text)
        assert not tokens, f"{role} got {tokens}: {outcome} {self.sessions[role].heard}"
        return outcome

    def ask_governed(self, text: str) -> dict[str, Outcome]:
        with ThreadPoolExecutor(len(GOVERNED)) as pool:
            answers = pool.map(lambda role: (role, self.ask(role, text)), GOVERNED)
            return dict(answers)

    def judge(self, role: str, wanted: Outcome, got: Outcome, is_ordered: bool) -> Verdict:
        verdict = judge(wanted, got, is_ordered=is_ordered, is_agent=role == "agent")
        self.verdicts[role, verdict] += 1
        assert verdict is not Verdict.WRONG, f"{role}: {got.difference(wanted)} of the oracle"
        return verdict

    def share(self, role: str, *verdicts: Verdict) -> float:
        return sum(self.verdicts[role, verdict] for verdict in verdicts) / sum(
            count for (of, _), count in self.verdicts.items() if of == role
        )


@pytest.fixture(scope="module")
def sessions() -> Iterator[dict[str, Reader]]:
    warehouse = Warehouse.of_environment()
    with walled_tenant(warehouse) as walled:
        opened = {role: walled.session_of(role, SECONDS) for role in ("oracle", *GOVERNED)}
        yield {role: Reader(connection) for role, connection in opened.items()}
        for connection in opened.values():
            connection.close()
    warehouse.wait_quiet()


@pytest.fixture
def readers(sessions: dict[str, Reader]) -> Readers:
    return Readers(sessions)


# Drawn by our own generator, which knows what must be refused


def verify_drawn(readers: Readers, drawn: Drawn) -> int:
    """Returns how many rows the oracle had."""
    wanted = readers.ask("oracle", drawn.text)
    if drawn.flaw is None and not has_given_up(wanted):
        assert (wanted.rows is None) == drawn.raises, f"badly drawn: {wanted}"
    for role, got in readers.ask_governed(drawn.text).items():
        verdict = readers.judge(role, wanted, got, drawn.is_ordered)
        codes = getattr(drawn.flaw, role) if drawn.flaw else ()
        if codes:
            assert verdict is Verdict.REFUSED, f"{role} is not refused: {drawn.flaw}, {verdict}"
            assert any(code in got.message for code in codes), f"{role}: {got.message}"
        else:
            assert verdict is not Verdict.REFUSED, f"{role} is refused wrongly: {got.message}"
            is_other = verdict in (Verdict.OTHER_ERROR, Verdict.RAISED_ALONE)
            assert not is_other, f"{role}: {got.difference(wanted)}"
    return len(wanted.rows or ())


def verify_many(readers: Readers, first_seed: int, count: int) -> None:
    with_rows, flaws = 0, set()
    for seed in range(first_seed, first_seed + count):
        drawn = SelectGenerator(seed, SOURCES).drawn()
        flaws.add(drawn.flaw.name if drawn.flaw else None)
        try:
            with_rows += verify_drawn(readers, drawn) > 0
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}\n{drawn.text}") from error
    for role in GOVERNED:
        assert 0.05 < readers.share(role, Verdict.REFUSED) < 0.4, readers.verdicts
        assert readers.share(role, Verdict.GIVEN_UP) < 0.02, readers.verdicts
        assert readers.share(role, Verdict.UNSENDABLE) < 0.01, readers.verdicts
    assert with_rows > count * 0.4, "hardly any rows: the statements prove little"
    assert len(flaws) > 7, flaws


def test_drawn_selects_give_what_the_oracle_gives(readers: Readers) -> None:
    verify_many(readers, SEED, 150)


@pytest.mark.long
@pytest.mark.parametrize("number", range(10))
def test_many_drawn_selects_give_what_the_oracle_gives(readers: Readers, number: int) -> None:
    verify_many(readers, SEED + 100_000 + number * 1000, 1000)


# Made by sqlsmith, which knows nothing


def worth_asking(wanted: Outcome, number: int) -> bool:
    """All with rows or a value's error, some others: most of sqlsmith's conditions are false."""
    if wanted.rows is None and wanted.sqlstate in ("42804", "42883", "42P18", "42725", "42846"):
        return False  # it doesn't say what type it means; nobody gets an answer
    return bool(wanted.rows) or (wanted.sqlstate or "").startswith("2") or number % 6 == 0


def verify_made(readers: Readers, taste: smith.Taste, text: str, wanted: Outcome) -> None:
    for role, got in readers.ask_governed(text).items():
        verdict = readers.judge(role, wanted, got, is_ordered=False)
        if wanted.sqlstate in ("42703", "42P01"):
            # What the oracle doesn't have is hidden; another mistake may be seen first.
            is_mistake = (got.sqlstate or "").startswith("42")
            assert verdict is Verdict.REFUSED or is_mistake, f"{role} is not refused: {got}"
        elif verdict is Verdict.REFUSED:
            may_be = role == "agent" and taste.shows_denied
            assert may_be or code_of(got) in BOUNDS, f"{role} is refused wrongly: {got.message}"


def verify_smith(readers: Readers, taste: smith.Taste, seed: int, count: int) -> None:
    asked = with_rows = 0
    with smith.smith_database(taste) as database, closing(
        smith.statements(database, seed, MOST_TABLES)
    ) as texts:
        for number, text in enumerate(itertools.islice(texts, count * MOST_DROPPED)):
            try:
                wanted = readers.ask("oracle", text)
                if worth_asking(wanted, number):
                    asked += 1
                    with_rows += bool(wanted.rows)
                    verify_made(readers, taste, text, wanted)
            except AssertionError as error:
                where = f"sqlsmith's seed {seed}, no. {number}"
                raise AssertionError(f"{where}: {error}\n{text}") from error
            if asked == count:
                break
    assert asked == count, f"only {asked} statements are worth asking"
    assert with_rows > count * taste.least_rows, f"rows for {with_rows} of {asked}"
    for role in GOVERNED:
        assert readers.share(role, Verdict.GIVEN_UP) < 0.1, readers.verdicts
        assert readers.share(role, Verdict.OTHER_ERROR) < 0.03, readers.verdicts
        assert readers.share(role, Verdict.RAISED_ALONE) < 0.005, readers.verdicts
        assert readers.share(role, Verdict.UNSENDABLE) < 0.01, readers.verdicts
    if taste is smith.MODEST:
        assert readers.share("agent", Verdict.SAME_ROWS) > 0.6, readers.verdicts
    assert readers.share("member", Verdict.SAME_ROWS) > taste.least_rows, readers.verdicts


@pytest.mark.parametrize("taste", smith.TASTES, ids=lambda taste: taste.name)
def test_smiths_selects_give_what_the_oracle_gives(readers: Readers, taste: smith.Taste) -> None:
    verify_smith(readers, taste, SEED, 30)


@pytest.mark.long
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("taste", smith.TASTES, ids=lambda taste: taste.name)
def test_many_of_smiths_selects_give_what_the_oracle_gives(
    readers: Readers, taste: smith.Taste, number: int
) -> None:
    verify_smith(readers, taste, SEED + 1 + number, 700)
