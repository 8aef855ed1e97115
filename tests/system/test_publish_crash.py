# SPDX-License-Identifier: PostgreSQL
"""A publish that is struck down at any of its steps, by kill -9 or a full disk: readers see the
publish before or the one after, whole, all tables of it; no file is left over; the next is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from publish_steps import STEPS
from publish_tables import SmallTables
from publishing import Publishing
from second_worker import SecondWorker
from warehouse import wait_until

FEW = 3
MANY = pytest.param(50, marks=pytest.mark.long)
CHECKPOINTS = 50  # versions from one to the next
ALWAYS = tuple(step for step in STEPS if step not in ("checkpoint_written", "vacuum"))
SWEPT_S = 30.0


@pytest.fixture(scope="module")
def tables(publishing: Publishing) -> SmallTables:
    made = SmallTables(publishing)
    publishing.publish(made.tenant)
    made.check_whole(made.truth())
    return made


Kill = Callable[[], None]


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


def strike(tables: SmallTables, step: str, blow: Callable[[int], None], may_fail: bool) -> None:
    """`blow` gets the number of the job that waits at the step."""
    publishing = tables.publishing
    before, versions = tables.truth(), tables.stored()
    tables.change()
    after = tables.truth()
    with publishing.steps.holding(step):
        job = publishing.request(tables.tenant)
        publishing.steps.wait(step)
        tables.check_whole(before, after)
        blow(job)
    state, error = publishing.wait(job)
    tables.check_whole(before, after)
    if state == "failed":
        assert may_fail and error is not None and "No space left on device" in error, error
        publishing.publish(tables.tenant)
    assert tables.shown() == after
    tables.check_changes(before, versions)
    tables.check_nothing_dangles()


@pytest.mark.parametrize("rounds", [FEW, MANY])
@pytest.mark.parametrize("step", ALWAYS)
def test_killed_worker(tables: SmallTables, kill: Kill, step: str, rounds: int) -> None:
    for _ in range(rounds):
        strike(tables, step, lambda _: kill(), may_fail=False)


@pytest.mark.parametrize("rounds", [FEW, MANY])
@pytest.mark.parametrize("step", ALWAYS)
def test_full_disk(tables: SmallTables, step: str, rounds: int) -> None:
    for _ in range(rounds):
        strike(tables, step, lambda job: fill_at(tables.publishing, step, job), may_fail=True)


def fill_at(publishing: Publishing, step: str, job: int) -> None:
    with publishing.full_disk():
        publishing.steps.release(step)
        publishing.wait(job)


def publish_until_checkpoint(tables: SmallTables) -> None:
    """The next publish with a change makes a checkpoint of the first table."""
    folder = tables.folder(tables.sources[0])
    named = [int(path.name[:20]) for path in folder.log.glob("*.checkpoint.parquet")]
    while folder.version() + 1 < max(named, default=-1) + CHECKPOINTS:
        tables.change_little()
        tables.publishing.publish(tables.tenant)


@pytest.mark.parametrize("rounds", [1, MANY])
def test_struck_at_a_checkpoint(tables: SmallTables, kill: Kill, rounds: int) -> None:
    """Once when it is written and not yet followed, once where there is no room for it."""
    publishing = tables.publishing
    for _ in range(rounds):
        publish_until_checkpoint(tables)
        strike(tables, "log_written", lambda job: fill_at(publishing, "log_written", job), may_fail=True)
        publish_until_checkpoint(tables)
        strike(tables, "checkpoint_written", lambda _: kill(), may_fail=False)


# Two workers


@pytest.fixture
def second(
    publishing: Publishing, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecondWorker]:
    worker = publishing.another_worker(tmp_path_factory.mktemp("second") / "worker.log")
    yield worker
    worker.stop()


@pytest.mark.parametrize("rounds", [FEW, MANY])
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


@pytest.mark.parametrize("rounds", [FEW, MANY])
def test_killed_while_old_files_go(tables: SmallTables, kill: Kill, rounds: int) -> None:
    for _ in range(rounds):
        tables.change()
        tables.publishing.publish(tables.tenant)
        forget_retention(tables)
        strike(tables, "vacuum", lambda _: kill(), may_fail=False)
