# SPDX-License-Identifier: PostgreSQL
"""The official Python client of Delta Sharing, as a program: it runs in an environment of its own, build/sharing.

Each line of its input is one call, {"call": NAME, "arguments": {...}, "rows": FILE}; its answer is one line,
{"columns": [...], "types": [...]}, {"names": [...]} or {"error": TYPE, "message": TEXT}. Rows go to FILE, as an Arrow
stream.
"""

import contextlib
import io
import json
import sys
from typing import Any

import delta_sharing
import pandas as pd
import pyarrow as pa

Answer = dict[str, Any]


def list_names(profile: str) -> Answer:
    """Walks from shares to schemas to tables, and lists all tables at once."""
    client = delta_sharing.SharingClient(profile)
    walked = [
        f"{table.share}.{table.schema}.{table.name}"
        for share in client.list_shares()
        for schema in client.list_schemas(share)
        for table in client.list_tables(schema)
    ]
    at_once = [f"{t.share}.{t.schema}.{t.name}" for t in client.list_all_tables()]
    return {"names": walked, "all": at_once}


def describe(url: str, use_delta_format: bool) -> Answer:
    """The table's columns, its version, and what a reader must be able to do."""
    metadata = delta_sharing.get_table_metadata(url, use_delta_format)
    protocol = delta_sharing.get_table_protocol(url, use_delta_format)
    return {
        "columns": [field["name"] for field in json.loads(metadata.schema_string)["fields"]],
        "version": delta_sharing.get_table_version(url),
        "reader": protocol.min_reader_version,
    }


def version_at(url: str, timestamp: str | None = None) -> Answer:
    return {"version": delta_sharing.get_table_version(url, timestamp)}


def keep(frame: pd.DataFrame, path: str) -> Answer:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return {"columns": list(frame.columns), "types": [str(kind) for kind in frame.dtypes]}


def answer(order: dict[str, Any]) -> Answer:
    call, arguments = order["call"], order["arguments"]
    if call in ("list_names", "describe", "version_at"):
        return globals()[call](**arguments)
    return keep(getattr(delta_sharing, call)(**arguments), order["rows"])


def main() -> None:
    for line in sys.stdin:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # the client prints, too
                found = answer(json.loads(line))
        except Exception as error:
            found = {"error": type(error).__name__, "message": str(error)[:2000]}
        print(json.dumps(found), flush=True)


main()
