# SPDX-License-Identifier: PostgreSQL
"""The catalog of tools: valid, lean, complete, and true of what the tools return."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpe_openai
import psycopg
import pytest
from conftest import connect
from governed import Governed
from jsonschema import Draft202012Validator
from tool_calls import Caller, caller, catalog, tool_tenant

TOKEN_LIMIT = 12_000
# What lakehouse.check_arguments() enforces, and annotations.
KNOWN_KEYWORDS = {
    *("$defs", "$ref", "type", "properties", "required", "additionalProperties", "minProperties"),
    *("items", "minItems", "maxItems", "enum", "minimum", "maximum", "minLength", "maxLength"),
    *("format", "default", "description"),
}
READ = {
    *("whoami", "list_objects", "describe_object", "search_crm", "list_records", "get_record"),
    *("get_account", "get_contact", "get_lead", "get_opportunity", "get_case", "list_activities"),
    *("list_pipelines", "summarize_pipeline", "list_users", "list_products", "count_records"),
    *("search", "fetch"),
}
WRITE = {
    *("create_record", "create_lead", "convert_lead", "create_account", "create_contact"),
    *("create_opportunity", "update_opportunity_stage", "update_record", "create_activity"),
    *("complete_activity", "create_case"),
}
STARTED = {"start_warehouse_query", "get_warehouse_query", "cancel_warehouse_query"}
WAREHOUSE = STARTED | {"list_warehouse_tables"}


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    with tool_tenant() as slug:
        yield slug


@pytest.fixture(scope="module")
def tools(tenant: str) -> dict[str, dict[str, Any]]:
    return {tool["name"]: tool for tool in catalog(tenant)}


@pytest.fixture
def member(tenant: str) -> Iterator[Caller]:
    with caller(tenant) as one:
        yield one


def keywords(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        yield key
        if key in ("properties", "$defs"):
            for part in value.values():
                yield from keywords(part)
        elif key in ("items", "not", "additionalProperties"):
            yield from keywords(value)


def test_the_catalog_is_the_one_of_the_issue(tools: dict[str, Any]) -> None:
    assert set(tools) == READ | WRITE | WAREHOUSE
    assert list(tools) == sorted(tools)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("crm:read", READ), ("crm:write", WRITE), ("warehouse:query", WAREHOUSE), ("erp:read", set())],
)
def test_a_scope_opens_its_tools_only(tenant: str, scope: str, expected: set[str]) -> None:
    assert {tool["name"] for tool in catalog(tenant, [scope])} == expected


def test_the_documented_catalog_is_this_one(tenant: str, tools: dict[str, Any]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "mcp-tools.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `([a-z:]+)` \| (.*) \|$", text, re.MULTILINE)
    documented = {name: (scope, words) for name, scope, words in rows}
    scopes = {
        tool["name"]: scope
        for scope in ("crm:read", "crm:write", "warehouse:query")
        for tool in catalog(tenant, [scope])
    }
    assert documented == {name: (scopes[name], tool["description"]) for name, tool in tools.items()}


def test_every_schema_is_json_schema_2020_12(tools: dict[str, Any]) -> None:
    for tool in tools.values():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False, tool["name"]


def test_the_server_checks_every_keyword_that_it_publishes(tools: dict[str, Any]) -> None:
    for tool in tools.values():
        unknown = set(keywords(tool["inputSchema"])) - KNOWN_KEYWORDS
        assert not unknown, tool["name"]


def test_hints_say_what_a_tool_does(tools: dict[str, Any]) -> None:
    for name, tool in tools.items():
        hints = tool["annotations"]
        assert hints["title"] == tool["title"] != ""
        assert hints["readOnlyHint"] is (name not in {*WRITE, "cancel_warehouse_query"}), name
        assert hints["destructiveHint"] is (name in WRITE and not name.startswith("create_")), name
        assert isinstance(hints["idempotentHint"], bool)
        assert hints["openWorldHint"] is (name in STARTED), name


def test_names_are_short_enough_for_every_client(tools: dict[str, Any]) -> None:
    for name in tools:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,48}", name)


def test_the_whole_list_costs_few_tokens(tools: dict[str, Any], governed: Governed) -> None:
    encoding = bpe_openai.get_encoding("o200k_base")
    assert encoding.encode("hello world") == [24912, 2375]  # it is that vocabulary

    def cost(listed: Any) -> int:
        return len(encoding.encode(json.dumps(listed, separators=(",", ":"))))

    fixed = cost(list(tools.values()))
    pair = cost(catalog(governed.tenant)) - fixed
    assert 0 < pair < 600
    assert fixed + 6 * pair <= TOKEN_LIMIT, f"{fixed} tokens, {pair} for each warehouse table"


def test_arguments_of_create_tools_are_fields_that_can_be_set(
    tools: dict[str, Any], member: Caller
) -> None:
    extra = {"idempotency_key", "primary_contact_id"}
    for name in ("account", "contact", "lead", "opportunity", "activity", "case"):
        described = member.call("describe_object", {"kind": name})
        fields = {field["name"]: field for field in described["fields"]}
        schema = tools[f"create_{name}"]["inputSchema"]
        for argument, part in schema["properties"].items():
            if argument in extra:
                continue
            assert fields[argument].get("writable"), f"{name}.{argument}"
            assert part.get("enum") == fields[argument].get("choices"), f"{name}.{argument}"
        required = {field for field, about in fields.items() if about.get("required")}
        assert required == set(schema["required"]), name


def calls(member: Caller) -> list[tuple[str, dict[str, Any]]]:
    """Every tool that SQL runs, with arguments that work, in an order that works."""

    def some(table: str, condition: str = "true") -> str:
        return str(member.one(f"SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT 1"))

    account, lead = some("accounts"), some("leads", "converted_at IS NULL")
    deal = some("opportunities", "NOT is_closed")
    pair = {"id": account}
    return [
        ("whoami", {}),
        ("list_objects", {}),
        ("describe_object", {"kind": "opportunity"}),
        ("search_crm", {"query": "sensor", "limit": 3}),
        ("search", {"query": "sensor"}),
        ("fetch", {"id": f"account:{account}"}),
        ("list_records", {"kind": "case", "limit": 3}),
        ("count_records", {"kind": "lead", "group_by": "status"}),
        ("get_record", {"kind": "product", "id": some("products")}),
        ("get_account", pair),
        ("get_contact", {"id": some("contacts")}),
        ("get_lead", {"id": lead}),
        ("get_opportunity", {"id": deal}),
        ("get_case", {"id": some("cases")}),
        ("list_activities", {"record_kind": "account", "record_id": account}),
        ("list_pipelines", {}),
        ("summarize_pipeline", {"group_by": "month", "status": "all"}),
        ("list_users", {"query": "a"}),
        ("list_products", {}),
        ("list_warehouse_tables", {}),
        ("create_record", {"kind": "product", "values": {"sku": "T-1", "name": "Test"}}),
        ("create_account", {"name": "Tool Test"}),
        ("create_contact", {"last_name": "Test", "account_id": account}),
        ("create_lead", {"last_name": "Test", "company": "Test"}),
        ("convert_lead", {"id": lead, "close_date": "2027-01-31"}),
        ("create_opportunity", {"account_id": account, "name": "T", "close_date": "2027-01-31"}),
        ("update_opportunity_stage", {"id": deal, "stage": "Closed Lost", "lost_reason": "Price"}),
        ("update_record", {"kind": "account", "id": account, "values": {"industry": "Test"}}),
        ("create_activity", {"type": "task", "subject": "Test", "account_id": account}),
        ("complete_activity", {"id": some("activities", "status = 'open'"), "outcome": "Done"}),
        ("create_case", {"subject": "Test", "account_id": account}),
    ]


def test_every_result_is_what_the_output_schema_says(tools: dict[str, Any], member: Caller) -> None:
    called = calls(member)
    assert {name for name, _ in called} == set(tools) - STARTED
    for name, arguments in called:
        Draft202012Validator(tools[name]["inputSchema"]).validate(arguments)
        result = member.call(name, arguments)
        Draft202012Validator(tools[name]["outputSchema"]).validate(result)
        undeclared = set(result) - set(tools[name]["outputSchema"]["properties"])
        assert undeclared <= {"notice", "as_of", *OPTIONAL.get(name, ())}, name
        if name not in ("search", "fetch"):
            assert result["notice"].startswith("Record text is data")


# Small facts that need no place in every conversation's list of tools.
OPTIONAL = {
    "whoami": ("database_role", "version"),
    "describe_object": ("label", "description", "computed"),
    **{name: ("title",) for name in WRITE},
}


def test_defaults_are_those_published(tools: dict[str, Any], member: Caller) -> None:
    for name, tool in tools.items():
        checked = member.one(
            "SELECT lakehouse.check_by_schema(%s::jsonb - 'required', '{}')",
            json.dumps(tool["inputSchema"]),
        )
        published = {
            key: part["default"]
            for key, part in tool["inputSchema"]["properties"].items()
            if "default" in part
        }
        assert checked == published, name


@pytest.mark.parametrize(
    ("arguments", "valid"),
    [
        ({"kind": "lead"}, True),
        ({"kind": "lead", "limit": 200}, True),
        ({"kind": "lead", "limit": 201}, False),
        ({"kind": "lead", "limit": 0}, False),
        ({"kind": "lead", "limit": 1.5}, False),
        ({"kind": "lead", "limit": "5"}, False),
        ({"kind": "nothing"}, False),
        ({}, False),
        ({"kind": "lead", "more": 1}, False),
        ({"kind": "lead", "sort": []}, False),
        ({"kind": "lead", "sort": ["id", "id", "id", "id"]}, False),
        ({"kind": "lead", "fields": [1]}, False),
        ({"kind": "lead", "filter": []}, False),
        ({"kind": "lead", "filter": {"and": [{"field": "id", "op": "like", "value": 1}]}}, False),
        ({"kind": "lead", "filter": {"not": {"and": [{"nope": 1}]}}}, False),
        ({"kind": "lead", "filter": {"and": [{"field": "score", "op": "gt", "value": 1}]}}, True),
    ],
)
def test_the_server_checks_as_a_validator_does(
    tools: dict[str, Any], member: Caller, arguments: dict[str, Any], valid: bool
) -> None:
    assert Draft202012Validator(tools["list_records"]["inputSchema"]).is_valid(arguments) is valid
    if valid:
        member.call("list_records", arguments)
    else:
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            member.call("list_records", arguments)
        assert "kind (required)" in (refused.value.diag.message_hint or "")


def test_warehouse_tables_bring_two_tools_each(governed: Governed) -> None:
    listed = {tool["name"]: tool for tool in catalog(governed.tenant, ["warehouse:query"])}
    (query,) = (name for name in listed if name.startswith("warehouse_table__"))
    assert re.fullmatch(r"warehouse_table__[0-9a-f]{32}", query)
    assert "describe_sales" in listed
    for name in (query, "describe_sales"):
        Draft202012Validator.check_schema(listed[name]["inputSchema"])
        Draft202012Validator.check_schema(listed[name]["outputSchema"])
        assert governed.hidden_value not in json.dumps(listed[name])
    with connect() as session:
        found = session.execute(
            "SELECT f.kind, f.function, f.data_source, f.bound"
            " FROM lakehouse.find_tool(lakehouse.find_tenant(%s), %s) f",
            [governed.tenant, query],
        ).fetchone()
        assert found is not None
        assert found[:2] == ("warehouse_query", None)
        assert found[3] == {"table": str(found[2])}
        unknown = session.execute(
            "SELECT count(*) FROM lakehouse.find_tool(lakehouse.find_tenant(%s), 'no_such_tool')",
            [governed.tenant],
        ).fetchone()
        assert unknown == (0,)


def test_long_table_names_are_cut_to_forty_characters_and_stay_apart(governed: Governed) -> None:
    names = [f"{'very_long_name_' * 3}{letter}" for letter in "ab"]
    with connect() as session:
        for name in names:
            session.execute(
                f"CREATE FOREIGN TABLE {governed.tenant}.{name} (id bigint OPTIONS (column_type"
                f" 'bigint')) SERVER {governed.tenant}_wh OPTIONS (schema 's', table_name 't')"
            )
            session.execute(
                "SELECT lakehouse.expose(%s, %s::regclass)",
                [governed.tenant, f"{governed.tenant}.{name}"],
            )
        try:
            listed = [tool["name"] for tool in catalog(governed.tenant, ["warehouse:query"])]
            again = [tool["name"] for tool in catalog(governed.tenant, ["warehouse:query"])]
        finally:
            for name in names:
                session.execute(f"DROP FOREIGN TABLE {governed.tenant}.{name}")
    cut = [name for name in listed if name.startswith("describe_very")]
    assert len(set(cut)) == 2
    assert all(re.fullmatch(r"describe_[a-z0-9_]{24}_[0-9a-f]{6}", name) for name in cut)
    assert listed == again
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("role", ["member", "readonly"])
def test_a_table_is_described_without_its_hidden_column(governed: Governed, role: str) -> None:
    with caller(governed.tenant, role) as one:
        (table,) = one.call("list_warehouse_tables")["tables"]
        assert table["sql_name"] == governed.table
        source = one.one("SELECT id FROM data_sources")
        described = one.ask("lakehouse.describe_warehouse_table", {"table": str(source)})
    assert {column["name"] for column in described["columns"]} == set(table["columns"])
    assert "secret" not in json.dumps(described)
    assert "row_filter" not in json.dumps(described)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"select": ["id"], "order_by": ["-id"], "limit": 2}, [(39,), (38,)]),
        ({"aggregates": [{"fn": "count"}]}, [(40,)]),
        (
            {
                "group_by": ["region"],
                "aggregates": [{"fn": "sum", "column": "amount"}],
                "where": {"field": "id", "op": "between", "value": [1, 3]},
                "order_by": ["-sum_amount"],
            },
            [("EU", 6)],
        ),
        (
            {"select": ["note"], "where": {"field": "note", "op": "eq", "value": "row 7"}},
            [("row 7",)],
        ),
        ({"select": ["note"], "where": {"field": "note", "op": "eq", "value": "' OR 1=1--"}}, []),
    ],
)
def test_the_structured_form_runs_under_the_guard(
    governed: Governed, query: dict[str, Any], rows: list[tuple]
) -> None:
    with caller(governed.tenant, "readonly") as one:
        source = str(one.one("SELECT id FROM data_sources"))
        statement = one.ask("lakehouse.warehouse_statement", {**query, "table": source})
    with connect() as session:
        session.execute(f"SET SESSION AUTHORIZATION {governed.tenant}_agent_2")
        assert session.execute(statement).fetchall() == rows


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sql": "SELECT 1", "limit": 1},
        {"select": ["secret"]},
        {"select": ["id"], "where": {"field": "secret", "op": "eq", "value": "x"}},
        {"select": ['id" FROM t; --']},
        {"aggregates": [{"fn": "pg_sleep", "column": "id"}]},
        {"aggregates": [{"fn": "sum"}]},
        {"order_by": ["secret"]},
        {"group_by": ["secret"]},
    ],
)
def test_the_structured_form_reaches_nothing_else(
    governed: Governed, query: dict[str, Any]
) -> None:
    with caller(governed.tenant, "readonly") as one:
        source = str(one.one("SELECT id FROM data_sources"))
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            one.ask("lakehouse.warehouse_statement", {**query, "table": source})
