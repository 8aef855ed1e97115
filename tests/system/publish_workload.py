# SPDX-License-Identifier: PostgreSQL
"""Sessions that write at random, from a seed, into tables that are published.

They insert, update, delete, truncate, change keys, upsert, copy; they roll back, to savepoints too,
and keep transactions open while others commit. What the database refuses them is rolled back and
counted. They commit only through a gate, which a test shuts to know what a snapshot sees.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

Connection = psycopg.Connection[Any]
# What may befall any honest session among others.
REFUSALS = (
    psycopg.IntegrityError,
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
ODD_TEXTS = (
    "", " ", "NULL", "null", "\\N", "a,b", '"', "'", "{}", "{a}", "\\", "é", "日本", "🙂", "\t", "\n",
    "%", "a/b", "x" * 300, "Z", "z", "\x7f", "\u00a0", "e\u0301", "-1", "0", "(1,2)",
)  # fmt: skip
ODD_TABLE = """
CREATE TABLE {schema}."Odd Keys" (
    region text COLLATE "C", code varchar(400), n bigint, note text, amount numeric(12,2),
    at timestamptz, tags text[], data jsonb, ratio float8, small float4, flag boolean, raw bytea,
    PRIMARY KEY (region, code, n));
CREATE VIEW {schema}.sales AS
SELECT a.id, a.name, a.country, count(o.id) AS deals, sum(o.amount)::numeric(20,2) AS amount,
    max(o.close_date) AS latest, array_agg(DISTINCT o.stage ORDER BY o.stage) AS stages
FROM {schema}.accounts a LEFT JOIN {schema}.opportunities o ON o.account_id = a.id AND o.deleted_at IS NULL
WHERE a.deleted_at IS NULL GROUP BY a.id;
"""
_PICK = "(SELECT {key} FROM {table} ORDER BY md5({key}::text || {salt}) LIMIT {most})"
_OWNER = "(SELECT id FROM {schema}.users ORDER BY md5(id::text || {salt}) LIMIT 1)"
_ACCOUNT = "(SELECT id FROM {schema}.accounts ORDER BY md5(id::text || {salt}) LIMIT 1)"
INSERTS = {
    "accounts": "(name, industry, employees, revenue, country, owner_id) SELECT 'Account ' || n || {salt},"
    " (ARRAY['Retail', NULL, 'Energie'])[n % 3 + 1], n * 17, n * 1000.5, 'DE', {owner}",
    "contacts": "(first_name, last_name, email, phone, account_id) SELECT 'F' || n, 'L' || {salt},"
    " 'P' || n || '@Example.COM', '+49 (30) ' || n, {account}",
    "leads": "(last_name, company, source, score) SELECT 'L' || n, 'C' || {salt}, 'web', n % 101",
    "opportunities": "(account_id, name, pipeline_id, stage_id, amount, close_date, owner_id)"
    " SELECT {account}, 'Deal ' || n || {salt}, s.pipeline_id, s.id, n * 100.25, date '2026-01-01' + n, {owner}"
    " FROM (SELECT * FROM {schema}.pipeline_stages WHERE NOT is_closed"
    "  ORDER BY md5(id::text || {salt}) LIMIT 1) s,",
    "activities": "(type, subject, account_id, owner_id) SELECT 'call', 'Subject ' || n || {salt}, {account}, {owner}",
    "cases": "(account_id, subject, priority, queue, sla_due_at)"
    " SELECT {account}, 'Case ' || n || {salt}, 'high', 'Orders', now() + n * interval '1 hour'",
}
UPDATES = {
    "accounts": "employees = coalesce(employees, 0) + 1, revenue = coalesce(revenue, 0) + 0.01",
    "contacts": "title = coalesce(title, '') || '.', phone = '030 ' || length(last_name)",
    "leads": "score = (coalesce(score, 0) + 1) % 101, source = NULL",
    "opportunities": "amount = coalesce(amount, 0) + 1, close_date = close_date + 1",
    "activities": "subject = subject || '!', status = 'in_progress'",
    "cases": "priority = CASE priority WHEN 'low' THEN 'urgent' ELSE 'low' END, queue = NULL",
}
# Nothing refers to them, or rarely.
KEYS_CHANGE = ("leads", "activities", "cases", "contacts")


class Gate:
    """Commits pass while it is open. Shut, none is under way."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._passing = 0
        self._is_shut = False

    @contextmanager
    def passage(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._is_shut)
            self._passing += 1
        try:
            yield
        finally:
            with self._condition:
                self._passing -= 1
                self._condition.notify_all()

    @contextmanager
    def shut(self) -> Iterator[None]:
        with self._condition:
            self._is_shut = True
            self._condition.wait_for(lambda: self._passing == 0)
        try:
            yield
        finally:
            with self._condition:
                self._is_shut = False
                self._condition.notify_all()


class Writer(threading.Thread):
    """One session. A patient one keeps half of its transactions open for a while."""

    def __init__(
        self, connection: Connection, schema: str, seed: str, gate: Gate, is_patient: bool = False
    ) -> None:
        super().__init__(daemon=True, name=f"writer {seed}")
        self._connection, self._schema, self._gate = connection, schema, gate
        self._random = random.Random(seed)
        self._is_patient = is_patient
        self._is_over = threading.Event()
        self.done: Counter[str] = Counter()
        self.error: BaseException | None = None

    def end(self) -> None:
        self._is_over.set()

    def run(self) -> None:
        try:
            self._connection.autocommit = False
            self._connection.execute("SET lock_timeout = '300ms'")
            self._connection.commit()
            while not self._is_over.is_set():
                self._write()
        except BaseException as error:  # the test raises it
            self.error = error
        finally:
            self._connection.rollback()

    def _write(self) -> None:
        """One transaction."""
        try:
            if self._random.random() < 0.01:
                self._truncate()
            for _ in range(self._random.choice((1, 1, 2, 4))):
                self._step()
            if self._is_patient and self._random.random() < 0.5:
                self._is_over.wait(self._random.uniform(0.5, 4))
                self.done["late commit"] += 1
            if self._random.random() < 0.1:
                self._connection.rollback()
                self.done["rollback"] += 1
            else:
                with self._gate.passage():
                    self._connection.commit()
        except REFUSALS:
            self._connection.rollback()
            self.done["refused"] += 1

    def _truncate(self) -> None:
        """Within one passage: its lock must not wait at the gate, where the one who shut it waits for
        the lock. As a table that is filled anew, it is never seen empty."""
        name = self._random.choice(("activities", "leads", "odd"))
        with self._gate.passage():
            if name == "odd":
                self._run("truncate", 'TRUNCATE {schema}."Odd Keys"')
                self._copy_odd(f'{self._schema}."Odd Keys"')
            else:
                self._run("truncate", f"TRUNCATE {self._schema}.{name} CASCADE")
                self._insert(name)
            self._connection.commit()

    def _step(self) -> None:
        if self._random.random() < 0.15:
            self._in_savepoint()
        else:
            self._change()

    def _in_savepoint(self) -> None:
        self._connection.execute("SAVEPOINT s")
        self._change()
        word = "ROLLBACK TO" if self._random.random() < 0.5 else "RELEASE"
        self._connection.execute(f"{word} SAVEPOINT s")
        self.done[word.lower()] += 1

    def _change(self) -> None:
        if self._random.random() < 0.3:
            self._change_odd()
        else:
            self._change_contract()

    def _run(self, name: str, statement: str, *arguments: object, **words: object) -> None:
        salt = f"'{self._random.getrandbits(32):x}'"
        known = {"schema": self._schema, "salt": salt, **words}
        for inner in ("owner", "account"):
            known[inner] = {"owner": _OWNER, "account": _ACCOUNT}[inner].format(**known)
        self._connection.execute(statement.format(**known).encode(), arguments or None)
        self.done[name] += 1

    def _some(self, table: str, most: int) -> str:
        salt = f"'{self._random.getrandbits(32):x}'"
        return _PICK.format(key="id", table=table, salt=salt, most=self._random.randint(1, most))

    def _change_contract(self) -> None:
        name = self._random.choice(list(INSERTS))
        table = f"{self._schema}.{name}"
        draw = self._random.random()
        if draw < 0.3:
            self._insert(name)
        elif draw < 0.65:
            self._run("update", f"UPDATE {table} SET {UPDATES[name]} WHERE id IN {self._some(table, 20)}")
        elif draw < 0.75:
            self._run("soft delete", f"UPDATE {table} SET deleted_at = now() WHERE id IN {self._some(table, 5)}")
        elif draw < 0.82:
            self._run("undelete", f"UPDATE {table} SET deleted_at = NULL WHERE id IN {self._some(table, 10)}")
        elif draw < 0.92:
            self._run("delete", f"DELETE FROM {table} WHERE id IN {self._some(table, 3)}")
        elif draw < 0.975:
            name = self._random.choice(KEYS_CHANGE)
            table = f"{self._schema}.{name}"
            some = self._some(table, 3)
            self._run("key change", f"UPDATE {table} SET id = gen_random_uuid() WHERE id IN {some}")
        else:
            self._run("no change", f"UPDATE {table} SET id = id WHERE id IN {self._some(table, 20)}")

    def _insert(self, name: str) -> None:
        count = self._random.choice((1, 3, 10, 60))
        values = INSERTS[name]
        source = values if values.endswith(",") else values + " FROM"
        self._run(
            "insert", f"INSERT INTO {self._schema}.{name} {source} generate_series(1, {count}) n"
        )

    # The table with keys of three columns

    def _odd_key(self) -> tuple[str, str, int]:
        draw = self._random
        return draw.choice(ODD_TEXTS), draw.choice(ODD_TEXTS), draw.choice((0, 1, -(2**63), 2**63 - 1))

    def _odd_row(self) -> tuple[object, ...]:
        draw = self._random
        text = draw.choice(ODD_TEXTS)
        return (
            *self._odd_key(), draw.choice((None, text)), draw.choice((None, 1.25, -0.01)),
            draw.choice((None, "2026-11-30 20:00:00.123456+02")), draw.choice((None, [], [text, None])),
            draw.choice((None, '{"a": 1}')), draw.choice((None, 0.1, -1e300, float("nan"))),
            draw.choice((None, 0.1)), draw.choice((None, True)), draw.choice((None, text.encode())),
        )  # fmt: skip

    def _change_odd(self) -> None:
        table = f'{self._schema}."Odd Keys"'
        actions: list[Callable[[str], None]] = [
            self._upsert_odd, self._upsert_odd, self._copy_odd, self._update_odd, self._move_odd,
            self._delete_odd,
        ]  # fmt: skip
        self._random.choice(actions)(table)

    def _upsert_odd(self, table: str) -> None:
        marks = ", ".join(["%s"] * 12)
        self._run(
            "upsert",
            f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT (region, code, n) DO UPDATE"
            " SET note = excluded.note, ratio = excluded.ratio, tags = excluded.tags",
            *self._odd_row(),
        )

    def _copy_odd(self, table: str) -> None:
        rows = {row[:3]: row for row in (self._odd_row() for _ in range(20))}
        with self._connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows.values():
                copy.write_row(row)
        self.done["copy"] += 1

    def _update_odd(self, table: str) -> None:
        update = f"UPDATE {table} SET amount = coalesce(amount, 0) + 1 WHERE region = %s"
        self._run("update", update, self._odd_key()[0])

    def _move_odd(self, table: str) -> None:
        moved, target = self._odd_key(), self._odd_key()
        self._run(
            "key change",
            f"UPDATE {table} SET region = %s, n = %s WHERE region = %s AND n = %s",
            target[0], target[2], moved[0], moved[2],
        )  # fmt: skip

    def _delete_odd(self, table: str) -> None:
        self._run("delete", f"DELETE FROM {table} WHERE code = %s", self._odd_key()[1])
