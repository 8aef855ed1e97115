# SPDX-License-Identifier: PostgreSQL
"""The walled tenant's tables as the generator of SELECTs sees them."""

from __future__ import annotations

from query_generator import Column
from select_generator import Source
from walled_tenant import CLIENTS, CRM_TABLE, PLACES, SALES, Content

_VALUES = {
    "boolean": ("true", "false"),
    "smallint": ("0", "1", "3"),
    "integer": ("0", "1", "4", "10"),
    "bigint": ("0", "2", "11"),
    "numeric": ("0", "10.5", "82.50", "-9.75"),
    "double precision": ("0", "0.5", "1.75", "NaN"),
    "date": ("2024-02-15", "2005-12-31", "1990-10-03"),
    "timestamptz": ("2024-03-10 05:30:00.5Z", "2024-03-10 00:00:00Z"),
    "text": ("EU", "a%c", "", "plain", "Client 2", "US", "DE"),
}


def _source(content: Content, key: str) -> Source:
    exposed = [_column(field.name, field.local) for field in content.fields if field.is_exposed]
    hidden = [_column(field.name, field.local) for field in content.fields if not field.is_exposed]
    return Source(content.name, key, "", tuple(exposed), tuple(hidden))


def _column(name: str, local: str) -> Column:
    kind = local.split("(")[0]
    return Column(name, kind, _VALUES[kind])


SOURCES = (
    _source(SALES, "id"),
    _source(SALES, "id"),
    _source(CLIENTS, "id"),
    _source(PLACES, "code"),
    Source(
        *(CRM_TABLE, "account_number", ""),
        (
            *(_column("name", "text"), _column("account_number", "bigint")),
            *(_column("employees", "integer"), _column("revenue", "numeric")),
            _column("deleted_at", "timestamptz"),
        ),
        is_crm=True,
    ),
)
