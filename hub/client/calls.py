"""The connection to a hub: signing in, renewing, one call, whole lists, files. Errors as exceptions."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp

from hub.client.errors import UNREADABLE, ApiError, HubUnreachable, require_address, require_key, require_query

JsonObject = dict[str, Any]
TIMEOUT = aiohttp.ClientTimeout(total=30)
STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
RENEWED = ("token-expired", "token-wrong")
"""With these a new token may be right: it ran out, or the hub signs differently since its restart."""


class Calls:
    """The connection to one hub, and what every call has in common.

    url: http://HOST:PORT or https://HOST:PORT. Raises AddressInvalid, KeyInvalid.
    """

    def __init__(self, url: str, *, key: str | None = None, language: str = "en") -> None:
        self.url = require_address(url)
        self._token = None if key is None else require_key(key)
        self._refresh_token: str | None = None
        self._headers = {"Accept-Language": language, "X-Plughub-Client": "program"}
        self._session: aiohttp.ClientSession | None = None
        self._renewing = asyncio.Lock()

    def in_home(self, id: str) -> None:
        """From now on calls are about this home: for the key of the machine's own command line only, which is no
        member of any."""
        self._headers["X-Plughub-Home"] = id

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def login(self, email: str, password: str, code: str | None = None) -> JsonObject:
        """Sign in as a person; returns the user and the home. code: of the authenticator app, or a recovery code;
        without it, ApiError "code-needed" where the person has a second factor."""
        body = {"email": email, "password": password} | ({} if code is None else {"code": code})
        return self.signed_in(await self._send("POST", "/auth/login", body))

    async def logout(self) -> None:
        """End the session on the hub."""
        await self._send("POST", "/auth/logout", {"refresh_token": self._refresh_token})
        self._token = self._refresh_token = None

    @property
    def token(self) -> str | None:
        """The access token or key in use; the WebSocket takes it in its first message."""
        return self._token

    async def call(self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()) -> JsonObject:
        """Any route below /api/v1; renews the access token once where it holds no more. Ids in it go through
        path_of."""
        return await self._send(method, path, body, query, renews=True)

    async def items(self, path: str, query: Sequence[tuple[str, str]] = ()) -> list[JsonObject]:
        """A whole list, page by page."""
        items: list[JsonObject] = []
        page = await self.call("GET", path, query=query)
        items += self._part(page, "items")
        while page.get("next"):
            page = await self.call("GET", path, query=[*query, ("cursor", page["next"])])
            items += self._part(page, "items")
        return items

    async def stream(self, path: str, query: Sequence[tuple[str, str]] = ()) -> AsyncGenerator[bytes, None]:
        """What is no JSON, piece by piece, however long it is; renews as `call` does. Ends with HubUnreachable where it
        is cut off."""
        async with self._answered("GET", path, None, query, renews=True, timeout=STREAM_TIMEOUT) as response:
            if response.content_type == "text/html":  # the page of a proxy or a router, not what was asked for
                raise self._unreadable(response.status)
            async for piece in response.content.iter_any():
                yield piece

    async def file(self, path: str, query: Sequence[tuple[str, str]] = ()) -> bytes:
        """The same as a whole."""
        return b"".join([piece async for piece in self.stream(path, query)])

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client as `async with HubClient(...)`")
        return self._session

    def signed_in(self, session: JsonObject) -> JsonObject:
        """Take over the tokens of an answer; its user and home."""
        who = {"user": self._part(session, "user"), "home": self._part(session, "home")}
        self._token = self._part(session, "access_token")
        self._refresh_token = session.get("refresh_token") or self._refresh_token  # moving on keeps the session
        return who

    def _part(self, answer: JsonObject, name: str) -> Any:
        """A part of an answer that every hub gives. Raises ApiError "answer-unreadable" where it is not there."""
        if name not in answer:
            raise self._unreadable(200)
        return answer[name]

    def _signed(self) -> dict[str, str]:
        return self._headers | ({} if self._token is None else {"Authorization": f"Bearer {self._token}"})

    async def _send(
        self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = (), *, renews: bool = False
    ) -> JsonObject:
        async with self._answered(method, path, body, query, renews=renews) as response:
            return {} if response.status == 204 else await self._read(response)

    @asynccontextmanager
    async def _answered(
        self,
        method: str,
        path: str,
        body: Any,
        query: Sequence[tuple[str, str]],
        *,
        renews: bool,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The one way to the hub: an answer that is no refusal, its body not yet read."""
        session, url, params = self._open(), f"{self.url}/api/v1{path}", require_query(query)
        renews = renews and self._refresh_token is not None
        try:
            while True:
                shown = self._token
                async with session.request(
                    method, url, json=body, params=params, headers=self._signed(), timeout=timeout
                ) as response:
                    if response.status < 400:
                        yield response
                        return
                    refusal = self._refusal(response.status, await self._read(response))
                if not renews or refusal.code not in RENEWED:
                    raise refusal
                renews = False
                await self._renew(shown)
        except aiohttp.ClientPayloadError as error:
            raise HubUnreachable(f"{self.url}: the answer was cut off") from error
        except (aiohttp.ClientError, OSError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise HubUnreachable(f"{self.url}: {reason}") from error

    async def _renew(self, shown: str | None) -> None:
        """A new access token in place of this one. Of calls that go on at once, one asks: a refresh token serves
        once."""
        async with self._renewing:
            if self._token == shown:
                self.signed_in(await self._send("POST", "/auth/refresh", {"refresh_token": self._refresh_token}))

    async def _read(self, response: aiohttp.ClientResponse) -> JsonObject:
        try:
            content = json.loads(await response.read())
        except (ValueError, RecursionError) as error:
            raise self._unreadable(response.status) from error
        if not isinstance(content, dict):
            raise self._unreadable(response.status)
        return content

    def _refusal(self, status: int, problem: JsonObject) -> ApiError:
        code, detail = problem.get("code"), problem.get("detail")
        if not isinstance(code, str) or not isinstance(detail, str):
            return self._unreadable(status)
        return ApiError(status, code, detail, problem.get("field"))

    def _unreadable(self, status: int) -> ApiError:
        said = (
            f"What answers at {self.url} (status {status}) is no hub's API. Look at the address, and at a proxy there."
        )
        return ApiError(status, UNREADABLE, said)
