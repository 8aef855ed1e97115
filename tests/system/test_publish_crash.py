# SPDX-License-Identifier: PostgreSQL
"""A publish that is struck down at any of its steps, by kill -9, a full store or an outage of it: readers see the
publish before or the one after, whole, all tables of it; no file is left over; the next is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import s3_service
from publish_steps import STEPS
from publish_tables import SmallTables
from publishing import IN_A_BUCKET, IN_BOTH, Publishing
from second_worker import SecondWorker
from warehouse import wait_until

FEW, FEW_IN_A_BUCKET, MANY = 3, 1, 50
CHECKPOINTS = 50  # versions from one to the next
ALWAYS = tuple(step for step in STEPS if step not in ("checkpoint_written", "vacuum"))
# Each request is tried for seconds: one step in the short run.
OUTAGES = ("after_commit", *(pytest.param(s, marks=pytest.mark.long) for s in ALWAYS if s != "after_commit"))
SWEPT_S, SENT_S = 30.0, 60.0


@pytest.fixture(params=["few", pytest.param("many", marks=pytest.mark.long)])
def rounds(request: pytest.FixtureRequest, publishing: Publishing) -> int:
    few = FEW_IN_A_BUCKET if publishing.bucket else FEW
    return few if request.param == "few" else MANY


@pytest.fixture(scope="module")
def tables(publishing: Publishing) -> SmallTables:
    made = SmallTables(publishing)
    publishing.publish(made.tenant)
    made.check_whole(made.truth())
    return made


Kill = Callable[[], None]
# Gets the number of the job that waits; returns what its error may say.
Blow = Callable[[int], str]


@pytest.fixture
def kill(publishing: Publishing, tmp_path: Path) -> Iterator[Kill]:
    """Ends the worker at once, and starts another."""
    with publishing.without_launched_worker():
        workers = [publishing.another_worker(tmp_path / "log")]

        def kill_one() -> None:
            workers.pop().kill()
            workers.append(publishing.another_worker(tmp_path / "log"))

        yield kill_one
        workers.pop().stop()


def strike(tables: SmallTables, step: str, blow: Blow) -> None:
    publishing = tables.publishing
    before, versions = tables.truth(), tables.stored()
    tables.change()
    after = tables.truth()
    with publishing.steps.holding(step):
        job = publishing.request(tables.tenant)
        publishing.steps.wait(step)
        tables.check_whole(before, after)
        trouble = blow(job)
    state, error = publishing.wait(job)
    tables.check_whole(before, after)
    if state == "failed":
        assert trouble and error is not None and trouble in error, error
        publishing.publish(tables.tenant)
    assert tables.shown() == after
    tables.check_changes(before, versions)
    tables.check_nothing_dangles()


@IN_BOTH
@pytest.mark.parametrize("step", ALWAYS)
def test_killed_worker(tables: SmallTables, kill: Kill, step: str, rounds: int) -> None:
    for _ in range(rounds):
        strike(tables, step, killing(kill))


def killing(kill: Kill) -> Blow:
    def blow(_: int) -> str:
        kill()
        return ""

    return blow


@IN_BOTH
@pytest.mark.parametrize("step", ALWAYS)
def test_full_store(tables: SmallTables, step: str, rounds: int) -> None:
    for _ in range(rounds):
        strike(tables, step, going_on(tables.publishing, step, tables.publishing.no_room))


def going_on(
    publishing: Publishing, step: str, trouble: Callable[[], AbstractContextManager[str]]
) -> Blow:
    """From the step on, in trouble."""

    def blow(job: int) -> str:
        with trouble() as told:
            publishing.steps.release(step)
            publishing.wait(job)
        return told

    return blow


@IN_A_BUCKET
@pytest.mark.parametrize("step", OUTAGES)
def test_outage(tables: SmallTables, step: str, rounds: int) -> None:
    for _ in range(rounds):
        strike(tables, step, going_on(tables.publishing, step, tables.publishing.outage))


def publish_until_checkpoint(tables: SmallTables) -> None:
    """The next publish with a change makes a checkpoint of the first table."""
    folder = tables.folder(tables.sources[0])
    while folder.version() + 1 < max(folder.checkpoints(), default=-1) + CHECKPOINTS:
        tables.change_little()
        tables.publishing.publish(tables.tenant)


@IN_BOTH
def test_struck_at_a_checkpoint(tables: SmallTables, kill: Kill, rounds: int) -> None:
    """Once when it is written and not yet followed, once where there is no room for it."""
    publishing = tables.publishing
    for _ in range(1 if rounds < MANY else MANY):
        publish_until_checkpoint(tables)
        strike(tables, "log_written", going_on(publishing, "log_written", publishing.no_room))
        publish_until_checkpoint(tables)
        strike(tables, "checkpoint_written", killing(kill))


FILLING = """
INSERT INTO {0} SELECT -n, 0, (SELECT string_agg(encode(sha512((n * 10000 + i)::text::bytea), 'base64'), '')
FROM generate_series(1, 4000) i) FROM generate_series(1, 150) n
"""


@pytest.fixture
def filled(publishing: Publishing) -> SmallTables:
    """The first of them with megabytes that can't be compressed."""
    made = SmallTables(publishing)
    publishing.publish(made.tenant)
    publishing.session.execute(FILLING.format(made.sources[0]))
    return made


@IN_A_BUCKET
def test_killed_amid_an_upload_in_parts(
    publishing: Publishing, filled: SmallTables, kill: Kill
) -> None:
    """What was sent of it is taken back."""
    assert publishing.bucket
    with publishing.bucket.service.failing(s3_service.refuse_further_parts):
        job = publishing.request(filled.tenant)
        wait_until(publishing.bucket.uploads, SENT_S, "the first part of a file")
        kill()
    assert publishing.wait(job) == ("done", None)
    filled.check_whole(filled.truth())
    filled.check_nothing_dangles()


# Two workers


@pytest.fixture
def second(
    publishing: Publishing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecondWorker]:
    worker = publishing.another_worker(tmp_path_factory.mktemp("second") / "worker.log")
    yield worker
    worker.stop()


def test_one_of_two_workers_wins(tables: SmallTables, second: SecondWorker, rounds: int) -> None:
    """While one is at a tenant's job, its next one waits, and another tenant's does not."""
    publishing = tables.publishing
    other = SmallTables(publishing)
    publishing.publish(other.tenant)
    for number in range(rounds):
        tables.change()
        publishing.session.execute(f"INSERT INTO {other.sources[0]} VALUES (-{number + 1}, 1)")
        publishing.session.execute(f"INSERT INTO {other.sources[1]} VALUES (-{number + 1}, 1)")
        # The other tenant has new rows alone: no change file, so it does not come to this step.
        with publishing.held(tables.tenant, "change_file_written") as job:
            next_job = publishing.request(tables.tenant)
            publishing.publish(other.tenant)
            assert publishing.state(job)[0] == publishing.state(next_job)[0] == "queued"
        assert publishing.wait(job) == publishing.wait(next_job) == ("done", None)
        for each in (tables, other):
            each.check_whole(each.truth())
            each.check_nothing_dangles()


def test_the_other_worker_takes_over(tables: SmallTables, second: SecondWorker) -> None:
    """Whichever was at work: with the one that the launcher keeps killed, it is the other."""
    publishing = tables.publishing
    for _ in range(FEW):
        tables.change()
        with publishing.steps.holding("rows_recorded"):
            job = publishing.request(tables.tenant)
            publishing.steps.wait("rows_recorded")
            publishing.kill_worker()
        assert publishing.wait(job) == ("done", None)
        tables.check_whole(tables.truth())
    publishing.publish(tables.tenant)
    wait_until(lambda: no_error(tables.check_nothing_dangles), SWEPT_S, "the sweep")


def no_error(check: Callable[[], None]) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


def test_job_that_an_open_transaction_holds_keeps_no_other_waiting(
    publishing: Publishing, tables: SmallTables
) -> None:
    """Whoever asks again for a job that waits holds it until the end of that transaction."""
    other = SmallTables(publishing)
    lock = "SELECT FROM lakehouse.publishers WHERE tenant_id = lakehouse.find_tenant(%s) FOR UPDATE"
    with publishing.cluster.connect() as holder, publishing.cluster.connect() as asker:
        with holder.transaction():
            holder.execute(lock, [tables.tenant])
            job = publishing.request(tables.tenant)
            asker.execute("BEGIN")
            asked = asker.execute("SELECT lakehouse.publish(%s)", [tables.tenant]).fetchone()
            assert asked == (job,)
        publishing.publish(other.tenant)
        assert publishing.state(job)[0] == "queued"
        asker.execute("COMMIT")
    assert publishing.wait(job) == ("done", None)


def forget_retention(tables: SmallTables) -> None:
    """As if a year had passed since all that was published."""
    year_ms = 365 * 86_400_000
    tables.publishing.session.execute(
        "UPDATE lakehouse.published_versions SET committed_ms = committed_ms - %s WHERE table_id IN"
        " (SELECT id FROM lakehouse.published_tables WHERE tenant_id = lakehouse.find_tenant(%s))",
        [year_ms, tables.tenant],
    )


@IN_BOTH
def test_killed_while_old_files_go(tables: SmallTables, kill: Kill, rounds: int) -> None:
    for _ in range(rounds):
        tables.change()
        tables.publishing.publish(tables.tenant)
        forget_retention(tables)
        strike(tables, "vacuum", killing(kill))
