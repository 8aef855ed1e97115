# SPDX-License-Identifier: PostgreSQL
"""Presigned links to chunk files, on an origin of their own, as object storage serves them.

A link needs its signature, is valid for minutes, and must come without an Authorization header.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import threading
import time
from pathlib import Path

from server.counters import Counters
from server.message import FilePart, Request, Response

from databricks_api.settings import Settings

REQUIRED_HEADER = "x-amz-server-side-encryption-customer-key"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Links:
    def __init__(self, settings: Settings, counters: Counters, mark: str) -> None:
        self._settings = settings
        self._mark = mark
        self._counters = counters
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._files: dict[str, Path] = {}
        self._expired_before = 0.0
        self.base_url = ""

    def sign(self, statement_id: str, index: int, file: Path) -> tuple[str, str, dict[str, str]]:
        """Return (url, expiration in ISO form, headers the download must carry)."""
        path = f"/results/{statement_id}/{index}"
        with self._lock:
            self._files[path] = file
        issued, lifetime = time.time(), self._settings.link_lifetime_s
        signature = self._signature(path, issued, lifetime)
        query = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={issued:.6f}"
            f"&X-Amz-Expires={lifetime:g}&X-Amz-Signature={signature}"
        )
        expiration = dt.datetime.fromtimestamp(issued + lifetime, dt.UTC)
        stamp = expiration.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = (
            {REQUIRED_HEADER: self._header_key(path)} if self._settings.links_need_headers else {}
        )
        return f"{self.base_url}{path}?{query}", stamp, headers

    def expire(self) -> None:
        """Make every link handed out so far expire now."""
        self._expired_before = time.time()

    def forget(self, statement_id: str) -> None:
        prefix = f"/results/{statement_id}/"
        with self._lock:
            for path in [p for p in self._files if p.startswith(prefix)]:
                del self._files[path]

    def download(self, request: Request, statement: str, index: str) -> Response:
        """Serve a chunk file, or refuse in object storage's XML."""
        path = f"/results/{statement}/{index}"
        refusal = self._refuse(request, path)
        if refusal is not None:
            self._counters.add("links.refused")
            return refusal
        with self._lock:
            file = self._files.get(path)
        if file is None or not file.exists():
            return _xml(404, "NoSuchKey", "The specified key does not exist.")
        self._counters.add("links.served")
        return _part(request, file)

    def _refuse(self, request: Request, path: str) -> Response | None:
        if "authorization" in request.headers:
            return _xml(
                400,
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                "Signature query string parameter or the Authorization header should be specified",
            )
        query = request.query
        try:
            issued, lifetime = float(query["X-Amz-Date"]), float(query["X-Amz-Expires"])
        except (KeyError, ValueError):
            return _xml(403, "AccessDenied", "Access Denied")
        expected = self._signature(path, issued, lifetime)
        if not hmac.compare_digest(expected, query.get("X-Amz-Signature", "")):
            return _xml(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if time.time() >= issued + lifetime or issued <= self._expired_before:
            return _xml(403, "AccessDenied", "Request has expired")
        if self._settings.links_need_headers:
            given = request.headers.get(REQUIRED_HEADER, "")
            if not hmac.compare_digest(given, self._header_key(path)):
                return _xml(400, "InvalidRequest", "The object was stored using encryption.")
        return None

    def _signature(self, path: str, issued: float, lifetime: float) -> str:
        text = f"{path}\n{issued:.6f}\n{lifetime:g}"
        return self._mark + hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _header_key(self, path: str) -> str:
        return hmac.new(self._key, b"header" + path.encode(), hashlib.sha256).hexdigest()


def _part(request: Request, file: Path) -> Response:
    size = file.stat().st_size
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if not match:
        return Response(200, FilePart(file, 0, size), headers)
    first = int(match.group(1))
    last = min(int(match.group(2) or size - 1), size - 1)
    if first > last:
        return _xml(416, "InvalidRange", "The requested range is not satisfiable")
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(206, FilePart(file, first, last - first + 1), headers)


def _xml(status: int, code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Response(status, body.encode(), {"Content-Type": "application/xml"})
