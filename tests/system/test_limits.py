# SPDX-License-Identifier: PostgreSQL
"""Rate limits under load: exact over many sessions, bounded in memory, never forgotten."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

import psycopg
from conftest import connect

Connection = psycopg.Connection[tuple]

TAKE = "SELECT lakehouse.take_tokens(%s::text[], %s::float8[], %s::float8[])"
MANY = 1_000_000


def take(session: Connection, key: str, per_minute: float, burst: float) -> float:
    row = session.execute(TAKE, [[key], [per_minute], [burst]], prepare=True).fetchone()
    assert row is not None
    return row[0]


def in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_limit_is_exact_over_many_sessions() -> None:
    """L-01: eight sessions that try all the time get burst + rate * time, and nearly all of it."""
    per_minute, burst, seconds = 60_000.0, 500.0, 4.0
    key = "rt:" + secrets.token_hex(8)
    admitted = [0] * 8
    began_together = threading.Barrier(8)
    spans: list[tuple[float, float]] = []

    def work(number: int) -> None:
        # In the server: a client of Python could not ask often enough.
        count = (
            "SELECT count(*) FROM generate_series(1, 2000)"
            " WHERE lakehouse.take_tokens(ARRAY[%s], ARRAY[%s], ARRAY[%s]) = 0"
        )
        with connect() as session:
            began_together.wait()
            began = time.monotonic()
            while time.monotonic() - began < seconds:
                row = session.execute(count, [key, per_minute, burst]).fetchone()
                assert row is not None
                admitted[number] += row[0]
            spans.append((began, time.monotonic()))

    in_threads(8, work)
    span = max(end for _, end in spans) - min(begin for begin, _ in spans)
    most = burst + per_minute / 60 * span
    assert sum(admitted) <= most + 1
    # Until the last session ended there was always one that asked.
    assert sum(admitted) >= 0.99 * (most - per_minute / 60 * 0.02)


def test_who_waits_as_told_is_admitted(session: Connection) -> None:
    """L-05: after exactly the time of the answer the next try succeeds, every time."""
    key = "rt:" + secrets.token_hex(8)
    for _ in range(50):
        wait = take(session, key, 3000, 1)
        if wait > 0:
            time.sleep(wait)
            assert take(session, key, 3000, 1) == 0


def test_killed_session_leaves_the_tokens_taken(
    session: Connection, new_session: Callable[[], Connection]
) -> None:
    key = "rt:" + secrets.token_hex(8)
    other = new_session()
    assert take(other, key, 1, 1) == 0
    session.execute("SELECT pg_terminate_backend(%s, 5000)", [other.info.backend_pid])
    assert take(session, key, 1, 1) > 0


def test_a_million_keys_bypass_nothing(session: Connection) -> None:
    """L-04: the table is full of busy keys; hot ones stay hot, new ones wait, clients go on."""
    run = secrets.token_hex(8)
    hot = [f"rt:{run}:hot:{number}" for number in range(200)]
    for key in hot:
        assert take(session, key, 1, 1) == 0
    # A client's key shares no partition with what strangers send.
    flood = (
        "SELECT count(*) FILTER (WHERE wait = 0), count(*) FILTER (WHERE wait > 0), min(wait)"
        " FROM (SELECT lakehouse.take_tokens(ARRAY[%s || n], ARRAY[12.0], ARRAY[1.0]) AS wait"
        f" FROM generate_series(1, {MANY}) AS n OFFSET 0) t WHERE true"
    )
    began = time.monotonic()
    row = session.execute(flood, [f"rt:{run}:"]).fetchone()
    assert row is not None
    admitted, refused, _ = row
    assert admitted + refused == MANY
    # No more than there are places, those that fell idle in the meantime included.
    seconds = time.monotonic() - began
    assert refused > 0
    assert admitted <= 65_536 * (1 + seconds / 5)
    waits = [take(session, key, 1, 1) for key in hot]
    assert all(0 < wait <= 60 for wait in waits)
    new = [take(session, f"rt:{run}:new:{number}", 12, 1) for number in range(100)]
    assert all(wait == 0 or wait >= 1 for wait in new)
    assert take(session, f"client:{run}", 12, 1) == 0


def test_idle_keys_make_room(session: Connection) -> None:
    """The buckets that the flood left are full again after five seconds: every new key gets in."""
    run = secrets.token_hex(8)
    deadline = time.monotonic() + 30
    while any(take(session, f"rt:{run}:{n}", 60_000, 1) > 0 for n in range(200)):
        assert time.monotonic() < deadline
        time.sleep(0.5)
        run = secrets.token_hex(8)
    admitted = session.execute(
        "SELECT count(*) FROM generate_series(1, %s) AS n"
        " WHERE lakehouse.take_tokens(ARRAY[%s || n], ARRAY[60000000.0], ARRAY[1.0]) = 0",
        [MANY // 4, f"rt:{run}:"],
    ).fetchone()
    assert admitted == (MANY // 4,)


def test_a_call_takes_microseconds(session: Connection) -> None:
    """Beside a query that does the same without it; the best of some runs counts."""
    calls = 20_000
    key = secrets.token_hex(8)

    def microseconds(expression: str) -> float:
        query = f"SELECT count(*) FROM generate_series(1, {calls}) AS n WHERE {expression}"
        began = time.monotonic()
        session.execute(query)
        return (time.monotonic() - began) / calls * 1e6

    asked = f"lakehouse.take_tokens(ARRAY['client:{key}', 'tenant:{key}'], ARRAY[600, 3000], ARRAY[300, 1500]) >= 0"
    cost = min(microseconds(asked) - microseconds("n >= random()") for _ in range(5))
    print(f"take_tokens of two keys: {cost:.2f} microseconds")
    assert 0 < cost < 50
