# SPDX-License-Identifier: PostgreSQL
"""Arrow's libraries of the wheel, as tools/arrow leaves them: apart from a program's own OpenSSL."""

import subprocess
import sys
from pathlib import Path

kLibraries = Path("build/cmake/worker-libraries.txt")
# In a process of its own: pyarrow's libraries may be loaded in this one.
kAsk = "import ctypes, sys; sys.exit(0 if hasattr(ctypes.CDLL(sys.argv[1]), sys.argv[2]) else 3)"


def has_symbol(library: str, symbol: str) -> bool:
    status = subprocess.run([sys.executable, "-c", kAsk, library, symbol], check=False).returncode
    assert status in (0, 3)
    return status == 0


def test_libparquet_offers_its_own_symbols_and_no_openssl() -> None:
    for library in kLibraries.read_text().split():
        for symbol in ("EVP_EncryptInit_ex", "CRYPTO_free", "OPENSSL_init_crypto"):
            assert not has_symbol(library, symbol), library
        if "libparquet" in library:
            assert has_symbol(library, "_ZN7parquet17ParquetFileReader5CloseEv")
