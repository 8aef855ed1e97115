# SPDX-License-Identifier: PostgreSQL
"""What must never leave: every hidden value and every secret of this run bears the run's mark.

So a scan for a few strings finds any of them. The stand-in made the mark, and puts it into what it makes.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

MARK = os.environ["STANDIN_MARK"]
# The same for numbers: 15 digits, which leave room for 1000 values of a bigint.
NUMBER = 10**14 + int(MARK, 16) % (9 * 10**14)


def hidden_text() -> str:
    """For a row or a column that a role must not see, or for a secret."""
    return MARK + secrets.token_hex(8)


def hidden_key() -> str:
    """For a master key, in hexadecimal."""
    return MARK + secrets.token_hex(32 - len(MARK) // 2)


def hidden_number(last_digits: str) -> str:
    """SQL of a bigint that bears the mark and ends in what the expression gives, below 1000."""
    return f"({NUMBER} * 1000 + {last_digits})"


def master_keys(data_directory: Path) -> list[bytes]:
    """Those that the worker made for itself, which bear no mark."""
    text = (data_directory / "lakehouse" / "master.key").read_text(encoding="ascii")
    return [bytes.fromhex(line.split()[1]) for line in text.splitlines() if line[:1].isdigit()]
