# SPDX-License-Identifier: PostgreSQL
"""From CRM rows to a recipient's data frame: what is published is what the official client reads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import sharing_frames
from conftest import Connection, connect
from sharing_client import Recipient

TABLES = ("accounts", "contacts", "leads", "opportunities", "activities", "cases")
FORMATS = pytest.mark.parametrize("delta", [False, True], ids=["parquet", "delta"])


@dataclass
class Crm:
    tenant: str
    profile: str

    def url(self, table: str) -> str:
        return f"{self.profile}#sales.crm.{table}"


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crm]:
    tenant = "s" + secrets.token_hex(4)
    path: Path = tmp_path_factory.mktemp("profile") / "config.share"
    with connect() as session:
        session.execute("SELECT lakehouse.create_tenant(%s)", [tenant])
        session.execute("SELECT lakehouse.load_sample_crm(%s)", [tenant])
        session.execute("SELECT lakehouse.create_share(%s, 'sales')", [tenant])
        path.write_text(json.dumps(Recipient.of(session, tenant, "Reader").profile))
        session.execute("SELECT lakehouse.publish_now(%s)", [tenant])
        yield Crm(tenant, str(path))
        session.execute("SELECT lakehouse.drop_tenant(%s)", [tenant])


def as_text(value: object) -> str | None:
    """One form for what PostgreSQL and pandas each have their own."""
    if (
        value is None
        or value is pd.NaT
        or (isinstance(value, float) and value != value)
    ):
        return None
    if isinstance(value, pd.Timestamp):
        return (
            value.tz_convert("UTC").isoformat() if value.tzinfo else value.isoformat()
        )
    if hasattr(value, "isoformat"):
        return pd.Timestamp(value).isoformat()
    try:
        return f"{float(str(value)):.6f}"
    except ValueError:
        return str(value)


def rows_of_frame(frame: pd.DataFrame) -> list[tuple[str | None, ...]]:
    return sorted(
        (
            tuple(as_text(value) for value in row)
            for row in frame.astype(object).to_numpy().tolist()
        ),
        key=repr,
    )


def rows_of_sql(
    session: Connection, crm: Crm, table: str
) -> list[tuple[str | None, ...]]:
    session.execute("SET timezone = 'UTC'")
    found = session.execute(
        f'SELECT * FROM "{crm.tenant}".published_{table}'
    ).fetchall()
    return sorted(
        (
            tuple(
                as_text(pd.Timestamp(value) if hasattr(value, "tzinfo") else value)
                for value in row
            )
            for row in found
        ),
        key=repr,
    )


@FORMATS
@pytest.mark.parametrize("table", TABLES)
def test_a_recipient_reads_what_the_view_holds(
    crm: Crm, session: Connection, table: str, delta: bool
) -> None:
    frame = sharing_frames.load_as_pandas(crm.url(table), use_delta_format=delta)
    expected = rows_of_sql(session, crm, table)
    assert len(expected) > 100
    assert rows_of_frame(frame) == expected


@FORMATS
def test_changes_lead_from_one_version_to_the_next(
    crm: Crm, session: Connection, delta: bool
) -> None:
    url = crm.url("leads")
    first = sharing_frames.get_table_version(url)
    before = sharing_frames.load_as_pandas(url, use_delta_format=delta).set_index("id")
    changed, gone = list(before.index[:3]), before.index[3]
    session.execute(
        f'UPDATE "{crm.tenant}".leads SET score = coalesce(score, 0) + 1 WHERE id = ANY (%s::uuid[])',
        [changed],
    )
    session.execute(
        f'UPDATE "{crm.tenant}".leads SET deleted_at = now() WHERE id = %s', [gone]
    )
    session.execute("SELECT lakehouse.publish_now(%s)", [crm.tenant])
    assert sharing_frames.get_table_version(url) == first + 1
    frame = sharing_frames.load_as_pandas(url, use_delta_format=delta)
    assert rows_of_frame(frame) == rows_of_sql(session, crm, "leads")
    old = sharing_frames.load_as_pandas(url, version=first, use_delta_format=delta)
    assert rows_of_frame(old) == rows_of_frame(before.reset_index()[old.columns])
    changes = sharing_frames.load_table_changes_as_pandas(
        url, starting_version=first + 1, use_delta_format=delta
    )
    kinds = changes.groupby("_change_type")["id"].apply(set).to_dict()
    assert kinds == {
        "update_preimage": set(changed),
        "update_postimage": set(changed),
        "delete": {gone},
    }
