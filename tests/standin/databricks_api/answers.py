# SPDX-License-Identifier: PostgreSQL
"""The JSON of a statement: status, manifest, and the result, inline or as links."""

from __future__ import annotations

import base64
import json
from typing import Any

from engine.contract import JSON_ARRAY, ResultColumn
from result_files.chunk import Chunk, ResultSet
from server.message import Response, json_response

from databricks_api.errors import ApiError, not_found
from databricks_api.links import Links
from databricks_api.settings import Settings
from databricks_api.statement import FAILED, SUCCEEDED, Statement
from databricks_api.statement_request import HYBRID, INLINE

# A chunk's JSON goes into the body as it lies on disk; this mark is where.
_SPLICE = "\ue000data\ue000"


def answer(statement: Statement, settings: Settings, links: Links) -> Response:
    """The body of POST /statements and of GET /statements/{id}."""
    value: dict[str, Any] = {"statement_id": statement.id, "status": _status(statement)}
    result = statement.result
    if statement.state != SUCCEEDED or result is None:
        return json_response(value)
    value["manifest"] = _manifest(statement, result, settings)
    if not result.chunks:
        value["result"] = {}
        return json_response(value)
    if _is_attached(statement, result, settings):
        value["result"] = _attachment(result)
        return json_response(value)
    return _with_chunk(value, "result", statement, result, 0, settings, links)


def chunk_answer(statement: Statement, index: int, settings: Settings, links: Links) -> Response:
    """The body of GET …/result/chunks/{index}: the bare result object."""
    result = statement.result
    if result is None:
        raise not_found(f"The result of statement {statement.id} is not available.")
    if not 0 <= index < len(result.chunks):
        raise ApiError(
            404,
            "NOT_FOUND",
            f"Chunk index {index} is out of range: the result has {len(result.chunks)} chunks.",
        )
    return _with_chunk({}, None, statement, result, index, settings, links)


def _status(statement: Statement) -> dict[str, Any]:
    status: dict[str, Any] = {"state": statement.state}
    if statement.state == FAILED and statement.error is not None:
        status["error"] = {
            "error_code": statement.error.code,
            "message": statement.error.message,
        }
        status["sql_state"] = statement.error.sql_state
    return status


def _manifest(statement: Statement, result: ResultSet, settings: Settings) -> dict[str, Any]:
    columns = [_column(i, column) for i, column in enumerate(result.columns)]
    manifest: dict[str, Any] = {
        "format": result.format,
        "schema": {"column_count": len(columns), "columns": columns},
        "total_chunk_count": len(result.chunks),
        "total_row_count": result.row_count,
        "truncated": result.truncated,
    }
    if not columns:
        del manifest["schema"]["columns"]
    if result.chunks and settings.manifest_chunks != "never":
        manifest["chunks"] = [
            _chunk(chunk, inline=_is_inline(statement)) for chunk in result.chunks
        ]
    if not _is_inline(statement):
        manifest["total_byte_count"] = result.byte_count
    if result.compression:
        manifest["result_compression"] = result.compression
    return manifest


def _column(position: int, column: ResultColumn) -> dict[str, Any]:
    value: dict[str, Any] = {
        "name": column.name,
        "type_text": column.type.text,
        "type_name": column.type.name,
        "position": position,
    }
    if column.type.precision is not None:
        value["type_precision"] = column.type.precision
        value["type_scale"] = column.type.scale
    if column.type.interval is not None:
        value["type_interval_type"] = column.type.interval
    return value


def _chunk(chunk: Chunk, inline: bool) -> dict[str, Any]:
    value = {
        "chunk_index": chunk.index,
        "row_offset": chunk.row_offset,
        "row_count": chunk.row_count,
    }
    return value if inline else {**value, "byte_count": chunk.byte_count}


def _is_inline(statement: Statement) -> bool:
    request = statement.request
    return request.disposition == INLINE or (
        request.disposition == HYBRID and request.format == JSON_ARRAY
    )


def _is_attached(statement: Statement, result: ResultSet, settings: Settings) -> bool:
    """Hybrid results that are small come inside the answer, as a base64 Arrow stream."""
    small = len(result.chunks) == 1 and result.byte_count <= settings.hybrid_inline_bytes
    return statement.request.disposition == HYBRID and result.format != JSON_ARRAY and small


def _attachment(result: ResultSet) -> dict[str, Any]:
    chunk = result.chunks[0]
    body = result.file_of(0).read_bytes()
    return {
        **_chunk(chunk, inline=True),
        "byte_count": chunk.byte_count,
        "attachment": base64.b64encode(body).decode("ascii"),
    }


def _with_chunk(
    value: dict[str, Any],
    key: str | None,
    statement: Statement,
    result: ResultSet,
    index: int,
    settings: Settings,
    links: Links,
) -> Response:
    if _is_inline(statement):
        return _inline(value, key, statement, result, index)
    last = min(index + max(1, settings.links_per_answer), len(result.chunks))
    listed = [_link(statement, result, i, links) for i in range(index, last)]
    linked = {"external_links": listed}
    return json_response({**value, key: linked} if key else linked)


def _inline(
    value: dict[str, Any], key: str | None, statement: Statement, result: ResultSet, index: int
) -> Response:
    """Put the chunk's text into the JSON without decoding it."""
    chunk = result.chunks[index]
    part = {**_chunk(chunk, inline=True), **_next(statement, result, index), "data_array": _SPLICE}
    text = json.dumps({**value, key: part} if key else part, separators=(",", ":"))
    head, tail = text.split(json.dumps(_SPLICE))
    body = head.encode() + result.file_of(index).read_bytes() + tail.encode()
    return Response(200, body, {"Content-Type": "application/json"})


def _link(statement: Statement, result: ResultSet, index: int, links: Links) -> dict[str, Any]:
    chunk = result.chunks[index]
    url, expiration, headers = links.sign(statement.id, index, result.file_of(index))
    value = {
        **_chunk(chunk, inline=True),
        "byte_count": chunk.stored_bytes,
        **_next(statement, result, index),
        "external_link": url,
        "expiration": expiration,
    }
    return {**value, "http_headers": headers} if headers else value


def _next(statement: Statement, result: ResultSet, index: int) -> dict[str, Any]:
    if index + 1 >= len(result.chunks):
        return {}
    following = index + 1
    path = f"/api/2.0/sql/statements/{statement.id}/result/chunks/{following}"
    return {
        "next_chunk_index": following,
        "next_chunk_internal_link": f"{path}?row_offset={result.chunks[following].row_offset}",
    }
