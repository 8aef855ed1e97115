# SPDX-License-Identifier: PostgreSQL
"""Caps of an agent: rows, bytes, time and memory."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from conftest import connect
from governed import Governed, act_as
from refusal import describe
from running_query import best_of

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]


@pytest.fixture
def agent(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_agent_2")


def test_rows_are_cut_and_the_cut_is_told(
    governed: Governed, agent: Connection
) -> None:
    told: list[str] = []
    agent.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    assert len(agent.execute("SELECT * FROM generate_series(1, 200)").fetchall()) == 200
    assert told == []
    for query in (
        "SELECT * FROM generate_series(1, 1000)",
        "SELECT * FROM generate_series(1, 1000) LIMIT 900",
        "SELECT * FROM generate_series(1, 1000) LIMIT (SELECT 900)",
        "SELECT 1 FROM generate_series(1, 1000) UNION ALL SELECT 2",
    ):
        told.clear()
        assert len(agent.execute(query).fetchall()) == 200
        assert "ROW_CAP_EXCEEDED" in str(told)
    assert agent.execute(
        "SELECT count(*) FROM generate_series(1, 1000)"
    ).fetchone() == (1000,)


def test_a_data_source_can_cap_lower(governed: Governed, agent: Connection) -> None:
    with connect() as superuser:
        superuser.execute(
            f"UPDATE {governed.tenant}.data_sources SET max_rows = 7, max_bytes = 50"
        )
    try:
        assert (
            len(agent.execute(f"SELECT amount FROM {governed.table}").fetchall()) == 7
        )
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded) as caught:
            agent.execute(f"SELECT note || note || note FROM {governed.table}")
        assert "PAYLOAD_CAP_EXCEEDED" in describe(caught.value)
    finally:
        with connect() as superuser:
            superuser.execute(
                f"UPDATE {governed.tenant}.data_sources SET max_rows = NULL, max_bytes = NULL"
            )


# Section 1.7 of hostile SQL: each must end by itself, soon, without hurting the server.
SERIES = "generate_series(1, 10000) a, generate_series(1, 10000) b"
# A text of 60 MB.
LONG = "(SELECT string_agg(repeat('1,', 1000), '') AS x FROM generate_series(1, 30000)) t"
HOGS = {
    "cross join": f"SELECT count(*) FROM {SERIES}, generate_series(1, 10000) c",
    "string_agg": f"SELECT length(string_agg(a::text || b::text, ',')) FROM {SERIES}",
    "array_agg": f"SELECT cardinality(array_agg(a || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' || b)) FROM {SERIES}",
    "doubling": "SELECT length(x) FROM "
    + "(SELECT x || x AS x FROM " * 40
    + "(SELECT 'ab'::text AS x) s"
    + ") s" * 40,
    "doubling by name": "WITH c0 AS (SELECT 'ab'::text AS x)"
    + "".join(f", c{i + 1} AS (SELECT x || x AS x FROM c{i})" for i in range(30))
    + " SELECT length(x) FROM c30",
    "doubling sideways": "SELECT 1 FROM (SELECT 'ab'::text AS x0) s0"
    + "".join(f", LATERAL (SELECT x{i} || x{i} AS x{i + 1}) s{i + 1}" for i in range(30))
    + " WHERE x30 <> ''",
    "doubling branches": "SELECT length(x) FROM "
    + "(SELECT x || x AS x FROM " * 30
    + "(SELECT name AS x FROM {s}.accounts UNION ALL SELECT name FROM {s}.accounts) s"
    + ") s" * 30,
    "text to array": f"SELECT cardinality(('{{' || x || '1}}')::int[]) FROM {LONG}",
    "text to JSON": f"SELECT length(('[' || x || '1]')::json::text) FROM {LONG}",
    "text to JSONB": f"SELECT length(('[' || x || '1]')::jsonb::text) FROM {LONG}",
    "array to text": f"SELECT length(array_agg(x)::text) FROM {LONG}, generate_series(1, 9)",
    "normalize": f"SELECT length(normalize(chr(228) || x)) FROM {LONG}",
    "case": f"SELECT length(upper(x || x || x || x || x)) FROM {LONG}",
    "copies": f"SELECT cardinality(array_agg(upper(x || n))) FROM {LONG}, generate_series(1, 900) n",
    "words": f"SELECT length(to_tsvector('simple', replace(x, ',', ' '))) FROM {LONG}",
    "pattern": f"SELECT length(regexp_replace(x || x || x || x, '(1*,)*2', '', 'g')) FROM {LONG}",
    "pieces": f"SELECT cardinality(regexp_split_to_array(x, ',')) FROM {LONG}",
    "nested loops": "SELECT count(*) FROM "
    + ", ".join(f"generate_series(1, 1000) t{i}" for i in range(10)),
    "sort": f"SELECT a FROM {SERIES} ORDER BY a::text || b::text",
    "jsonb": f"SELECT length(jsonb_agg(a)::text) FROM {SERIES}",
    "terms": "SELECT " + " + ".join(["1"] * 50000),
    "parentheses": "SELECT " + "(" * 20000 + "1" + ")" * 20000,
    "list": "SELECT 1 WHERE 1 IN (" + ", ".join(["2"] * 50000) + ")",
    "joins": "SELECT 1 FROM {s}.accounts "
    + " ".join(f"CROSS JOIN {{s}}.accounts a{i}" for i in range(40)),
    # PostgreSQL analyses the left side once for each bound, or element, and can't be interrupted.
    "nested BETWEEN": "SELECT " + "(" * 40 + "1 < 2" + ") BETWEEN false AND true" * 40,
    "nested SYMMETRIC": "SELECT "
    + "(" * 40
    + "1 < 2"
    + ") BETWEEN SYMMETRIC false AND true" * 40,
    "nested IN": "SELECT 1 FROM {s}.accounts WHERE "
    + "(" * 40
    + "name = domain"
    + ") IN (name = domain, domain = name)" * 40,
    "grouping sets": "SELECT 1 FROM {s}.accounts"
    " GROUP BY CUBE (name, domain, industry, employees, revenue, country, owner_id, created_at)",
}


# What an agent's statement may take, with its time limited to one second.
SECONDS = 2.0
MEMORY = 512 << 20
ENDS = ("57014", "53200", "54000", "54001", "53400", "42601")


@pytest.mark.parametrize("name", HOGS)
def test_a_hog_ends_in_an_error(
    governed: Governed, new_session: NewSession, name: str
) -> None:
    query = HOGS[name].replace("{s}", governed.tenant)

    def seconds_it_takes() -> float:
        hog = new_session()
        hog.execute("SET lakehouse.agent_statement_timeout = '1s'")
        # The test's own end of a hog that the guard lets run.
        hog.execute("SET statement_timeout = '4s'")
        pid = hog.info.backend_pid
        act_as(hog, f"{governed.tenant}_agent_2")
        began = time.monotonic()
        with pytest.raises(psycopg.Error) as caught:
            hog.execute(query)
        took = time.monotonic() - began
        assert caught.value.sqlstate in ENDS, describe(caught.value)
        assert private_peak(pid) <= MEMORY
        assert hog.execute("SELECT 1").fetchone() == (1,)
        hog.close()
        return took

    best_of(seconds_it_takes, SECONDS)


# Raw, each of these numbers takes a hundred times its two bytes.
TEN_MEGABYTES = "SELECT " + ",".join(["1"] * 5_000_000)
ANALYSIS_MEMORY = 128 << 20


def test_the_first_statement_of_an_agent_has_limits(governed: Governed) -> None:
    with psycopg.connect(user=f"{governed.tenant}_agent_2", autocommit=True) as agent:
        with pytest.raises(psycopg.errors.OutOfMemory):
            agent.execute(TEN_MEGABYTES)
        assert private_peak(agent.info.backend_pid) <= ANALYSIS_MEMORY


@pytest.mark.parametrize("name", ["nested BETWEEN", "nested SYMMETRIC", "nested IN"])
def test_what_a_statement_may_use_is_not_there_to_analyse_the_next(
    governed: Governed, name: str
) -> None:
    agent_role = f"{governed.tenant}_agent_2"
    with psycopg.connect(user=agent_role, autocommit=True) as agent:
        with pytest.raises(psycopg.errors.OutOfMemory), agent.pipeline():
            agent.execute("SELECT count(*) FROM generate_series(1, 1000)", prepare=True)
            agent.execute(HOGS[name].replace("{s}", governed.tenant))
        assert private_peak(agent.info.backend_pid) <= ANALYSIS_MEMORY
        numbers = "SELECT cardinality(array_agg(a::text || b)) FROM generate_series(1, 1000) a"
        assert agent.execute(f"{numbers}, generate_series(1, 1000) b").fetchone() == (1_000_000,)
        assert private_peak(agent.info.backend_pid) >= ANALYSIS_MEMORY // 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "between", "code", "most_memory"),
    [
        ("agent", "x", b"53200", ANALYSIS_MEMORY),
        ("agent", "1,", b"53200", ANALYSIS_MEMORY),
        ("member", "x", b"XX000", 4 << 30),
    ],
)
def test_a_text_of_a_gigabyte_ends_in_an_error(
    governed: Governed, kind: str, between: str, code: bytes, most_memory: int
) -> None:
    ends = ("SELECT length('", "')") if between == "x" else ("SELECT ", "1")
    role = f"{governed.tenant}_{kind}_2"
    quiet = "-c log_min_error_statement=panic"  # else the server's log grows by the gigabyte
    with (
        psycopg.connect(user=role, autocommit=True)
        if kind == "agent"
        else act_as(psycopg.connect(options=quiet, autocommit=True), role)
    ) as session:
        began = time.monotonic()
        answer = send_gigabyte(session, ends[0], between, ends[1])
        took = time.monotonic() - began
        peak = private_peak(session.info.backend_pid)
        print(f"{kind}: {answer[:300]!r}, {took:.1f} s, {peak >> 20} MiB")
        assert b"\0C" + code + b"\0" in answer
        assert peak <= most_memory
        assert session.execute("SELECT 1").fetchone() == (1,)


def send_gigabyte(session: Connection, begin: str, between: str, end: str) -> bytes:
    """By hand, since libpq would hold it several times; what the server answers."""
    chunk = (between * (1 << 20)).encode()
    chunks = 1_000_000_000 // len(chunk)
    size = len(begin) + chunks * len(chunk) + len(end) + 1
    with socket.socket(fileno=os.dup(session.pgconn.socket)) as duplicate:
        duplicate.setblocking(True)
        duplicate.sendall(b"Q" + struct.pack("!I", 4 + size) + begin.encode())
        for _ in range(chunks):
            duplicate.sendall(chunk)
        duplicate.sendall(end.encode() + b"\0")
        answer = b""
        while not answer.endswith(b"Z\0\0\0\x05I"):
            received = duplicate.recv(65536)
            assert received, answer
            answer += received
    return answer


def private_peak(pid: int) -> int:
    """The most memory the process has had, in bytes, without what it shares with others."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    size = {
        name: int(kilobytes) << 10
        for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB$", status, re.MULTILINE)
    }
    return size["VmHWM"] - size["RssShmem"] - size["RssFile"]


def test_memory_has_a_ceiling(governed: Governed, new_session: NewSession) -> None:
    hungry = new_session()
    hungry.execute("SET lakehouse.agent_memory = '64MB'")
    act_as(hungry, f"{governed.tenant}_agent_2")
    with pytest.raises(psycopg.errors.OutOfMemory):
        hungry.execute(
            "SELECT cardinality(array_agg(a || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'))"
            " FROM generate_series(1, 10000) a, generate_series(1, 1000) b"
        )
    assert hungry.execute("SELECT 1").fetchone() == (1,)
