"""Publishes notifications to an ntfy topic as JSON, which carries every language; HTTP headers would not."""

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import aiohttp

from hub.plugins import HubError, Notification

TIME_LIMIT = 8.0  # seconds; below the hub's own limit of ten, so that the reason is this plugin's
LONGEST_TEXT = 4000  # bytes: beyond 4,096 ntfy turns a message into an attachment
LARGEST_ANSWER = 4096


class NtfyNotifier:
    """One topic on one server. With a token, or user and password, or neither."""

    name = "ntfy"

    def __init__(
        self,
        server: str,
        topic: str,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._server = server.rstrip("/")
        self._topic = topic
        self._headers: dict[str, str] = {}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        elif user is not None:
            self._headers["Authorization"] = "Basic " + b64encode(f"{user}:{password or ''}".encode()).decode()
        self._time_limit = aiohttp.ClientTimeout(total=time_limit)
        self._session: aiohttp.ClientSession | None = None

    async def notify(self, notification: Notification) -> None:
        """Publish it. Raises HubError: ntfy-unreachable, -login, -forbidden, -limit, -refused, -broken."""
        message: dict[str, Any] = {
            "topic": self._topic,
            "title": notification.title,
            "message": _shortened(notification.text),
            "priority": min(max(notification.priority, 1), 5),
        }
        if notification.tags:
            message["tags"] = list(notification.tags)
        if notification.link is not None:
            message["click"] = notification.link
        try:
            # A redirect would turn the POST into a GET and carry the login elsewhere.
            async with self._open().post(
                self._server, json=message, headers=self._headers, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise await self._refusal(answer)
        except TimeoutError as error:
            detail = f"{self._time_limit.total:g} s"
            raise HubError("ntfy-unreachable", server=self._server, detail=detail) from error
        except (aiohttp.ClientError, OSError) as error:
            detail = str(error) or type(error).__name__
            raise HubError("ntfy-unreachable", server=self._server, detail=detail) from error

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._time_limit)
        return self._session

    async def _refusal(self, answer: aiohttp.ClientResponse) -> HubError:
        if answer.status == 401:
            return HubError("ntfy-login", server=self._server)
        if answer.status == 403:
            return HubError("ntfy-forbidden", server=self._server, topic=self._topic)
        if answer.status == 429:
            return HubError("ntfy-limit", server=self._server)
        if answer.status >= 500:
            return HubError("ntfy-broken", server=self._server, status=answer.status)
        detail = _reason(await _beginning(answer), answer)
        return HubError("ntfy-refused", server=self._server, status=answer.status, detail=detail)


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """The first bytes of the body; what came of it where the line was cut: the status says the rest."""
    body = b""
    with suppress(aiohttp.ClientError):
        while len(body) < LARGEST_ANSWER and (more := await answer.content.read(LARGEST_ANSWER)):
            body += more
    return body


def _reason(said: bytes, answer: aiohttp.ClientResponse) -> str:
    """ntfy answers `{"code":40009,"http":400,"error":"invalid request: …"}`; a proxy before it, anything."""
    try:
        error = json.loads(said).get("error")
    except (ValueError, AttributeError):
        error = None
    return error if isinstance(error, str) else answer.reason or ""


def _shortened(text: str) -> str:
    data = text.encode()
    if len(data) <= LONGEST_TEXT:
        return text
    return data[:LONGEST_TEXT].decode("utf-8", "ignore") + "…"
