# SPDX-License-Identifier: PostgreSQL
"""The control endpoint under /_standin/: faults, settings, warehouse, prerender, counters.

Served to the loopback only and without credentials; it never shows any.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from engine.contract import QueryError
from server.message import Request, Response, json_response
from server.router import Route

from databricks_api.errors import ApiError, invalid_parameter
from databricks_api.service import Service

PREFIX = "/_standin"

_SHOWN_AT_MOST = 1000


class Control:
    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request], Response]]] = [
            ("GET", "state", self._state),
            ("GET", "settings", self._show_settings),
            ("POST", "settings", self._change_settings),
            ("GET", "faults", self._show_faults),
            ("POST", "faults", self._order_faults),
            ("DELETE", "faults", self._clear_faults),
            ("POST", "warehouse", self._put_warehouse),
            ("POST", "events", self._event),
            ("POST", "prerender", self._prerender),
            ("POST", "reset", self._reset),
            ("GET", "received", self._received),
        ]
        return [
            Route(method, f"{PREFIX}/{path}", f"control.{path}", _local(handler))
            for method, path, handler in table
        ]

    def _state(self, _: Request) -> Response:
        return json_response(self._service.snapshot())

    def _show_settings(self, _: Request) -> Response:
        return json_response(self._service.settings.snapshot())

    def _change_settings(self, request: Request) -> Response:
        self._service.change_settings(_object(request))
        return self._show_settings(request)

    def _show_faults(self, _: Request) -> Response:
        return json_response({"faults": self._service.faults.snapshot()})

    def _order_faults(self, request: Request) -> Response:
        """Body: one fault, or {"faults": [...]}; see server/faults.py."""
        body = _object(request)
        self._service.faults.add(body.get("faults", [body]))
        return self._show_faults(request)

    def _clear_faults(self, request: Request) -> Response:
        self._service.faults.clear()
        return self._show_faults(request)

    def _put_warehouse(self, request: Request) -> Response:
        self._service.warehouse.put(str(_object(request).get("state")))
        return json_response({"state": self._service.warehouse.state})

    def _event(self, request: Request) -> Response:
        self._service.event(str(_object(request).get("event")))
        return json_response({})

    def _prerender(self, request: Request) -> Response:
        """Body: as for POST /statements, without a warehouse; `chunk_bytes` is for its chunks."""
        body = _object(request)
        chunk_bytes = body.pop("chunk_bytes", None)
        try:
            result = self._service.prerender(body, chunk_bytes)
        except QueryError as error:
            raise ApiError(400, error.code, error.message) from None
        return json_response(
            {
                "total_row_count": result.row_count,
                "total_byte_count": result.byte_count,
                "stored_bytes": sum(chunk.stored_bytes for chunk in result.chunks),
                "total_chunk_count": len(result.chunks),
                "files": [str(result.file_of(c.index)) for c in result.chunks[:_SHOWN_AT_MOST]],
            }
        )

    def _reset(self, _: Request) -> Response:
        self._service.reset()
        return json_response({})

    def _received(self, _: Request) -> Response:
        """Requests since the start, whatever was reset since; without credentials."""
        return Response(body=self._service.record.content())


def _local(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def guarded(request: Request) -> Response:
        if not ipaddress.ip_address(request.client).is_loopback:
            return ApiError(403, "PERMISSION_DENIED", "The control endpoint is local.").response()
        try:
            return handler(request)
        except ApiError as error:
            return error.response()
        except (ValueError, TypeError, KeyError) as error:
            return invalid_parameter(str(error)).response()

    return guarded


def _object(request: Request) -> dict[str, Any]:
    value = request.json()
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
