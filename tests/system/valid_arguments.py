# SPDX-License-Identifier: PostgreSQL
"""Arguments with which each tool succeeds, each of them given at least once; and where texts stand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tool_calls import Caller

Schema = dict[str, Any]
Arguments = dict[str, Any]
FILTER = {"and": [{"field": "id", "op": "is_null", "value": False},
                  {"or": [{"field": "name", "op": "contains", "value": "a"},
                          {"not": {"field": "name", "op": "in", "value": ["x", "y"]}}]}]}  # fmt: skip
SALES_FILTER = {
    "or": [
        {"field": "note", "op": "ne", "value": "x"},
        {"not": {"field": "region", "op": "in", "value": ["a"]}},
    ]
}
# By the argument's name, for all tools but those below.
VALUES: dict[str, Any] = {
    "close_date": "2027-01-31", "close_from": "2020-01-01", "close_to": "2030-01-01",
    "since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "due_at": "2027-01-31T10:00:00Z",
    "starts_at": "2027-01-31T10:00:00Z", "ends_at": "2027-01-31T11:00:00Z", "sla_due_at": "2027-01-31T10:00:00Z",
    "completed_at": "2026-01-31T10:00:00Z", "currency": "EUR", "kind": "account", "query": "Base",
    "domain": "d{n}.example", "email": "e{n}@base.example", "website": "https://base.example",
    "country": "DE", "stage": "Qualification", "custom": {"colour": "red"}, "filter": FILTER,
    "external_ids": {"sap": "s{n}"}, "idempotency_key": "key {n}",
    "fields": ["id", "name"], "sort": ["-name", "id"], "related": ["contacts"], "group_by": "name", "limit": 1,
    "record_kind": "account", "amount": 10, "revenue": 10, "employees": 1, "score": 1, "duration_s": 60, "wait_s": 1,
    "is_active": True, "name": "Base {n}", "last_name": "Base", "subject": "Base", "sql": "SELECT 1",
    "values": {"name": "Base {n}"},
}  # fmt: skip
# What differs for one tool, and which arguments go together; None: leave it out.
SPECIAL: dict[str, list[Arguments]] = {
    "search_crm": [{"kinds": ["account"]}],
    "get_record": [{"external_id": None}, {"id": None, "external_id": "sap:base"}],
    "list_activities": [{}, {"record_kind": None, "record_id": None, "type": None, "status": None}],
    "summarize_pipeline": [{"group_by": "stage"}],
    "list_users": [{"query": "a", "role": "admin"}, {"query": None, "role": None}],
    "list_products": [{"family": "Base"}, {"query": None, "family": None}],
    "count_records": [{"limit": None}],
    "convert_lead": [{"id": "<lead>", "expected_version": None, "contact_id": None},
                     {"id": "<lead>", "expected_version": None}],
    "update_opportunity_stage": [{"id": "<opportunity>", "stage": "Closed Lost", "expected_version": None}],
    "complete_activity": [{"id": "<activity>", "expected_version": None}],
    "update_record": [{"values": {"name": "Base {n}", "industry": "x", "custom": {"a": {"b": ["c"]}}},
                       "expected_version": None}],
    "create_record": [{"values": {"name": "Base {n}", "owner_id": "<owner>", "custom": {"a": {"b": ["c"]}}}}],
    "create_activity": [
        {"type": "event", "direction": None, "lead_id": None, "opportunity_id": None, "case_id": None},
        {"type": "call", "contact_id": None, "account_id": None, "case_id": None, "starts_at": None, "ends_at": None},
        {"type": "task", "contact_id": None, "account_id": None, "opportunity_id": None, "lead_id": None,
         "starts_at": None, "ends_at": None, "direction": None}],
    "create_opportunity": [{"stage": "Qualification"}],
    "fetch": [{"id": "account:<account>"}],
    "warehouse_table__": [
        {name: None for name in ("select", "aggregates", "where", "group_by", "order_by", "limit")},
        {"sql": None, "select": ["id", "note"], "aggregates": None, "group_by": None, "order_by": ["-id"]},
        {"sql": None, "select": None, "group_by": ["region"], "aggregates": [{"fn": "max", "column": "note"}],
         "order_by": ["-max_note"]}],
    "get_warehouse_query": [{"query_id": "<started>"}],
    "cancel_warehouse_query": [{"query_id": "<started>"}],
}  # fmt: skip
OWN_ID = {"get_account": "account", "get_contact": "contact", "get_lead": "lead", "get_opportunity": "opportunity",
          "get_case": "case", "get_record": "account", "update_record": "account"}  # fmt: skip
NAMED = {"parent_id": "account", "record_id": "account", "primary_contact_id": "contact"}


class Records:
    """Of a tenant: one of each kind that calls may name, and fresh ones where a call uses its record up."""

    def __init__(self, caller: Caller) -> None:
        self._caller, self._numbers = caller, itertools.count()
        self.made: set[str] = set()
        account = self.make("account", name="Base of all", external_ids={"sap": "base"})
        self.make("account", name="Base beside it")
        contact = self.make("contact", last_name="Base", account_id=account)
        self.known = {"account": account, "contact": contact}
        for kind in ("lead", "opportunity", "case", "activity", "activity"):
            self.known[kind] = self.fresh(kind)
        for kind, values in (
            ("product", {"sku": "B1", "name": "Base", "family": "Base"}),
            ("product", {"sku": "B2", "name": "Base"}),
        ):
            self.made.add(caller.call("create_record", {"kind": kind, "values": values})["id"])
        self.known["owner"] = str(caller.one("SELECT id FROM users WHERE role = 'member'"))
        self.known["pipeline"] = str(caller.one("SELECT id FROM pipelines WHERE is_default"))

    def make(self, kind: str, **values: object) -> str:
        made = self._caller.call(f"create_{kind}", values)["id"]
        self.made.add(made)
        return made

    def fresh(self, kind: str) -> str:
        account = {"account_id": self.known["account"]}
        return self.make(kind, **{
            "lead": {"last_name": "Base", "company": "Base"},
            "opportunity": {"name": "Base", "close_date": "2027-01-31", **account},
            "case": {"subject": "Base", **account},
            "activity": {"type": "task", "subject": "Base", **account},
        }[kind])  # fmt: skip

    def filled(self, value: Any) -> Any:
        """With a number of its own for {n}, and ids for <kinds>; each call needs that anew."""
        if isinstance(value, dict):
            return {key: self.filled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.filled(part) for part in value]
        if not isinstance(value, str):
            return value
        value = value.replace("{n}", str(next(self._numbers)))
        if value in ("<lead>", "<opportunity>", "<activity>"):
            return self.fresh(value.strip("<>"))
        for kind, known in self.known.items():
            value = value.replace(f"<{kind}>", known)
        return value


def argument_of(tool: str, name: str, schema: Schema) -> Any:
    if name == "id":
        return f"<{OWN_ID[tool]}>"
    if schema.get("format") == "uuid":
        return f"<{NAMED.get(name, name.removesuffix('_id'))}>"
    if name in VALUES:
        return deepcopy(VALUES[name])
    if "enum" in schema:
        return schema["enum"][0]
    return "Base"


def bases(tool: Schema) -> list[Arguments]:
    """Sets of arguments, to be filled for each call; a cursor comes from an answer."""
    schema, name = tool["inputSchema"], tool["name"]
    kind = next(
        (key for key in SPECIAL if name == key or key.endswith("__") and name.startswith(key)), ""
    )
    found = []
    for special in SPECIAL.get(kind, [{}]):
        properties = {key: part for key, part in schema["properties"].items() if key != "cursor"}
        base = {
            key: special[key] if key in special else argument_of(name, key, part)
            for key, part in properties.items()
        }
        if "where" in base and base["where"] is not None:
            base["where"] = deepcopy(SALES_FILTER)
        found.append({key: value for key, value in base.items() if value is not None})
    return found


@dataclass(frozen=True)
class Place:
    """Where a text goes: in place of what is at the path, or as the name of another member there."""

    path: tuple[str | int, ...]
    is_name: bool = False

    def put(self, arguments: Arguments, text: str) -> Arguments:
        changed = deepcopy(arguments)
        at: Any = changed
        for step in self.path if self.is_name else self.path[:-1]:
            at = at[step]
        at[text if self.is_name else self.path[-1]] = "x" if self.is_name else text
        return changed


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Place]:
    if isinstance(value, dict):
        yield Place(path, is_name=True)
        for key, part in value.items():
            yield from places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))
    else:
        yield Place(path)


def resolved(root: Schema, schema: Schema, pointer: str) -> tuple[Schema, str]:
    if "$ref" not in schema:
        return schema, pointer
    pointer = schema["$ref"]
    for step in pointer.removeprefix("#/").split("/"):
        root = root[step]
    return root, pointer


def takes_text(schema: Schema) -> bool:
    return schema.get("type", "string") == "string"


def text_arguments(
    root: Schema, schema: Schema, pointer: str = "#", seen: frozenset[str] = frozenset()
) -> set[str]:
    """Where the schema lets a text stand."""
    schema, pointer = resolved(root, schema, pointer)
    if pointer in seen:
        return set()
    found = {pointer} if takes_text(schema) else set()
    parts = {
        **schema.get("properties", {}),
        **({"*": schema["items"]} if "items" in schema else {}),
    }
    for name, part in parts.items():
        found |= text_arguments(root, part, f"{pointer}/{name}", seen | {pointer})
    return found


def texts_given(root: Schema, schema: Schema, value: Any, pointer: str = "#") -> set[str]:
    """Those of the schema's places at which the arguments have a text."""
    schema, pointer = resolved(root, schema, pointer)
    found = {pointer} if takes_text(schema) and not isinstance(value, dict | list) else set()
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                found |= texts_given(root, part, value[name], f"{pointer}/{name}")
    elif isinstance(value, list):
        if takes_text(schema):
            found.add(pointer)
        for item in value:
            found |= texts_given(root, schema.get("items", {}), item, f"{pointer}/*")
    return found
