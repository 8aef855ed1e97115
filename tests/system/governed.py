# SPDX-License-Identifier: PostgreSQL
"""A tenant with one governed table whose hidden rows and hidden column hold canaries."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import psycopg
from conftest import connect, connect_warehouse
from ledger import hidden_number, hidden_text
from recording import keep_relations
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]

VISIBLE_ROWS = 40
HIDDEN_ROWS = 60
EXPOSED = ["id", "region", "amount", "note"]


@dataclass(frozen=True)
class Governed:
    """Table `<tenant>.sales`: rows of region EU are visible, column `secret` is not."""

    tenant: str
    remote_schema: str
    hidden_value: str  # in column secret of every row
    hidden_note: str  # in column note of every hidden row

    @property
    def table(self) -> str:
        return f"{self.tenant}.sales"

    @property
    def canaries(self) -> list[str]:
        return [self.hidden_value, self.hidden_note]


def set_up(warehouse: Warehouse) -> Governed:
    slug = "g" + secrets.token_hex(4)
    value, note = "hv" + hidden_text(), "hn" + hidden_text()
    warehouse.execute(f"CREATE SCHEMA demo.{slug}")
    warehouse.execute(
        f"CREATE TABLE demo.{slug}.sales AS SELECT"
        f" CASE WHEN id < {VISIBLE_ROWS} THEN id ELSE {hidden_number('id')} END AS id,"
        f" CAST(id AS INT) AS amount,"
        f" CASE WHEN id < {VISIBLE_ROWS} THEN 'EU' ELSE 'US' END AS region,"
        f" CASE WHEN id < {VISIBLE_ROWS} THEN concat('row ', CAST(id AS STRING)) ELSE '{note}' END"
        f" AS note, '{value}' AS secret FROM range({VISIBLE_ROWS + HIDDEN_ROWS})"
    )
    with connect() as session:
        session.execute("SELECT lakehouse.create_tenant(%s)", [slug])
        connect_warehouse(session, slug, "wh")
        session.execute(
            f"IMPORT FOREIGN SCHEMA {slug} FROM SERVER {slug}_wh INTO {slug}"
        )
        for kind in ("admin", "member", "readonly", "agent"):
            session.execute(
                "SELECT lakehouse.create_user(%s, %s, %s, %s)",
                [slug, f"{kind}@{slug}.example", kind, kind],
            )
        expose(session, slug)
    return Governed(slug, slug, value, note)


def expose(
    session: Connection, slug: str, row_filter: str | None = "region = 'EU'"
) -> str:
    answer = session.execute(
        "SELECT lakehouse.expose(%s, %s::regclass, %s, %s)",
        [slug, f"{slug}.sales", EXPOSED, row_filter],
    ).fetchone()
    assert answer is not None
    return str(answer[0])


def tool_of_warehouse(session: Connection, governed: Governed) -> str:
    """The tool that queries the one data source."""
    found = session.execute(
        f"SELECT replace(id::text, '-', '') FROM {governed.tenant}.data_sources"
    ).fetchone()
    assert found is not None
    return f"warehouse_table__{found[0]}"


def tear_down(governed: Governed, warehouse: Warehouse) -> None:
    with connect() as session:
        keep_relations(session)
        session.execute("SELECT lakehouse.drop_tenant(%s)", [governed.tenant])
    warehouse.execute(f"DROP SCHEMA demo.{governed.remote_schema} CASCADE")


def act_as(session: Connection, role: str) -> Connection:
    session.execute(
        psycopg.sql.SQL("SET SESSION AUTHORIZATION {}").format(
            psycopg.sql.Identifier(role)
        )
    )
    return session
