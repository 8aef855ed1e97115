# SPDX-License-Identifier: PostgreSQL
"""Sixteen busy clients, and a worker that is killed again and again: every write is there once and
whole, every call is in the audit log, and nobody signs in anew."""

from __future__ import annotations

import os
import random
import secrets
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

import pytest
from busy_client import BusyClient, Call
from conftest import Connection
from governed import Governed, set_up, tear_down, tool_of_warehouse
from mcp_caller import sign_in
from mcp_server import LEGACY, MODERN
from warehouse import Warehouse, wait_until

CLIENTS = 16
KINDS = ("member", "admin", "agent")
BACK_S = 20.0
ANSWERED_S = 40.0
# Of a deal: its writes, each kept with its answer.
WRITES = ("create_lead", "convert_lead", "update_opportunity_stage", "create_activity")


def worker_pid(session: Connection) -> int | None:
    row = session.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    return row[0] if row else None


@pytest.fixture
def governed(warehouse: Warehouse) -> Iterator[Governed]:
    """A tenant for each test, whose CRM is empty."""
    made = set_up(warehouse)
    yield made
    tear_down(made, warehouse)


@pytest.fixture
def clients(
    session: Connection, governed: Governed, warehouse: Warehouse
) -> Iterator[list[BusyClient]]:
    """Half of them of the legacy era, with sessions; they are of three users."""
    tenant = governed.tenant
    session.execute("SELECT lakehouse.set_tenant_limits(%s, 100000, 1000000)", [tenant])
    query = tool_of_warehouse(session, governed)
    run = secrets.token_hex(4)
    made = []
    for number in range(CLIENTS):
        token = sign_in(session, tenant, KINDS[number % len(KINDS)]).token
        version = LEGACY[number % len(LEGACY)] if number % 2 else MODERN
        made.append(BusyClient(token, version, f"{run} {number}", query, governed.table))
    yield made
    for client in made:
        client.end()
    for client in made:
        client.join(60)
    wait_until(lambda: worker_pid(session) is not None, BACK_S, "a worker after the test")
    warehouse.reset()  # a killed worker can't end its remote statements; the warehouse does


def wait_for_answers(clients: list[BusyClient], count: int) -> None:
    """Each client has that many more answers; none has failed."""
    wanted = {client: client.answers + count for client in clients}

    def is_reached() -> bool:
        for client in clients:
            if client.error is not None:
                raise client.error
        return all(client.answers >= least for client, least in wanted.items())

    wait_until(is_reached, ANSWERED_S, f"{count} answers for each client")


def kill_worker(session: Connection) -> None:
    wait_until(lambda: worker_pid(session) is not None, BACK_S, "a worker to kill")
    killed = worker_pid(session)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: worker_pid(session) not in (None, killed), BACK_S, "the next worker")


@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=pytest.mark.long)])
def test_no_kill_loses_or_halves_or_doubles_anything(
    session: Connection, governed: Governed, clients: list[BusyClient], rounds: int
) -> None:
    for client in clients:
        client.start()
    for _ in range(rounds):
        wait_for_answers(clients, random.randint(2, 6))
        kill_worker(session)
    wait_for_answers(clients, 1)
    for client in clients:
        client.end()
    for client in clients:
        client.join(60)
        assert not client.is_alive() and client.error is None, client.error
    assert sum(client.losses for client in clients) >= rounds  # the kills struck somebody
    assert_each_write_is_there_once(session, governed.tenant, clients)
    assert_each_call_is_recorded(session, governed.tenant, clients)
    assert_the_chain_is_intact(session, governed.tenant)


def assert_each_write_is_there_once(
    session: Connection, tenant: str, clients: list[BusyClient]
) -> None:
    expected = {
        (deal.name, deal.lead, deal.account, deal.contact, deal.opportunity, deal.activity)
        for client in clients
        for deal in client.deals
    }
    session.execute(f"SET search_path = {tenant}")
    # By name, not by the answers' ids: what was made twice, or by half, would be a row too many.
    found = session.execute(
        "SELECT l.company, l.id::text, a.id::text, c.id::text, o.id::text, n.id::text"
        " FROM leads l"
        " FULL JOIN accounts a ON a.name = l.company AND a.id = l.converted_account_id"
        " FULL JOIN contacts c ON c.last_name = a.name AND c.account_id = a.id"
        "  AND c.id = l.converted_contact_id"
        " FULL JOIN opportunities o ON o.name = a.name AND o.account_id = a.id"
        "  AND o.id = l.converted_opportunity_id"
        " FULL JOIN activities n ON n.subject = o.name AND n.opportunity_id = o.id"
    ).fetchall()
    assert len(found) == len(expected)
    assert set(found) == expected
    kept = session.execute("SELECT key FROM tool_answers").fetchall()
    names = {name for name, *_ in expected}
    assert Counter(key for (key,) in kept) == Counter(f"{w} {name}" for w in WRITES for name in names)
    versions = {deal.opportunity: deal.version for client in clients for deal in client.deals}
    moves = session.execute(
        "SELECT o.id::text, o.row_version, s.name,"
        " (SELECT array_agg(h.to_stage ORDER BY h.changed_at) FROM opportunity_stage_history h"
        "  WHERE h.opportunity_id = o.id),"
        " (SELECT count(*) FROM opportunity_contacts p WHERE p.opportunity_id = o.id AND p.is_primary)"
        " FROM opportunities o JOIN pipeline_stages s ON s.id = o.stage_id"
    ).fetchall()
    for deal, version, stage, history, contacts in moves:
        assert (version, stage, contacts) == (versions[deal], "Discovery", 1)
        assert len(history) == 2 and history[1] == "Discovery", history
    session.execute("RESET search_path")


def assert_each_call_is_recorded(
    session: Connection, tenant: str, clients: list[BusyClient]
) -> None:
    rows = session.execute(
        "SELECT substr(statement, 6), statement_hash, phase, audit_id, at FROM lakehouse.audit_log"
        " WHERE tenant_id = lakehouse.find_tenant(%s) AND statement LIKE 'tool %%' ORDER BY seq",
        [tenant],
    ).fetchall()
    intents: dict[Call, list[datetime]] = defaultdict(list)
    outcomes: Counter[Call] = Counter()
    running = set()
    for tool, arguments, phase, audit_id, at in rows:
        if phase == "intent":
            running.add(audit_id)
            intents[tool, arguments].append(at)
        else:
            running.remove(audit_id)  # an outcome comes after its intent, once
            outcomes[tool, arguments] += 1
    sent = sum((client.calls.sent for client in clients), Counter())
    answered = sum((client.calls.answered for client in clients), Counter())
    assert set(intents) <= set(sent)
    for call, count in answered.items():
        assert count <= outcomes[call] <= len(intents[call]) <= sent[call], call
    assert len(running) <= sum(sent.values()) - sum(answered.values())
    # Nothing was done whose intent was not on the disk before, answered or not.
    calls = {key: call for client in clients for key, call in client.calls.keys.items()}
    done = session.execute(f"SELECT key, answered_at FROM {tenant}.tool_answers").fetchall()
    for key, at in done:
        assert intents[calls[key]][0] <= at, key


def assert_the_chain_is_intact(session: Connection, tenant: str) -> None:
    verdict = session.execute(
        "SELECT intact, first_bad, reason, records FROM lakehouse.verify_audit(%s)", [tenant]
    ).fetchone()
    assert verdict is not None and verdict[:3] == (True, None, None), verdict
    assert verdict[3] > 0
