# SPDX-License-Identifier: PostgreSQL
"""Who may do what: admins within their tenant, nobody across tenants, no secret for anyone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect, connect_warehouse
from psycopg import sql
from refusal import refused
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]
DENIED = psycopg.errors.InsufficientPrivilege
# An agent may not even send the statement.
REFUSED = (DENIED, psycopg.errors.ReadOnlySqlTransaction)
# Another tenant may also look as if it did not exist.
DENIED_OR_UNSEEN = (DENIED, psycopg.errors.UndefinedObject)

GROUPS = ("admin", "member", "readonly", "agent")


@pytest.fixture(scope="module")
def tenants() -> Iterator[tuple[str, str]]:
    """Two tenants, each with a connection `wh`."""
    slugs = ("r" + secrets.token_hex(4), "s" + secrets.token_hex(4))
    with connect() as connection:
        for slug in slugs:
            connection.execute("SELECT lakehouse.create_tenant(%s)", [slug])
            connect_warehouse(connection, slug, "wh")
    yield slugs
    with connect() as connection:
        for slug in slugs:
            connection.execute(f"DROP OWNED BY {', '.join(f'{slug}_{group}' for group in GROUPS)}")
            connection.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


@pytest.fixture
def acting(new_session: NewSession) -> Callable[[str], Connection]:
    """Opens a session that acts as a role; what the role may not do, the session may not do."""

    def open_as(role: str) -> Connection:
        connection = new_session()
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        return connection

    return open_as


def test_admin_connects_tests_imports_and_reads(
    warehouse: Warehouse, tenants: tuple[str, str], acting: Callable[[str], Connection]
) -> None:
    own, _ = tenants
    admin = acting(f"{own}_admin")
    connect_warehouse(admin, own, "mine")
    steps = admin.execute("SELECT step, ok FROM lakehouse.test_connection(%s, 'mine')", [own])
    assert [row[1] for row in steps] == [True] * 4
    admin.execute(f"IMPORT FOREIGN SCHEMA tpch LIMIT TO (nation) FROM SERVER {own}_mine INTO {own}")
    assert admin.execute(f"SELECT count(*) FROM {own}.nation").fetchone() == (25,)


@pytest.mark.parametrize("group", GROUPS)
def test_other_tenants_roles_cannot_connect_here(
    group: str,
    warehouse: Warehouse,
    tenants: tuple[str, str],
    acting: Callable[[str], Connection],
) -> None:
    own, other = tenants
    stranger = acting(f"{other}_{group}")
    with pytest.raises(DENIED_OR_UNSEEN):
        connect_warehouse(stranger, own, "intruder")
    with pytest.raises(DENIED_OR_UNSEEN):
        stranger.execute("SELECT * FROM lakehouse.test_connection(%s, 'wh')", [own])
    with pytest.raises(DENIED):
        stranger.execute(f"SELECT name FROM {own}.warehouse_connections")
    with pytest.raises(DENIED):
        stranger.execute("SELECT name FROM lakehouse.warehouse_connections")


@pytest.mark.parametrize("group", GROUPS)
def test_other_tenants_roles_cannot_use_the_server(
    group: str,
    warehouse: Warehouse,
    tenants: tuple[str, str],
    acting: Callable[[str], Connection],
) -> None:
    own, other = tenants
    stranger = acting(f"{other}_{group}")
    if group != "agent":
        stranger.execute("CREATE TEMP TABLE scratch ()")
    for statement in (
        f"CREATE FOREIGN TABLE pg_temp.nation (n_name text) SERVER {own}_wh",
        f"IMPORT FOREIGN SCHEMA tpch FROM SERVER {own}_wh INTO {other}",
        f"ALTER SERVER {own}_wh OPTIONS (ADD fetch_window '1MB')",
        f"DROP SERVER {own}_wh",
    ):
        with pytest.raises(REFUSED):
            stranger.execute(statement)


@pytest.mark.parametrize("group", ["member", "readonly", "agent"])
def test_only_the_admin_connects(
    group: str,
    warehouse: Warehouse,
    tenants: tuple[str, str],
    acting: Callable[[str], Connection],
) -> None:
    own, _ = tenants
    role = acting(f"{own}_{group}")
    with pytest.raises(DENIED):
        connect_warehouse(role, own, "more")
    with pytest.raises(DENIED):
        role.execute("SELECT * FROM lakehouse.test_connection(%s, 'wh')", [own])


@pytest.mark.parametrize("group", GROUPS)
def test_nobody_reads_the_secret(
    group: str, tenants: tuple[str, str], acting: Callable[[str], Connection]
) -> None:
    own, _ = tenants
    role = acting(f"{own}_{group}")
    for statement in (
        f"SELECT secret FROM {own}.warehouse_connections",
        f"SELECT * FROM {own}.warehouse_connections",
        f"SELECT w::text FROM {own}.warehouse_connections w",
        "SELECT secret FROM lakehouse.warehouse_connections",
        f"COPY {own}.warehouse_connections TO STDOUT",
    ):
        with pytest.raises(REFUSED):
            role.execute(statement)


def test_admin_can_redirect_no_secret_to_another_host(
    tenants: tuple[str, str], acting: Callable[[str], Connection]
) -> None:
    own, other = tenants
    admin = acting(f"{own}_admin")
    for statement in (
        f"UPDATE {own}.warehouse_connections SET endpoint = 'https://evil.example'",
        f"UPDATE {own}.warehouse_connections SET secret = NULL",
        f"UPDATE {own}.warehouse_connections SET tenant_id = gen_random_uuid()",
        f"UPDATE {own}.warehouse_connections SET id = gen_random_uuid()",
    ):
        with pytest.raises(DENIED):
            admin.execute(statement)


def test_copied_envelope_opens_in_no_other_row(
    warehouse: Warehouse, tenants: tuple[str, str], session: Connection
) -> None:
    own, other = tenants
    secret = session.execute(
        f"SELECT secret, secret_version FROM {other}.warehouse_connections WHERE name = 'wh'"
    ).fetchone()
    assert secret is not None
    connect_warehouse(session, own, "copied", token=None)
    session.execute(
        f"UPDATE {own}.warehouse_connections SET secret = %s, secret_version = %s"
        " WHERE name = 'copied'",
        secret,
    )
    session.execute(
        f"CREATE FOREIGN TABLE {own}.stolen (n_name text) SERVER {own}_copied"
        " OPTIONS (schema 'tpch', table_name 'nation')"
    )
    refused(session, f"SELECT * FROM {own}.stolen", "28000")


def test_option_connection_is_for_superusers(
    warehouse: Warehouse, tenants: tuple[str, str], acting: Callable[[str], Connection]
) -> None:
    own, other = tenants
    with connect() as superuser:
        superuser.execute(
            f"GRANT USAGE ON FOREIGN DATA WRAPPER databricks TO {own}_admin;"
            f"CREATE SERVER {own}_plain FOREIGN DATA WRAPPER databricks;"
            f"ALTER SERVER {own}_plain OWNER TO {own}_admin"
        )
        row = superuser.execute(f"SELECT id FROM {other}.warehouse_connections").fetchone()
    assert row is not None
    admin = acting(f"{own}_admin")
    for statement in (
        f"CREATE SERVER {own}_stolen FOREIGN DATA WRAPPER databricks"
        f" OPTIONS (connection '{row[0]}')",
        f"ALTER SERVER {own}_plain OPTIONS (ADD connection '{row[0]}')",
    ):
        refused(admin, statement, "42501")


@pytest.fixture
def strange_connection(tenants: tuple[str, str]) -> object:
    """The id of the other tenant's connection, as if it had become known."""
    with connect() as superuser:
        row = superuser.execute(f"SELECT id FROM {tenants[1]}.warehouse_connections").fetchone()
    assert row is not None
    return row[0]


def test_admin_probes_no_other_tenants_connection(
    warehouse: Warehouse,
    tenants: tuple[str, str],
    strange_connection: object,
    acting: Callable[[str], Connection],
) -> None:
    executed = warehouse.state()["statements"]["executed"]
    admin = acting(f"{tenants[0]}_admin")
    with pytest.raises(psycopg.Error) as caught:
        admin.execute("SELECT * FROM lakehouse.probe_connection(%s)", [strange_connection])
    assert caught.value.sqlstate in ("42501", "42704"), caught.value
    assert warehouse.state()["statements"]["executed"] == executed


def test_admin_makes_no_server_for_another_tenants_connection(
    warehouse: Warehouse,
    tenants: tuple[str, str],
    strange_connection: object,
    acting: Callable[[str], Connection],
    session: Connection,
) -> None:
    servers = "SELECT srvname, srvowner, srvacl FROM pg_foreign_server ORDER BY 1"
    before = session.execute(servers).fetchall()
    admin = acting(f"{tenants[0]}_admin")
    with pytest.raises(psycopg.Error):
        admin.execute("SELECT lakehouse.create_connection_server(%s)", [strange_connection])
    assert session.execute(servers).fetchall() == before


@pytest.fixture
def integration_off(session: Connection) -> Iterator[Connection]:
    session.execute("SET lakehouse.warehouse_integration_enabled = off")
    yield session
    session.execute("RESET lakehouse.warehouse_integration_enabled")


def test_switched_off_integration_refuses(
    warehouse: Warehouse, integration_off: Connection, tenant: str, imported: Callable[[str], str]
) -> None:
    schema = imported("tpch")
    executed = warehouse.state()["statements"]["executed"]
    for statement in (
        f"SELECT * FROM {schema}.nation",
        f"ANALYZE {schema}.nation",
        f"IMPORT FOREIGN SCHEMA tpch FROM SERVER {tenant}_wh INTO public",
        f"SELECT * FROM lakehouse.test_connection('{tenant}', 'wh')",
    ):
        error = refused(integration_off, statement, "55000")
        assert "warehouse_integration_enabled" in (error.diag.message_hint or "")
    assert warehouse.state()["statements"]["executed"] == executed


def test_no_ordinary_role_switches_the_integration(
    tenants: tuple[str, str], acting: Callable[[str], Connection]
) -> None:
    admin = acting(f"{tenants[0]}_admin")
    with pytest.raises(DENIED):
        admin.execute("SET lakehouse.warehouse_integration_enabled = on")


def test_socket_of_the_worker_is_the_servers_alone(session: Connection) -> None:
    row = session.execute("SHOW data_directory").fetchone()
    assert row is not None
    directory = os.path.join(row[0], "lakehouse")
    assert os.stat(directory).st_mode & 0o077 == 0
    for name in os.listdir(directory):
        assert os.stat(os.path.join(directory, name)).st_mode & 0o077 == 0


def test_admin_cannot_take_the_id_of_another_tenants_connection(
    session: Connection, tenants: tuple[str, str], acting: Callable[[str], Connection]
) -> None:
    """Anyone may read the id in the foreign server's options; it decides where statements go."""
    own, other = tenants
    row = session.execute(
        sql.SQL("SELECT id FROM {}.warehouse_connections WHERE name = 'wh'").format(
            sql.Identifier(other)
        )
    ).fetchone()
    assert row is not None
    admin = acting(f"{own}_admin")
    table = sql.Identifier(own, "warehouse_connections")
    insert = sql.SQL(
        "INSERT INTO {} (tenant_id, id, name, engine, endpoint, warehouse, auth)"
        " SELECT tenant_id, %s, 'taken', engine, 'https://elsewhere.example', warehouse, auth"
        " FROM {} WHERE name = 'wh'"
    ).format(table, table)
    with pytest.raises(psycopg.errors.UniqueViolation):
        admin.execute(insert, [row[0]])
