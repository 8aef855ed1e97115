# SPDX-License-Identifier: PostgreSQL
"""What ANALYZE learns, what the planner makes of it, and what EXPLAIN tells."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from remote_plan import explain, nodes

Connection = psycopg.Connection[tuple]

RUN_FIELDS = {"Remote Query ID": str, "Remote Time": float, "Bytes Received": int, "Chunks": int}


@pytest.fixture
def fresh(session: Connection, tenant: str) -> Iterator[Connection]:
    """A session that finds foreign tables nobody has analysed yet."""
    schema = f"{tenant}_{secrets.token_hex(4)}"
    session.execute(f"CREATE SCHEMA {schema}".encode())
    session.execute(f"SET search_path = {schema}, {tenant}".encode())
    for remote in ("tpch", "product", "types"):
        session.execute(
            f"IMPORT FOREIGN SCHEMA {remote} FROM SERVER {tenant}_wh INTO {schema}".encode()
        )
    yield session
    session.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def value(connection: Connection, query: str) -> object:
    return connection.execute(query.encode()).fetchone()[0]


@pytest.mark.parametrize("table", ["region", "supplier", "orders", "usage"])
def test_analyze_stores_the_remote_row_count(fresh: Connection, table: str) -> None:
    fresh.execute(f"ANALYZE {table}".encode())
    counted = value(fresh, f"SELECT count(*) FROM {table}")
    assert (
        value(fresh, f"SELECT reltuples FROM pg_class WHERE oid = '{table}'::regclass") == counted
    )


def test_statistics_are_those_of_the_rows(fresh: Connection) -> None:
    fresh.execute("ANALYZE usage")
    rows = fresh.execute(
        "SELECT attname, null_frac, n_distinct, most_common_vals::text, histogram_bounds::text FROM pg_stats"
        " WHERE schemaname = current_schema AND tablename = 'usage'"
    )
    stats = {name: rest for name, *rest in rows}
    null_fraction, distinct, common, _ = stats["plan"]
    assert (null_fraction, distinct) == (0, 4)
    assert set(common.strip("{}").split(",")) == {"free", "starter", "team", "enterprise"}
    assert stats["usage_date"][1] == 12
    exact = value(fresh, "SELECT avg((error_rate IS NULL)::int)::float8 FROM usage")
    assert stats["error_rate"][0] == pytest.approx(exact, abs=0.01)
    assert stats["customer_key"][3] is not None


def test_sample_of_a_large_table_stands_for_all_of_it(fresh: Connection) -> None:
    """150 000 rows, of which ANALYZE reads 30 000: not just the first ones."""
    fresh.execute("ANALYZE orders")
    bounds = value(
        fresh,
        "SELECT histogram_bounds::text::bigint[] FROM pg_stats"
        " WHERE schemaname = current_schema AND tablename = 'orders' AND attname = 'o_orderkey'",
    )
    highest = value(fresh, "SELECT max(o_orderkey) FROM orders")
    assert len(bounds) == 101
    assert bounds[50] == pytest.approx(highest / 2, rel=0.1)
    assert bounds[100] > highest * 0.99


def test_sample_is_taken_in_the_warehouse(fresh: Connection) -> None:
    fresh.execute("SET default_statistics_target = 10")
    notices: list[str] = []
    fresh.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    fresh.execute("ANALYZE VERBOSE orders")
    assert any("150000 remote rows, 3000 in the sample" in notice for notice in notices), notices


def test_analyze_reads_every_type(fresh: Connection) -> None:
    fresh.execute("ANALYZE every_type")
    assert value(fresh, "SELECT reltuples FROM pg_class WHERE oid = 'every_type'::regclass") == 12


def test_estimate_follows_statistics(fresh: Connection) -> None:
    fresh.execute("ANALYZE usage")
    plan = explain(fresh, "SELECT * FROM usage WHERE plan = 'free'", "VERBOSE")["Plan"]
    exact = value(fresh, "SELECT count(*) FROM usage WHERE plan = 'free'")
    assert plan["Plan Rows"] == pytest.approx(exact, rel=0.1)


def hashed_relation(connection: Connection, query: str) -> str:
    plan = explain(connection, query, "VERBOSE")["Plan"]
    (built,) = (node for node in nodes(plan) if node["Node Type"] == "Hash")
    return built["Plans"][0]["Relation Name"]


def test_planner_hashes_the_small_side(fresh: Connection) -> None:
    fresh.execute("ANALYZE nation, customer")
    query = "SELECT count(*) FROM {} JOIN {} ON c_nationkey = n_nationkey"
    assert hashed_relation(fresh, query.format("customer", "nation")) == "nation"
    assert hashed_relation(fresh, query.format("nation", "customer")) == "nation"


def test_unanalysed_table_counts_as_large(fresh: Connection) -> None:
    fresh.execute("ANALYZE accounts")
    query = "SELECT count(*) FROM accounts JOIN orders ON o_custkey = account_number"
    assert hashed_relation(fresh, query) == "accounts"


def test_unanalysed_table_is_read_once_for_many_rows(fresh: Connection) -> None:
    """A remote statement for each of 300 accounts would take seconds."""
    fresh.execute("ANALYZE accounts")
    plan = explain(
        fresh,
        "SELECT count(*) FROM accounts JOIN orders ON o_custkey = account_number",
        "ANALYZE, VERBOSE",
    )["Plan"]
    (scan,) = (node for node in nodes(plan) if node["Node Type"] == "Foreign Scan")
    assert scan["Actual Loops"] == 1


@pytest.mark.parametrize(
    "conditions",
    [
        "l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate"
        " AND l_receiptdate >= '1994-01-01' AND l_receiptdate < '1995-01-01'",
        "l_shipmode = 'AIR' AND l_shipinstruct = 'DELIVER IN PERSON' AND l_quantity BETWEEN 1 AND 11",
    ],
)
def test_many_conditions_do_not_make_an_unanalysed_table_small(
    fresh: Connection, conditions: str
) -> None:
    """Thousands of rows come; guessed to be one, each would start a remote statement."""
    plan = explain(
        fresh,
        f"SELECT count(*) FROM lineitem JOIN orders ON o_orderkey = l_orderkey WHERE {conditions}",
        "ANALYZE, VERBOSE",
    )["Plan"]
    scans = {
        node["Relation Name"]: node["Actual Loops"]
        for node in nodes(plan)
        if node["Node Type"] == "Foreign Scan"
    }
    assert scans == {"lineitem": 1, "orders": 1}


def test_few_outer_rows_fetch_only_their_matches(fresh: Connection) -> None:
    fresh.execute("ANALYZE accounts, orders")
    plan = explain(
        fresh,
        "SELECT o_orderkey FROM accounts JOIN orders ON o_custkey = account_number WHERE account_number = 7",
        "ANALYZE, VERBOSE",
    )["Plan"]
    (scan,) = (node for node in nodes(plan) if node["Node Type"] == "Foreign Scan")
    assert "`o_custkey` = :p1" in scan["Remote SQL"]
    assert scan["Actual Rows"] * scan["Actual Loops"] == plan["Actual Rows"]


def test_explain_analyze_tells_about_the_run_in_json(fresh: Connection) -> None:
    plan = explain(fresh, "SELECT * FROM nation", "ANALYZE, VERBOSE")["Plan"]
    for field, kind in RUN_FIELDS.items():
        assert isinstance(plan[field], kind), (field, plan.get(field))
    assert plan["Remote Time"] > 0
    assert plan["Bytes Received"] > 25 * 10
    assert plan["Chunks"] >= 1
    assert plan["Actual Rows"] == 25


def test_explain_analyze_tells_about_the_run_in_text(fresh: Connection) -> None:
    lines = [line for (line,) in fresh.execute("EXPLAIN (ANALYZE) SELECT * FROM nation")]
    for field in RUN_FIELDS:
        assert any(line.strip().startswith(f"{field}: ") for line in lines), (field, lines)


def test_explain_analyze_hides_time_when_timing_is_off(fresh: Connection) -> None:
    plan = explain(fresh, "SELECT * FROM nation", "ANALYZE, TIMING off")["Plan"]
    assert "Remote Time" not in plan
    assert "Remote Query ID" in plan


def test_explain_alone_runs_nothing_remotely(fresh: Connection) -> None:
    plan = explain(fresh, "SELECT * FROM nation")["Plan"]
    assert not RUN_FIELDS.keys() & plan.keys()


def test_every_reason_is_in_the_json(fresh: Connection) -> None:
    """One list: a key that comes twice would lose all but its last value."""
    plan = explain(fresh, "SELECT 1 FROM nation WHERE lower(n_name) = 'x' AND upper(n_name) = 'Y'")[
        "Plan"
    ]
    assert [reason.split(" = ")[0] for reason in plan["Not Pushed"]] == [
        "(lower(n_name)",
        "(upper(n_name)",
    ]
