# SPDX-License-Identifier: PostgreSQL
"""Tables that are published into a bucket, as `deltalake` reads them there."""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
import secrets

import psycopg
import pyarrow
import s3_service
from deltalake import DeltaTable
from published import Published, Publisher, Row

kNumbers = itertools.count()


class BucketPublisher(Publisher):
    """A tenant whose tables go into a bucket of its own."""

    def __init__(
        self, connection: psycopg.Connection[tuple], service: s3_service.S3Service
    ) -> None:
        super().__init__(connection)
        self.service = service
        self.bucket = f"crm-{next(kNumbers)}-{secrets.token_hex(3)}"
        self.client = service.bucket(self.bucket)
        self.url = f"s3://{self.bucket}/prod/x"
        self.execute(
            "SELECT lakehouse.use_s3(%s, %s, %s, %s, %s, %s, %s)",
            self.slug,
            self.url,
            s3_service.kRegion,
            s3_service.kKey,
            s3_service.kSecret,
            service.endpoint,
            s3_service.kRole,
        )

    def add(self, name: str, **options: object) -> BucketPublished:
        super().add(name, **options)
        return BucketPublished(self, name)

    def create(self, name: str, columns: str, **options: object) -> BucketPublished:
        self.execute(f"CREATE TABLE {name} ({columns})")
        return self.add(name, **options)

    def objects(self, below: str = "") -> list[str]:
        """Keys below the store's folder."""
        start = f"prod/x/{below}"
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=start
        )
        return [
            one["Key"].removeprefix("prod/x/") for page in pages for one in page.get("Contents", [])
        ]


class BucketPublished(Published):
    publisher: BucketPublisher

    @property
    def location(self) -> str:
        return f"{self.publisher.url}/{self.row('location')}"

    def storage_options(self) -> dict[str, str]:
        return storage_options(self.publisher.service)

    def delta(self, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.location, version=version, storage_options=self.storage_options())

    def changes(self, first: int, last: int) -> list[Row]:
        """Read by another process: load_cdf() holds the lock of this one, whose thread is the service."""
        spawned = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, spawned) as pool:
            reading = pool.submit(read_changes, self.location, self.storage_options(), first, last)
            return reading.result(timeout=120)

    def files(self) -> set[str]:
        folder = self.row("location")
        keys = self.publisher.objects(folder + "/")
        return {key.removeprefix(folder + "/") for key in keys if "/_delta_log/" not in key}


def read_changes(location: str, options: dict[str, str], first: int, last: int) -> list[Row]:
    table = DeltaTable(location, storage_options=options)
    feed = table.load_cdf(starting_version=first, ending_version=last)
    return pyarrow.table(feed.read_all()).to_pylist()


def storage_options(
    service: s3_service.S3Service,
    key: str = s3_service.kKey,
    secret: str = s3_service.kSecret,
    token: str | None = None,
) -> dict[str, str]:
    options = {
        "AWS_ENDPOINT_URL": service.endpoint,
        "AWS_REGION": s3_service.kRegion,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_ALLOW_HTTP": "true",
    }
    return options | ({"AWS_SESSION_TOKEN": token} if token else {})
