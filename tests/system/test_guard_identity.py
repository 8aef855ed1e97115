# SPDX-License-Identifier: PostgreSQL
"""How strong the guard is follows every change of roles, members and session, with the next statement.

Each test lets the guard look once before the change: what it found then must not be used again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from governed import HIDDEN_ROWS, VISIBLE_ROWS, Governed

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

ALL_ROWS = VISIBLE_ROWS + HIDDEN_ROWS
BETWEEN = "rt_identity_between"


@pytest.fixture(scope="module", autouse=True)
def between(governed: Governed) -> Iterator[None]:
    """A role that the member is in, and which is in nothing."""
    with connect() as session:
        session.execute(f"CREATE ROLE {BETWEEN}")
        session.execute(f"GRANT {BETWEEN} TO {member_of(governed)}")
    yield
    with connect() as session:
        session.execute(f"DROP ROLE {BETWEEN}")


@pytest.fixture
def member(new_session: NewSession, governed: Governed) -> Connection:
    return new_session(user=member_of(governed))


def member_of(governed: Governed) -> str:
    return f"{governed.tenant}_member_2"


def agent_of(governed: Governed) -> str:
    return f"{governed.tenant}_agent_2"


def strength(session: Connection, governed: Governed) -> str:
    """What the guard takes the session for, by what it lets pass."""
    try:
        session.execute("SELECT pg_backend_pid()")
    except psycopg.errors.InsufficientPrivilege as error:
        assert "FUNCTION_NOT_ALLOW_LISTED" in str(error)
        return "agent"
    found = session.execute(f"SELECT count(*) FROM {governed.table}").fetchone()
    assert found in [(VISIBLE_ROWS,), (ALL_ROWS,)]
    return "governed" if found == (VISIBLE_ROWS,) else "none"


# What is done, what undoes it, and what the member is in between.
CHANGES = {
    "agent": (
        "GRANT lakehouse_agent TO {member}",
        "REVOKE lakehouse_agent FROM {member}",
        "agent",
    ),
    "agent by a tenant's role": (
        "GRANT {tenant}_agent TO {member}",
        "REVOKE {tenant}_agent FROM {member}",
        "agent",
    ),
    "agent by a role between": (
        "GRANT lakehouse_agent TO {between}",
        "REVOKE lakehouse_agent FROM {between}",
        "agent",
    ),
    "bypass": (
        "GRANT lakehouse_bypass_guard TO {member}",
        "REVOKE lakehouse_bypass_guard FROM {member}",
        "none",
    ),
    "bypass by a role between": (
        "GRANT lakehouse_bypass_guard TO {between}",
        "REVOKE lakehouse_bypass_guard FROM {between}",
        "none",
    ),
    "superuser": (
        "ALTER ROLE {member} SUPERUSER",
        "ALTER ROLE {member} NOSUPERUSER",
        "none",
    ),
}


def filled(governed: Governed, texts: tuple[str, ...]) -> list[str]:
    names = {
        "member": member_of(governed),
        "tenant": governed.tenant,
        "between": BETWEEN,
    }
    return [text.format(**names) for text in texts]


@pytest.mark.parametrize("change", CHANGES)
def test_another_sessions_change_counts_at_once(
    governed: Governed, session: Connection, member: Connection, change: str
) -> None:
    do, undo, after = filled(governed, CHANGES[change])
    assert strength(member, governed) == "governed"
    session.execute(do)
    try:
        assert strength(member, governed) == after
    finally:
        session.execute(undo)
    assert strength(member, governed) == "governed"


def test_a_kept_plan_is_not_run_for_who_has_become_an_agent(
    governed: Governed, session: Connection, member: Connection
) -> None:
    do, undo, _ = filled(governed, CHANGES["agent"])
    query = "SELECT pg_backend_pid()"
    for _ in range(7):
        member.execute(query, prepare=True)
    session.execute(do)
    try:
        for state in ("55000", "42501"):
            with pytest.raises(psycopg.Error) as caught:
                member.execute(query, prepare=True)
            assert caught.value.sqlstate == state
    finally:
        session.execute(undo)


def strength_as(session: Connection, role: str, governed: Governed) -> str:
    """In a transaction within the session's own: an agent couldn't reset its role, and its refusal ends it."""
    with session.transaction(force_rollback=True):
        session.execute(f"SET LOCAL ROLE {role}")
        return strength(session, governed)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_counts_until_it_is_rolled_back(
    governed: Governed, session: Connection, change: str
) -> None:
    do, _, after = filled(governed, CHANGES[change])
    role = member_of(governed)
    with session.transaction(force_rollback=True):
        assert strength_as(session, role, governed) == "governed"
        with session.transaction(force_rollback=True):
            session.execute(do)
            assert strength_as(session, role, governed) == after
        assert strength_as(session, role, governed) == "governed"


@pytest.mark.parametrize(
    ("name", "before"),
    [("lakehouse_agent", "agent"), ("lakehouse_bypass_guard", "none")],
)
def test_the_name_makes_the_role(
    governed: Governed, session: Connection, name: str, before: str
) -> None:
    role = member_of(governed)
    with session.transaction(force_rollback=True):
        session.execute(f"GRANT {name} TO {role}")
        assert strength_as(session, role, governed) == before
        session.execute(f"ALTER ROLE {name} RENAME TO rt_identity_renamed")
        assert strength_as(session, role, governed) == "governed"
        session.execute(f"CREATE ROLE {name}")
        assert strength_as(session, role, governed) == "governed"
        session.execute(f"GRANT {name} TO {role}")
        assert strength_as(session, role, governed) == before


def test_the_session_user_counts_where_nothing_else_changes(
    governed: Governed, session: Connection
) -> None:
    role, agent = member_of(governed), agent_of(governed)
    with session.transaction(force_rollback=True):
        session.execute(f"GRANT {role} TO {agent}")
        session.execute(f"SET LOCAL ROLE {role}")
        assert strength(session, governed) == "governed"
        session.execute(
            "SELECT set_config('session_authorization', %s, true), set_config('role', %s, true)",
            [agent, role],
        )
        with session.transaction(force_rollback=True):
            assert strength(session, governed) == "agent"


def make_definer_function(session: Connection, governed: Governed, query: str) -> str:
    """Runs the query as the member."""
    name = f"{governed.tenant}.rt_identity"
    session.execute(
        f"CREATE FUNCTION {name}() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS"
        f" $$ DECLARE found bigint; BEGIN EXECUTE '{query}' INTO found; RETURN found; END $$"
    )
    session.execute(f"ALTER FUNCTION {name} OWNER TO {member_of(governed)}")
    return f"{name}()"


def test_the_outer_user_counts_where_nothing_else_changes(
    governed: Governed, session: Connection
) -> None:
    with session.transaction(force_rollback=True):
        call = make_definer_function(session, governed, "SELECT pg_backend_pid()")
        session.execute(f"SELECT {call}, {call}")
        with pytest.raises(psycopg.Error) as caught:
            session.execute(
                f"SELECT {call}, set_config('role', %s, true), {call}",
                [agent_of(governed)],
            )
        assert "FUNCTION_NOT_ALLOW_LISTED" in str(caught.value)


def test_the_user_of_a_definer_function_counts(governed: Governed, session: Connection) -> None:
    query = f"SELECT count(*) FROM {governed.table}"
    with session.transaction(force_rollback=True):
        call = make_definer_function(session, governed, query)
        for _ in range(7):
            found = session.execute(f"SELECT ({query}), {call}, ({query})").fetchone()
            assert found == (ALL_ROWS, VISIBLE_ROWS, ALL_ROWS)


def test_owning_the_database_makes_nobody_a_member(session: Connection) -> None:
    """Or else the guard would have to watch pg_database as well."""
    for name in ("lakehouse_agent", "lakehouse_bypass_guard"):
        with pytest.raises(psycopg.Error, match="cannot be a member of any role"):
            session.execute(f"GRANT {name} TO pg_database_owner")
