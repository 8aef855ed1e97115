# SPDX-License-Identifier: PostgreSQL
"""A tenant with governed tables full of canaries, and an oracle: plain tables of what policies leave.

Both are filled from the rows below, so the oracle knows nothing of the wrapper. A hidden column
isn't in the oracle at all: whoever reads it has an answer where the oracle has an error.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest

import psycopg
from conftest import connect, connect_warehouse
from psycopg import sql
from warehouse import Warehouse

Value = str | int | None
Row = tuple[Value, ...]

CANARY = "hid" + secrets.token_hex(8)
# In hidden rows and columns of each other type; long enough to turn up nowhere else.
NUMBER, FRACTION, DAY = 481516234, "7919168.42", "1987-06-05"
CANARIES = [CANARY]
CANARY_NUMBERS = [str(NUMBER), FRACTION, DAY]


@dataclass(frozen=True)
class Field:
    name: str
    remote: str  # type in the warehouse
    local: str  # type here
    is_exposed: bool = True


@dataclass(frozen=True)
class Content:
    name: str
    fields: tuple[Field, ...]
    visible: tuple[Row, ...]
    hidden: tuple[Row, ...]
    row_filter: str | None
    is_exposed: bool = True

    @property
    def rows(self) -> list[Row]:
        """Hidden rows stand between the visible ones, so that no LIMIT passes them by."""
        pairs = zip_longest(self.visible, self.hidden)
        return [row for pair in pairs for row in pair[::-1] if row is not None]

    @property
    def exposed(self) -> list[Field]:
        return [field for field in self.fields if field.is_exposed]


def _pick(values: tuple[Value, ...], number: int) -> Value:
    return values[number % len(values)]


def _sale(n: int) -> Row:
    return (
        *(n, None if n % 7 == 3 else n % 6 + 1, "EU", _pick(("DE", "FR", "xx", None), n)),
        *(f"{n * 10.25 - 20:.2f}", None if n % 5 == 4 else n * n % 11, n * 0.25),
        *(_pick(("true", "false", None), n), f"2024-0{n % 3 + 1}-15"),
        None if n == 2 else f"2024-03-10 {n % 24:02}:30:00.5Z",
        _pick(("paid late", "a%c", "", None, "42", "naïve 日本", "plain"), n),
        *(FRACTION, CANARY),
    )


def _hidden_sale(n: int) -> Row:
    """Not of the region, of none, or too many; what a query of the visible rows divides by is 0."""
    region, quantity = _pick((("US", 0), (None, 0), ("EU", NUMBER)), n)  # type: ignore[misc]
    return (
        *(NUMBER + n, n % 6 + 1, region, "DE", FRACTION, quantity, 0, "true", DAY),
        *(f"{DAY} 00:00:00Z", CANARY, FRACTION, CANARY),
    )


def _client(n: int) -> Row:
    return (
        *(n, f"Client {n}", None if n == 3 else n % 3 + 1, n * 1.5, f"20{n:02}-12-31"),
        *(_pick(("true", "false"), n // 2), CANARY, FRACTION),
    )


def _hidden_client(n: int) -> Row:
    return (n % 6 + 1, CANARY, _pick((4, 9), n), 0, DAY, "true", CANARY, FRACTION)


SALES = Content(
    "sales",
    (
        Field("id", "BIGINT", "bigint"),
        Field("client", "INT", "integer"),
        Field("region", "STRING", "text"),
        Field("place", "STRING", "text"),
        Field("amount", "DECIMAL(12,2)", "numeric(12,2)"),
        Field("quantity", "INT", "integer"),
        Field("weight", "DOUBLE", "double precision"),
        Field("is_paid", "BOOLEAN", "boolean"),
        Field("sold_on", "DATE", "date"),
        Field("seen_at", "TIMESTAMP", "timestamptz"),
        Field("note", "STRING", "text"),
        Field("margin", "DECIMAL(12,2)", "numeric(12,2)", is_exposed=False),
        Field("secret", "STRING", "text", is_exposed=False),
    ),
    tuple(_sale(n) for n in range(14)),
    tuple(_hidden_sale(n) for n in range(12)),
    "region = 'EU' AND (quantity IS NULL OR quantity < 900)",
)
CLIENTS = Content(
    "clients",
    (
        Field("id", "INT", "integer"),
        Field("name", "STRING", "text"),
        Field("tier", "SMALLINT", "smallint"),
        Field("rating", "DOUBLE", "double precision"),
        Field("since", "DATE", "date"),
        Field("is_active", "BOOLEAN", "boolean"),
        Field("email", "STRING", "text", is_exposed=False),
        Field("credit", "DECIMAL(12,2)", "numeric(12,2)", is_exposed=False),
    ),
    tuple(_client(n) for n in range(1, 9)),
    tuple(_hidden_client(n) for n in range(6)),
    "tier IS NULL OR tier <= 3",
)
PLACES = Content(
    "places",
    (
        Field("code", "STRING", "text"),
        Field("country", "STRING", "text"),
        Field("zone", "INT", "integer"),
        Field("opened", "DATE", "date"),
    ),
    (
        *(("DE", "Germany", 1, "1990-10-03"), ("FR", "France", 1, None)),
        *(("US", "United States", 2, "1776-07-04"), ("xx", None, None, "2024-02-29")),
    ),
    (),
    None,
)
PAYROLL = Content(
    "payroll",
    (Field("person", "STRING", "text"), Field("salary", "INT", "integer")),
    (),
    ((CANARY, NUMBER),),
    None,
    is_exposed=False,
)
CONTENTS = (SALES, CLIENTS, PLACES, PAYROLL)
CRM_TABLE = "accounts"


@dataclass(frozen=True)
class Walled:
    tenant: str
    oracle: str  # schema and role of the oracle

    def role_of(self, kind: str) -> str:
        return self.oracle if kind == "oracle" else f"{self.tenant}_{kind}_2"

    def session_of(self, kind: str, seconds: int) -> psycopg.Connection[tuple]:
        """Of `agent`, `member` or `oracle`: the same names lead each to its own tables."""
        schema = self.oracle if kind == "oracle" else self.tenant
        options = f"-c jit=off -c statement_timeout={seconds}s -c search_path={schema}"
        return psycopg.connect(autocommit=True, user=self.role_of(kind), options=options)


@contextmanager
def walled_tenant(warehouse: Warehouse) -> Iterator[Walled]:
    slug = "w" + secrets.token_hex(4)
    walled = Walled(slug, f"{slug}_oracle")
    _fill_warehouse(warehouse, slug)
    with connect() as session:
        _make_tenant(session, slug)
        _make_oracle(session, walled)
    yield walled
    _drop(warehouse, walled)


def _fill_warehouse(warehouse: Warehouse, slug: str) -> None:
    warehouse.execute(f"CREATE SCHEMA demo.{slug}")
    for content in CONTENTS:
        columns = ", ".join(f"{field.name} {field.remote}" for field in content.fields)
        table = f"demo.{slug}.{content.name}"
        warehouse.execute(f"CREATE TABLE {table} ({columns})")
        types = [field.remote for field in content.fields]
        values = " UNION ALL ".join(f"SELECT {_literals(row, types)}" for row in content.rows)
        warehouse.execute(f"INSERT INTO {table} {values}")


def _make_tenant(session: psycopg.Connection[tuple], slug: str) -> None:
    session.execute("SELECT lakehouse.create_tenant(%s)", [slug])
    connect_warehouse(session, slug, "wh")
    session.execute(f"IMPORT FOREIGN SCHEMA {slug} FROM SERVER {slug}_wh INTO {slug}")
    for kind in ("member", "agent"):
        email = f"{kind}@{slug}.example"
        session.execute("SELECT lakehouse.create_user(%s, %s, %s, %s)", [slug, email, kind, kind])
    session.execute(
        f"INSERT INTO {slug}.{CRM_TABLE} (name, account_number, employees, revenue, owner_id)"
        " SELECT 'Client ' || n, n, n * 10, n * 1000.5,"
        f" (SELECT min(id::text)::uuid FROM {slug}.users) FROM generate_series(2, 6) n"
    )
    for content in CONTENTS:
        table = f"{slug}.{content.name}"
        if content.is_exposed:
            session.execute(
                "SELECT lakehouse.expose(%s, %s::regclass, %s, %s)",
                [slug, table, [field.name for field in content.exposed], content.row_filter],
            )
        else:  # what is granted but not exposed, the guard alone keeps closed
            session.execute(f"GRANT SELECT ON {table} TO {slug}_member, {slug}_agent")


def _make_oracle(session: psycopg.Connection[tuple], walled: Walled) -> None:
    """Of the CRM's table the agent sees every row and column."""
    name = walled.oracle
    session.execute(f"CREATE SCHEMA {name}")
    session.execute(f"CREATE ROLE {name} LOGIN")
    for content in CONTENTS:
        if not content.is_exposed:
            continue
        fields = content.exposed
        columns = ", ".join(f"{field.name} {field.local}" for field in fields)
        session.execute(f"CREATE TABLE {name}.{content.name} ({columns})")
        types = [field.local for field in fields]
        shown = [n for n, field in enumerate(content.fields) if field.is_exposed]
        values = ", ".join(
            f"({_literals([row[n] for n in shown], types)})" for row in content.visible
        )
        session.execute(f"INSERT INTO {name}.{content.name} VALUES {values}")
    session.execute(f"CREATE TABLE {name}.{CRM_TABLE} AS SELECT * FROM {walled.tenant}.{CRM_TABLE}")
    session.execute(f"GRANT USAGE ON SCHEMA {name} TO {name}")
    session.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {name}")
    session.execute(f"GRANT UPDATE ON {name}.{CRM_TABLE} TO {name}")  # as members may


def _literals(row: Row | list[Value], types: list[str]) -> str:
    cells = [
        "NULL" if value is None else f"CAST('{value}' AS {kind})"
        for value, kind in zip(row, types, strict=True)
    ]
    return ", ".join(cells)


def _drop(warehouse: Warehouse, walled: Walled) -> None:
    with connect() as session:
        session.execute("SELECT lakehouse.drop_tenant(%s)", [walled.tenant])
        session.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(walled.oracle)))
        session.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(walled.oracle)))
    warehouse.execute(f"DROP SCHEMA demo.{walled.tenant} CASCADE")
