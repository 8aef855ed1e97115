# SPDX-License-Identifier: PostgreSQL
"""Calls of tools: what stands in a text stays a text; one answer for one key, also at once; time."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import psycopg
import pytest
from conftest import connect
from tool_calls import Caller, caller, catalog, tool_tenant

# Each would change the statement's shape, or its format string, if it were ever a part of one.
PAYLOADS = [
    "'; DROP TABLE accounts; --",
    "' OR '1'='1",
    '" OR 1=1 --',
    '"; SELECT pg_sleep(9); --',
    "') UNION SELECT rolname FROM pg_roles --",
    "$1",
    "%1$s %I %L %",
    "\\'; COMMIT; --",
    "name) || (SELECT pg_read_file('/etc/passwd')",
    "$$; DELETE FROM leads; $$",
    "t.id = t.id",
    "{{topic}}",
    "x'||(SELECT current_user)||'",
    "custom.' || version() || '",
    "\u202e\u0000".replace("\u0000", "\u0001"),
]
NUL_ID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    with tool_tenant() as slug:
        yield slug


@pytest.fixture
def member(tenant: str) -> Iterator[Caller]:
    with caller(tenant) as one:
        yield one


def sample(root: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Any:
    """A value that fits the schema, with every property in it."""
    if "$ref" in schema:
        schema = root["$defs"]["filter"]
        if depth > 2:
            return {"field": "id", "op": "is_null", "value": False}
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            if "and" in properties:
                return {"and": [{"field": "id", "op": "eq", "value": NUL_ID}]}
            if not properties:
                return {"description": "x"}
            return {name: sample(root, part, depth + 1) for name, part in properties.items()}
        case "array":
            return [sample(root, schema.get("items", {"type": "string"}), depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return {"uuid": NUL_ID, "date": "2027-01-31", "date-time": "2027-01-31T10:00:00Z"}.get(
        schema.get("format", ""), "x"
    )


def text_places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Where texts stand, names of members included."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, part in value.items():
            yield (*path, ("key", key))
            yield from text_places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from text_places(part, (*path, index))


def replaced(value: Any, path: tuple, text: str) -> Any:
    changed = deepcopy(value)
    at = changed
    for step in path[:-1]:
        at = at[step]
    last = path[-1]
    if isinstance(last, tuple):
        at[text] = at.pop(last[1])
    else:
        at[last] = text
    return changed


def attempts(tool: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tool's arguments with each text of them replaced, alone and beside required ones only."""
    schema = tool["inputSchema"]
    whole = sample(schema, schema)
    least = {name: whole[name] for name in schema.get("required", [])}
    for name in whole:
        base = {**least, name: whole[name]}
        for path in text_places(base):
            for payload in PAYLOADS:
                yield replaced(base, path, payload)


def test_no_text_of_an_argument_becomes_a_part_of_a_statement(tenant: str, member: Caller) -> None:
    session = member.session
    before = member.one(
        "SELECT count(*) FROM pg_class WHERE relnamespace = %s::regnamespace", tenant
    )
    session.autocommit = False
    tried = answered = 0
    for tool in catalog(tenant):
        if tool["name"].endswith("_warehouse_query"):  # the worker's
            continue
        for arguments in attempts(tool):
            tried += 1
            try:
                member.call(tool["name"], arguments)
                answered += 1
            except psycopg.Error as refused:
                # Class 42 would be a statement that broke; 42501 is nobody's: a member may all this.
                assert refused.sqlstate is not None
                assert refused.sqlstate[:2] in ("22", "23", "P0"), (
                    tool["name"],
                    arguments,
                    refused,
                )
                assert refused.sqlstate != "P0001"
            finally:
                session.rollback()
    assert tried > 2000
    assert answered > 100
    session.autocommit = True
    after = member.one(
        "SELECT count(*) FROM pg_class WHERE relnamespace = %s::regnamespace", tenant
    )
    assert after == before


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_a_filter_is_compared_and_found(member: Caller, payload: str) -> None:
    member.call("create_account", {"name": payload, "custom": {payload: payload}})
    for field, op in (("name", "eq"), ("name", "contains"), (f"custom.{payload[:40]}", "eq")):
        condition = {"field": field, "op": op, "value": payload}
        if field != "name" and len(payload) > 40:
            continue
        found = member.call("list_records", {"kind": "account", "filter": condition})
        assert found["total"] == 1, (field, op)


def test_two_calls_at_once_with_one_key_make_one_record(tenant: str) -> None:
    answers: list[dict[str, Any]] = []
    arguments = {"last_name": "Race", "company": "Race", "idempotency_key": "race"}

    def one() -> None:
        with caller(tenant) as other:
            answers.append(other.call("create_lead", arguments))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 6
    assert len({answer["id"] for answer in answers}) == 1
    with caller(tenant) as one_more:
        assert one_more.one("SELECT count(*) FROM leads WHERE company = 'Race'") == 1


def test_an_answer_is_kept_only_with_its_transaction(member: Caller) -> None:
    arguments = {"last_name": "Gone", "company": "Gone", "idempotency_key": "gone"}
    member.session.autocommit = False
    first = member.call("create_lead", arguments)["id"]
    member.session.rollback()
    member.session.autocommit = True
    assert member.call("create_lead", arguments)["id"] != first


def test_old_answers_go_away(member: Caller) -> None:
    arguments = {"last_name": "Old", "company": "Old", "idempotency_key": "old"}
    member.call("create_lead", arguments)
    with connect() as session:
        session.execute(
            f"UPDATE {member.tenant}.tool_answers SET answered_at = now() - interval '8 days'"
            " WHERE key = 'old'"
        )
    member.call("create_lead", {**arguments, "idempotency_key": "new"})
    assert member.one("SELECT count(*) FROM tool_answers WHERE key = 'old'") == 0


def test_another_tenants_records_are_not_there(tenant: str, member: Caller) -> None:
    with tool_tenant() as other, caller(other) as stranger:
        theirs = str(stranger.one("SELECT id FROM accounts LIMIT 1"))
        assert stranger.call("get_account", {"id": theirs})["record"]["id"] == theirs
        for tool in ("get_account", "get_contact", "get_lead", "get_opportunity", "get_case"):
            with pytest.raises(psycopg.errors.NoDataFound):
                member.call(tool, {"id": theirs})
        with pytest.raises(psycopg.errors.NoDataFound):
            member.call("fetch", {"id": f"account:{theirs}"})
        with pytest.raises(psycopg.errors.NoDataFound):
            member.call("create_contact", {"last_name": "X", "account_id": theirs})
        member.session.execute(f"SET search_path = {other}, pg_temp")
        with pytest.raises(psycopg.errors.Error) as refused:
            member.call("get_account", {"id": theirs})
        assert refused.value.sqlstate in ("42501", "3F000")


def test_an_agent_writes_by_tools_through_the_worker_and_by_nothing_else(tenant: str) -> None:
    with connect() as session:
        session.execute("SET SESSION AUTHORIZATION lakehouse_worker")
        session.execute(f"SET search_path = {tenant}, pg_temp")
        session.execute(f"SET ROLE {tenant}_agent_2")
        agent = Caller(session, tenant)
        made = agent.call("create_lead", {"last_name": "By agent", "company": "Agents"})
        assert made["after"]["actor_kind"] == "agent"
        moved = agent.call(
            "update_record",
            {"kind": "lead", "id": made["id"], "expected_version": 1, "values": {"rating": "hot"}},
        )
        assert (moved["before"].get("rating"), moved["after"]["rating"]) == (None, "hot")
        # An agent's role may not write what members may.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            agent.call("create_record", {"kind": "product", "values": {"sku": "A", "name": "A"}})
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.execute("UPDATE leads SET company = 'X'")
    with connect() as session:
        session.execute(f"SET search_path = {tenant}, pg_temp")  # an agent could not
        session.execute(f"SET SESSION AUTHORIZATION {tenant}_agent_2")
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            Caller(session, tenant).call("create_lead", {"last_name": "X", "company": "X"})
        assert "FUNCTION_NOT_ALLOW_LISTED" in str(refused.value)


def fill(tenant: str, rows: int) -> None:
    with connect() as session:
        session.execute(
            f"INSERT INTO {tenant}.accounts (name, owner_id, actor_kind) SELECT 'Filler ' || n,"
            f" (SELECT min(id::text)::uuid FROM {tenant}.users), 'import'"
            " FROM generate_series(1, %s) n",
            [rows],
        )
        session.execute(f"VACUUM ANALYZE {tenant}.accounts")


def best_ms(member: Caller, tool: str, arguments: dict[str, Any]) -> float:
    times = []
    for _ in range(15):
        start = time.perf_counter()
        member.call(tool, arguments)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.quantiles(times, n=10)[0]


def test_reads_stay_quick_over_a_hundred_thousand_records(tenant: str, member: Caller) -> None:
    fill(tenant, 100_000)
    account = str(member.one("SELECT id FROM accounts WHERE name = 'Harbor Pharma'"))
    assert best_ms(member, "get_account", {"id": account}) < 15
    listed = member.call("list_records", {"kind": "account", "limit": 50})
    assert listed["total_is_estimate"] is True
    assert 80_000 < listed["total"] < 120_000
    assert best_ms(member, "list_records", {"kind": "account", "limit": 50}) < 40
    page = {"kind": "account", "limit": 50, "cursor": listed["next_cursor"]}
    assert best_ms(member, "list_records", page) < 20
    second = member.call("list_records", page)
    assert not {r["id"] for r in listed["records"]} & {r["id"] for r in second["records"]}
