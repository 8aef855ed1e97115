# SPDX-License-Identifier: PostgreSQL
"""Best current practice for OAuth 2.0 security (RFC 9700) and OAuth 2.1, point by point."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
import requests
from conftest import Connection, connect
from oauth_client import (
    ALL_SCOPES,
    PASSWORD,
    REDIRECT,
    Application,
    User,
    call,
    is_admitted,
    make_client,
    oauth_tenant,
    origin,
    resource,
    returned,
)


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    with connect() as connection, oauth_tenant(connection) as slug:
        yield slug


@pytest.fixture(autouse=True)
def fresh_attempts(session: Connection) -> None:
    """All tests come from one address, whose failures add up."""
    session.execute("DELETE FROM lakehouse.oauth_attempts")


@pytest.fixture
def user(tenant: str) -> User:
    return User(f"member@{tenant}.example", tenant)


@pytest.fixture
def application(session: Connection, tenant: str) -> Application:
    return make_client(session, tenant)


def refusal(answer: requests.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


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
    for bad in ("javascript:alert(1)//x", "http://evil.example/", "https://a.example/*", "data:/x"):
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
    statuses: list[int] = []

    def attempt() -> None:
        start.wait()
        statuses.append(application.redeem(code).status_code)

    threads = [threading.Thread(target=attempt) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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


def test_point_7_tables_hold_hashes_alone(
    session: Connection, user: User, tenant: str
) -> None:
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
def test_point_8_resource_has_these_names(
    user: User, application: Application, name: str
) -> None:
    token = user.tokens(application, resource=origin() + name)["access_token"]
    assert is_admitted(token)


@pytest.mark.parametrize(
    "name", ["https://other.example/mcp", "/mcp", "http://127.0.0.1/mcp", "x"]
)
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


def test_point_9_iss_and_state_on_success_and_error(
    user: User, application: Application
) -> None:
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


# 10. Consent: client, redirect host, scopes; against CSRF and framing; 303.


def test_point_10_consent_names_client_target_and_scopes(
    session: Connection, tenant: str, user: User
) -> None:
    client = make_client(session, tenant)
    session.execute(
        "UPDATE lakehouse.oauth_clients SET name = '<b>Evil</b> & \"Co\"' WHERE client_id = %s",
        [client.client_id],
    )
    page = user.consent_page(client, scope="crm:read")
    assert "&lt;b&gt;Evil&lt;/b&gt; &amp; &quot;Co&quot;" in page.text
    assert "<b>Evil" not in page.text
    assert "client.example" in page.text
    assert "Read the CRM records" in page.text
    assert "Create and change" not in page.text


def test_point_10_pages_are_strict(user: User, application: Application) -> None:
    for page in (user.open(application), user.consent_page(application)):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "script-src" not in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text


def test_point_10_forms_need_the_browser_that_began(
    user: User, tenant: str, application: Application
) -> None:
    page = user.consent_page(application)
    stranger = User(user.email, tenant)
    assert stranger.decide(page).status_code == 400
    assert stranger.sign_in(page).status_code == 400
    assert user.decide(page).status_code == 303


def test_point_10_other_sites_cannot_post(user: User, application: Application) -> None:
    page = user.consent_page(application)
    handle = page.text.split('name="request" value="')[1].split('"')[0]
    fields = {"request": handle, "decision": "allow"}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = user.post("/oauth/consent", fields, **headers)
        assert answer.status_code in (400, 403)
    assert user.post("/oauth/consent", fields, Origin=origin()).status_code == 303


def test_point_10_consent_needs_a_sign_in(user: User, application: Application) -> None:
    page = user.open(application)
    assert user.decide(page).status_code == 400
    assert returned(user.decide(page, "deny"))["error"] == "access_denied"


def test_point_10_consent_is_for_one_client_once(
    session: Connection, tenant: str, user: User, application: Application
) -> None:
    page = user.consent_page(application)
    assert user.decide(page).status_code == 303
    assert user.decide(page).status_code == 400
    other = make_client(session, tenant)
    assert "password" in user.open(other).text, "nobody stays signed in for another client"


# 11. Nothing is stored, nothing leaks by the referrer.


def test_point_11_tokens_and_redirects_are_not_stored(
    user: User, application: Application
) -> None:
    answer = user.decide(user.consent_page(application))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    code = returned(answer)["code"]
    tokens = application.redeem(code)
    assert tokens.headers["Cache-Control"] == "no-store"
    assert tokens.headers["Content-Type"].startswith("application/json")
    assert application.redeem(code).headers["Cache-Control"] == "no-store"


# 12. Secrets are compared as hashes; lockout at the token endpoint.


def test_point_12_client_is_locked_after_wrong_secrets(
    user: User, application: Application
) -> None:
    code = user.code(application)
    for _ in range(10):
        assert refusal(application.redeem(code, client_secret="wrong"), 401) == "invalid_client"
    answer = application.redeem(code)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 30


# 13. Client authentication: basic (form-urlencoded), post, none.


def basic(client_id: str, secret: str) -> dict[str, str]:
    joined = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(joined.encode()).decode()}


def test_point_13_basic_and_post(user: User, application: Application) -> None:
    assert application.secret
    header = basic(application.client_id, application.secret)
    fields = application.claim(user.code(application), client_id=None, client_secret=None)
    assert application.post("/oauth/token", fields, headers=header).status_code == 200
    assert application.redeem(user.code(application)).status_code == 200


def test_point_13_confidential_clients_must_authenticate(
    user: User, application: Application
) -> None:
    code = user.code(application)
    answer = application.redeem(code, client_secret=None)
    assert refusal(answer, 401) == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert refusal(application.redeem(code, client_id=None), 401) == "invalid_client"
    both = application.post(
        "/oauth/token", application.claim(code), headers=basic(application.client_id, "x")
    )
    assert refusal(both) == "invalid_request"


def test_point_13_public_clients_have_no_secret(
    session: Connection, tenant: str, user: User
) -> None:
    native = make_client(session, tenant, is_public=True)
    assert native.secret is None
    code = user.code(native)
    assert refusal(native.redeem(code, client_secret="made up"), 401) == "invalid_client"
    assert native.redeem(code).status_code == 200


def test_point_13_repeated_parameters_are_refused(user: User, application: Application) -> None:
    code = user.code(application)
    fields = [*application.claim(code).items(), ("code", "again")]
    answer = requests.post(origin() + "/oauth/token", data=fields, timeout=20)
    assert refusal(answer) == "invalid_request"


# 14. Metadata: of the server and of the resource, at each place clients look.


def test_point_14_server_metadata(session: Connection) -> None:
    found = requests.get(origin() + "/.well-known/oauth-authorization-server", timeout=20)
    metadata = found.json()
    assert metadata["issuer"] == origin()
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["scopes_supported"] == ALL_SCOPES
    endpoints = [value for key, value in metadata.items() if key.endswith("_endpoint")]
    assert len(endpoints) == 3
    assert all(urlsplit(url)[:2] == urlsplit(origin())[:2] for url in endpoints)


@pytest.mark.parametrize(
    ("path", "named"), [("", "/mcp"), ("/mcp", "/mcp"), ("/api/mcp", "/api/mcp")]
)
def test_point_14_resource_metadata(path: str, named: str) -> None:
    url = origin() + "/.well-known/oauth-protected-resource" + path
    metadata = requests.get(url, timeout=20).json()
    assert metadata["resource"] == origin() + named
    assert metadata["authorization_servers"] == [origin()]
    assert "offline_access" not in metadata["scopes_supported"]


def test_point_14_metadata_does_not_follow_the_host_header() -> None:
    url = origin() + "/.well-known/oauth-protected-resource/mcp"
    answer = requests.get(url, headers={"Host": "evil.example"}, timeout=20)
    assert answer.status_code == 421
    assert "evil.example" not in answer.text


# 15. Client ID Metadata Documents are fetched with care.


class Publisher:
    """A web server of one document, on 127.0.0.1, which the worker may call here."""

    def __init__(self) -> None:
        publisher = self
        self.status, self.headers = 200, {"Content-Type": "application/json"}
        self.document: object = None
        self.fetched = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.fetched += 1
                body = publisher.document
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(publisher.status)
                for name, value in publisher.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/client.json"

    def publish(self, **changes: object) -> None:
        self.document = {
            "client_id": self.url,
            "client_name": "Published client",
            "redirect_uris": [REDIRECT, "http://localhost/callback"],
            "token_endpoint_auth_method": "none",
            **changes,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    publisher.publish()
    yield publisher
    publisher.close()


def test_point_15_document_is_a_client(
    session: Connection, user: User, publisher: Publisher
) -> None:
    client = Application(publisher.url)
    page = user.consent_page(client)
    assert "Published client" in page.text and publisher.url in page.text
    tokens = application_tokens = client.redeem(returned(user.decide(page))["code"]).json()
    assert application_tokens and is_admitted(tokens["access_token"])
    user.open(client)
    assert publisher.fetched == 1, "kept as long as HTTP says"
    session.execute("SELECT lakehouse.revoke_oauth_client(%s)", [publisher.url])
    assert not is_admitted(tokens["access_token"])
    assert user.open(client).status_code == 400


def test_point_15_document_is_fetched_again_if_not_to_be_kept(
    user: User, publisher: Publisher
) -> None:
    publisher.headers["Cache-Control"] = "no-store"
    for _ in range(2):
        assert user.open(Application(publisher.url)).status_code == 200
    assert publisher.fetched == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "http://127.0.0.1/client.json"},
        {"redirect_uris": ["https://other.example/callback"]},
        {"redirect_uris": ["javascript:alert(1)", REDIRECT]},
        {"redirect_uris": []},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"padding": "x" * 20_000},
    ],
)
def test_point_15_document_must_be_sound(
    user: User, publisher: Publisher, changes: dict[str, object]
) -> None:
    publisher.publish(**changes)
    assert user.open(Application(publisher.url)).status_code == 400


def test_point_15_no_redirect_is_followed(user: User, publisher: Publisher) -> None:
    publisher.status, publisher.headers["Location"] = 302, publisher.url
    assert user.open(Application(publisher.url)).status_code == 400
    assert publisher.fetched == 1


def test_point_15_private_addresses_are_not_asked(user: User, publisher: Publisher) -> None:
    """127.0.0.1 is allowed here by name alone; whatever else leads there is not."""
    port = urlsplit(publisher.url).port
    for host in (
        f"localhost:{port}",
        f"127.1:{port}",
        f"[::ffff:127.0.0.1]:{port}",
        f"0x7f000001:{port}",
        "169.254.169.254",
        "10.0.0.1",
        f"user@127.0.0.1:{port}",
    ):
        for scheme in ("http", "https"):
            started = time.monotonic()
            answer = user.open(Application(f"{scheme}://{host}/client.json"))
            assert answer.status_code == 400, host
            assert time.monotonic() - started < 8
    assert publisher.fetched <= 2, "127.1 and 0x7f000001 are other spellings of 127.0.0.1"


def test_point_15_resource_is_ours(user: User, publisher: Publisher) -> None:
    client = Application(publisher.url)
    assert is_admitted(user.tokens(client, resource=resource())["access_token"])
