# SPDX-License-Identifier: PostgreSQL
"""Fixtures: a running stand-in, plain and over TLS, fresh for each test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from process import Standin, running  # noqa: E402


@pytest.fixture(scope="session")
def standin_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where generated data lies; STANDIN_DATA keeps it from run to run."""
    kept = os.environ.get("STANDIN_DATA")
    return Path(kept) if kept else tmp_path_factory.mktemp("standin-data")


@pytest.fixture(scope="session")
def _plain(standin_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    with running(standin_data, tmp_path_factory.mktemp("plain") / "ready.json") as service:
        yield service


@pytest.fixture
def standin(_plain: Standin) -> Standin:
    """A service in its initial state."""
    _plain.control("POST", "reset")
    return _plain


@pytest.fixture(scope="session")
def test_ca(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A certificate authority of this run: (CA certificate, server certificate, server key)."""
    directory = tmp_path_factory.mktemp("ca")
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    certificate, key = directory / "server.pem", directory / "server.key"
    request, extension = directory / "server.csr", directory / "server.ext"
    extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="ascii")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        *["req", "-x509", *new_key, "-subj", "/CN=Test CA", "-days", "2"],
        *["-addext", "keyUsage=critical,keyCertSign", "-keyout", ca_key, "-out", ca],
    )
    _openssl("req", *new_key, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request)
    _openssl(
        *["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial"],
        *["-days", "2", "-extfile", extension, "-out", certificate],
    )
    return ca, certificate, key


@pytest.fixture(scope="session")
def _secure(
    standin_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    test_ca: tuple[Path, Path, Path],
) -> Iterator[Standin]:
    ready = tmp_path_factory.mktemp("tls") / "ready.json"
    with running(standin_data, ready, tls=test_ca) as service:
        yield service


@pytest.fixture
def tls_standin(_secure: Standin) -> Standin:
    """A service over TLS, on both origins, in its initial state."""
    _secure.control("POST", "reset")
    return _secure


def _openssl(*arguments: object) -> None:
    command = ["openssl", *[str(argument) for argument in arguments]]
    subprocess.run(command, check=True, capture_output=True)
