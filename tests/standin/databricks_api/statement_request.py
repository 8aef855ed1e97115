# SPDX-License-Identifier: PostgreSQL
"""The body of POST /statements, checked as the service checks it before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.contract import ARROW_STREAM, CSV, JSON_ARRAY, Parameter
from result_files.writer import LZ4_FRAME

from databricks_api.errors import ApiError, invalid_parameter
from databricks_api.settings import Settings

INLINE = "INLINE"
EXTERNAL_LINKS = "EXTERNAL_LINKS"
HYBRID = "INLINE_OR_EXTERNAL_LINKS"

DEFAULT_BYTE_LIMIT = 100 << 30
MAX_QUERY_TAGS = 20
_NESTED = re.compile(r"\s*(ARRAY|MAP|STRUCT)\b", re.IGNORECASE)


@dataclass(frozen=True)
class StatementRequest:
    """A request that may run. `wait_s` of 0 means: answer at once."""

    statement: str
    warehouse_id: Any
    catalog: str | None
    schema: str | None
    session_id: str | None
    parameters: tuple[Parameter, ...]
    disposition: str
    format: str
    compression: str | None
    row_limit: int | None
    byte_limit: int | None
    wait_s: float
    cancel_on_timeout: bool
    query_tags: tuple[dict[str, Any], ...]


def read(body: Any, settings: Settings) -> StatementRequest:
    """Check a body; ApiError says what is wrong with it."""
    if not isinstance(body, dict):
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object.")
    statement = body.get("statement")
    if not isinstance(statement, str) or not statement.strip():
        raise invalid_parameter("Missing required field: statement")
    if len(statement.encode("utf-8")) > settings.statement_limit_bytes:
        limit = settings.statement_limit_bytes
        raise invalid_parameter(f"The statement text exceeds the limit of {limit} bytes.")
    disposition = _one_of(body, "disposition", INLINE, (INLINE, EXTERNAL_LINKS, HYBRID))
    result_format = _one_of(body, "format", JSON_ARRAY, (JSON_ARRAY, ARROW_STREAM, CSV))
    _check_pair(disposition, result_format, settings)
    byte_limit = _limit(body, "byte_limit")
    if byte_limit is None and disposition != INLINE:
        byte_limit = DEFAULT_BYTE_LIMIT
    return StatementRequest(
        statement,
        body.get("warehouse_id"),
        _text(body, "catalog"),
        _text(body, "schema"),
        _text(body, "session_id"),
        _parameters(body),
        disposition,
        result_format,
        _compression(body, result_format),
        _limit(body, "row_limit"),
        byte_limit,
        _wait(body),
        _one_of(body, "on_wait_timeout", "CONTINUE", ("CONTINUE", "CANCEL")) == "CANCEL",
        _tags(body),
    )


def _one_of(body: dict[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = body.get(name) or default
    if value not in allowed:
        raise invalid_parameter(
            f"Invalid value for field {name}: {value}. Allowed are {', '.join(allowed)}."
        )
    return str(value)


def _check_pair(disposition: str, result_format: str, settings: Settings) -> None:
    if disposition == INLINE and result_format != JSON_ARRAY:
        raise invalid_parameter(
            f"The format field must be JSON_ARRAY when the disposition field is INLINE, "
            f"but it is {result_format}."
        )
    if disposition == EXTERNAL_LINKS and not settings.external_links_enabled:
        raise ApiError(
            400, "BAD_REQUEST", "The EXTERNAL_LINKS disposition is disabled for this workspace."
        )


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_parameter(f"The field {name} must be a string.")
    return value or None


def _limit(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise invalid_parameter(f"The field {name} must be a number.") from None
    if isinstance(value, bool) or number <= 0:
        raise invalid_parameter(f"The field {name} must be greater than 0.")
    return number


def _wait(body: dict[str, Any]) -> float:
    value = body.get("wait_timeout") or "10s"
    match = re.fullmatch(r"(\d+)s", str(value))
    seconds = int(match.group(1)) if match else -1
    if seconds != 0 and not 5 <= seconds <= 50:
        raise invalid_parameter(
            "Invalid wait timeout: must be 0s, which disables waiting, or between 5s and 50s; "
            f"it is {value}."
        )
    return float(seconds)


def _parameters(body: dict[str, Any]) -> tuple[Parameter, ...]:
    given = body.get("parameters") or []
    if not isinstance(given, list):
        raise invalid_parameter("The field parameters must be an array.")
    parameters = tuple(_parameter(item) for item in given)
    names = [parameter.name for parameter in parameters if parameter.name is not None]
    if len(set(names)) != len(names):
        raise invalid_parameter("Parameter names must be unique.")
    if names and len(names) != len(parameters):
        raise invalid_parameter("Named and positional parameters can't be mixed.")
    return parameters


def _parameter(item: Any) -> Parameter:
    if not isinstance(item, dict):
        raise invalid_parameter("Each parameter must be an object.")
    kind, value = item.get("type") or "STRING", item.get("value")
    if _NESTED.match(str(kind)):
        raise invalid_parameter(f"Parameters of the type {kind} are not supported.")
    if value is not None and not isinstance(value, str):
        raise invalid_parameter("A parameter's value must be a string.")
    if item.get("name"):
        return Parameter(str(kind), value, name=str(item["name"]))
    if "ordinal" not in item:
        raise invalid_parameter("Missing required field: parameters.name")
    return Parameter(str(kind), value, ordinal=int(item["ordinal"]))


def _compression(body: dict[str, Any], result_format: str) -> str | None:
    value = body.get("result_compression") or "NONE"
    if value not in ("NONE", LZ4_FRAME):
        raise invalid_parameter(f"Invalid value for field result_compression: {value}.")
    return LZ4_FRAME if value == LZ4_FRAME and result_format == ARROW_STREAM else None


def _tags(body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """At most twenty are kept; more are dropped without a word, as documented."""
    tags = body.get("query_tags") or []
    if not isinstance(tags, list) or not all(isinstance(t, dict) and t.get("key") for t in tags):
        raise invalid_parameter("Each query tag must be an object with a key.")
    return tuple(tags[:MAX_QUERY_TAGS])
