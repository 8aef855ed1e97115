# SPDX-License-Identifier: PostgreSQL
"""Error answers of the Databricks REST API: one envelope, integer codes for failed sign-in."""

from __future__ import annotations

from server.message import Response, json_response


class ApiError(Exception):
    """Refuses a request; `code` is the envelope's error_code."""

    def __init__(self, status: int, code: str | int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        body: dict[str, object] = {"error_code": self.code, "message": self.message}
        if isinstance(self.code, str):
            body["details"] = []
        return json_response(body, self.status)


def invalid_parameter(message: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def not_found(message: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", message)


def no_credential() -> ApiError:
    text = "Credential was not sent or was of an unsupported type for this API."
    return ApiError(401, 401, text)


def bad_token() -> ApiError:
    return ApiError(403, 403, "Invalid access token.")


def expired_token(status: int) -> ApiError:
    return ApiError(status, status, "Invalid access token. Token is expired.")


def no_such_endpoint(method: str, path: str) -> ApiError:
    return ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path}'")


def crashed() -> ApiError:
    return ApiError(500, "INTERNAL_ERROR", "The stand-in failed; its standard error says why.")
