# SPDX-License-Identifier: PostgreSQL
"""Points 10 to 15 of the practice that test_oauth_rfc9700.py begins: pages, clients, metadata."""

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
from conftest import Connection
from oauth_client import (
    ALL_SCOPES,
    REDIRECT,
    Application,
    User,
    is_admitted,
    make_client,
    origin,
    refusal,
    resource,
    returned,
)
from oauth_fixtures import any_client, fresh_attempts, member, own_tenant  # noqa: F401

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
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
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


def test_point_11_tokens_and_redirects_are_not_stored(user: User, application: Application) -> None:
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
        "/oauth/token",
        application.claim(code),
        headers=basic(application.client_id, "x"),
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
