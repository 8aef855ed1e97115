# SPDX-License-Identifier: PostgreSQL
"""A join of live tables gives what the same join gives over their rows copied into local tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from local_copy import copied, use_schema
from outcome import read_as_text, run

Connection = psycopg.Connection[tuple]

TPCH = dict(
    re.findall(
        r"^-- (Q\d+)\n(.+?)(?:\n\n|\Z)",
        (Path(__file__).parent / "tpch_queries.sql").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)

# {crm} is the tenant's schema; an account's number is the warehouse's customer key.
CRM_JOINS = {
    "open_opportunities_with_orders": (
        "SELECT a.name, o.name, o.amount, count(*), sum(r.o_totalprice), max(r.o_orderdate)"
        " FROM {crm}.opportunities o JOIN {crm}.accounts a ON a.id = o.account_id"
        " JOIN orders r ON r.o_custkey = a.account_number WHERE NOT o.is_closed"
        " GROUP BY a.id, o.id ORDER BY a.name, o.name, o.id"
    ),
    "left_join_keeps_accounts_without_orders": (
        "SELECT a.account_number, count(r.o_orderkey), sum(r.o_totalprice) FROM {crm}.accounts a"
        " LEFT JOIN orders r ON r.o_custkey = a.account_number AND r.o_orderdate >= '1997-01-01'"
        " GROUP BY 1 ORDER BY 1 NULLS FIRST"
    ),
    "left_join_keeps_condition_on_missing_row": (
        "SELECT a.account_number, u.plan FROM {crm}.accounts a"
        " LEFT JOIN usage u ON u.customer_key = a.account_number AND u.api_calls > 20000"
        " WHERE u.plan IS NULL OR u.plan = 'team'"
    ),
    "right_join_keeps_customers_without_account": (
        "SELECT c_custkey, a.name FROM {crm}.accounts a"
        " RIGHT JOIN customer ON c_custkey = a.account_number WHERE c_custkey BETWEEN 290 AND 320"
    ),
    "full_join_keeps_both_sides": (
        "SELECT n.n_name, a.country, count(*) FROM {crm}.accounts a"
        " FULL JOIN nation n ON n.n_nationkey = a.account_number GROUP BY 1, 2"
    ),
    "semi_join": (
        "SELECT a.account_number FROM {crm}.accounts a WHERE EXISTS (SELECT FROM usage u"
        " WHERE u.customer_key = a.account_number AND u.trial AND u.api_calls > a.employees)"
    ),
    "anti_join": (
        "SELECT a.account_number FROM {crm}.accounts a WHERE NOT EXISTS"
        " (SELECT FROM usage u WHERE u.customer_key = a.account_number AND u.error_rate > 0.05)"
    ),
    "not_in_with_null_in_the_list": (
        "SELECT count(*) FROM {crm}.accounts a WHERE a.employees NOT IN"
        " (SELECT active_seats FROM usage UNION ALL SELECT NULL)"
    ),
    "cross_engine_aggregate": (
        "SELECT a.industry, u.plan, count(DISTINCT a.id), sum(u.storage_gb), avg(u.storage_gb), max(u.last_event_at)"
        " FROM {crm}.accounts a JOIN usage u ON u.customer_key = a.account_number"
        " WHERE u.usage_date >= '2026-06-30' GROUP BY GROUPING SETS ((1, 2), (1), ())"
        " ORDER BY 1 NULLS LAST, 2 NULLS LAST"
    ),
    "window_over_join": (
        "SELECT a.account_number, u.usage_date, u.api_calls,"
        " sum(u.api_calls) OVER (PARTITION BY a.id ORDER BY u.usage_date)"
        " FROM {crm}.accounts a JOIN usage u ON u.customer_key = a.account_number"
        " WHERE a.account_number < 60 ORDER BY 1, 2"
    ),
    "lateral_last_orders": (
        "SELECT a.account_number, r.o_orderkey FROM {crm}.accounts a, LATERAL (SELECT o_orderkey FROM orders"
        " WHERE o_custkey = a.account_number ORDER BY o_orderdate DESC, o_orderkey LIMIT 2) r"
        " WHERE a.account_number < 40"
    ),
    "scalar_subquery_per_row": (
        "SELECT a.account_number, (SELECT max(o_totalprice) FROM orders WHERE o_custkey = a.account_number)"
        " FROM {crm}.accounts a WHERE a.account_number BETWEEN 10 AND 50"
    ),
    "union_intersect_except": (
        "(SELECT account_number FROM {crm}.accounts INTERSECT SELECT customer_key FROM usage)"
        " EXCEPT SELECT o_custkey FROM orders WHERE o_orderpriority = '1-URGENT'"
    ),
    "json_of_remote_structures": (
        "SELECT a.account_number, u.profile ->> 'tier', u.limits -> 'seats', jsonb_array_length(u.features)"
        " FROM {crm}.accounts a JOIN usage u ON u.customer_key = a.account_number"
        " WHERE u.usage_date = '2026-01-31'"
    ),
}

JOIN_METHODS = {
    "hash": ("enable_nestloop", "enable_mergejoin"),
    "merge": ("enable_nestloop", "enable_hashjoin"),
    "nested_loop": ("enable_hashjoin", "enable_mergejoin"),
}


@dataclass(frozen=True)
class Sides:
    """The schemas with the live tables, and with their copies."""

    live: tuple[str, ...]
    copy: tuple[str, ...]


@pytest.fixture(scope="module")
def sides(imported: Callable[[str], str]) -> Iterator[Sides]:
    live = (imported("tpch"), imported("product"))
    with copied(live[0]) as tpch, copied(live[1]) as product, psycopg.connect(autocommit=True) as c:
        use_schema(c, tpch)
        for statement in (
            "CREATE INDEX ON lineitem (l_partkey)",
            "CREATE INDEX ON lineitem (l_orderkey)",
            "CREATE INDEX ON partsupp (ps_partkey)",
        ):
            c.execute(statement)
        use_schema(c, live[0])
        c.execute("ANALYZE part, supplier, partsupp, customer, orders, nation, region, lineitem")
        yield Sides(live, (tpch, product))


def assert_equal_sides(session: Connection, sides: Sides, query: str) -> None:
    """The copy's answer first: it says what is right."""
    read_as_text(session)
    use_schema(session, *sides.copy)
    wanted = run(session, query)
    assert wanted.rows, f"a query without rows proves nothing: {wanted}"
    use_schema(session, *sides.live)
    got = run(session, query)
    assert got.agrees(wanted, in_order="ORDER BY" in query), got.difference(wanted)


@pytest.mark.parametrize("name", CRM_JOINS)
def test_join_with_crm_tables_equals_join_over_copies(
    session: Connection, sides: Sides, tenant: str, name: str
) -> None:
    assert_equal_sides(session, sides, CRM_JOINS[name].format(crm=tenant))


@pytest.mark.parametrize("method", JOIN_METHODS)
def test_join_is_the_same_by_every_method(
    session: Connection, sides: Sides, tenant: str, method: str
) -> None:
    for setting in JOIN_METHODS[method]:
        session.execute(f"SET {setting} = off".encode())
    query = (
        "SELECT a.account_number, o_orderkey, o_totalprice, o_orderdate"
        f" FROM {tenant}.accounts a JOIN orders ON o_custkey = a.account_number"
        " WHERE a.account_number <= 30 AND o_orderstatus <> 'P'"
    )
    assert_equal_sides(session, sides, query)


@pytest.mark.parametrize("name", TPCH)
def test_tpch_query_equals_query_over_copies(session: Connection, sides: Sides, name: str) -> None:
    assert_equal_sides(session, sides, TPCH[name])


def test_all_of_tpch_is_here() -> None:
    assert list(TPCH) == [f"Q{number}" for number in range(1, 23)]
