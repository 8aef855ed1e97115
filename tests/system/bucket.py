# SPDX-License-Identifier: PostgreSQL
"""Tables that are published into a bucket, as `deltalake` reads them there."""

from __future__ import annotations

import itertools
import secrets

import psycopg
import s3_service
from delta_folder import DeltaFolder
from deltalake import DeltaTable
from published import Published, Publisher
from pyarrow import fs

kNumbers = itertools.count()
kFolder = "prod/x"


class Bucket:
    """With a folder that is a store of tenants' tables."""

    def __init__(self, service: s3_service.Service) -> None:
        self.service = service
        self.name = f"crm-{next(kNumbers)}-{secrets.token_hex(3)}"
        self.client = service.bucket(self.name)
        self.url = f"s3://{self.name}/{kFolder}"

    def use(self, session: psycopg.Connection[tuple], tenant: str) -> None:
        """What the tenant publishes from now on goes there."""
        session.execute(
            "SELECT lakehouse.use_s3(%s, %s, %s, %s, %s, %s, %s)",
            [
                tenant,
                self.url,
                s3_service.kRegion,
                s3_service.kKey,
                s3_service.kSecret,
                self.service.endpoint,
                s3_service.kRole,
            ],
        )

    def objects(self, below: str = "") -> list[str]:
        """Keys below the store's folder."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=f"{kFolder}/{below}"
        )
        found = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return [key.removeprefix(f"{kFolder}/") for key in found]

    def uploads(self, below: str = "") -> list[str]:
        """Keys of files that were sent in part."""
        found = self.client.list_multipart_uploads(Bucket=self.name, Prefix=f"{kFolder}/{below}")
        assert not found["IsTruncated"]
        return [one["Key"].removeprefix(f"{kFolder}/") for one in found.get("Uploads", [])]

    def folder(self, location: str) -> BucketFolder:
        return BucketFolder(self, location)


class BucketFolder(DeltaFolder):
    def __init__(self, bucket: Bucket, location: str) -> None:
        files = fs.S3FileSystem(
            access_key=s3_service.kKey,
            secret_key=s3_service.kSecret,
            endpoint_override=bucket.service.address,
            scheme="http",
            region=s3_service.kRegion,
        )
        self._bucket, self._location = bucket, location
        super().__init__(
            f"{bucket.url}/{location}",
            fs.SubTreeFileSystem(f"{bucket.name}/{kFolder}/{location}", files),
            storage_options(bucket.service),
        )

    def names(self) -> set[str]:
        uploads = self._bucket.uploads(f"{self._location}/")
        begun = {key.removeprefix(f"{self._location}/") + " in part" for key in uploads}
        return super().names() | begun


class BucketPublisher(Publisher):
    """A tenant whose tables go into a bucket of its own."""

    def __init__(
        self, connection: psycopg.Connection[tuple], service: s3_service.S3Service
    ) -> None:
        super().__init__(connection)
        self.service = service
        self.bucket = Bucket(service)
        self.bucket.use(connection, self.slug)

    def add(self, name: str, **options: object) -> BucketPublished:
        super().add(name, **options)
        return BucketPublished(self, name)

    def create(self, name: str, columns: str, **options: object) -> BucketPublished:
        self.execute(f"CREATE TABLE {name} ({columns})")
        return self.add(name, **options)


class BucketPublished(Published):
    publisher: BucketPublisher

    @property
    def location(self) -> str:
        return f"{self.publisher.bucket.url}/{self.row('location')}"

    def delta(self, version: int | None = None) -> DeltaTable:
        return self.publisher.bucket.folder(self.row("location")).table(version)

    def files(self) -> set[str]:
        return self.publisher.bucket.folder(self.row("location")).stored_files()


def storage_options(
    service: s3_service.Service,
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
