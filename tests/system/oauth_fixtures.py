# SPDX-License-Identifier: PostgreSQL
"""Whom the tests of the authorization server have: a tenant, its member and a client.

A file that imports these has a tenant of its own. They are called otherwise than the arguments they make, which
would hide them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Connection, connect
from oauth_client import Application, User, make_client, oauth_tenant


@pytest.fixture(name="tenant", scope="module")
def own_tenant() -> Iterator[str]:
    with connect() as connection, oauth_tenant(connection) as slug:
        yield slug


@pytest.fixture(name="user")
def member(tenant: str) -> User:
    return User(f"member@{tenant}.example", tenant)


@pytest.fixture(name="application")
def any_client(session: Connection, tenant: str) -> Application:
    return make_client(session, tenant)


@pytest.fixture(autouse=True)
def fresh_attempts(session: Connection) -> Iterator[None]:
    """All tests come from one address, whose failures add up."""
    session.execute("DELETE FROM lakehouse.oauth_attempts")
    yield
    session.execute("DELETE FROM lakehouse.oauth_attempts")
