# SPDX-License-Identifier: PostgreSQL
"""A real browser, the person in front of it, and the clients that send this person there to sign in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oauth_client import PASSWORD
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 60


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield running
        running.close()


class Person:
    """The member of a tenant of oauth_tenant()."""

    def __init__(self, browser: Browser, tenant: str) -> None:
        self.browser, self.tenant = browser, tenant

    def agree(self, url: str) -> None:
        """Signs in where a client wants it, and allows what it asks for; the answer goes to the client."""
        page = self.browser.new_page()
        page.goto(url)
        page.get_by_label("E-mail address").press_sequentially(f"member@{self.tenant}.example")
        page.get_by_label("Password").press_sequentially(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Allow").click()
        [target] = parse_qs(urlsplit(url).query)["redirect_uri"]
        page.wait_for_url(lambda reached: reached.startswith(target))
        page.close()


def converse(
    command: list[str], given: dict[str, object], **answers: Callable[[str], object]
) -> Any:
    """What a client of tests/clients has seen, which may ask once for each of the answers."""
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as client:
        assert client.stdin and client.stdout
        limit = threading.Timer(SECONDS, client.kill)
        limit.start()
        try:
            print(json.dumps(given), file=client.stdin, flush=True)
            for line in client.stdout:
                [(word, value)] = json.loads(line).items()
                if word == "seen":
                    client.stdin.close()
                    assert client.wait() == 0
                    return value
                answers.pop(word)(value)
                print("{}", file=client.stdin, flush=True)
        finally:
            limit.cancel()
            client.kill()
    raise AssertionError("the client saw nothing; its standard error says why")
