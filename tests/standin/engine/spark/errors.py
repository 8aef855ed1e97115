# SPDX-License-Identifier: PostgreSQL
"""Spark's errors as QueryError: condition, SQLSTATE and message are Spark's own."""

from __future__ import annotations

import re

from engine.contract import QueryError

_MESSAGE = re.compile(r"\[([A-Z][A-Z0-9_.]+)\] (.*?)\s*SQLSTATE: ([0-9A-Z]{5})", re.DOTALL)


def translate(error: Exception) -> QueryError:
    """A failed job wraps the cause; the first complete condition in the text is it."""
    match = _MESSAGE.search(str(error))
    if match:
        return QueryError(match.group(1), match.group(3), match.group(2))
    text = str(error).strip().split("\n")[0]
    return QueryError("INTERNAL_ERROR", "XX000", text, code="INTERNAL_ERROR")
