# SPDX-License-Identifier: PostgreSQL
"""A request to the MCP server whose answer comes in its own time, perhaps as a stream of events."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from mcp_server import Client
from oauth_client import origin
from warehouse import wait_until


class Pending(threading.Thread):
    """Reads in a thread: `messages` are those of JSON-RPC so far."""

    def __init__(
        self, client: Client, method: str, params: dict | None = None, verb: str = "POST"
    ) -> None:
        super().__init__(daemon=True)
        self.messages: list[dict[str, Any]] = []
        self.status: int | None = None
        self.is_whole = False  # the server has said that this was all
        body, headers = client.message(method, params)
        self.id = body["id"]
        target = urlsplit(origin())
        self._connection = http.client.HTTPConnection(target.hostname or "", target.port)
        self._connection.connect()
        assert self._connection.sock
        self._socket: socket.socket = self._connection.sock
        headers["Content-Type"] = "application/json"
        text = json.dumps(body) if verb == "POST" else None
        self._connection.request(verb, "/mcp", text, headers)
        self.start()

    def run(self) -> None:
        try:
            answer = self._connection.getresponse()
            self.status = answer.status
            if answer.getheader("Content-Type", "").startswith("text/event-stream"):
                for line in iter(answer.readline, b""):
                    if line.startswith(b"data:"):
                        self.messages.append(json.loads(line.removeprefix(b"data:")))
            elif body := answer.read():
                self.messages.append(json.loads(body))
            self.is_whole = answer.isclosed()  # the last chunk came
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self._connection.close()

    def drop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self.join(10)

    def wait_for(self, method: str, seconds: float = 5) -> dict[str, Any]:
        """The first notification of this kind."""
        wait_until(lambda: any(m.get("method") == method for m in self.messages), seconds, method)
        return next(m for m in self.messages if m.get("method") == method)

    def wait_answer(self, seconds: float) -> dict[str, Any]:
        """The response, after which the server ends the answer as it should."""
        self.join(seconds)
        assert not self.is_alive(), f"no end within {seconds} s: {self.messages}"
        assert self.is_whole, self.messages
        assert self.messages[-1].get("id") == self.id, self.messages
        return self.messages[-1]
