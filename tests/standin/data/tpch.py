# SPDX-License-Identifier: PostgreSQL
"""TPC-H at scale 0.1: the descriptions of its tables, and their files from tpchgen-cli."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from data.model import Column, Schema, Table

SCALE_FACTOR = "0.1"

_KEY = "bigint"
_MONEY = "decimal(15,2)"


def _table(name: str, comment: str, columns: list[tuple[str, str, str]]) -> Table:
    described = tuple(Column(n, t, c, nullable=False) for n, t, c in columns)
    return Table("tpch", name, comment, described)


_REGION = _table(
    "region",
    "The five regions of the world",
    [
        ("r_regionkey", _KEY, "Region key"),
        ("r_name", "string", "Region name, in capitals"),
        ("r_comment", "string", "Free text"),
    ],
)

_NATION = _table(
    "nation",
    "Nations, each in one region",
    [
        ("n_nationkey", _KEY, "Nation key"),
        ("n_name", "string", "Nation name, in capitals"),
        ("n_regionkey", _KEY, "The region it lies in"),
        ("n_comment", "string", "Free text"),
    ],
)

_CUSTOMER = _table(
    "customer",
    "Customers: one row per account",
    [
        ("c_custkey", _KEY, "Customer key"),
        ("c_name", "string", "Customer name"),
        ("c_address", "string", "Street address"),
        ("c_nationkey", _KEY, "The nation it is in"),
        ("c_phone", "string", "Phone number with country code"),
        ("c_acctbal", _MONEY, "Account balance, in dollars"),
        ("c_mktsegment", "string", "Market segment"),
        ("c_comment", "string", "Free text"),
    ],
)

_SUPPLIER = _table(
    "supplier",
    "Suppliers of parts",
    [
        ("s_suppkey", _KEY, "Supplier key"),
        ("s_name", "string", "Supplier name"),
        ("s_address", "string", "Street address"),
        ("s_nationkey", _KEY, "The nation it is in"),
        ("s_phone", "string", "Phone number with country code"),
        ("s_acctbal", _MONEY, "Account balance, in dollars"),
        ("s_comment", "string", "Free text"),
    ],
)

_PART = _table(
    "part",
    "Parts that can be ordered",
    [
        ("p_partkey", _KEY, "Part key"),
        ("p_name", "string", "Part name: five colours"),
        ("p_mfgr", "string", "Manufacturer"),
        ("p_brand", "string", "Brand"),
        ("p_type", "string", "Type: finish, treatment and metal"),
        ("p_size", "int", "Size"),
        ("p_container", "string", "Container"),
        ("p_retailprice", _MONEY, "Retail price, in dollars"),
        ("p_comment", "string", "Free text"),
    ],
)

_PARTSUPP = _table(
    "partsupp",
    "Which supplier offers which part",
    [
        ("ps_partkey", _KEY, "Part key"),
        ("ps_suppkey", _KEY, "Supplier key"),
        ("ps_availqty", "int", "Pieces in stock"),
        ("ps_supplycost", _MONEY, "Cost of a piece, in dollars"),
        ("ps_comment", "string", "Free text"),
    ],
)

_ORDERS = _table(
    "orders",
    "Orders: one row per order",
    [
        ("o_orderkey", _KEY, "Order key"),
        ("o_custkey", _KEY, "The customer who ordered"),
        ("o_orderstatus", "string", "F filled, O open, P partly filled"),
        ("o_totalprice", _MONEY, "Total price, in dollars"),
        ("o_orderdate", "date", "Day of the order"),
        ("o_orderpriority", "string", "Priority, 1-URGENT to 5-LOW"),
        ("o_clerk", "string", "The clerk who took it"),
        ("o_shippriority", "int", "Shipping priority"),
        ("o_comment", "string", "Free text"),
    ],
)

_LINEITEM = _table(
    "lineitem",
    "Order lines: what was ordered, for how much, and when it shipped",
    [
        ("l_orderkey", _KEY, "Order key"),
        ("l_partkey", _KEY, "Part key"),
        ("l_suppkey", _KEY, "Supplier key"),
        ("l_linenumber", "int", "Number of the line in its order"),
        ("l_quantity", _MONEY, "Pieces"),
        ("l_extendedprice", _MONEY, "Price of the line before discount and tax"),
        ("l_discount", _MONEY, "Discount, as a fraction"),
        ("l_tax", _MONEY, "Tax, as a fraction"),
        ("l_returnflag", "string", "R returned, A accepted, N neither yet"),
        ("l_linestatus", "string", "O open, F filled"),
        ("l_shipdate", "date", "Day it shipped"),
        ("l_commitdate", "date", "Day it was promised for"),
        ("l_receiptdate", "date", "Day it arrived"),
        ("l_shipinstruct", "string", "Instruction for shipping"),
        ("l_shipmode", "string", "Way of shipping"),
        ("l_comment", "string", "Free text"),
    ],
)

SCHEMA = Schema(
    "tpch",
    "TPC-H, scale factor 0.1: a wholesale supplier's orders",
    (_REGION, _NATION, _CUSTOMER, _SUPPLIER, _PART, _PARTSUPP, _ORDERS, _LINEITEM),
)


def write_files(directory: Path) -> None:
    """Generate every table as `<directory>/tpch.<table>.parquet`."""
    generator = Path(sys.executable).with_name("tpchgen-cli")
    command = [str(generator), "parquet", "-s", SCALE_FACTOR, "--output-dir", str(directory)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for table in SCHEMA.tables:
        (directory / f"{table.name}.parquet").rename(directory / table.file_name)
