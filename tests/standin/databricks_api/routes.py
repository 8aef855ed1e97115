# SPDX-License-Identifier: PostgreSQL
"""The table of routes: every path of the Databricks side, and what answers it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable

from server.message import Request, Response, json_response
from server.origin import Origin
from server.router import Route, Router

from databricks_api import errors
from databricks_api.control import Control
from databricks_api.errors import ApiError
from databricks_api.service import Service

SQL = "/api/2.0/sql"
OIDC_METADATA = "/oidc/.well-known/oauth-authorization-server"


def api_origin(service: Service, base_url: Callable[[], str]) -> Origin:
    """The workspace: statements, sessions, warehouses, sign-in, and the control endpoint."""
    routes = [*_statements(service), *_sessions(service), *_warehouses(service)]
    routes += _sign_in(service, base_url)

    def guard(request: Request) -> Response | None:
        if not request.path.startswith("/api/"):
            return None
        refusal = service.auth.refuse(request)
        return refusal.response() if refusal else None

    return Origin(
        Router([_wrapped(route) for route in routes] + Control(service).routes()),
        service.faults,
        service.counters,
        guard,
        lambda r: errors.no_such_endpoint(r.method, r.path).response(),
        lambda _: errors.crashed().response(),
        service.event,
        service.record.add,
    )


def links_origin(service: Service) -> Origin:
    """Object storage: chunk files behind presigned links, nothing else."""
    links = service.links
    routes = [
        Route("GET", "/results/{statement}/{index}", "links.get", links.download),
        Route("HEAD", "/results/{statement}/{index}", "links.head", links.download),
    ]
    return Origin(
        Router(routes),
        service.faults,
        service.counters,
        lambda _: None,
        lambda _: Response(404, b"", {"Content-Type": "application/xml"}),
        lambda _: Response(500, b"", {"Content-Type": "application/xml"}),
        service.event,
    )


def _statements(service: Service) -> list[Route]:
    s, one = service.statements, f"{SQL}/statements/{{statement_id}}"
    return [
        Route("POST", f"{SQL}/statements", "statements.execute", s.execute),
        Route("GET", one, "statements.status", s.status),
        Route("GET", f"{one}/result/chunks/{{index}}", "statements.chunk", s.chunk),
        Route("POST", f"{one}/cancel", "statements.cancel", s.cancel),
        Route("DELETE", one, "statements.close", s.close),
    ]


def _sessions(service: Service) -> list[Route]:
    def open_session(request: Request) -> Response:
        body = request.json()
        if not isinstance(body, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object.")
        service.warehouse.check(body.get("warehouse_id"))
        return json_response({"session_id": service.sessions.open(body).id})

    def close_session(_: Request, session_id: str) -> Response:
        service.sessions.close(session_id)
        return json_response({})

    return [
        Route("POST", f"{SQL}/sessions", "sessions.open", open_session),
        Route("DELETE", f"{SQL}/sessions/{{session_id}}", "sessions.close", close_session),
    ]


def _warehouses(service: Service) -> list[Route]:
    warehouse, one = service.warehouse, f"{SQL}/warehouses/{{warehouse_id}}"

    def show_all(_: Request) -> Response:
        return json_response({"warehouses": [warehouse.describe()]})

    def show(_: Request, warehouse_id: str) -> Response:
        warehouse.check(warehouse_id)
        return json_response(warehouse.describe())

    def start(_: Request, warehouse_id: str) -> Response:
        warehouse.check(warehouse_id)
        warehouse.start()
        return json_response({})

    def stop(_: Request, warehouse_id: str) -> Response:
        warehouse.check(warehouse_id)
        warehouse.put("STOPPED")
        return json_response({})

    return [
        Route("GET", f"{SQL}/warehouses", "warehouses.list", show_all),
        Route("GET", one, "warehouses.get", show),
        Route("POST", f"{one}/start", "warehouses.start", start),
        Route("POST", f"{one}/stop", "warehouses.stop", stop),
    ]


def _sign_in(service: Service, base_url: Callable[[], str]) -> list[Route]:
    auth = service.auth

    def metadata(_: Request) -> Response:
        return auth.discovery(base_url())

    def workspace(_: Request) -> Response:
        oidc = f"{base_url()}/oidc"
        return json_response({"oidc_endpoint": oidc, "workspace_id": "1", "cloud": "aws"})

    return [
        Route("GET", OIDC_METADATA, "oidc.metadata", metadata),
        Route("POST", "/oidc/v1/token", "oidc.token", auth.token),
        Route("GET", "/.well-known/databricks-config", "workspace.config", workspace),
    ]


def _wrapped(route: Route) -> Route:
    """ApiError becomes its envelope, and so does a body that is no JSON object."""

    @functools.wraps(route.handler)
    def handler(request: Request, **parts: str) -> Response:
        try:
            return route.handler(request, **parts)
        except ApiError as error:
            return error.response()
        except (json.JSONDecodeError, UnicodeDecodeError):
            return ApiError(400, "MALFORMED_REQUEST", "Could not parse request object.").response()

    return Route(route.method, route.pattern, route.name, handler)
