# SPDX-License-Identifier: PostgreSQL
"""Every type and its extremes, as readers that know nothing of us see them."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

kUtc = {"tzinfo": UTC}
kLongText = "ä" + "z" * 40
kRows: list[dict[str, Any]] = [
    {
        "boolean": False,
        "short": -(2**15),
        "integer": -(2**31),
        "long": -(2**63),
        "double": -1e300,
        "money": Decimal("-9999999.99"),
        "wide": Decimal("-999999999999999999"),
        "widest": Decimal("-9999999999999999999999999999.9999999999"),
        "Größe": "",
        "binary": b"\x00\xff",
        "date": date(1, 1, 1),
        "timestamp": datetime(1, 1, 1, **kUtc),
        "longs": [-(2**63), None],
        "texts": [""],
        "times": [datetime(1, 1, 1, **kUtc)],
    },
    {
        "boolean": True,
        "short": 2**15 - 1,
        "integer": 2**31 - 1,
        "long": 2**63 - 1,
        "double": 1e300,
        "money": Decimal("9999999.99"),
        "wide": Decimal("999999999999999999"),
        "widest": Decimal("9999999999999999999999999999.9999999999"),
        "Größe": kLongText,
        "binary": b"\x00\xff" + kLongText.encode(),
        "date": date(9999, 12, 31),
        "timestamp": datetime(2025, 12, 31, 23, 59, 59, 999999, **kUtc),
        "longs": [2**63 - 1, None],
        "texts": [kLongText],
        "times": [datetime(2025, 12, 31, 23, 59, 59, 999999, **kUtc)],
    },
    {"boolean": False, "times": []},
]
kNames = list(kRows[0])


@pytest.fixture(scope="module")
def table(tables: Path) -> DeltaTable:
    return DeltaTable(tables / "types")


@pytest.fixture(scope="module")
def data_file(tables: Path) -> pq.ParquetFile:
    return pq.ParquetFile(next((tables / "types").glob("*.parquet")))


def without_float(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row.get(name) for name in kNames} for row in rows]


def test_deltalake_reads_every_value(table: DeltaTable) -> None:
    rows = pa.table(table.to_pyarrow_table()).to_pylist()
    assert without_float(rows) == without_float(kRows)
    assert [row["float"] for row in rows] == [
        pytest.approx(-1e20),
        pytest.approx(1e20),
        None,
    ]


def test_pyarrow_reads_the_file_alike(data_file: pq.ParquetFile) -> None:
    assert without_float(data_file.read().to_pylist()) == without_float(kRows)


def test_schema_is_that_of_the_protocol(table: DeltaTable) -> None:
    fields = {field["name"]: field for field in json.loads(table.schema().to_json())["fields"]}
    types = {name: field["type"] for name, field in fields.items()}
    assert types["short"] == "short"
    assert types["widest"] == "decimal(38,10)"
    assert types["timestamp"] == "timestamp"
    assert types["texts"] == {"type": "array", "elementType": "string", "containsNull": True}
    assert fields["long"]["metadata"] == {"comment": "64 bits"}
    assert not fields["boolean"]["nullable"]
    assert table.protocol().min_reader_version == 1
    assert table.protocol().min_writer_version == 4


def test_file_has_ids_zstd_version_1_pages_and_utc_microseconds(
    data_file: pq.ParquetFile,
) -> None:
    group = data_file.metadata.row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}
    ids = {
        field.name: int(field.metadata[b"PARQUET:field_id"]) for field in data_file.schema_arrow
    }
    assert ids["boolean"] == 1
    assert ids["times"] == 16
    element = data_file.schema_arrow.field("times").type.value_field
    assert element.metadata[b"PARQUET:field_id"] == b"116"
    assert data_file.schema_arrow.field("timestamp").type == pa.timestamp("us", "UTC")
    text = str(data_file.schema)
    assert "isAdjustedToUTC=true, timeUnit=microseconds" in text
    assert "int32 field_id=7 money" in text
    assert "int64 field_id=8 wide" in text
    assert "fixed_len_byte_array(16) field_id=9 widest" in text


def test_stats_are_what_deltalake_sees(table: DeltaTable) -> None:
    stats = pa.table(table.get_add_actions(flatten=True)).to_pylist()[0]
    assert stats["num_records"] == 3
    assert stats["null_count.long"] == 1
    for name in ("short", "integer", "long", "double", "money", "wide", "widest", "date"):
        assert stats[f"min.{name}"] == kRows[0][name], name
        assert stats[f"max.{name}"] == kRows[1][name], name
    assert stats["min.Größe"] == ""
    assert stats["max.Größe"] == "ä" + "z" * 30 + "{"
    assert stats["min.timestamp"] == kRows[0]["timestamp"]
    assert stats["max.timestamp"] == datetime(2026, 1, 1, **kUtc)
    assert [stats.get(name) for name in ("min.binary", "max.boolean", "min.texts")] == [None] * 3


def test_filters_that_stats_could_answer_find_the_extremes(table: DeltaTable) -> None:
    for name, row in (("long", 0), ("widest", 1), ("date", 1), ("Größe", 1), ("timestamp", 1)):
        found = table.to_pyarrow_table(filters=[(name, "=", kRows[row][name])])
        assert found.num_rows == 1, name
