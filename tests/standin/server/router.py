# SPDX-License-Identifier: PostgreSQL
"""A table of routes: method and path pattern to a handler and the name it is counted under."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from server.message import Request, Response

Handler = Callable[..., Response]


@dataclass(frozen=True)
class Route:
    """`pattern` is a path with {names}; the handler gets the request and the named parts."""

    method: str
    pattern: str
    name: str
    handler: Handler

    def match(self, method: str, path: str) -> dict[str, str] | None:
        expression = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.pattern))
        found = re.fullmatch(expression + "/?", path)
        return found.groupdict() if found and method == self.method else None


@dataclass(frozen=True)
class Found:
    route: Route
    parts: dict[str, str]

    def answer(self, request: Request) -> Response:
        return self.route.handler(request, **self.parts)


class Router:
    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes

    def find(self, method: str, path: str) -> Found | None:
        for route in self._routes:
            parts = route.match(method, path)
            if parts is not None:
                return Found(route, parts)
        return None
