# SPDX-License-Identifier: PostgreSQL
"""The protocol authors' suite for authorization servers; a user signs in where it says so.

The suite sends no secret to a server whose metadata offers public clients. For a confidential
client the server stands behind a gateway, as its public URL, which doesn't offer them.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import Person
from cluster import Cluster
from conftest import Connection
from mcp_server import CLIENTS, NODE
from oauth_client import Application, make_client, oauth_tenant, origin
from playwright.sync_api import Browser

SUITE = CLIENTS / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
METADATA = "/.well-known/oauth-authorization-server"
CHECKS = [
    "authorization-code-grant",
    "authorization-server-metadata",
    "authorization-server-metadata-cimd",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_suite(
    connection: Connection, browser: Browser, issuer: str, folder: Path, is_public: bool
) -> list[dict]:
    """The checks that the suite made with a client of this kind."""
    port = free_port()
    with oauth_tenant(connection) as tenant:
        redirects = [f"http://127.0.0.1:{port}/callback"]
        application = make_client(connection, tenant, redirect_uris=redirects, is_public=is_public)
        suite = start_suite(application, issuer, folder, port)
        with suite:
            assert suite.stdout
            for line in suite.stdout:
                if re.match(r"https?://\S+/oauth/authorize\?", line):
                    Person(browser, tenant).agree(line.strip())
                    break
            rest = suite.stdout.read()
        assert suite.returncode == 0, rest
    reports = folder.glob("**/checks.json")
    return [check for report in reports for check in json.loads(report.read_text("utf-8"))]


def start_suite(
    application: Application, issuer: str, folder: Path, port: int
) -> subprocess.Popen[str]:
    command = [str(NODE), str(SUITE), "authorization", "--url", issuer, "-p", str(port)]
    command += ["--client-id", application.client_id, "--resource", issuer + "/mcp"]
    command += ["-o", str(folder)]
    if application.secret is not None:
        command += ["--client-secret", application.secret]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def assert_all_passed(checks: list[dict]) -> None:
    assert [check for check in checks if check["status"] != "SUCCESS"] == []
    assert sorted(check["id"] for check in checks) == CHECKS


def test_every_check_passes_for_a_public_client(
    session: Connection, browser: Browser, tmp_path: Path
) -> None:
    assert_all_passed(run_suite(session, browser, origin(), tmp_path, is_public=True))


@contextmanager
def gateway(port: int, upstream: list[str], secrets_seen: list[bool]) -> Iterator[None]:
    """Passes everything on, but offers no public clients."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/oauth/token":
                secrets_seen.append(b"client_secret=" in body)
            target = urlsplit(upstream[0])
            assert target.hostname
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=20)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            content = response.read()
            if self.path == METADATA:
                content = without_public_clients(content)
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_POST = forward

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def without_public_clients(metadata: bytes) -> bytes:
    document = json.loads(metadata)
    document["token_endpoint_auth_methods_supported"].remove("none")
    return json.dumps(document).encode()


@pytest.fixture
def behind_gateway(tmp_path: Path) -> Iterator[tuple[Cluster, str, list[bool]]]:
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    made = Cluster(tmp_path / "cluster", [f"lakehouse.public_url={issuer}"])
    seen: list[bool] = []
    with gateway(port, [made.environment["LAKEHOUSE_URL"]], seen):
        yield made, issuer, seen
    made.stop()


def test_every_check_passes_for_a_confidential_client(
    behind_gateway: tuple[Cluster, str, list[bool]],
    browser: Browser,
    tmp_path: Path,
) -> None:
    cluster, issuer, secrets_seen = behind_gateway
    with cluster.connect() as connection:
        checks = run_suite(connection, browser, issuer, tmp_path / "report", is_public=False)
    assert_all_passed(checks)
    assert secrets_seen == [True]
