# SPDX-License-Identifier: PostgreSQL
"""Every function that is computed in the warehouse gives there what it gives here, in the stand-in and in Spark.

Spark is the judge: it shares no code with PostgreSQL, nor with the stand-in's other engine.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import operands
import psycopg
import pytest
import shippable_cases as cases
from conftest import connect_warehouse
from outcome import Outcome, read_as_text, run, settings
from remote_plan import foreign_scans
from shippable_cases import Condition, Function
from warehouse import Warehouse

sys.path.append(str(Path(__file__).parent / "standin"))

from process import Standin, running  # noqa: E402

Connection = psycopg.Connection[tuple]

DATA = Path(__file__).parents[2] / "build" / "warehouse"


@dataclass(frozen=True)
class Engine:
    """A schema with the live table `operands` and its copy `operands_copy`."""

    name: str
    live: str
    copy: str


@pytest.fixture(scope="module")
def spark() -> Iterator[Standin]:
    """The stand-in on Spark; STANDIN_SPARK_PYTHON names a Python that has pyspark, STANDIN_DATA where data is kept."""
    data = Path(os.environ.get("STANDIN_DATA", DATA))
    ready = data / f"spark-ready-{os.getpid()}.json"
    data.mkdir(parents=True, exist_ok=True)
    python = os.environ.get("STANDIN_SPARK_PYTHON")
    with running(data, ready, "--engine", "spark", python=python) as service:
        yield service
    ready.unlink()


@contextmanager
def engine_over(
    tenant: str, name: str, options: str, execute: Callable[[str], object]
) -> Iterator[Engine]:
    """Makes the remote table by `execute`, the foreign table over it, and the copy; <tenant>_<name> is the server."""
    schema = f"{tenant}_operands_{name}"
    engine = Engine(name, f"{schema}.operands", f"{schema}.operands_copy")
    make, fill = operands.create_remote(f"types.{schema}", options)
    with psycopg.connect(autocommit=True) as connection:
        execute(make)
        try:
            execute(fill)
            connection.execute(f"CREATE SCHEMA {schema}".encode())
            foreign = operands.create_foreign(engine.live, f"{tenant}_{name}", "types", schema)
            connection.execute(foreign.encode())
            connection.execute(f"CREATE TABLE {engine.copy} AS TABLE {engine.live}".encode())
            yield engine
            connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
        finally:
            execute(f"DROP TABLE types.{schema}")


@pytest.fixture(scope="module", params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest, tenant: str) -> Iterator[Engine]:
    if request.param == "duckdb":
        warehouse = Warehouse(os.environ["STANDIN_CONTROL_URL"])
        with engine_over(tenant, "wh", "", warehouse.execute) as made:
            yield made
        return
    service: Standin = request.getfixturevalue("spark")
    with psycopg.connect(autocommit=True) as connection:
        reached = {"url": service.url, "id": service.warehouse_id, "token": service.token}
        connect_warehouse(connection, tenant, "spark", **reached)
    with engine_over(tenant, "spark", "USING parquet", service.rows) as made:
        yield made


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    with psycopg.connect(autocommit=True) as connection:
        return cases.read_functions(connection)


@pytest.fixture
def reader(session: Connection) -> Connection:
    return read_as_text(session)


def select(relation: str, conditions: list[str]) -> str:
    joined = " OR ".join(f"(k = {k} AND {condition})" for k, condition in enumerate(conditions))
    return f"SELECT id FROM {relation} WHERE {joined}"


def differing(batch: list[Condition], left: Outcome, right: Outcome) -> str:
    """The labels of the conditions on whose rows the two differ."""
    if left.rows is None or right.rows is None:
        return f"{[c.label for c in batch]}: {left.difference(right)}"
    ids = sorted({int(row[0]) for row in set(left.rows) ^ set(right.rows)})
    return "; ".join(
        f"{condition.label}: (i, j) {[divmod(i - k * 10000, 100) for i in ids if i // 10000 == k][:12]}"
        for k, condition in enumerate(batch)
        if any(i // 10000 == k for i in ids)
    )


def verify_pushed(reader: Connection, query: str) -> str:
    """The scan of a query all of whose condition went out; its remote statement."""
    (scan,) = foreign_scans(reader, query)
    assert scan.filter is None and not scan.not_pushed, scan
    return scan.remote_sql


def verify_agreement(
    reader: Connection, engine: Engine, batch: list[Condition], *, must_push: bool = True
) -> str:
    """Pushed with constants, kept here, and over the copy: the same ids."""
    query = select(engine.live, [condition.with_constants() for condition in batch])
    remote_sql = verify_pushed(reader, query) if must_push else ""
    pushed = run(reader, query)
    wanted = run(reader, query.replace(engine.live, engine.copy))
    assert wanted.rows, (wanted, query[:500])
    assert pushed.agrees(wanted, in_order=False), differing(batch, pushed, wanted)
    if engine.name == "spark":
        return remote_sql  # what is evaluated here does not depend on the engine
    with settings(reader, lakehouse__enable_pushdown="off"):
        kept = run(reader, query)
    assert kept.agrees(wanted, in_order=False), differing(batch, kept, wanted)
    return remote_sql


def verify_parameters(
    reader: Connection, engine: Engine, batch: list[Condition], *, must_push: bool = True
) -> None:
    """The same through a generic plan, whose values come when it runs."""
    conditions, types, values = [], [], []
    for condition in batch:
        conditions.append(condition.with_parameters(len(types) + 1))
        types += [postgres for postgres, _ in condition.values]
        values += [cases.constant(*value) for value in condition.values]
    query = select(engine.live, conditions)
    with settings(reader, plan_cache_mode="force_generic_plan"):
        reader.execute(f"PREPARE tried ({', '.join(types)}) AS {query}".encode())
        execute = f"EXECUTE tried ({', '.join(values)})"
        try:
            if must_push:
                verify_pushed(reader, execute)
            got = run(reader, execute)
        finally:
            reader.execute("DEALLOCATE tried")
    constants = [condition.with_constants() for condition in batch]
    wanted = run(reader, select(engine.copy, constants))
    assert got.agrees(wanted, in_order=False), differing(batch, got, wanted)


def test_every_row_is_what_pg_proc_says(session: Connection) -> None:
    rows = session.execute(
        "SELECT s.oid::int8, s.signature, s.databricks, p.oid::regprocedure::text, p.pronargs"
        " FROM lakehouse.list_shippable_functions() s LEFT JOIN pg_proc p USING (oid)"
    ).fetchall()
    assert len(rows) > 100
    for oid, signature, form, known_as, arguments in rows:
        assert signature == known_as, oid
        markers = {int(number) for number in re.findall(r"\$(\d+)", form)}
        assert markers == set(range(1, arguments + 1)), (signature, form)


def test_no_row_is_volatile_or_set_returning(session: Connection) -> None:
    rows = session.execute(
        "SELECT s.signature FROM lakehouse.list_shippable_functions() s JOIN pg_proc p USING (oid)"
        " WHERE p.provolatile <> 'i' OR p.proretset OR NOT p.proisstrict OR p.prokind <> 'f'"
    )
    assert rows.fetchall() == []


def test_every_row_is_tried_below(functions: list[Function]) -> None:
    kinds: tuple[Callable[[Function], bool], ...] = (
        *(cases.is_comparison, cases.is_pattern, cases.is_division),
        *(cases.is_arithmetic, cases.is_cast),
    )
    untried = [f.signature for f in functions if sum(kind(f) for kind in kinds) != 1]
    assert untried == []


def test_copy_holds_the_values_that_were_asked_for(reader: Connection, engine: Engine) -> None:
    """PostgreSQL reads the texts itself; what came through the warehouse must be the same."""
    for kind in operands.KINDS:
        if kind.name == "char":
            continue
        wanted = [
            run(reader, f"SELECT ({cases.constant(kind.postgres, value)})::text").rows[0]
            for value in kind.values
        ]
        got = run(
            reader,
            f"SELECT b_{kind.name}::text FROM {engine.live} WHERE k = 0 AND i = 0 AND j < {kind.count}"
            " ORDER BY j",
        )
        assert got.rows == tuple(wanted), kind.name


def test_comparisons_of_columns_agree(
    reader: Connection, engine: Engine, functions: list[Function]
) -> None:
    compared = sorted(filter(cases.is_comparison, functions), key=lambda f: f.arguments)
    for batch in cases.batches([cases.by_columns(function) for function in compared]):
        remote_sql = verify_agreement(reader, engine, batch)
        for function in compared:
            if any(condition.label == function.signature for condition in batch):
                form = function.form.replace("$1", f"`a_{function.arguments[0]}`")
                assert form.replace("$2", f"`b_{function.arguments[1]}`") in remote_sql


def test_comparisons_with_values_agree(
    reader: Connection, engine: Engine, functions: list[Function]
) -> None:
    compared = sorted(filter(cases.is_comparison, functions), key=lambda f: f.arguments)
    for batch in cases.batches([cases.by_values(function) for function in compared]):
        verify_agreement(reader, engine, batch)
        verify_parameters(reader, engine, batch)


def test_patterns_agree(reader: Connection, engine: Engine, functions: list[Function]) -> None:
    batch = [cases.by_pattern(function) for function in filter(cases.is_pattern, functions)]
    assert "LIKE" in verify_agreement(reader, engine, batch)


@pytest.mark.parametrize("kind", [cases.is_division, cases.is_arithmetic, cases.is_cast])
def test_computed_values_agree(
    reader: Connection, engine: Engine, functions: list[Function], kind: Callable[[Function], bool]
) -> None:
    tried = [
        cases.by_results(reader, function, engine.copy) for function in filter(kind, functions)
    ]
    for batch in cases.batches(tried):
        verify_agreement(reader, engine, batch)
        # A product and a late value may need more digits together than there are.
        verify_parameters(reader, engine, batch, must_push=kind is not cases.is_arithmetic)


def test_lists_agree(reader: Connection, engine: Engine) -> None:
    for batch in cases.batches(list(cases.in_lists())):
        verify_agreement(reader, engine, batch)


def test_padded_text_is_compared_with_its_blanks(reader: Connection, engine: Engine) -> None:
    batch = list(cases.on_char_and_varchar())
    for part in cases.batches(batch):
        verify_agreement(reader, engine, part, must_push=False)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("nulls", ["FIRST", "LAST"])
def test_order_agrees(reader: Connection, engine: Engine, direction: str, nulls: str) -> None:
    for kind in operands.KINDS:
        if kind.name in ("char", "varchar"):
            continue
        collation = ' COLLATE "C"' if kind.postgres == "text" else ""
        query = (
            f"SELECT a_{kind.name}::text AS shown, id FROM {engine.live} WHERE k = 0"
            f" ORDER BY a_{kind.name}{collation} {direction} NULLS {nulls}, id LIMIT 40 OFFSET 2"
        )
        assert "OFFSET" in verify_pushed(reader, query)
        wanted = run(reader, query.replace(engine.live, engine.copy))
        got = run(reader, query)
        assert got.agrees(wanted, in_order=True), (kind.name, got.difference(wanted))
