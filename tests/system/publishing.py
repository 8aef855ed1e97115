# SPDX-License-Identifier: PostgreSQL
"""A private cluster whose worker publishes a tenant's tables into a small file system of its own, or into a bucket."""

from __future__ import annotations

import copy
import functools
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import s3_service
from bucket import Bucket
from cluster import Cluster
from delta_folder import DeltaFolder
from publish_steps import Steps
from published_rows import Rows, source_rows
from root_command import as_root
from second_worker import SecondWorker
from warehouse import wait_until

WORKER_S = 30.0
PUBLISHED_S = 120.0
DISK_BYTES = 192 << 20  # the longest run of make test leaves a third of it free
# Where a test's tables are stored, if not by the rule: on a disk, and in the long run in a bucket too.
IN_BOTH = pytest.mark.parametrize("publishing", ["local", "s3"], indirect=True)
ON_A_DISK = pytest.mark.parametrize("publishing", ["local"], indirect=True)
IN_A_BUCKET = pytest.mark.parametrize("publishing", ["s3"], indirect=True)
CONTRACT = ("accounts", "contacts", "leads", "opportunities", "activities", "cases")


class Publishing:
    """What a test asks of it, in a session of a superuser."""

    def __init__(self, cluster: Cluster, disk: Path, steps: Steps) -> None:
        self.cluster, self.disk, self.steps = cluster, disk, steps
        self.session = cluster.connect()
        self.bucket: Bucket | None = None

    def storing_in(self, bucket: Bucket) -> Publishing:
        """The same, but that tables of tenants that it makes lie in the bucket."""
        made = copy.copy(self)
        made.bucket = bucket
        return made

    def value(self, query: str, arguments: Any = None) -> Any:
        row = self.session.execute(query, arguments).fetchone()
        return None if row is None else row[0]

    def make_tenant(self, slug: str, with_sample: bool = False) -> None:
        """Its admins, with whose rights a publish reads, may read what tests make in its schema."""
        self.session.execute("SELECT lakehouse.create_tenant(%s)", [slug])
        self.session.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {slug} GRANT SELECT ON TABLES TO {slug}_admin"
        )
        if self.bucket:
            self.bucket.use(self.session, slug)
        if with_sample:
            self.session.execute("SELECT lakehouse.load_sample_crm(%s)", [slug])

    # Jobs

    def request(self, tenant: str) -> int:
        return self.value("SELECT lakehouse.publish(%s)", [tenant])

    def state(self, job: int) -> tuple[str, str | None]:
        query = "SELECT state, error FROM lakehouse.publish_jobs WHERE id = %s"
        row = self.session.execute(query, [job]).fetchone()
        assert row is not None
        return row

    def wait(self, job: int, seconds: float = PUBLISHED_S) -> tuple[str, str | None]:
        wait_until(lambda: self.state(job)[0] != "queued", seconds, f"job {job}")
        return self.state(job)

    def publish(self, tenant: str) -> int:
        job = self.request(tenant)
        state, error = self.wait(job)
        assert state == "done", error
        return job

    def publish_in_part(self, tenant: str) -> str:
        """Where a table can't be published. Returns why; the others are."""
        state, error = self.wait(self.request(tenant))
        assert state == "failed" and error is not None, (state, error)
        return error

    @contextmanager
    def held(self, tenant: str, step: str) -> Iterator[int]:
        """A publish that has come to the step, and goes on after the block."""
        with self.steps.holding(step):
            job = self.request(tenant)
            self.steps.wait(step)
            yield job

    # Tables

    def tables(self, tenant: str) -> dict[str, DeltaFolder]:
        """Folders of the tenant's published tables by their source."""
        found = self.session.execute(
            "SELECT source::text, location FROM lakehouse.published_tables"
            " WHERE tenant_id = lakehouse.find_tenant(%s) ORDER BY id",
            [tenant],
        ).fetchall()
        return {source: self.folder_at(location) for source, location in found}

    def folder(self, source: str) -> DeltaFolder:
        location = self.value(
            "SELECT location FROM lakehouse.published_tables WHERE source = %s::regclass", [source]
        )
        assert location is not None, f"{source} is not published"
        return self.folder_at(location)

    def folder_at(self, location: str) -> DeltaFolder:
        return self.bucket.folder(location) if self.bucket else DeltaFolder.of_disk(self.disk / location)

    def last_error(self, source: str) -> str | None:
        return self.value(
            "SELECT last_error FROM lakehouse.published_tables WHERE source = %s::regclass", [source]
        )

    def rows(self, source: str) -> Rows:
        return source_rows(self.session, source)

    # The worker

    def worker_pid(self) -> int | None:
        return self.value("SELECT pid FROM lakehouse.worker_status WHERE is_running")

    def wait_worker(self, other_than: int | None = None) -> int:
        wait_until(
            lambda: self.worker_pid() not in (None, other_than), WORKER_S, "a worker that runs"
        )
        pid = self.worker_pid()
        assert pid is not None
        return pid

    def kill_worker(self) -> None:
        """Returns once there is another."""
        pid = self.wait_worker()
        os.kill(pid, signal.SIGKILL)
        self.wait_worker(other_than=pid)

    def another_worker(self, log: Path) -> SecondWorker:
        """One that publishes into the same folders, and may be held at the same steps."""
        return SecondWorker(self.cluster, log, self.disk, self.steps.directory)

    @contextmanager
    def without_launched_worker(self) -> Iterator[None]:
        """A launcher waits ever longer before it starts a worker that is killed again and again."""
        self.session.execute("ALTER SYSTEM SET lakehouse.worker_autostart = off")
        self.session.execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.worker_pid() is None, WORKER_S, "the end of the worker")
        yield
        self.session.execute("ALTER SYSTEM RESET lakehouse.worker_autostart")
        self.session.execute("SELECT pg_reload_conf()")
        self.wait_worker()

    def set(self, **settings: str) -> None:
        """Settings of the worker, which starts anew with them."""
        pid = self.wait_worker()
        for name, value in settings.items():
            self.session.execute(f"ALTER SYSTEM SET lakehouse.{name} = '{value}'")
        self.session.execute("SELECT pg_reload_conf()")
        self.wait_worker(other_than=pid)

    # The store

    @contextmanager
    def no_room(self) -> Iterator[str]:
        """Nothing more can be written. Gives what an error then says."""
        if self.bucket:
            full = functools.partial(s3_service.refuse, 507, "XMinioStorageFull", ("PUT", "POST"))
            with self.bucket.service.failing(full):
                yield "It answered 507 (XMinioStorageFull)"
            return
        filler = self.disk / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                fill(file.fileno())
            yield "No space left on device"
        finally:
            filler.unlink(missing_ok=True)

    @contextmanager
    def outage(self) -> Iterator[str]:
        """The bucket's service answers nothing but that it can't. Gives what an error then says."""
        assert self.bucket
        methods = ("GET", "HEAD", "PUT", "POST", "DELETE")
        out = functools.partial(s3_service.refuse, 503, "ServiceUnavailable", methods)
        with self.bucket.service.failing(out):
            yield "It answered 503 (ServiceUnavailable)"


def fill(descriptor: int) -> None:
    """To the last byte."""
    block = bytes(1 << 16)
    while block:
        try:
            os.write(descriptor, block)
        except OSError:
            block = block[: len(block) // 2]


@contextmanager
def small_disk(owner: int) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="lakehouse-delta-"))
    options = f"size={DISK_BYTES},mode=0755,uid={owner}"
    as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place))
    try:
        yield place
    finally:
        as_root("umount", "--lazy", str(place))
        place.rmdir()


@contextmanager
def open_directory() -> Iterator[Path]:
    """Where the server's user and the test's may write."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-steps-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextmanager
def publishing_cluster(directory: Path, *settings: str) -> Iterator[Publishing]:
    with open_directory() as steps:
        cluster = Cluster(directory, [f"lakehouse.debug_publish_directory = '{steps}'", *settings])
        try:
            with small_disk(cluster.owner) as disk:
                made = Publishing(cluster, disk, Steps(steps))
                made.set(delta_directory=str(disk))
                yield made
                made.session.close()
        finally:
            cluster.stop()
