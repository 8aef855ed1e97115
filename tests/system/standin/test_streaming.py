# SPDX-License-Identifier: PostgreSQL
"""Large results: written to disk as they come, served fast, given up at once when cancelled."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from process import STATEMENTS, Standin

MIB = 1 << 20
WIDE = "SELECT id, repeat('0123456789', 100) AS s FROM range({rows})"


def test_result_far_larger_than_the_memory_it_takes(standin: Standin) -> None:
    standin.rows("SELECT 1")
    before = standin.rss_bytes()
    value = standin.execute(WIDE.format(rows=1_000_000), disposition="EXTERNAL_LINKS")
    while value["status"]["state"] in ("PENDING", "RUNNING"):
        value = standin.poll(value["statement_id"], "SUCCEEDED", seconds=120)
    assert value["manifest"]["total_byte_count"] > 950 * MIB
    assert standin.rss_bytes() - before < 400 * MIB


def test_chunks_are_full_and_whole(standin: Standin) -> None:
    standin.settings(chunk_bytes=4 * MIB)
    value = standin.execute(WIDE.format(rows=50_000), disposition="EXTERNAL_LINKS")
    sizes = [chunk["byte_count"] for chunk in value["manifest"]["chunks"]]
    assert all(3.9 * MIB < size <= 4 * MIB + 2 for size in sizes[:-1])
    offsets = [chunk["row_offset"] for chunk in value["manifest"]["chunks"]]
    counts = [chunk["row_count"] for chunk in value["manifest"]["chunks"]]
    assert offsets == [sum(counts[:index]) for index in range(len(counts))]


def test_row_larger_than_a_chunk_gets_a_chunk_of_its_own(standin: Standin) -> None:
    standin.settings(chunk_bytes=100)
    value = standin.execute("SELECT repeat('x', 1000) FROM range(3)", disposition="EXTERNAL_LINKS")
    assert [chunk["row_count"] for chunk in value["manifest"]["chunks"]] == [1, 1, 1]


def test_cancel_in_mid_stream_frees_engine_and_disk(standin: Standin, standin_data: Path) -> None:
    value = standin.post(
        WIDE.format(rows=100_000_000), wait_timeout="0s", disposition="EXTERNAL_LINKS"
    )
    statement_id = value.json()["statement_id"]
    directory = standin_data / f"run-{standin.process.pid}" / statement_id
    _until(lambda: directory.exists() and any(directory.iterdir()))
    started = time.monotonic()
    standin.call("POST", f"{STATEMENTS}/{statement_id}/cancel")
    standin.poll(statement_id, "CANCELED", seconds=5)
    assert time.monotonic() - started < 1.5
    assert not directory.exists()


def test_closing_removes_the_chunk_files(standin: Standin, standin_data: Path) -> None:
    value = standin.execute("SELECT * FROM range(1000)", disposition="EXTERNAL_LINKS")
    directory = standin_data / f"run-{standin.process.pid}" / value["statement_id"]
    assert directory.exists()
    standin.call("DELETE", f"{STATEMENTS}/{value['statement_id']}")
    assert not directory.exists()


def test_links_are_served_at_file_speed(standin: Standin) -> None:
    """A bandwidth test needs a server that is no bottleneck: a loose bound, for busy machines."""
    body = {"statement": WIDE.format(rows=200_000), "chunk_bytes": 64 * MIB}
    standin.control("POST", "prerender", body)
    value = standin.execute(body["statement"], disposition="EXTERNAL_LINKS")
    link = value["result"]["external_links"][0]
    rates = [_download_rate(link["external_link"], link["byte_count"]) for _ in range(3)]
    assert max(rates) > 300 * MIB


@pytest.mark.parametrize("killed", [False, True])
def test_service_leaves_no_scratch_behind(standin_data: Path, tmp_path: Path, killed: bool) -> None:
    from process import running

    old = standin_data / "run-999999999"
    if killed:
        old.mkdir()
        (old / "chunk-0").write_bytes(b"left by a process that was killed")
    with running(standin_data, tmp_path / "ready.json") as service:
        service.execute("SELECT 1", disposition="EXTERNAL_LINKS")
        scratch = standin_data / f"run-{service.process.pid}"
        assert scratch.exists()
    assert not scratch.exists()
    assert not old.exists()


def test_interrupted_generation_is_done_again(tmp_path: Path) -> None:
    from process import running

    data = tmp_path / "data"
    unfinished = data / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "tpch.orders.parquet").write_bytes(b"half a file")
    with running(data, tmp_path / "ready.json") as service:
        assert service.rows("SELECT count(*) FROM demo.tpch.orders") == [["150000"]]
        assert service.rows("SELECT count(*) FROM demo.product.usage") == [["16008"]]
    shutil.rmtree(data)


def _until(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _download_rate(url: str, size: int) -> float:
    """Bytes per second of one download into nowhere."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        started = time.monotonic()
        connection.sendall(request.encode())
        buffer, received = bytearray(4 * MIB), 0
        while count := connection.recv_into(buffer):
            received += count
        seconds = time.monotonic() - started
    assert received >= size
    return received / seconds
