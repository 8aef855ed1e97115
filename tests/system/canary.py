# SPDX-License-Identifier: PostgreSQL
"""Looks for secrets wherever a running system could have left one."""

from __future__ import annotations

import base64
import mmap
import os
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple]


def forms_of(secret: str | bytes) -> list[bytes]:
    """The secret as it is and as a careless encoder would write it."""
    raw = secret.encode() if isinstance(secret, str) else secret
    forms = [raw, raw.hex().encode(), raw[::-1], b"".join(bytes([byte, 0]) for byte in raw)]
    # Base64 depends on where in its text the secret begins; the ends depend on its neighbours.
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw)
        forms.append(coded[4:-4])
    return forms


def found_in(data: bytes | mmap.mmap, secrets: Iterable[str]) -> bool:
    return any(data.find(form) >= 0 for secret in secrets for form in forms_of(secret))


def files_with(directory: Path, secrets: list[str]) -> list[str]:
    """The files below the directory that hold a secret."""
    return [str(path) for path in readable_files(directory) if file_holds(path, secrets)]


def snapshot(
    directory: Path,
    is_wanted: Callable[[Path], bool],
    read: Callable[[Path], bytes] = Path.read_bytes,
) -> dict[Path, bytes]:
    """What stands in the files below the directory, by their path in it.

    The server removes and renames files while we look. What is gone has left nothing, unless under
    another name: then all is read again, and a file that comes and goes is there as it was last.
    """
    contents: dict[Path, bytes] = {}
    for _ in range(10):
        paths = [path.relative_to(directory) for path in readable_files(directory)]
        wanted = [path for path in paths if is_wanted(path)]
        gone = 0
        for path in wanted:
            try:
                contents[path] = read(directory / path)
            except FileNotFoundError:
                gone += 1
        if gone == 0:
            break
    return contents


def raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def readable_files(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory, onerror=raise_unless_gone):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def file_holds(path: Path, secrets: list[str]) -> bool:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return found_in(file.read(), secrets)  # /proc says 0 of everything
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return found_in(data, secrets)
    except FileNotFoundError:
        return False  # the server removes files while we look


def processes_with(secrets: list[str], environment_of: set[int]) -> list[str]:
    """Processes with a secret on the command line, or in the environment of those named."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        names = ["cmdline"] + (["environ"] if int(process.name) in environment_of else [])
        for name in names:
            try:
                holds = found_in((process / name).read_bytes(), secrets)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # gone, or closed even to its own user: the worker is not dumpable
            if holds:
                found.append(f"{process.name}/{name}")
    return found


def relations_with(session: Connection, secrets: list[str]) -> list[str]:
    """Tables and views that show a secret: catalogs, settings, statistics, our own."""
    relations = session.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname <> 'information_schema'"
        " AND n.nspname !~ '^pg_(toast|temp)' ORDER BY 1, 2"
    ).fetchall()
    assert len(relations) > 100
    return [".".join(name) for name in relations if relation_holds(session, name, secrets)]


def relation_holds(session: Connection, name: tuple, secrets: list[str]) -> bool:
    query = sql.SQL("SELECT x::text FROM {} x").format(sql.Identifier(*name))
    own = query.as_string(session)
    rows = session.execute(query).fetchall()
    text = "\n".join(row[0] or "" for row in rows).replace(own, "")
    return found_in(text.encode(), secrets)


def page(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()
