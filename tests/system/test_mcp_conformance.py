# SPDX-License-Identifier: PostgreSQL
"""The protocol authors' own conformance suite against the server as it is delivered.

The suite can't send a token, so a proxy brings one. What the suite expects a server to offer are rows
of the catalog here, added as an administrator would (`conformance/catalog.sql`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from mcp_server import run_node
from oauth_client import User, make_client, oauth_tenant, origin
from token_proxy import proxy_with_token

SUITE = "@modelcontextprotocol/conformance/dist/index.js"
CATALOG = Path(__file__).parent / "conformance" / "catalog.sql"
# What the suite runs and does not score, and we don't offer: the extension for tasks.
NOT_OFFERED = "tasks-"
# Checks that must pass, so that a suite that ran nothing does not count.
LEAST = {"2025-11-25": 78, "2026-07-28": 150}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Of its own: the suite's tools are nothing other tests should see."""
    made = Cluster(tmp_path_factory.mktemp("conformance") / "cluster")
    before = dict(os.environ)
    os.environ.update(made.environment)
    yield made
    os.environ.clear()
    os.environ.update(before)
    made.stop()


@pytest.fixture(scope="module")
def endpoint(cluster: Cluster) -> Iterator[str]:
    with cluster.connect() as connection, oauth_tenant(connection) as tenant:
        connection.execute(CATALOG.read_text(encoding="utf-8"))
        application = make_client(connection, tenant)
        tokens = User(f"member@{tenant}.example", tenant).tokens(application)
        with proxy_with_token(origin(), tokens["access_token"]) as url:
            yield url + "/mcp"


@pytest.mark.parametrize("revision", list(LEAST))
def test_every_scored_scenario_passes(revision: str, endpoint: str, tmp_path: Path) -> None:
    done = run_node(
        SUITE, "server", "--url", endpoint, "--requirements", revision, "-o", str(tmp_path)
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed, failed = 0, []
    for report in sorted(tmp_path.glob("*/checks.json")):
        for check in json.loads(report.read_text(encoding="utf-8")):
            if check["status"] == "SUCCESS":
                passed += 1
            elif check["status"] == "FAILURE" and NOT_OFFERED not in report.parent.name:
                failed.append((report.parent.name, check["id"], check.get("errorMessage")))
    assert not failed
    assert passed >= LEAST[revision]
