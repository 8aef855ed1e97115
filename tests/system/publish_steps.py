# SPDX-License-Identifier: PostgreSQL
"""Holds a publish at a named step, by files that the worker looks for in lakehouse.debug_publish_directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse import wait_until

REACHED_S = 60.0
# In the order in which a publish takes them. `vacuum` and `checkpoint_written` need a reason.
STEPS = (
    "claimed",
    "snapshot_taken",
    "file_opened",
    "file_written",
    "change_file_written",
    "rows_recorded",
    "before_commit",
    "after_commit",
    "log_written",
    "checkpoint_written",
    "vacuum",
    "before_done",
)


class Steps:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def hold(self, step: str) -> None:
        """The next publish that comes to the step waits there."""
        assert step in STEPS, step
        (self.directory / step).touch()

    def is_reached(self, step: str) -> bool:
        return (self.directory / f"{step}.reached").exists()

    def wait(self, step: str, seconds: float = REACHED_S) -> None:
        wait_until(lambda: self.is_reached(step), seconds, f"step {step}")

    def release(self, step: str) -> None:
        """It goes on, or none waits there any more."""
        (self.directory / f"{step}.reached").unlink(missing_ok=True)
        (self.directory / step).unlink(missing_ok=True)

    @contextmanager
    def holding(self, step: str) -> Iterator[None]:
        self.hold(step)
        try:
            yield
        finally:
            self.release(step)
