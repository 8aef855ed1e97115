# SPDX-License-Identifier: PostgreSQL
"""A tenant with a share of one table that has a history, and a recipient that may read it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import shared_table
from conftest import connect
from shared_table import SharedTable
from sharing_client import Recipient

TABLE = "/shares/sales/schemas/crm/tables/people"


@dataclass
class Shared:
    tenant: str
    table: SharedTable
    recipient: Recipient


@contextmanager
def make_shared() -> Iterator[Shared]:
    tenant = "s" + secrets.token_hex(4)
    with connect() as session:
        session.execute("SELECT lakehouse.create_tenant(%s)", [tenant])
        for share in ("sales", "secret"):
            session.execute(
                "SELECT lakehouse.create_share(%s, %s, default_tables => false)",
                [tenant, share],
            )
        table = shared_table.make(session, tenant)
        try:
            yield Shared(tenant, table, Recipient.of(session, tenant, "Reader"))
        finally:
            table.remove()
            session.execute("SELECT lakehouse.drop_tenant(%s)", [tenant])
