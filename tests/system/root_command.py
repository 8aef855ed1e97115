# SPDX-License-Identifier: PostgreSQL
"""Commands that only root may give: mounting a file system."""

from __future__ import annotations

import os
import subprocess


def as_root(*command: str) -> None:
    prefix = () if os.getuid() == 0 else ("sudo", "-n")
    subprocess.run([*prefix, *command], check=True, capture_output=True, timeout=20)
