# SPDX-License-Identifier: PostgreSQL
"""Requests to MCP servers, ours beside two of others, in turn, round after round; then the check of a token alone, and
the memory of idle streams. One generator, wrk, makes the load for all.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import idle
import psycopg
from load import Load, Measured
from psycopg import sql
from servers import LEGACY, MODERN, READ_TOOL, Everything, Lakehouse, Server, Session, Toolbox

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
COLD_STARTS = int(os.environ.get("BENCH_COLD_STARTS", "10"))
CHECKS = int(os.environ.get("BENCH_CHECKS", "20000"))
STREAMS = int(os.environ.get("BENCH_STREAMS", "1000"))
CONNECTIONS = (1, 50)
WARM_UP_SECONDS = 2
TENANT = "bench_mcp"
SCOPES = ["crm:read", "crm:write", "warehouse:query"]
# More than is asked for: the benchmark measures requests, not refusals.
PER_MINUTE = 1_000_000


def sign_in(session: Session) -> str:
    """A tenant with its sample CRM, and the token of a member who signed in as with a browser."""
    password = secrets.token_urlsafe(24)
    session.execute("SELECT lakehouse.create_tenant(%s)", [TENANT])
    session.execute("SELECT * FROM lakehouse.load_sample_crm(%s)", [TENANT])
    session.execute(
        "SELECT lakehouse.create_user(%s, 'member@bench.example', 'Member', 'member', %s)",
        [TENANT, password],
    )
    session.execute(
        "SELECT lakehouse.set_tenant_limits(%s, %s, %s)",
        [TENANT, PER_MINUTE, PER_MINUTE],
    )
    client = session.execute(
        "SELECT client_id FROM lakehouse.create_oauth_client(%s, 'Bench', ARRAY['http://localhost/callback'],"
        " scopes => %s, is_public => true)",
        [TENANT, SCOPES],
    ).fetchone()
    assert client is not None
    browser = {
        "DEMO_TENANT": TENANT,
        "DEMO_AGENT_EMAIL": "member@bench.example",
        "DEMO_AGENT_PASSWORD": password,
        "DEMO_MCP_CLIENT_ID": client[0],
    }
    return subprocess.run(
        ["tools/agent", "sign-in"],
        env={**os.environ, **browser},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()


def make_toolbox_role(session: Session) -> str:
    """Its password. Over TCP the server asks for one."""
    password, role = secrets.token_urlsafe(24), sql.Identifier("bench_toolbox")
    session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
    session.execute(sql.SQL("GRANT USAGE ON SCHEMA bench_mcp TO {}").format(role))
    session.execute(sql.SQL("GRANT SELECT ON bench_mcp.accounts TO {}").format(role))
    return password


def accounts_of(session: Session) -> list[str]:
    rows = session.execute("SELECT id::text FROM bench_mcp.accounts ORDER BY id").fetchall()
    return [row[0] for row in rows]


def verified(server: Server, what: str) -> Load:
    """The request, seen to be answered rightly."""
    if what == "tools/list":
        load = server.list_tools()
        if not load.ask_once()[0]["tools"]:
            sys.exit(f"{server.name} lists no tools")
        return load
    load = server.read()
    if not load.ask_once()[0]["content"]:
        sys.exit(f"{server.name} reads nothing")
    return load


def title(header: str) -> None:
    print(f"\n{header}\n", flush=True)


def compare(servers: Iterable[Server], what: str, directory: Path) -> None:
    """All candidates in turn, each started anew and warmed up."""
    taken: dict[tuple[str, int], list[Measured]] = {}
    for _ in range(ROUNDS):
        for server in servers:
            server.begin()
            load = verified(server, what)
            for connections in CONNECTIONS:
                load.run(connections, WARM_UP_SECONDS, directory)
                measured = load.run(connections, SECONDS, directory)
                taken.setdefault((server.name, connections), []).append(measured)
            server.end()
    title(f"{what}; medians of {ROUNDS} rounds of {SECONDS} s in turn")
    print(f"{'candidate':26} {'connections':>11} {'p50 ms':>8} {'p95 ms':>8} {'requests/s':>11}")
    for (name, connections), rounds in sorted(taken.items(), key=lambda item: item[0][1]):
        p50, p95, rate = (
            statistics.median(getattr(one, part) for one in rounds)
            for part in ("p50_ms", "p95_ms", "per_second")
        )
        print(f"{name:26} {connections:11} {p50:8.2f} {p95:8.2f} {rate:11.0f}", flush=True)


def compare_cold(servers: Iterable[Server]) -> None:
    taken: dict[str, list[float]] = {}
    for _ in range(COLD_STARTS):
        for server in servers:
            server.begin()
            taken.setdefault(server.name, []).append(server.list_tools().ask_once()[1])
            server.end()
    title(f"tools/list as the first request of a new process, ms; {COLD_STARTS} starts in turn")
    print(f"{'candidate':26} {'min':>8} {'median':>8} {'max':>8}")
    for name, values in taken.items():
        middle = statistics.median(values)
        print(f"{name:26} {min(values):8.1f} {middle:8.1f} {max(values):8.1f}", flush=True)


def check_token(token: str) -> None:
    """lakehouse.admit() as the worker asks it: prepared, over one connection. The client here is slower than the
    worker's, so an empty statement is timed beside it."""
    hashed = hashlib.sha256(token.encode()).digest()
    statements: dict[str, tuple[str, list[bytes]]] = {
        "check of a token": ("SELECT * FROM lakehouse.admit(%s)", [hashed]),
        "empty statement": ("SELECT 1", []),
    }
    title(f"A round trip to the database alone, ms; {CHECKS} each")
    print(f"{'statement':26} {'p50':>8} {'p95':>8}")
    with psycopg.connect(autocommit=True, user="lakehouse_worker") as session:
        for name, (statement, values) in statements.items():
            taken = sorted(seconds_of(session, statement, values) for _ in range(CHECKS))
            p50, p95 = (1000 * taken[int(CHECKS * share)] for share in (0.5, 0.95))
            print(f"{name:26} {p50:8.3f} {p95:8.3f}", flush=True)


def seconds_of(session: Session, statement: str, values: list[bytes]) -> float:
    began = time.perf_counter()
    session.execute(statement, values, prepare=True, binary=True).fetchone()
    return time.perf_counter() - began


def weigh_streams(server: Lakehouse) -> None:
    server.begin()
    verified(server, "tools/list")
    pid = server.pid()
    assert pid is not None
    before, after = idle.megabytes(server.listen(), pid, STREAMS, 20)
    title(
        f"Memory of {STREAMS} idle streams: {after - before:.1f} MB more than {before:.1f} MB without"
    )


def main() -> None:
    directory = Path(os.environ["BENCH_DIR"])
    with psycopg.connect(autocommit=True) as session:
        token = sign_in(session)
        accounts, password = accounts_of(session), make_toolbox_role(session)
        ours = Lakehouse(session, token, accounts, MODERN)
        tools = verified_tools(ours)
        servers: list[Server] = [
            ours,
            Lakehouse(session, token, accounts, LEGACY),
            Everything(directory),
            Toolbox(accounts, [], password, directory),
            Toolbox(accounts, tools, password, directory),
        ]
        try:
            for what in ("tools/list", "tools/call of a simple read"):
                compare(servers, what, directory)
            compare_cold(servers)
            check_token(token)
            weigh_streams(ours)
        finally:
            for server in servers:
                server.end()


def verified_tools(server: Lakehouse) -> list[dict]:
    """All but the one that Toolbox has anyway."""
    listed = server.list_tools().ask_once()[0]["tools"]
    return [tool for tool in listed if tool["name"] != READ_TOOL]


main()
