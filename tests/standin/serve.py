# SPDX-License-Identifier: PostgreSQL
"""Starts the stand-in warehouse; reads as the list of start-up steps. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import ssl
import threading
from pathlib import Path

from data import catalog
from data.model import CATALOG
from databricks_api.auth import Credentials
from databricks_api.routes import api_origin, links_origin
from databricks_api.service import Service
from databricks_api.settings import Settings
from engine.contract import Engine
from server.listener import Listener


def main() -> None:
    options = _options()
    stopping = _stop_on_signal()
    dataset = catalog.prepare(options.data)
    scratch = _scratch(options.data)
    engine = _engine(options.engine, dataset, scratch)
    credentials = _credentials()
    service = Service(
        engine,
        Settings(running_ms=options.delay_ms, chunk_bytes=options.chunk_bytes),
        credentials,
        os.environ.get("STANDIN_WAREHOUSE_ID") or secrets.token_hex(8),
        scratch,
        options.data / f"kept-v{catalog.DATA_VERSION}-{options.engine}",
    )
    tls = _tls(options.tls_cert, options.tls_key)
    links = Listener("links", options.links_port, links_origin(service), tls)
    api = Listener("api", options.port, api_origin(service, lambda: api.url), tls)
    service.links.base_url = links.url
    links.start()
    api.start()
    _announce(options.ready_file, api.url, links.url, service.warehouse.id, credentials)
    stopping.wait()
    api.stop()
    links.stop()
    service.close()
    engine.close()
    shutil.rmtree(scratch, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A local service that speaks the Databricks API.")
    parser.add_argument("--port", type=int, default=0, help="API port; 0 takes a free one")
    parser.add_argument("--links-port", type=int, default=0, help="port of the result links")
    parser.add_argument("--data", type=Path, required=True, help="keeps generated data")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--ready-file", type=Path, required=True, help="written when ready")
    parser.add_argument("--delay-ms", type=int, default=0, help="how long each statement runs")
    parser.add_argument("--chunk-bytes", type=int, default=Settings.chunk_bytes)
    return parser.parse_args()


def _stop_on_signal() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def _scratch(data: Path) -> Path:
    """A directory of this process; those of processes that were killed are removed."""
    for old in data.glob("run-*"):
        if not Path(f"/proc/{old.name.removeprefix('run-')}").exists():
            shutil.rmtree(old, ignore_errors=True)
    scratch = data / f"run-{os.getpid()}"
    scratch.mkdir(parents=True)
    return scratch


def _engine(name: str, dataset: catalog.Dataset, scratch: Path) -> Engine:
    if name == "spark":
        from engine.spark.engine import SparkEngine

        return SparkEngine(dataset, scratch)
    from engine.duck.engine import DuckEngine

    return DuckEngine(dataset, scratch)


def _credentials() -> Credentials:
    """From the environment, else random; never from the command line, which others can read."""
    mark = os.environ.get("STANDIN_MARK") or secrets.token_hex(12)
    return Credentials(
        os.environ.get("STANDIN_TOKEN") or f"dapi{mark}{secrets.token_hex(8)}",
        os.environ.get("STANDIN_CLIENT_ID") or secrets.token_hex(16),
        os.environ.get("STANDIN_CLIENT_SECRET") or f"dose{mark}{secrets.token_hex(8)}",
        mark,
    )


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _announce(
    file: Path, url: str, links_url: str, warehouse_id: str, credentials: Credentials
) -> None:
    """Write the ready file in one step, readable by its owner only."""
    value = {
        "url": url,
        "links_url": links_url,
        "control_url": f"{url}/_standin",
        "warehouse_id": warehouse_id,
        "token": credentials.token,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "mark": credentials.mark,
        "catalog": CATALOG,
        "pid": os.getpid(),
    }
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        json.dump(value, stream)
    unfinished.rename(file)


if __name__ == "__main__":
    main()
