# SPDX-License-Identifier: PostgreSQL
"""The one SQL warehouse: its state, its start-up time, and who waits for it."""

from __future__ import annotations

import threading
import time
from typing import Any

from databricks_api import errors
from databricks_api.settings import Settings

STATES = ("STARTING", "RUNNING", "STOPPING", "STOPPED", "DELETING", "DELETED")


class Warehouse:
    def __init__(self, warehouse_id: str, settings: Settings) -> None:
        self.id = warehouse_id
        self._settings = settings
        self._changed = threading.Condition()
        self._state = "RUNNING"

    @property
    def state(self) -> str:
        return self._state

    def put(self, state: str) -> None:
        """Order a state, as an administrator would."""
        if state not in STATES:
            raise ValueError(f"unknown warehouse state: {state}")
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def check(self, warehouse_id: object) -> None:
        """Raise ApiError unless the id names this warehouse and it exists."""
        if not isinstance(warehouse_id, str) or not warehouse_id:
            raise errors.invalid_parameter("Missing required field: warehouse_id")
        if len(warehouse_id) != 16 or not all(c in "0123456789abcdef" for c in warehouse_id):
            raise errors.invalid_parameter(f"{warehouse_id} is not a valid endpoint id.")
        if warehouse_id != self.id or self._state in ("DELETING", "DELETED"):
            raise errors.ApiError(
                404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {warehouse_id} does not exist."
            )

    def wake(self) -> None:
        """A statement came: a stopped warehouse starts by itself, if it may."""
        with self._changed:
            if self._state != "STOPPED" or not self._settings.warehouse_autostart:
                return
            self._state = "STARTING"
        threading.Thread(target=self._start, daemon=True).start()

    def start(self) -> None:
        with self._changed:
            if self._state not in ("STOPPED", "STOPPING"):
                return
            self._state = "STARTING"
        threading.Thread(target=self._start, daemon=True).start()

    def _start(self) -> None:
        deadline = time.monotonic() + self._settings.warehouse_start_ms / 1000
        with self._changed:
            self._changed.wait_for(
                lambda: self._state != "STARTING", max(0.0, deadline - time.monotonic())
            )
            if self._state == "STARTING":
                self._state = "RUNNING"
                self._changed.notify_all()

    def wait_until_running(self, give_up: threading.Event) -> bool:
        """Block until the warehouse runs; False when told to give up or when it is deleted."""
        while not give_up.is_set():
            with self._changed:
                if self._state == "RUNNING":
                    return True
                if self._state in ("DELETING", "DELETED"):
                    return False
                self._changed.wait(0.05)
        return False

    def describe(self) -> dict[str, Any]:
        running = self._state == "RUNNING"
        return {
            "id": self.id,
            "name": "Stand-in warehouse",
            "size": "2X-Small",
            "cluster_size": "2X-Small",
            "min_num_clusters": 1,
            "max_num_clusters": 1,
            "auto_stop_mins": 10,
            "auto_resume": True,
            "creator_name": "owner@example.com",
            "num_clusters": 1 if running else 0,
            "num_active_sessions": 0,
            "state": self._state,
            "health": {"status": "HEALTHY"},
            "channel": {"name": "CHANNEL_NAME_CURRENT"},
            "enable_photon": True,
            "enable_serverless_compute": True,
            "warehouse_type": "PRO",
        }
