"""The connection to a hub: signing in, renewing, one call, whole lists, files. Errors as exceptions."""

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

JsonObject = dict[str, Any]
TIMEOUT = aiohttp.ClientTimeout(total=30)
STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)


class ApiError(Exception):
    """The hub refused. code: stable id, detail: a sentence in the language asked for, field: the place if any."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field


class HubUnreachable(Exception):
    """Nothing answers at this address."""


class IdInvalid(ValueError):
    """No id or name that the hub gives: it would make another address of the call. Nothing was asked."""

    def __init__(self, id: str) -> None:
        super().__init__(f"{id!r} is no id")
        self.id = id


def path_of(*parts: str) -> str:
    """The path of these parts below /api/v1, each quoted, so that none leads to another resource.

    Raises IdInvalid for an empty part, "." and "..", which no quoting keeps a URL from resolving.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise IdInvalid(part)
    return "".join(f"/{quote(part, safe='')}" for part in parts)


class Calls:
    """The connection to one hub, and what every call has in common."""

    def __init__(self, url: str, *, key: str | None = None, language: str = "en") -> None:
        self.url = url.rstrip("/")
        self._token = key
        self._refresh_token: str | None = None
        self._headers = {"Accept-Language": language, "X-Plughub-Client": "program"}
        self._session: aiohttp.ClientSession | None = None

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
        """Any route below /api/v1; renews the access token once where it has run out. Ids in it go through path_of."""
        try:
            return await self._send(method, path, body, query)
        except ApiError as error:
            if error.code != "token-expired" or self._refresh_token is None:
                raise
        self.signed_in(await self._send("POST", "/auth/refresh", {"refresh_token": self._refresh_token}))
        return await self._send(method, path, body, query)

    async def items(self, path: str, query: Sequence[tuple[str, str]] = ()) -> list[JsonObject]:
        """A whole list, page by page."""
        items: list[JsonObject] = []
        page = await self.call("GET", path, query=query)
        items += page["items"]
        while page.get("next"):
            page = await self.call("GET", path, query=[*query, ("cursor", page["next"])])
            items += page["items"]
        return items

    async def stream(self, path: str, query: Sequence[tuple[str, str]] = ()) -> AsyncGenerator[bytes, None]:
        """What is no JSON, piece by piece, however long it is. Ends with HubUnreachable where it is cut off."""
        session, url = self._open(), f"{self.url}/api/v1{path}"
        try:
            async with session.get(url, params=list(query), headers=self._signed(), timeout=STREAM_TIMEOUT) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.json(content_type=None))
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise HubUnreachable(self.url) from error

    async def file(self, path: str, query: Sequence[tuple[str, str]] = ()) -> bytes:
        """The same as a whole."""
        return b"".join([piece async for piece in self.stream(path, query)])

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client as `async with HubClient(...)`")
        return self._session

    def signed_in(self, session: JsonObject) -> JsonObject:
        """Take over the tokens of an answer; its user and home."""
        self._token = session["access_token"]
        self._refresh_token = session.get("refresh_token") or self._refresh_token  # moving on keeps the session
        return {"user": session["user"], "home": session["home"]}

    def _signed(self) -> dict[str, str]:
        return self._headers | ({} if self._token is None else {"Authorization": f"Bearer {self._token}"})

    async def _send(
        self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()
    ) -> JsonObject:
        session, url = self._open(), f"{self.url}/api/v1{path}"
        try:
            async with session.request(method, url, json=body, params=list(query), headers=self._signed()) as response:
                content = await response.json(content_type=None) if response.status != 204 else {}
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise HubUnreachable(self.url) from error
        except ValueError as error:
            raise ApiError(response.status, "answer-not-json", f"no JSON from {url}") from error
        if response.status >= 400:
            raise _refusal(response.status, content)
        return content


def _refusal(status: int, problem: JsonObject) -> ApiError:
    return ApiError(status, problem["code"], problem["detail"], problem.get("field"))
