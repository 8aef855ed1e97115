# SPDX-License-Identifier: PostgreSQL
"""Planning time at 1, 5 and 20 governed tables with a row filter each: a superuser's and a governed role's, in turn."""

from __future__ import annotations

import os
import statistics
import sys

import psycopg

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
PLANS = int(os.environ.get("BENCH_PLANS", "200"))
ROLES = {"superuser": None, "governed": "bench_guard_member_2"}

Connection = psycopg.Connection[tuple]


def prepare(session: Connection) -> None:
    """20 exposed foreign tables; nothing is read from them."""
    session.execute("SELECT lakehouse.create_tenant('bench_guard')")
    session.execute(
        "SELECT lakehouse.connect_databricks('bench_guard', 'wh', %s, %s, token => %s)",
        [os.environ[f"WAREHOUSE_{name}"] for name in ("URL", "ID", "TOKEN")],
    )
    for number in range(20):
        session.execute(
            f"CREATE FOREIGN TABLE bench_guard.t{number} (id bigint OPTIONS (column_type 'bigint'),"
            " amount int OPTIONS (column_type 'int')) SERVER bench_guard_wh OPTIONS (schema 'x')"
        )
        session.execute(
            f"SELECT lakehouse.expose('bench_guard', 'bench_guard.t{number}', NULL, 'amount < 5')"
        )
    for kind in ("admin", "member"):
        session.execute(
            "SELECT lakehouse.create_user('bench_guard', %s, %s, %s)",
            [f"{kind}@bench.example", kind, kind],
        )
    session.execute(
        "SET join_collapse_limit = 1"
    )  # the order of joins is not the question


def query_of(relations: int) -> str:
    joins = "".join(f" JOIN bench_guard.t{n} USING (id)" for n in range(1, relations))
    return f"SELECT count(*) FROM bench_guard.t0{joins} WHERE bench_guard.t0.id > 1"


def planning_ms(session: Connection, relations: int) -> list[float]:
    """By the server's own clock."""
    taken = []
    for _ in range(PLANS):
        row = session.execute(
            f"EXPLAIN (SUMMARY, FORMAT JSON) {query_of(relations)}"
        ).fetchone()
        if row is None:
            sys.exit("EXPLAIN returned nothing")
        taken.append(float(row[0][0]["Planning Time"]))
    return taken


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def compare(session: Connection, relations: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in ROLES}
    for _ in range(ROUNDS):
        for name, role in ROLES.items():
            session.execute(f"SET ROLE {role}" if role else "RESET ROLE")
            taken[name] += planning_ms(session, relations)
    session.execute("RESET ROLE")
    for name, values in taken.items():
        print(
            f"{relations:9} {name:12} {statistics.median(values):8.3f} {percentile(values, 0.99):8.3f}"
        )


def main() -> None:
    with psycopg.connect(autocommit=True) as session:
        prepare(session)
        print(f"Planning time, ms; {ROUNDS} rounds of {PLANS} plans in turn\n")
        print(f"{'relations':>9} {'role':12} {'p50':>8} {'p99':>8}")
        for relations in (1, 5, 20):
            compare(session, relations)


main()
