"""A small asynchronous client of the hub's API. Answers are its JSON (/api/v1/openapi.json) as dictionaries."""

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Any, Self

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


class HubClient:
    """Talks to one hub, as a person (`login`) or with a key. Use it as `async with HubClient(url, key=...) as hub:`.

    An access token that has run out is renewed by itself. Every call may raise ApiError or HubUnreachable.
    """

    def __init__(self, url: str, *, key: str | None = None, language: str = "en") -> None:
        self.url = url.rstrip("/")
        self._token = key
        self._refresh_token: str | None = None
        self._headers = {"Accept-Language": language, "X-Plughub-Client": "program"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def login(self, email: str, password: str) -> JsonObject:
        """Sign in as a person; returns the user and the home."""
        return self._signed_in(await self._send("POST", "/auth/login", {"email": email, "password": password}))

    async def logout(self) -> None:
        """End the session on the hub."""
        await self._send("POST", "/auth/logout", {"refresh_token": self._refresh_token})
        self._token = self._refresh_token = None

    @property
    def token(self) -> str | None:
        """The access token or key in use; the WebSocket takes it in its first message."""
        return self._token

    async def info(self) -> JsonObject:
        """Name, version and set-up state of the hub."""
        return await self.call("GET", "/system/info")

    async def setup(self, **fields: Any) -> JsonObject:
        """Make the home and its first admin, and be signed in as them."""
        return self._signed_in(await self._send("POST", "/setup", fields))

    async def me(self) -> JsonObject:
        """Who is signed in, and the home."""
        return await self.call("GET", "/auth/me")

    async def devices(self) -> list[JsonObject]:
        """Every device that you may see."""
        return await self._items("/devices")

    async def device(self, id: str) -> JsonObject:
        """One device by its id."""
        return await self.call("GET", f"/devices/{id}")

    async def add_device(self, hardware_id: str, name: str, **fields: Any) -> JsonObject:
        """Add a plug; `device` and `secret`, which is shown once."""
        return await self.call("POST", "/devices", {"hardware_id": hardware_id, "name": name, **fields})

    async def pair_device(self, hardware_id: str, name: str, code: str, **fields: Any) -> JsonObject:
        """Wait for a plug that knows the code on its label: the pairing, whose state `pairing` says."""
        body = {"hardware_id": hardware_id, "name": name, "pairing_code": code, **fields}
        return await self.call("POST", "/devices", body)

    async def replace_device(self, id: str, hardware_id: str, code: str) -> JsonObject:
        """Wait for a plug that takes the place of this device."""
        return await self.call("POST", f"/devices/{id}/replace", {"hardware_id": hardware_id, "pairing_code": code})

    async def pairings(self) -> list[JsonObject]:
        """Plugs that are waited for, and those of late."""
        return await self._items("/pairings")

    async def pairing(self, id: str) -> JsonObject:
        """How far a plug is."""
        return await self.call("GET", f"/pairings/{id}")

    async def cancel_pairing(self, id: str) -> JsonObject:
        """Stop waiting; how it ended."""
        return await self.call("DELETE", f"/pairings/{id}")

    async def change_device(self, id: str, **fields: Any) -> JsonObject:
        """Change name, room, icon, always_on or max_power_w."""
        return await self.call("PATCH", f"/devices/{id}", fields)

    async def renew_secret(self, id: str) -> JsonObject:
        """A new secret for the same plug; `device` and `secret`, which is shown once."""
        return await self.call("POST", f"/devices/{id}/secret")

    async def remove_device(self, id: str) -> None:
        """Take a plug out of the hub."""
        await self.call("DELETE", f"/devices/{id}")

    async def command(self, id: str, command: str, channel: int = 0) -> JsonObject:
        """relay_on, relay_off, toggle, identify or reboot; returns when the plug has answered."""
        return await self.call("POST", f"/devices/{id}/command", {"command": command, "channel": channel})

    async def schedules(self, device: str | None = None) -> list[JsonObject]:
        """When which outlets are switched: of every device that you may see, or of this one."""
        return await self._items("/schedules", [] if device is None else [("device", device)])

    async def add_schedule(self, device: str, name: str, **fields: Any) -> JsonObject:
        """`days` (0 = Monday), `time` (HH:MM in the home's zone), `command` (relay_on, relay_off), `channel`."""
        return await self.call("POST", "/schedules", {"device": device, "name": name, **fields})

    async def change_schedule(self, id: str, **fields: Any) -> JsonObject:
        """Change name, days, time, command or enabled."""
        return await self.call("PATCH", f"/schedules/{id}", fields)

    async def remove_schedule(self, id: str) -> None:
        """Take it away."""
        await self.call("DELETE", f"/schedules/{id}")

    async def alerts(self, device: str | None = None) -> list[JsonObject]:
        """The alerts and how they stand: of every device that you may see, or of this one."""
        return await self._items("/alerts", [] if device is None else [("device", device)])

    async def add_alert(self, device: str, name: str, kind: str, **fields: Any) -> JsonObject:
        """kind: power_above, power_below (with `threshold` in W) or offline; `hold_s`, `channel`."""
        return await self.call("POST", "/alerts", {"device": device, "name": name, "kind": kind, **fields})

    async def change_alert(self, id: str, **fields: Any) -> JsonObject:
        """Change name, threshold, hold_s or enabled."""
        return await self.call("PATCH", f"/alerts/{id}", fields)

    async def remove_alert(self, id: str) -> None:
        """Take it away."""
        await self.call("DELETE", f"/alerts/{id}")

    async def telemetry(
        self, outlets: Sequence[str], start: int, end: int, *, points: int = 1000, bucket: str | None = None
    ) -> JsonObject:
        """Power and energy of outlets (ID or ID:CHANNEL) from start to end, Unix ms."""
        query = [*_range(outlets, start, end), ("points", str(points))]
        return await self.call("GET", "/telemetry", query=query + ([("bucket", bucket)] if bucket else []))

    async def export(
        self, outlets: Sequence[str], start: int, end: int, *, bucket: str = "15m"
    ) -> AsyncGenerator[bytes, None]:
        """The same as a CSV file, piece by piece, however long it is. Ends with HubUnreachable where it is cut off."""
        if self._session is None:
            raise RuntimeError("use the client as `async with HubClient(...)`")
        query = [*_range(outlets, start, end), ("bucket", bucket)]
        url = f"{self.url}/api/v1/telemetry/export"
        try:
            async with self._session.get(url, params=query, headers=self._signed(), timeout=STREAM_TIMEOUT) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.json(content_type=None))
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise HubUnreachable(self.url) from error

    async def live(self, outlet: str) -> JsonObject:
        """The samples of the last ten minutes."""
        return await self.call("GET", "/telemetry/live", query=[("device", outlet)])

    async def gaps(self, outlets: Sequence[str], start: int, end: int) -> list[JsonObject]:
        """What was not measured between start and end, and why."""
        return await self._items("/gaps", _range(outlets, start, end))

    async def report(self, period: str = "month", of: str | None = None) -> JsonObject:
        """Energy and cost of a day, week, month or year: the running one, or that of a date (2026, 2026-10, …)."""
        return await self.call("GET", "/reports/energy", query=_period(period, of))

    async def report_file(self, period: str = "month", of: str | None = None, *, form: str = "pdf") -> bytes:
        """The same as a file: csv or pdf."""
        if self._session is None:
            raise RuntimeError("use the client as `async with HubClient(...)`")
        url = f"{self.url}/api/v1/reports/energy.{form}"
        try:
            async with self._session.get(url, params=_period(period, of), headers=self._signed()) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.json(content_type=None))
                return await response.read()
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise HubUnreachable(self.url) from error

    async def history_stats(self) -> JsonObject:
        """What history holds."""
        return await self.call("GET", "/system/history")

    async def check_history(self) -> JsonObject:
        """What a reading of all of history found."""
        return await self.call("POST", "/system/history/check")

    async def broker_stats(self) -> JsonObject:
        """What the MQTT broker has counted since the hub started."""
        return await self.call("GET", "/system/broker")

    async def mqtt_clients(self) -> list[JsonObject]:
        """Logins of other MQTT programs."""
        return await self._items("/mqtt-clients")

    async def add_mqtt_client(self, name: str, read: Sequence[str] = (), write: Sequence[str] = ()) -> JsonObject:
        """A login for another MQTT program; `client` and `secret`, which is shown once."""
        return await self.call("POST", "/mqtt-clients", {"name": name, "read": list(read), "write": list(write)})

    async def remove_mqtt_client(self, name: str) -> None:
        """End that login."""
        await self.call("DELETE", f"/mqtt-clients/{name}")

    async def certificates(self) -> JsonObject:
        """`web` and `mqtt`: the authority and the certificate of each, None where it is off."""
        return await self.call("GET", "/certificates")

    async def renew_certificates(self) -> JsonObject:
        """Issue new ones now; the same as `certificates`."""
        return await self.call("POST", "/certificates/renew")

    async def users(self) -> list[JsonObject]:
        """The people of the home."""
        return await self._items("/users")

    async def add_user(self, name: str, email: str, role: str = "user", password: str | None = None) -> JsonObject:
        """A person; `password` in the answer where the hub made it."""
        body = {"name": name, "email": email, "role": role, "password": password}
        return await self.call("POST", "/users", body)

    async def change_user(self, id: str, **fields: Any) -> JsonObject:
        """Another `role`, or `disabled`."""
        return await self.call("PATCH", f"/users/{id}", fields)

    async def remove_user(self, id: str) -> None:
        """Take somebody out of the home."""
        await self.call("DELETE", f"/users/{id}")

    async def set_password(self, id: str, password: str, *, keep_second_factor: bool = True) -> None:
        """Somebody's password anew, by a link that is used at once."""
        made = await self.call("POST", f"/users/{id}/password-link")
        token = made["link"].partition("#")[2]
        await self.call("POST", "/auth/password", {"token": token, "password": password})
        if not keep_second_factor:
            await self.call("DELETE", f"/users/{id}/second-factor")

    async def invite(self, role: str = "user") -> JsonObject:
        """`link` with which somebody joins the home, and its `invitation`."""
        return await self.call("POST", "/invitations", {"role": role})

    async def keys(self, user: str | None = None) -> list[JsonObject]:
        """Your API keys, or (for admins) somebody's."""
        return await self._items("/account/keys" if user is None else f"/users/{user}/keys")

    async def add_key(
        self, name: str, scopes: Sequence[str], *, expires: int | None = None, user: str | None = None
    ) -> JsonObject:
        """A key for yourself, or (from the machine's command line) for somebody; `text` is shown once."""
        path = "/account/keys" if user is None else f"/users/{user}/keys"
        return await self.call("POST", path, {"name": name, "scopes": list(scopes), "expires": expires})

    async def remove_key(self, id: str, *, user: str | None = None) -> None:
        """End a key."""
        await self.call("DELETE", f"/account/keys/{id}" if user is None else f"/users/{user}/keys/{id}")

    async def audit(self, *, refused: bool | None = None, most: int = 1000, **asked: str) -> list[JsonObject]:
        """Lines of the audit log, the newest first; asked: actor, action, object."""
        query = [*asked.items(), *([] if refused is None else [("refused", str(refused).lower())])]
        lines: list[JsonObject] = []
        cursor: str | None = None
        while len(lines) < most:
            more = [] if cursor is None else [("cursor", cursor)]
            limit = ("limit", str(min(500, most - len(lines))))
            page = await self.call("GET", "/audit", query=[*query, limit, *more])
            lines += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        return lines

    async def backups(self) -> JsonObject:
        """`items`, newest first, and `state`: what runs, how the last went, when the next is due, what is set."""
        return await self.call("GET", "/backups")

    async def start_backup(self, *, history: bool | None = None, folder: str | None = None) -> JsonObject:
        """Start one now; the state as in `backups`, with `running` until it has ended."""
        return await self.call("POST", "/backups", {"history": history, "folder": folder})

    async def call(self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()) -> JsonObject:
        """Any route below /api/v1; renews the access token once where it has run out."""
        try:
            return await self._send(method, path, body, query)
        except ApiError as error:
            if error.code != "token-expired" or self._refresh_token is None:
                raise
        self._signed_in(await self._send("POST", "/auth/refresh", {"refresh_token": self._refresh_token}))
        return await self._send(method, path, body, query)

    async def _items(self, path: str, query: Sequence[tuple[str, str]] = ()) -> list[JsonObject]:
        items: list[JsonObject] = []
        page = await self.call("GET", path, query=query)
        items += page["items"]
        while page.get("next"):
            page = await self.call("GET", path, query=[*query, ("cursor", page["next"])])
            items += page["items"]
        return items

    def _signed_in(self, session: JsonObject) -> JsonObject:
        self._token = session["access_token"]
        self._refresh_token = session.get("refresh_token")
        return {"user": session["user"], "home": session["home"]}

    def _signed(self) -> dict[str, str]:
        return self._headers | ({} if self._token is None else {"Authorization": f"Bearer {self._token}"})

    async def _send(
        self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()
    ) -> JsonObject:
        if self._session is None:
            raise RuntimeError("use the client as `async with HubClient(...)`")
        try:
            async with self._session.request(
                method, f"{self.url}/api/v1{path}", json=body, params=list(query), headers=self._signed()
            ) as response:
                content = await response.json(content_type=None) if response.status != 204 else {}
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise HubUnreachable(self.url) from error
        except ValueError as error:
            raise ApiError(response.status, "answer-not-json", f"no JSON from {self.url}{path}") from error
        if response.status >= 400:
            raise _refusal(response.status, content)
        return content


def _refusal(status: int, problem: JsonObject) -> ApiError:
    return ApiError(status, problem["code"], problem["detail"], problem.get("field"))


def _range(outlets: Sequence[str], start: int, end: int) -> list[tuple[str, str]]:
    return [*(("device", outlet) for outlet in outlets), ("from", str(start)), ("to", str(end))]


def _period(period: str, of: str | None) -> list[tuple[str, str]]:
    return [("period", period), *([] if of is None else [("of", of)])]
