# SPDX-License-Identifier: PostgreSQL
"""Reads a shared table by the official Python client and prints its rows as JSON, for tests whose own
process is the object store: read_shared.py PROFILE#SHARE.SCHEMA.TABLE parquet|delta [VERSION]."""

import sys

import delta_sharing

url, form, *version = sys.argv[1:]
frame = delta_sharing.load_as_pandas(
    url, version=int(version[0]) if version else None, use_delta_format=form == "delta"
)
print(frame.to_json(orient="records"))
