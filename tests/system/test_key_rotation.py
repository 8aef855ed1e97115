# SPDX-License-Identifier: PostgreSQL
"""Master keys come and go while the worker serves: no scan fails, and every secret opens at any time.

On a cluster of its own, whose key file lies outside the data directory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import database_dump
import psycopg
import pytest
from cluster import Cluster
from conftest import connect_warehouse
from envelope import key_id, open_secret, read_keys
from ledger import hidden_key
from refusal import refused
from warehouse import wait_until
from worker_program import run_worker, succeed

Connection = psycopg.Connection[tuple]
TENANT = "keys"
ROWS = 3000
ENDPOINT = "https://k.example"
BACK_S = 30.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    one = Cluster(tmp_path_factory.mktemp("keys") / "cluster")
    with one.connect() as connection:
        connection.execute("SELECT lakehouse.create_tenant(%s)", [TENANT])
    yield one
    one.stop()


@pytest.fixture
def own_session(cluster: Cluster) -> Iterator[Connection]:
    with cluster.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def key_directory(cluster: Cluster) -> Iterator[Path]:
    with private_directory(cluster) as directory:
        yield directory


@contextlib.contextmanager
def private_directory(cluster: Cluster) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="lakehouse-keys-"))
    os.chown(directory, cluster.owner, -1)
    yield directory
    shutil.rmtree(directory)


def write_keys(cluster: Cluster, path: Path, text: str, mode: int = 0o400) -> Path:
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="ascii")
    path.chmod(mode)
    os.chown(path, cluster.owner, -1)
    return path


def new_key(number: int) -> str:
    return f"{number} {hidden_key()}\n"


def use_setting(cluster: Cluster, name: str, value: str) -> None:
    with cluster.connect() as connection:
        connection.execute(f"ALTER SYSTEM SET lakehouse.{name} = '{value}'")
        connection.execute("SELECT pg_reload_conf()")


def worker_pid(connection: Connection) -> int | None:
    row = connection.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    return row[0] if row else None


def wait_other_worker(connection: Connection, than: int | None) -> None:
    wait_until(lambda: worker_pid(connection) not in (None, than), BACK_S, "another worker")


@pytest.fixture(scope="module")
def key_file(cluster: Cluster, key_directory: Path) -> Path:
    """The worker's key file, with key 1; the tests before have left further ones in it."""
    path = write_keys(cluster, key_directory / "master.key", new_key(1))
    with cluster.connect() as connection:
        before = worker_pid(connection)
        use_setting(cluster, "master_key_file", str(path))
        wait_other_worker(connection, before)
    return path


def connect_to(cluster: Cluster, connection: Connection, name: str) -> None:
    names = ("url", "id", "catalog", "token")
    given = {key: cluster.environment[f"WAREHOUSE_{key.upper()}"] for key in names}
    connect_warehouse(connection, TENANT, name, **given)
    connection.execute(
        f"CREATE FOREIGN TABLE {TENANT}.nation_{name} (n_name text)"
        f" SERVER {TENANT}_{name} OPTIONS (schema 'tpch', table_name 'nation')"
    )


@pytest.fixture(scope="module")
def lake(cluster: Cluster, key_file: Path) -> str:
    with cluster.connect() as connection:
        connect_to(cluster, connection, "lake")
    return f"{TENANT}.nation_lake"


@pytest.fixture(scope="module")
def many_rows(cluster: Cluster, lake: str) -> int:
    with cluster.connect() as connection:
        connection.execute(
            f"""WITH made AS MATERIALIZED (
                    SELECT t.id AS tenant, gen_random_uuid() AS id, 'k' || n AS name
                    FROM lakehouse.tenants t, generate_series(1, %s) n WHERE t.slug = %s)
                INSERT INTO {TENANT}.warehouse_connections (tenant_id, id, name, engine, endpoint,
                    warehouse, auth, secret, secret_version)
                SELECT tenant, id, name, 'databricks', '{ENDPOINT}', 'w', 'token',
                    lakehouse.seal_secret(tenant, 'warehouse_connections', id,
                                          'secret for {ENDPOINT}', 1, name), 1 FROM made""",
            [ROWS, TENANT],
        )
    return ROWS


def assert_all_open(connection: Connection, key_file: Path) -> set[int]:
    """Every secret opens with the keys of the file and is what was given; their keys' ids."""
    keys = read_keys(key_file)
    rows = connection.execute(
        "SELECT tenant_id::text, id::text, endpoint, secret_version, name, secret"
        f" FROM {TENANT}.warehouse_connections WHERE endpoint = '{ENDPOINT}'"
    ).fetchall()
    assert len(rows) == ROWS
    for tenant, row, endpoint, version, name, secret in rows:
        assert version == 1
        assert open_secret(secret, keys, tenant, row, endpoint, version) == name
    return {key_id(row[5]) for row in rows}


def writing_key(connection: Connection) -> int:
    row = connection.execute("SELECT key_id FROM lakehouse.worker_status").fetchone()
    assert row is not None
    return row[0]


def older(connection: Connection, newest: int) -> int:
    row = connection.execute(
        "SELECT coalesce(sum(secrets), 0)::int FROM lakehouse.master_keys WHERE key_id < %s",
        [newest],
    ).fetchone()
    assert row is not None
    return row[0]


def add_key(connection: Connection) -> int:
    printed = succeed(connection, "key", "add")
    newest = writing_key(connection)
    assert f"master key {newest} encrypts from now on" in printed
    return newest


def wait_rotated(connection: Connection, newest: int) -> None:
    wait_until(lambda: older(connection, newest) == 0, 60, "every secret has the new key")


def test_added_key_writes_at_once_and_file_stays_private(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str
) -> None:
    before, worker = read_keys(key_file), worker_pid(own_session)
    newest = add_key(own_session)
    after = read_keys(key_file)
    assert newest == max(before) + 1
    assert {key: after[key] for key in before} == before
    facts = key_file.stat()
    assert (facts.st_mode & 0o7777, facts.st_uid) == (0o400, cluster.owner)
    assert [path.name for path in key_file.parent.iterdir()] == [key_file.name]
    wait_rotated(own_session, newest)
    assert own_session.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)
    assert worker_pid(own_session) == worker
    listed = succeed(own_session, "key", "list").splitlines()
    assert listed[-1].split()[-2:] == ["writing", "1"]
    assert not any(key.hex() in cluster.log() for key in after.values())


def test_key_added_by_hand_is_noticed(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str
) -> None:
    newest = max(read_keys(key_file)) + 1
    draft = key_file.with_name("draft")
    write_keys(cluster, draft, key_file.read_text(encoding="ascii") + new_key(newest))
    draft.rename(key_file)
    wait_until(lambda: writing_key(own_session) == newest, 5, "the worker has the new key")
    wait_rotated(own_session, newest)


def test_scans_go_on_while_keys_change(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str, many_rows: int
) -> None:
    done = threading.Event()
    counts: list[int] = []
    errors: list[psycopg.Error] = []

    def scan() -> None:
        try:
            with cluster.connect() as connection:
                while not done.is_set():
                    row = connection.execute(f"SELECT count(*) FROM {lake}").fetchone()
                    counts.append(row[0] if row else 0)
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        oldest = min(read_keys(key_file))
        newest = add_key(own_session)
        wait_rotated(own_session, newest)
        assert assert_all_open(own_session, key_file) == {newest}
        succeed(own_session, "key", "retire", str(oldest))
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(counts) > 20 and set(counts) == {25}


def test_killed_worker_leaves_every_secret_readable(
    own_session: Connection, key_file: Path, many_rows: int
) -> None:
    newest = add_key(own_session)
    seen = set()
    for share in (1.0, 0.75, 0.4, 0.2):
        limit = int(share * many_rows)
        wait_until(lambda limit=limit: older(own_session, newest) <= limit, 60, "the moment")
        killed = worker_pid(own_session)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        seen.add(older(own_session, newest))
        assert assert_all_open(own_session, key_file) <= {newest, *read_keys(key_file)}
        wait_other_worker(own_session, killed)
    assert len(seen) > 1 and 0 not in seen, f"killed in the middle: {seen}"
    wait_rotated(own_session, newest)
    assert assert_all_open(own_session, key_file) == {newest}


def test_key_in_use_is_not_retired(
    cluster: Cluster, own_session: Connection, key_file: Path, many_rows: int
) -> None:
    kept = writing_key(own_session)
    refused_now = run_worker(own_session, "key", "retire", str(kept))
    assert refused_now.returncode == 1
    assert f"master key {kept} encrypts new secrets" in refused_now.stderr
    with cluster.connect() as locking, locking.transaction():
        locked = locking.execute(
            f"SELECT tenant_id, id, secret FROM {TENANT}.warehouse_connections"
            " WHERE name = 'k7' FOR UPDATE"
        ).fetchone()
        assert locked is not None
        newest = add_key(own_session)
        wait_until(lambda: older(own_session, newest) == 1, 60, "all but the locked one")
        for _ in range(2):
            in_use = run_worker(own_session, "key", "retire", str(kept))
            assert in_use.returncode == 1
            assert f"master key {kept} still encrypts 1 secret\n" in in_use.stderr
            assert "HINT: " in in_use.stderr
            assert kept in read_keys(key_file)
    wait_rotated(own_session, newest)
    assert "removed" in succeed(own_session, "key", "retire", str(kept))
    assert kept not in read_keys(key_file)
    assert assert_all_open(own_session, key_file) == {newest}
    unknown = run_worker(own_session, "key", "retire", str(kept))
    assert f"there is no master key {kept}" in unknown.stderr
    # A secret that a slower worker encrypted with the key before, and stores only now.
    refused(
        own_session,
        f"UPDATE {TENANT}.warehouse_connections SET secret = %s WHERE name = 'k7'",
        "55000",
        [locked[2]],
    )


def test_swapped_envelope_does_not_open_after_rotation(
    cluster: Cluster, own_session: Connection, lake: str
) -> None:
    connect_to(cluster, own_session, "swap")
    newest = add_key(own_session)
    wait_rotated(own_session, newest)
    own_session.execute(
        f"UPDATE {TENANT}.warehouse_connections s SET secret = l.secret"
        f" FROM {TENANT}.warehouse_connections l WHERE s.name = 'swap' AND l.name = 'lake'"
    )
    refused(own_session, f"SELECT * FROM {TENANT}.nation_swap", "28000")
    own_session.execute(f"DROP SERVER {TENANT}_swap CASCADE")
    own_session.execute(f"DELETE FROM {TENANT}.warehouse_connections WHERE name = 'swap'")
    assert own_session.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)


def test_file_that_may_not_be_used_is_not_read_again(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str
) -> None:
    text = key_file.read_text(encoding="ascii")
    newest = writing_key(own_session)
    spoilt = {
        "Its group or others have permissions on it.": (text + new_key(newest + 1), 0o440),
        "does not end with 64 hexadecimal digits": (text + new_key(newest + 1)[:40], 0o400),
    }
    for content, mode in spoilt.values():
        lines = cluster.log().count("could not use master key file")
        write_keys(cluster, key_file, content, mode)
        wait_until(
            lambda lines=lines: cluster.log().count("could not use master key file") > lines,
            5,
            "the worker says so",
        )
        assert writing_key(own_session) == newest
        assert own_session.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)
        failed = run_worker(own_session, "key", "add")
        assert failed.returncode == 1 and "could not use master key file" in failed.stderr
    write_keys(cluster, key_file, text)


BAD_FILES = {
    "short": ("1 abcd\n", 0o400, "does not end with 64 hexadecimal digits"),
    "group": (new_key(1), 0o440, "Its group or others have permissions on it."),
}


@pytest.mark.parametrize("kind", list(BAD_FILES))
def test_worker_does_not_start_with_a_bad_file(
    kind: str, cluster: Cluster, own_session: Connection, key_file: Path, lake: str
) -> None:
    text, mode, detail = BAD_FILES[kind]
    path = write_keys(cluster, key_file.with_name(kind), text, mode)
    use_setting(cluster, "master_key_file", str(path))
    wait_until(lambda: f'key file \\"{path}\\"' in cluster.log(), BACK_S, "the worker says so")
    assert detail in cluster.log()
    assert worker_pid(own_session) is None
    use_setting(cluster, "master_key_file", str(key_file))
    wait_other_worker(own_session, None)
    assert own_session.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)
    path.unlink()


def test_another_key_of_the_same_id_opens_nothing(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str
) -> None:
    before = worker_pid(own_session)
    path = write_keys(cluster, key_file.with_name("wrong"), new_key(writing_key(own_session)))
    use_setting(cluster, "master_key_file", str(path))
    wait_other_worker(own_session, before)
    error = refused(own_session, f"SELECT count(*) FROM {lake}", "28000")
    assert error.diag.message_primary == "could not decrypt the stored secret"
    before = worker_pid(own_session)
    use_setting(cluster, "master_key_file", str(key_file))
    wait_other_worker(own_session, before)
    assert own_session.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)
    path.unlink()


def test_keys_of_a_command_change_with_a_reload(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str
) -> None:
    text, newest = key_file.read_text(encoding="ascii"), writing_key(own_session) + 1
    store = write_keys(cluster, key_file.with_name("store"), text)
    before = worker_pid(own_session)
    use_setting(cluster, "master_key_command", f"/bin/cat {store}")
    wait_other_worker(own_session, before)
    worker = worker_pid(own_session)
    failed = run_worker(own_session, "key", "add")
    assert failed.returncode == 1 and "lakehouse.master_key_command" in failed.stderr
    write_keys(cluster, store, text + new_key(newest))
    own_session.execute("SELECT pg_reload_conf()")
    wait_until(lambda: writing_key(own_session) == newest, 10, "the worker has the new key")
    wait_rotated(own_session, newest)
    assert "take it away" in succeed(own_session, "key", "retire", str(newest - 1))
    assert own_session.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)
    assert worker_pid(own_session) == worker
    write_keys(cluster, key_file, store.read_text(encoding="ascii"))
    use_setting(cluster, "master_key_command", "")
    wait_other_worker(own_session, worker)


def publish_something(connection: Connection) -> None:
    """Rows in the tables of shares. No job is left for the worker of a restored database."""
    connection.execute("SELECT lakehouse.create_share(%s, 'facts')", [TENANT])
    connection.execute("SELECT lakehouse.publish_now(%s)", [TENANT])
    connection.execute(
        "WITH made AS (INSERT INTO lakehouse.recipients (tenant_id, name)"
        " SELECT t.id, 'reader' FROM lakehouse.tenants t WHERE t.slug = %s RETURNING id)"
        " INSERT INTO lakehouse.recipient_tokens (recipient_id, token_hash) SELECT m.id, 'a' FROM made m",
        [TENANT],
    )
    connection.execute(
        "INSERT INTO lakehouse.share_grants (share_id, recipient_id)"
        " SELECT s.id, r.id FROM lakehouse.shares s JOIN lakehouse.recipients r USING (tenant_id)"
    )
    connection.execute("SELECT lakehouse.set_share_salt(%s, 'pepper')", [TENANT])  # is captured


def state(connection: Connection) -> dict[str, list]:
    """What a dump keeps: rows, numbers that come next, indexes and triggers.

    But not what is made anew: number and time of a policy's change, what a worker notes of its key,
    and that every row of a table may have changed.
    """
    tables = [*kept_relations(connection, "r"), f"{TENANT}.warehouse_connections"]
    tables += [f"{TENANT}.data_sources"]
    queries = {
        table: f"SELECT (to_jsonb(t) - '{{epoch,updated_at}}'::text[])::text FROM {table} t ORDER BY 1"
        for table in tables
        if table not in ("lakehouse.master_key_log", "lakehouse.captured_changes")
    }
    for sequence in kept_relations(connection, "S"):
        if sequence != "lakehouse.policy_epoch":
            queries[sequence] = f"SELECT nextval('{sequence}')"
    of_tenant = f"c.relnamespace = '{TENANT}'::regnamespace"
    queries["indexes"] = (
        "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i"
        f" JOIN pg_class c ON c.oid = i.indrelid WHERE {of_tenant} ORDER BY 1"
    )
    queries["triggers"] = (
        "SELECT c.relname, g.tgname, g.tgenabled::text FROM pg_trigger g"
        f" JOIN pg_class c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND {of_tenant} ORDER BY 1, 2"
    )
    return {part: connection.execute(query).fetchall() for part, query in queries.items()}


def kept_relations(connection: Connection, kind: str) -> list[str]:
    """Those of the extension whose rows a dump keeps."""
    rows = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_extension e JOIN pg_class c ON c.oid = ANY (e.extconfig)"
        " WHERE e.extname = 'lakehouse' AND c.relkind = %s ORDER BY 1",
        [kind],
    )
    return [row[0] for row in rows.fetchall()]


def is_usable(connection: Connection, name: str) -> bool:
    rows = connection.execute("SELECT ok FROM lakehouse.test_connection(%s, %s)", [TENANT, name])
    return all(row[0] for row in rows.fetchall())


def test_restored_database_needs_the_same_keys(
    cluster: Cluster, own_session: Connection, key_file: Path, lake: str, tmp_path: Path
) -> None:
    policy = f"SELECT lakehouse.expose('{TENANT}', '{lake}', NULL, $$n_name = 'FRANCE'$$)"
    own_session.execute(policy)
    own_session.execute(f"SET ROLE {TENANT}_member")
    own_session.execute(f"SELECT n_name FROM {lake}")  # and so a record of the audit log
    own_session.execute("RESET ROLE")
    publish_something(own_session)
    dump = database_dump.take(cluster)
    here = state(own_session)
    noted = "SELECT key_id, since, retired_at FROM lakehouse.master_keys ORDER BY key_id"
    newest = writing_key(own_session)
    other = Cluster(tmp_path / "other")
    try:
        with private_directory(other) as directory, other.connect() as connection:
            database_dump.restore(dump, other)
            there = state(connection)
            for part, rows in here.items():
                assert there[part] == rows, part
            refused(connection, f"SELECT * FROM {lake}", "28000")
            for text, opens in ((new_key(newest), False), (key_file.read_text("ascii"), True)):
                before = worker_pid(connection)
                path = write_keys(other, directory / f"{opens}.key", text)
                use_setting(other, "master_key_file", str(path))
                wait_other_worker(connection, before)
                verdict = connection.execute(
                    "SELECT intact, first_bad FROM lakehouse.verify_audit(%s)", [TENANT]
                ).fetchone()
                assert verdict == ((True, None) if opens else (False, 1))
                if opens:
                    assert is_usable(connection, "lake")
                    assert connection.execute(f"SELECT count(*) FROM {lake}").fetchone() == (25,)
                    connection.execute(f"SET ROLE {TENANT}_member")  # whose policy came along
                    names = connection.execute(f"SELECT n_name FROM {lake}; RESET ROLE").fetchall()
                    assert names == [("FRANCE",)]
                else:
                    refused(connection, f"SELECT * FROM {lake}", "28000")
            keys = own_session.execute(noted).fetchall()
            assert [row[::2] for row in connection.execute(noted)] == [row[::2] for row in keys]
    finally:
        other.stop()
