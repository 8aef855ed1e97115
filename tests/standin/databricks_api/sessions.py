# SPDX-License-Identifier: PostgreSQL
"""Sessions: the undocumented endpoint that official clients use to pin time zone and ANSI mode."""

from __future__ import annotations

import re
import threading
import uuid
import zoneinfo
from dataclasses import dataclass
from typing import Any

from databricks_api import errors

_OFFSET = re.compile(r"[+-](0?\d|1[0-8])(:?[0-5]\d)?")
_KNOWN = {
    "ANSI_MODE",
    "ENABLE_PHOTON",
    "LEGACY_TIME_PARSER_POLICY",
    "MAX_FILE_PARTITION_BYTES",
    "READ_ONLY_EXTERNAL_METASTORE",
    "STATEMENT_TIMEOUT",
    "TIMEZONE",
    "USE_CACHED_RESULT",
    "QUERY_TAGS",
}


@dataclass(frozen=True)
class Session:
    """What a statement inherits. `statement_timeout_s` of 0 means none."""

    id: str
    catalog: str | None
    schema: str | None
    timezone: str = "UTC"
    ansi: bool = True
    statement_timeout_s: float = 0.0


class Sessions:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def open(self, body: dict[str, Any]) -> Session:
        """Check the configuration and open a session; ApiError when it is refused."""
        confs = {str(k).upper(): str(v) for k, v in (body.get("session_confs") or {}).items()}
        unknown = sorted(set(confs) - _KNOWN)
        if unknown:
            raise errors.ApiError(
                400,
                "BAD_REQUEST",
                f"[CONFIG_NOT_AVAILABLE] Configuration {unknown[0]} is not available. "
                "SQLSTATE: 42K0I",
            )
        session = Session(
            str(uuid.uuid4()),
            body.get("catalog"),
            body.get("schema"),
            _timezone(confs.get("TIMEZONE", "UTC")),
            _boolean("ANSI_MODE", confs.get("ANSI_MODE", "true")),
            _seconds(confs.get("STATEMENT_TIMEOUT", "0")),
        )
        _boolean("USE_CACHED_RESULT", confs.get("USE_CACHED_RESULT", "true"))
        with self._lock:
            self._open[session.id] = session
        return session

    def get(self, session_id: str) -> Session:
        with self._lock:
            session = self._open.get(session_id)
        if session is None:
            raise errors.not_found(f"Session {session_id} does not exist.")
        return session

    def close(self, session_id: str) -> None:
        with self._lock:
            if self._open.pop(session_id, None) is None:
                raise errors.not_found(f"Session {session_id} does not exist.")

    def count(self) -> int:
        with self._lock:
            return len(self._open)

    def clear(self) -> None:
        with self._lock:
            self._open.clear()


def _timezone(name: str) -> str:
    if _OFFSET.fullmatch(name):
        return name
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise errors.ApiError(
            400,
            "BAD_REQUEST",
            f"[INVALID_CONF_VALUE.TIME_ZONE] The value '{name}' in the config "
            '"timezone" is invalid. Cannot resolve the given timezone. SQLSTATE: 22022',
        ) from None
    return name


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise errors.ApiError(
            400,
            "BAD_REQUEST",
            f"[INVALID_CONF_VALUE.TYPE_MISMATCH] The value '{text}' in the config \"{name}\" "
            "is invalid. It must be a boolean. SQLSTATE: 22022",
        )
    return text.lower() == "true"


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        raise errors.ApiError(
            400,
            "BAD_REQUEST",
            f"[INVALID_CONF_VALUE.TYPE_MISMATCH] The value '{text}' in the config "
            '"STATEMENT_TIMEOUT" is invalid. It must be a number of seconds. SQLSTATE: 22022',
        ) from None
