# SPDX-License-Identifier: PostgreSQL
"""A tenant with the sample CRM and four users, and calls of its tools as one of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from conftest import connect
from psycopg import sql
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[tuple]
SCOPES = ["crm:read", "crm:write", "warehouse:query"]


@dataclass(frozen=True)
class Caller:
    """A session that acts as a user of the tenant, as the worker's does for a call."""

    session: Connection
    tenant: str

    def call(self, tool: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.ask(f"lakehouse.{tool}", arguments or {})

    def ask(self, function: str, arguments: dict[str, Any]) -> Any:
        query = sql.SQL("SELECT {}(%s)").format(sql.Identifier(*function.split(".")))
        row = self.session.execute(query, [Jsonb(arguments)]).fetchone()
        assert row is not None
        return row[0]

    def one(self, query: str, *values: object) -> Any:
        row = self.session.execute(query, values).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def tool_tenant() -> Iterator[str]:
    slug = "u" + secrets.token_hex(4)
    with connect() as session:
        session.execute("SELECT lakehouse.create_tenant(%s)", [slug])
        session.execute("SELECT lakehouse.load_sample_crm(%s)", [slug])
        for role in ("admin", "member", "readonly", "agent"):
            session.execute(
                "SELECT lakehouse.create_user(%s, %s, %s, %s)",
                [slug, f"{role}@{slug}.example", role, role],
            )
        yield slug
        session.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


@contextmanager
def caller(tenant: str, role: str = "member") -> Iterator[Caller]:
    with connect() as session:
        session.execute(sql.SQL("SET search_path = {}, pg_temp").format(sql.Identifier(tenant)))
        session.execute("SET timezone = 'UTC'")
        session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"{tenant}_{role}_2")))
        yield Caller(session, tenant)


def catalog(tenant: str, scopes: list[str] | None = None) -> list[dict[str, Any]]:
    """The tools as an agent of the tenant sees them."""
    with connect() as session:
        row = session.execute(
            "SELECT lakehouse.list_tools(lakehouse.find_tenant(%s), %s)",
            [tenant, SCOPES if scopes is None else scopes],
        ).fetchone()
    assert row is not None
    return row[0]
