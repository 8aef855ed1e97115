# SPDX-License-Identifier: PostgreSQL
"""Signing in, tokens and their end: lockout, revocation, limits, tenants, registration, secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests
from cluster import Cluster
from conftest import Connection
from oauth_client import (
    PASSWORD,
    REDIRECT,
    Application,
    User,
    call,
    is_admitted,
    login_role,
    make_client,
    oauth_tenant,
    origin,
)
from oauth_fixtures import any_client, fresh_attempts, member, own_tenant  # noqa: F401
from psycopg import sql

# Sign-in.


def test_any_case_of_the_address_and_only_the_right_password(
    tenant: str, application: Application
) -> None:
    assert User(f"MEMBER@{tenant}.Example", tenant).tokens(application)
    for password in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1]):
        user = User(f"member@{tenant}.example", tenant, password)
        assert user.sign_in(user.open(application)).status_code == 403


def test_unknown_user_and_wrong_password_answer_alike(
    tenant: str, application: Application
) -> None:
    answers = []
    for email in (f"member@{tenant}.example", f"nobody@{tenant}.example"):
        user = User(email, tenant, "wrong")
        answer = user.sign_in(user.open(application))
        answers.append((answer.status_code, answer.text.count("That did not work")))
    assert answers == [(403, 1)] * 2


def median_seconds(connection: Connection, tenant: str, email: str) -> float:
    times = []
    for number in range(15):
        started = time.perf_counter()
        connection.execute(
            "SELECT * FROM lakehouse.verify_sign_in(%s, %s, 'wrong', %s)",
            [tenant, email, f"10.9.{number}.1"],
        )
        times.append(time.perf_counter() - started)
        connection.execute("DELETE FROM lakehouse.oauth_attempts")
    return sorted(times)[7]


def test_unknown_user_takes_as_long(session: Connection, tenant: str) -> None:
    known = median_seconds(session, tenant, f"member@{tenant}.example")
    unknown = median_seconds(session, tenant, f"nobody@{tenant}.example")
    no_tenant = median_seconds(session, "nowhere", "nobody@nowhere.example")
    # SCRAM's 4096 rounds take milliseconds; skipping them would take a tenth.
    assert min(known, unknown, no_tenant) > 0.4 * max(known, unknown, no_tenant)


def test_account_is_locked_after_five_failures(tenant: str, application: Application) -> None:
    wrong = User(f"member@{tenant}.example", tenant, "wrong")
    page = wrong.open(application)
    assert [wrong.sign_in(page).status_code for _ in range(6)] == [403] * 5 + [429]
    right = User(f"member@{tenant}.example", tenant)
    answer = right.sign_in(right.open(application))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    other = User(f"admin@{tenant}.example", tenant)
    assert other.sign_in(other.open(application)).status_code == 303


def test_lock_holds_against_attempts_made_at_once(tenant: str, application: Application) -> None:
    pages = []
    for _ in range(20):
        wrong = User(f"readonly@{tenant}.example", tenant, "wrong")
        pages.append((wrong, wrong.open(application)))
    with ThreadPoolExecutor(len(pages)) as pool:
        answers = pool.map(lambda one: one[0].sign_in(one[1]), pages)
    assert sorted(answer.status_code for answer in answers) == [403] * 5 + [429] * 15


def test_lock_doubles_and_ends(session: Connection, tenant: str) -> None:
    def attempt() -> tuple[str, int]:
        row = session.execute(
            "SELECT outcome, retry_seconds FROM lakehouse.verify_sign_in(%s, %s, %s, '10.1.1.1')",
            [tenant, f"agent@{tenant}.example", "wrong"],
        ).fetchone()
        assert row
        return row

    def let_pass() -> None:
        session.execute(
            "UPDATE lakehouse.oauth_attempts SET locked_until = now() WHERE locked_until > now()"
        )

    assert [attempt()[0] for _ in range(5)] == ["denied"] * 5
    waits = []
    for _ in range(6):
        waits.append(attempt()[1])
        let_pass()
        assert attempt()[0] == "denied"
    assert waits == [30, 60, 120, 240, 480, 900]


def test_address_is_locked_after_thirty_failures(session: Connection, tenant: str) -> None:
    for number in range(30):
        session.execute(
            "SELECT lakehouse.verify_sign_in(%s, %s, 'wrong', '2001:db8::%s')".replace(
                "'2001:db8::%s'", "%s"
            ),
            [tenant, f"guess{number}@x.example", f"2001:db8::{number + 1:x}"],
        )
    rows = [
        session.execute(
            "SELECT outcome FROM lakehouse.verify_sign_in(%s, %s, %s, %s)",
            [tenant, f"member@{tenant}.example", PASSWORD, address],
        ).fetchone()
        for address in ("2001:db8::ffff", "2001:db8:0:1::1")
    ]
    assert rows == [("locked",), ("admitted",)]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER ROLE {role} NOLOGIN",
        "ALTER ROLE {role} VALID UNTIL '2020-01-01'",
        "ALTER ROLE {role} PASSWORD NULL",
        "ALTER ROLE {role} SUPERUSER",
        "REVOKE {role} FROM lakehouse_worker",
        "UPDATE {tenant}.users SET is_active = false WHERE pg_role = '{role}'",
    ],
)
def test_no_sign_in_for_a_role_that_may_not(session: Connection, tenant: str, change: str) -> None:
    email = "closed" + str(abs(hash(change))) + "@x.example"
    session.execute(
        "SELECT lakehouse.create_user(%s, %s, 'Closed', 'member', %s)",
        [tenant, email, PASSWORD],
    )
    role = login_role(session, tenant, email)
    verify = "SELECT outcome FROM lakehouse.verify_sign_in(%s, %s, %s, '10.2.2.2')"
    assert session.execute(verify, [tenant, email, PASSWORD]).fetchone() == ("admitted",)
    session.execute(change.format(role=role, tenant=tenant))
    assert session.execute(verify, [tenant, email, PASSWORD]).fetchone() == ("denied",)


def test_trust_in_pg_hba_lets_nobody_in(session: Connection, tenant: str) -> None:
    """The cluster's socket line is trust: connecting would accept any password."""
    role = login_role(session, tenant, f"member@{tenant}.example")
    with psycopg.connect(user=role, password="anything"):
        pass
    row = session.execute(
        "SELECT outcome FROM lakehouse.verify_sign_in(%s, %s, 'anything', '10.3.3.3')",
        [tenant, f"member@{tenant}.example"],
    ).fetchone()
    assert row == ("denied",)


# The end of tokens.


@pytest.mark.parametrize("path", ["/mcp", "/api/mcp"])
def test_challenge_of_a_request_without_token(path: str) -> None:
    answer = call(None, path)
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert f'resource_metadata="{origin()}/.well-known/oauth-protected-resource{path}"' in challenge
    assert "scope=" in challenge
    assert "error" not in challenge


@pytest.mark.parametrize("token", ["x", "lkh_at_" + "A" * 49, "lkh_rt_" + "A" * 49])
def test_challenge_of_a_bad_token(token: str) -> None:
    answer = call(token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_token_in_the_query_is_refused(user: User, application: Application) -> None:
    token = user.tokens(application)["access_token"]
    answer = call(None, f"/mcp?access_token={token}")
    assert answer.status_code == 400
    assert call(token, f"/mcp?access_token={token}").status_code == 400


def ways_to_end(
    connection: Connection, tenant: str, application: Application, email: str
) -> dict[str, Callable[[], object]]:
    role = login_role(connection, tenant, email)
    users = sql.SQL("UPDATE {}.users SET is_active = {} WHERE email = {}")
    inactive, active = (
        users.format(sql.Identifier(tenant), sql.Literal(value), sql.Literal(email))
        for value in (False, True)
    )
    return {
        "client": lambda: connection.execute(
            "SELECT lakehouse.revoke_oauth_client(%s)", [application.client_id]
        ),
        "grants": lambda: connection.execute(
            "SELECT lakehouse.revoke_oauth_grants(%s, email => %s)", [tenant, email]
        ),
        "inactive user": lambda: (connection.execute(inactive), active),
        "no login": lambda: (
            connection.execute(f"ALTER ROLE {role} NOLOGIN"),
            f"ALTER ROLE {role} LOGIN",
        ),
    }


@pytest.mark.parametrize("way", ["client", "grants", "inactive user", "no login"])
def test_access_ends_within_a_second(
    session: Connection, tenant: str, user: User, application: Application, way: str
) -> None:
    token = user.tokens(application)["access_token"]
    assert is_admitted(token)
    undo = ways_to_end(session, tenant, application, user.email)[way]()
    started = time.monotonic()
    try:
        assert not is_admitted(token)
        assert time.monotonic() - started < 1
    finally:
        if isinstance(undo, tuple):
            session.execute(undo[1])


def test_client_gives_tokens_back(session: Connection, tenant: str, user: User) -> None:
    client = make_client(session, tenant, allow_refresh_tokens=True)
    thief = make_client(session, tenant)
    first = user.tokens(client)
    assert thief.revoke(first["access_token"]).status_code == 200
    assert is_admitted(first["access_token"])
    assert client.revoke(first["access_token"]).status_code == 200
    assert not is_admitted(first["access_token"])
    second = client.refresh(first["refresh_token"]).json()
    assert client.revoke(second["refresh_token"]).status_code == 200
    assert not is_admitted(second["access_token"])
    assert client.refresh(first["refresh_token"]).status_code == 400
    assert client.revoke("unknown").status_code == 200
    assert client.revoke("unknown", client_secret="wrong").status_code == 401


def test_expired_token_is_refused(
    session: Connection, user: User, application: Application
) -> None:
    tokens = user.tokens(application)
    assert tokens["expires_in"] == 3600
    session.execute("UPDATE lakehouse.oauth_access_tokens SET expires_at = now()")
    assert not is_admitted(tokens["access_token"])


def test_limits_are_taken_with_the_identity(
    session: Connection, tenant: str, user: User, application: Application
) -> None:
    token = user.tokens(application)["access_token"]
    session.execute("SELECT lakehouse.set_tenant_limits(%s, 4, 3000)", [tenant])
    try:
        answers = [call(token) for _ in range(3)]
        assert [answer.status_code == 429 for answer in answers] == [False, False, True]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 15
    finally:
        session.execute("SELECT lakehouse.set_tenant_limits(%s)", [tenant])


# Tenants.


def test_client_of_one_tenant_asks_only_its_users(
    session: Connection, application: Application
) -> None:
    with oauth_tenant(session) as other:
        stranger = User(f"member@{other}.example", other)
        assert stranger.sign_in(stranger.open(application)).status_code == 403


def test_admin_governs_the_own_tenants_clients(
    session: Connection, tenant: str, new_session: Callable[..., Connection]
) -> None:
    with oauth_tenant(session) as other:
        foreign = make_client(session, other)
        admin = new_session(user=login_role(session, tenant, f"admin@{tenant}.example"))
        own = make_client(admin, tenant)
        assert own.secret
        with pytest.raises(psycopg.Error):
            make_client(admin, other)
        with pytest.raises(psycopg.errors.UndefinedObject):
            admin.execute("SELECT lakehouse.revoke_oauth_client(%s)", [foreign.client_id])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SELECT secret_hash FROM lakehouse.oauth_clients")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SELECT * FROM lakehouse.oauth_access_tokens")
        ids = admin.execute("SELECT client_id FROM lakehouse.oauth_clients").fetchall()
        assert (own.client_id,) in ids and (foreign.client_id,) not in ids
        admin.execute("SELECT lakehouse.revoke_oauth_client(%s)", [own.client_id])
        member = new_session(user=login_role(session, tenant, f"member@{tenant}.example"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            make_client(member, tenant)


# Dynamic registration.


def registration() -> bool:
    url = origin() + "/.well-known/oauth-authorization-server"
    return "registration_endpoint" in requests.get(url, timeout=20).json()


def switch_registration(connection: Connection, value: str) -> None:
    connection.execute(f"ALTER SYSTEM SET lakehouse.oauth_dynamic_registration = {value}")
    connection.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 10
    while registration() != (value == "on"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def open_registration(session: Connection) -> Iterator[None]:
    switch_registration(session, "on")
    yield
    switch_registration(session, "off")
    session.execute("ALTER SYSTEM RESET lakehouse.oauth_dynamic_registration")
    session.execute("DELETE FROM lakehouse.oauth_clients WHERE kind = 'dynamic'")


def register(**document: object) -> requests.Response:
    return requests.post(origin() + "/oauth/register", json=document, timeout=20)


def test_registration_is_off_unless_switched_on() -> None:
    assert not registration()
    assert register(redirect_uris=[REDIRECT]).status_code == 403


@pytest.mark.usefixtures("open_registration")
def test_registered_client_signs_in_users(user: User) -> None:
    answer = register(
        redirect_uris=[REDIRECT],
        client_name="Registered",
        token_endpoint_auth_method="none",
    )
    assert answer.status_code == 201
    client = Application(answer.json()["client_id"])
    assert "client_secret" not in answer.json()
    assert user.tokens(client)["scope"] == "crm:read crm:write"
    secret = register(redirect_uris=[REDIRECT]).json()
    assert secret["client_secret"].startswith("lkh_cs_")
    assert user.tokens(Application(secret["client_id"], secret["client_secret"]))


@pytest.mark.usefixtures("open_registration")
@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example/",
        "cursor://x/y",
        "https://a.example/#f",
        "https://*.a.example/",
    ],
)
def test_registration_takes_no_odd_redirects(uri: str) -> None:
    answer = register(redirect_uris=[uri])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.usefixtures("open_registration")
def test_registration_is_limited() -> None:
    answers = [register(redirect_uris=[REDIRECT]) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


# Secrets.


def test_nothing_secret_is_logged(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everything the server can log is switched on."""
    cluster = Cluster(tmp_path_factory.mktemp("oauth"))
    try:
        with cluster.connect() as connection:
            connection.execute("LOAD 'auto_explain'")  # else its settings are not known
            for setting in (
                "log_statement = 'all'",
                "log_min_duration_statement = 0",
                "log_min_error_statement = debug5",
                "log_parameter_max_length = -1",
                "log_parameter_max_length_on_error = -1",
                "debug_print_plan = on",
                "session_preload_libraries = 'auto_explain'",
                "auto_explain.log_min_duration = 0",
                "auto_explain.log_verbose = on",
                "auto_explain.log_nested_statements = on",
            ):
                connection.execute(f"ALTER SYSTEM SET {setting}")
            with oauth_tenant(connection) as tenant, pytest.MonkeyPatch.context() as patch:
                known = make_client(connection, tenant, allow_refresh_tokens=True)
                connection.execute("SELECT pg_reload_conf()")
                # Sessions of the worker that are open already have loaded no auto_explain.
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = 'lakehouse_worker'"
                )
                patch.setenv("LAKEHOUSE_URL", cluster.environment["LAKEHOUSE_URL"])
                held = use_everything(connection, tenant, known)
                seen = connection.execute("SELECT query FROM pg_stat_activity").fetchall()
                log = cluster.log()
        assert "lakehouse.answer_sign_in" in log, "the worker's statements are logged"
        assert not [secret for secret in held if secret in log]
        assert not [secret for secret in held for (query,) in seen if secret in query]
    finally:
        cluster.stop()


def use_everything(connection: Connection, tenant: str, client: Application) -> list[str]:
    """Signs in, rightly and wrongly, and uses every kind of token; what must stay secret."""
    wrong = User(f"member@{tenant}.example", tenant, "wr0ng-pass-5f3759df")
    deadline = time.monotonic() + 20
    while (page := wrong.open(client)).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    wrong.sign_in(page)
    user = User(f"member@{tenant}.example", tenant)
    code = user.code(client)
    tokens = client.redeem(code).json()
    renewed = client.refresh(tokens["refresh_token"]).json()
    call(renewed["access_token"])
    client.revoke(renewed["access_token"])
    client.redeem(code)
    assert client.secret
    issued = [
        answer[name] for answer in (tokens, renewed) for name in ("access_token", "refresh_token")
    ]
    return [PASSWORD, "wr0ng-pass-5f3759df", client.secret, code, *issued]


def test_leftovers_are_forgotten(session: Connection, user: User, application: Application) -> None:
    user.tokens(application)
    grant = "SELECT id FROM lakehouse.oauth_grants WHERE client_id = %s"
    for statement in (
        "UPDATE lakehouse.oauth_codes SET expires_at = now() - interval '2 d' WHERE grant_id IN",
        "UPDATE lakehouse.oauth_access_tokens SET expires_at = now() - interval '2 d' WHERE grant_id IN",
        "UPDATE lakehouse.oauth_grants SET created_at = now() - interval '2 d' WHERE id IN",
    ):
        session.execute(f"{statement} ({grant})", [application.client_id])
    session.execute("SELECT lakehouse.forget_oauth_leftovers()")
    assert session.execute(grant, [application.client_id]).fetchall() == []
