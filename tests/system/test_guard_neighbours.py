# SPDX-License-Identifier: PostgreSQL
"""The guard among extensions that hook into the same places, loaded before it and after it.

The core of the guard's own tests runs again in a cluster of each order; pytest finds them by their imports.
"""

# ruff: noqa: F401, F811

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from cluster import Cluster
from conftest import connect
from governed import VISIBLE_ROWS, Governed, act_as, set_up
from refusal import describe
from test_guard import (
    agent,
    member,
    role_session,
    test_a_hidden_column_is_refused,
    test_a_role_sees_the_exposed_rows,
    test_a_superuser_and_a_bypass_member_see_all,
    test_no_read_brings_a_hidden_row,
    test_values_of_hidden_rows_never_come_here,
    visible_copy,
)
from test_guard_audit import (
    since,
    test_a_failed_query_leaves_its_sqlstate,
    test_a_query_leaves_intent_and_outcome,
    test_a_refused_fast_path_call_is_recorded,
    test_an_abandoned_cursor_has_an_outcome,
    trail,
)
from test_guard_limits import test_a_data_source_can_cap_lower, test_rows_are_cut_and_the_cut_is_told
from test_guard_plans import (
    policy,
    test_a_cursor_ends_with_its_policy,
    test_an_agent_runs_no_plan_made_for_another,
    test_i18_a_policy_change_is_seen,
    test_i18_a_role_change_is_seen,
    test_the_extended_protocol_keeps_no_old_plan,
)
from test_guard_ways_in import CELLS, hidden_things
from test_guard_ways_in import test_a_way_shows_nothing_hidden as walk_way
from test_server_incidents import test_i20_an_error_tells_nothing_hidden

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

CORE_WAYS = ("create table as", "copy query", "cursor", "explain analyze", "protocol with parameters",
             "plpgsql", "sql set function", "fast path", "domain check", "view", "parallel worker")  # fmt: skip
NEIGHBOURS = "pgaudit, pg_stat_statements, auto_explain"
ORDERS = {"before": f"{NEIGHBOURS}, lakehouse", "after": f"lakehouse, {NEIGHBOURS}"}
TALKATIVE = [
    "pgaudit.log = 'all'",
    "pgaudit.log_parameter = on",
    "pgaudit.log_relation = on",
    "pg_stat_statements.track = all",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_verbose = on",
    "auto_explain.log_nested_statements = on",
]


@pytest.fixture(scope="module", params=ORDERS, autouse=True)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of the order; every fixture of the module finds it in the environment."""
    libraries = f"shared_preload_libraries = '{ORDERS[request.param]}'"
    directory = tmp_path_factory.mktemp("neighbours") / "cluster"
    one = Cluster(directory, [libraries, *TALKATIVE])
    with pytest.MonkeyPatch.context() as environment:
        for name, value in one.environment.items():
            environment.setenv(name, value)
        with connect() as superuser:
            superuser.execute("CREATE EXTENSION pg_stat_statements")
            superuser.execute("CREATE EXTENSION pgaudit")
        yield one
    one.stop()


@pytest.fixture(scope="module")
def governed(cluster: Cluster) -> Governed:
    from warehouse import Warehouse

    return set_up(Warehouse.of_environment())


@pytest.mark.parametrize(("way", "target", "kind"), [c for c in CELLS if c[0] in CORE_WAYS])
def test_a_way_shows_nothing_hidden(
    governed: Governed, new_session: NewSession, way: str, target: str, kind: str
) -> None:
    walk_way(governed, new_session, way, target, kind)


def test_each_neighbour_is_at_work(cluster: Cluster, governed: Governed, member: Connection) -> None:
    query = f"SELECT note, 'at work' FROM {governed.table}"
    assert len(member.execute(query).fetchall()) == VISIBLE_ROWS
    with connect() as superuser:
        counted = superuser.execute(
            "SELECT calls, rows FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid"
            " WHERE query = %s AND rolname = %s",
            [query.replace("'at work'", "$1"), f"{governed.tenant}_member_2"],
        ).fetchall()
    assert counted == [(1, VISIBLE_ROWS)]
    assert f'READ,SELECT,FOREIGN TABLE,{governed.table},"{query}"' in cluster.log()
    assert f"Query Text: {query}" in cluster.log()


def test_a_logged_plan_has_no_constant_of_the_filter(
    cluster: Cluster, governed: Governed, member: Connection, agent: Connection
) -> None:
    for number, session in enumerate((member, agent)):
        mark = f"SELECT id + {number + 4711} FROM {governed.table}"
        session.execute(mark)
        block = cluster.log().split(f"Query Text: {mark}")[1].split(" LOG:  ")[0]
        assert "Remote SQL: " in block and "AS visible" in block and f"rows={VISIBLE_ROWS}" in block
        assert "EU" not in block


@pytest.mark.parametrize("kind", ["admin", "member", "readonly"])
def test_governed_roles_read_no_filter_in_pg_stat_statements(
    governed: Governed, role_session: Callable[[str], Connection], kind: str
) -> None:
    with connect() as superuser:
        everything = str(superuser.execute("SELECT query FROM pg_stat_statements").fetchall())
        assert "lakehouse.expose" in everything and governed.table in everything
    reader = role_session(kind)
    reader.execute(f"SELECT count(*) FROM {governed.table}")
    found = str(reader.execute("SELECT * FROM pg_stat_statements").fetchall())
    assert governed.table in found and "lakehouse.expose" not in found
    assert not [hidden for hidden in ("EU", *governed.canaries) if hidden in found]


def test_an_agent_reads_no_statistics_of_statements(agent: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        agent.execute("SELECT * FROM pg_stat_statements")
    assert "TABLE_NOT_ALLOW_LISTED" in describe(caught.value)


def test_no_hidden_value_is_in_the_log(cluster: Cluster, governed: Governed) -> None:
    """Of all that ran before: the tests above name no hidden value themselves."""
    log = cluster.log()
    assert log.count("AUDIT: ") > 100 and log.count("Query Text: ") > 100
    assert not [canary for canary in governed.canaries if canary in log]
