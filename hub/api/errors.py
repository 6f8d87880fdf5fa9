"""Errors as RFC 9457 problem+json: which status a HubError has, and where a body stops being JSON."""

import re
from http import HTTPStatus

import msgspec
from msgspec import UNSET

from hub.api.types.common import Problem
from hub.messages import HubError, render

CONTENT_TYPE = "application/problem+json"

STATUS = {
    "json-broken": 400,
    "json-truncated": 400,
    "json-too-deep": 400,
    "text-not-utf8": 400,
    "body-missing": 400,
    "body-wrong": 422,
    "request-invalid": 400,
    "token-missing": 401,
    "token-wrong": 401,
    "token-expired": 401,
    "login-wrong": 401,
    "code-needed": 401,
    "passkey-refused": 401,
    "passkey-needs-name": 403,
    "passkey-needs-https": 403,
    "passkey-name-unknown": 403,
    "passkey-late": 410,
    "passkey-taken": 409,
    "passkey-unknown": 404,
    "session-ended": 401,
    "last-admin": 409,
    "home-first": 409,
    "home-declared": 409,
    "second-factor-off": 409,
    "user-elsewhere": 403,
    "confirmation-needed": 403,
    "person-needed": 403,
    "user-unknown": 404,
    "home-unknown": 404,
    "key-unknown": 404,
    "session-unknown": 404,
    "invitation-unknown": 404,
    "invitation-over": 410,
    "always-on": 409,
    "device-offline": 409,
    "relay-unknown": 409,
    "setup-done": 409,
    "hardware-id-taken": 409,
    "email-taken": 409,
    "client-name-taken": 409,
    "pairing-busy": 409,
    "pairing-too-many": 409,
    "pairing-own-broker": 409,
    "pairing-unknown": 404,
    "backup-running": 409,
    "backup-declared": 409,
    "updates-declared": 409,
    "updates-no-source": 409,
    "updates-clock": 409,
    "updates-unreachable": 502,
    "updates-status": 502,
    "updates-too-large": 502,
    "updates-unreadable": 502,
    "updates-signature-wrong": 502,
    "updates-other-product": 502,
    "updates-rolled-back": 502,
    "updates-expired": 502,
    "updates-ahead": 502,
    "origin-refused": 403,
    "forbidden": 403,
    "https-required": 403,
    "path-unknown": 404,
    "device-unknown": 404,
    "plug-room-unknown": 404,
    "home-room-unknown": 404,
    "room-name-taken": 409,
    "schedule-unknown": 404,
    "alert-unknown": 404,
    "notifier-unknown": 404,
    "notifier-failed": 502,
    "client-unknown": 404,
    "authority-unused": 404,
    "upgrade-missing": 426,
    "websocket-version": 426,
    "method-not-allowed": 405,
    "body-too-large": 413,
    "body-too-slow": 408,
    "content-type-wrong": 415,
    "content-encoding-wrong": 415,
    "url-too-long": 414,
    "head-too-long": 431,
    "expectation-unknown": 417,
    "too-many-attempts": 429,
    "requests-too-many": 429,
    "address-refused": 403,
    "forwarding-invalid": 400,
    "host-invalid": 400,
    "connections-too-many": 503,
    "exports-too-many": 503,
    "history-unreadable": 503,
    "history-rebuilding": 503,
    "deleted-meanwhile": 409,
    "registry-row-held": 409,
    "database-unwritable": 507,
    "certificates-unwritable": 507,
    "internal-error": 500,
    "command-unconfirmed": 504,
}
DEFAULT_STATUS = 422
"""What a service refuses for its own reasons (a name taken, a password too short) is about the values sent."""

_BYTE = re.compile(r"\(byte (\d+)\)")


def status_of(id: str) -> int:
    """The HTTP status of a problem code."""
    return STATUS.get(id, DEFAULT_STATUS)


def problem(error: HubError, language: str) -> Problem:
    """The answer that says what was wrong, in the reader's language."""
    status = status_of(error.id)
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=error.id,
        detail=render(error.message, language),
        field=UNSET if error.field is None else error.field,
    )


def broken(error: msgspec.DecodeError, body: bytes) -> HubError:
    """Where the JSON breaks off, as line and column from 1."""
    match = _BYTE.search(str(error))
    if match is None:
        return HubError("json-truncated")
    before = body[: int(match[1])]
    return HubError("json-broken", line=before.count(b"\n") + 1, column=len(before) - before.rfind(b"\n"))
