# SPDX-License-Identifier: PostgreSQL
"""What every error that a user meets must have."""

from __future__ import annotations

import psycopg
import pytest

Connection = psycopg.Connection[tuple]


def refused(
    session: Connection, query: str, sqlstate: str, parameters: list[object] | None = None
) -> psycopg.Error:
    """The query must fail with this SQLSTATE and say what to do next."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query, parameters)
    error = caught.value
    assert error.sqlstate == sqlstate, describe(error)
    message, hint = error.diag.message_primary, error.diag.message_hint
    assert message and not message.endswith("."), describe(error)
    assert hint and hint.endswith("."), describe(error)
    return error


def describe(error: psycopg.Error) -> str:
    diagnosis = error.diag
    return (
        f"{error.sqlstate}: {diagnosis.message_primary} / {diagnosis.message_detail}"
        f" / {diagnosis.message_hint}"
    )
