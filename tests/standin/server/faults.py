# SPDX-License-Identifier: PostgreSQL
"""Faults ordered by a test: which requests they hit, and what happens to the answer.

A fault is a JSON object. Where it strikes: `origin` (api, links), `method`, `path` (a regular
expression), `after` (hits to let pass), `count` (hits to strike; 0 for all, default 1).
What it does: see ACTIONS, each described at the function that performs it.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.message import Request, Response, json_response

_PLACE = {"origin", "method", "path", "after", "count", "name"}


@dataclass
class Fault:
    """One order and how often it was met and carried out."""

    order: dict[str, Any]
    met: int = 0
    struck: int = 0

    def strikes(self, request: Request) -> bool:
        """Whether this request is hit; counts it either way."""
        order = self.order
        if order.get("origin", request.origin) != request.origin:
            return False
        if order.get("method", request.method) != request.method:
            return False
        if not re.search(order.get("path", ""), request.path):
            return False
        self.met += 1
        count = int(order.get("count", 1))
        if self.met <= int(order.get("after", 0)) or (count and self.struck >= count):
            return False
        self.struck += 1
        return True

    def action(self, name: str) -> Any:
        return self.order.get(name)


class FaultBook:
    """The orders in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, orders: list[dict[str, Any]]) -> None:
        """Take orders; ValueError names the first that can't be followed."""
        for order in orders:
            unknown = set(order) - _PLACE - KNOWN_ACTIONS
            if unknown:
                raise ValueError(f"unknown fault: {', '.join(sorted(unknown))}")
            _check_pattern(order.get("path", ""))
        with self._lock:
            self._faults.extend(Fault(order) for order in orders)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def strike(self, request: Request) -> list[Fault]:
        with self._lock:
            return [fault for fault in self._faults if fault.strikes(request)]

    def snapshot(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{**f.order, "met": f.met, "struck": f.struck} for f in self._faults]


def answer_instead(faults: list[Fault]) -> Response | None:
    """Delay, then the response that a fault puts in place of the real one, if any does."""
    for fault in faults:
        if fault.action("delay_ms"):
            time.sleep(int(fault.order["delay_ms"]) / 1000)
        if fault.action("redirect"):
            return Response(307, b"", {"Location": str(fault.order["redirect"])})
        if fault.action("status"):
            return _given(fault.order)
    return None


def alter(faults: list[Fault], response: Response) -> Response:
    """Change a real response as the faults say."""
    for fault in faults:
        for name, change in _CHANGES.items():
            if fault.action(name) is not None:
                response = change(response, fault.order[name])
    return response


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"path is no regular expression: {error}") from None


def _given(order: dict[str, Any]) -> Response:
    body = order.get("body", b"")
    headers = {name: str(value) for name, value in (order.get("headers") or {}).items()}
    if isinstance(body, (dict, list)):
        return json_response(body, int(order["status"]), headers)
    text = body.encode("utf-8") if isinstance(body, str) else body
    return Response(int(order["status"]), text, headers)


def _set(response: Response, changes: dict[str, Any]) -> Response:
    """`set`: {"manifest.schema.columns.0.type_name": "GEOMETRY"} puts values into a JSON body."""
    value = _decoded(response)
    for path, new in (changes or {}).items():
        holder, key = _walk(value, path)
        if isinstance(holder, list):
            holder[int(key)] = new
        elif isinstance(holder, dict):
            holder[key] = new
    return _encoded(response, value)


def _drop(response: Response, paths: list[str]) -> Response:
    """`drop`: ["manifest.chunks"] takes fields out of a JSON body."""
    value = _decoded(response)
    for path in paths:
        holder, key = _walk(value, path)
        if isinstance(holder, dict):
            holder.pop(key, None)
    return _encoded(response, value)


def _malformed(response: Response, position: int) -> Response:
    """`malformed_at`: breaks a JSON body at a byte, negative counting from the end."""
    body = bytearray(response.bytes())
    if body:
        body[position % len(body)] = 0x01
    return Response(response.status, bytes(body), dict(response.headers))


def _cut_json(response: Response, length: int) -> Response:
    """`cut_at`: a complete HTTP response whose body ends after this many bytes."""
    return Response(response.status, response.bytes()[:length], dict(response.headers))


def _corrupt(response: Response, position: int) -> Response:
    """`corrupt_byte`: flips every bit of one byte."""
    body = bytearray(response.bytes())
    if body:
        body[position % len(body)] ^= 0xFF
    return Response(response.status, bytes(body), dict(response.headers))


def _headers(response: Response, headers: dict[str, Any]) -> Response:
    """`headers` without `status`: adds or replaces headers of the real response."""
    merged = {**response.headers, **{name: str(value) for name, value in headers.items()}}
    return Response(response.status, response.body, merged)


def _walk(value: Any, path: str) -> tuple[Any, str]:
    """The container that holds the last step of a dotted path."""
    *steps, last = path.split(".")
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.setdefault(step, {})
        else:
            return None, last
    return value, last


def _decoded(response: Response) -> Any:
    try:
        return json.loads(response.bytes())
    except ValueError:
        return {}


def _encoded(response: Response, value: Any) -> Response:
    return json_response(value, response.status, dict(response.headers))


_CHANGES: dict[str, Callable[[Response, Any], Response]] = {
    "set": _set,
    "drop": _drop,
    "malformed_at": _malformed,
    "cut_at": _cut_json,
    "corrupt_byte": _corrupt,
    "headers": _headers,
}

# Performed by the listener on the socket: `reset` closes with RST before answering,
# `truncate_after` resets after that many body bytes, `trickle` {"bytes", "every_ms"} sends slowly.
# `event` is left to the service: it changes its state (see databricks_api/events.py).
_ELSEWHERE = {"reset", "truncate_after", "trickle", "event"}

KNOWN_ACTIONS = set(_CHANGES) | _ELSEWHERE | {"delay_ms", "redirect", "status", "body"}
