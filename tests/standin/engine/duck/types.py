# SPDX-License-Identifier: PostgreSQL
"""DuckDB types in the words of Databricks.

Three Databricks types have no DuckDB twin. They travel through a query in disguise:
VARIANT as JSON, INTERVAL YEAR TO MONTH as a struct of months, VOID as an enum of one value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.contract import ResultType

YEAR_MONTH = 'STRUCT("__months" INTEGER)'
VOID = "ENUM('__void')"

_SIMPLE = {
    "boolean": ("BOOLEAN", "BOOLEAN"),
    "tinyint": ("BYTE", "TINYINT"),
    "utinyint": ("SHORT", "SMALLINT"),
    "smallint": ("SHORT", "SMALLINT"),
    "usmallint": ("INT", "INT"),
    "integer": ("INT", "INT"),
    "uinteger": ("LONG", "BIGINT"),
    "bigint": ("LONG", "BIGINT"),
    "ubigint": ("LONG", "BIGINT"),
    "hugeint": ("LONG", "BIGINT"),
    "uhugeint": ("LONG", "BIGINT"),
    "float": ("FLOAT", "FLOAT"),
    "double": ("DOUBLE", "DOUBLE"),
    "varchar": ("STRING", "STRING"),
    "uuid": ("STRING", "STRING"),
    "blob": ("BINARY", "BINARY"),
    "date": ("DATE", "DATE"),
    "timestamp": ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ"),
    "timestamp with time zone": ("TIMESTAMP", "TIMESTAMP"),
    '"null"': ("NULL", "VOID"),
    "null": ("NULL", "VOID"),
    "json": ("VARIANT", "VARIANT"),
}


@dataclass(frozen=True)
class DuckType:
    """A DuckDB type taken apart: `kind` is its word in lower case; children are named types."""

    kind: str
    children: tuple[tuple[str, DuckType], ...] = ()
    precision: int | None = None
    scale: int | None = None

    @property
    def is_exact_number(self) -> bool:
        return self.kind == "decimal" or self.is_integer

    @property
    def is_nothing(self) -> bool:
        """The type of a bare NULL."""
        return self.kind in ("null", '"null"', "void")

    @property
    def is_integer(self) -> bool:
        return self.kind.endswith(("tinyint", "smallint", "integer", "bigint", "hugeint"))

    @property
    def is_floating(self) -> bool:
        return self.kind in ("float", "double")

    def as_decimal(self) -> tuple[int, int]:
        """Precision and scale that Spark gives the type when it meets a decimal."""
        if self.precision is not None:
            return self.precision, self.scale or 0
        digits = {"tinyint": 3, "smallint": 5, "integer": 10}
        return digits.get(self.kind, 20), 0


def read(native: Any) -> DuckType:
    """Take apart a type object of the DuckDB driver."""
    text = str(native).lower()
    if text == VOID.lower():
        return DuckType("void")
    if text == YEAR_MONTH.lower().replace('"', "") or text == YEAR_MONTH.lower():
        return DuckType("year_month")
    if text.startswith("decimal"):
        precision, scale = text[len("decimal(") : -1].split(",")
        return DuckType("decimal", (), int(precision), int(scale))
    if native.id in ("list", "array"):
        return DuckType("list", (("element", read(native.children[0][1])),))
    if native.id in ("struct", "map"):
        return DuckType(native.id, tuple((name, read(child)) for name, child in native.children))
    if native.id == "enum":
        return DuckType("varchar")
    return DuckType(text)


def result_type(duck: DuckType) -> ResultType:
    """The type as the manifest of a result names it."""
    if duck.kind in _SIMPLE:
        return ResultType(*_SIMPLE[duck.kind])
    if duck.kind == "decimal":
        text = f"DECIMAL({duck.precision},{duck.scale})"
        return ResultType("DECIMAL", text, duck.precision, duck.scale)
    if duck.kind == "void":
        return ResultType("NULL", "VOID")
    if duck.kind == "year_month":
        return _interval("YEAR TO MONTH")
    if duck.kind == "interval":
        return _interval("DAY TO SECOND")
    texts = [result_type(child).text for _, child in duck.children]
    if duck.kind == "list":
        return ResultType("ARRAY", f"ARRAY<{texts[0]}>")
    if duck.kind == "map":
        return ResultType("MAP", f"MAP<{texts[0]}, {texts[1]}>")
    if duck.kind == "struct":
        fields = (f"{_field(n)}: {t}" for (n, _), t in zip(duck.children, texts, strict=True))
        return ResultType("STRUCT", f"STRUCT<{', '.join(fields)}>")
    return ResultType("STRING", "STRING")


def _interval(kind: str) -> ResultType:
    return ResultType("INTERVAL", f"INTERVAL {kind}", interval=kind)


def _field(name: str) -> str:
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"
