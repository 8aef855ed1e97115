# SPDX-License-Identifier: PostgreSQL
"""Opens stored secrets with a key file, independently of the worker: docs/security.md is its source."""

from __future__ import annotations

import struct
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEADER_BYTES = 72
NONCE_BYTES = 12


def read_keys(path: Path) -> dict[int, bytes]:
    lines = path.read_text(encoding="ascii").splitlines()
    words = (line.split() for line in lines if line and not line.startswith("#"))
    return {int(key_id): bytes.fromhex(digits) for key_id, digits in words}


def key_id(envelope: bytes) -> int:
    return struct.unpack(">I", envelope[4:8])[0]


def open_secret(
    envelope: bytes, keys: dict[int, bytes], tenant: str, row: str, endpoint: str, version: int
) -> str:
    """Raises if the commitment or the tag is not what these keys and this place give."""
    header, sealed = envelope[:HEADER_BYTES], envelope[HEADER_BYTES:]
    purpose = b"warehouse_connections"
    info = _texts(b"lakehouse/v1", purpose, tenant.encode())
    derive = HKDF(hashes.SHA256(), 64, salt=header[8:40], info=info)
    derived = derive.derive(keys[key_id(envelope)])
    assert derived[32:] == header[40:], "the envelope commits to another key"
    column = f"secret for {endpoint}".encode()
    place = _texts(tenant.encode(), purpose, row.encode(), column)
    bound = header + place + struct.pack(">IQ", 8, version)
    return AESGCM(derived[:32]).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound).decode()


def _texts(*texts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(text)) + text for text in texts)
