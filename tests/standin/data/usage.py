# SPDX-License-Identifier: PostgreSQL
"""How customers use the product: month-end snapshots, made up but steady from run to run.

Every number is drawn from a generator seeded with the customer's key, so a row never changes.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.model import Column, Schema, Table

LAST_CUSTOMER_KEY = 2000
_PLANS = {"free": 3, "starter": 12, "team": 60, "enterprise": 400}
_FEATURES = ("api", "audit_log", "dashboards", "export", "sso", "webhooks")
_TIER = {"free": "bronze", "starter": "bronze", "team": "silver", "enterprise": "gold"}

USAGE = Table(
    "product",
    "usage",
    "Product usage: one row per customer and month end",
    (
        Column("customer_key", "bigint", "The customer: tpch.customer.c_custkey", nullable=False),
        Column("usage_date", "date", "Last day of the month the row sums up", nullable=False),
        Column("active_seats", "int", "People who signed in during the month"),
        Column("api_calls", "bigint", "Calls to the API during the month"),
        Column("storage_gb", "decimal(12,3)", "Storage used at the month's end, in gigabytes"),
        Column("error_rate", "double", "Share of API calls that failed, 0 to 1"),
        Column("trial", "boolean", "Whether the customer was on trial"),
        Column("features", "array<string>", "Features in use, in alphabetical order"),
        Column("limits", "map<string,int>", "What the plan allows"),
        Column("profile", "struct<tier:string,region:string>", "Support tier and home region"),
        Column("last_event_at", "timestamp", "Last activity in the month"),
        Column("plan", "string", "Name of the plan: free, starter, team or enterprise"),
    ),
)

SCHEMA = Schema("product", "What customers do with the product", (USAGE,))

_ARROW = pa.schema(
    [
        ("customer_key", pa.int64()),
        ("usage_date", pa.date32()),
        ("active_seats", pa.int32()),
        ("api_calls", pa.int64()),
        ("storage_gb", pa.decimal128(12, 3)),
        ("error_rate", pa.float64()),
        ("trial", pa.bool_()),
        ("features", pa.list_(pa.string())),
        ("limits", pa.map_(pa.string(), pa.int32())),
        ("profile", pa.struct([("tier", pa.string()), ("region", pa.string())])),
        ("last_event_at", pa.timestamp("us", tz="UTC")),
        ("plan", pa.string()),
    ]
)


def write_files(directory: Path) -> None:
    """Write product.usage; the files of TPC-H must lie in the same directory already."""
    regions = _regions_of_customers(directory)
    rows = [
        row
        for key in range(1, LAST_CUSTOMER_KEY + 1)
        if key % 3 != 0
        for row in _rows_of(key, regions[key])
    ]
    table = pa.Table.from_pylist(rows, schema=_ARROW)
    pq.write_table(table, directory / USAGE.file_name)


def month_ends() -> list[dt.date]:
    """The twelve month ends up to October 2026."""
    firsts = [dt.date(2025, 12, 1)] + [dt.date(2026, month, 1) for month in range(1, 12)]
    return [first - dt.timedelta(days=1) for first in firsts]


def _regions_of_customers(directory: Path) -> dict[int, str]:
    def rows(name: str) -> list[dict[str, Any]]:
        return pq.read_table(directory / f"tpch.{name}.parquet").to_pylist()

    region_name = {r["r_regionkey"]: r["r_name"] for r in rows("region")}
    region_of = {n["n_nationkey"]: region_name[n["n_regionkey"]] for n in rows("nation")}
    return {c["c_custkey"]: region_of[c["c_nationkey"]] for c in rows("customer")}


def _rows_of(key: int, region: str) -> list[dict[str, Any]]:
    """One customer's year: a plan, a size, a trend, and some noise each month."""
    draw = random.Random(f"product.usage/{key}")
    plan = draw.choices(list(_PLANS), weights=(3, 4, 3, 1))[0]
    seats = max(1.0, draw.uniform(0.1, 0.9) * _PLANS[plan])
    trend = draw.choice((0.90, 0.97, 1.0, 1.02, 1.06))
    storage = seats * draw.uniform(0.2, 4.0)
    chosen = sorted(draw.sample(_FEATURES, draw.randint(1, len(_FEATURES))))
    rows = []
    for month, day in enumerate(month_ends()):
        seats = min(float(_PLANS[plan]), max(0.0, seats * trend * draw.uniform(0.92, 1.08)))
        storage *= draw.uniform(1.0, 1.05)
        active = round(seats)
        moment = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        moment += dt.timedelta(microseconds=draw.randrange(86_400_000_000))
        rows.append(
            {
                "customer_key": key,
                "usage_date": day,
                "active_seats": active,
                "api_calls": active * draw.randint(200, 4000),
                "storage_gb": Decimal(round(storage * 1000)).scaleb(-3),
                "error_rate": round(draw.betavariate(1.2, 60), 6) if active else None,
                "trial": plan == "free" and month < 3,
                "features": chosen,
                "limits": {"seats": _PLANS[plan], "projects": _PLANS[plan] * 2},
                "profile": {"tier": _TIER[plan], "region": region},
                "last_event_at": moment if active else None,
                "plan": plan,
            }
        )
    return rows
