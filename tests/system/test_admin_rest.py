# SPDX-License-Identifier: PostgreSQL
"""The REST of administrators: the catalog of tools for admins, the exact refusal for everybody else."""

from __future__ import annotations

import os

import pytest
import requests
from conftest import Connection, connect
from governed import Governed
from mcp_caller import Caller, new_token, sign_in

PATH = "/api/v1/admin/agents/tool-catalog"
SECONDS = 20


@pytest.fixture(scope="module")
def callers(governed: Governed) -> dict[str, Caller]:
    kinds = ("admin", "member", "readonly", "agent")
    with connect() as session:
        return {kind: sign_in(session, governed.tenant, kind) for kind in kinds}


def get(token: str | None, **options: object) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return requests.get(
        os.environ["LAKEHOUSE_URL"] + PATH, headers=headers, timeout=SECONDS, **options
    )


def test_an_admin_reads_what_tools_list_shows_and_more(
    callers: dict[str, Caller], governed: Governed, session: Connection
) -> None:
    answer = get(callers["admin"].token)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    catalog = answer.json()
    more = {(tool["name"], tool.pop("scope"), tool.pop("kind")) for tool in catalog}
    listed = session.execute(
        "SELECT lakehouse.list_tools(lakehouse.find_tenant(%s),"
        " '{crm:read,crm:write,erp:read,warehouse:query}')",
        [governed.tenant],
    ).fetchone()
    assert listed and catalog == listed[0]
    assert ("list_records", "crm:read", "function") in more
    assert {kind for name, _, kind in more if name.startswith("warehouse_table__")} == {
        "warehouse_query"
    }


@pytest.mark.parametrize("kind", ["member", "readonly", "agent"])
def test_others_are_refused(callers: dict[str, Caller], kind: str) -> None:
    answer = get(callers[kind].token)
    assert answer.status_code == 403
    assert answer.json()["code"] == "FORBIDDEN"
    assert set(answer.json()) == {"code", "message", "details", "hint"}
    assert "WWW-Authenticate" not in answer.headers  # no other token of this user would do


@pytest.mark.parametrize("token", [None, "lkh_at_nonsense", new_token()])
def test_strangers_are_challenged(token: str | None) -> None:
    answer = get(token)
    assert answer.status_code == 401
    assert "resource_metadata=" in answer.headers["WWW-Authenticate"]


def test_only_get_is_there(callers: dict[str, Caller]) -> None:
    url = os.environ["LAKEHOUSE_URL"] + PATH
    headers = {"Authorization": f"Bearer {callers['admin'].token}"}
    answer = requests.post(url, headers=headers, timeout=SECONDS)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_pages_of_strangers_are_refused(callers: dict[str, Caller]) -> None:
    headers = {
        "Authorization": f"Bearer {callers['admin'].token}",
        "Origin": "https://evil.example",
    }
    url = os.environ["LAKEHOUSE_URL"] + PATH
    assert requests.get(url, headers=headers, timeout=SECONDS).status_code == 403
