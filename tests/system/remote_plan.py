# SPDX-License-Identifier: PostgreSQL
"""What EXPLAIN says about the foreign scans of a query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple]


@dataclass(frozen=True)
class ForeignScan:
    relation: str
    remote_sql: str
    not_pushed: tuple[str, ...]
    filter: str | None


def explain(connection: Connection, query: str, options: str = "VERBOSE, COSTS OFF") -> Any:
    """The plan's root node."""
    (text,) = connection.execute(f"EXPLAIN ({options}, FORMAT JSON) {query}".encode()).fetchone()
    document = json.loads(text) if isinstance(text, str) else text
    return document[0]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def foreign_scans(connection: Connection, query: str) -> list[ForeignScan]:
    plan = explain(connection, query)["Plan"]
    return [_scan(node) for node in nodes(plan) if node["Node Type"] == "Foreign Scan"]


def _scan(node: dict[str, Any]) -> ForeignScan:
    not_pushed = node.get("Not Pushed", ())
    return ForeignScan(
        relation=node["Relation Name"],
        remote_sql=node["Remote SQL"],
        not_pushed=(not_pushed,) if isinstance(not_pushed, str) else tuple(not_pushed),
        filter=node.get("Filter"),
    )
