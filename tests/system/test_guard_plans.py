# SPDX-License-Identifier: PostgreSQL
"""No plan outlives the policy and the role it was made for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from governed import (
    EXPOSED,
    HIDDEN_ROWS,
    VISIBLE_ROWS,
    Governed,
    act_as,
    expose,
)
from psycopg import sql
from refusal import describe

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

ALL_ROWS = VISIBLE_ROWS + HIDDEN_ROWS
STALE = "55000"


@pytest.fixture(autouse=True)
def policy(governed: Governed) -> Iterator[None]:
    yield
    with connect() as superuser:
        expose(superuser, governed.tenant)


@pytest.fixture
def member(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_member_2")


def switch(session: Connection, role: str | None) -> None:
    session.execute(
        sql.SQL("SET ROLE {}").format(sql.Identifier(role)) if role else "RESET ROLE"
    )


def count(session: Connection, query: str) -> int:
    row = session.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def stale(session: Connection, query: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query)
    assert caught.value.sqlstate == STALE, describe(caught.value)


# How one session can keep a plan; each gives the statements that make it and the one that runs it.
KEEPERS = {
    "prepared": (["PREPARE p AS SELECT count(*) FROM {t}"], "EXECUTE p"),
    "generic": (
        [
            "SET plan_cache_mode = force_generic_plan",
            "PREPARE p(int) AS SELECT count(*) FROM {t} WHERE id >= $1",
        ],
        "EXECUTE p(0)",
    ),
    "plpgsql": (
        [
            "CREATE FUNCTION pg_temp.f() RETURNS bigint LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN (SELECT count(*) FROM {t}); END $$",
            "GRANT ALL ON FUNCTION pg_temp.f() TO PUBLIC",
        ],
        "SELECT pg_temp.f()",
    ),
    "sql set function": (
        [
            "CREATE FUNCTION pg_temp.g() RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT note FROM {t} $$",
            "PREPARE q AS SELECT count(*) FROM pg_temp.g()",
        ],
        "EXECUTE q",
    ),
    **{
        f"below a {name}": ([f"PREPARE p AS {query}"], "EXECUTE p")
        for name, query in {
            "sub-select": "SELECT count(*) FROM (SELECT note FROM {t} OFFSET 0) s",
            "cte": "WITH s AS MATERIALIZED (SELECT note FROM {t}) SELECT count(*) FROM s",
            "sub-link": "SELECT (SELECT count(*) FROM {t})",
            "set operation": "SELECT count(*) FROM (SELECT id FROM {t} UNION SELECT id FROM {t}) s",
            "lateral": "SELECT sum(n) FROM (VALUES (1)) v(x), LATERAL (SELECT count(*) AS n FROM {t}) s",
            "function": "SELECT count(*) FROM pg_temp.h()",
        }.items()
    },
}
KEEPERS["below a function"][0].insert(
    0,
    "CREATE FUNCTION pg_temp.h() RETURNS SETOF text LANGUAGE sql STABLE"
    " BEGIN ATOMIC SELECT note FROM {t}; END",
)


@pytest.mark.parametrize("keeper", KEEPERS)
def test_i18_a_role_change_is_seen(
    governed: Governed, session: Connection, keeper: str
) -> None:
    make, run = KEEPERS[keeper]
    for statement in make:
        session.execute(statement.format(t=governed.table))
    for _ in range(7):
        assert count(session, run) == ALL_ROWS
    switch(session, f"{governed.tenant}_member_2")
    for _ in range(7):
        assert count(session, run) == VISIBLE_ROWS
    switch(session, None)
    assert count(session, run) == ALL_ROWS


@pytest.mark.parametrize("keeper", KEEPERS)
def test_i18_a_policy_change_is_seen(
    governed: Governed, session: Connection, member: Connection, keeper: str
) -> None:
    make, run = KEEPERS[keeper]
    for statement in make:
        member.execute(statement.format(t=governed.table))
    for _ in range(7):
        assert count(member, run) == VISIBLE_ROWS
    expose(session, governed.tenant, "region = 'EU' AND amount < 10")
    for _ in range(7):
        assert count(member, run) == 10
    session.execute("SELECT lakehouse.unexpose(%s)", [expose(session, governed.tenant)])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        member.execute(run)


def test_a_changed_row_is_as_good_as_a_call(
    governed: Governed, session: Connection, member: Connection
) -> None:
    """Without the grants that expose() makes too, the row's own trigger must reach the others."""
    member.execute(f"PREPARE p AS SELECT count(*) FROM {governed.table}")
    assert count(member, "EXECUTE p") == VISIBLE_ROWS
    session.execute(
        f"UPDATE {governed.tenant}.data_sources SET row_filter = 'amount < 5'"
    )
    assert count(member, "EXECUTE p") == 5


def test_a_moved_row_closes_its_new_table(
    governed: Governed, session: Connection, new_session: NewSession
) -> None:
    """The admin, who sees tables without a data source whole, has just planned for one."""
    moved = f"{governed.tenant}.moved"
    session.execute(
        f"CREATE FOREIGN TABLE {moved} (id bigint, region text, amount int, note text)"
        f" SERVER {governed.tenant}_wh"
        f" OPTIONS (schema '{governed.remote_schema}', table_name 'sales')"
    )
    session.execute(f"GRANT SELECT ON {moved} TO {governed.tenant}_admin")
    admin = act_as(new_session(), f"{governed.tenant}_admin_2")
    admin.execute(f"PREPARE p AS SELECT count(*) FROM {moved}")
    assert count(admin, "EXECUTE p") == ALL_ROWS
    session.execute(
        f"UPDATE {governed.tenant}.data_sources SET relation = '{moved}'::regclass"
    )
    assert count(admin, "EXECUTE p") == VISIBLE_ROWS
    session.execute(f"DROP FOREIGN TABLE {moved}")


def test_a_policy_change_is_seen_inside_a_transaction(
    governed: Governed, session: Connection, member: Connection
) -> None:
    query = f"SELECT count(*) FROM {governed.table}"
    for isolation in ("READ COMMITTED", "REPEATABLE READ"):
        member.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        assert count(member, query) == VISIBLE_ROWS
        expose(session, governed.tenant, "amount < 5")
        assert count(member, query) == 5
        expose(session, governed.tenant)
        member.execute("COMMIT")


def test_an_uncommitted_policy_is_its_authors_alone(
    governed: Governed, session: Connection, member: Connection
) -> None:
    query = f"SELECT count(*) FROM {governed.table}"
    session.execute("BEGIN")
    expose(session, governed.tenant, "amount < 5")
    switch(session, f"{governed.tenant}_member_2")
    assert count(session, query) == 5
    assert count(member, query) == VISIBLE_ROWS
    session.execute("ROLLBACK")
    switch(session, f"{governed.tenant}_member_2")
    assert count(session, query) == VISIBLE_ROWS


def test_the_extended_protocol_keeps_no_old_plan(
    governed: Governed, session: Connection, member: Connection
) -> None:
    query = f"SELECT count(*) FROM {governed.table} WHERE id >= %s"
    for _ in range(8):
        assert member.execute(query, [0], prepare=True).fetchone() == (VISIBLE_ROWS,)
    expose(session, governed.tenant, "amount < 5")
    for _ in range(3):
        assert member.execute(query, [0], prepare=True).fetchone() == (5,)


@pytest.mark.parametrize("change", ["role", "policy", "unexposed"])
def test_a_cursor_ends_with_its_policy(
    governed: Governed, session: Connection, new_session: NewSession, change: str
) -> None:
    reader = new_session()
    switch(reader, f"{governed.tenant}_member_2")
    reader.execute("BEGIN")
    reader.execute(f"DECLARE c CURSOR FOR SELECT note FROM {governed.table}")
    assert len(reader.execute("FETCH 3 FROM c").fetchall()) == 3
    if change == "role":
        switch(reader, f"{governed.tenant}_readonly_2")
    elif change == "policy":
        expose(session, governed.tenant, "amount < 5")
    else:
        session.execute(
            "SELECT lakehouse.unexpose(%s)", [expose(session, governed.tenant)]
        )
    stale(reader, "FETCH 3 FROM c")
    reader.execute("ROLLBACK")


def test_an_agent_runs_no_plan_made_for_another(
    governed: Governed, session: Connection
) -> None:
    """What a superuser prepared, SET ROLE to an agent must not run: by SQL or by protocol."""
    session.execute("PREPARE s AS SELECT pg_sleep(0)")
    session.execute("EXECUTE s")
    query = "SELECT count(*) FROM pg_class WHERE oid > %s"
    for _ in range(8):
        session.execute(query, [0], prepare=True)
    # These have no plan to keep: they are planned by the agent.
    fresh = ("SELECT pg_backend_pid() + %s::int", "SELECT count(*) + %s::int FROM pg_class")
    for once in fresh:
        session.execute(once, [0], prepare=True)
    switch(session, f"{governed.tenant}_agent_2")
    for once in fresh:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(once, [0], prepare=True)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        session.execute("EXECUTE s")
    for _ in range(2):
        with pytest.raises(psycopg.Error) as caught:
            session.execute(query, [0], prepare=True)
        assert caught.value.sqlstate in (STALE, "42501"), describe(caught.value)


def test_a_renamed_or_dropped_column_is_hidden(
    governed: Governed, session: Connection, member: Connection
) -> None:
    """A name alone opens nothing: not even when a hidden column takes over the name of an open one."""
    table = governed.table
    session.execute(f"ALTER FOREIGN TABLE {table} RENAME note TO note_before")
    session.execute(f"ALTER FOREIGN TABLE {table} RENAME secret TO note")
    try:
        session.execute(f"GRANT SELECT ON {table} TO {governed.tenant}_member")
        for name in ("note", "note_before"):
            with pytest.raises(psycopg.Error) as caught:
                member.execute(f"SELECT {name} FROM {table}")
            assert "COLUMN_NOT_ALLOW_LISTED" in describe(caught.value)
            assert governed.hidden_value not in describe(caught.value)
    finally:
        session.execute(f"REVOKE SELECT ON {table} FROM {governed.tenant}_member")
        session.execute(f"ALTER FOREIGN TABLE {table} RENAME note TO secret")
        session.execute(f"ALTER FOREIGN TABLE {table} RENAME note_before TO note")


def test_a_filter_that_no_longer_fits_closes_the_table(
    governed: Governed, session: Connection, member: Connection
) -> None:
    session.execute(f"ALTER FOREIGN TABLE {governed.table} RENAME region TO area")
    try:
        with pytest.raises(psycopg.Error) as caught:
            member.execute(f"SELECT id FROM {governed.table}")
        assert "row filter no longer fits" in describe(caught.value)
    finally:
        session.execute(f"ALTER FOREIGN TABLE {governed.table} RENAME area TO region")
    assert count(member, f"SELECT count(*) FROM {governed.table}") == VISIBLE_ROWS


def test_a_filter_is_bound_to_its_columns(
    governed: Governed, session: Connection, member: Connection
) -> None:
    """Where another column takes over the name, the filter would choose other rows."""
    rename = f"ALTER FOREIGN TABLE {governed.table} RENAME {{}} TO {{}}"
    for names in (("region", "area"), ("note", "region")):
        session.execute(rename.format(*names))
    try:
        with pytest.raises(psycopg.Error) as caught:
            member.execute(f"SELECT id FROM {governed.table}")
        assert "row filter no longer fits" in describe(caught.value)
    finally:
        for names in (("region", "note"), ("area", "region")):
            session.execute(rename.format(*names))
    assert count(member, f"SELECT count(*) FROM {governed.table}") == VISIBLE_ROWS


def test_a_dropped_table_takes_its_data_source_with_it(
    governed: Governed, session: Connection
) -> None:
    name = f"{governed.tenant}.other"
    session.execute(
        f"CREATE FOREIGN TABLE {name} (id bigint OPTIONS (column_type 'bigint'))"
        f" SERVER {governed.tenant}_wh OPTIONS (schema '{governed.remote_schema}', table_name 'sales')"
    )
    session.execute(
        "SELECT lakehouse.expose(%s, %s::regclass)", [governed.tenant, name]
    )
    assert count(session, f"SELECT count(*) FROM {governed.tenant}.data_sources") == 2
    session.execute(f"DROP FOREIGN TABLE {name}")
    assert count(session, f"SELECT count(*) FROM {governed.tenant}.data_sources") == 1


def test_a_change_reaches_busy_sessions(
    governed: Governed, session: Connection, new_session: NewSession
) -> None:
    """16 sessions with a prepared statement each: after expose() returns, nobody sees the old rows."""
    stop = threading.Event()
    late: list[int] = []
    changed_at = [float("inf")]

    def work(reader: Connection) -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                found = reader.execute("EXECUTE p").fetchone()
            except psycopg.Error as error:
                assert error.sqlstate == STALE, describe(error)
                continue
            if began > changed_at[0] and found != (5,):
                late.append(found[0] if found else -1)

    readers = [act_as(new_session(), f"{governed.tenant}_member_2") for _ in range(16)]
    for reader in readers:
        reader.execute(f"PREPARE p AS SELECT count(*) FROM {governed.table}")
    threads = [threading.Thread(target=work, args=[reader]) for reader in readers]
    for thread in threads:
        thread.start()
    time.sleep(1)
    expose(session, governed.tenant, "amount < 5")
    changed_at[0] = time.monotonic()
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert late == []


def test_expose_refuses_what_it_cannot_hold(
    governed: Governed, session: Connection
) -> None:
    for row_filter, sqlstate in {
        "amount < 5; DROP TABLE x": "42601",
        "amount < 5 FROM pg_class": "42601",
        "amount < 5 ORDER BY 1": "42601",
        "amount < 5 AS x": "42601",
        "amount": "42804",
        "nosuch = 1": "42703",
        "amount IN (SELECT 1)": "42601",
        "count(*) > 1": "42803",
        "length(note) > 3": "0A000",
        "random() > 0.5": "0A000",
    }.items():
        with pytest.raises(psycopg.Error) as caught:
            expose(session, governed.tenant, row_filter)
        assert caught.value.sqlstate == sqlstate, (row_filter, describe(caught.value))
    with pytest.raises(psycopg.errors.UndefinedColumn):
        session.execute(
            "SELECT lakehouse.expose(%s, %s::regclass, %s)",
            [governed.tenant, governed.table, [*EXPOSED, "nosuch"]],
        )
    with pytest.raises(psycopg.errors.WrongObjectType):
        session.execute(
            "SELECT lakehouse.expose(%s, %s::regclass)",
            [governed.tenant, f"{governed.tenant}.accounts"],
        )


def test_a_data_source_is_the_owners_own_warehouse_table(
    governed: Governed, session: Connection, new_session: NewSession
) -> None:
    """Also without expose(): an admin may write the rows of data_sources."""
    expose(session, governed.tenant)
    sources = f"{governed.tenant}.data_sources"
    accounts = f"'{governed.tenant}.accounts'::regclass"
    with pytest.raises(psycopg.errors.WrongObjectType):
        session.execute(f"UPDATE {sources} SET relation = {accounts}, columns = '{{name}}'")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        session.execute(f"UPDATE {sources} SET columns = columns || 'nosuch'::text")
    admin = act_as(new_session(), f"{governed.tenant}_admin_2")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        admin.execute(f"UPDATE {sources} SET columns = columns || 'secret'::text")


def test_a_column_in_anothers_place_is_not_exposed(
    governed: Governed, session: Connection, member: Connection
) -> None:
    """A column is exposed by name and number: one that was dropped and made anew is another."""
    session.execute(f"GRANT SELECT ON {governed.table} TO {governed.tenant}_member")
    make_anew = (
        f"ALTER FOREIGN TABLE {governed.table} DROP COLUMN note, ADD COLUMN note text"
        " OPTIONS (column_name '{}', column_type 'string')"
    )
    try:
        session.execute(make_anew.format("secret"))
        with pytest.raises(psycopg.Error) as caught:
            member.execute(f"SELECT note FROM {governed.table}")
        assert "COLUMN_NOT_ALLOW_LISTED" in str(caught.value), describe(caught.value)
        assert count(member, f"SELECT count(id) FROM {governed.table}") == VISIBLE_ROWS
    finally:
        session.execute(make_anew.format("note"))
        session.execute(f"REVOKE SELECT ON {governed.table} FROM {governed.tenant}_member")
        expose(session, governed.tenant)
    assert count(member, f"SELECT count(note) FROM {governed.table}") == VISIBLE_ROWS
