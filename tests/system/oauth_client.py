# SPDX-License-Identifier: PostgreSQL
"""A client of the authorization server and the browser of its user, both by hand: each request as a test wants it."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import psycopg
import requests
from ledger import hidden_text
from psycopg import sql

PASSWORD = hidden_text()
REDIRECT = "https://client.example/callback"
ALL_SCOPES = ["crm:read", "crm:write", "erp:read", "warehouse:query"]
SECONDS = 20


def origin() -> str:
    return os.environ["LAKEHOUSE_URL"]


def resource() -> str:
    return origin() + "/mcp"


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class Application:
    """A registered client, and the parameters it would send."""

    client_id: str
    secret: str | None = None
    redirect_uri: str = REDIRECT
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """Of an authorization request; None takes one away."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "crm:read crm:write",
            "state": "s-" + secrets.token_hex(8),
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": resource(),
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def claim(self, code: str, **changes: str | None) -> dict[str, str]:
        """Of a token request for a code."""
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_id": self.client_id,
            "client_secret": self.secret,
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def post(self, path: str, fields: dict[str, str], **options: object) -> requests.Response:
        return requests.post(origin() + path, data=fields, timeout=SECONDS, **options)

    def redeem(self, code: str, **changes: str | None) -> requests.Response:
        return self.post("/oauth/token", self.claim(code, **changes))

    def refresh(self, token: str, **changes: str | None) -> requests.Response:
        given: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": self.client_id,
            "client_secret": self.secret,
            **changes,
        }
        return self.post("/oauth/token", {k: v for k, v in given.items() if v is not None})

    def revoke(self, token: str, **changes: str | None) -> requests.Response:
        given = {
            "token": token,
            "client_id": self.client_id,
            "client_secret": self.secret,
        }
        return self.post(
            "/oauth/revoke",
            {k: v for k, v in (given | changes).items() if v is not None},
        )


class User:
    """A browser without JavaScript, and who sits in front of it."""

    def __init__(self, email: str, tenant: str, password: str = PASSWORD) -> None:
        self.email, self.tenant, self.password = email, tenant, password
        self.session = requests.Session()

    def get(self, path: str, **parameters: str) -> requests.Response:
        return self.session.get(
            origin() + path, params=parameters, timeout=SECONDS, allow_redirects=False
        )

    def post(self, path: str, fields: dict[str, str], **headers: str) -> requests.Response:
        return self.session.post(
            origin() + path,
            data=fields,
            headers=headers,
            timeout=SECONDS,
            allow_redirects=False,
        )

    def open(self, application: Application, **changes: str | None) -> requests.Response:
        return self.get("/oauth/authorize", **application.parameters(**changes))

    def sign_in(self, page: requests.Response, **changes: str) -> requests.Response:
        fields = {
            "request": handle_of(page),
            "workspace": self.tenant,
            "email": self.email,
            "password": self.password,
            **changes,
        }
        return self.post("/oauth/sign-in", fields)

    def decide(self, page: requests.Response, decision: str = "allow") -> requests.Response:
        return self.post("/oauth/consent", {"request": handle_of(page), "decision": decision})

    def consent_page(self, application: Application, **changes: str | None) -> requests.Response:
        signed_in = self.sign_in(self.open(application, **changes))
        assert signed_in.status_code == 303, signed_in.text
        page = self.session.get(urljoin(origin(), signed_in.headers["Location"]), timeout=SECONDS)
        assert page.status_code == 200, page.text
        return page

    def agree(self, application: Application, **changes: str | None) -> dict[str, str]:
        """What the client finds in its redirect."""
        return returned(self.decide(self.consent_page(application, **changes)))

    def code(self, application: Application, **changes: str | None) -> str:
        return self.agree(application, **changes)["code"]

    def tokens(self, application: Application, **changes: str | None) -> dict[str, str]:
        answer = application.redeem(self.code(application, **changes))
        assert answer.status_code == 200, answer.text
        return answer.json()


def handle_of(page: requests.Response) -> str:
    found = re.search(r'name="request" value="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found.group(1))


def returned(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def refusal(answer: requests.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def call(token: str | None, path: str = "/mcp", **options: object) -> requests.Response:
    """A request to the MCP server; what it asks for does not matter here."""
    headers = {"Accept": "application/json, text/event-stream"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    return requests.post(origin() + path, json=body, headers=headers, timeout=SECONDS, **options)


def is_admitted(token: str) -> bool:
    status = call(token).status_code
    assert status in (
        200,
        202,
        400,
        401,
        404,
    ), status  # of the protocol, not of the gate
    return status != 401


def make_client(
    connection: psycopg.Connection[tuple], tenant: str, **options: object
) -> Application:
    given: dict[str, object] = {
        "redirect_uris": [REDIRECT],
        "scopes": ALL_SCOPES,
        "is_public": False,
        "allow_refresh_tokens": False,
        **options,
    }
    row = connection.execute(
        "SELECT client_id, client_secret FROM lakehouse.create_oauth_client(%(tenant)s, %(name)s,"
        " %(redirect_uris)s, %(scopes)s, %(is_public)s, %(allow_refresh_tokens)s)",
        {"tenant": tenant, "name": "Client " + secrets.token_hex(4), **given},
    ).fetchone()
    assert row
    return Application(row[0], row[1], given["redirect_uris"][0])


@contextmanager
def oauth_tenant(connection: psycopg.Connection[tuple]) -> Iterator[str]:
    """A tenant with the users admin@, member@, readonly@ and agent@, who share a password."""
    slug = "o" + secrets.token_hex(4)
    connection.execute("SELECT lakehouse.create_tenant(%s)", [slug])
    for role in ("admin", "member", "readonly", "agent"):
        connection.execute(
            "SELECT lakehouse.create_user(%s, %s, %s, %s, %s)",
            [slug, f"{role}@{slug}.example", role.title(), role, PASSWORD],
        )
    yield slug
    connection.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


def login_role(connection: psycopg.Connection[tuple], tenant: str, email: str) -> str:
    query = sql.SQL("SELECT pg_role FROM {}.users WHERE email = %s")
    row = connection.execute(query.format(sql.Identifier(tenant)), [email]).fetchone()
    assert row
    return row[0]
