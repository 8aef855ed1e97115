# SPDX-License-Identifier: PostgreSQL
"""Programs that know nothing of us: a strict OAuth client, and a real browser, also without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from browser import Person, converse
from conftest import Connection
from mcp_server import NODE, SCRIPTS
from oauth_client import PASSWORD, Application, is_admitted, make_client, origin
from oauth_fixtures import fresh_attempts, own_tenant  # noqa: F401
from playwright.sync_api import Browser, Page

LOOPBACK = "http://127.0.0.1:9/callback"  # nobody listens: the browser stays on that URL


@pytest.mark.parametrize("method", ["ClientSecretBasic", "ClientSecretPost", "None"])
def test_oauth4webapi_completes_every_step(
    session: Connection, browser: Browser, tenant: str, method: str
) -> None:
    application = make_client(
        session,
        tenant,
        redirect_uris=[LOOPBACK],
        is_public=method == "None",
        allow_refresh_tokens=True,
    )
    given = {
        "origin": origin(),
        "client_id": application.client_id,
        "client_secret": application.secret,
        "method": method,
        "scope": "crm:read",
    }
    command = [str(NODE), str(SCRIPTS / "oauth.mjs")]
    seen = converse(command, given, open=Person(browser, tenant).agree)
    assert seen["revoked"] == 200
    assert is_admitted(seen["first"]["access_token"])
    assert not is_admitted(seen["second"]["access_token"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def native(session: Connection, tenant: str) -> Application:
    return make_client(session, tenant, redirect_uris=[LOOPBACK], is_public=True)


def begin(page: Page, application: Application) -> None:
    page.goto(origin() + "/oauth/authorize?" + urlencode(application.parameters()))


def press_until(page: Page, name: str) -> None:
    """Goes on with Tab until the element of that name has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator(f":focus:is([name='{name}'], [value='{name}'])").count():
            return
    raise AssertionError(f"no way to {name} by keyboard")


def test_user_agrees_by_keyboard_without_javascript(
    page: Page, tenant: str, native: Application
) -> None:
    begin(page, native)
    press_until(page, "email")
    page.keyboard.type(f"member@{tenant}.example")
    press_until(page, "password")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    press_until(page, "password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("button[value=allow]")
    assert "127.0.0.1:9" in page.locator("main").inner_text()
    press_until(page, "allow")
    with page.expect_request(lambda request: request.url.startswith(LOOPBACK)) as sent:
        page.keyboard.press("Enter")
    answer = dict(parse_qsl(urlsplit(sent.value.url).query))
    assert answer["iss"] == origin()
    assert "referer" not in sent.value.all_headers()
    tokens = native.redeem(answer["code"])
    assert is_admitted(tokens.json()["access_token"])


def test_user_refuses(page: Page, native: Application) -> None:
    begin(page, native)
    with page.expect_request(lambda request: request.url.startswith(LOOPBACK)) as sent:
        page.get_by_role("button", name="Cancel").click()
    assert dict(parse_qsl(urlsplit(sent.value.url).query))["error"] == "access_denied"


def test_pages_are_accessible(page: Page, tenant: str, native: Application) -> None:
    """Every field has a label, every page one heading and a language."""
    begin(page, native)
    for label in ("E-mail address", "Password"):
        assert page.get_by_label(label).count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.locator("html[lang=en]").count() == 1
    page.get_by_label("E-mail address").fill(f"member@{tenant}.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").count() == 1
    assert page.locator("input[aria-invalid=true][aria-describedby=error]").count() == 2
