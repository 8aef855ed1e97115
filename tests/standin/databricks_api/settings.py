# SPDX-License-Identifier: PostgreSQL
"""What a test may change while the service runs, through the control endpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Settings:
    """Times in the unit of their name; the defaults are the real service's where it has any."""

    pending_ms: int = 0
    running_ms: int = 0
    chunk_bytes: int = 16 << 20
    inline_limit_bytes: int = 25 << 20
    hybrid_inline_bytes: int = 5 << 20
    statement_limit_bytes: int = 16 << 20
    # How often a manifest lists its chunks: always, never, or only with external links.
    manifest_chunks: str = "always"
    links_per_answer: int = 1
    link_lifetime_s: float = 899.0
    links_need_headers: bool = False
    external_links_enabled: bool = True
    token_lifetime_s: float = 3600.0
    expired_token_status: int = 403
    result_lifetime_s: float = 3600.0
    warehouse_start_ms: int = 200
    warehouse_autostart: bool = True
    max_running: int = 10
    gzip: bool = True

    def change(self, values: dict[str, Any]) -> None:
        """Set fields by name; ValueError when one is unknown or of the wrong type."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown setting: {name}")
            kind = type(known[name])
            if kind is float and isinstance(value, int):
                value = float(value)
            if type(value) is not kind:
                raise ValueError(f"setting {name} must be of type {kind.__name__}")
        for name, value in values.items():
            setattr(self, name, type(known[name])(value))

    def snapshot(self) -> dict[str, Any]:
        return asdict(self)
