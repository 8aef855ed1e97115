# SPDX-License-Identifier: PostgreSQL
"""What does capture cost a write of the CRM? Two tenants with the same rows, one of them with a share; members update
accounts and opportunities by id with pgbench, by turns in short slices, so that what else the machine does falls on
both. Prints medians, and the slices' ratio of time per transaction with its 95 % interval (sign test)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
SECONDS = os.environ.get("BENCH_SECONDS", "2")
ROWS = 2000
TENANTS = ("bench_plain", "bench_shared")
PGBENCH = Path(os.environ.get("PG_CONFIG", "pg_config")).with_name("pgbench")

UPDATES = {
    "accounts": "UPDATE accounts SET employees = :n WHERE id = md5(:n::text)::uuid;",
    "opportunities": "UPDATE opportunities SET amount = :n WHERE id = md5(:n::text)::uuid;",
}


def prepare(session: psycopg.Connection[tuple], tenant: str) -> None:
    session.execute("SELECT lakehouse.create_tenant(%s)", [tenant])
    session.execute(f"SET search_path = {tenant}")
    session.execute(
        "INSERT INTO users (id, email, full_name) VALUES (md5('u')::uuid, 'u@bench.example', 'U')"
    )
    session.execute(
        "INSERT INTO accounts (id, name, owner_id) SELECT md5(n::text)::uuid, 'Account ' || n,"
        " md5('u')::uuid FROM generate_series(1, %s) AS n",
        [ROWS],
    )
    session.execute(
        "INSERT INTO opportunities (id, name, account_id, owner_id, close_date)"
        " SELECT md5(n::text)::uuid, 'Deal ' || n, md5(n::text)::uuid, md5('u')::uuid,"
        " date '2027-01-01' FROM generate_series(1, %s) AS n",
        [ROWS],
    )
    session.execute("ANALYZE")
    if tenant == TENANTS[1]:
        session.execute("SELECT lakehouse.create_share(%s, 'facts')", [tenant])


def milliseconds(tenant: str, script: Path) -> float:
    """One slice: the average time of a transaction."""
    options = f"-c role={tenant}_member -c search_path={tenant}"
    done = subprocess.run(
        [PGBENCH, "-n", "-M", "prepared", "-c", "1", "-T", SECONDS, "-f", script],
        env={**os.environ, "PGOPTIONS": options},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    if done.returncode != 0 or found is None:
        sys.exit(done.stderr)
    return float(found[1])


def slices(script: Path) -> list[tuple[float, float]]:
    taken = []
    for number in range(ROUNDS):
        turn = {t: milliseconds(t, script) for t in TENANTS[:: 1 if number % 2 else -1]}
        taken.append((turn[TENANTS[0]], turn[TENANTS[1]]))
    return taken


def rank(values: list[float], place: int) -> float:
    return sorted(values)[place]


def main() -> None:
    with psycopg.connect(autocommit=True) as session:
        for tenant in TENANTS:
            prepare(session, tenant)
    low = max(0, int((ROUNDS - 1.96 * ROUNDS**0.5) / 2) - 1)
    middle, high = ROUNDS // 2, ROUNDS - 1 - low
    print(f"One row's UPDATE by id, ms; {ROUNDS} slices of {SECONDS} s each by turns\n")
    print(f"{'table':14} {'without':>9} {'with':>9} {'with/without':>13}  95 %")
    for table, statement in UPDATES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(f"\\set n random(1, {ROWS})\n{statement}\n")
            script.flush()
            taken = slices(Path(script.name))
        ratios = [shared / plain for plain, shared in taken]
        print(
            f"{table:14} {rank([t[0] for t in taken], middle):9.3f}"
            f" {rank([t[1] for t in taken], middle):9.3f} {rank(ratios, middle):13.3f}"
            f"  {rank(ratios, low):.3f} to {rank(ratios, high):.3f}"
        )


main()
