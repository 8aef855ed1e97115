# SPDX-License-Identifier: PostgreSQL
"""Streams of Delta Sharing for Spark: over what has been published, and over publishes that they meet."""

from pathlib import Path
from time import monotonic

import pytest
from history import History, kLocal
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from rows import Row, kChange, plain_rows, replay
from spark_session import rows_of

kDeadlineS = 90
kFilesMerged = 8  # so many small ones become one, in a version that brings no row
kReadings = {
    "appends": {},
    "skips": {"skipChangeCommits": "true"},
    "ignores": {"ignoreChanges": "true"},
    "changes": {"readChangeFeed": "true"},
}
# A table for each format, which has had no change yet.
kMet = {
    "parquet": ("leads", "INSERT INTO leads (last_name, company) SELECT 'L' || n, 'C' FROM generate_series(1, 5) n"),
    "delta": ("cases", "INSERT INTO cases (subject) SELECT 'C' || n FROM generate_series(1, 5) n"),
}
kChangeSome = (
    "UPDATE {0} SET created_at = created_at - interval '1 day'"
    " WHERE id IN (SELECT id FROM published_{0} ORDER BY id LIMIT 3)"
)


class Stream:
    """A stream over a shared table from version 0 on, and what it has brought so far."""

    def __init__(
        self, spark: SparkSession, source: str, checkpoints: Path, **options: str
    ) -> None:
        self.found: list[Row] = []
        reader = spark.readStream.format("deltaSharing").option("startingVersion", "0")
        for option, value in options.items():
            reader = reader.option(option, value)
        self._writer = (
            reader.load(source)
            .writeStream.option("checkpointLocation", str(checkpoints))
            .foreachBatch(lambda batch, _: self.found.extend(rows_of(batch)))
        )

    def drain(self) -> None:
        """Until it has caught up."""
        query = self._writer.trigger(availableNow=True).start()
        assert query.awaitTermination(kDeadlineS)

    def start(self) -> None:
        self.query = self._writer.start()

    def restart(self) -> None:
        """It goes on from its checkpoint."""
        self.query.stop()
        self.start()

    def wait(self, count: int) -> list[Row]:
        """Until it has brought so many rows."""
        deadline = monotonic() + kDeadlineS
        while len(self.found) < count and monotonic() < deadline:
            self.query.awaitTermination(1)  # raises what the stream has failed with
        return plain_rows(self.found)


@pytest.mark.parametrize("response", kMet)
def test_spark_streams_changes(
    history: History, profile: Path, spark: SparkSession, tmp_path: Path, response: str
) -> None:
    options = {"responseFormat": response, "readChangeFeed": "true"}
    stream = Stream(spark, f"{profile}#crm.crm.accounts", tmp_path, **options)
    stream.drain()
    assert all(name in stream.found[0] for name in kChange)
    assert replay([], stream.found) == history.tables["accounts"].rows


@kLocal
@pytest.mark.parametrize("response", kMet)
def test_spark_streams_meet_publishes(
    history: History, profile: Path, spark: SparkSession, tmp_path: Path, response: str
) -> None:
    """New rows reach all streams, and these alone, whatever files are merged. A change reaches those that ask
    for it, and ends the one that doesn't say what to do with it."""
    name, add = kMet[response]
    table = history.tables[name]
    assert table.newest == 0
    history.edit(add)  # in the format `delta`, no table that has version 0 alone can be streamed
    streams = {
        how: Stream(
            spark, f"{profile}#crm.crm.{name}", tmp_path / how, responseFormat=response, **options
        )
        for how, options in kReadings.items()
    }
    for stream in streams.values():
        stream.start()
    for stream in streams.values():
        stream.wait(len(table.rows))

    for _ in range(kFilesMerged - 2):
        history.edit(add)
    assert table.newest == kFilesMerged, "the last version merged the files of the ones before"
    first = table.rows
    for how in ("appends", "skips", "ignores"):
        assert streams[how].wait(len(first)) == first
    assert replay([], streams["changes"].wait(len(first))) == first

    history.edit(kChangeSome.format(name))
    changed = [row for row in table.rows if row not in first]
    with pytest.raises(StreamingQueryException, match=r"data update.*'skipChangeCommits' to 'true'"):
        streams["appends"].query.awaitTermination(kDeadlineS)
    streams["ignores"].wait(len(first) + len(changed))
    rewritten = [row for row in streams["ignores"].found if row not in first]
    assert plain_rows(rewritten) == changed
    assert plain_rows(streams["skips"].found) == first
    changes = streams["changes"].wait(len(first) + 2 * len(changed))
    assert replay([], changes) == table.rows

    history.edit(add)
    if response == "delta":  # where a stream of changes that has caught up with changed rows asks for no more
        streams["changes"].restart()
    added = [row for row in table.rows if row["id"] not in {row["id"] for row in first}]
    assert streams["skips"].wait(len(first) + len(added)) == plain_rows(first + added)
    changes = streams["changes"].wait(len(first) + 2 * len(changed) + len(added))
    assert replay([], changes) == table.rows
    for stream in streams.values():
        stream.query.stop()
