# SPDX-License-Identifier: PostgreSQL
"""What every request goes through: count, faults, authentication, route, faults again."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from server.counters import Counters
from server.faults import Fault, FaultBook, alter, answer_instead
from server.message import Request, Response
from server.router import Router

Guard = Callable[[Request], Response | None]
Event = Callable[[str], None]
Witness = Callable[[Request], None]


class Origin:
    """An application for a listener. `guard` may refuse a request before it is routed; `witness` sees each."""

    def __init__(
        self,
        router: Router,
        faults: FaultBook,
        counters: Counters,
        guard: Guard,
        not_found: Callable[[Request], Response],
        on_crash: Callable[[Request], Response],
        on_event: Event,
        witness: Witness = lambda _: None,
    ) -> None:
        self._router = router
        self._faults = faults
        self._counters = counters
        self._guard = guard
        self._not_found = not_found
        self._on_crash = on_crash
        self._on_event = on_event
        self._witness = witness

    def __call__(self, request: Request) -> tuple[Response, list[Fault]]:
        found = self._router.find(request.method, request.path)
        name = found.route.name if found else "unknown"
        self._counters.add(f"requests.{name}")
        if name.startswith("control."):
            return found.answer(request), []
        self._witness(request)
        faults = self._faults.strike(request)
        for fault in faults:
            if fault.action("event"):
                self._on_event(str(fault.order["event"]))
        response = answer_instead(faults)
        if response is not None:
            return response, faults
        response = self._guard(request)
        if response is None:
            response = self._answer(request, found)
        return alter(faults, response), faults

    def _answer(self, request: Request, found: object) -> Response:
        if found is None:
            return self._not_found(request)
        try:
            return found.answer(request)
        except Exception:
            traceback.print_exc()
            return self._on_crash(request)
