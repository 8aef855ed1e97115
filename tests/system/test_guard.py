# SPDX-License-Identifier: PostgreSQL
"""The guard: who sees what of a governed table, however the query is written."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from conftest import connect
from governed import (
    HIDDEN_ROWS,
    VISIBLE_ROWS,
    Governed,
    act_as,
    expose,
)
from refusal import describe
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

STATUS = {"method": "POST", "path": "/statements$"}
ALL_ROWS = VISIBLE_ROWS + HIDDEN_ROWS


@pytest.fixture
def role_session(
    new_session: NewSession, governed: Governed
) -> Callable[[str], Connection]:
    """A session of the tenant's user of that kind, with the notices it got in `.notices`."""

    def open_as(kind: str) -> Connection:
        return act_as(new_session(), f"{governed.tenant}_{kind}_2")

    return open_as


@pytest.fixture
def agent(role_session: Callable[[str], Connection]) -> Connection:
    return role_session("agent")


@pytest.fixture
def member(role_session: Callable[[str], Connection]) -> Connection:
    return role_session("member")


def refusal(session: Connection, query: str, code: str) -> psycopg.Error:
    """The query must be refused with this code, by name, with a rule and a way out."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query)
    error = caught.value
    assert code in (error.diag.message_primary or ""), describe(error)
    assert error.diag.message_detail and error.diag.message_hint, describe(error)
    return error


def value_of(session: Connection, query: str) -> object:
    row = session.execute(query).fetchone()
    assert row is not None
    return row[0]


# Who sees what


@pytest.mark.parametrize("kind", ["admin", "member", "readonly", "agent"])
def test_a_role_sees_the_exposed_rows(
    governed: Governed, role_session: Callable[[str], Connection], kind: str
) -> None:
    assert (
        value_of(role_session(kind), f"SELECT count(*) FROM {governed.table}")
        == VISIBLE_ROWS
    )


@pytest.mark.parametrize("kind", ["admin", "member", "readonly", "agent"])
def test_a_hidden_column_is_refused(
    governed: Governed, role_session: Callable[[str], Connection], kind: str
) -> None:
    error = refusal(
        role_session(kind),
        f"SELECT secret FROM {governed.table}",
        "COLUMN_NOT_ALLOW_LISTED",
    )
    assert error.sqlstate == "42501"
    # An agent is told nothing that its own words don't say.
    assert ('"secret"' if kind == "agent" else "sales.secret") in str(error)


def test_a_superuser_and_a_bypass_member_see_all(
    governed: Governed, session: Connection, new_session: NewSession
) -> None:
    assert value_of(session, f"SELECT count(secret) FROM {governed.table}") == ALL_ROWS
    role = f"{governed.tenant}_readonly_2"
    session.execute(f"GRANT SELECT ON {governed.table} TO {role}")
    session.execute(f"GRANT lakehouse_bypass_guard TO {role}")
    try:
        reader = act_as(new_session(), role)
        assert (
            value_of(reader, f"SELECT count(secret) FROM {governed.table}") == ALL_ROWS
        )
    finally:
        session.execute(f"REVOKE lakehouse_bypass_guard FROM {role}")
        session.execute(f"REVOKE SELECT ON {governed.table} FROM {role}")
        expose(session, governed.tenant)


def test_an_unexposed_table_is_the_admins_alone(
    governed: Governed, session: Connection, role_session: Callable[[str], Connection]
) -> None:
    session.execute("SELECT lakehouse.unexpose(%s)", [expose(session, governed.tenant)])
    try:
        for kind in ("admin", "member", "agent"):
            session.execute(
                f"GRANT SELECT ON {governed.table} TO {governed.tenant}_{kind}"
            )
        admin = role_session("admin")
        assert (
            value_of(admin, f"SELECT count(secret) FROM {governed.table}") == ALL_ROWS
        )
        for kind in ("member", "agent"):
            refusal(
                role_session(kind),
                f"SELECT count(*) FROM {governed.table}",
                "TABLE_NOT_ALLOW_LISTED",
            )
    finally:
        for kind in ("admin", "member", "agent"):
            session.execute(
                f"REVOKE SELECT ON {governed.table} FROM {governed.tenant}_{kind}"
            )
        expose(session, governed.tenant)


# Ways to write a read; {t} is the table. None may bring a hidden row.
READS = {
    "plain": "SELECT note FROM {t}",
    "sub-select": "SELECT note FROM (SELECT note FROM {t}) s",
    "cte": "WITH s AS (SELECT note FROM {t}) SELECT note FROM s",
    "materialized cte": "WITH s AS MATERIALIZED (SELECT note FROM {t}) SELECT note FROM s",
    "scalar sub-link": "SELECT (SELECT max(note) FROM {t})",
    "exists": "SELECT 1 WHERE EXISTS (SELECT 1 FROM {t} WHERE region = 'US')",
    "in": "SELECT n FROM generate_series(0, 99) n WHERE n IN (SELECT amount FROM {t})",
    "lateral": "SELECT s.note FROM generate_series(0, 99) n, LATERAL (SELECT note FROM {t} WHERE amount = n) s",
    "union": "SELECT note FROM {t} UNION ALL SELECT note FROM {t}",
    "except": "SELECT note FROM {t} EXCEPT SELECT 'row 1'",
    "self join": "SELECT a.note FROM {t} a JOIN {t} b ON a.amount = b.amount",
    "left join": "SELECT b.note FROM generate_series(0, 99) n LEFT JOIN {t} b ON b.amount = n",
    "full join": "SELECT b.note FROM {t} a FULL JOIN {t} b ON a.amount = b.amount",
    "group by": "SELECT note, count(*) FROM {t} GROUP BY note HAVING count(*) > 0",
    "window": "SELECT first_value(note) OVER (ORDER BY amount DESC) FROM {t}",
    "order by": "SELECT note FROM {t} ORDER BY amount DESC",
    "limit": "SELECT note FROM {t} ORDER BY amount DESC LIMIT 3",
    "distinct on": "SELECT DISTINCT ON (region) note FROM {t} ORDER BY region",
    "aggregate": "SELECT string_agg(note, ',') FROM {t}",
    "filter clause": "SELECT max(note) FILTER (WHERE region = 'US') FROM {t}",
    "or true": "SELECT note FROM {t} WHERE region = 'US' OR TRUE",
    "not the filter": "SELECT note FROM {t} WHERE region <> 'EU'",
    "case": "SELECT CASE WHEN region = 'US' THEN note END FROM {t}",
    "parenthesised": "(SELECT note FROM {t})",
    "comment": "select/**/note/* x */from {t} -- end",
    "escaped name": 'SELECT U&"n\\006fte" FROM {t}',
}


@pytest.fixture(scope="module", autouse=True)
def visible_copy(governed: Governed) -> None:
    """The oracle: what the policy leaves, written by hand, for superusers."""
    with connect() as session:
        session.execute(
            f"CREATE VIEW {governed.tenant}.visible AS"
            f" SELECT id, region, amount, note FROM {governed.table} WHERE region = 'EU'"
        )


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("kind", ["member", "agent"])
def test_no_read_brings_a_hidden_row(
    governed: Governed, role_session: Callable[[str], Connection], name: str, kind: str
) -> None:
    rows = role_session(kind).execute(READS[name].format(t=governed.table)).fetchall()
    assert governed.hidden_note not in str(rows)
    with connect() as superuser:
        visible = f"{governed.tenant}.visible"
        expected = superuser.execute(READS[name].format(t=visible)).fetchall()
    assert sorted(map(str, rows)) == sorted(map(str, expected))


def test_values_of_hidden_rows_never_come_here(
    governed: Governed, warehouse: Warehouse, member: Connection
) -> None:
    """A function of the user's is called for visible rows only, whatever it costs."""
    member.execute(
        "CREATE OR REPLACE FUNCTION pg_temp.spy(text) RETURNS boolean LANGUAGE plpgsql"
        " COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    )
    notices: list[str] = []
    member.add_notice_handler(
        lambda notice: notices.append(notice.message_primary or "")
    )
    member.execute(f"SELECT count(*) FROM {governed.table} WHERE pg_temp.spy(note)")
    assert len(notices) == VISIBLE_ROWS
    assert governed.hidden_note not in str(notices)


def test_a_filter_stays_remote_without_pushdown(
    governed: Governed, member: Connection
) -> None:
    member.execute("SET lakehouse.enable_pushdown = off")
    plan = str(
        member.execute(
            f"EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM {governed.table} WHERE amount > 3"
        ).fetchall()
    )
    assert "AS visible" in plan
    assert "EU" not in plan


def test_a_definer_function_of_the_superuser_is_his_choice(
    governed: Governed, session: Connection, member: Connection
) -> None:
    """Whoever runs as a superuser sees all: that is what SECURITY DEFINER is for."""
    name = f"{governed.tenant}.count_all"
    session.execute(
        f"CREATE FUNCTION {name}() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        f" AS $$ SELECT count(*) FROM {governed.table} $$"
    )
    try:
        assert value_of(member, f"SELECT {name}()") == ALL_ROWS
    finally:
        session.execute(f"DROP FUNCTION {name}")


def test_the_warehouses_words_stay_in_the_log(
    governed: Governed, session: Connection, member: Connection, warehouse: Warehouse
) -> None:
    failed = {
        "state": "FAILED",
        "error": {"error_code": "BAD_REQUEST", "message": "canary"},
    }
    warehouse.order_fault(**STATUS, set={"status": failed}, drop=["manifest", "result"])
    member.execute(
        f"CREATE FUNCTION pg_temp.catching() RETURNS text LANGUAGE plpgsql AS $$"
        f" DECLARE d text; BEGIN PERFORM note FROM {governed.table}; RETURN 'no error';"
        f" EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;"
        f" RETURN SQLERRM || d; END $$"
    )
    answer = str(value_of(member, "SELECT pg_temp.catching()"))
    assert "query failed in the warehouse" in answer
    assert "canary" not in answer
