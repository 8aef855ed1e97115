# SPDX-License-Identifier: PostgreSQL
"""Canaries: secrets given in every way there is must be found nowhere afterwards.

On a cluster of its own: it scans the data directory, the log and a copy of the database.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import database_dump
import psycopg
import pytest
from canary import (
    file_holds,
    files_with,
    found_in,
    page,
    processes_with,
    relation_holds,
    relations_with,
)
from cluster import Cluster
from conftest import connect_warehouse
from ledger import hidden_text
from refusal import refused
from running_query import RunningQuery
from warehouse import Warehouse
from worker_program import run_worker

Connection = psycopg.Connection[tuple]
TENANT = "canary"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    one = Cluster(tmp_path_factory.mktemp("secrets") / "cluster")
    with one.connect() as connection:
        connection.execute("SELECT lakehouse.create_tenant(%s)", [TENANT])
    yield one
    one.stop()


@pytest.fixture
def own_session(cluster: Cluster) -> Iterator[Connection]:
    with cluster.connect() as connection:
        yield connection


def connect_to(cluster: Cluster, connection: Connection, name: str, **overrides: object) -> None:
    given = cluster.environment
    here = {
        key: given[f"WAREHOUSE_{key.upper()}"]
        for key in ("url", "id", "catalog", "token", "client_id", "client_secret")
    }
    connect_warehouse(connection, TENANT, name, **{**here, **overrides})
    connection.execute(
        f"CREATE FOREIGN TABLE {TENANT}.nation_{name} (n_nationkey bigint, n_name text)"
        f" SERVER {TENANT}_{name} OPTIONS (schema 'tpch', table_name 'nation')"
    )


def new_secret() -> str:
    return "dapi" + hidden_text()


def set_secret(cluster: Cluster, name: str, secret: str) -> None:
    """As an administrator would: the secret travels by standard input."""
    with cluster.connect() as connection:
        done = run_worker(
            connection, "secret", "set", "--tenant", TENANT, "--connection", name, given=secret
        )
    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout + done.stderr


def use(connection: Connection, name: str, sqlstate: str | None) -> None:
    """Scans, explains and tests the connection, whether or not its secret is right."""
    query = f"SELECT count(n_name) FROM {TENANT}.nation_{name} WHERE n_nationkey < 7"
    if sqlstate is None:
        assert connection.execute(query).fetchone() == (7,)
    else:
        refused(connection, query, sqlstate)
    connection.execute("SELECT * FROM lakehouse.test_connection(%s, %s)", [TENANT, name])


def leaks(cluster: Cluster, canaries: list[str]) -> list[str]:
    """Every place that holds a canary, except the encrypted ones, which must not be readable."""
    with cluster.connect() as connection:
        connection.execute("CHECKPOINT")
        found = relations_with(connection, canaries)
        row = connection.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
    assert row is not None
    root = cluster.data_directory.parent
    found += files_with(cluster.data_directory, canaries)
    found += files_with(root / "log", canaries)
    found += processes_with(canaries, {row[0], cluster.server_pid()})
    for path in ("metrics", "live", "ready", "nowhere"):
        with contextlib.suppress(OSError):
            if found_in(page(f"{cluster.environment['LAKEHOUSE_URL']}/{path}"), canaries):
                found.append(path)
    return found


def test_scanner_finds_what_is_there(cluster: Cluster, own_session: Connection) -> None:
    seen, row_value = secrets.token_hex(16), secrets.token_hex(16)
    own_session.execute("SET log_statement = 'all'")
    own_session.execute("CREATE TABLE public.planted (note text)")
    own_session.execute("INSERT INTO public.planted VALUES (%s)", [row_value])
    own_session.execute(f"SELECT '{seen}'")
    found = leaks(cluster, [seen, row_value])
    own_session.execute("DROP TABLE public.planted")
    assert "pg_catalog.pg_stat_activity" in found
    assert "public.planted" in found
    assert any("/pg_wal/" in place for place in found)
    assert any("/base/" in place for place in found)
    assert any("server.log" in place for place in found)


def test_token_argument_leaves_no_trace(cluster: Cluster, own_session: Connection) -> None:
    right, wrong = cluster.environment["WAREHOUSE_TOKEN"], new_secret()
    connect_to(cluster, own_session, "right")
    use(own_session, "right", None)
    connect_to(cluster, own_session, "wrong", token=wrong)
    use(own_session, "wrong", "28000")
    assert leaks(cluster, [right, wrong]) == []


def test_client_secret_leaves_no_trace(cluster: Cluster, own_session: Connection) -> None:
    right, wrong = cluster.environment["WAREHOUSE_CLIENT_SECRET"], new_secret()
    connect_to(cluster, own_session, "oauth", oauth=True)
    use(own_session, "oauth", None)
    connect_to(cluster, own_session, "oauth_wrong", oauth=True, client_secret=wrong)
    use(own_session, "oauth_wrong", "28000")
    assert leaks(cluster, [right, wrong]) == []


def test_secret_in_a_prepared_statement_leaves_no_trace(
    cluster: Cluster, own_session: Connection
) -> None:
    canary = new_secret()
    given = cluster.environment
    own_session.execute(
        "SELECT lakehouse.connect_databricks(%s, 'prepared', %s, %s, 'demo', 'tpch', token => %s)",
        [TENANT, given["WAREHOUSE_URL"], given["WAREHOUSE_ID"], canary],
        prepare=True,
    )
    assert leaks(cluster, [canary]) == []


def test_secret_set_from_standard_input_survives_full_logging(
    cluster: Cluster, own_session: Connection
) -> None:
    own_session.execute("ALTER SYSTEM SET log_statement = 'all'")
    own_session.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
    own_session.execute("ALTER SYSTEM SET log_min_messages = 'debug2'")
    own_session.execute("SELECT pg_reload_conf()")
    try:
        wrong = new_secret()
        connect_to(cluster, own_session, "typed", token=None)
        set_secret(cluster, "typed", wrong)
        use(own_session, "typed", "28000")
        set_secret(cluster, "typed", cluster.environment["WAREHOUSE_TOKEN"])
        use(own_session, "typed", None)
    finally:
        own_session.execute("ALTER SYSTEM RESET ALL")
        own_session.execute("SELECT pg_reload_conf()")
    assert leaks(cluster, [wrong, cluster.environment["WAREHOUSE_TOKEN"]]) == []


CALL = "lakehouse.connect_databricks('{tenant}', '{name}', '{url}', 'w', {secret})"


def call(secret: str, tenant: str = TENANT, name: str = "x", url: str = "https://a.example") -> str:
    return CALL.format(tenant=tenant, name=name, url=url, secret=secret)


FAILING_STATEMENTS = {
    "unknown tenant": "SELECT " + call("token => 'CANARY'", tenant="nobody"),
    "malformed url": "SELECT " + call("token => 'CANARY'", url="ftp://a b"),
    "malformed name": "SELECT " + call("token => 'CANARY'", name="N o"),
    "secret without id": "SELECT " + call("client_secret => 'CANARY'"),
    "both secrets": "SELECT " + call("token => 'CANARY', client_id => 'i', client_secret => 'x'"),
    "later error": "SELECT 1 / (length(" + call("token => 'CANARY'", name="y") + "::text) - 36)",
    "error in planning": "SELECT " + call("token => 'CANARY'") + ", 1 / 0",
    "misspelt argument": "SELECT " + call("tokn => 'CANARY'"),
    "syntax error": "SELECT " + call("token => 'CANARY'") + " FROM",
    "in a block": "DO $$BEGIN PERFORM " + call("token => 'CANARY'", tenant="nobody") + "; END$$",
}


@pytest.mark.parametrize("statement", list(FAILING_STATEMENTS))
def test_secret_in_a_failing_call_leaves_no_trace(
    statement: str, cluster: Cluster, own_session: Connection
) -> None:
    canary = new_secret()
    with pytest.raises(psycopg.Error) as caught:
        own_session.execute(FAILING_STATEMENTS[statement].replace("CANARY", canary))
    assert leaks(cluster, [canary]) == []
    said = caught.value.diag
    texts = (said.message_primary, said.message_detail, said.message_hint, said.context)
    assert not found_in(str(texts).encode(), [canary])


def test_secret_of_a_role_that_may_not_connect_leaves_no_trace(
    cluster: Cluster, own_session: Connection
) -> None:
    canary = new_secret()
    own_session.execute(f"SET ROLE {TENANT}_member")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        own_session.execute(
            f"SELECT lakehouse.connect_databricks('{TENANT}', 'x', 'https://a', 'w',"
            f" token => '{canary}')"
        )
    assert leaks(cluster, [canary]) == []


def test_secret_is_unseen_while_it_is_in_use(cluster: Cluster, own_session: Connection) -> None:
    token = cluster.environment["WAREHOUSE_TOKEN"]
    connect_to(cluster, own_session, "busy")
    warehouse = Warehouse(cluster.environment["STANDIN_CONTROL_URL"])
    warehouse.change_settings(running_ms=60_000)
    with cluster.connect() as scanning:
        query = RunningQuery(scanning, f"SELECT n_name FROM {TENANT}.nation_busy")
        query.wait_until(lambda: warehouse.state()["statements"]["running"] == 1, "running")
        found = leaks(cluster, [token])
        scanning.cancel()
        query.wait_end()
    warehouse.reset()
    assert found == []


def test_secret_is_unseen_while_its_call_waits(cluster: Cluster, own_session: Connection) -> None:
    canary = new_secret()
    with cluster.connect() as calling, own_session.transaction():
        own_session.execute("LOCK TABLE lakehouse.tenants")
        query = RunningQuery(calling, "SELECT " + call(f"token => '{canary}'", name="waiting"))
        query.wait_until(lambda: is_blocked(own_session, query.process_id), "the call waits")
        assert not relation_holds(own_session, ("pg_catalog", "pg_stat_activity"), [canary])
        calling.cancel()
        query.wait_end()
    assert isinstance(query.error, psycopg.errors.QueryCanceled)
    assert leaks(cluster, [canary]) == []


def is_blocked(connection: Connection, pid: int) -> bool:
    row = connection.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid]).fetchone()
    return row == (True,)


def test_explain_shows_no_secret(cluster: Cluster, own_session: Connection) -> None:
    token = cluster.environment["WAREHOUSE_TOKEN"]
    connect_to(cluster, own_session, "explained")
    query = f"SELECT * FROM {TENANT}.nation_explained WHERE n_nationkey = 3"
    for options in ("VERBOSE", "ANALYZE, VERBOSE, SETTINGS", "ANALYZE, VERBOSE, FORMAT json"):
        plan = own_session.execute(f"EXPLAIN ({options}) {query}").fetchall()
        assert not found_in(str(plan).encode(), [token])


def test_dump_holds_no_secret_and_opens_nowhere_else(
    cluster: Cluster, own_session: Connection, tmp_path: Path
) -> None:
    token = cluster.environment["WAREHOUSE_TOKEN"]
    connect_to(cluster, own_session, "dumped")
    use(own_session, "dumped", None)
    dump = database_dump.take(cluster)
    assert "nation_dumped" in dump.content and "\\\\x" in dump.content
    assert not found_in((dump.roles + dump.content).encode(), [token])

    other = Cluster(tmp_path / "other")
    try:
        database_dump.restore(dump, other)
        with other.connect() as connection:
            rows = connection.execute(
                f"SELECT secret IS NOT NULL FROM {TENANT}.warehouse_connections"
                " WHERE name = 'dumped'"
            )
            assert rows.fetchall() == [(True,)]
            refused(connection, f"SELECT * FROM {TENANT}.nation_dumped", "28000")
        assert leaks(other, [token]) == []
    finally:
        other.stop()


def test_worker_leaves_no_core_and_no_open_door(cluster: Cluster, own_session: Connection) -> None:
    row = own_session.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
    assert row is not None
    process = Path(f"/proc/{row[0]}")
    limits = (process / "limits").read_text(encoding="utf-8").splitlines()
    core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    # The kernel gives the files of a process that is not dumpable to root.
    assert (process / "environ").stat().st_uid == 0


def test_master_key_is_readable_by_the_server_alone(cluster: Cluster) -> None:
    key = cluster.data_directory / "lakehouse" / "master.key"
    assert key.stat().st_mode & 0o077 == 0
    assert not file_holds(key, [cluster.environment["WAREHOUSE_TOKEN"]])
