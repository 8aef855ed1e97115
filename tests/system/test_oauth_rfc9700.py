# SPDX-License-Identifier: PostgreSQL
"""Best current practice for OAuth 2.0 security (RFC 9700) and OAuth 2.1, points 1 to 9."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Connection
from oauth_client import (
    PASSWORD,
    REDIRECT,
    Application,
    User,
    call,
    is_admitted,
    make_client,
    origin,
    refusal,
    returned,
)
from oauth_fixtures import any_client, fresh_attempts, member, own_tenant  # noqa: F401

# 1. Exact match of redirect URIs; loopback with any port; schemes of apps only as registered.


@pytest.mark.parametrize(
    "uri",
    [
        REDIRECT + "/",
        REDIRECT + "?x=1",
        REDIRECT.upper(),
        REDIRECT.replace("https", "http"),
        REDIRECT.replace("client.", "evil.client."),
        REDIRECT + "/../other",
        REDIRECT.replace("://", "://user@"),
        REDIRECT + "#fragment",
        "https://client.example:443/callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_point_1_redirect_uri_matches_exactly(
    user: User, application: Application, uri: str
) -> None:
    answer = user.open(application, redirect_uri=uri)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_point_1_loopback_takes_any_port(
    session: Connection, tenant: str, user: User, host: str
) -> None:
    registered = f"http://{host}:1234/callback"
    native = make_client(session, tenant, redirect_uris=[registered], is_public=True)
    native.redirect_uri = f"http://{host}:4711/callback"
    assert user.tokens(native)["token_type"] == "Bearer"
    assert user.open(native, redirect_uri=f"http://{host}:4711/other").status_code == 400
    assert user.open(native, redirect_uri="http://10.0.0.1:4711/callback").status_code == 400


def test_point_1_app_scheme_only_if_registered(
    session: Connection, tenant: str, user: User, application: Application
) -> None:
    uri = "cursor://anysphere.cursor-mcp/oauth/callback"
    assert user.open(application, redirect_uri=uri).status_code == 400
    cursor = make_client(session, tenant, redirect_uris=[uri], is_public=True)
    answer = user.decide(user.consent_page(cursor))
    assert answer.headers["Location"].startswith(uri + "?code=")
    for bad in (
        "javascript:alert(1)//x",
        "http://evil.example/",
        "https://a.example/*",
        "data:/x",
    ):
        with pytest.raises(Exception, match="redirect URI can't be used"):
            make_client(session, tenant, redirect_uris=[bad])


# 2. Never redirect for an unknown client or a redirect URI that isn't its own.


def test_point_2_no_redirect_for_unknown_client(user: User, application: Application) -> None:
    for client_id in ("crm_" + "0" * 32, "", "https:///", "' OR 1=1"):
        answer = user.open(application, client_id=client_id)
        assert answer.status_code == 400
        assert "Location" not in answer.headers


def test_point_2_no_redirect_for_revoked_client(
    session: Connection, user: User, application: Application
) -> None:
    session.execute("SELECT lakehouse.revoke_oauth_client(%s)", [application.client_id])
    answer = user.open(application)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


# 3. PKCE, S256 only; no downgrade.


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"code_challenge": "!" * 43},
    ],
)
def test_point_3_pkce_is_required(
    user: User, application: Application, changes: dict[str, str | None]
) -> None:
    assert returned(user.open(application, **changes))["error"] == "invalid_request"


@pytest.mark.parametrize("verifier", [None, "", "x" * 42, "x" * 129, "w" * 64, "ü" * 43])
def test_point_3_verifier_must_fit(
    user: User, application: Application, verifier: str | None
) -> None:
    answer = application.redeem(user.code(application), code_verifier=verifier)
    assert refusal(answer) in ("invalid_request", "invalid_grant")


def test_point_3_challenge_itself_is_no_verifier(user: User, application: Application) -> None:
    code = user.code(application)
    challenge = application.parameters()["code_challenge"]
    assert refusal(application.redeem(code, code_verifier=challenge)) == "invalid_grant"


# 4. Codes: once, for a minute, bound to client, redirect URI, challenge and resource.


def test_point_4_code_is_good_once_and_a_replay_revokes(
    user: User, application: Application
) -> None:
    code = user.code(application)
    token = application.redeem(code).json()["access_token"]
    assert is_admitted(token)
    assert refusal(application.redeem(code)) == "invalid_grant"
    assert not is_admitted(token)


def test_point_4_code_wins_one_race_of_a_hundred(user: User, application: Application) -> None:
    code = user.code(application)
    start = threading.Barrier(100)

    def attempt(_: int) -> int:
        start.wait()
        return application.redeem(code).status_code

    with ThreadPoolExecutor(100) as pool:
        statuses = pool.map(attempt, range(100))
    assert sorted(statuses) == [200] + [400] * 99


def test_point_4_code_lives_a_minute(
    session: Connection, user: User, application: Application
) -> None:
    code = user.code(application)
    session.execute(
        "UPDATE lakehouse.oauth_codes SET expires_at = expires_at - interval '60 s'"
        " WHERE used_at IS NULL"
    )
    assert refusal(application.redeem(code)) == "invalid_grant"


def test_point_4_code_is_bound_to_client(
    session: Connection, tenant: str, user: User, application: Application
) -> None:
    thief = make_client(session, tenant)
    thief.verifier = application.verifier
    code = user.code(application)
    assert refusal(thief.redeem(code)) == "invalid_grant"
    assert application.redeem(code).status_code == 200


def test_point_4_code_is_bound_to_redirect_uri(
    session: Connection, tenant: str, user: User
) -> None:
    other = "https://client.example/other"
    both = make_client(session, tenant, redirect_uris=[REDIRECT, other])
    assert refusal(both.redeem(user.code(both), redirect_uri=other)) == "invalid_grant"
    assert refusal(both.redeem(user.code(both), redirect_uri=None)) == "invalid_request"


def test_point_4_code_is_bound_to_resource(user: User, application: Application) -> None:
    code = user.code(application)
    answer = application.redeem(code, resource="https://other.example/mcp")
    assert refusal(answer) == "invalid_target"


# 5. No implicit grant, no password grant.


@pytest.mark.parametrize("kind", ["token", "id_token", "code token", "none"])
def test_point_5_no_implicit_grant(user: User, application: Application, kind: str) -> None:
    answer = returned(user.open(application, response_type=kind))
    assert answer["error"] == "unsupported_response_type"


@pytest.mark.parametrize("grant", ["password", "client_credentials", "implicit", "urn:x"])
def test_point_5_no_password_grant(user: User, application: Application, grant: str) -> None:
    answer = application.redeem(
        "", grant_type=grant, username=user.email, password=PASSWORD, scope="crm:read"
    )
    assert refusal(answer) == "unsupported_grant_type"


# 6. Refresh tokens rotate; a bounded grace window; reuse after it revokes the family.


@pytest.fixture
def renewing(session: Connection, tenant: str) -> Application:
    return make_client(session, tenant, is_public=True, allow_refresh_tokens=True)


def test_point_6_no_refresh_token_unless_allowed(user: User, application: Application) -> None:
    assert "refresh_token" not in user.tokens(application)


def test_point_6_refresh_token_rotates(user: User, renewing: Application) -> None:
    first = user.tokens(renewing)
    second = renewing.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert is_admitted(second["access_token"])
    assert renewing.refresh(second["refresh_token"]).status_code == 200


def test_point_6_grace_window_is_bounded(user: User, renewing: Application) -> None:
    """Ten connections may all renew with the same token; an eleventh time is a thief's."""
    first = user.tokens(renewing)
    answers = [renewing.refresh(first["refresh_token"]) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 11
    newest = answers[-1].json()["access_token"]
    assert refusal(renewing.refresh(first["refresh_token"])) == "invalid_grant"
    assert not is_admitted(newest)


def test_point_6_reuse_after_the_window_revokes_the_family(
    session: Connection, user: User, renewing: Application
) -> None:
    first = user.tokens(renewing)
    second = renewing.refresh(first["refresh_token"]).json()
    session.execute(
        "UPDATE lakehouse.oauth_refresh_tokens SET rotated_at = rotated_at - interval '121 s'"
    )
    assert refusal(renewing.refresh(first["refresh_token"])) == "invalid_grant"
    assert not is_admitted(second["access_token"])
    assert refusal(renewing.refresh(second["refresh_token"])) == "invalid_grant"


def test_point_6_refresh_token_is_bound_to_client(
    session: Connection, tenant: str, user: User, renewing: Application
) -> None:
    token = user.tokens(renewing)["refresh_token"]
    thief = make_client(session, tenant, is_public=True, allow_refresh_tokens=True)
    assert refusal(thief.refresh(token)) == "invalid_grant"
    assert renewing.refresh(token).status_code == 200


# 7. Hashes at rest; a secret is shown once.


def test_point_7_tables_hold_hashes_alone(session: Connection, user: User, tenant: str) -> None:
    known = make_client(session, tenant, allow_refresh_tokens=True)
    code = user.code(known)
    tokens = known.redeem(code).json()
    held = [known.secret, code, tokens["access_token"], tokens["refresh_token"]]
    tables = session.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relname LIKE 'oauth%' AND"
        " c.relkind = 'r' AND c.relnamespace = 'lakehouse'::regnamespace"
    ).fetchall()
    assert len(tables) >= 6
    for (table,) in tables:
        rows = session.execute(f"SELECT t::text FROM {table} t").fetchall()
        assert not [row for row in rows for secret in held if secret and secret in row[0]]


def test_point_7_secret_is_shown_once(session: Connection, tenant: str) -> None:
    query = "SELECT client_id, client_secret FROM lakehouse.create_oauth_client(%s, 'once', %s,"
    query += " if_not_exists => true)"
    first = session.execute(query, [tenant, [REDIRECT]]).fetchone()
    again = session.execute(query, [tenant, [REDIRECT]]).fetchone()
    assert first and again
    assert first[1].startswith("lkh_cs_") and len(first[1]) == 56
    assert again == (first[0], None)


# 8. Tokens are for one audience, and for the least scope.


@pytest.mark.parametrize("name", ["", "/", "/mcp", "/api/mcp"])
def test_point_8_resource_has_these_names(user: User, application: Application, name: str) -> None:
    token = user.tokens(application, resource=origin() + name)["access_token"]
    assert is_admitted(token)


@pytest.mark.parametrize("name", ["https://other.example/mcp", "/mcp", "http://127.0.0.1/mcp", "x"])
def test_point_8_no_other_resource(user: User, application: Application, name: str) -> None:
    assert returned(user.open(application, resource=name))["error"] == "invalid_target"


def test_point_8_token_of_another_audience_is_refused(
    session: Connection, user: User, application: Application
) -> None:
    token = user.tokens(application)["access_token"]
    session.execute(
        "UPDATE lakehouse.oauth_grants SET resource = 'https://other.example/mcp'"
        " WHERE client_id = %s",
        [application.client_id],
    )
    answer = call(token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_point_8_scopes_are_the_clients_at_most(
    session: Connection, tenant: str, user: User
) -> None:
    reader = make_client(session, tenant, scopes=["crm:read"])
    assert user.tokens(reader, scope="crm:read crm:write openid")["scope"] == "crm:read"
    assert user.tokens(reader, scope=None)["scope"] == "crm:read"
    assert returned(user.open(reader, scope="crm:write"))["error"] == "invalid_scope"


def test_point_8_refresh_narrows_only(user: User, renewing: Application) -> None:
    tokens = user.tokens(renewing, scope="crm:read crm:write")
    narrow = renewing.refresh(tokens["refresh_token"], scope="crm:read").json()
    assert narrow["scope"] == "crm:read"
    answer = renewing.refresh(narrow["refresh_token"], scope="crm:read erp:read")
    assert refusal(answer) == "invalid_scope"


# 9. `iss` and `state` on success and error.


def test_point_9_iss_and_state_on_success_and_error(user: User, application: Application) -> None:
    state = "a b&c=ü" + "x" * 100
    page = user.consent_page(application, state=state)
    answers = [
        returned(user.decide(page)),
        returned(user.decide(user.consent_page(application, state=state), "deny")),
        returned(user.open(application, state=state, response_type="token")),
    ]
    assert [answer.get("error") for answer in answers] == [
        None,
        "access_denied",
        "unsupported_response_type",
    ]
    assert {answer["iss"] for answer in answers} == {origin()}
    assert {answer["state"] for answer in answers} == {state}
