# SPDX-License-Identifier: PostgreSQL
"""Counts by name, from many threads."""

from __future__ import annotations

import threading
from collections import Counter


class Counters:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._counts[name] += amount

    def snapshot(self, prefix: str = "") -> dict[str, int]:
        """Every count whose name starts with `prefix`, the prefix cut off."""
        with self._lock:
            items = sorted(self._counts.items())
        return {name[len(prefix) :]: count for name, count in items if name.startswith(prefix)}

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()
