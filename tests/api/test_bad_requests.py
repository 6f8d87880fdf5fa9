"""Malformed requests: each with its own status, code and field, in the reader's language, and never a 500."""

import gzip
import io
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from hub.clock import Clock
from hub.devices.device import Device
from tests.api.house import House

JSON = {"Content-Type": "application/json"}
DEVICE = b'{"hardware_id":"plug-5","name":"Lamp"'


class Bad(NamedTuple):
    """A request and what must be answered. DEVICE in the path stands for a plug's id."""

    method: str
    path: str
    body: bytes | None
    status: int
    code: str
    field: str | None = None
    headers: dict[str, str] = JSON


TABLE = [
    # Not JSON
    Bad("POST", "/devices", None, 400, "body-missing"),
    Bad("POST", "/devices", b"{", 400, "json-truncated"),
    Bad("POST", "/devices", DEVICE, 400, "json-truncated"),
    Bad("POST", "/devices", b"{'hardware_id': 'x'}", 400, "json-broken"),
    Bad("POST", "/devices", DEVICE + b"} {}", 400, "json-broken"),
    Bad("POST", "/devices", DEVICE + b",}", 400, "json-broken"),
    Bad("POST", "/devices", DEVICE + b',"channels":NaN}', 400, "json-broken"),
    Bad("POST", "/devices", DEVICE + b',"channels":01}', 400, "json-broken"),
    Bad("POST", "/devices", b"\xef\xbb\xbf{}", 400, "json-broken"),
    Bad("POST", "/devices", b"\xff\xfe", 400, "json-broken"),
    Bad("POST", "/devices", b'{"hardware_id":"\xff"}', 400, "text-not-utf8"),
    Bad("POST", "/devices", b'{"hardware_id":"\\ud800"}', 400, "json-truncated"),
    Bad("POST", "/devices", b'{"room":' + b"[" * 100_000, 422, "field-type", "room"),
    Bad("PATCH", "/devices/DEVICE", b'{"x":' * 50_000, 422, "field-unknown", "x"),
    Bad("POST", "/devices", gzip.compress(b"{}"), 400, "json-broken"),
    Bad("POST", "/auth/login", b"junk", 400, "request-invalid", headers=JSON | {"Content-Encoding": "gzip"}),
    # Not an object
    Bad("POST", "/devices", b"[]", 422, "body-wrong"),
    Bad("POST", "/devices", b"null", 422, "body-wrong"),
    Bad("POST", "/devices", b'"x"', 422, "body-wrong"),
    # Not this content
    Bad("POST", "/devices", DEVICE + b"}", 415, "content-type-wrong", headers={"Content-Type": "text/plain"}),
    Bad(
        "POST",
        "/devices",
        b"name=x",
        415,
        "content-type-wrong",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Bad("POST", "/devices", DEVICE + b"}", 415, "content-type-wrong", headers={"Content-Type": ""}),
    Bad("POST", "/devices", b'{"name":"' + b"x" * 1_100_000 + b'"}', 413, "body-too-large"),
    # Fields
    Bad("POST", "/devices", b"{}", 422, "field-missing", "name"),
    Bad("POST", "/devices", b'{"name":"x"}', 422, "field-missing", "hardware_id"),
    Bad("POST", "/devices", DEVICE + b',"device_id":"plug-5"}', 422, "field-repeated", "device_id"),
    Bad("POST", "/devices", DEVICE + b',"pairing_code":""}', 422, "field-too-short", "pairing_code"),
    Bad("POST", "/devices", DEVICE + b',"pairing_code":"1234"}', 422, "pairing-code-invalid", "pairing_code"),
    Bad(
        "POST",
        "/devices",
        DEVICE + b',"pairing_code":"PLUGHUB:1:other:K7QM2XPA9D4THV3N"}',
        422,
        "pairing-label-other",
        "pairing_code",
    ),
    Bad("POST", "/devices/DEVICE/replace", b'{"hardware_id":"plug-5"}', 422, "field-missing", "pairing_code"),
    Bad("GET", "/pairings/none", None, 404, "pairing-unknown"),
    Bad("POST", "/devices", b'{"hardware_id":"plug-5"}', 422, "field-missing", "name"),
    Bad("POST", "/devices", DEVICE + b',"nmae":"x"}', 422, "field-unknown", "nmae"),
    Bad("POST", "/devices", DEVICE + b',"id":"mine"}', 422, "field-unknown", "id"),
    Bad("POST", "/devices", DEVICE + b',"home":"other"}', 422, "field-unknown", "home"),
    Bad("POST", "/devices", b'{"hardware_id":"no spaces","name":"x"}', 422, "field-format", "hardware_id"),
    Bad("POST", "/devices", b'{"hardware_id":"../../x","name":"x"}', 422, "field-format", "hardware_id"),
    Bad("POST", "/devices", b'{"hardware_id":"abc\\n","name":"x"}', 422, "hardware-id-invalid", "hardware_id"),
    Bad("POST", "/devices", b'{"hardware_id":"pair-abc","name":"x"}', 422, "hardware-id-invalid", "hardware_id"),
    Bad("POST", "/devices", b'{"hardware_id":"plug-1","name":"x"}', 409, "hardware-id-taken", "hardware_id"),
    Bad("POST", "/devices", b'{"hardware_id":"plug-5","name":"   "}', 422, "name-invalid", "name"),
    Bad("POST", "/devices", b'{"hardware_id":"plug-5","name":"' + b"x" * 61 + b'"}', 422, "field-too-long", "name"),
    Bad("POST", "/devices", DEVICE + b',"channels":17}', 422, "field-too-large", "channels"),
    Bad("POST", "/devices", DEVICE + b',"channels":0}', 422, "field-too-small", "channels"),
    Bad("POST", "/devices", DEVICE + b',"channels":"2"}', 422, "field-type", "channels"),
    Bad("POST", "/devices", DEVICE + b',"channels":1.5}', 422, "field-type", "channels"),
    Bad("POST", "/devices", DEVICE + b',"channels":true}', 422, "field-type", "channels"),
    Bad("POST", "/devices", DEVICE + b',"channels":1e999}', 422, "field-invalid", "channels"),
    Bad("POST", "/devices", DEVICE + b',"driver":"toaster"}', 422, "driver-missing", "driver"),
    Bad("POST", "/devices", DEVICE + b',"icon":"' + b"i" * 50 + b'"}', 422, "field-too-long", "icon"),
    Bad("PATCH", "/devices/DEVICE", b'{"name":null}', 422, "field-type", "name"),
    Bad("PATCH", "/devices/DEVICE", b'{"max_power_w":0}', 422, "field-too-small", "max_power_w"),
    Bad("PATCH", "/devices/DEVICE", b'{"max_power_w":25001}', 422, "field-too-large", "max_power_w"),
    Bad("PATCH", "/devices/DEVICE", b'{"channel":3,"max_power_w":5}', 422, "channel-unknown", "channel"),
    Bad("PATCH", "/devices/DEVICE", b'{"secret_hash":"x"}', 422, "field-unknown", "secret_hash"),
    Bad("POST", "/devices/DEVICE/command", b'{"command":"explode"}', 422, "field-choice", "command"),
    Bad("POST", "/devices/DEVICE/command", b'{"command":"ota"}', 422, "field-choice", "command"),
    Bad("POST", "/devices/DEVICE/command", b'{"command":"relay_on","channel":9}', 422, "channel-unknown", "channel"),
    Bad("POST", "/devices/DEVICE/command", b'{"command":"toggle"}', 409, "relay-unknown"),
    Bad("POST", "/devices/DEVICE/command", b'{"command":"relay_on"}', 409, "device-offline"),
    Bad("POST", "/devices/nobody/command", b'{"command":"relay_on"}', 404, "device-unknown"),
    Bad("GET", "/devices/%00", None, 404, "device-unknown"),
    # Queries
    Bad("GET", "/telemetry", None, 422, "field-missing", "device"),
    Bad("GET", "/telemetry?device=DEVICE", None, 422, "field-missing", "from"),
    Bad("GET", "/telemetry?device=DEVICE&from=x&to=1", None, 422, "field-type", "from"),
    Bad("GET", "/telemetry?device=DEVICE&from=-1&to=1", None, 422, "field-too-small", "from"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=99999999999999", None, 422, "field-too-large", "to"),
    Bad("GET", "/telemetry?device=DEVICE&from=2&to=2", None, 422, "series-range-invalid", "from"),
    Bad("GET", "/telemetry?device=DEVICE&from=2&to=1", None, 422, "series-range-invalid", "from"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1764000000000", None, 422, "range-too-long", "to"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&from=0", None, 422, "field-repeated", "from"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&points=9", None, 422, "field-too-small", "points"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&points=1e9", None, 422, "field-too-large", "points"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&points=many", None, 422, "field-type", "points"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&bucket=7m", None, 422, "field-choice", "bucket"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&bucket=", None, 422, "field-choice", "bucket"),
    Bad("GET", "/telemetry?device=DEVICE&from=0&to=1&foo=1", None, 422, "field-unknown", "foo"),
    Bad("GET", "/telemetry?device=DEVICE:7&from=0&to=1", None, 422, "channel-unknown", "device"),
    Bad("GET", "/telemetry?device=DEVICE:x&from=0&to=1", None, 404, "device-unknown", "device"),
    Bad("GET", "/telemetry?device=&from=0&to=1", None, 404, "device-unknown", "device"),
    Bad("GET", "/telemetry?" + "device=DEVICE&" * 51 + "from=0&to=1", None, 422, "field-too-long", "device"),
    Bad("GET", "/telemetry/live", None, 422, "field-missing", "device"),
    Bad("GET", "/gaps?device=DEVICE&from=0", None, 422, "field-missing", "to"),
    Bad("GET", "/devices?page=5", None, 422, "field-unknown", "page"),
    Bad("GET", "/devices?limit=0", None, 422, "field-too-small", "limit"),
    Bad("GET", "/devices?limit=501", None, 422, "field-too-large", "limit"),
    Bad("GET", "/devices?limit=all", None, 422, "field-type", "limit"),
    Bad("GET", "/devices?limit=1&limit=2", None, 422, "field-repeated", "limit"),
    Bad("GET", "/devices?cursor=guess", None, 422, "field-invalid", "cursor"),
    Bad("GET", "/devices?cursor=", None, 422, "field-invalid", "cursor"),
    Bad("GET", "/devices?cursor=WyJhIl0", None, 422, "field-invalid", "cursor"),
    Bad("GET", "/users?cursor=WzEsMl0", None, 422, "field-invalid", "cursor"),
    Bad("GET", "/rooms?cursor=WyJhIiwiYiJd", None, 422, "field-invalid", "cursor"),
    Bad("GET", "/rooms?cursor=" + "A" * 1001, None, 422, "field-too-long", "cursor"),
    Bad("GET", "/gaps?device=DEVICE&from=0&to=1&cursor=x", None, 422, "field-invalid", "cursor"),
    # Rooms and shares
    Bad("POST", "/rooms", b"{}", 422, "field-missing", "name"),
    Bad("POST", "/rooms", b'{"name":""}', 422, "field-too-short", "name"),
    Bad("POST", "/rooms", b'{"name":" \\t "}', 422, "name-invalid", "name"),
    Bad("POST", "/rooms", b'{"name":"Hall"}', 409, "room-name-taken", "name"),
    Bad("PATCH", "/rooms/nowhere", b'{"name":"Attic"}', 404, "home-room-unknown"),
    Bad("PATCH", "/rooms/Hall", b'{"name":"Attic"}', 404, "home-room-unknown"),
    Bad("PATCH", "/rooms/nowhere", b'{"position":-1}', 422, "field-too-small", "position"),
    Bad("DELETE", "/rooms/nowhere", None, 404, "home-room-unknown"),
    Bad("PUT", "/devices/DEVICE/shares/nobody", b'{"right":"view"}', 404, "user-unknown"),
    Bad("PUT", "/devices/DEVICE/shares/nobody", b'{"right":"own"}', 422, "field-choice", "right"),
    Bad("PUT", "/devices/DEVICE/shares/nobody", b'{"right":null}', 422, "field-type", "right"),
    Bad("PUT", "/devices/DEVICE/shares/nobody", b"{}", 422, "field-missing", "right"),
    Bad("DELETE", "/devices/DEVICE/shares/nobody", None, 404, "user-unknown"),
    Bad("POST", "/devices/DEVICE/shares", b"{}", 405, "method-not-allowed"),
    Bad("PATCH", "/devices/DEVICE", b'{"private":"yes"}', 422, "field-type", "private"),
    Bad("PATCH", "/devices/DEVICE", b'{"room_id":"x"}', 422, "field-unknown", "room_id"),
    Bad("DELETE", "/devices/found", None, 405, "method-not-allowed"),
    Bad("DELETE", "/homes/current", None, 405, "method-not-allowed"),
    # Oneself, keys and links
    Bad("POST", "/account/password", b'{"current":"x"}', 422, "field-missing", "password"),
    Bad(
        "POST",
        "/account/password",
        b'{"current":"x","password":"a long enough phrase"}',
        422,
        "password-wrong",
        "current",
    ),
    Bad("POST", "/account/delete", b'{"password":""}', 422, "password-wrong", "password"),
    Bad("PATCH", "/account", b'{"language":"fr"}', 422, "field-choice", "language"),
    Bad("PATCH", "/account", b'{"email":"new@example.org"}', 422, "field-missing", "password"),
    Bad("PATCH", "/account", b'{"role":"admin"}', 422, "field-unknown", "role"),
    Bad("POST", "/account/home", b'{"home":"elsewhere"}', 404, "home-unknown", "home"),
    Bad("POST", "/account/second-factor/confirm", b'{"code":"000000"}', 422, "enrolment-over"),
    Bad("POST", "/account/keys", b'{"name":"x","scopes":[]}', 422, "field-too-short", "scopes"),
    Bad("POST", "/account/keys", b'{"name":"x","scopes":["root"]}', 422, "field-choice", "scopes[0]"),
    Bad("POST", "/account/keys", b'{"name":"x","scopes":["read"]}', 422, "field-missing", "password"),
    Bad(
        "POST",
        "/account/keys",
        b'{"name":"x","scopes":["read"],"password":"a wrong one"}',
        422,
        "password-wrong",
        "password",
    ),
    Bad(
        "POST",
        "/account/keys",
        b'{"name":"x","scopes":["read"],"expires":1,"password":"a quiet blue kettle"}',
        422,
        "expiry-past",
        "expires",
    ),
    Bad("DELETE", "/account/keys/none", None, 404, "key-unknown"),
    Bad("DELETE", "/account/sessions/none", None, 404, "session-unknown"),
    Bad("POST", "/auth/link", b'{"token":"short"}', 422, "field-too-short", "token"),
    Bad("POST", "/auth/link", b'{"token":"not-a-link-of-this-hub"}', 410, "invitation-over"),
    Bad("POST", "/invitations", b'{"role":"owner"}', 422, "field-choice", "role"),
    Bad("DELETE", "/invitations/none", None, 404, "invitation-unknown"),
    Bad("PATCH", "/homes/current", b'{"currency":"euro"}', 422, "field-format", "currency"),
    Bad("PATCH", "/homes/current", b'{"time_zone":"Mars/Olympus"}', 422, "time-zone-unknown", "time_zone"),
    Bad("PATCH", "/homes/current", b'{"price":-1}', 422, "field-too-small", "price"),
    Bad("PATCH", "/homes/current", b'{"week_start":7}', 422, "field-too-large", "week_start"),
    Bad("DELETE", "/homes/none", None, 404, "home-unknown"),
    Bad("PATCH", "/users/nobody", b'{"role":"guest"}', 404, "user-unknown"),
    # People and programs
    Bad("POST", "/users", b'{"name":"x","email":"no-address"}', 422, "field-format", "email"),
    Bad("POST", "/users", b'{"name":"x","email":"x@y","role":"owner"}', 422, "field-choice", "role"),
    Bad("POST", "/users", b'{"name":"x","email":"x@y","password":"short"}', 422, "password-too-short", "password"),
    Bad("POST", "/users", b'{"name":"x","email":"admin@example.org"}', 409, "email-taken", "email"),
    Bad("POST", "/mqtt-clients", b'{"name":"node-red"}', 422, "filters-missing", "read"),
    Bad("POST", "/mqtt-clients", b'{"name":"node-red","read":["a/#/b"]}', 422, "filter-invalid", "read"),
    Bad("POST", "/mqtt-clients", b'{"name":"node-red","read":[""]}', 422, "field-too-short", "read[0]"),
    Bad("POST", "/mqtt-clients", b'{"name":"node-red","read":"a"}', 422, "field-type", "read"),
    Bad("POST", "/mqtt-clients", b'{"name":"a b","read":["a"]}', 422, "field-format", "name"),
    Bad("DELETE", "/mqtt-clients/nobody", None, 404, "client-unknown"),
    Bad("POST", "/auth/login", b'{"email":"x"}', 422, "field-missing", "password"),
    Bad("POST", "/auth/login", b'{"email":"admin@example.org","password":7}', 422, "field-type", "password"),
    Bad("POST", "/auth/refresh", b'{"refresh_token":"guess"}', 401, "session-ended"),
    Bad("POST", "/setup", b"{}", 422, "field-missing", "name"),
    # Addresses
    Bad("GET", "/nothing", None, 404, "path-unknown"),
    Bad("GET", "/devices/a/b/c", None, 404, "path-unknown"),
    Bad("GET", "/devices/%7Bdevice%7D", None, 404, "device-unknown"),
    Bad("DELETE", "/schedules/%7Bschedule%7D", None, 404, "schedule-unknown"),
    Bad("PUT", "/devices", b"{}", 405, "method-not-allowed"),
    Bad("DELETE", "/devices", None, 405, "method-not-allowed"),
    Bad("POST", "/openapi.json", b"{}", 405, "method-not-allowed"),
]


class Stage(NamedTuple):
    """Where the whole table is played: nothing of it may change anything."""

    house: House
    plug: Device
    headers: dict[str, str]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    house = House(tmp_path_factory.mktemp("house"), Clock())
    await house.start()
    await house.move_in()
    yield Stage(house, await house.plug("plug-1", room="Hall"), await house.headers("admin"))
    await house.stop()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: f"{bad.method}{bad.path[:40]}-{bad.code}")
async def test_each_gets_its_problem(stage: Stage, bad: Bad) -> None:
    house, plug, signed = stage
    url = f"http://127.0.0.1:{house.server.port}/api/v1{bad.path.replace('DEVICE', plug.id)}"
    headers = {**signed, **bad.headers, "Accept-Language": "de"}
    skip = [] if headers.get("Content-Type") else ["Content-Type"]
    async with house.http.request(
        bad.method,
        url,
        data=None if bad.body is None else io.BytesIO(bad.body),
        headers=headers,
        skip_auto_headers=skip,
    ) as response:
        problem: dict[str, Any] = await response.json(content_type="application/problem+json")
        assert (response.status, problem["code"], problem.get("field")) == (bad.status, bad.code, bad.field)
        assert problem["status"] == response.status
        assert problem["title"]
        assert problem["detail"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in response.headers or "aiohttp" not in response.headers["Server"]
    async with house.http.get("/api/v1/devices", headers=signed) as response:
        assert [(device["id"], device["name"]) for device in (await response.json())["items"]] == [(plug.id, "plug-1")]


async def test_a_problem_speaks_the_readers_language(house: House) -> None:
    for language, detail in (("en", "hardware_id is missing."), ("de", "hardware_id fehlt.")):
        headers = {**await house.headers("admin"), "Accept-Language": language}
        async with house.http.post("/api/v1/devices", json={"name": "x"}, headers=headers) as response:
            assert (await response.json(content_type=None))["detail"] == detail


async def test_405_names_what_is_possible(house: House) -> None:
    async with house.http.put("/api/v1/devices") as response:
        assert response.headers["Allow"] == "GET, HEAD, POST"


async def test_what_nobody_expected_is_logged_and_says_little(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_principal: object) -> None:
        raise ZeroDivisionError("secret detail")

    headers = await house.headers("admin")
    monkeypatch.setattr(house.registry, "list", broken)
    async with house.http.get("/api/v1/devices", headers=headers) as response:
        assert response.status == 500
        text = await response.text()
    assert "internal-error" in text
    assert "secret detail" not in text
    assert "ZeroDivisionError" in caplog.text
