# SPDX-License-Identifier: PostgreSQL
"""Texts by which "read only" was escaped elsewhere, through every argument that takes one: nothing
runs, nothing is changed, no session is left in another state, and the worker says nothing by the
simple protocol, whoever calls what.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import requests as http
from bypass_payloads import ALL, PAYLOADS
from conftest import connect
from mcp_server import LEGACY, MODERN
from tapped_worker import Agent, Stage, stage
from test_guard_incidents import COLUMN_ORACLES
from valid_arguments import Place, Schema, bases, places, text_arguments, texts_given
from witness import EFFECTS, NAME, SESSION
from worker_program import setting

# What a text that is no more than a text may come to. UNAVAILABLE would be a statement that broke.
AS_DATA = {"INVALID_ARGUMENT", "NOT_FOUND", "CONFLICT", "INVALID_QUERY"}
AS_SQL = {"INVALID_ARGUMENT", "INVALID_QUERY"}
INTERNAL_ERROR = -32603
SECONDS = 15  # a payload that sleeps takes longer
QUOTED = re.compile(r"E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("bypass")) as one:
        yield one


@pytest.fixture
def on_stage(made: Stage) -> Iterator[Stage]:
    facts = made.witness.facts()
    parsed = made.tap.messages["P"]
    yield made
    assert made.witness.facts() == facts
    strayed = made.strayed()
    assert not strayed, strayed
    assert made.tap.failures == []
    assert made.tap.simple == [] and made.tap.messages["F"] == 0
    assert all(made.tap.messages[kind] > 0 for kind in "PBES") and made.tap.messages["P"] > parsed


def is_sql(tool: Schema, place: Place) -> bool:
    return place.path == ("sql",) and "sql" in tool["inputSchema"]["properties"]


def outcome(agent: Agent, tool: Schema, arguments: dict[str, Any]) -> dict[str, Any]:
    """A started query's is what it comes to."""
    answer = agent.call(tool["name"], arguments)
    while answer.get("status") == "running" and "query_id" in answer:
        time.sleep(0.005)
        answer = agent.call("get_warehouse_query", {"query_id": answer["query_id"], "wait_s": 0})
    return {"failure": answer["error"]} if answer.get("status") == "failed" else answer


def complaint(tool: Schema, place: Place, text: str, answer: dict[str, Any]) -> str | None:
    """What is wrong with the answer."""
    failure = answer.get("failure")
    if "error" in answer:
        return f"no result: {answer}"
    if is_sql(tool, place):
        return None if failure and failure["code"] in AS_SQL else f"not refused: {answer}"
    if failure:
        return None if failure["code"] in AS_DATA else f"broke: {failure}"
    text = text.replace("\ufeff", "")  # results show nothing that hides words
    kept = kept_text(answer.get("after") or {}, place, text)
    return None if kept in (None, text, text.strip()) else f"kept as {kept!r}"


def kept_text(record: dict[str, Any], place: Place, text: str) -> str | None:
    """What the record has there, if it has anything."""
    at: Any = record
    for step in place.path[1:] if place.path[:1] == ("values",) else place.path:
        at = at[step] if isinstance(at, list) else at.get(step) if isinstance(at, dict) else None
    if place.is_name and place.path and isinstance(at, dict) and place.path != ("values",):
        return text if at.get(text) == "x" else f"members {list(at)}"
    return at if isinstance(at, str) else None


def try_place(
    here: Stage, agent: Agent, tool: Schema, base: dict[str, Any], place: Place, texts: list[str]
) -> Iterator[str]:
    for text in texts:
        began = time.monotonic()
        answer = outcome(agent, tool, place.put(here.records.filled(base), text))
        problem = complaint(tool, place, text, answer)
        if time.monotonic() - began > SECONDS:
            problem = "took too long"
        if problem:
            yield f"{tool['name']} {place} {text!r}: {problem}"
    for state in here.strayed():
        yield f"{tool['name']} {place} {texts}: session {state}"


def try_tool(here: Stage, agent: Agent, tool: Schema, choose: Callable[[], list[str]]) -> list[str]:
    """Puts the texts that are chosen into every place of the tool's arguments; returns what went wrong."""
    schema = tool["inputSchema"]
    before, ran = here.witness.rows(), set(here.tap.parsed)
    wrong, given, tried, sent = [], set(), set(), set()
    for base in working(here, agent, tool):
        given |= texts_given(schema, schema, base)
        for place in [place for place in places(base) if place not in tried]:
            texts = [here.meant(text) for text in choose()]
            tried.add(place)
            sent.update(texts if is_sql(tool, place) else [])
            wrong += try_place(here, agent, tool, base, place, texts)
    missed = text_arguments(schema, schema) - given - {"#"}
    wrong += [f"{tool['name']}: no text at {pointer}" for pointer in sorted(missed)]
    wrong += [f"{tool['name']}: {row} came, changed or went" for row in here.unexplained(before)]
    # Of what was parsed, a payload may be the SQL that was asked for, or stand in quotation marks.
    strange = [text for text in here.tap.parsed - ran - sent if NAME in QUOTED.sub("", text)]
    return wrong + [f"{tool['name']}: ran {text}" for text in strange]


def working(here: Stage, agent: Agent, tool: Schema) -> Iterator[dict[str, Any]]:
    """The tool's sets of arguments, each of which succeeds; the last once more with a cursor, if it takes one."""
    base: dict[str, Any] = {}
    answer: dict[str, Any] = {}
    for base in bases(tool):
        answer = outcome(agent, tool, here.records.filled(base))
        assert "failure" not in answer and "error" not in answer, (tool["name"], base, answer)
        yield base
    if "cursor" in tool["inputSchema"]["properties"]:
        yield {**base, "cursor": answer["next_cursor"]}


def one_of_each_class() -> Callable[[], list[str]]:
    """The next of each class, every time: all of them come round."""
    rounds = [itertools.cycle(variants) for variants in PAYLOADS.values()]
    return lambda: [next(variants) for variants in rounds]


SQL_TOOLS = ("warehouse_table__", "start_warehouse_query")


def try_as_sql(here: Stage, attempts: Iterable[tuple[str, Schema]]) -> list[str]:
    """By all kinds of users in turn."""
    wrong = []
    agents = itertools.cycle(here.agents.items())
    for text, tool in attempts:
        kind, agent = next(agents)
        answer = outcome(agent, tool, {"sql": here.meant(text)})
        problem = complaint(tool, Place(("sql",)), text, answer)
        problems = [problem] if problem else []
        problems += [f"session {state}" for state in here.strayed()]
        wrong += [f"{kind} {tool['name']} {text!r}: {problem}" for problem in problems]
    return wrong


def test_every_payload_is_refused_as_sql(on_stage: Stage) -> None:
    tools = [tool for tool in on_stage.tools if tool["name"].startswith(SQL_TOOLS)]
    assert len(tools) == 2
    one_each = zip(ALL, itertools.cycle([tools[0]] * 4 + [tools[1]] * 4), strict=False)
    wrong = try_as_sql(on_stage, one_each)
    assert not wrong, told(wrong)
    for tool, agent in itertools.product(tools, on_stage.agents.values()):
        assert outcome(agent, tool, {"sql": "SELECT 1"})["rows"] == [[1]]


def test_no_query_asks_about_a_hidden_column(on_stage: Stage) -> None:
    for oracle in COLUMN_ORACLES:
        query = oracle.format(t=f"{on_stage.tenant}.sales", g="guess")
        failure = table_tool(on_stage, {"sql": query})["failure"]
        assert failure["code"] == "INVALID_QUERY", query
        assert failure["details"].startswith("COLUMN_NOT_ALLOW_LISTED"), query


def table_tool(here: Stage, arguments: dict[str, Any]) -> dict[str, Any]:
    (tool,) = (tool for tool in here.tools if tool["name"].startswith("warehouse_table__"))
    return here.agents["member"].call(tool["name"], arguments)


def test_a_hidden_column_is_named_nowhere(on_stage: Stage) -> None:
    """By what describes tables; and a form that names it is answered as one that names nothing."""
    for name in ("describe_sales", "list_warehouse_tables"):
        assert "secret" not in str(on_stage.agents["admin"].call(name, {}))
    assert "secret" not in str([tool for tool in on_stage.tools if "sales" in str(tool)])
    for form in (
        {"select": ["?"]},
        {"select": ["id"], "where": {"field": "?", "op": "eq", "value": "x"}},
        {"select": ["id"], "where": {"not": {"field": "?", "op": "is_null", "value": True}}},
        {"group_by": ["?"], "aggregates": [{"fn": "count"}]},
        {"aggregates": [{"fn": "max", "column": "?"}]},
        {"select": ["id"], "order_by": ["-?"]},
    ):
        answers = [
            str(table_tool(on_stage, json.loads(json.dumps(form).replace("?", name)))).replace(
                name, "?"
            )
            for name in ("secret", "nobody")
        ]
        assert answers[0] == answers[1] and "INVALID_ARGUMENT" in answers[0], answers


def try_all(here: Stage, choose: Callable[[], list[str]]) -> list[str]:
    agent = here.agents["admin"]
    me = agent.call("whoami", {})
    wrong = []
    for tool in here.tools:
        wrong += try_tool(here, agent, tool, choose)
        if {**agent.call("whoami", {}), "as_of": 0} != {**me, "as_of": 0}:
            wrong.append(f"after {tool['name']}: somebody else")
    return wrong


def told(wrong: list[str]) -> str:
    return f"{len(wrong)}:\n" + "\n".join(line[:1000] for line in wrong[:40])


def test_a_payload_of_each_class_in_every_argument(on_stage: Stage) -> None:
    wrong = try_all(on_stage, one_of_each_class())
    assert not wrong, told(wrong)


@pytest.mark.long
def test_every_payload_in_every_argument(on_stage: Stage) -> None:
    wrong = try_all(on_stage, lambda: ALL)
    assert not wrong, told(wrong)


@pytest.mark.long
def test_every_payload_is_refused_as_sql_of_everybody(on_stage: Stage) -> None:
    tools = [tool for tool in on_stage.tools if tool["name"].startswith(SQL_TOOLS)]
    texts = itertools.chain.from_iterable(itertools.repeat(text, 4) for text in ALL)
    wrong = try_as_sql(on_stage, ((text, tool) for text in texts for tool in tools))
    assert not wrong, told(wrong)


def requests(prompts: list[dict[str, Any]], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What else takes a text, in either era."""
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        yield method, {"cursor": text}
    for prompt in prompts:
        given = {argument["name"]: "Base" for argument in prompt["arguments"]}
        reference = {"type": "ref/prompt", "name": prompt["name"]}
        for name in given:
            yield "prompts/get", {"name": prompt["name"], "arguments": {**given, name: text}}
            for value in ({"name": name, "value": text}, {"name": text, "value": "Base"}):
                yield (
                    "completion/complete",
                    {"ref": reference, "argument": value, "context": {"arguments": {name: text}}},
                )
        yield "prompts/get", {"name": prompt["name"], "arguments": {**given, text: "Base"}}
    for reference in (
        {"type": "ref/prompt", "name": text},
        {"type": "ref/resource", "uri": text},
        {"type": text, "name": "x"},
    ):
        yield (
            "completion/complete",
            {"ref": reference, "argument": {"name": "account", "value": "B"}},
        )
    yield "prompts/get", {"name": text, "arguments": {}}
    for uri in (text, "crm://" + text, "crm://schema" + text):
        yield "resources/read", {"uri": uri}
    yield "tools/call", {"name": text, "arguments": {}}
    yield "tools/call", {"name": "whoami", "arguments": {}, "_meta": {"progressToken": text}}
    yield "tools/call", {"name": "whoami", "arguments": {}, "_meta": {text: text}}
    yield (
        "tools/call",
        {
            "name": "whoami",
            "arguments": {},
            "requestState": text,
            "inputResponses": {text: {text: text}},
        },
    )
    yield text, {text: text}


def legacy_requests(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for method in ("resources/subscribe", "resources/unsubscribe"):
        yield method, {"uri": text}
    yield "logging/setLevel", {"level": text}
    yield "notifications/cancelled", {"requestId": text, "reason": text}
    client = {"name": text, "title": text, "version": text}
    yield "initialize", {"protocolVersion": text, "capabilities": {text: {}}, "clientInfo": client}


@pytest.mark.parametrize("version", [MODERN, LEGACY[0]])
def test_a_payload_of_each_class_in_every_other_request(on_stage: Stage, version: str) -> None:
    agent = on_stage.new_agent("admin", version)
    if version != MODERN:
        agent.shake_hands()
    prompts = on_stage.agents["admin"].send("prompts/list", {})[1]["result"]["prompts"]
    assert len(prompts) >= 4
    before, ran, wrong = on_stage.witness.rows(), set(on_stage.tap.parsed), []
    for variants in PAYLOADS.values():
        asked = [*requests(prompts, "\0"), *(legacy_requests("\0") if version != MODERN else [])]
        texts = itertools.cycle(variants)
        for form in [(*request, {}) for request in asked] + [
            ("ping" if version != MODERN else "tools/list", {}, {"id": "\0"})
        ]:
            method, params, changes = json.loads(
                json.dumps(form).replace("\\u0000", json.dumps(next(texts))[1:-1])
            )
            status, answer = agent.send(method, params, **changes)
            code = answer.get("error", {}).get("code", 0)
            if status not in (200, 202, 400, 404) or code == INTERNAL_ERROR:
                wrong.append(f"{method} {params}: {status} {answer}")
        wrong += [f"session {state}" for state in on_stage.strayed()]
    assert on_stage.witness.rows() == before
    wrong += [f"ran {text}" for text in on_stage.tap.parsed - ran if NAME in text]
    assert not wrong, told(wrong)


def test_oauth_and_rest_take_texts_too(on_stage: Stage) -> None:
    url, ran = os.environ["LAKEHOUSE_URL"], set(on_stage.tap.parsed)
    for variants in PAYLOADS.values():
        for text in variants[:3]:
            for field in ("client_id", "redirect_uri", "scope", "state", "resource"):
                asked = {"response_type": "code", "client_id": "crm_" + "0" * 32, field: text}
                assert (
                    http.get(
                        f"{url}/oauth/authorize", asked, timeout=20, allow_redirects=False
                    ).status_code
                    < 500
                )
            for field in (
                "client_id",
                "client_secret",
                "code",
                "refresh_token",
                "redirect_uri",
                "code_verifier",
            ):
                given = {
                    "grant_type": "refresh_token"
                    if field == "refresh_token"
                    else "authorization_code",
                    field: text,
                }
                assert http.post(f"{url}/oauth/token", given, timeout=20).status_code < 500
            assert (
                http.post(
                    f"{url}/oauth/revoke", {"token": text, "client_id": text}, timeout=20
                ).status_code
                < 500
            )
            header = {
                "Authorization": f"Bearer {''.join(letter for letter in text if ' ' < letter < '~')}"
            }
            assert (
                http.get(
                    f"{url}/api/v1/admin/agents/tool-catalog", headers=header, timeout=20
                ).status_code
                == 401
            )
    assert not [text for text in on_stage.tap.parsed - ran if NAME in text]


def test_nothing_the_worker_can_call_sends_a_simple_query(made: Stage) -> None:
    program = setting(made.superuser, "lakehouse.worker_path")
    listed = subprocess.run(
        ["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=True
    )
    imported = {line.split()[-1].split("@")[0] for line in listed.stdout.splitlines()}
    sending = {
        name
        for name in imported
        if re.match(r"PQ(send|exec|prepare|put|describe|reset|fn$|setClient)|lo_", name)
    }
    assert sending == {"PQsendPrepare", "PQsendQueryParams", "PQsendQueryPrepared"}


def test_the_tap_knows_a_simple_query(made: Stage) -> None:
    """Or it would prove nothing."""
    with connect(host=str(made.tap.path.parent)) as session:
        session.execute(f"SELECT '{NAME}'; SELECT 1")
    assert made.tap.simple == [f"SELECT '{NAME}'; SELECT 1"]
    assert made.tap.messages["Q"] == 1
    made.tap.simple.clear()
    del made.tap.messages["Q"]


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_witness_shows_what_a_payload_would_do(made: Stage, effect: str) -> None:
    """Or it would prove nothing."""
    facts = made.witness.facts()
    try:
        with connect() as session:
            at_rest = session.execute(SESSION).fetchone()
            session.execute(made.meant(effect))
            assert made.witness.facts() != facts or session.execute(SESSION).fetchone() != at_rest
    finally:
        made.witness.restore()
