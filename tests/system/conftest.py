# SPDX-License-Identifier: PostgreSQL
"""Fixtures over the running test cluster: server, worker and stand-in, as tools/cluster made it.

The environment says where they are; nothing here starts or stops them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from recording import RecordedConnection
from warehouse import Warehouse

if TYPE_CHECKING:
    from bucket import Bucket
    from governed import Governed
    from playwright.sync_api import Browser
    from publishing import Publishing

Connection = psycopg.Connection[tuple]

psycopg.connect = RecordedConnection.connect  # every session of the run, however it is opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The scan of what the run has left comes last."""
    items.sort(key=lambda item: item.path.name == "test_nothing_hidden_left.py")


def connect(**options: object) -> Connection:
    """A new session as the superuser, in autocommit; a query that hangs fails its test."""
    return psycopg.connect(
        autocommit=True, options="-c statement_timeout=5min", **options
    )


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    """The stand-in's control: no fault before and after, and no statement left open by the test."""
    control = Warehouse.of_environment()
    if control.open_statements()["not_closed"]:
        control.reset()
    control.forget_faults()
    settings = control.settings()
    yield control
    control.forget_faults()
    control.change_settings(**settings)
    control.wait_quiet()


@pytest.fixture
def session() -> Iterator[Connection]:
    with connect() as connection:
        yield connection


@pytest.fixture
def new_session() -> Iterator[Callable[[], Connection]]:
    """Opens further sessions; all are closed after the test."""
    opened: list[Connection] = []

    def open_one(**options: object) -> Connection:
        opened.append(connect(**options))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


def connect_warehouse(
    connection: Connection,
    tenant: str,
    name: str,
    oauth: bool = False,
    **overrides: object,
) -> None:
    """Connects the tenant to the stand-in; the overrides replace what the environment says."""
    given: dict[str, object] = {
        key: os.environ[f"WAREHOUSE_{key.upper()}"]
        for key in ("url", "id", "catalog", "token", "client_id", "client_secret")
    }
    secret = "client_id => %(client_id)s, client_secret => %(client_secret)s"
    connection.execute(
        "SELECT lakehouse.connect_databricks(%(tenant)s, %(name)s, %(url)s, %(id)s, %(catalog)s,"
        f" 'tpch', {secret if oauth else 'token => %(token)s'})",
        {"tenant": tenant, "name": name, **given, **overrides},
    )


@pytest.fixture(scope="session")
def tenant() -> Iterator[str]:
    """A tenant of this run with the sample CRM; its connection is `wh`, its server <tenant>_wh."""
    slug = "t" + secrets.token_hex(4)
    with connect() as connection:
        connection.execute("SELECT lakehouse.create_tenant(%s)", [slug])
        connection.execute("SELECT lakehouse.load_sample_crm(%s)", [slug])
        connect_warehouse(connection, slug, "wh")
    yield slug
    with connect() as connection:
        connection.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


@pytest.fixture(scope="session")
def imported(tenant: str) -> Callable[[str], str]:
    """Imports a remote schema once a run; returns the local schema's name."""
    done: dict[str, str] = {}

    def import_one(remote: str) -> str:
        if remote not in done:
            local = f"{tenant}_{remote}"
            with connect() as connection:
                connection.execute(
                    sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(local))
                )
                connection.execute(
                    sql.SQL("IMPORT FOREIGN SCHEMA {} FROM SERVER {} INTO {}").format(
                        sql.Identifier(remote),
                        sql.Identifier(f"{tenant}_wh"),
                        sql.Identifier(local),
                    )
                )
            done[remote] = local
        return done[remote]

    return import_one


@pytest.fixture(scope="module")
def governed() -> Iterator[Governed]:
    """A tenant with one governed table, for the tests of a file."""
    import governed as made  # which connects by what stands here

    control = Warehouse.of_environment()
    tenant = made.set_up(control)
    yield tenant
    made.tear_down(tenant, control)


@pytest.fixture(scope="session")
def local_publishing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publishing]:
    """A cluster of its own, whose worker publishes into a small disk, and is killed by some tests."""
    from publishing import publishing_cluster

    with publishing_cluster(tmp_path_factory.mktemp("publishing") / "cluster") as made:
        yield made


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    """Of a service in a process of its own."""
    import s3_service
    from bucket import Bucket as Made

    service = s3_service.ServiceProcess()
    yield Made(service)
    service.stop()


@pytest.fixture(scope="module", params=["local", pytest.param("s3", marks=pytest.mark.long)])
def publishing(request: pytest.FixtureRequest, local_publishing: Publishing) -> Publishing:
    """Where its tables are stored is the parameter; `IN_BOTH` and the like in publishing.py say it for one test."""
    if request.param == "local":
        return local_publishing
    return local_publishing.storing_in(request.getfixturevalue("bucket"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def connected(session: Connection, tenant: str) -> Iterator[Callable[..., str]]:
    """Makes a connection with the given overrides; the session then finds its table `nation`."""
    schema = f"{tenant}_{secrets.token_hex(4)}"
    names: list[str] = []
    session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))

    def connect_one(**overrides: object) -> str:
        name = "c" + secrets.token_hex(4)
        connect_warehouse(session, tenant, name, **overrides)
        names.append(name)
        server = sql.Identifier(f"{tenant}_{name}")
        session.execute(
            sql.SQL(
                "CREATE FOREIGN TABLE nation (n_name text OPTIONS (column_type 'string'))"
                " SERVER {} OPTIONS (schema 'tpch')"
            ).format(server)
        )
        return name

    yield connect_one
    session.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    for name in names:
        session.execute(
            sql.SQL("DROP SERVER {} CASCADE").format(sql.Identifier(f"{tenant}_{name}"))
        )
        session.execute(
            sql.SQL("DELETE FROM {}.warehouse_connections WHERE name = {}").format(
                sql.Identifier(tenant), sql.Literal(name)
            )
        )


@pytest.fixture
def tpch_session(
    new_session: Callable[..., Connection], imported: Callable[[str], str]
) -> Callable[[], Connection]:
    """Opens further sessions that find the imported TPC-H tables."""
    schema = imported("tpch")

    def open_one() -> Connection:
        connection = new_session()
        connection.execute(
            sql.SQL("SET search_path = {}, public").format(sql.Identifier(schema))
        )
        return connection

    return open_one


@pytest.fixture
def tpch(session: Connection, imported: Callable[[str], str]) -> Connection:
    """A session whose search path finds the imported TPC-H tables."""
    session.execute(
        sql.SQL("SET search_path = {}, public").format(sql.Identifier(imported("tpch")))
    )
    return session
