# SPDX-License-Identifier: PostgreSQL
"""Recipients: links, profiles, client credentials, rotation, networks, and what reads leave behind."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import requests
from conftest import Connection
from sharing_client import SECONDS, Recipient, activate, link_of, refusal
from sharing_fixtures import TABLE, Shared, make_shared

CREATE = "SELECT lakehouse.create_recipient(%s, %s)"
ROTATE = "SELECT lakehouse.rotate_recipient_token(%s, %s, %s)"


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with make_shared() as made:
        yield made


@pytest.fixture
def name() -> str:
    return f"Recipient {time.monotonic_ns()}"


def test_a_link_is_used_up_by_post_alone(
    shared: Shared, session: Connection, name: str
) -> None:
    link = link_of(session, CREATE, shared.tenant, name)
    for _ in range(2):
        page = requests.get(link, timeout=SECONDS)
        assert page.status_code == 200
        assert "<form method" in page.text and "script" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert requests.head(link, timeout=SECONDS).status_code == 200
    answer = activate(link, Accept="application/json")
    assert (
        answer.headers["Content-Disposition"] == 'attachment; filename="config.share"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    profile = answer.json()
    assert set(profile) == {"shareCredentialsVersion", "endpoint", "bearerToken"}
    assert profile["shareCredentialsVersion"] == 1
    assert refusal(activate(link)) == (404, "RESOURCE_DOES_NOT_EXIST")
    dead = activate(link, Accept="text/html")
    assert dead.status_code == 404 and "<h1>" in dead.text


@pytest.mark.parametrize("code", ["x", "lkh_al_" + "A" * 49, "lkh_st_" + "A" * 49])
def test_a_link_that_never_was_is_404(shared: Shared, code: str) -> None:
    url = f"{shared.recipient.profile['endpoint']}/activate/{code}"
    assert requests.get(url, timeout=SECONDS).status_code == 404
    assert refusal(activate(url)) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_an_old_link_is_404(shared: Shared, session: Connection, name: str) -> None:
    link = link_of(session, CREATE, shared.tenant, name)
    session.execute(
        "UPDATE lakehouse.recipients SET activation_expires_at = now() WHERE name = %s",
        [name],
    )
    assert activate(link).status_code == 404


def test_a_newer_link_replaces_the_older(
    shared: Shared, session: Connection, name: str
) -> None:
    first = link_of(session, CREATE, shared.tenant, name)
    second = link_of(session, ROTATE, shared.tenant, name, "1 day")
    assert activate(first).status_code == 404
    assert activate(second).status_code == 200


def test_nothing_handed_out_lies_in_the_database(
    shared: Shared, session: Connection, name: str
) -> None:
    link = link_of(session, CREATE, shared.tenant, name)
    token = activate(link).json()["bearerToken"]
    for table in ("recipients", "recipient_tokens", "audit_log"):
        text = session.execute(
            f"SELECT string_agg(t::text, ' ') FROM lakehouse.{table} t"
        ).fetchone()
        assert text
        assert token not in (text[0] or "") and link.rsplit("/", 1)[1] not in (
            text[0] or ""
        )


def test_a_token_ends_when_it_was_to(
    shared: Shared, session: Connection, name: str
) -> None:
    link = link_of(
        session,
        "SELECT lakehouse.create_recipient(%s, %s, expires_in => '90 days')",
        shared.tenant,
        name,
    )
    recipient = Recipient(activate(link).json())
    end = datetime.fromisoformat(recipient.profile["expirationTime"])
    assert abs(end - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)
    assert recipient.get("/shares").json()["items"] == []  # nothing granted yet
    session.execute(
        "UPDATE lakehouse.recipient_tokens SET expires_at = now() WHERE recipient_id ="
        " (SELECT id FROM lakehouse.recipients WHERE name = %s)",
        [name],
    )
    assert refusal(recipient.get("/shares")) == (401, "UNAUTHENTICATED")


def test_rotation_keeps_the_old_token_for_its_grace(
    shared: Shared, session: Connection, name: str
) -> None:
    old = Recipient.of(session, shared.tenant, name)
    new = Recipient(
        activate(link_of(session, ROTATE, shared.tenant, name, "1 hour")).json()
    )
    assert old.get("/shares").status_code == new.get("/shares").status_code == 200
    newest = Recipient(
        activate(link_of(session, ROTATE, shared.tenant, name, "0")).json()
    )
    assert old.get("/shares").status_code == new.get("/shares").status_code == 401
    assert newest.query(TABLE).status_code == 200


def test_networks_are_of_the_client_not_the_proxy(
    shared: Shared, session: Connection, name: str
) -> None:
    recipient = Recipient.of(session, shared.tenant, name)
    networks = "SELECT lakehouse.set_recipient_networks(%s, %s, %s::cidr[])"
    session.execute(networks, [shared.tenant, name, "{192.0.2.0/24,2001:db8::/32}"])
    forwarded = recipient.get(
        "/shares", X_Forwarded_For="192.0.2.1"
    )  # of nobody we trust
    for answer in (recipient.get("/shares"), forwarded):
        assert refusal(answer) == (403, "PERMISSION_DENIED")
    session.execute(networks, [shared.tenant, name, "{127.0.0.0/8}"])
    assert recipient.get("/shares").status_code == 200


def token_of(profile: dict[str, str], **form: str) -> requests.Response:
    given = {"grant_type": "client_credentials"} | form
    auth = (
        None if "client_id" in form else (profile["clientId"], profile["clientSecret"])
    )
    return requests.post(
        profile["tokenEndpoint"], data=given, auth=auth, timeout=SECONDS
    )


def oauth_profile(session: Connection, tenant: str, name: str) -> dict[str, str]:
    link = link_of(
        session,
        "SELECT lakehouse.create_recipient(%s, %s, auth => 'oauth')",
        tenant,
        name,
    )
    session.execute("SELECT lakehouse.grant_share(%s, 'sales', %s)", [tenant, name])
    return dict(activate(link).json())


def test_client_credentials(shared: Shared, session: Connection, name: str) -> None:
    profile = oauth_profile(session, shared.tenant, name)
    assert profile["shareCredentialsVersion"] == 2
    assert profile["type"] == "oauth_client_credentials"
    answer = token_of(profile)
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    in_form = token_of(
        profile, client_id=profile["clientId"], client_secret=profile["clientSecret"]
    )
    recipient = Recipient(profile)
    for token in (body["access_token"], in_form.json()["access_token"]):
        assert recipient.get("/shares", token=token).status_code == 200
    session.execute("SELECT lakehouse.revoke_recipient(%s, %s)", [shared.tenant, name])
    assert recipient.get("/shares", token=body["access_token"]).status_code == 401
    assert token_of(profile).status_code == 401


def test_what_client_credentials_refuse(
    shared: Shared, session: Connection, name: str
) -> None:
    profile = oauth_profile(session, shared.tenant, name)
    url = profile["tokenEndpoint"]
    wrong = profile | {"clientSecret": "lkh_cs_wrong"}
    refused = token_of(wrong)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    unknown = profile | {"clientId": "not-a-client"}
    assert token_of(unknown).json() == refused.json()
    other = token_of(profile, grant_type="password")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
    bare = requests.post(
        url, json={"grant_type": "client_credentials"}, timeout=SECONDS
    )
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_request")
    garbled = base64.b64encode(b"no colon").decode()
    header = {"Authorization": f"Basic {garbled}"}
    form = {"grant_type": "client_credentials"}
    assert (
        requests.post(url, data=form, headers=header, timeout=SECONDS).status_code
        == 401
    )


def test_failures_of_a_client_lock_it_out(
    shared: Shared, session: Connection, name: str
) -> None:
    profile = oauth_profile(session, shared.tenant, name)
    wrong = profile | {"clientSecret": "lkh_cs_wrong"}
    assert [token_of(wrong).status_code for _ in range(10)] == [401] * 10
    locked = token_of(profile)
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) > 0


def test_a_rotated_secret_lives_for_its_grace(
    shared: Shared, session: Connection, name: str
) -> None:
    old = oauth_profile(session, shared.tenant, name)
    new = activate(link_of(session, ROTATE, shared.tenant, name, "1 hour")).json()
    assert token_of(old).status_code == token_of(new).status_code == 200
    session.execute(
        "UPDATE lakehouse.recipients SET old_client_secret_expires_at = now() WHERE name = %s",
        [name],
    )
    assert (token_of(old).status_code, token_of(new).status_code) == (401, 200)


def test_names_are_taken_once(shared: Shared, session: Connection, name: str) -> None:
    link_of(session, CREATE, shared.tenant, name)
    with pytest.raises(psycopg.errors.DuplicateObject):
        session.execute(CREATE, [shared.tenant, name.upper()])
    kept = session.execute(
        "SELECT lakehouse.create_recipient(%s, %s, if_not_exists => true)",
        [shared.tenant, name],
    ).fetchone()
    assert kept == (None,)
    session.execute("SELECT lakehouse.revoke_recipient(%s, %s)", [shared.tenant, name])
    link_of(session, CREATE, shared.tenant, name)
    with pytest.raises(psycopg.errors.UndefinedObject):
        session.execute(
            "SELECT lakehouse.revoke_recipient(%s, 'nobody')", [shared.tenant]
        )


def test_reads_are_in_the_audit_log_of_the_tenant(
    shared: Shared, session: Connection, name: str
) -> None:
    recipient = Recipient.of(session, shared.tenant, name)
    recipient.get(TABLE + "/metadata")
    recipient.query(TABLE, {"predicateHints": ["Name = 'hush'"]}, User_Agent="pytest/1")
    recipient.get(TABLE + "/changes?startingVersion=2")
    recipient.get("/shares")
    recorded = session.execute(
        "SELECT statement, application_name, relations, rows, bytes > 0 FROM lakehouse.audit_log"
        " WHERE role = %s ORDER BY seq",
        [f"recipient:{name}"],
    ).fetchall()
    assert [row[0] for row in recorded] == [
        "delta sharing metadata sales.Crm.people version 2, 0 files",
        "delta sharing query sales.Crm.people version 2, 0 files",
        "delta sharing changes sales.Crm.people version 2, 1 files",
    ]
    assert recorded[1][1] == "delta-sharing:pytest/1"
    assert recorded[2][2:] == (["sales.Crm.people"], 3, True)
    intact = session.execute(
        "SELECT intact FROM lakehouse.verify_audit(%s)", [shared.tenant]
    ).fetchone()
    assert intact == (True,)


def test_who_asks_too_much_is_told_to_wait(
    shared: Shared, session: Connection, name: str
) -> None:
    recipient = Recipient.of(session, shared.tenant, name)
    session.execute(
        "SELECT lakehouse.set_tenant_limits(%s, recipient_per_minute => 6)",
        [shared.tenant],
    )
    try:
        answers = [recipient.get(TABLE + "/version") for _ in range(3)]  # half of 6
        assert [answer.status_code for answer in answers] == [200] * 3
        refused = recipient.get("/shares")
        assert refusal(refused) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["Retry-After"]) <= 10
        assert shared.recipient.get("/shares").status_code == 200
    finally:
        session.execute("SELECT lakehouse.set_tenant_limits(%s)", [shared.tenant])
    noted = session.execute(
        "SELECT last_limited_at > now() - interval '1 minute' FROM lakehouse.recipients WHERE name = %s",
        [name],
    ).fetchone()
    assert noted == (True,)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 15
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_reads_are_counted(shared: Shared, session: Connection, name: str) -> None:
    statement = (
        "SELECT reads, bytes_listed FROM lakehouse.stat_publish WHERE table_id = %s"
    )
    table = [shared.table.table_id]
    before = session.execute(statement, table).fetchone()
    recipient = Recipient.of(session, shared.tenant, name)
    for _ in range(3):
        recipient.query(TABLE)
    assert before
    assert eventually(
        lambda: (session.execute(statement, table).fetchone() or (0,))[0]
        >= before[0] + 3
    )
    used = session.execute(
        "SELECT last_used_at > now() - interval '1 minute' FROM lakehouse.recipients WHERE name = %s",
        [name],
    ).fetchone()
    assert used == (True,)


def test_admins_govern_recipients_of_their_own_tenant(
    shared: Shared, session: Connection, name: str
) -> None:
    session.execute(f'SET ROLE "{shared.tenant}_admin"')
    try:
        link = link_of(session, CREATE, shared.tenant, name)
        session.execute(
            "SELECT lakehouse.grant_share(%s, 'sales', %s)", [shared.tenant, name]
        )
        link = link_of(session, ROTATE, shared.tenant, name, "1 day")
        session.execute(
            "SELECT lakehouse.set_recipient_networks(%s, %s, '{127.0.0.1/32}')",
            [shared.tenant, name],
        )
        recipient = Recipient(activate(link).json())
        assert recipient.query(TABLE).status_code == 200
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT token_hash FROM lakehouse.recipient_tokens")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT client_secret_hash FROM lakehouse.recipients")
        session.execute(
            "SELECT lakehouse.revoke_recipient(%s, %s)", [shared.tenant, name]
        )
        assert recipient.query(TABLE).status_code == 401
        session.execute(
            "SELECT lakehouse.drop_recipient(%s, %s)", [shared.tenant, name]
        )
    finally:
        session.execute("RESET ROLE")
