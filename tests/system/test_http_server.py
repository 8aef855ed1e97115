# SPDX-License-Identifier: PostgreSQL
"""The worker's HTTP server against clients that mean harm or are many.

What single bytes do is shown by the unit tests; here the running program answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from cluster import Cluster
from http_client import RawClient, ask, host
from worker_program import setting

HEAD_SECONDS = 10  # the server's limit for a request's head
LIVE = b"GET /live HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"


def live(name: str) -> bytes:
    return LIVE % name.encode()


def post(fields: bytes, body: bytes) -> bytes:
    return b"POST /live HTTP/1.1\r\nHost: %s\r\n%s\r\n%s" % (
        host().encode(),
        fields,
        body,
    )


# Each hides a second request in what another reader might take for the first one's body.
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n" % host().encode()
FRAMINGS = {
    "length_and_chunked": post(
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "chunked_and_length": post(
        b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "two_lengths": post(b"Content-Length: 0\r\nContent-Length: 44\r\n", SMUGGLED),
    "list_of_lengths": post(b"Content-Length: 0, 44\r\n", SMUGGLED),
    "signed_length": post(b"Content-Length: +0\r\n", SMUGGLED),
    "coding_not_last": post(
        b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "coding_twice": post(
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"0\r\n\r\n" + SMUGGLED,
    ),
    "misspelt_coding": post(
        b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "space_before_colon": post(
        b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "tab_before_coding": post(
        b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "folded_coding": post(
        b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n" + SMUGGLED
    ),
    "bare_line_feeds": post(b"A: b\nContent-Length: 44\r\n", SMUGGLED),
    "chunk_size_with_prefix": post(
        b"Transfer-Encoding: chunked\r\n", b"0x0\r\n\r\n" + SMUGGLED
    ),
    "chunk_ended_by_line_feed": post(
        b"Transfer-Encoding: chunked\r\n", b"1\nx\n0\n\n" + SMUGGLED
    ),
    "chunked_in_http_1_0": post(
        b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED
    ).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "two_hosts": live(host()).replace(b"Host:", b"Host: evil.example.com\r\nHost:", 1)
    + SMUGGLED,
    "target_of_another_host": live(host()).replace(
        b"GET /", b"GET http://evil.example.com/", 1
    )
    + SMUGGLED,
    "http_2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "tunnel": b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (2 * (host().encode(),))
    + SMUGGLED,
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_doubtful_framing_is_refused_and_nothing_after_it_is_read(name: str) -> None:
    answer = ask(FRAMINGS[name])
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"X-Request-Id: ") == 1, answer
    assert b"lakehouse_" not in answer


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (431, b"GET /live HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n"),
        (431, b"GET /live HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n"),
        (414, b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        (413, post(b"Content-Length: 1048577\r\n", b"")),
    ],
)
def test_too_much_is_refused(status: int, text: bytes) -> None:
    assert ask(text).startswith(b"HTTP/1.1 %d " % status)


def test_a_head_that_drips_is_cut_off_in_time() -> None:
    with RawClient() as client:
        began = time.monotonic()
        client.send(b"GET /live HTTP/1.1\r\n")
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.5):
                try:
                    client.send(b"A: b\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        client.receive_all()
        ended.set()
        thread.join()
        assert HEAD_SECONDS - 1 < time.monotonic() - began < HEAD_SECONDS + 5
        assert client.received == b""


def test_other_hosts_are_not_answered_for() -> None:
    assert ask(live("evil.example.com")).startswith(b"HTTP/1.1 421 ")
    assert ask(live(host())).startswith(b"HTTP/1.1 200 ")
    port = host().rpartition(":")[2]
    assert ask(live(f"localhost:{port}")).startswith(b"HTTP/1.1 200 ")
    # A probe of a cluster manager asks by the address it knows, which may not be ours.
    assert ask(live("10.1.2.3:80")).startswith(b"HTTP/1.1 200 ")


def test_pages_of_other_origins_are_refused() -> None:
    foreign = live(host()).replace(
        b"\r\n\r\n", b"\r\nOrigin: https://evil.example.com\r\n\r\n"
    )
    assert ask(foreign).startswith(b"HTTP/1.1 403 ")
    own = live(host()).replace(
        b"\r\n\r\n", b"\r\nOrigin: http://%s\r\n\r\n" % host().encode()
    )
    assert ask(own).startswith(b"HTTP/1.1 200 ")


def resident_megabytes(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the process has ended")


def worker_pid(session: psycopg.Connection[tuple]) -> int:
    row = session.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
    assert row is not None
    return row[0]


def test_a_thousand_idle_connections_take_little_memory(
    session: psycopg.Connection[tuple],
) -> None:
    keep = live(host()).replace(b"Connection: close\r\n", b"")
    before = resident_megabytes(worker_pid(session))
    with ExitStack() as opened:
        clients = [opened.enter_context(RawClient()) for _ in range(1000)]
        for client in clients:
            client.send(keep)
        for client in clients:
            client.receive_until(b'"live"}')
        assert resident_megabytes(worker_pid(session)) - before < 50
        for client in clients[::100]:
            client.received = b""
            client.send(keep)
            client.receive_until(b'"live"}')
    # Their places are free again: more would be closed without an answer.
    deadline = time.monotonic() + 10
    while not ask(live(host())):
        assert time.monotonic() < deadline


def test_public_url_and_allowed_origins_follow_their_settings(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "cluster")
    try:
        with cluster.connect() as session:
            address = setting(session, "lakehouse.listen")
            change(
                session, "lakehouse.public_url", "https://{org-slug}.crm.example.com"
            )
            change(
                session,
                "lakehouse.allowed_origins",
                "https://Inspector.example.com, app://x",
            )
            session.execute("SELECT pg_reload_conf()")
            wait_until(
                lambda: b" 200 " in ask_at(address, live("acme.crm.example.com"))
            )
            assert b" 421 " in ask_at(address, live("crm.example.com"))
            origin = b"\r\nOrigin: https://inspector.example.com\r\n\r\n"
            answer = ask_at(
                address, live("acme.crm.example.com").replace(b"\r\n\r\n", origin)
            )
            assert (
                b"Access-Control-Allow-Origin: https://inspector.example.com\r\n"
                in answer
            )
            assert b"Strict-Transport-Security:" in answer
            change(session, "lakehouse.public_url", "http://crm.example.com")
            session.execute("SELECT pg_reload_conf()")
            wait_until(lambda: "Plain http is for loopback hosts only" in cluster.log())
    finally:
        cluster.stop()


def change(session: psycopg.Connection[tuple], name: str, value: str) -> None:
    session.execute(f"ALTER SYSTEM SET {name} = '{value}'")


def ask_at(address: str, text: bytes) -> bytes:
    name, _, port = address.rpartition(":")
    try:
        with RawClient(address=(name, int(port))) as client:
            client.send(text)
            return client.receive_all()
    except ConnectionError:  # the worker restarts
        return b""


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
