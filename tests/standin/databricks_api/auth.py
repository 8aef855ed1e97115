# SPDX-License-Identifier: PostgreSQL
"""Who may call: a personal access token, or OAuth tokens minted for a service principal.

Secrets live in this object only; nothing here prints, counts or stores what a client sent.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from server.message import Request, Response, json_response

from databricks_api import errors
from databricks_api.settings import Settings

_SCOPES = {"all-apis", "sql", "offline_access"}


@dataclass(frozen=True)
class Credentials:
    token: str
    client_id: str
    client_secret: str
    mark: str  # stands in every token and link that is made here, so that one scan finds them all

    def __repr__(self) -> str:
        return "Credentials(…)"


class Auth:
    def __init__(self, credentials: Credentials, settings: Settings) -> None:
        self._credentials = credentials
        self._settings = settings
        self._lock = threading.Lock()
        self._minted: dict[str, float] = {}

    def refuse(self, request: Request) -> errors.ApiError | None:
        """The error for a request without a valid bearer token, or None."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not value:
            return errors.no_credential()
        if hmac.compare_digest(value.encode(), self._credentials.token.encode()):
            return None
        with self._lock:
            expiry = self._minted.get(value)
        if expiry is None:
            return errors.bad_token()
        if expiry <= time.time():
            return errors.expired_token(self._settings.expired_token_status)
        return None

    def expire_tokens(self) -> None:
        """Make every minted token expire now."""
        with self._lock:
            self._minted = dict.fromkeys(self._minted, 0.0)

    def discovery(self, base_url: str) -> Response:
        """RFC 8414 metadata; the real service escapes every slash, so this one does too."""
        oidc = f"{base_url}/oidc"
        value = {
            "authorization_endpoint": f"{oidc}/v1/authorize",
            "token_endpoint": f"{oidc}/v1/token",
            "issuer": oidc,
            "jwks_uri": f"{oidc}/jwks.json",
            "scopes_supported": sorted(_SCOPES),
            "response_types_supported": ["code", "id_token"],
            "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
        body = json.dumps(value).replace("/", "\\/").encode()
        return Response(200, body, {"Content-Type": "application/json"})

    def token(self, request: Request) -> Response:
        """Client-credentials grant, RFC 6749 section 4.4."""
        form = {k: v[-1] for k, v in parse_qs(request.body.decode("utf-8", "replace")).items()}
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "Only client_credentials is known.")
        if not self._is_client(*_client_of(request, form)):
            return _oauth_error(401, "invalid_client", "Client authentication failed.")
        scopes = form.get("scope", "all-apis").split()
        if not scopes or not set(scopes) <= _SCOPES:
            return _oauth_error(400, "invalid_scope", "The requested scope is invalid.")
        token = "eyJ" + self._credentials.mark + secrets.token_urlsafe(32)
        lifetime = self._settings.token_lifetime_s
        with self._lock:
            self._minted[token] = time.time() + lifetime
        answer = {
            "access_token": token,
            "scope": " ".join(scopes),
            "token_type": "Bearer",
            "expires_in": int(lifetime),
        }
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def _is_client(self, client_id: str, secret: str) -> bool:
        known = self._credentials
        same_id = hmac.compare_digest(client_id.encode(), known.client_id.encode())
        return hmac.compare_digest(secret.encode(), known.client_secret.encode()) and same_id


def _client_of(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        client_id, _, secret = pair.partition(":")
        return unquote(client_id), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _oauth_error(status: int, error: str, description: str) -> Response:
    return json_response({"error": error, "error_description": description}, status)
