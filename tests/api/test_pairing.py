"""Pairing over the API: the seed's form, each step for whoever opened it, replacing a dead plug, and how often."""

import asyncio
import base64
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from hub.api import ApiServer
from hub.auth.limits import RateLimits, Rates
from hub.devices.pairing import protocol as p
from hub.testing.clock import FakeClock
from tests.api.house import House

CODE = "K7QM-2XPA-9D4T-HV3N"


class Label:
    """A plug that knows its code, and the broker that carries what the hub answers."""

    def __init__(self, house: House, hardware_id: str, code: str = CODE) -> None:
        self.house, self.hardware_id, self.code = house, hardware_id, p.read_label(code).code
        self.answers: list[dict[str, Any]] = []
        house.pairing.start(self)

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        self.answers.append(json.loads(payload))
        return True

    def drop(self, hardware_id: str) -> None:
        """It comes back by itself."""

    def hello(self) -> p.Exchange:
        nonce = bytes(16)
        self._say({"nonce_p": nonce.hex(), "model": "esp32-ina219"})
        answer = self.answers[-1]
        nonce_h, ca = bytes.fromhex(answer["nonce_h"]), bytes.fromhex(answer["ca_sha256"])
        return p.Exchange(self.code, self.hardware_id, nonce, nonce_h, ca)

    async def pairs(self) -> None:
        """All four messages, and the login with what was sealed."""
        exchange = self.hello()
        self._say({"nonce_h": exchange.nonce_h.hex(), "proof_p": p.proof(exchange, p.PLUG).hex()})
        cipher = Cipher(algorithms.AES(p.seal_keys(exchange)[0]), modes.CTR(bytes(16))).decryptor()
        secret = json.loads(cipher.update(base64.b64decode(self.answers[-1]["sealed"])[:-32]))["secret"]
        hashed = hashlib.sha256(secret.encode()).digest()
        assert self.house.pairing.accepts(self.hardware_id, hashed)
        while self.house.pairing.completing:
            await asyncio.sleep(0)

    def _say(self, message: dict[str, Any]) -> None:
        self.house.pairing.message(self.hardware_id, json.dumps(message).encode())


async def call(house: House, role: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    signed = await house.headers(role) | headers
    async with house.http.request(method, f"/api/v1{path}", json=body, headers=signed) as response:
        return response.status, await response.json(content_type=None)


@asynccontextmanager
async def follows(house: House, role: str, *rooms: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with house.http.ws_connect("/api/v1/ws", headers={"Accept-Language": "de"}) as socket:
        await socket.send_json({"type": "auth", "token": await house.token(role)})
        await socket.send_json({"type": "subscribe", "rooms": [*rooms, f"user:{house.principal(role).user}"]})
        while (await socket.receive_json())["type"] != "subscribed":
            pass
        yield socket


async def test_each_step_of_the_seeds_form_is_told_to_whoever_opened_it(house: House) -> None:
    home = f"home:{house.home}"
    async with follows(house, "user", home) as mine, follows(house, "admin", home) as others:
        asked = {"device_id": "plug-1", "name": "Kettle", "pairing_code": f"PLUGHUB:1:plug-1:{CODE}"}
        status, window = await call(house, "user", "POST", "/devices", asked)
        assert (status, window["state"], window["tries_left"]) == (202, "waiting", 5)
        assert window["expires"] - window["opened"] == 600_000
        await Label(house, "plug-1").pairs()
        steps: list[dict[str, Any]] = []
        while not steps or steps[-1]["state"] != "done":
            frame = await mine.receive_json()
            if frame["type"] == "pairing":
                steps.append(frame["pairing"])
        assert [step["state"] for step in steps] == ["waiting", "heard", "proved", "sealed", "done"]
        assert {step["id"] for step in steps} == {window["id"]}
        device = house.registry.by_hardware("plug-1")
        assert device is not None
        assert (steps[-1]["device"], device.name, device.model) == (device.id, "Kettle", "esp32-ina219")
        assert (await call(house, "user", "GET", f"/pairings/{window['id']}"))[1] == steps[-1]
        await others.send_json({"type": "ping"})
        heard: list[str] = []
        while "pong" not in heard:
            heard.append((await others.receive_json())["type"])
        assert "device" in heard
        assert "pairing" not in heard
    _, log = await call(house, "admin", "GET", "/audit?action=pairing")
    assert [(line["action"], line["actor"]) for line in log["items"]] == [
        ("pairing.open", house.principal("user").user)
    ]
    assert not {CODE, CODE.replace("-", "")} & set(json.dumps(log).split('"'))


async def test_a_wrong_code_is_told_at_once_in_the_readers_language(house: House) -> None:
    await house.people.change_profile(house.principal("user"), language="de")
    await call(house, "user", "POST", "/devices", {"device_id": "plug-1", "name": "x", "pairing_code": CODE})
    async with follows(house, "user") as socket:
        plug = Label(house, "plug-1", "0000-0000-0000-0000")
        for left in (4, 3, 2, 1, 0):
            exchange = plug.hello()
            plug._say({"nonce_h": exchange.nonce_h.hex(), "error": "proof"})
            while (told := (await socket.receive_json())["pairing"])["tries_left"] != left:
                pass
            assert told["error"]["code"] == "pairing-code-wrong"
            assert "Etikett" in told["error"]["detail"]
        assert told["state"] == "failed"


async def test_a_dead_plug_is_replaced_and_the_device_goes_on(house: House) -> None:
    dead = await house.plug("plug-1", name="Freezer")
    asked = {"hardware_id": "plug-2", "pairing_code": CODE}
    status, window = await call(house, "admin", "POST", f"/devices/{dead.id}/replace", asked)
    assert (status, window["replaces"], window["name"]) == (202, dead.id, "Freezer")
    await Label(house, "plug-2").pairs()
    now = house.registry.device(dead.id)
    assert now is not None
    assert (now.hardware_id, now.name, now.key) == ("plug-2", "Freezer", dead.key)
    assert house.registry.by_hardware("plug-1") is None


async def test_windows_are_listed_and_cancelled_and_nobody_else_may_join(house: House) -> None:
    asked = {"device_id": "plug-1", "name": "x", "pairing_code": CODE}
    _, window = await call(house, "user", "POST", "/devices", asked)
    assert (await call(house, "admin", "POST", "/devices", asked))[1]["code"] == "pairing-busy"
    assert (await call(house, "admin", "GET", "/pairings"))[1] == {"items": [window], "offered": True, "next": None}
    status, ended = await call(house, "user", "DELETE", f"/pairings/{window['id']}")
    assert (status, ended["state"], ended["error"]["code"]) == (200, "failed", "pairing-cancelled")


async def test_windows_are_opened_a_few_a_minute_for_each_person_and_address(house: House) -> None:
    limits = RateLimits(FakeClock(), Rates(writes=2))
    services = dataclasses.replace(house.services, pairing_limits=limits)
    server = ApiServer(services, host="127.0.0.1", port=0, static=house.data / "static")
    await server.start()
    url = f"http://127.0.0.1:{server.port}/api/v1/devices"
    asked = {"device_id": "plug-1", "name": "x", "pairing_code": CODE}
    answers = []
    for role in ("user", "user", "user", "admin"):  # all from one address
        async with house.http.post(url, json=asked, headers=await house.headers(role)) as response:
            answers.append(response.status)
    await server.stop()
    assert answers == [202, 202, 429, 429]
