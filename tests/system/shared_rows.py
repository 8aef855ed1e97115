# SPDX-License-Identifier: PostgreSQL
"""Rows of a shared table as the official Python client brings them: by pandas, to which NULL and NaN are
one, and an integer beside a NULL is a float. Rows of SQL are loosened likewise before they are compared."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sharing_frames
from delta_folder import BEFORE
from published_rows import Connection, Rows, canonical
from sharing_client import Recipient

_OF_CHANGES = ["_change_type", "_commit_version", "_commit_timestamp"]


def loosened(value: Any) -> Any:
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(loosened(item) for item in value)
    if value is None or value == "not a number" or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if value != value else int(value) if value.is_integer() else value
    return canonical(value.to_pydatetime() if isinstance(value, pd.Timestamp) else value)


def loosened_rows(rows: Rows) -> Rows:
    loose: Rows = Counter()
    for row, count in rows.items():
        loose[loosened(row)] += count
    return loose


def rows_of(frame: pd.DataFrame) -> Rows:
    ordered = frame[sorted(frame.columns)]
    return Counter(loosened(row) for row in ordered.itertuples(index=False, name=None))


class SharedTables:
    """Of one share, to a recipient of its own."""

    def __init__(self, session: Connection, tenant: str, share: str, directory: Path) -> None:
        profile = Recipient.of(session, tenant, "fire", share).profile
        self._file = directory / "profile.share"
        self._file.write_text(json.dumps(profile), encoding="utf-8")
        self._share = share

    def _url(self, name: str) -> str:
        return f"{self._file}#{self._share}.crm.{name}"

    def rows(self, name: str, form: str) -> Rows:
        return rows_of(sharing_frames.load_as_pandas(self._url(name), use_delta_format=form == "delta"))

    def replayed(self, name: str, start: Rows, first: int, last: int) -> Rows:
        """What the changes of these versions make of the rows."""
        frame = sharing_frames.load_table_changes_as_pandas(
            self._url(name), starting_version=first, ending_version=last
        )
        rows = loosened_rows(start)
        for _, changes in frame.groupby("_commit_version", sort=True):
            is_before = changes["_change_type"].isin(BEFORE)
            parts = (changes[is_before], changes[~is_before])
            taken, given = (rows_of(part.drop(columns=_OF_CHANGES)) for part in parts)
            assert taken <= rows, name
            rows = rows - taken + given
        return rows
