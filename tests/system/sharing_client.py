# SPDX-License-Identifier: PostgreSQL
"""A recipient that asks the sharing server over HTTP, line by line, as programs do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests
from conftest import Connection

SECONDS = 20


def link_of(session: Connection, call: str, *arguments: object) -> str:
    found = session.execute(call, list(arguments)).fetchone()
    assert found
    return str(found[0])


def activate(link: str, **headers: str) -> requests.Response:
    return requests.post(link, headers=headers, timeout=SECONDS)


@dataclass
class Recipient:
    profile: dict[str, Any]

    @classmethod
    def of(
        cls, session: Connection, tenant: str, name: str, share: str | None = "sales"
    ) -> Recipient:
        """A new recipient of the share, its profile fetched."""
        link = link_of(
            session, "SELECT lakehouse.create_recipient(%s, %s)", tenant, name
        )
        if share is not None:
            session.execute(
                "SELECT lakehouse.grant_share(%s, %s, %s)", [tenant, share, name]
            )
        return cls(activate(link).json())

    @property
    def token(self) -> str:
        return str(self.profile["bearerToken"])

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: object = None,
        **headers: str,
    ) -> requests.Response:
        given = {"Authorization": f"Bearer {token or self.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return requests.request(
            method,
            self.profile["endpoint"] + path,
            headers=given,
            json=body,
            timeout=SECONDS,
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.ask("GET", path, **options)

    def query(
        self, table: str, body: object = None, **headers: str
    ) -> requests.Response:
        return self.ask("POST", f"{table}/query", body=body or {}, **headers)


def lines(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    return [json.loads(line) for line in answer.text.splitlines()]


def of_kind(answer: requests.Response, kind: str) -> list[dict[str, Any]]:
    return [line[kind] for line in lines(answer) if kind in line]


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code; the body has exactly these two members."""
    body = answer.json()
    assert set(body) == {"errorCode", "message"}, body
    return answer.status_code, body["errorCode"]
