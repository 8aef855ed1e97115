# SPDX-License-Identifier: PostgreSQL
"""A bucket as a store, beside an independent client (boto3) of the same service."""

import itertools
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions
import deltalake
import pyarrow.fs
import pytest
import s3_service
from s3_service import Answer, S3Service, Seen, error_answer

kTables = Path(os.environ.get("DELTA_TABLES", "build/cmake/tests/delta/delta_tables"))
kProgram = kTables.with_name("delta_store")
kNumbers = itertools.count()


class Bucket:
    """A bucket of its own for each test, and the program under test with it."""

    def __init__(self, service: S3Service) -> None:
        self.service = service
        self.name = f"lake-{next(kNumbers)}"
        self.client = service.bucket(self.name)

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "S3_ENDPOINT": self.service.endpoint,
            "S3_BUCKET": self.name,
            "S3_FOLDER": "prod/x",
            "AWS_REGION": s3_service.kRegion,
            "AWS_ACCESS_KEY_ID": s3_service.kKey,
            "AWS_SECRET_ACCESS_KEY": s3_service.kSecret,
            **changes,
        }

    def run(self, *arguments: str, content: bytes = b"", **changes: str) -> bytes:
        run = subprocess.run(
            [kProgram, *arguments],
            input=content,
            env=self.environment(**changes),
            capture_output=True,
            timeout=120,
        )
        if run.returncode != 0:
            raise StoreError(run.stderr.decode())
        return run.stdout

    def key(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def uploads(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=self.name)
        return [one["Key"] for one in found.get("Uploads", [])]


class StoreError(Exception):
    @property
    def code(self) -> str:
        return str(self).split("\n")[0]


@pytest.fixture
def bucket(s3: S3Service) -> Bucket:
    s3.gate.fault = s3.gate.after = None
    return Bucket(s3)


def refused(bucket: Bucket, *arguments: str, **changes: str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        bucket.run(*arguments, content=b"x", **changes)
    assert s3_service.kSecret not in str(caught.value)
    assert s3_service.kKey not in str(caught.value)
    return caught.value


def times(count: int, method: str, answer: Callable[[Seen], Answer]) -> s3_service.Fault:
    left = [count]

    def fault(seen: Seen) -> Answer | None:
        if seen.method != method or left[0] == 0:
            return None
        left[0] -= 1
        return answer(seen)

    return fault


def test_files_are_put_got_and_removed(bucket: Bucket) -> None:
    name = "t/a b+ü%.json"
    bucket.run("put", name, content=b"one")
    assert bucket.keys() == [f"prod/x/{name}"]
    assert bucket.key(f"prod/x/{name}") == b"one"
    assert bucket.run("get", name) == b"one"
    bucket.run("remove", name)
    bucket.run("remove", name)
    assert bucket.keys() == []
    assert refused(bucket, "get", name).code == "NOT_FOUND"


def test_a_conditional_put_keeps_what_is_there(bucket: Bucket) -> None:
    assert bucket.run("put-if-absent", "0.json", content=b"one") == b"true\n"
    assert bucket.run("put-if-absent", "0.json", content=b"two") == b"false\n"
    assert bucket.key("prod/x/0.json") == b"one"


def test_of_many_writers_of_one_name_exactly_one_wins(bucket: Bucket) -> None:
    answers: list[bytes] = []
    writers = [
        threading.Thread(
            target=lambda i=i: answers.append(
                bucket.run("put-if-absent", "0.json", content=str(i).encode())
            )
        )
        for i in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(answers) == [b"false\n"] * 5 + [b"true\n"]


def test_a_lost_answer_is_known_for_ours(bucket: Bucket) -> None:
    lost = [True]

    def lose(seen: Seen, answer: Answer) -> Answer:
        if seen.method != "PUT" or not lost[0]:
            return answer
        lost[0] = False
        return error_answer(500, "InternalError")

    bucket.service.gate.after = lose
    assert bucket.run("put-if-absent", "0.json", content=b"mine") == b"true\n"
    bucket.service.gate.after = None
    assert bucket.key("prod/x/0.json") == b"mine"


def test_large_files_go_in_parts(bucket: Bucket) -> None:
    content = os.urandom(20 << 20)
    assert bucket.run("put-if-absent", "big", content=content) == b"true\n"
    assert bucket.key("prod/x/big") == content
    assert bucket.run("get", "big") == content
    assert bucket.run("put-if-absent", "big", content=content[:-1]) == b"false\n"
    assert bucket.key("prod/x/big") == content
    assert bucket.uploads() == []


def test_what_a_killed_upload_left_is_removed_once_it_is_old(bucket: Bucket) -> None:
    bucket.run("abandon", "big")
    assert bucket.uploads() == ["prod/x/big"]
    assert bucket.keys() == []
    # moto says of every upload that it was begun in 2010.
    assert bucket.run("remove-unfinished", "", str(100 * 365 * 86400)) == b"0\n"
    assert bucket.run("remove-unfinished", "other", "3600") == b"0\n"
    assert bucket.run("remove-unfinished", "big", "3600") == b"1\n"
    assert bucket.uploads() == []


def test_all_that_uploads_left_is_removed_though_clocks_differ(bucket: Bucket) -> None:
    def date(_: Seen, answer: Answer) -> Answer:
        return answer[0], answer[1], answer[2].replace(b"2010-11-10", b"2090-11-10")

    bucket.run("abandon", "big")
    bucket.service.gate.after = date
    assert bucket.run("remove-unfinished", "", "1") == b"0\n"
    assert bucket.run("remove-unfinished", "", "0") == b"1\n"
    bucket.service.gate.after = None
    assert bucket.uploads() == []


def test_a_listing_goes_through_all_pages(bucket: Bucket) -> None:
    names = [f"data/{i:05}" for i in range(2345)]
    foreign = ["prod/x/", "prod/x/data//1", "prod/xx"]
    bucket.service.fill(bucket.name, [f"prod/x/{name}" for name in names] + foreign)
    assert bucket.run("list", "").decode().splitlines() == [f"{name}\t2" for name in names]
    assert bucket.run("list", "data/0001").decode().count("\n") == 10
    pages = [s for s in bucket.service.gate.seen if s.query.get("list-type") == "2"]
    assert sum("continuation-token" in s.query for s in pages[-20:]) >= 2


def test_failures_are_tried_again_and_end(bucket: Bucket) -> None:
    for status in (429, 500, 502, 503, 504):
        code = lambda _, status=status: error_answer(status, "SlowDown")  # noqa: E731
        with bucket.service.failing(times(2, "PUT", code)):
            assert bucket.run("put-if-absent", f"{status}", content=b"x") == b"true\n"
    with bucket.service.failing(times(1000, "GET", lambda _: error_answer(503, "SlowDown"))):
        assert refused(bucket, "get", "503").code == "UNAVAILABLE"


def test_a_slow_service_is_left(bucket: Bucket) -> None:
    def sleep(_: Seen) -> Answer:
        time.sleep(3)
        return error_answer(500, "InternalError")

    with bucket.service.failing(times(1, "PUT", sleep)):
        assert bucket.run("put-if-absent", "slow", content=b"x") == b"true\n"


def test_a_body_cut_short_is_never_taken_for_the_whole(bucket: Bucket) -> None:
    bucket.run("put", "x", content=b"0123456789")
    left = [2]

    def cut(seen: Seen, answer: Answer) -> Answer:
        if seen.method != "GET" or left[0] == 0:
            return answer
        left[0] -= 1
        return answer[0], answer[1], answer[2][:4]  # the header still says ten

    bucket.service.gate.after = cut
    assert bucket.run("get", "x") == b"0123456789"
    left[0] = 1000
    assert refused(bucket, "get", "x").code == "UNAVAILABLE"
    bucket.service.gate.after = None


def test_a_wrong_key_or_bucket_is_told_without_the_secret(bucket: Bucket) -> None:
    wrong = {"AWS_SECRET_ACCESS_KEY": "wrong"}
    assert refused(bucket, "put", "x", **wrong).code == "PERMISSION_DENIED"
    assert refused(bucket, "list", "", AWS_ACCESS_KEY_ID="AKIDNOBODY").code == "PERMISSION_DENIED"
    missing = refused(bucket, "put", "x", S3_BUCKET="no-such-bucket")
    assert missing.code == "NOT_FOUND"
    assert "bucket does not exist" in str(missing)
    assert bucket.keys() == []


def fetch(url: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def test_presigned_urls_give_one_object_for_a_time(bucket: Bucket) -> None:
    bucket.run("put", "t/a b+ü.parquet", content=b"0123456789")
    url = bucket.run("presign", "t/a b+ü.parquet", "60").decode().strip()
    assert fetch(url) == (200, b"0123456789")
    assert fetch(url, Range="bytes=2-4") == (206, b"234")
    assert fetch(url, "HEAD")[0] == 403
    assert (
        fetch(bucket.run("presign", "t/a b+ü.parquet", "60", "head").decode().strip(), "HEAD")[0]
        == 200
    )
    assert fetch(url.replace("/t/", "/t2/"))[0] == 403
    assert fetch(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))[0] == 403
    short = bucket.run("presign", "t/a b+ü.parquet", "1").decode().strip()
    time.sleep(2.1)  # what is to be seen is that time has passed
    assert fetch(short)[0] == 403


def test_temporary_credentials_read_one_folder(bucket: Bucket) -> None:
    bucket.run("put", "t1/a", content=b"one")
    bucket.run("put", "t2/a", content=b"two")
    key, secret, token = bucket.run("assume", s3_service.kRole, "t1").decode().split()
    client = bucket.service.client(key, secret, token)

    def denied(operation: Callable[[], Any]) -> bool:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            operation()
        return caught.value.response["Error"]["Code"] == "AccessDenied"

    def get(name: str) -> Any:
        return client.get_object(Bucket=bucket.name, Key=f"prod/x/{name}")

    def list_below(prefix: str) -> Any:
        return client.list_objects_v2(Bucket=bucket.name, Prefix=prefix)

    assert get("t1/a")["Body"].read() == b"one"
    assert list_below("prod/x/t1/")["KeyCount"] == 1
    assert denied(lambda: get("t2/a"))
    assert denied(lambda: list_below("prod/x/t2/"))
    assert denied(lambda: list_below(""))
    assert denied(lambda: list_below("prod/x/t1"))  # also t10
    assert denied(lambda: client.put_object(Bucket=bucket.name, Key="prod/x/t1/b", Body=b""))
    assert denied(lambda: client.delete_object(Bucket=bucket.name, Key="prod/x/t1/a"))
    sent = next(s for s in reversed(bucket.service.gate.seen) if b"AssumeRole" in s.body)
    form = urllib.parse.parse_qs(sent.body.decode())
    assert form["DurationSeconds"] == ["900"]
    assert form["RoleArn"] == [s3_service.kRole]
    assert {s["Action"] for s in json.loads(form["Policy"][0])["Statement"]} == {
        "s3:GetObject",
        "s3:ListBucket",
    }


def test_tables_in_a_bucket_are_read_by_others(bucket: Bucket) -> None:
    subprocess.run([kTables, "s3"], check=True, timeout=120, env=bucket.environment())
    options = {
        "AWS_ENDPOINT_URL": bucket.service.endpoint,
        "AWS_REGION": s3_service.kRegion,
        "AWS_ACCESS_KEY_ID": s3_service.kKey,
        "AWS_SECRET_ACCESS_KEY": s3_service.kSecret,
        "AWS_ALLOW_HTTP": "true",
    }
    table = deltalake.DeltaTable(f"s3://{bucket.name}/prod/x/versions", storage_options=options)
    assert table.version() == 12
    assert sorted(table.to_pyarrow_table()["id"].to_pylist()) == list(range(90, 120))
    key, secret, token = bucket.run("assume", s3_service.kRole, "types").decode().split()
    files = pyarrow.fs.S3FileSystem(
        access_key=key,
        secret_key=secret,
        session_token=token,
        endpoint_override=bucket.service.address,
        scheme="http",
        region=s3_service.kRegion,
    )
    selector = pyarrow.fs.FileSelector(f"{bucket.name}/prod/x/types/_delta_log")
    assert [f.base_name for f in files.get_file_info(selector)] == [f"{0:020}.json"]
    with pytest.raises(OSError, match="ACCESS_DENIED|AccessDenied"):
        files.open_input_file(f"{bucket.name}/prod/x/versions/_delta_log/{0:020}.json").read()
