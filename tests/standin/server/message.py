# SPDX-License-Identifier: PostgreSQL
"""A request and a response, as the routes see them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; `path` has no query string."""

    origin: str
    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    client: str

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.query_string).items()}

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body.decode("utf-8")) if self.body else {}


@dataclass(frozen=True)
class FilePart:
    """A body that is sent straight from a file."""

    path: Path
    offset: int
    length: int


@dataclass
class Response:
    status: int = 200
    body: bytes | FilePart = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return self.body.length if isinstance(self.body, FilePart) else len(self.body)

    def bytes(self) -> bytes:
        """The whole body in memory; only faults need it."""
        if isinstance(self.body, bytes):
            return self.body
        with open(self.body.path, "rb") as file:
            file.seek(self.body.offset)
            return file.read(self.body.length)


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})
